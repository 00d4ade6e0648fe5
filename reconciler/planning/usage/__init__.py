"""Usage: which month counts, what feeds each line, and the quantity that comes out."""

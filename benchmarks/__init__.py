"""How fast, how small, how many requests: `make bench`."""

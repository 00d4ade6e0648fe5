"""Agreement lines: whose they are, what becomes of each, and the requests that make it so."""

"""Products: which records names mean, what becomes of each, and what their prices mean for lines."""

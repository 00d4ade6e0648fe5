"""A frozen month as a file."""

"""What is read, how often, and what happens when it cannot be read."""

"""What the workflows promise, read from their YAML, and what their steps do."""

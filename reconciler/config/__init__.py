"""Files → Desired: source positions, the schema of the format, cross-file rules. Imports the model only."""

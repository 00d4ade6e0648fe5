"""Documentation that is tested: examples load, outputs are real, references are complete."""

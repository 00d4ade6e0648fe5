"""The command line: composes the layers, and alone knows environment, clock, exit codes and streams."""

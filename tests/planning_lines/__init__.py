"""Sophos usage onto existing agreement lines: YAML, bill and lines in; states, quantities and money out."""

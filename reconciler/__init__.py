"""Sophos product mappings for ConnectWise PSA as reviewed YAML, reconciled by plan and apply."""

__version__ = "0.1.0"

"""Tests of the configuration layer, all through `load`."""

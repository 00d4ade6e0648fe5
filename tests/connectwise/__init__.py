"""Tests of reconciler.connectwise."""

"""Tests of reconciler.transport."""

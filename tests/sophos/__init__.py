"""Tests of reconciler.sophos."""

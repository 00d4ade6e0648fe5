"""Tests of reconciler.observation.billing."""

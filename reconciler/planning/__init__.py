"""From desired and observed to a plan: pure functions, no clock, no environment, no I/O."""

"""Writing plans: outcomes, stale plans, interruptions."""

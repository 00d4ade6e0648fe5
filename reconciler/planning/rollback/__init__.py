"""What takes a run back: the plan, its products and its lines."""

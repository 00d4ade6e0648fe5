"""Whole stories: plan, apply, plan again, on made-up and on generated sites."""

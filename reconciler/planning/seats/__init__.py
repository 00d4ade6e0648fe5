"""Seats that pass from one line to another: by whom they may be held, and that both lines are written."""

"""What people install: the wheel and the lock file."""

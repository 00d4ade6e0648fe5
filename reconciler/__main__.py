"""`python -m reconciler`, where the script is not on the path."""

from reconciler.cli.main import run

run()

"""`python -m reconciler` and the installed script.

It imports nothing slow itself, so that a Ctrl-C is no traceback while Python still reads the program.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and exit."""
    try:
        from reconciler.cli.main import run

        run()
    except KeyboardInterrupt:
        sys.stderr.write("Interrupted.\n")
        sys.exit(130)


if __name__ == "__main__":
    main()

"""The program as a process of its own, on the day of the small MSP: `python -m tests.faults.process …`."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime

from reconciler.cli.main import run
from reconciler.cli.runtime import Runtime

if __name__ == "__main__":
    # A job in the background starts with Ctrl-C ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    run(Runtime(environ=os.environ, now=lambda: datetime(2026, 11, 27, 10, tzinfo=UTC)))

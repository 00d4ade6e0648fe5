"""How long a saved plan takes to be read, beside its JSON: `python -m benchmarks.reading FILE`.

Prints the processor's seconds of `json.loads` of its text, and of reading the plan with every check. The
least of three, each after a first one that loads what they need.
"""

from __future__ import annotations

import gc
import gzip
import json
import sys
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING

from reconciler.cli.plan_files import read_plan

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds(work: Callable[[], object]) -> float:
    """The least of three, after one that is not counted."""
    taken = []
    for _ in range(4):
        started = process_time()
        work()
        taken.append(process_time() - started)
    return min(taken[1:])


if __name__ == "__main__":
    path = Path(sys.argv[1])
    content = path.read_bytes()
    text = gzip.decompress(content) if path.suffix == ".gz" else content
    gc.set_threshold(100_000, 100, 100)  # as the command has it
    print(seconds(lambda: json.loads(text)), seconds(lambda: read_plan(path)))

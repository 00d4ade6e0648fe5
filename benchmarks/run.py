"""Measures what docs/performance.md promises: `python -m benchmarks.run`. For Linux and macOS.

Time is wall-clock time, with the processor's own time beside it: the first grows with whatever else the
machine does, the second less. Every figure is of the whole process, as a user starts it. This process
imports little on purpose: on Linux a child's peak memory counts what its parent held at the fork.
"""

from __future__ import annotations

import argparse
import compileall
import os
import platform
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.catalog import catalog_rows, offline_rows
from benchmarks.folders import Size
from benchmarks.measure import ROOT, table
from benchmarks.plan_files import plan_file_rows
from benchmarks.usage import distributor_rows, no_change_rows, side_by_side_rows, update_rows

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.measure import Row


def parts(folder: Path, *, quick: bool) -> dict[str, Callable[[], list[Row]]]:
    """What can be measured, by name. `quick` leaves out, or makes smaller, what takes longer than 20 s."""
    found: dict[str, Callable[[], list[Row]]] = {
        "offline": lambda: offline_rows(folder),
        "catalog": lambda: catalog_rows(folder, times=1 if quick else 5),
        "no-change": lambda: no_change_rows(folder / "no-change", Size(2_000), times=1 if quick else 3),
        "side-by-side": lambda: side_by_side_rows(folder / "beside", (100,) if quick else (100, 500, 2_000)),
        "plan-files": lambda: plan_file_rows(folder / "files", Size(200 if quick else 2_000, lines_each=10)),
        "updates": lambda: update_rows(folder / "updates", 100 if quick else 1_000),
        "distributor": lambda: distributor_rows(folder / "distributor", Size(20_000, lines_each=10)),
    }
    if quick:
        del found["distributor"]
    return found


def main() -> None:
    """Measure everything, or the parts that are named, and print one table."""
    parser = argparse.ArgumentParser(description="Measures what docs/performance.md promises.")
    parser.add_argument("--quick", action="store_true", help="leave out what takes longer than 20 s")
    parser.add_argument("parts", nargs="*", help="only these: " + ", ".join(parts(Path(), quick=False)))
    asked = parser.parse_args()
    compileall.compile_dir(ROOT / "reconciler", quiet=1)  # or the first process does it, and is measured
    with tempfile.TemporaryDirectory() as name:
        known = parts(Path(name), quick=asked.quick)
        if unknown := set(asked.parts) - set(known):
            parser.error(f"not known here: {', '.join(sorted(unknown))}")
        rows: list[Row] = []
        for part in asked.parts or known:
            print(f"measuring: {part}", file=sys.stderr)
            rows += known[part]()
    load = "; load " + " ".join(f"{one:.1f}" for one in os.getloadavg())
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}{load}"
    )
    table(rows)


if __name__ == "__main__":
    main()

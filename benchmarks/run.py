"""Measures what docs/performance.md promises: `python -m benchmarks.run`. For Linux and macOS.

Time is wall-clock time, with the processor's own time beside it: the first grows with whatever else the
machine does, the second less. Every figure is of the whole process, as a user starts it. This process
imports little on purpose: on Linux a child's peak memory counts what its parent held at the fork.
"""

from __future__ import annotations

import json
import os
import platform
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.folders import many_rows, mapped_products

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
RECONCILER = str(Path(sys.executable).with_name("reconciler"))
SMALL, LARGE = 1_000, 100_000
MIB = 2**20
#: Lists whose pages grow with the number of customers, not of products.
_PAGED = re.compile(r"/partner/v1/tenants|/partner/v1/billing/usage/.*|/licenses/v1/licenses/firewalls")


@dataclass(frozen=True)
class Process:
    """One process that ran to its end."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int


def run(command: Sequence[str], environment: Mapping[str, str] | None = None) -> Process:
    """Run a command; raises RuntimeError where it fails."""
    with tempfile.TemporaryFile("w+") as output:
        started = time.perf_counter()
        child = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, env=environment, cwd=ROOT)
        _, status, usage = os.wait4(child.pid, 0)
        seconds = time.perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if child.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{text}")
    peak = usage.ru_maxrss * (1 if platform.system() == "Darwin" else 1024)
    return Process(seconds, usage.ru_utime + usage.ru_stime, peak)


def median(command: Sequence[str], times: int) -> Process:
    """The medians of several runs, after one that warms the caches."""
    run(command)
    return middle([run(command) for _ in range(times)])


def middle(runs: Sequence[Process]) -> Process:
    """The median of each figure; of the memory, the most."""
    return Process(
        statistics.median(one.seconds for one in runs),
        statistics.median(one.cpu_seconds for one in runs),
        max(one.peak_bytes for one in runs),
    )


@dataclass(frozen=True)
class PlanRun:
    """One plan against a catalog."""

    process: Process
    requests: list[list[str]]

    @property
    def counted(self) -> int:
        """Requests, without the pages of tenants, usage and firewall licences."""
        return sum(not _PAGED.fullmatch(path) for _, _, path in self.requests)


@contextmanager
def sandbox(catalog: int) -> Iterator[subprocess.Popen[str]]:
    """A sandbox with so many catalog items, as a process of its own."""
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.site", str(catalog)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield child
    finally:
        child.communicate(timeout=60)


def _read(child: subprocess.Popen[str]) -> Any:
    assert child.stdout is not None
    line = child.stdout.readline()
    if not line:
        raise RuntimeError("the sandbox did not start")
    return json.loads(line)


def _received(child: subprocess.Popen[str]) -> list[list[str]]:
    assert child.stdin is not None
    child.stdin.write("\n")
    child.stdin.flush()
    found: list[list[str]] = _read(child)
    return found


def plans(folder: Path, catalog: int, times: int = 5) -> PlanRun:
    """The medians of several plans. There must be nothing to change."""
    with sandbox(catalog) as child:
        environment = {**os.environ, **_read(child)}
        processes = []
        for _ in range(times):
            processes.append(run([RECONCILER, "plan", str(folder), "--detailed-exitcode"], environment))
            requests = _received(child)
        return PlanRun(middle(processes), requests)


Row = tuple[str, str, str, str, str]


def table(rows: Sequence[Row]) -> None:
    """Print aligned columns."""
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for what, *values, verdict in rows:
        cells = [f"{value:>{width}}" for value, width in zip(values, widths[1:], strict=False)]
        print("  ".join([f"{what:<{widths[0]}}", *cells, verdict]).rstrip())


def timed(what: str, process: Process, most: float | None = None) -> Row:
    """A row about time: wall clock, processor, target."""
    target, verdict = ("", "") if most is None else (f"{most} s", _verdict(process.seconds, most))
    return what, f"{process.seconds:.3f} s", f"{process.cpu_seconds:.3f} s", target, verdict


def counted(what: str, value: float, unit: str = "", most: int | None = None) -> Row:
    """A row about anything else."""
    target, verdict = ("", "") if most is None else (f"{most} {unit}".strip(), _verdict(value, most))
    return what, f"{value:.0f} {unit}".strip(), "", target, verdict


def _verdict(value: float, most: float) -> str:
    return "ok" if value <= most else "MISSED"


def main() -> None:
    """Measure everything and print one table."""
    rows: list[Row] = [("what", "measured", "processor", "at most", "")]
    rows.append(timed("python -c pass", median([sys.executable, "-c", "pass"], 7)))
    rows.append(timed("reconciler --help", median([RECONCILER, "--help"], 7), 0.15))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        many_rows(folder / "many")
        validating = median([RECONCILER, "validate", str(folder / "many")], 7)
        rows.append(timed("validate, 1,000 rows", validating, 0.6))
        mapped_products(folder / "sixty")
        small, large = plans(folder / "sixty", SMALL), plans(folder / "sixty", LARGE)
    rows.append(timed("plan, 60 products, catalog of 1,000", small.process))
    rows.append(timed("plan, 60 products, catalog of 100,000", large.process))
    wall = large.process.seconds / small.process.seconds
    cpu = large.process.cpu_seconds / small.process.cpu_seconds
    rows.append(("  as a multiple of that", f"{wall:.2f} ×", f"{cpu:.2f} ×", "", ""))
    rows.append(counted("  peak memory", large.process.peak_bytes / MIB, "MiB", 200))
    rows.append(counted("  requests, without pages of customers' data", large.counted, most=12))
    rows.append(counted("  requests in all", len(large.requests)))
    print(f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores, {platform.python_version()}")
    table(rows)
    print("\nThe requests that count:")
    for system, method, path in large.requests:
        if not _PAGED.fullmatch(path):
            print(f"  {system} {method} {path}")


if __name__ == "__main__":
    main()

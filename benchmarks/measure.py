"""Processes measured from outside, and the table that says what was found."""

from __future__ import annotations

import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
RECONCILER = str(Path(sys.executable).with_name("reconciler"))
MIB = 2**20


@dataclass(frozen=True)
class Process:
    """One process that ran to its end."""

    seconds: float
    cpu_seconds: float
    peak_bytes: int
    output: str = ""


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
        raise RuntimeError(f"{' '.join(command)} ended with {child.returncode}:\n{text[-4000:]}")
    peak = usage.ru_maxrss * (1 if platform.system() == "Darwin" else 1024)
    return Process(seconds, usage.ru_utime + usage.ru_stime, peak, text)


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
        runs[-1].output,
    )


class Sandbox:
    """A sandbox in a process of its own: the environment that points at it, and what it received."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self._child = child
        self.environment: dict[str, str] = {**os.environ, **self._read()}

    def received(self) -> list[list[str]]:
        """System, verb and path of the requests since the last call."""
        assert self._child.stdin is not None
        self._child.stdin.write("\n")
        self._child.stdin.flush()
        found: list[list[str]] = self._read()
        return found

    def _read(self) -> Any:
        assert self._child.stdout is not None
        line = self._child.stdout.readline()
        if not line:
            raise RuntimeError("the sandbox did not start")
        return json.loads(line)


@contextmanager
def sandbox(**options: float) -> Iterator[Sandbox]:
    """A sandbox with the options of `benchmarks.site`."""
    arguments = [f"--{name}={value}" for name, value in options.items()]
    child = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.site", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    try:
        yield Sandbox(child)
    finally:
        child.communicate(timeout=60)


@dataclass(frozen=True)
class Row:
    """A line of the table. `processor` is the process's own time; `target` is what is promised."""

    what: str
    measured: str
    processor: str = ""
    target: str = ""


def table(rows: Sequence[Row]) -> None:
    """Print aligned columns."""
    shown = [
        ("what", "measured", "processor", "target"),
        *((row.what, row.measured, row.processor, row.target) for row in rows),
    ]
    widths = [max(len(cells[column]) for cells in shown) for column in range(4)]
    for what, *values in shown:
        aligned = [f"{value:>{width}}" for value, width in zip(values, widths[1:], strict=True)]
        print("  ".join([f"{what:<{widths[0]}}", *aligned]).rstrip())


def timed(what: str, process: Process, target: str = "") -> Row:
    """A row about time: wall clock and processor."""
    return Row(what, f"{process.seconds:.3f} s", f"{process.cpu_seconds:.3f} s", target)


def memory(what: str, process: Process, target: str = "") -> Row:
    """A row about the largest resident set."""
    return Row(what, f"{process.peak_bytes / MIB:.0f} MiB", target=target)

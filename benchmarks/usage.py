"""What is promised of plans about usage: reading customers' lines, and writing their quantities."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.folders import Size, customers
from benchmarks.measure import RECONCILER, Process, Row, memory, middle, run, sandbox, timed

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from benchmarks.measure import Sandbox

LATENCY = 0.1
#: What the tool allows itself towards ConnectWise: requests at once, requests in a minute, and how many of
#: these may come in one burst. `tests/benchmarks` holds them to the client's own.
AT_ONCE, A_MINUTE = 4, 900


@dataclass(frozen=True)
class Measured:
    """A process, and the requests that it sent to both systems."""

    process: Process
    requests: int
    by_system: dict[str, int]


def measured(command: list[str], site: Sandbox, times: int = 1) -> Measured:
    """A command against a sandbox: medians of its time, the requests of its last run."""
    runs = []
    for _ in range(times):
        site.received()
        runs.append(run(command, site.environment))
        received = site.received()
    systems = [system for system, _, _ in received]
    return Measured(middle(runs), len(systems), {name: systems.count(name) for name in sorted(set(systems))})


def no_change_rows(folder: Path, size: Size, times: int) -> list[Row]:
    """A plan that finds every line as it should be."""
    customers(folder, size)
    with sandbox(customers=size.customers, lines=size.lines_each) as site:
        found = measured(_plan(folder), site, times)
    what = f"no-change plan, {size.customers:,} customers, {size.lines:,} lines"
    return [
        Row(f"{what}: requests", str(found.requests), target="≤ 120"),
        Row("  of these, ConnectWise and Sophos", _split(found)),
        timed("  time, no latency", found.process),
        memory("  peak memory", found.process),
    ]


def side_by_side_rows(folder: Path, counts: Iterable[int], times: int = 3) -> list[Row]:
    """This plan beside a plain script, on a server that takes 100 ms for every answer.

    The script runs once: almost all of its time is the server's.
    """
    rows = []
    for count in counts:
        size = Size(count)
        own = folder / str(count)
        customers(own, size)
        with sandbox(customers=count, lines=size.lines_each, latency=LATENCY) as site:
            script = measured([sys.executable, "-m", "benchmarks.agreement_by_agreement"], site)
            lines = measured([sys.executable, "-m", "benchmarks.lines_alone", str(count)], site, times)
            plan = measured(_plan(own), site, times)
        told = f"{count} {size.lines}"
        if not script.process.output.strip() == lines.process.output.strip() == told:
            raise RuntimeError(f"not the same lines: {script.process.output!r}, {lines.process.output!r}")
        rows += [
            timed(f"{count:,} agreements, 100 ms: the script, {script.requests:,} requests", script.process),
            timed(f"  the lines alone, {lines.requests} requests", lines.process),
            _ratio("    times quicker; times fewer requests", script, lines, count),
            timed(f"  the whole plan, {_split(plan)} requests", plan.process),
            _ratio("    times quicker; times fewer requests", script, plan, count),
        ]
    return rows


def distributor_rows(folder: Path, size: Size) -> list[Row]:
    """One plan of a distributor's size. Most of its time is waiting for Sophos's rate limit."""
    customers(folder, size)
    with sandbox(customers=size.customers, lines=size.lines_each) as site:
        found = measured(_plan(folder), site)
    what = f"no-change plan, {size.customers:,} customers, {size.lines:,} lines"
    return [
        Row(f"{what}: own processor time", "", f"{found.process.cpu_seconds:.1f} s", "< 90 s"),
        memory("  peak memory", found.process, "< 700 MB"),
        Row("  requests, ConnectWise and Sophos", _split(found)),
        Row("  wall clock", f"{found.process.seconds:.0f} s"),
    ]


def update_rows(folder: Path, count: int) -> list[Row]:
    """Quantities written by `apply` of a saved plan: each is a GET and a PATCH.

    The ideal is the larger of what the latency allows (n × latency ÷ requests at once) and what the rate
    limit does (n ÷ rate). The limit lets a minute's worth go in one burst, so of n requests only those
    beyond it have to wait: the stricter ideal counts that.
    """
    size = Size(max(1, count // 2), lines_each=2, changed=count)
    customers(folder, size)
    saved = folder.parent / f"{folder.name}.json"
    with sandbox(customers=size.customers, lines=2, changed=count, latency=LATENCY) as site:
        run([RECONCILER, "plan", str(folder), "--out", str(saved)], site.environment)
        found = measured([RECONCILER, "apply", str(saved), "--yes"], site)
        run(_plan(folder), site.environment)  # there must be nothing left
    requests = 2 * count
    ideal, strict = ideals(requests)
    return [
        timed(f"apply, {count:,} quantity updates, 100 ms, {found.requests:,} requests", found.process),
        Row(
            f"  over the ideal for {requests:,} requests, {ideal:.1f} s",
            f"{found.process.seconds / ideal:.2f} ×",
            target="≤ 1.15 ×",
        ),
        Row(
            f"  over the ideal with the limit's burst, {strict:.1f} s",
            f"{found.process.seconds / strict:.2f} ×",
        ),
    ]


def ideals(requests: int) -> tuple[float, float]:
    """The least seconds for so many requests: by the plain formula, and with the rate limit's burst."""
    waiting = requests * LATENCY / AT_ONCE
    return max(waiting, requests * 60 / A_MINUTE), max(waiting, (requests - A_MINUTE) * 60 / A_MINUTE)


def _plan(folder: Path) -> list[str]:
    """A plan that must find nothing to do."""
    return [RECONCILER, "plan", str(folder), "--detailed-exitcode"]


def _split(found: Measured) -> str:
    return " + ".join(str(found.by_system.get(name, 0)) for name in ("connectwise", "sophos"))


def _ratio(what: str, script: Measured, ours: Measured, count: int) -> Row:
    quicker = script.process.seconds / ours.process.seconds
    fewer = script.requests / ours.requests
    return Row(what, f"{quicker:.1f} ×; {fewer:.1f} ×", target="25 ×" if count == 500 else "")

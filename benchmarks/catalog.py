"""What is promised of commands that need no site, and of plans about products alone."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmarks.folders import many_rows, mapped_products
from benchmarks.measure import RECONCILER, Process, Row, median, memory, middle, run, sandbox, timed

if TYPE_CHECKING:
    from pathlib import Path

SMALL, LARGE = 1_000, 100_000
#: Lists whose pages grow with the number of customers, not of products.
_PAGED = re.compile(r"/partner/v1/tenants|/partner/v1/billing/usage/.*|/licenses/v1/licenses/firewalls")


@dataclass(frozen=True)
class PlanRun:
    """One plan against a catalog."""

    process: Process
    requests: list[list[str]]

    @property
    def counted(self) -> int:
        """Requests, without the pages of tenants, usage and firewall licences."""
        return sum(not _PAGED.fullmatch(path) for _, _, path in self.requests)


def offline_rows(folder: Path) -> list[Row]:
    """Commands that talk to nobody."""
    many_rows(folder / "many")
    return [
        timed("python -c pass", median([sys.executable, "-c", "pass"], 7)),
        timed("reconciler --help", median([RECONCILER, "--help"], 7), "≤ 0.15 s"),
        timed("validate, 1,000 rows", median([RECONCILER, "validate", str(folder / "many")], 7), "≤ 0.6 s"),
    ]


def catalog_rows(folder: Path, times: int = 5) -> list[Row]:
    """Plans about 60 products, in a small catalog and in a large one."""
    mapped_products(folder / "sixty")
    small, large = _plans(folder / "sixty", SMALL, times), _plans(folder / "sixty", LARGE, times)
    wall = large.process.seconds / small.process.seconds
    cpu = large.process.cpu_seconds / small.process.cpu_seconds
    return [
        timed("plan, 60 products, catalog of 1,000", small.process),
        timed("plan, 60 products, catalog of 100,000", large.process),
        Row("  as a multiple of that", f"{wall:.2f} ×", f"{cpu:.2f} ×"),
        memory("  peak memory", large.process, "≤ 200 MB"),
        Row("  requests, without pages of customers' data", str(large.counted), target="≤ 12"),
        Row("  requests in all", str(len(large.requests))),
    ]


def _plans(folder: Path, catalog: int, times: int) -> PlanRun:
    """The medians of several plans. There must be nothing to change."""
    with sandbox(catalog=catalog) as site:
        processes = []
        for _ in range(times):
            processes.append(run([RECONCILER, "plan", str(folder), "--detailed-exitcode"], site.environment))
            requests = site.received()
        return PlanRun(middle(processes), requests)

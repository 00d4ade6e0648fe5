"""What is promised of saved plans: how large they are, how long they take, and how much memory they need.

The times are ratios, which machines and what else they do change less: of reading a plan to `json.loads` of
its text, and of a plan that is saved to the same one that is not.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from benchmarks.folders import customers
from benchmarks.measure import MIB, RECONCILER, Row, memory, run, sandbox

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.folders import Size


def plan_file_rows(folder: Path, size: Size) -> list[Row]:
    """One plan of this size: shown, saved, and read back."""
    customers(folder, size)
    saved = folder.parent / f"{folder.name}.json.gz"
    plan = [RECONCILER, "plan", str(folder), "--format", "csv", "--report", f"{saved}.csv"]
    with sandbox(customers=size.customers, lines=size.lines_each) as site:
        shown = run(plan, site.environment)
        kept = run([*plan, "--out", str(saved)], site.environment)
    parsed, read = map(float, run([sys.executable, "-m", "benchmarks.reading", str(saved)]).output.split())
    back = run([RECONCILER, "show", str(saved), "--format", "csv", "--report", f"{saved}.csv"])
    saving = kept.cpu_seconds / shown.cpu_seconds
    more = (kept.peak_bytes - shown.peak_bytes) / size.lines / 1024
    return [
        Row(f"a saved plan of {size.lines:,} lines, packed", f"{saved.stat().st_size / MIB:.1f} MiB"),
        Row("  reading it", "", f"{read:.2f} s", "< 0.5 s for 20,000 lines"),
        Row("    over json.loads of its text", "", f"{read / parsed:.1f} ×"),
        Row(
            "  planning and saving it over planning alone",
            "",
            f"{saving:.2f} ×",
        ),
        memory("  peak memory of planning alone", shown),
        memory("  peak memory of planning and saving", kept),
        Row("    more for each line", f"{more:.1f} KiB"),
        memory("  peak memory of reading and showing it", back),
    ]

"""What waits for a person, and the rows that answer it, ready to be pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.remedies import Remedies, reason_alone, stands_at
from reconciler.model.verdict import LineGroups, held_back, is_held_back, rounded
from reconciler.reporting.clean import clean
from reconciler.reporting.line_words import (
    biggest_first,
    change_text,
    money_list,
    place,
    source_text,
    subject_text,
    what_text,
)

if TYPE_CHECKING:
    from rich.console import Console

    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

MOST_DECISIONS = 5


def print_decisions(console: Console, plan: Plan, groups: LineGroups) -> None:
    """The biggest few, each with its answers, and how many there are besides."""
    if not groups.decisions:
        return
    held = held_back(plan)
    remedies = Remedies(plan)
    console.print(Text("\nPlease decide (nothing of this is written)", style="bold red"))
    ordered = biggest_first(groups.decisions)
    for number, line in enumerate(ordered[:MOST_DECISIONS], 1):
        blocked_by = is_held_back(line, held)
        console.print(Text(f"  {number}. {_title(line)}"))
        console.print(Text(f"     {_what(line, blocked_by)}"))
        for answer in remedies.of(line):
            console.print(Text(f"     → {clean(answer)}", style="dim"))
    left = len(ordered) - MOST_DECISIONS
    if left > 0:
        more = (
            f"{left} more of {len(ordered)}: all of them stand in --format xlsx --report FILE, csv and json"
        )
        console.print(Text(f"  … and {more}; `reconciler show PLAN` makes these of a saved plan."))


def _title(line: PlannedLine) -> str:
    parts = [place(line), subject_text(line), source_text(line.source)]
    return ", ".join(part for part in parts if part)


def _what(line: PlannedLine, blocked_by: tuple[str, ...]) -> str:
    if blocked_by:
        return f"{what_text(line)}, held back by {clean(', '.join(blocked_by))}{stake_text(line)}"
    return f"{line.state.value}: {clean(reason_alone(line))}{stake_text(line)}"


def stake_text(line: PlannedLine) -> str:
    """` [38 → 64, +117.00 EUR a month]`, where the plan knows what it would be."""
    before = stands_at(line)
    known = before is not None and line.after is not None and before != line.after
    parts = [change_text(before, line.after)] if known else []
    if line.sales is not None and rounded(line.sales).delta:
        parts.append(f"{money_list([rounded(line.sales)])} a month")
    return f" [{', '.join(parts)}]" if parts else ""

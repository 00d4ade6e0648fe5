"""What waits for a person, and the rows that answer it, ready to be pasted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.counts import number_of
from reconciler.model.remedies import Remedies, reason_alone, stands_at
from reconciler.model.unsettled import cause_of
from reconciler.model.verdict import LineGroups, held_back, is_held_back, rounded, stopped_lines
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
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

#: How many causes are shown, and how many rows that wait for each.
MOST_DECISIONS, MOST_WAITING = 5, 5


def apart_from_stopped(plan: Plan, groups: LineGroups) -> tuple[list[PlannedLine], list[PlannedLine], str]:
    """What a person decides line by line, what the stopped run would write, and the title of that."""
    codes = stopped_lines(plan)
    stopped = [line for line in groups.decisions if line.key in codes]
    named = " and ".join(dict.fromkeys(code for line in stopped for code in codes[line.key]))
    title = f"What this plan would write ({named}: the whole run is stopped, nothing of it is written)"
    return [line for line in groups.decisions if line.key not in codes], stopped, title


def print_decisions(console: Console, plan: Plan, decisions: Sequence[PlannedLine]) -> None:
    """The biggest few causes, each with its answers and what waits for it, and how many there are besides."""
    if not decisions:
        return
    held = held_back(plan)
    remedies = Remedies(plan)
    console.print(Text("\nPlease decide (nothing of this is written)", style="bold red"))
    causes = causes_first(decisions)
    for number, (line, waiting) in enumerate(causes[:MOST_DECISIONS], 1):
        blocked_by = is_held_back(line, held)
        console.print(Text(f"  {number}. {_title(line)}"))
        console.print(Text(f"     {_what(line, blocked_by)}"))
        for answer in remedies.of(line):
            console.print(Text(f"     → {clean(answer)}", style="dim"))
        for text in waiting_text(waiting):
            console.print(Text(f"     {text}"))
    left = sum(1 + len(waiting) for _, waiting in causes[MOST_DECISIONS:])
    if left:
        every = len(decisions)
        more = f"{left} more of {every}: all of them stand in --format xlsx --report FILE, csv and json"
        console.print(Text(f"  … and {more}; `reconciler show PLAN` makes these of a saved plan."))


def causes_first(decisions: Iterable[PlannedLine]) -> list[tuple[PlannedLine, list[PlannedLine]]]:
    """What a person has to settle, the biggest first, each with the rows that only wait for it.

    A row that waits for one that waits itself stands under the first of them. One whose cause is no decision
    comes last.
    """
    ordered = biggest_first(decisions)
    by_key = {line.key: line for line in ordered}
    found: dict[str, tuple[PlannedLine, list[PlannedLine]]] = {}
    waiting = []
    for line in ordered:
        cause = cause_of(line, by_key)
        if cause is line:
            found[line.key] = (line, [])
        else:
            waiting.append((line, cause))
    for line, cause in waiting:
        found[cause.key][1].append(line)
    return sorted(found.values(), key=lambda entry: bool(entry[0].waits_for))


def waiting_text(waiting: Sequence[PlannedLine]) -> Iterable[str]:
    """The rows that are settled with their cause, by name; many are counted."""
    for line in waiting[:MOST_WAITING]:
        yield f"then also: {place(line)}, {subject_text(line)}{stake_text(line)}"
    if waiting[MOST_WAITING:]:
        yield f"then also: {number_of(len(waiting) - MOST_WAITING, 'more line')}"


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

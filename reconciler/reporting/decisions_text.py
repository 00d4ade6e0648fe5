"""What waits for a person, and the rows that answer it, ready to be pasted."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.approving import an_approval_helps, yaml_text
from reconciler.model.money import plain
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

    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

MOST_DECISIONS = 5


def print_decisions(console: Console, plan: Plan, groups: LineGroups) -> None:
    """The biggest few, each with its answers, and how many there are besides."""
    if not groups.decisions:
        return
    held = held_back(plan)
    spoken = {problem.subject: problem for problem in plan.diagnostics if problem.subject}
    console.print(Text("\nPlease decide (nothing of this is written)", style="bold red"))
    ordered = biggest_first(groups.decisions)
    for number, line in enumerate(ordered[:MOST_DECISIONS], 1):
        blocked_by = is_held_back(line, held)
        console.print(Text(f"  {number}. {_title(line)}"))
        console.print(Text(f"     {_what(line, blocked_by)}"))
        for answer in answers(line, spoken.get(line.key), plan.today, held_back=bool(blocked_by)):
            console.print(Text(f"     → {answer}", style="dim"))
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
    return f"{line.state.value}: {clean(line.reason)}{stake_text(line)}"


def stake_text(line: PlannedLine) -> str:
    """` [38 → 64, +117.00 EUR a month]`, where the plan knows what it would be."""
    before = _stands_at(line)
    known = before is not None and line.after is not None and before != line.after
    parts = [change_text(before, line.after)] if known else []
    if line.sales is not None and rounded(line.sales).delta:
        parts.append(f"{money_list([rounded(line.sales)])} a month")
    return f" [{', '.join(parts)}]" if parts else ""


def _stands_at(line: PlannedLine) -> Decimal | None:
    """The quantity that an approval starts from: 0 where there is no line yet."""
    return Decimal(0) if line.before is None and line.starts is not None else line.before


def answers(
    line: PlannedLine, problem: Diagnostic | None, today: str, *, held_back: bool = False
) -> list[str]:
    """What to do: the problem's own remedy, then the rows that answer, ready to be pasted."""
    found = [clean(problem.remedy)] if problem is not None and problem.remedy else []
    if held_back:
        return found or ["settle what holds it back, then plan again"]
    until = today if line.first_invoice is None else line.first_invoice.isoformat()
    who = f"customer: {_yaml(line.company or line.customer)}, product: {_yaml(line.product)}"
    before = _stands_at(line)
    if before is not None and line.after is not None and an_approval_helps(line):
        found.append(
            f"to let it through, under approvals: {{{who}, from: {plain(before)}, "
            f"upTo: {plain(line.after)}, given: {line.given}, reason: …, until: {until}}}"
        )
    if line.before is not None and _a_hold_helps(line):
        found.append(
            f"to keep it as it is, under holds: {{{who}, quantity: {plain(line.before)}, reason: …, "
            f"until: {until}}}"
        )
    return found or ["settle it in ConnectWise or in the customer's row, then plan again"]


def _a_hold_helps(line: PlannedLine) -> bool:
    """A hold keeps the line of a product: there has to be one, that a row speaks of, and no other like it."""
    return line.line_id is not None and not line.left_over and not line.serial


def _yaml(text: str) -> str:
    """A text as a value of a YAML row, quoted where it has to be."""
    return clean(yaml_text(text))

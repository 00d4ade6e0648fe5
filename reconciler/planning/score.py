"""Was it right? An old plan against what people did since: the proof that comes before `mode: live`."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.lines import WRITTEN, Amount, LineState
from reconciler.model.verdict import Match, Score, ScoreRow, billed_units, group_lines

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

    from reconciler.model.billing import Line
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

#: States in which the plan's number is what Sophos's bill gives.
_COUNTED = WRITTEN | {LineState.UNCHANGED, LineState.WITHHELD, LineState.NEEDS_DECISION}


def score(old_plan: Plan, lines_now: Mapping[int, Line]) -> Score:
    """Each line that the old plan counted, beside the same line today (`lines_now`, by line id).

    A line that is missing in `lines_now` counts as gone: pass every line that can still be billed, and no
    other. In shadow mode "what this tool would have left" is what it would have written in live mode; a line
    that only waits (`plan --since`) would have been left as it was. Lines that the plan could give no number
    for, or that did not exist, are listed as not compared.
    """
    waiting = {id(line) for line in group_lines(old_plan).waiting}
    rows = [
        _row(
            line,
            lines_now.get(line.line_id) if line.line_id is not None else None,
            waits=id(line) in waiting,
        )
        for line in old_plan.lines
        if line.line_id is not None or line.state is not LineState.UNCHANGED
    ]
    rows.sort(key=lambda r: (r.customer.casefold(), r.agreement.casefold(), r.product, r.line_id or 0))
    month = "" if old_plan.period is None else old_plan.period.month
    return Score(planned=old_plan.today, month=month, rows=tuple(rows))


def _row(line: PlannedLine, now: Line | None, *, waits: bool) -> ScoreRow:
    bill = _bill(line)
    wanted = line.state in WRITTEN and not waits
    tool = bill if wanted or line.state is LineState.UNCHANGED else line.before
    row = ScoreRow(
        customer=line.customer,
        agreement=line.agreement,
        product=line.product,
        line_id=line.line_id,
        match=_match(line, bill, now),
        was=line.before,
        bill=bill,
        tool=tool,
        line=None if now is None else now.quantity,
        wanted_change=wanted,
        explained=line.parts or line.reason,
        writer="" if now is None else now.updated_by.strip(),
        source=line.source,
    )
    return replace(row, differs=_differs(row), money=_money(line, row, now))


def _bill(line: PlannedLine) -> Decimal | None:
    """What Sophos's bill gave; None where the plan does not know.

    A line that needs a decision and shows the same number before and after has none of its own: with one,
    it would be unchanged.
    """
    if line.state not in _COUNTED:
        return None
    if line.state is LineState.NEEDS_DECISION and line.after == line.before:
        return None
    return line.after


def _match(line: PlannedLine, bill: Decimal | None, now: Line | None) -> Match:
    if line.line_id is None:
        return Match.NOT_COMPARED
    if now is None:
        return Match.GONE
    if bill is None:
        return Match.NOT_COMPARED
    stands = (now.quantity, now.less_included)
    if stands == (bill, line.included_after):
        return Match.AGREED
    return Match.UNTOUCHED if stands == (line.before, line.included_before) else Match.ANOTHER


def _differs(row: ScoreRow) -> tuple[str, ...]:
    """Which of bill, tool and line is the odd one; all of them where no two agree."""
    stands = {"bill": row.bill, "tool": row.tool, "line": row.line}
    numbers = [number for number in stands.values() if number is not None]
    if len(set(numbers)) <= 1:
        return ()
    return tuple(name for name, number in stands.items() if numbers.count(number) == 1)  # type: ignore[arg-type]


def _money(line: PlannedLine, row: ScoreRow, now: Line | None) -> Amount | None:
    """From what the bill would have been invoiced at to what the line is invoiced at now; None if unknown.

    The line's present price serves both, so that a new price is not taken for a wrong quantity.
    """
    if line.sales is None or row.match in (Match.NOT_COMPARED, Match.GONE) or now is None:
        return None
    wanted = billed_units(row.bill, line.included_after, now.bill_customer)
    stands = billed_units(now.quantity, now.less_included, now.bill_customer)
    if wanted is None or stands is None:
        return None
    before, after = wanted * now.unit_price, stands * now.unit_price
    return Amount(line.sales.currency, before, after, line.sales.places)

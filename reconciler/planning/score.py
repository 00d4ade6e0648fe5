"""Was it right? An old plan against what people did since: the proof that comes before `mode: live`."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN, Amount, LineState
from reconciler.model.score import Match, Score, ScoreRow
from reconciler.model.verdict import billed_units, group_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.billing import Line
    from reconciler.model.lines import OldLine, PlannedLine
    from reconciler.model.plan import Plan

#: States in which the plan's number is what Sophos's bill gives.
_COUNTED = WRITTEN | {LineState.UNCHANGED, LineState.WITHHELD, LineState.NEEDS_DECISION}
_ZERO = Decimal(0)
#: An agreement and a product on it, as identifiers compare.
_Place = tuple[int | None, str]


@dataclass(frozen=True)
class _Today:
    """What of a row's lines can still be billed: its own, and those that it was to take over."""

    own: Line | None
    old: tuple[Line, ...] = ()

    @property
    def lines(self) -> tuple[Line, ...]:
        """All of them."""
        return self.old if self.own is None else (self.own, *self.old)

    @property
    def quantity(self) -> Decimal:
        """The units of all of them."""
        return sum((line.quantity for line in self.lines), _ZERO)


def score(old_plan: Plan, lines_now: Mapping[int, Line]) -> Score:
    """Each line that the old plan counted, beside the same line today (`lines_now`, by line id).

    A line that is missing in `lines_now` counts as gone: pass every line that can still be billed, and no
    other. A new line is looked for by its agreement and product (and firewall); one that was to end, or to be
    taken over, has ended where it is missing or has a last day by then. In shadow mode "what this tool would
    have left" is what it would have written in live mode; a line that only waits (`plan --since`) would have
    been left as it was. Lines that the plan could give no number for are listed as not compared.
    """
    waiting = {id(line) for line in group_lines(old_plan).waiting}
    known = _others(old_plan, lines_now)
    rows = [
        _row(line, _today(line, lines_now, known), waits=id(line) in waiting)
        for line in old_plan.lines
        if line.line_id is not None or line.state is not LineState.UNCHANGED
    ]
    rows.sort(key=lambda r: (r.customer.casefold(), r.agreement.casefold(), r.product, r.line_id or 0))
    month = "" if old_plan.period is None else old_plan.period.month
    return Score(planned=old_plan.today, month=month, rows=tuple(rows), census=old_plan.census)


def _others(old_plan: Plan, lines_now: Mapping[int, Line]) -> Mapping[_Place, list[Line]]:
    """The lines that the plan did not know as a row's own or as one to take over, by place."""
    known = {line.line_id for line in old_plan.lines}
    known |= {old.line_id for line in old_plan.lines for old in line.takes_over}
    found: dict[_Place, list[Line]] = defaultdict(list)
    for line in lines_now.values():
        if line.id not in known:
            found[line.agreement_id, identifier_key(line.product_identifier)].append(line)
    return found


def _today(line: PlannedLine, lines_now: Mapping[int, Line], others: Mapping[_Place, list[Line]]) -> _Today:
    if line.starts is not None:
        found = others.get((line.agreement_id, identifier_key(line.product)), ())
        fitting = [one for one in found if _bears(one, line.serial) and one.may_bill(line.starts)]
        # a later plan may have moved it on, or a person ended it: then it has begun, and is there no more
        fitting = [one for one in fitting if _is_open(one)] or fitting
        own = max(fitting, key=lambda one: (one.quantity == line.after, one.id), default=None)
    else:
        own = None if line.line_id is None else lines_now.get(line.line_id)
        own = None if own is not None and _is_end(line) and _has_ended(own, line) else own
    old = [lines_now[one.line_id] for one in line.takes_over if one.line_id in lines_now]
    return _Today(own, tuple(one for one in old if not _has_ended(one, line)))


def _bears(one: Line, serial: str) -> bool:
    return not serial or one.serial_number.strip().casefold() == serial.casefold()


def _is_open(one: Line) -> bool:
    return one.cancelled is None


def _has_ended(one: Line, line: PlannedLine) -> bool:
    """Whether it bills nothing after the day on which the plan let it end."""
    return one.cancelled is not None and (line.ends is None or one.cancelled <= line.ends)


def _is_end(line: PlannedLine) -> bool:
    """Whether the row says that its lines end and no other takes over."""
    return line.ends is not None and line.starts is None and line.after == 0


def _row(line: PlannedLine, today: _Today, *, waits: bool) -> ScoreRow:
    bill = _bill(line)
    was = _was(line)
    wanted = line.state in WRITTEN and not waits
    compared = line.line_id is not None or line.starts is not None or _is_end(line)
    row = ScoreRow(
        customer=line.customer,
        agreement=line.agreement,
        product=line.product,
        line_id=line.line_id,
        match=_match(line, bill, today) if compared else Match.NOT_COMPARED,
        was=was,
        bill=bill,
        tool=bill if wanted or line.state is LineState.UNCHANGED else was,
        line=_stands(line, today) if compared else None,
        wanted_change=wanted,
        explained=line.parts or line.reason,
        writer=today.lines[0].updated_by.strip() if today.lines else "",
        source=line.source,
        company=line.company,
        company_name=line.company_name,
    )
    return replace(row, differs=_differs(row), money=_money(line, row, today))


def _was(line: PlannedLine) -> Decimal | None:
    """The units before, of all the row's lines; 0 where a line starts and none was there."""
    stands = line.units_now
    return _ZERO if stands is None and line.starts is not None else stands


def _stands(line: PlannedLine, today: _Today) -> Decimal | None:
    """The units that are billed now; None where an existing line is gone that was not meant to end."""
    if today.own is None and line.line_id is not None and not _is_end(line):
        return None
    return today.quantity


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


def _match(line: PlannedLine, bill: Decimal | None, today: _Today) -> Match:
    own = today.own
    if own is None and line.line_id is not None and not _is_end(line):
        return Match.GONE
    if bill is None:
        return Match.NOT_COMPARED
    if _is_end(line):
        if today.quantity == 0:
            return Match.AGREED
        untouched = today.quantity == _was(line) and all(map(_is_open, today.lines))
        return Match.UNTOUCHED if untouched else Match.ANOTHER
    stands = None if own is None else (own.quantity, own.less_included)
    if stands == (bill, line.included_after) and not today.old:
        return Match.AGREED
    before = None if line.line_id is None else (line.before, line.included_before)
    if own is not None and not _is_open(own):
        return Match.ENDED
    same = stands == before and _as_before(line.takes_over, today.old)
    return Match.UNTOUCHED if same else Match.ANOTHER


def _as_before(planned: tuple[OldLine, ...], now: tuple[Line, ...]) -> bool:
    return {one.line_id: one.quantity for one in planned} == {one.id: one.quantity for one in now}


def _differs(row: ScoreRow) -> tuple[str, ...]:
    """Which of bill, tool and line is the odd one; all of them where no two agree."""
    stands = {"bill": row.bill, "tool": row.tool, "line": row.line}
    numbers = [number for number in stands.values() if number is not None]
    if len(set(numbers)) <= 1:
        return ()
    return tuple(name for name, number in stands.items() if numbers.count(number) == 1)  # type: ignore[arg-type]


def _money(line: PlannedLine, row: ScoreRow, today: _Today) -> Amount | None:
    """From what the bill would have been invoiced at to what is invoiced now, a month; None if unknown.

    The line's present price serves both, so that a new price is not taken for a wrong quantity. A price is
    per invoice, which covers several months of a longer cycle.
    """
    if line.sales is None or row.match in (Match.NOT_COMPARED, Match.GONE, Match.ENDED):
        return None
    now = today.own
    price, bills = (
        (line.unit_price, line.bill_customer) if now is None else (now.unit_price, now.bill_customer)
    )
    wanted = billed_units(row.bill, line.included_after, bills)
    if wanted is None:
        return None
    stands = sum(map(_invoiced, today.lines), _ZERO)
    months = line.cycle_months
    return Amount(line.sales.currency, wanted * price / months, stands / months, line.sales.places)


def _invoiced(line: Line) -> Decimal:
    return (billed_units(line.quantity, line.less_included, line.bill_customer) or _ZERO) * line.unit_price

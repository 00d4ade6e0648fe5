"""What becomes of each agreement line: from which quantity to which, why, and in which state."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.approving import open_row
from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.money import plain
from reconciler.planning.allocation.writers import is_ours, taken_by_hand, writer_text
from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.lines.declared import as_declared, declared_changes, declared_text
from reconciler.planning.lines.doubled import doubled
from reconciler.planning.lines.judged import Judged, cannot_be_written, decide, end_line, opened_again
from reconciler.planning.lines.missing_lines import (
    add_line,
    new_price,
    nothing_needed,
    other_invoices,
    reprice,
    with_old_lines,
)
from reconciler.planning.lines.rows import billed, row_of, with_lines, with_money
from reconciler.planning.lines.whose_line import find_line, of_this_cell
from reconciler.planning.usage.cycles import invoice_text, quantity_before, quantity_now
from reconciler.planning.usage.quantities import ZERO, Quantity

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Line
    from reconciler.model.desired import Hold
    from reconciler.model.lines import PlannedLine
    from reconciler.planning.lines.judged import Ground
    from reconciler.planning.lines.whose_line import Found
    from reconciler.planning.usage.cells import Cell

#: Words that leave a line as it is although the bill says nothing of it.
WITHOUT_USAGE, ON_ZERO_USAGE = "without usage", "onZeroUsage: keep"


def plan_cell(cell: Cell, ground: Ground) -> Judged | None:
    """What becomes of one product on one agreement; None where there is neither usage nor a line."""
    agreement = cell.agreement
    if agreement is None:
        return _unplaced(cell)
    item, lines = cell.product.item, ground.billing.lines.get(agreement.id)
    day = day_that_counts(agreement, ground.today)
    whole, cell = cell, _without_ended(cell, day)
    of_product = [line for line in lines or () if item is not None and line.product_id == item.id]
    own = of_this_cell(of_product, cell.serial)
    twice = doubled(cell, own, day, ground.settings)
    own = [line for line in own if line not in twice]
    found = find_line(cell.terms, own, day, agreement.currency_places)
    take = ground.allocation.of(whole, found.line)
    if take.lines:
        found = replace(found, take=take)
    row = with_lines(row_of(cell), found, agreement)
    hold, unclear = ground.answers.hold(cell)
    needed = _has_usage(cell) or cell.terms.own_minimum or hold is not None or bool(take.lines)
    if not (found.open or found.problem or needed) and (lines is not None or item is None):
        return None
    stopped = _stopped(cell, row, found, unreadable=lines is None) or _decided(row, unclear)
    if take.problem and (found.line is None or (stopped is None and hold is None)):
        return Judged(decide(row, _doubled(cell, found)), cell, found.line)
    if stopped is None and cell.parked and hold is None:
        stopped = row.but(state=LineState.NOT_COUNTED, reason=cell.parked)
    if stopped is not None:
        return Judged(stopped, cell, found.line)
    if _all_ended(cell, day):
        return _ended(cell, row, found, ground)
    if hold is not None:
        return _apply(cell, row.but(held=True), found, _held(cell, hold), ground)
    return _from_bill(cell, row, found, ground)


def _doubled(cell: Cell, found: Found) -> str:
    """Both lines and the sum, and each with its way out."""
    take, here = found.take, ZERO if found.line is None else found.line.quantity
    beside = f"a new line of {cell.product.label} would bill them twice"
    if found.line is not None:
        beside = f"beside line #{found.line.id} ({plain(here)}) here, together {plain(here + take.units)}"
    return f"{take.problem}; {beside}"


def _unplaced(cell: Cell) -> Judged | None:
    if not _has_usage(cell):
        return None
    return Judged(decide(row_of(cell), "its agreement could not be chosen; see the problem of its row"), cell)


def _has_usage(cell: Cell) -> bool:
    return any(feeding.lines for feeding in cell.feedings)


def _without_ended(cell: Cell, day: date) -> Cell:
    """The cell without tenants that have ended, where others go on; one that all have left stays whole."""
    going_on = [f for f in cell.feedings if f.party.row.ended is None or f.party.row.ended >= day]
    if not going_on or len(going_on) == len(cell.feedings):
        return cell
    return replace(cell, feedings=going_on)


def _all_ended(cell: Cell, day: date) -> bool:
    return all(f.party.row.ended is not None and f.party.row.ended < day for f in cell.feedings)


def _ended(cell: Cell, row: PlannedLine, found: Found, ground: Ground) -> Judged | None:
    """The lines of a customer that has left, by its row's own word."""
    last = max(f.party.row.ended for f in cell.feedings if f.party.row.ended is not None)
    reason = f"the customer ended on {last}"
    if found.fixed:
        shown = " and ".join(
            f"#{line.id} ({plain(line.quantity)})" for line in found.open if line.id in cell.terms.fixed
        )
        said = f"{reason}, and fixed line {shown} would go on billing: end it in ConnectWise first"
        return Judged(decide(row, said), cell, found.line)
    if found.line is None:
        return nothing_needed(cell, row, found.take, reason, ground, settled=True)
    if taken_by_hand(found.line, ground.settings, last):
        return Judged(decide(row, opened_again(found.line, last)), cell, found.line)
    one = Judged(row.but(reason=reason), cell, found.line, settled=True, ends=found.take.lines)
    return _end_with_others(one, ground)


def _end_with_others(one: Judged, ground: Ground) -> Judged:
    """The end of a line, and with it of those whose seats it bills; their money is part of its own."""
    ended = end_line(replace(one, ends=()), ground)
    if not one.ends or ended.row.state is LineState.NEEDS_DECISION:
        return ended
    if ended.row.state is not LineState.ENDS:
        shown = ", ".join(f"#{end.line.id} of {end.line.product_identifier.strip()}" for end in one.ends)
        said = f"{ended.row.reason}, and {shown} bills the same seats: end it in ConnectWise as well"
        return replace(ended, row=decide(ended.row, said))
    return with_old_lines(replace(ended, ends=one.ends))


def _stopped(cell: Cell, row: PlannedLine, found: Found, *, unreadable: bool) -> PlannedLine | None:
    """The row where nothing can be said of its quantity."""
    if cell.product.stop:
        return decide(row, cell.product.stop)
    if unreadable:
        return decide(row, "the lines of its agreement could not be read")
    wrong = "; ".join(f.party.wrong for f in cell.feedings if f.party.wrong)
    return _decided(row, wrong or found.problem or _credit(found))


def _credit(found: Found) -> str:
    """A line below zero is a credit that somebody gave: no usage is written over it."""
    line = found.line
    if line is None or line.quantity >= 0:
        return ""
    return (
        f"line #{line.id} stands at {plain(line.quantity)}, which is a credit (last written by "
        f"{line.updated_by.strip() or 'somebody'}). It is never raised to what Sophos bills: end it in "
        "ConnectWise once it has been invoiced, or name the line that follows Sophos under the customer's "
        f"lines: {{line: …, fixed: [{line.id}]}}"
    )


def _decided(row: PlannedLine, reason: str) -> PlannedLine | None:
    return decide(row, reason) if reason else None


def _held(cell: Cell, hold: Hold) -> Quantity:
    included = min(cell.terms.included or ZERO, hold.quantity)
    text = f"held at {plain(hold.quantity)} until {hold.until}: {hold.reason}"
    return Quantity(hold.quantity, included, text, hold.quantity)


def _from_bill(cell: Cell, row: PlannedLine, found: Found, ground: Ground) -> Judged:
    """The row by the bill; where a tenant is another than it was, a person lets its change in."""
    judged = _counted(cell, row, found, ground)
    row, asks = judged.row, "; ".join(dict.fromkeys(f.party.asks for f in cell.feedings if f.party.asks))
    if not asks or row.state not in WRITTEN or ground.answers.approval(row) is not None:
        return judged
    row = row.but(given=ground.answers.given(row))
    reason = (
        f"{asks}, and Sophos's bill of {ground.usage.title} gives {plain(row.after or ZERO)} ({row.reason}). "
        f"To let it in, add under approvals: {open_row(row)}"
    )
    return replace(judged, row=row.but(state=LineState.WITHHELD, reason=reason), new=None)


def _counted(cell: Cell, row: PlannedLine, found: Found, ground: Ground) -> Judged:
    """The row by the quantity on the bill, or what the settings say where there is none."""
    problem = cell.disagreement or "; ".join(f.problem for f in cell.feedings if f.problem)
    silent = "; ".join(dict.fromkeys(f.party.silent for f in cell.feedings if f.party.silent))
    others = [f.party.name for f in cell.feedings if not f.party.silent and any(f.now.values())]
    if silent and others:
        part = f"the line is {' and '.join(others)}'s as well, so that the bill gives a part of its number"
        return Judged(decide(row, f"{silent}; {part}"), cell, found.line)
    if silent:
        months = max(f.party.months_without_usage for f in cell.feedings)
        row = row.but(state=LineState.NOT_COUNTED, reason=silent, months_without_usage=months)
        return Judged(row, cell, found.line, word="" if row.billed_without_usage else WITHOUT_USAGE)
    if problem:
        return Judged(decide(row, problem), cell, found.line)
    wanted, problem = quantity_now(cell)
    if wanted is None:
        return Judged(decide(row, problem), cell, found.line)
    nothing = wanted.counted == 0 and not cell.terms.own_minimum
    if nothing and (found.line is not None or found.take.lines) and ground.settings.on_zero_usage == "keep":
        row = row.but(state=LineState.NOT_COUNTED, reason=f"no usage; {ON_ZERO_USAGE}{_kept(found)}")
        return Judged(row, cell, found.line, word=ON_ZERO_USAGE)
    judged = _apply(cell, row, found, wanted, ground)
    if (
        nothing
        and found.line is not None
        and ground.settings.on_zero_usage == "end"
        and judged.row.state is not LineState.NEEDS_DECISION
    ):
        ending = judged.row.but(reason="no usage; onZeroUsage: end", takes_over=())
        if taken_by_hand(found.line, ground.settings, ground.closed):
            opened = (
                f"no usage, and line #{found.line.id} was written by {writer_text(found.line)}, after "
                f"{ground.usage.title} had closed on {ground.closed}. If it shall end, end it in "
                "ConnectWise; otherwise keep it with a hold"
            )
            return replace(judged, row=decide(ending, opened))
        return _end_with_others(replace(judged, row=ending), ground)
    return judged


def _kept(found: Found) -> str:
    """The lines beside its own that stay as well; nothing where there are none."""
    return "".join(
        f"; #{one.line.id} of {one.line.product_identifier.strip()} ({plain(one.line.quantity)}) stays"
        for one in found.take.lines
    )


def _apply(cell: Cell, row: PlannedLine, found: Found, wanted: Quantity, ground: Ground) -> Judged:
    """The row with the quantity that is wanted, less what fixed lines carry."""
    row = row.but(parts=wanted.parts)
    if found.fixed:
        rest = wanted.quantity - found.fixed
        row = row.but(parts=f"{wanted.parts}; less {plain(found.fixed)} on fixed lines")
        if rest < 0:
            reason = f"fixed lines carry {plain(found.fixed)}, more than the {plain(wanted.quantity)} counted"
            return Judged(decide(row, reason), cell, found.line)
        wanted = replace(wanted, quantity=rest, included=min(wanted.included, rest))
    if found.line is None:
        return add_line(cell, row, found, wanted, ground)
    return _compare(cell, row, found, found.line, wanted, ground)


def _compare(
    cell: Cell, row: PlannedLine, found: Found, line: Line, wanted: Quantity, ground: Ground
) -> Judged:
    agreement = cell.agreement
    if agreement is None:
        raise ValueError("a line is on an agreement")
    included = min(line.less_included, wanted.quantity) if cell.terms.included is None else wanted.included
    declared, then = declared_changes(line, cell.terms.always), as_declared(line, cell.terms.always)
    now = billed(line.quantity, line.less_included, line)
    invoice = invoice_text(agreement, now, billed(wanted.quantity, included, then))
    said = (row.parts, _included_text(cell, line, included), declared_text(declared), invoice)
    reason = "; ".join(filter(None, said))
    row = row.but(after=wanted.quantity, included_after=included, reason=reason, declared=declared)
    row = with_money(row, line, then, agreement)
    ends = found.take.lines
    expected = _expected_before(cell, ground, found.fixed)
    if ends and expected == line.quantity + found.take.units:
        expected = line.quantity  # with the lines that it takes over it stood at last month's number
    price = new_price(cell, line, ground) if wanted.quantity else None  # a line without usage is not created
    same = wanted.quantity == line.quantity and included == line.less_included
    if same and not declared and price is None:
        unsure = cannot_be_written(cell, agreement, ground) if ends else ""
        unsure = unsure or other_invoices(agreement, found.take, ground)
        if unsure:
            return Judged(decide(row, unsure), cell, line, expected)
        row = row.but(state=LineState.UNCHANGED)
        return with_old_lines(
            Judged(row, cell, line, expected, settled=bool(ends) and not found.take.unsaid, ends=ends)
        )
    state = _state(line, wanted)
    by_hand = _by_hand(Judged(row, cell, line, expected), state, ground, price)
    if by_hand and ground.answers.approval(row) is None:
        by_hand = "; ".join(filter(None, (by_hand, ground.answers.why_not_approved(row))))
        return Judged(decide(row, by_hand), cell, line, expected, by_hand=True)
    problem = cannot_be_written(cell, agreement, ground) or other_invoices(agreement, found.take, ground)
    if problem:
        return Judged(decide(row, problem), cell, line, expected)
    if price is not None:
        return reprice(Judged(row, cell, line, expected, ends=ends), wanted, ground)
    return with_old_lines(Judged(row.but(state=state), cell, line, expected, ends=ends))


def _included_text(cell: Cell, line: Line, included: Decimal) -> str:
    """That a line's own included units go down with its quantity, which would be billed below zero."""
    if cell.terms.included is not None or included == line.less_included:
        return ""
    return (
        f"included {plain(line.less_included)} → {plain(included)}, not more than the quantity; to have them "
        f"back when usage grows, declare `included: {plain(line.less_included)}` under `lines`"
    )


def _state(line: Line, wanted: Quantity) -> LineState:
    if wanted.quantity == line.quantity:
        return LineState.TERMS
    if wanted.quantity == 0:
        return LineState.TO_ZERO
    return LineState.MORE if wanted.quantity > line.quantity else LineState.LESS


def _by_hand(one: Judged, state: LineState, ground: Ground, price: Decimal | None) -> str:
    """Why what the line says is a person's word; nothing where it is in step, or ours.

    What somebody wrote after the counted month closed is one whatever it equals: who puts last month's
    number back means it. Earlier numbers are judged by last month's bill. No bill explains terms and held
    numbers: they count as a person's word for a month longer, so that an invoice comes between.
    """
    line, expected = one.line, one.expected
    if line is None or is_ours(line, ground.settings):
        return ""
    if ground.settings.on_drift == "enforce" and state is not LineState.TO_ZERO:
        return ""
    row = one.row.but(given=ground.answers.given(one.row))
    lately = taken_by_hand(line, ground.settings, ground.closed_before or ground.closed)
    terms = _other_terms(line, row, price) if lately else ""
    if state is LineState.TERMS:
        return terms
    if row.held:
        return _against_hold(one.with_row(row), line, ground) if lately else ""
    late = taken_by_hand(line, ground.settings, ground.closed)
    if expected is not None and expected == line.quantity and not late:
        return terms
    if expected is None:
        would = "what last month's bill gives is not known"
    else:
        would = f"last month's bill gives {plain(expected)}"
    when = f", after {ground.usage.title} had closed on {ground.closed}" if late else ""
    return (
        f"{plain(line.quantity)} was set by {writer_text(line)}{when}; {would}. Keep it with a hold, or let "
        f"Sophos's number in with an approval: {open_row(row)}"
    )


def _other_terms(line: Line, row: PlannedLine, price: Decimal | None) -> str:
    """That somebody else wrote a line whose terms are not those of the files; nothing where they are."""
    differs = [f"{one.field} {one.before} → {one.after}" for one in row.declared]
    if row.included_before != row.included_after:
        differs.append(f"included {plain(row.included_before)} → {plain(row.included_after)}")
    if price is not None:
        differs.append(f"unitPrice {plain(line.unit_price)} → {plain(price)} (linePrice: follow)")
    if not differs:
        return ""
    return (
        f"line #{line.id} was written by {writer_text(line)}, and the files say otherwise: "
        f"{', '.join(differs)}. If that was meant, write it into the customer's `lines`; if not, "
        "put it right in ConnectWise (`onDrift: enforce` writes the files' terms over all such lines)"
    )


def _against_hold(one: Judged, line: Line, ground: Ground) -> str:
    """That somebody else wrote a number beside the one that a hold gives."""
    hold, _ = ground.answers.hold(one.cell)
    if hold is None:
        raise ValueError("a held line has a hold")
    return (
        f"{plain(line.quantity)} was set by {writer_text(line)}, and the hold ({hold.location}) says "
        f"{plain(hold.quantity)}. Give the hold the number that counts, set that in ConnectWise, or let the "
        f"hold's in with an approval: {open_row(one.row)}"
    )


def _expected_before(cell: Cell, ground: Ground, fixed: Decimal) -> Decimal | None:
    """The quantity that the month before gives under the same rules, less what fixed lines carry."""
    counted = quantity_before(cell)
    if counted is None:
        return None
    if counted.counted == 0 and not cell.terms.own_minimum and ground.settings.on_zero_usage != "zero":
        return None
    return counted.quantity - fixed if fixed else counted.quantity

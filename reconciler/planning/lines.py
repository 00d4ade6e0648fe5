"""Whose line, which quantity: what becomes of each agreement line, and why."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import Amount, LineState, PlannedLine
from reconciler.model.money import plain
from reconciler.planning.agreements import day_that_counts, invoice_problem, is_named
from reconciler.planning.quantities import ZERO, Quantity, line_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from reconciler.model.billing import Agreement, Billing, Line
    from reconciler.model.desired import Approval, Hold, Settings
    from reconciler.model.observed import CatalogItem, UsageLine
    from reconciler.planning.cells import Cell


@dataclass(frozen=True)
class Ground:
    """What every line is judged against."""

    billing: Billing
    settings: Settings
    holds: tuple[Hold, ...]
    approvals: tuple[Approval, ...]
    today: date

    def approval(self, row: PlannedLine) -> Approval | None:
        """The approval that lets this very change through: from this quantity, and not beyond its bound."""
        names = {identifier_key(row.company), *row.tenants}
        return next(
            (
                one
                for one in self.approvals
                if identifier_key(one.customer) in names
                and identifier_key(one.product) == identifier_key(row.product)
                and one.until >= self.today
                and one.before == row.before
                and row.after is not None
                and min(one.before, one.up_to) <= row.after <= max(one.before, one.up_to)
            ),
            None,
        )


def plan_cell(cell: Cell, item: CatalogItem | None, pending: str, ground: Ground) -> PlannedLine:
    """What becomes of one product on one agreement. `pending` says why its product is not ready."""
    row = _row(cell, item)
    agreement = cell.agreement
    if item is None or pending:
        return _decide(row, pending or "its product is not in ConnectWise")
    lines = ground.billing.lines.get(agreement.id)
    if lines is None:
        return _decide(row, "the lines of its agreement could not be read")
    day = day_that_counts(agreement, ground.today)
    of_product = [line for line in lines if line.product_id == item.id and line.in_force(day)]
    line, fixed, problem = _whose_line(cell, of_product)
    if problem:
        return _decide(row, problem)
    if line is not None:
        row = _with_line(row, line, agreement)
    if line is None:
        moving = _moving_lines(cell, item, ground)
        if moving:
            return replace(row, state=LineState.MOVES, reason=moving)
    ended = [f.party.row.ended for f in cell.feedings if f.party.row.ended is not None]
    if ended and len(ended) == len(cell.feedings) and max(ended) < day:
        return replace(row, state=LineState.ENDS, reason=f"ended: {max(ended)}")
    return _count(cell, row, line, fixed, ground)


def _moving_lines(cell: Cell, item: CatalogItem, ground: Ground) -> str:
    """The open lines of the product on the agreement that the customer moves from."""
    found = [
        line
        for feeding in cell.feedings
        if feeding.party.row.moved_from is not None
        for agreement in feeding.party.agreements
        if is_named(agreement, feeding.party.row.moved_from) and agreement.id != cell.agreement.id
        for line in ground.billing.lines.get(agreement.id, ())
        if line.product_id == item.id and line.in_force(day_that_counts(agreement, ground.today))
    ]
    if not found:
        return ""
    return f"its line {_ids([line.id for line in found])} is still open on the agreement it moves from"


def _row(cell: Cell, item: CatalogItem | None) -> PlannedLine:
    parties = [feeding.party for feeding in cell.feedings]
    rows = [party.row for party in parties]
    return PlannedLine(
        customer=" + ".join(party.name for party in parties),
        tenants=tuple(row.tenant_id for row in rows),
        company=parties[0].company,
        agreement_id=cell.agreement.id,
        agreement=cell.agreement.name.strip(),
        product=item.identifier.strip() if item is not None else str(cell.product),
        line_id=None,
        state=LineState.UNCHANGED,
        reason="",
        feed=feed_value(line for feeding in cell.feedings for line in feeding.lines),
        decided_by=cell.terms.decided_by,
        first_invoice=cell.agreement.next_invoice,
        source=rows[0].location,
    )


def feed_value(lines: Iterable[UsageLine]) -> dict[str, Decimal]:
    """What the units cost at Sophos, per currency: billable units times unit price."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.unit_price is not None:
            found[line.currency or "?"] += line.billable * line.unit_price
    return dict(found)


def _decide(row: PlannedLine, reason: str) -> PlannedLine:
    return replace(row, state=LineState.NEEDS_DECISION, reason=reason)


def _whose_line(cell: Cell, lines: Sequence[Line]) -> tuple[Line | None, Decimal, str]:
    """The line that follows Sophos, the units on fixed lines beside it, or why it is not clear."""
    terms = cell.terms
    fixed = [line for line in lines if line.id in terms.fixed]
    rest = [line for line in lines if line.id not in terms.fixed]
    missing = sorted(set(terms.fixed) - {line.id for line in fixed})
    if missing:
        return None, ZERO, f"fixed line {_ids(missing)} is not an open line of this product here"
    if terms.line is not None:
        named = [line for line in rest if line.id == terms.line]
        others = [line for line in rest if line.id != terms.line]
        if not named:
            return None, ZERO, f"line #{terms.line} is not an open line of this product here"
        if others:
            return (
                None,
                ZERO,
                (
                    f"line {_ids([line.id for line in others])} is open beside #{terms.line}; name it under "
                    "`fixed`, or end it"
                ),
            )
        rest = named
    if len(rest) > 1:
        shown = " and ".join(
            f"#{line.id} ({plain(line.quantity)} × {line.unit_price})"
            for line in sorted(rest, key=lambda x: x.id)
        )
        together = plain(sum((line.quantity for line in rest), ZERO))
        return (
            None,
            ZERO,
            (
                f"{len(rest)} open lines, {shown}, together {together}. Which one shall follow Sophos? "
                "Name it under the customer's lines: {line: …, fixed: […]}"
            ),
        )
    return (rest[0] if rest else None), sum((line.quantity for line in fixed), ZERO), ""


def _ids(numbers: Sequence[int]) -> str:
    return ", ".join(f"#{number}" for number in numbers)


def _with_line(row: PlannedLine, line: Line, agreement: Agreement) -> PlannedLine:
    return replace(
        row,
        line_id=line.id,
        before=line.quantity,
        after=line.quantity,
        included_before=line.less_included,
        included_after=line.less_included,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        bill_customer=line.bill_customer,
        sales=_amount(agreement.currency, _billed(line), _billed(line)),
        cost=_amount(agreement.currency, line.quantity * line.unit_cost, line.quantity * line.unit_cost),
        last_writer=line.updated_by.strip(),
        last_written=line.last_updated,
    )


def _amount(currency: str, before: Decimal, after: Decimal) -> Amount:
    return Amount(currency or "?", before, after)


def billed(quantity: Decimal, included: Decimal, price: Decimal, bill_customer: str) -> Decimal:
    """What a customer pays a month, before tax: units above the included ones, where it is Billable."""
    if bill_customer != "Billable":
        return ZERO
    return max(ZERO, quantity - included) * price


def _billed(line: Line) -> Decimal:
    return billed(line.quantity, line.less_included, line.unit_price, line.bill_customer)


def _count(cell: Cell, row: PlannedLine, line: Line | None, fixed: Decimal, ground: Ground) -> PlannedLine:
    """The quantity that the bill (or a hold) gives, and what it means for the line."""
    problem = cell.disagreement or next((f.problem for f in cell.feedings if f.problem), "")
    silent = "; ".join(f.party.silent for f in cell.feedings if f.party.silent)
    hold = _hold(cell, row, ground)
    if hold is not None:
        wanted = Quantity(
            hold.quantity, row.included_before, f"held at {plain(hold.quantity)}: {hold.reason}"
        )
        row = replace(row, held=True)
    elif silent:
        return replace(row, state=LineState.NOT_COUNTED, reason=silent)
    elif problem:
        return _decide(row, problem)
    else:
        counted = _counted(cell, row, ground)
        if isinstance(counted, PlannedLine):
            return counted
        wanted = counted
    row = replace(row, parts=wanted.parts)
    if fixed:
        wanted = replace(wanted, quantity=wanted.quantity - fixed)
        row = replace(row, parts=f"{wanted.parts}; less {plain(fixed)} on fixed lines")
        if wanted.quantity < 0:
            return _decide(row, f"fixed lines carry {plain(fixed)}, more than Sophos counts")
    if line is None:
        return _missing_line(row, wanted, cell.agreement)
    return _compare(cell, row, line, wanted, ground, fixed=fixed)


def _hold(cell: Cell, row: PlannedLine, ground: Ground) -> Hold | None:
    names = {identifier_key(row.company), *row.tenants}
    product = identifier_key(row.product)
    return next(
        (
            hold
            for hold in ground.holds
            if identifier_key(hold.customer) in names
            and identifier_key(hold.product) in (product, cell.product.key)
            and hold.until >= ground.today
        ),
        None,
    )


def _counted(cell: Cell, row: PlannedLine, ground: Ground) -> Quantity | PlannedLine:
    """The quantity from the bill; or, without any units, what the settings say of that."""
    units = {f.party.name: f.now for f in cell.feedings}
    if any(number for codes in units.values() for number in codes.values()) or cell.terms.own_minimum:
        return line_quantity(units, cell.terms)
    match ground.settings.on_zero_usage:
        case "keep":
            return replace(row, state=LineState.NOT_COUNTED, reason="no usage; onZeroUsage: keep")
        case "end":
            return replace(row, state=LineState.ENDS, reason="no usage; onZeroUsage: end")
        case _:
            return Quantity(ZERO, ZERO, "0 = no usage on the bill")


def _missing_line(row: PlannedLine, wanted: Quantity, agreement: Agreement) -> PlannedLine:
    if wanted.quantity == 0:
        return replace(row, state=LineState.UNCHANGED, after=ZERO, reason="no usage and no line")
    return replace(
        row,
        state=LineState.NEW_LINE,
        after=wanted.quantity,
        included_after=wanted.included,
        sales=None if not agreement.currency else _amount(agreement.currency, ZERO, ZERO),
        reason="there is usage and no line; add the line in ConnectWise, it is then kept up to date",
    )


def _compare(
    cell: Cell, row: PlannedLine, line: Line, wanted: Quantity, ground: Ground, *, fixed: Decimal
) -> PlannedLine:
    included = line.less_included if cell.terms.included is None or row.held else wanted.included
    after = replace(
        row,
        after=wanted.quantity,
        included_after=included,
        sales=_amount(
            cell.agreement.currency,
            _billed(line),
            billed(wanted.quantity, included, line.unit_price, line.bill_customer),
        ),
        cost=_amount(
            cell.agreement.currency, line.quantity * line.unit_cost, wanted.quantity * line.unit_cost
        ),
        reason=wanted.parts,
    )
    if wanted.quantity == line.quantity:
        if included == line.less_included:
            return replace(after, state=LineState.UNCHANGED)
        return _writable(cell, replace(after, state=LineState.TERMS, reason="included units"), ground)
    state = LineState.MORE if wanted.quantity > line.quantity else LineState.LESS
    state = LineState.TO_ZERO if wanted.quantity == 0 else state
    by_hand = "" if row.held else _by_hand(cell, line, state, ground, fixed)
    if by_hand and ground.approval(after) is None:
        return _decide(after, by_hand)
    return _writable(cell, replace(after, state=state), ground)


def _writable(cell: Cell, row: PlannedLine, ground: Ground) -> PlannedLine:
    recap = ground.billing.recaps.get(cell.agreement.id)
    problem, remedy = invoice_problem(cell.agreement, recap, cell.terms.take)
    return _decide(row, f"{problem}. {remedy}") if problem else row


def _by_hand(cell: Cell, line: Line, state: LineState, ground: Ground, fixed: Decimal) -> str:
    """Why the line's present quantity is a person's word; nothing where it is in step, or ours."""
    member = ground.settings.connectwise_member
    writer = line.updated_by.strip()
    if member is not None and identifier_key(writer) == identifier_key(member):
        return ""
    expected = _expected_before(cell, ground)
    if expected is not None and expected - fixed == line.quantity:
        return ""
    if ground.settings.on_drift == "enforce" and state is not LineState.TO_ZERO:
        return ""
    if expected is None:
        would = "last month's bill is not known"
    else:
        would = f"last month's bill would have given {plain(expected - fixed)}"
    return (
        f"{plain(line.quantity)} was set by {writer or 'somebody'} on {line.last_updated[:10] or '?'}; "
        f"{would}. Keep it with a hold, or let Sophos's number in with an approval"
    )


def _expected_before(cell: Cell, ground: Ground) -> Decimal | None:
    """The quantity that the month before gives under the same rules."""
    units: dict[str, dict[str, Decimal]] = {}
    for feeding in cell.feedings:
        if feeding.before is None:
            return None
        units[feeding.party.name] = feeding.before
    if any(number for codes in units.values() for number in codes.values()) or cell.terms.own_minimum:
        return line_quantity(units, cell.terms).quantity
    return ZERO if ground.settings.on_zero_usage == "zero" else None

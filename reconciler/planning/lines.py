"""What becomes of each agreement line: from which quantity to which, why, and in which state."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import Amount, LineState, PlannedLine
from reconciler.model.money import plain
from reconciler.planning.agreements import day_that_counts, describe, invoice_problem, months_of_cycle
from reconciler.planning.cycles import invoice_text, quantity_before, quantity_now
from reconciler.planning.declared import as_declared, declared_changes, declared_text
from reconciler.planning.quantities import ZERO, Quantity
from reconciler.planning.whose_line import Found, find_line, ids

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.billing import Agreement, Billing, Line
    from reconciler.model.desired import Hold, Settings
    from reconciler.model.observed import UsageLine
    from reconciler.planning.answers import Answers
    from reconciler.planning.cells import Cell
    from reconciler.planning.managed import Products
    from reconciler.planning.whose_line import OpenLines


@dataclass(frozen=True)
class Ground:
    """What every line is judged against. `managed` are the (agreement, product) that rows speak of."""

    billing: Billing
    settings: Settings
    answers: Answers
    open_lines: OpenLines
    managed: frozenset[tuple[int, str]]
    products: Products
    today: date


@dataclass(frozen=True)
class Judged:
    """A line's row in the plan, with what it was judged by.

    `expected` is what last month's bill gives under the same rules, None where that is not known. `by_hand`
    says that the line's present quantity is a person's word.
    """

    row: PlannedLine
    cell: Cell
    line: Line | None = None
    expected: Decimal | None = None
    by_hand: bool = False


def plan_cell(cell: Cell, ground: Ground) -> Judged | None:
    """What becomes of one product on one agreement; None where there is neither usage nor a line."""
    agreement = cell.agreement
    if agreement is None:
        return _unplaced(cell)
    item, lines = cell.product.item, ground.billing.lines.get(agreement.id)
    day = day_that_counts(agreement, ground.today)
    cell = _without_ended(cell, day)
    of_product = [line for line in lines or () if item is not None and line.product_id == item.id]
    found = find_line(cell.terms, of_product, day, agreement.currency_places)
    row = _with_lines(_row(cell), found, agreement)
    hold, unclear = ground.answers.hold(cell)
    needed = _has_usage(cell) or cell.terms.own_minimum or hold is not None
    if not found.open and not needed and (lines is not None or item is None):
        return None
    stopped = _stopped(cell, row, found, unreadable=lines is None) or _decided(row, unclear)
    doubled = _billed_until_now(cell, found, ground)
    if doubled and (found.line is None or (stopped is None and hold is None)):
        return Judged(_decide(row, doubled), cell, found.line)
    if stopped is None and cell.parked and hold is None:
        stopped = row.but(state=LineState.NOT_COUNTED, reason=cell.parked)
    if stopped is not None:
        return Judged(stopped, cell, found.line)
    if found.line is None:
        moving = ground.open_lines.moving(cell)
        if moving:
            shown = ids(line.id for line in moving)
            reason = f"its line {shown} is still open on the agreement it moves from"
            return Judged(row.but(state=LineState.MOVES, reason=reason), cell)
    ended = [f.party.row.ended for f in cell.feedings if f.party.row.ended is not None]
    if len(ended) == len(cell.feedings) and max(ended) < day:
        reason = f"the customer ended on {max(ended)}; end the line in ConnectWise"
        return Judged(row.but(state=LineState.ENDS, reason=reason), cell, found.line)
    if hold is not None:
        wanted = _held(cell, hold)
        return _apply(cell, row.but(held=True), found, wanted, ground)
    return _from_bill(cell, row, found, ground)


def _billed_until_now(cell: Cell, found: Found, ground: Ground) -> str:
    """Why these seats would be billed twice: the line of the product before this one is still open."""
    before = ground.products.before(cell.product, {code for f in cell.feedings for code in f.now})
    lines = ground.open_lines.of_products(cell, before, ground.managed) if before else []
    if not lines or (not found.open and not _has_usage(cell)):
        return ""
    shown = " and ".join(
        f"line #{line.id} of {line.product_identifier} ({plain(line.quantity)})" for _, line in lines
    )
    if found.line is None:
        return (
            f"{shown} bills these seats until now; a line here would bill them twice: end that one on the "
            "day before this one starts"
        )
    together = plain(found.line.quantity + sum((line.quantity for _, line in lines), ZERO))
    return (
        f"{shown} bills these seats until now, beside line #{found.line.id} ({plain(found.line.quantity)}) "
        f"here, together {together}: end the old one on the day before the new one starts"
    )


def _unplaced(cell: Cell) -> Judged | None:
    if not _has_usage(cell):
        return None
    return Judged(_decide(_row(cell), "its agreement could not be chosen; see the problem of its row"), cell)


def _has_usage(cell: Cell) -> bool:
    return any(feeding.lines for feeding in cell.feedings)


def _without_ended(cell: Cell, day: date) -> Cell:
    """The cell without tenants that have ended, where others go on; one that all have left stays whole."""
    going_on = [f for f in cell.feedings if f.party.row.ended is None or f.party.row.ended >= day]
    if not going_on or len(going_on) == len(cell.feedings):
        return cell
    return replace(cell, feedings=going_on)


def _stopped(cell: Cell, row: PlannedLine, found: Found, *, unreadable: bool) -> PlannedLine | None:
    """The row where nothing can be said of its quantity."""
    if cell.product.stop:
        return _decide(row, cell.product.stop)
    if unreadable:
        return _decide(row, "the lines of its agreement could not be read")
    wrong = "; ".join(f.party.wrong for f in cell.feedings if f.party.wrong)
    if cell.terms.per_serial:
        wrong = wrong or "one line per firewall (perSerial) is not supported yet"
    return _decided(row, wrong or found.problem)


def _row(cell: Cell) -> PlannedLine:
    rows = [feeding.party.row for feeding in cell.feedings]
    agreement = cell.agreement
    return PlannedLine(
        customer=" + ".join(cell.names()),
        tenants=cell.tenants,
        company=cell.company,
        agreement_id=agreement.id if agreement is not None else None,
        agreement=agreement.name.strip() if agreement is not None else "",
        product=cell.product.label,
        line_id=None,
        state=LineState.UNCHANGED,
        reason="",
        feed=feed_value(line for feeding in cell.feedings for line in feeding.lines),
        decided_by=cell.terms.decided_by,
        first_invoice=agreement.next_invoice if agreement is not None else None,
        period_type=agreement.period_type if agreement is not None else "",
        source=rows[0].location,
    )


def feed_value(lines: Iterable[UsageLine]) -> dict[str, Decimal]:
    """What the units cost at Sophos, per currency: billable units times unit price."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.unit_price is not None:
            found[line.currency or "?"] += line.billable * line.unit_price
    return dict(sorted(found.items()))


def _decide(row: PlannedLine, reason: str) -> PlannedLine:
    return row.but(state=LineState.NEEDS_DECISION, reason=reason)


def _decided(row: PlannedLine, reason: str) -> PlannedLine | None:
    return _decide(row, reason) if reason else None


def _with_lines(row: PlannedLine, found: Found, agreement: Agreement) -> PlannedLine:
    """The row with what its line bills now; where it is not clear which line, with the money of all."""
    line = found.line
    if line is None:
        if not found.open:
            return row
        sales = sum((billed(one.quantity, one.less_included, one) for one in found.open), ZERO)
        cost = sum((one.quantity * one.unit_cost for one in found.open), ZERO)
        return row.but(sales=_amount(agreement, sales, sales), cost=_amount(agreement, cost, cost))
    row = row.but(
        line_id=line.id,
        before=line.quantity,
        after=line.quantity,
        included_before=line.less_included,
        included_after=line.less_included,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        bill_customer=line.bill_customer,
        last_writer=line.updated_by.strip(),
        last_written=line.last_updated,
    )
    return _with_money(row, line, line, agreement)


def _with_money(row: PlannedLine, line: Line, then: Line, agreement: Agreement) -> PlannedLine:
    """The row with what its quantities mean a month, before tax; `then` has the prices it will have."""
    after = line.quantity if row.after is None else row.after
    return row.but(
        unit_price=then.unit_price,
        unit_cost=then.unit_cost,
        bill_customer=then.bill_customer,
        sales=_amount(
            agreement,
            billed(line.quantity, line.less_included, line),
            billed(after, row.included_after, then),
        ),
        cost=_amount(agreement, line.quantity * line.unit_cost, after * then.unit_cost),
    )


def _amount(agreement: Agreement, before: Decimal, after: Decimal) -> Amount:
    """Money a month; a line's price is per invoice, which covers several months of a longer cycle."""
    months = months_of_cycle(agreement)
    return Amount(agreement.currency or "?", before / months, after / months, agreement.currency_places)


def billed(quantity: Decimal, included: Decimal, line: Line) -> Decimal:
    """What an invoice charges, before tax: units above the included ones, where the line is Billable."""
    if line.bill_customer != "Billable":
        return ZERO
    return max(ZERO, quantity - included) * line.unit_price


def _held(cell: Cell, hold: Hold) -> Quantity:
    included = min(cell.terms.included or ZERO, hold.quantity)
    text = f"held at {plain(hold.quantity)} until {hold.until}: {hold.reason}"
    return Quantity(hold.quantity, included, text, hold.quantity)


def _from_bill(cell: Cell, row: PlannedLine, found: Found, ground: Ground) -> Judged:
    """The row by the quantity on the bill, or what the settings say where there is none."""
    problem = cell.disagreement or "; ".join(f.problem for f in cell.feedings if f.problem)
    silent = "; ".join(dict.fromkeys(f.party.silent for f in cell.feedings if f.party.silent))
    if silent:
        months = max(f.party.months_without_usage for f in cell.feedings)
        row = row.but(state=LineState.NOT_COUNTED, reason=silent, months_without_usage=months)
        return Judged(row, cell, found.line)
    if problem:
        return Judged(_decide(row, problem), cell, found.line)
    wanted, problem = quantity_now(cell)
    if wanted is None:
        return Judged(_decide(row, problem), cell, found.line)
    if wanted.counted == 0 and not cell.terms.own_minimum and found.line is not None:
        policy = ground.settings.on_zero_usage
        if policy == "keep":
            row = row.but(state=LineState.NOT_COUNTED, reason="no usage; onZeroUsage: keep")
            return Judged(row, cell, found.line)
        if policy == "end":
            row = row.but(state=LineState.ENDS, reason="no usage; onZeroUsage: end")
            return Judged(row, cell, found.line)
    return _apply(cell, row, found, wanted, ground)


def _apply(cell: Cell, row: PlannedLine, found: Found, wanted: Quantity, ground: Ground) -> Judged:
    """The row with the quantity that is wanted, less what fixed lines carry."""
    row = row.but(parts=wanted.parts)
    if found.fixed:
        rest = wanted.quantity - found.fixed
        row = row.but(parts=f"{wanted.parts}; less {plain(found.fixed)} on fixed lines")
        if rest < 0:
            reason = f"fixed lines carry {plain(found.fixed)}, more than the {plain(wanted.quantity)} counted"
            return Judged(_decide(row, reason), cell, found.line)
        wanted = replace(wanted, quantity=rest, included=min(wanted.included, rest))
    if found.line is None:
        return Judged(_missing_line(cell, row, found, wanted, ground), cell)
    return _compare(cell, row, found, found.line, wanted, ground)


def _missing_line(
    cell: Cell, row: PlannedLine, found: Found, wanted: Quantity, ground: Ground
) -> PlannedLine:
    """Usage and no line in force: a line to add, unless one was ended on purpose or stands elsewhere."""
    row = row.but(after=wanted.quantity, included_after=wanted.included)
    if wanted.quantity == 0:
        return row.but(reason=f"no line, and none is needed: {wanted.parts}")
    elsewhere = ground.open_lines.elsewhere(cell, ground.managed)
    if elsewhere:
        shown = " and ".join(
            f"line #{line.id} ({plain(line.quantity)}) on {describe(agreement, ground.today)}"
            for agreement, line in elsewhere
        )
        return _decide(
            row,
            f"{plain(wanted.quantity)} wanted and no line here, but the product is billed by {shown}; a line "
            "here would bill it twice. Correct the agreement of the row, or end that line",
        )
    day = row.first_invoice or ground.today
    ended = [line for line in found.other if line.cancelled is not None and line.cancelled < day]
    later = [line for line in found.other if line.effective is not None and line.effective > day]
    if later:
        shown = ", ".join(f"#{line.id} from {line.effective}" for line in later)
        reason = f"there is usage, and its line begins after the next invoice ({shown})"
    elif ended and not any(feeding.party.row.restart for feeding in cell.feedings):
        last = max(ended, key=lambda line: (line.cancelled or day, line.id))
        return _decide(
            row,
            f"there is usage, and a person ended line #{last.id} on {last.cancelled}. Settle it with "
            "`ended` or `exclude`, or add a line in ConnectWise",
        )
    else:
        reason = "there is usage and no line; add the line in ConnectWise, it is then kept up to date"
    return row.but(state=LineState.NEW_LINE, reason=reason)


def _compare(
    cell: Cell, row: PlannedLine, found: Found, line: Line, wanted: Quantity, ground: Ground
) -> Judged:
    agreement = cell.agreement
    if agreement is None:
        raise ValueError("a line is on an agreement")
    included = line.less_included if cell.terms.included is None else wanted.included
    declared, then = declared_changes(line, cell.terms.always), as_declared(line, cell.terms.always)
    now = billed(line.quantity, line.less_included, line)
    invoice = invoice_text(agreement, now, billed(wanted.quantity, included, then))
    reason = "; ".join(filter(None, (row.parts, declared_text(declared), invoice)))
    row = row.but(after=wanted.quantity, included_after=included, reason=reason, declared=declared)
    row = _with_money(row, line, then, agreement)
    expected = _expected_before(cell, ground, found.fixed)
    if wanted.quantity == line.quantity and included == line.less_included and not declared:
        return Judged(row.but(state=LineState.UNCHANGED), cell, line, expected)
    state = _state(line, wanted)
    by_hand = "" if row.held or state is LineState.TERMS else _by_hand(line, state, ground, expected)
    if by_hand and ground.answers.approval(row) is None:
        by_hand = "; ".join(filter(None, (by_hand, ground.answers.unclear_approval(row))))
        return Judged(_decide(row, by_hand), cell, line, expected, by_hand=True)
    problem = _cannot_be_written(cell, agreement, ground)
    row = _decide(row, problem) if problem else row.but(state=state)
    return Judged(row, cell, line, expected)


def _state(line: Line, wanted: Quantity) -> LineState:
    if wanted.quantity == line.quantity:
        return LineState.TERMS
    if wanted.quantity == 0:
        return LineState.TO_ZERO
    return LineState.MORE if wanted.quantity > line.quantity else LineState.LESS


def _cannot_be_written(cell: Cell, agreement: Agreement, ground: Ground) -> str:
    currency = ground.settings.currency
    if currency and agreement.currency and identifier_key(currency) != identifier_key(agreement.currency):
        return f"the agreement is in {agreement.currency}, and settings.currency says {currency}"
    recap = ground.billing.recaps.get(agreement.id)
    problem, remedy = invoice_problem(agreement, recap, cell.terms.take, ground.today)
    return f"{problem}. {remedy}" if problem else ""


def _by_hand(line: Line, state: LineState, ground: Ground, expected: Decimal | None) -> str:
    """Why the line's present quantity is a person's word; nothing where it is in step, or ours."""
    member = ground.settings.connectwise_member
    writer = line.updated_by.strip()
    if member is not None and identifier_key(writer) == identifier_key(member):
        return ""
    if expected is not None and expected == line.quantity:
        return ""
    if ground.settings.on_drift == "enforce" and state is not LineState.TO_ZERO:
        return ""
    if expected is None:
        would = "what last month's bill gives is not known"
    else:
        would = f"last month's bill gives {plain(expected)}"
    return (
        f"{plain(line.quantity)} was set by {writer or 'somebody'} on {line.last_updated[:10] or '?'}; "
        f"{would}. Keep it with a hold, or let Sophos's number in with an approval"
    )


def _expected_before(cell: Cell, ground: Ground, fixed: Decimal) -> Decimal | None:
    """The quantity that the month before gives under the same rules, less what fixed lines carry."""
    counted = quantity_before(cell)
    if counted is None:
        return None
    if counted.counted == 0 and not cell.terms.own_minimum and ground.settings.on_zero_usage != "zero":
        return None
    return counted.quantity - fixed

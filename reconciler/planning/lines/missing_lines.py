"""Usage and no line for it: a new line, one that takes over from another, or why neither may be."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.line_state import holds
from reconciler.model.lines import LineState, OldLine
from reconciler.model.money import plain, price
from reconciler.planning.allocation.open_lines import Open
from reconciler.planning.allocation.writers import is_ours
from reconciler.planning.customers.agreements import day_that_counts, invoice_problem, overdue
from reconciler.planning.lines.dates import Start, last_day, next_invoice, start_of_new_line
from reconciler.planning.lines.judged import Judged, cannot_be_written, decide
from reconciler.planning.lines.just_ended import billed_until, just_ended, told_agreements
from reconciler.planning.lines.look_alikes import look_alike_text
from reconciler.planning.lines.new_lines import new_line, not_billed, not_billed_text
from reconciler.planning.lines.renewals import followed, unlike_terms
from reconciler.planning.lines.rows import amount, billed, plus
from reconciler.planning.lines.whose_line import ids
from reconciler.planning.usage.cycles import invoice_text
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from datetime import date

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.lines import Amount, PlannedLine
    from reconciler.planning.allocation.allocation import Takeover
    from reconciler.planning.lines.judged import Ground
    from reconciler.planning.lines.new_lines import NewLine
    from reconciler.planning.lines.whose_line import Found
    from reconciler.planning.usage.cells import Cell
    from reconciler.planning.usage.quantities import Quantity


def add_line(cell: Cell, row: PlannedLine, found: Found, wanted: Quantity, ground: Ground) -> Judged:
    """Usage and no line in force: a line to add, unless one was ended on purpose or nothing is sure."""
    agreement, take = cell.agreement, found.take
    if agreement is None:
        raise ValueError("a line is on an agreement")
    row = row.but(after=wanted.quantity, included_after=wanted.included)
    if wanted.quantity == 0:
        return nothing_needed(cell, row, take, wanted.parts, ground) or Judged(row, cell)
    late, what_to_do = overdue(agreement, ground.billing.recaps.get(agreement.id), ground.today)
    problem = (
        (f"{late}. {what_to_do}" if late else "")
        or _begins_later(found, day_that_counts(agreement, ground.today))
        or _ended_on_purpose(cell, found, agreement, ground)
        or _not_seen(agreement, ground)
        or cannot_be_written(cell, agreement, ground)
        or other_invoices(agreement, take, ground)
        or unlike_terms(cell, [one.line for one in take.lines])
    )
    before, unclear = (None, problem) if problem else _line_before(cell, agreement, found, ground)
    if unclear:
        return Judged(decide(row, unclear), cell)
    new = new_line(
        cell,
        agreement,
        wanted,
        before=before,
        follows_price=ground.products.follows_price(cell.product),
        start=_start(cell, agreement, found.take, ground),
    )
    if new.problem:
        return Judged(decide(row, new.problem), cell)
    return _added(Judged(row, cell, new=new, ends=take.lines, settled=bool(take.lines)), new, ground)


def nothing_needed(
    cell: Cell, row: PlannedLine, take: Takeover, why: str, ground: Ground, *, settled: bool = False
) -> Judged | None:
    """No line, and none is needed; lines that nothing speaks of any more end all the same."""
    if not take.lines:
        return Judged(row.but(reason=f"no line, and none is needed: {why}"), cell) if not settled else None
    old = take.lines[0].line
    for one in take.lines:
        recap = ground.billing.recaps.get(one.agreement.id)
        problem, remedy = invoice_problem(one.agreement, recap, "last", ground.today)
        if problem:
            said = f"{why}, and line #{one.line.id} of {one.line.product_identifier.strip()} is open still: "
            return Judged(decide(row, f"{said}{problem}. {remedy}"), cell)
    row = row.but(
        state=LineState.ENDS,
        reason=why if settled else f"its seats belong to {cell.product.label} now: {why}",
        after=ZERO,
        included_after=ZERO,
        unit_price=old.unit_price,
        unit_cost=old.unit_cost,
        bill_customer=old.bill_customer,
    )
    return with_old_lines(Judged(row, cell, settled=settled, ends=take.lines))


def new_price(cell: Cell, line: Line, ground: Ground) -> Decimal | None:
    """The catalog's price, where the line is to follow it and has another one; a declared one comes first.

    A line that bills nothing does not follow: somebody gave it away.
    """
    if line.is_free:
        return None
    own = "unitPrice" in cell.terms.always or "unitPrice" in cell.terms.own_new
    if own or not ground.products.follows_price(cell.product):
        return None
    of_catalog = cell.product.fields.get("price")
    if not isinstance(of_catalog, Decimal) or not of_catalog or holds(line, "unitPrice", of_catalog):
        return None
    return of_catalog


def reprice(one: Judged, wanted: Quantity, ground: Ground) -> Judged:
    """A line at an older price: it ends, and one at the catalog's price starts on the next day.

    A line's own price is never changed in place, so that the invoices that were made can still be read.
    """
    cell, line = one.cell, one.line
    agreement = cell.agreement
    if line is None or agreement is None:
        raise ValueError("only a line has a price")
    if line.cancelled is not None:
        return replace(one, row=decide(one.row, f"its price is to follow, and it ends on {line.cancelled}"))
    new = new_line(
        cell,
        agreement,
        wanted,
        before=line,
        follows_price=True,
        start=next_invoice(agreement, ground.today),
    )
    if new.problem:
        return replace(one, row=decide(one.row, new.problem))
    own = Open(agreement, line, new.start)
    places = agreement.currency_places
    shown = f"{price(line.unit_price, places)} → {price(new.line.unit_price, places)}"
    said = f"price {shown} (linePrice: follow)"
    row = one.row.but(reason=said, declared=(), sales=None, cost=None, line_id=None)
    changed = replace(one, row=row, line=None, new=new, ends=(own, *one.ends), settled=True)
    return _added(changed, new, ground)


def _start(cell: Cell, agreement: Agreement, take: Takeover, ground: Ground) -> Start:
    """When the line starts; one that takes over starts where the other ends, whatever the customer wishes."""
    wishes = {feeding.party.row.start for feeding in cell.feedings}
    wish = wishes.pop() if len(wishes) == 1 and not take.lines else None
    recap = ground.billing.recaps.get(agreement.id)
    start = start_of_new_line(agreement, recap, wish, ground.today)
    item = cell.product.item
    until = [
        one.line.cancelled
        for one in ground.open_lines.billed_from(agreement, start.day)
        if one.line.product_id in _rivals(cell, ground)
        and one.line.cancelled is not None
        and (not cell.serial or one.line.product_id != (item and item.id) or one.line.bears(cell.serial))
    ]
    if not until:
        return start
    day = day_that_counts(agreement, ground.today)
    return Start(day, f"a line of these seats runs until {max(until)} in that period; it starts after it")


def _line_before(cell: Cell, agreement: Agreement, found: Found, ground: Ground) -> tuple[Line | None, str]:
    """The product's own line that the new one follows, whose terms go on; or why they may not unasked.

    It ends for the new one, has just ended, or goes on for others where a row says that its customer was.
    """
    item = cell.product.item
    if item is None:
        return None, ""
    moved = [one.line for one in found.take.lines if one.line.product_id == item.id]
    if moved:
        return moved[0], ""
    ended = [one.line for one in just_ended(cell, agreement, ground) if one.line.product_id == item.id]
    left = ended or [
        one.line
        for there in told_agreements(cell, ground)
        for one in ground.open_lines.on(there)
        if one.line.product_id == item.id and one.line.quantity and there.currency == agreement.currency
    ]
    return followed(cell, left or ground.open_lines.predecessors(agreement, item.id))


def _rivals(cell: Cell, ground: Ground) -> frozenset[int]:
    return ground.products.rivals(cell.product, cell.every_code)


def _begins_later(found: Found, day: date) -> str:
    later = [
        line
        for line in found.other
        if line.effective is not None and line.effective > day and not line.never_bills
    ]
    if not later:
        return ""
    shown = ", ".join(f"#{line.id} from {line.effective}" for line in later)
    return (
        f"there is usage, and its line begins after the next invoice ({shown}). Bring its first day forward "
        "in ConnectWise, or end it"
    )


def _ended_on_purpose(cell: Cell, found: Found, agreement: Agreement, ground: Ground) -> str:
    """A line that was ended is not created again, unless the customer's row names it (`restart`).

    What counts is the line that ended last and the newest one: whoever ends a line that came back is asked
    again, whatever day that line gets. Who wrote it last does not tell who ended it: a person may set a day,
    and a later sync the quantity. What tells is that the plan knows why an end of ours is over: its seats
    come back from another line, its price followed, or the bill of last month gave it nothing.
    """
    day = day_that_counts(agreement, ground.today)
    ended = [line for line in found.other if not line.may_bill(day)]
    if not ended or _all_come_along(cell, found.take, ground):
        return ""
    restarts = {number for feeding in cell.feedings for number in feeding.party.row.restart}
    last = max(ended, key=lambda line: (line.cancelled or day, line.id))
    began = [line for line in ended if not (line.never_bills and is_ours(line, ground.settings))]
    newest = max(began, key=lambda line: line.id, default=last)
    over = is_ours(last, ground.settings) and _is_over(cell, agreement, last, ground)
    asked = [
        line
        for line in dict.fromkeys((last, newest))
        if line.id not in restarts and not (over and line is last)
    ]
    if not asked:
        return ""
    line = asked[0]
    how = f"line #{line.id} was ended on {line.cancelled}"
    if not is_ours(line, ground.settings):
        how = f"{line.updated_by.strip() or 'a person'} ended line #{line.id} on {line.cancelled}"
    row = ", ".join(str(number) for number in sorted({*restarts, *(line.id for line in asked)}))
    return (
        f"there is usage, and {how}. If it shall be billed again, say `restart: [{row}]` in the customer's "
        "row (in answers.yaml where `settings.homes` is fixed); otherwise settle it with `ended` or `exclude`"
    )


def _all_come_along(cell: Cell, take: Takeover, ground: Ground) -> bool:
    """Whether everybody's codes with usage were billed by the lines that the new one takes over."""
    products = [one.line.product_id for one in take.lines]
    using = {f.party.row.tenant_id for f in cell.feedings if any(f.now.values())}
    if not products or not using <= take.tenants:
        return False
    known = [ground.products.carried(number) for number in products]
    if not all(known) or ground.products.replaced(cell.product).intersection(products):
        return True  # of what has no tag nobody knows the codes
    carried = frozenset().union(*known)
    own = {code for feeding in cell.feedings for code in feeding.now}
    used = {code for feeding in cell.feedings for code, units in feeding.now.items() if units}
    return used <= carried or bool(carried & (cell.every_code - own))


def other_invoices(agreement: Agreement, take: Takeover, ground: Ground) -> str:
    """A line ends on the day before another starts: on agreements of different invoice days none is right."""
    day = day_that_counts(agreement, ground.today)
    foreign = [one for one in take.lines if one.agreement.currency != agreement.currency]
    if foreign:
        return (
            f"it takes over from #{foreign[0].agreement.id}, which is in "
            f"{foreign[0].agreement.currency or '?'}, and this agreement is in {agreement.currency or '?'}: "
            "end the old line in ConnectWise, and declare the new one's price"
        )
    others = [one for one in take.lines if one.day != day]
    if not others:
        return ""
    shown = " and ".join(f"#{one.agreement.id} on {one.day}" for one in others)
    return (
        f"it takes over from an agreement with another next invoice ({shown}; this one on {day}), so that a "
        "part of a month would be billed twice or not at all. Bring the two invoice days together in "
        "ConnectWise, or end the old line there"
    )


def _is_over(cell: Cell, agreement: Agreement, last: Line, ground: Ground) -> bool:
    if _came_back(cell, agreement, ground):
        return True
    if new_price(cell, last, ground) is not None:
        return True
    nothing = all(f.before is not None and not any(f.before.values()) for f in cell.feedings)
    return nothing and ground.settings.on_zero_usage == "end"


def _came_back(cell: Cell, agreement: Agreement, ground: Ground) -> bool:
    """Whether these seats were on a line that ends for them, in this plan or by an earlier run.

    A line at a place that a row speaks of ends for want of its own usage: it gives no seats to another.
    """
    if ground.allocation.shared.get(cell.wanted):
        return True
    return any(one.place not in ground.managed for one in just_ended(cell, agreement, ground))


def _not_seen(agreement: Agreement, ground: Ground) -> str:
    unread = ground.open_lines.unread(agreement)
    if not unread:
        return ""
    return (
        f"the lines of agreement {ids(unread)} could not be read, so that it is not known whether these "
        "seats are billed there"
    )


def _added(one: Judged, new: NewLine, ground: Ground) -> Judged:
    """The row of a line that is created, with its money and what its day leaves unbilled."""
    agreement, line = one.cell.agreement, new.line
    if agreement is None:
        raise ValueError("a line is on an agreement")
    row = one.row
    follows = one.ends or billed_until(one.cell, agreement, new.start, ground)
    unbilled = None if follows else not_billed(agreement, line, ground.usage, new.start)
    bills = billed(line.quantity, line.less_included, line)
    invoice = invoice_text(agreement, ZERO, bills) if not one.ends else ""
    alike = "" if follows else look_alike_text(one.cell, agreement, ground)
    said = [row.reason, f"price from {new.price_source}", invoice, new.start_reason, alike]
    if unbilled is not None:
        said.append(not_billed_text(unbilled, line, agreement.currency_places))
    row = row.but(
        state=LineState.MOVES if one.ends else LineState.NEW_LINE,
        reason="; ".join(filter(None, said)),
        after=line.quantity,
        included_after=line.less_included,
        unit_price=line.unit_price,
        unit_cost=line.unit_cost,
        bill_customer=line.bill_customer,
        starts=new.start,
        price_source=new.price_source,
        not_billed=unbilled,
        sales=amount(agreement, ZERO, bills),
        cost=amount(agreement, ZERO, line.quantity * line.unit_cost),
    )
    return with_old_lines(replace(one, row=row))


def with_old_lines(one: Judged) -> Judged:
    """The row of a line, with the lines that end for it: their money is part of its own."""
    if not one.ends:
        return one
    row = one.row
    old = tuple(
        OldLine(
            end.agreement.id,
            end.agreement.name.strip(),
            end.line.product_identifier.strip(),
            end.line.id,
            end.line.quantity,
        )
        for end in one.ends
    )
    sales, cost = _known(row.sales, one), _known(row.cost, one)
    for end in one.ends:
        line = end.line
        sales = plus(sales, amount(end.agreement, billed(line.quantity, line.less_included, line), ZERO))
        cost = plus(cost, amount(end.agreement, line.quantity * line.unit_cost, ZERO))
    before = row.before
    if row.line_id is None:
        before = sum((end.line.quantity for end in one.ends), ZERO)
    state, reason = row.state, row.reason
    if state is LineState.UNCHANGED:
        state = LineState.MOVES
    if row.line_id is not None:
        shown = ", ".join(f"#{line.line_id} of {line.product} ({plain(line.quantity)})" for line in old)
        reason = f"{reason}; {'with it ends' if state is LineState.ENDS else 'takes over'} {shown}"
    last = max(last_day(end.line, end.day) for end in one.ends)
    row = row.but(
        takes_over=old, before=before, sales=sales, cost=cost, ends=last, state=state, reason=reason
    )
    asked = _free_until_now(one, row)
    return replace(one, row=decide(row, asked) if asked else row)


def _free_until_now(one: Judged, row: PlannedLine) -> str:
    """Units that somebody gave away are not billed because their product is another one now."""
    if row.state is LineState.ENDS or row.bill_customer != "Billable" or not row.unit_price:
        return ""
    if "billCustomer" in one.cell.terms.always or "billCustomer" in one.cell.terms.own_new:
        return ""
    free = [end.line for end in one.ends if end.line.quantity and end.line.is_free]
    if not free:
        return ""
    shown = ", ".join(
        f"#{line.id} of {line.product_identifier.strip()} ({line.bill_customer} at {price(line.unit_price)})"
        for line in free
    )
    return (
        f"{shown} bills nothing, and the line that takes over would. Say in the customer's `lines` which it "
        "is: {whenNew: {billCustomer: Billable}}, or NoCharge"
    )


def _known(money: Amount | None, one: Judged) -> Amount | None:
    agreement = one.cell.agreement
    if money is None and agreement is not None:
        return amount(agreement, ZERO, ZERO)
    return money

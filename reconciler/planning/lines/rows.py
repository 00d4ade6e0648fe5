"""A line's row in the plan: whose it is, what it bills now, and what it will."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from reconciler.model.lines import Amount, LineState, PlannedLine
from reconciler.planning.customers.agreements import months_of_cycle
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.observed import UsageLine
    from reconciler.planning.lines.whose_line import Found
    from reconciler.planning.usage.cells import Cell


def row_of(cell: Cell) -> PlannedLine:
    """The row of a product on an agreement, without its line."""
    rows = [feeding.party.row for feeding in cell.feedings]
    agreement = cell.agreement
    return PlannedLine(
        customer=" + ".join(cell.names()),
        tenants=cell.tenants,
        company=cell.company,
        company_name=cell.company_name,
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
        prorates=agreement.prorate if agreement is not None else False,
        source=rows[0].location,
        serial=cell.serial,
        cycle_months=months_of_cycle(agreement) if agreement is not None else 1,
    )


def feed_value(lines: Iterable[UsageLine]) -> Mapping[str, Decimal]:
    """What the units cost at Sophos, per currency: billable units times unit price."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for line in lines:
        if line.unit_price is not None:
            found[line.currency or "?"] += line.billable * line.unit_price
    return _feed(*sorted(found.items()))


@lru_cache(maxsize=10_000)
def _feed(*found: tuple[str, Decimal]) -> Mapping[str, Decimal]:
    """Kept as amounts are; nobody can change what many lines hold."""
    return MappingProxyType(dict(found))


def with_lines(row: PlannedLine, found: Found, agreement: Agreement) -> PlannedLine:
    """The row with what its line bills now; where it is not clear which line, each stands beside the row."""
    return row if found.line is None else with_line(row, found.line, agreement)


def with_line(row: PlannedLine, line: Line, agreement: Agreement) -> PlannedLine:
    """The row with what this line bills now."""
    return row.but(
        line_id=line.id,
        before=line.quantity,
        after=line.quantity,
        included_before=line.less_included,
        included_after=line.less_included,
        last_writer=line.updated_by.strip(),
        last_written=line.last_updated,
        **_money(line, line, line.quantity, line.less_included, agreement),
    )


def with_money(row: PlannedLine, line: Line, then: Line, agreement: Agreement) -> PlannedLine:
    """The row with what its quantities mean a month, before tax; `then` has the prices it will have."""
    return row.but(**_money(line, then, row.after, row.included_after, agreement))


def _money(
    line: Line, then: Line, after: Decimal | None, included: Decimal, agreement: Agreement
) -> dict[str, Any]:
    after = line.quantity if after is None else after
    return {
        "unit_price": then.unit_price,
        "unit_cost": then.unit_cost,
        "bill_customer": then.bill_customer,
        "sales": amount(
            agreement, billed(line.quantity, line.less_included, line), billed(after, included, then)
        ),
        "cost": amount(agreement, line.quantity * line.unit_cost, after * then.unit_cost),
    }


def amount(agreement: Agreement, before: Decimal, after: Decimal) -> Amount:
    """Money a month; a line's price is per invoice, which covers several months of a longer cycle."""
    months = months_of_cycle(agreement)
    return _amount(agreement.currency or "?", before, after, months, agreement.currency_places)


@lru_cache(maxsize=10_000)
def _amount(currency: str, before: Decimal, after: Decimal, months: int, places: int) -> Amount:
    """Kept, because a large site has the same few amounts on hundreds of thousands of lines."""
    return Amount(currency, before / months, after / months, places)


def billed(quantity: Decimal, included: Decimal, line: Line) -> Decimal:
    """What an invoice charges, before tax: units above the included ones, where the line is Billable."""
    if line.bill_customer != "Billable":
        return ZERO
    return max(ZERO, quantity - included) * line.unit_price


def plus(one: Amount | None, other: Amount | None) -> Amount | None:
    """Both together, where both are known and of one currency; None otherwise."""
    if one is None or other is None or one.currency != other.currency:
        return None
    places = max(one.places, other.places)
    return Amount(one.currency, one.before + other.before, one.after + other.after, places)

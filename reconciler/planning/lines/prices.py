"""What a change of a catalog price means for lines that are there: said, because it reaches none of them."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.change import product_key
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, notice, warning
from reconciler.model.money import cents, price
from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.lines.rows import billed
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from datetime import date

    from reconciler.model.billing import Agreement, Billing, Line
    from reconciler.model.change import Change
    from reconciler.planning.products.managed import Managed, Products

_AUTOMATIC = "autoUpdateUnitPriceFlag"


def price_remarks(products: Products, billing: Billing, today: date) -> list[Diagnostic]:
    """One for each product whose catalog price this plan changes while lines of it are open."""
    edits = list(products.price_edits())
    if not edits:
        return []
    agreements = {agreement.id: agreement for agreement in billing.agreements}
    lines: dict[int, list[tuple[Agreement, Line]]] = defaultdict(list)
    for number, own in billing.lines.items():
        agreement = agreements.get(number)
        if agreement is None or not agreement.in_force(day_that_counts(agreement, today)):
            continue
        for line in own:
            if line.in_force(day_that_counts(agreement, today)):
                lines[line.product_id].append((agreement, line))
    found = []
    for product, change in edits:
        own_lines = lines.get(product.item.id, []) if product.item is not None else []
        if own_lines:
            found.append(_remark(product, change, own_lines, follows=products.follows_price(product)))
    return found


def _remark(
    product: Managed, change: Change, lines: list[tuple[Agreement, Line]], *, follows: bool
) -> Diagnostic:
    edit = next(one for one in change.fields if one.field == "price")
    price = Decimal(edit.after or 0)
    text = f"{product.label}: the catalog price goes from {edit.before or '0.00'} to {edit.after or '0.00'}. "
    where = {"location": change.source, "subject": f"price/{product_key(product.label)}"}
    counted = _counted(lines)
    if product.fields.get(_AUTOMATIC) is True:
        money = _repriced(lines, price)
        return warning(
            "price-reprices-lines",
            f"{text}Its {_AUTOMATIC} is set, so that ConnectWise may reprice {counted} by itself: {money} an "
            "invoice, before tax, outside of this plan.",
            f"Declare {_AUTOMATIC}: false if open lines shall keep their price.",
            **where,
        )
    if follows:
        return notice(
            "price-followed",
            f"{text}linePrice: follow: its lines follow, each by a line of its own in this plan or the next; "
            f"now {counted}.",
            "Lines of customers that declare a unitPrice keep it.",
            **where,
        )
    return notice(
        "price-kept",
        f"{text}Catalog only: {counted} keep their price ({_by_price(lines)}).",
        "To raise them as well, declare linePrice: follow at the product, in a reviewed change of its own.",
        **where,
    )


def _counted(lines: list[tuple[Agreement, Line]]) -> str:
    units = sum((line.quantity for _, line in lines), ZERO)
    return f"{number_of(len(lines), 'open line')} of the mapped customers, {number_of(units, 'unit')},"


def _by_price(lines: list[tuple[Agreement, Line]]) -> str:
    counts: dict[tuple[str, Decimal], int] = defaultdict(int)
    for agreement, line in lines:
        counts[agreement.currency or "?", price(line.unit_price, agreement.currency_places)] += 1
    return ", ".join(f"{count} × {each:f} {currency}" for (currency, each), count in sorted(counts.items()))


def _repriced(lines: list[tuple[Agreement, Line]], price: Decimal) -> str:
    """What all of these lines at the new price would bill more, by currency."""
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for agreement, line in lines:
        now = billed(line.quantity, line.less_included, line)
        units = now / line.unit_price if line.unit_price else ZERO
        if line.unit_price:
            sums[agreement.currency or "?"] += units * price - now
    return (
        " and ".join(f"up to {cents(more):+} {currency}" for currency, more in sorted(sums.items())) or "0.00"
    )

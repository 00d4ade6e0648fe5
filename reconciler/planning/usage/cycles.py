"""Quantities of agreements that are invoiced every two or three months: from several months' bills.

The units of each month are counted by the same rules: the product's codes within the tenant, then the
tenants of the line. `take` makes one number of them, and blocks, minimum, maximum and included units follow
once for the line, as they do for one month.
"""

from __future__ import annotations

from decimal import ROUND_CEILING, Decimal
from typing import TYPE_CHECKING

from reconciler.model.money import money_text, plain
from reconciler.planning.customers.agreements import LONGEST_TAKEN, TAKEN, months_of_cycle, months_taken
from reconciler.planning.usage.quantities import ZERO, Quantity, line_quantity, stepped_quantity

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.billing import Agreement
    from reconciler.model.desired import Desired
    from reconciler.model.months import Month
    from reconciler.planning.usage.cells import Cell


def months_back(configurations: Iterable[Desired]) -> int:
    """How many bills before the newest closed one lines need.

    One, by which it is seen which lines are in step; where some row takes the highest or the average, as
    many as the longest cycle has: the rest of the cycle, and one more for what was in step.
    """
    taken = any(
        terms.take in TAKEN
        for desired in configurations
        for terms in (*desired.lines, *(own for customer in desired.customers for own in customer.lines))
    )
    return LONGEST_TAKEN if taken else 1


def quantity_now(cell: Cell) -> tuple[Quantity | None, str]:
    """The quantity by the bills, or why they give none."""
    if _months(cell) == 1:
        units = {name: feeding.now for name, feeding in zip(cell.names(), cell.feedings, strict=True)}
        return line_quantity(units, cell.terms), ""
    return _taken(cell, skip=0)


def quantity_before(cell: Cell) -> Quantity | None:
    """The quantity by the same rules a month earlier; None where a bill that it takes is not known."""
    if _months(cell) > 1:
        return _taken(cell, skip=1)[0]
    units = {}
    for name, feeding in zip(cell.names(), cell.feedings, strict=True):
        if feeding.before is None:
            return None
        units[name] = feeding.before
    return line_quantity(units, cell.terms)


def invoice_text(agreement: Agreement, before: Decimal, after: Decimal) -> str:
    """What an invoice of a cycle longer than a month comes to, where a plan shows money a month."""
    months = months_of_cycle(agreement)
    if months == 1:
        return ""
    old, new = (money_text(amount, agreement.currency_places) for amount in (before, after))
    shown = new if old == new else f"{old} → {new}"
    return f"an invoice covers {months} months: {shown} {agreement.currency}".rstrip()


def _months(cell: Cell) -> int:
    return months_taken(cell.agreement, cell.terms.take)


def _taken(cell: Cell, *, skip: int) -> tuple[Quantity | None, str]:
    """One number from the months of a cycle, the newest `skip` months left out."""
    length = _months(cell)
    units: dict[Month, dict[str, dict[str, Decimal]]] = {}
    problems: dict[str, None] = {}
    for name, feeding in zip(cell.names(), cell.feedings, strict=True):
        if not feeding.months:  # a tenant whose terms differ; that is told, unless a hold gives the number
            return None, f"{name} does not say `take: {cell.terms.take}`"
        for one in feeding.months[skip : skip + length]:
            if one.units is None:
                problems[one.problem] = None
            else:
                units.setdefault(one.month, {})[name] = one.units
    if problems:
        return None, (
            f"`take: {cell.terms.take}` counts the {length} months of the agreement's cycle, and "
            f"{' and '.join(problems)}. Give the number with a hold, or say `take: last` under the "
            "customer's lines"
        )
    counted = {month: line_quantity(units[month], cell.terms).counted for month in sorted(units)}
    return _one_of(counted, cell), ""


def _one_of(counted: dict[Month, Decimal], cell: Cell) -> Quantity:
    """The highest, or the average in whole units: rounded up, because a part of a unit is not billed."""
    listed = ", ".join(f"{month.name} {plain(number)}" for month, number in counted.items())
    if cell.terms.take == "highest":
        return stepped_quantity(max(counted.values()), f"highest of {listed}", cell.terms)
    average = sum(counted.values(), ZERO) / len(counted)
    whole = average.to_integral_value(rounding=ROUND_CEILING)
    how = "average of" if whole == average else "average, rounded up, of"
    return stepped_quantity(whole, f"{how} {listed}", cell.terms)

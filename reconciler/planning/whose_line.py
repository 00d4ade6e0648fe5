"""Which line of an agreement carries a product on the day that counts, or why that is not clear."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.money import USUAL_PLACES, plain, price
from reconciler.planning.agreements import day_that_counts, is_named
from reconciler.planning.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Billing, Line
    from reconciler.planning.cells import Cell
    from reconciler.planning.quantities import Terms


@dataclass(frozen=True)
class Found:
    """The line that follows Sophos, the units on fixed lines beside it, or why it is not clear.

    `open` are all lines of the product that are in force, `other` those that have ended or not begun.
    """

    line: Line | None = None
    fixed: Decimal = ZERO
    problem: str = ""
    open: tuple[Line, ...] = ()
    other: tuple[Line, ...] = ()


def find_line(terms: Terms, of_product: Iterable[Line], day: date, places: int = USUAL_PLACES) -> Found:
    """The line of a product that is in force on the day: one that ends and its follower are a sequence.

    `places` are the decimals of the agreement's currency, for what is said of prices.
    """
    lines = sorted(of_product, key=lambda line: line.id)
    current = tuple(line for line in lines if line.in_force(day))
    other = tuple(line for line in lines if not line.in_force(day))
    fixed = [line for line in current if line.id in terms.fixed]
    rest = [line for line in current if line.id not in terms.fixed]
    units = sum((line.quantity for line in fixed), ZERO)
    problem = _unclear(terms, fixed, rest, places)
    line = None if problem or not rest else rest[0]
    return Found(line, units, problem, current, other)


def _unclear(terms: Terms, fixed: Sequence[Line], rest: Sequence[Line], places: int) -> str:
    missing = sorted(set(terms.fixed) - {line.id for line in fixed})
    if missing:
        return f"fixed line {ids(missing)} is not an open line of this product here"
    if terms.line is not None:
        others = [line.id for line in rest if line.id != terms.line]
        if len(others) == len(rest):
            return f"line #{terms.line} is not an open line of this product here"
        if others:
            return (
                f"line {ids(others)} is open beside #{terms.line}; name it under the customer's `fixed`, or "
                "end it"
            )
    elif len(rest) > 1:
        shown = " and ".join(
            f"#{line.id} ({plain(line.quantity)} × {price(line.unit_price, places):f})" for line in rest
        )
        together = plain(sum((line.quantity for line in rest), ZERO))
        return (
            f"{len(rest)} open lines, {shown}, together {together}. Which one shall follow Sophos? "
            "Name it under the customer's lines: {line: …, fixed: […]}"
        )
    return ""


def ids(numbers: Iterable[int]) -> str:
    """Record ids for people: `#5512, #5513`."""
    return ", ".join(f"#{number}" for number in numbers)


class OpenLines:
    """The open lines of each product by company, to see what is billed on another agreement as well."""

    def __init__(self, billing: Billing, today: date) -> None:
        self._billing = billing
        self._today = today
        self._agreements = {agreement.id: agreement for agreement in billing.agreements}
        self._by_product: dict[tuple[int, int], list[tuple[Agreement, Line]]] = defaultdict(list)
        for number, lines in sorted(billing.lines.items()):
            agreement = self._agreements.get(number)
            if agreement is None:
                continue
            day = day_that_counts(agreement, today)
            for line in lines if agreement.in_force(day) else ():
                if line.in_force(day):
                    self._by_product[agreement.company_id, line.product_id].append((agreement, line))

    def elsewhere(self, cell: Cell, managed: frozenset[tuple[int, str]]) -> list[tuple[Agreement, Line]]:
        """Open lines of the cell's product on other agreements of its company that no row speaks of."""
        if cell.agreement is None or cell.product.item is None:
            return []
        found = self._by_product.get((cell.agreement.company_id, cell.product.item.id), ())
        return [
            (agreement, line)
            for agreement, line in found
            if agreement.id != cell.agreement.id and (agreement.id, cell.product.key) not in managed
        ]

    def of_products(
        self, cell: Cell, products: Iterable[int], managed: frozenset[tuple[int, str]]
    ) -> list[tuple[Agreement, Line]]:
        """Open lines with units of other products at the cell's company, where no row speaks of them."""
        if cell.agreement is None:
            return []
        return [
            (agreement, line)
            for product in sorted(products)
            for agreement, line in self._by_product.get((cell.agreement.company_id, product), ())
            if line.quantity > 0 and (agreement.id, f"#{product}") not in managed
        ]

    def moving(self, cell: Cell) -> list[Line]:
        """The open lines of the product on the agreement that the customer moves from."""
        item, here = cell.product.item, cell.agreement
        if item is None or here is None:
            return []
        return [
            line
            for feeding in cell.feedings
            if (origin := feeding.party.row.moved_from) is not None
            for agreement in feeding.party.agreements
            if is_named(agreement, origin) and agreement.id != here.id
            for line in self._billing.lines.get(agreement.id, ())
            if line.product_id == item.id and line.in_force(day_that_counts(agreement, self._today))
        ]

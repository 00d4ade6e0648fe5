"""What was billed until now: last month's number of a line that no row speaks of, and frozen lines."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error
from reconciler.planning.usage.cells import by_product
from reconciler.planning.usage.cycles import quantity_before, quantity_now
from reconciler.planning.usage.quantities import ZERO, code_usage, line_quantity, merge_terms

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from reconciler.model.billing import Line
    from reconciler.model.desired import Desired, Row
    from reconciler.model.observed import UsageLine
    from reconciler.planning.allocation.open_lines import Open, OpenLines
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.bills import Bills
    from reconciler.planning.usage.cells import Cell


class Expected:
    """What the bill gives for a line of a product that the customer is not billed on now."""

    def __init__(
        self, desired: Desired, products: Products, before: Bills | None, open_lines: OpenLines
    ) -> None:
        self._products = products
        self._before = before
        self._open_lines = open_lines
        self._general = by_product(desired.lines, products)

    def of(self, cell: Cell, one: Open) -> Decimal | None:
        """Last month's number by the product's terms and every code that it ever had, for the cell's tenants.

        A product that the cell's replaces was kept in step with the codes of its successor: a line that has
        last month's or this month's number of those is in step, alone or with the others of its seats.
        """
        own = self._of_its_codes(cell, one)
        if one.line.product_id not in self._products.replaced(cell.product) or own == one.line.quantity:
            return own
        numbers = _of_the_successor(cell)
        if not numbers.isdisjoint({one.line.quantity, *self._together(cell)}):
            return one.line.quantity
        last = quantity_before(cell)
        return own or (None if last is None else last.quantity)

    def _together(self, cell: Cell) -> set[Decimal]:
        """The units of all lines of replaced products here, and with those of the cell's own product."""
        agreement, item = cell.agreement, cell.product.item
        if agreement is None:
            return set()
        replaced, old, own = self._products.replaced(cell.product), ZERO, ZERO
        for one in self._open_lines.around(agreement):
            if one.agreement.company_id != agreement.company_id:
                continue
            if one.line.product_id in replaced:
                old += one.line.quantity
            elif item is not None and one.line.product_id == item.id:
                own += one.line.quantity
        return {old, old + own}

    def _of_its_codes(self, cell: Cell, one: Open) -> Decimal | None:
        codes = self._products.carried(one.line.product_id)
        units: dict[str, dict[str, Decimal]] = {}
        if self._before is None or not self._before.month.lines:
            return None
        terms = merge_terms(self._general.get(f"#{one.line.product_id}"), None)
        for number, feeding in enumerate(cell.feedings):
            bill = self._before.of(feeding.party.row.tenant_id)
            counted = {
                code: code_usage(
                    _of_its_firewall(cell, one.line, bill.get(code, ())),
                    terms.quantity,
                    self._before.month.month,
                )
                for code in codes
            }
            if not bill or self._before.problem(feeding.party.row.tenant_id):
                return None
            if any(usage.problem for usage in counted.values()):
                return None
            units[str(number)] = {code: usage.quantity for code, usage in counted.items()}
        return line_quantity(units, terms).quantity


def _of_its_firewall(cell: Cell, line: Line, usage: Sequence[UsageLine]) -> Sequence[UsageLine]:
    """What the bill has of the firewalls that a line names, where each has a line of its own.

    A line that names none of them was one for all.
    """
    if not cell.serial:
        return usage
    named = ((one.account_or_serial.strip(), one) for one in usage)
    own = [one for serial, one in named if serial and line.bears(serial)]
    return own if own or line.serial_number.strip() else usage


def _of_the_successor(cell: Cell) -> set[Decimal]:
    """What last month's and this month's bill give for the wanted line, before and after its terms.

    Nothing is taken from a bill of which something is unclear.
    """
    if any(feeding.problem or feeding.party.silent or feeding.party.wrong for feeding in cell.feedings):
        return set()
    found = [quantity_before(cell), quantity_now(cell)[0]]
    return {number for one in found if one is not None for number in (one.quantity, one.counted) if number}


def frozen_products(desired: Desired, products: Products) -> dict[str, Diagnostic]:
    """Products of which some codes are synced and others are not: their number would be a part of one."""
    on: dict[str, list[str]] = defaultdict(list)
    off: dict[str, list[Row]] = defaultdict(list)
    labels: dict[str, str] = {}
    for row in desired.rows:
        for target in row.targets:
            key = products.key(target.key)
            labels.setdefault(key, str(target))
            if row.sync:
                on[key].append(row.code)
            else:
                off[key].append(row)
    return {
        key: error(
            "product-frozen",
            f"{labels[key]}: usage sync is off for {', '.join(row.code for row in rows)} and on for "
            f"{', '.join(on[key])}. A part of its number would be wrong, so its lines stay as they are.",
            "Turn both on or off, or map them to different products.",
            location=rows[0].location,
            subject=f"lines/{labels[key]}",
        )
        for key, rows in sorted(off.items())
        if on[key]
    }

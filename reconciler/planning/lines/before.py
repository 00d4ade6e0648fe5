"""What was billed until now: last month's number of a line that no row speaks of, and frozen lines."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error
from reconciler.planning.usage.cells import by_product
from reconciler.planning.usage.quantities import code_usage, line_quantity, merge_terms

if TYPE_CHECKING:
    from decimal import Decimal

    from reconciler.model.desired import Desired, Row
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.bills import Bills
    from reconciler.planning.usage.cells import Cell


class Expected:
    """What last month's bill gives for a line of a product that the customer is not billed on now."""

    def __init__(self, desired: Desired, products: Products, before: Bills | None) -> None:
        self._products = products
        self._before = before
        self._general = by_product(desired.lines, products)

    def of(self, cell: Cell, one: Open) -> Decimal | None:
        """By the product's terms and every code that it ever had, for the tenants of the wanted line."""
        codes = self._products.carried(one.line.product_id)
        units: dict[str, dict[str, Decimal]] = {}
        if self._before is None or not self._before.month.lines:
            return None
        terms = merge_terms(self._general.get(f"#{one.line.product_id}"), None)
        for number, feeding in enumerate(cell.feedings):
            bill = self._before.of(feeding.party.row.tenant_id)
            counted = {
                code: code_usage(bill.get(code, ()), terms.quantity, self._before.month.month)
                for code in codes
            }
            if not bill or any(one.problem for one in counted.values()):
                return None
            units[str(number)] = {code: usage.quantity for code, usage in counted.items()}
        return line_quantity(units, terms).quantity


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

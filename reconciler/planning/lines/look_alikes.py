"""Lines that nothing joins with a new one but their number: said in its reason, for whoever reviews it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.planning.allocation.allocation import concerns
from reconciler.planning.allocation.evidence import fitting_numbers, was_billed_before

if TYPE_CHECKING:
    from reconciler.model.billing import Agreement
    from reconciler.planning.lines.judged import Ground
    from reconciler.planning.usage.cells import Cell


def look_alike_text(cell: Cell, agreement: Agreement, ground: Ground) -> str:
    """A line of the agreement that has the new one's number, of a product that nothing feeds; "" for none.

    A product that lost its tag, and whose line a person wrote, leaves no other trace. Only the lines of
    customers that were on last month's bill can have billed it.
    """
    numbers = fitting_numbers(cell)
    if not numbers or not was_billed_before(cell, ground.allocation.evidence.rules):
        return ""
    alike = [
        line
        for line in ground.open_lines.on(agreement)
        if line.line.quantity in numbers
        and line.place not in ground.managed
        and not concerns(line, ground.products, ground.settings)
    ]
    if not alike:
        return ""
    shown = " and ".join(line.text for line in alike)
    label = alike[0].line.product_identifier.strip()
    return (
        f"{shown} has that number here, and no code feeds its product: if it bills these seats, say "
        f"`{cell.product.label}: {{replaces: [{label}]}}` under products first"
    )

"""Terms that go on: a new line has those of the line before it, where it is clear which they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.money import plain, price
from reconciler.planning.lines.whose_line import of_this_cell

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.billing import Line
    from reconciler.planning.usage.cells import Cell

_BILLABLE = "Billable"


def followed(cell: Cell, before: Sequence[Line]) -> tuple[Line | None, str]:
    """The line whose terms go on, of those that billed these seats before; or why a person says it.

    A firewall's own line comes before those of other firewalls.
    """
    lines = of_this_cell(before, cell.serial) or before
    if not lines:
        return None, ""
    return lines[0], unlike_terms(cell, lines) or _free_again(cell, lines[0])


def unlike_terms(cell: Cell, lines: Sequence[Line]) -> str:
    """Why lines of the product cannot become one: their terms go on, and which ones is a person's word."""
    item, terms = cell.product.item, cell.terms
    own = [line for line in lines if item is not None and line.product_id == item.id]
    declared = _declared(cell)
    fields = (("unitPrice", "unit_price"), ("billCustomer", "bill_customer"))
    unlike = [name for name, a in fields if name not in declared and len({getattr(x, a) for x in own}) > 1]
    said = [f"whenNew: {{{name}: …}}" for name in unlike]
    if terms.included is None and len(own) > 1 and any(line.less_included for line in own):
        said.append("included: …")
    if not said:
        return ""
    shown = " and ".join(
        f"#{line.id} ({plain(line.quantity)} × {price(line.unit_price)}, {line.bill_customer}, "
        f"{plain(line.less_included)} included)"
        for line in own
    )
    return f"{shown} become one line: say in the customer's `lines` on which terms, {', '.join(said)}"


def _free_again(cell: Cell, line: Line) -> str:
    """A line that billed nothing was a trial, or given away for a time: whether that goes on is asked."""
    declared = _declared(cell)
    option = str(declared.get("billCustomer", line.bill_customer))
    unsaid = line.bill_customer != _BILLABLE and "billCustomer" not in declared
    unpriced = option == _BILLABLE and not line.unit_price and "unitPrice" not in declared
    if not (unsaid or unpriced):
        return ""
    return (
        f"line #{line.id} before it bills nothing ({line.bill_customer} at {price(line.unit_price)}). Say in "
        "the customer's `lines` how it goes on: free again, {whenNew: {billCustomer: DoNotBill}}; or billed, "
        "{whenNew: {billCustomer: Billable, unitPrice: …}}"
    )


def _declared(cell: Cell) -> dict[str, object]:
    """What is said of a new line for good, or by the customer's own row. The product's `whenNew` gives way to
    the line before, because somebody agreed that one with the customer."""
    own = {name: value for name, value in cell.terms.when_new.items() if name in cell.terms.own_new}
    return {**own, **cell.terms.always}

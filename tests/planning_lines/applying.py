"""What ConnectWise would hold once changes of a plan are written, by rules of their own."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.billing import Line
from tests.planning_lines.books import OURS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.billing import Billing
    from reconciler.model.change import Change

_NUMBERS = {"quantity": "quantity", "lessIncluded": "less_included", "unitPrice": "unit_price"}


def after(billing: Billing, changes: Iterable[Change], ids: Mapping[str, int]) -> Billing:
    """The books with these changes of lines written; `ids` are the products' record ids by identifier."""
    lines = {number: list(own) for number, own in billing.lines.items()}
    for change in changes:
        place = change.target.agreement
        if place is None:
            continue
        values = {one.field: one.after for one in change.fields}
        if change.target.id is None:
            number = 1 + max((line.id for own in lines.values() for line in own), default=9000)
            lines[place].append(_created(number, place, change.target.identifier, ids, values))
            continue
        own = lines[place]
        (index,) = [i for i, line in enumerate(own) if line.id == change.target.id]
        own[index] = _changed(own[index], values)
    return replace(billing, lines={number: tuple(own) for number, own in lines.items()})


def _created(
    number: int, agreement: int, product: str, ids: Mapping[str, int], values: Mapping[str, Any]
) -> Line:
    return Line(
        id=number,
        agreement_id=agreement,
        product_id=ids[product],
        product_identifier=product,
        quantity=Decimal(values["quantity"]),
        less_included=Decimal(values["lessIncluded"]),
        unit_price=Decimal(values["unitPrice"]),
        unit_cost=Decimal(values["unitCost"]),
        bill_customer=values["billCustomer"],
        effective=date.fromisoformat(values["effectiveDate"]),
        invoice_description=values.get("invoiceDescription", ""),
        serial_number=values.get("serialNumber", ""),
        taxable=values.get("taxableFlag", False),
        last_updated="2026-11-27T09:00:00Z",
        updated_by=OURS,
    )


def _changed(line: Line, values: Mapping[str, Any]) -> Line:
    new: dict[str, Any] = {_NUMBERS[name]: Decimal(v) for name, v in values.items() if name in _NUMBERS}
    if "cancelledDate" in values:
        new["cancelled"] = date.fromisoformat(values["cancelledDate"])
    return replace(line, **new, updated_by=OURS)

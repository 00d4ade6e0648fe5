"""Plans made by hand: lines, their money and their changes, nothing else."""

from __future__ import annotations

import io
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import Location
from reconciler.model.field_change import FieldChange
from reconciler.model.lines import Amount, LineState, PlannedLine
from reconciler.model.plan import Action, Change, Period, Plan, Target
from reconciler.reporting.console import console_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from rich.console import Console

NOVEMBER = Period("2026-11", "November 2026", "2026-10-26", "2026-11-25", closed=True)
INVOICE = date(2026, 12, 1)


def line(customer: str = "Safelog", **values: Any) -> PlannedLine:
    """A line that goes from 10 to 12 units at 4.50 EUR, unless said otherwise.

    Money follows from quantity, included units and price unless `sales` is given; numbers may be ints.
    """
    given: dict[str, Any] = {
        "tenants": ("t-1",),
        "company": customer.upper().replace(" ", ""),
        "agreement_id": 117,
        "agreement": "Managed Security",
        "product": "MSP-ENDPOINT",
        "line_id": 5512,
        "state": LineState.MORE,
        "reason": "",
        "before": 10,
        "after": 12,
        "unit_price": "4.50",
        "unit_cost": "2.00",
        "bill_customer": "Billable",
        "first_invoice": INVOICE,
        "source": Location("mappings/customers.yaml", 14),
    } | values
    currency, places = given.pop("currency", "EUR"), given.pop("places", 2)
    for key in ("before", "after", "unit_price", "unit_cost", "included_before", "included_after"):
        if given.get(key) is not None:
            given[key] = Decimal(given[key])
    made = PlannedLine(customer=customer, **given)
    if "sales" not in given and made.before is not None and made.after is not None:
        billed = (
            max(Decimal(0), made.before - made.included_before) * made.unit_price,
            max(Decimal(0), made.after - made.included_after) * made.unit_price,
        )
        cost = (made.before * made.unit_cost, made.after * made.unit_cost)
        given |= {"sales": Amount(currency, *billed, places), "cost": Amount(currency, *cost, places)}
        made = PlannedLine(customer=customer, **given)
    return made


def plan(*lines: PlannedLine, **values: Any) -> Plan:
    """A plan of these lines on 27 November 2026, with November closed."""
    given: dict[str, Any] = {
        "tool": "reconciler 0",
        "site": "mappings",
        "owner": "main",
        "marker_custom_field": None,
        "instance": {"connectwiseHost": "cw.example", "connectwiseCompany": "msp", "sophosPartner": "p-1"},
        "today": "2026-11-27",
        "period": NOVEMBER,
        "config_hash": "sha256:0",
        "changes": (),
        "lines": lines,
    } | values
    return Plan(**given)


def change_of(planned: PlannedLine, **values: Any) -> Change:
    """The change that writes a line."""
    target = Target(planned.product, planned.line_id, planned.agreement_id)
    given: dict[str, Any] = {
        "id": f"update_line:{target.key}",
        "action": Action.UPDATE_LINE,
        "target": target,
        "reason": "usage",
        "fields": (FieldChange("quantity", str(planned.before), str(planned.after)),),
        "write": f"line/{planned.line_id}",
        "money": planned.sales,
    } | values
    return Change(**given)


def product_change(identifier: str = "MSP-GOLD", **values: Any) -> Change:
    """A change of a product."""
    given: dict[str, Any] = {
        "id": f"edit_product:product/{identifier}",
        "action": Action.EDIT_PRODUCT,
        "target": Target(identifier, 7),
        "reason": "description differs",
        "fields": (FieldChange("description", "old", "new"),),
        "write": f"product/{identifier}",
    } | values
    return Change(**given)


def printed(write: Callable[[Console], None]) -> str:
    """What it prints where no terminal is."""
    out = io.StringIO()
    write(console_for(out, {}))
    return out.getvalue()

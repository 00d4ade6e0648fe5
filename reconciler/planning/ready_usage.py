"""Units on Sophos's bill that no row follows: no reason to wait with an invoice, and each is named."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.money import money_text
from reconciler.model.verdict import Reason, ReasonKind

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.plan import Plan
    from reconciler.model.usage_notes import UsageNote

_NO_MAPPING = "Give the code a row under `mappings`: a product, or `exclude` with the reason."
_NO_TENANT = (
    "Assign the firewall to a customer in Sophos Central, or name its serial number in a customer's row."
)


def about_usage(plan: Plan) -> list[Reason]:
    """A remark for each customer without a row, each code without a mapping, each firewall of nobody."""
    return [reason for note in plan.usage_notes for reason in _remark(note) if Decimal(note.quantity)]


def _remark(note: UsageNote) -> Iterable[Reason]:
    units = f"{number_of(Decimal(note.quantity), 'unit')}{_value(note)}"
    if note.kind == "customer":
        message = f"no row under `customers` follows {units} on Sophos's bill"
        paste = note.detail.removeprefix("under customers: ")
        remedy = f"Under customers: {paste}" if paste else "Give the customer a row under `customers`."
        yield Reason(ReasonKind.NO_ROW, message, remedy, customer=note.code, product=note.description)
    elif note.kind == "unmapped":
        at = f" at {note.detail}" if note.detail else ""
        message = f"no row under `mappings` follows {units} of {note.code} on Sophos's bill{at}"
        yield Reason(ReasonKind.NO_ROW, message, _NO_MAPPING, product=note.code)
    elif note.kind == "unassigned":
        message = f"firewall {note.serial} is assigned to no customer: {units} of {note.code}"
        yield Reason(ReasonKind.NO_ROW, message, _NO_TENANT, product=note.code)


def _value(note: UsageNote) -> str:
    value = " + ".join(f"{name} {money_text(Decimal(sum_))}" for name, sum_ in sorted(note.value.items()))
    return f" (≈ {value} at Sophos)" if value else ""

"""A line that is to be created: on which day, with which terms, and where each of them comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.model.billing import Line
from reconciler.model.field_change import FieldChange
from reconciler.model.fields import normalise, to_plan
from reconciler.model.line_fields import (
    ATTRIBUTES,
    EFFECTIVE,
    LESS_INCLUDED,
    LINE_FIELDS,
    QUANTITY,
    SERIAL,
)
from reconciler.model.lines import NotBilled
from reconciler.model.money import cents, money_text, plain, price, to_places
from reconciler.model.months import Month
from reconciler.planning.customers.agreements import months_of_cycle
from reconciler.planning.lines.dates import unbilled_months
from reconciler.planning.lines.rows import amount, billed
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from reconciler.model.billing import Agreement
    from reconciler.planning.lines.dates import Start
    from reconciler.planning.usage.cells import Cell
    from reconciler.planning.usage.quantities import Quantity

#: The catalog field that each field of a line is taken from where nothing else says it.
_FROM_CATALOG = {
    "billCustomer": "billableOption",
    "unitPrice": "price",
    "unitCost": "cost",
    "taxableFlag": "taxableFlag",
    "invoiceDescription": "customerDescription",
}
_BILLING = ("Billable", "DoNotBill", "NoCharge")


@dataclass(frozen=True)
class NewLine:
    """A line as it is to be: its terms, its first day with the reason, and where its price comes from."""

    line: Line
    start: date
    price_source: str
    start_reason: str
    problem: str = ""

    def fields(self, serial: str) -> Iterator[FieldChange]:
        """Everything that is sent, so that no default of the server decides money, tax or text."""
        yield FieldChange(QUANTITY.name, None, plain(self.line.quantity))
        yield FieldChange(LESS_INCLUDED.name, None, plain(self.line.less_included))
        for field in LINE_FIELDS:
            value = normalise(field, getattr(self.line, ATTRIBUTES[field.name]))
            if value is not None:
                yield FieldChange(field.name, None, to_plan(value))
        yield FieldChange(EFFECTIVE.name, None, self.start.isoformat())
        if serial:
            yield FieldChange(SERIAL.name, None, serial)


def new_line(
    cell: Cell,
    agreement: Agreement,
    wanted: Quantity,
    *,
    before: Line | None,
    follows_price: bool,
    start: Start,
) -> NewLine:
    """The line of a product on an agreement that has none.

    `before` is the product's line that this one follows: on the agreement that the customer moves from, on
    the one that is renewed, or this one's own at an older price. Its terms go on unless the configuration
    says otherwise, so that a price that was agreed with the customer is not lost. With `follows_price` its
    price does not go on.
    """
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for field in LINE_FIELDS:
        skip = follows_price and field.name == "unitPrice"
        value, sources[field.name] = _term(cell, field.name, None if skip else before)
        values[ATTRIBUTES[field.name]] = value
    text = values["invoice_description"] or ""
    if cell.serial and cell.serial.casefold() not in text.casefold():
        text = f"{text} ({cell.serial})".strip()
    included = wanted.included
    if cell.terms.included is None and before is not None:
        included = min(before.less_included, wanted.quantity)
    line = Line(
        id=0,
        agreement_id=agreement.id,
        product_id=0 if cell.product.item is None else cell.product.item.id,
        product_identifier=cell.product.label,
        quantity=cents(wanted.quantity),
        less_included=cents(included),
        unit_price=values["unit_price"] or ZERO,
        unit_cost=values["unit_cost"] or ZERO,
        bill_customer=values["bill_customer"],
        effective=start.day,
        invoice_description=text,
        serial_number=cell.serial,
        taxable=values["taxable"] is True,
    )
    source = sources["unitPrice"]
    asked = _price_problem(cell, agreement, line) if source == "catalog" else ""
    return NewLine(line, start.day, source, start.reason, asked)


def _price_problem(cell: Cell, agreement: Agreement, line: Line) -> str:
    """Why the catalog's price cannot be the line's."""
    if line.bill_customer != "Billable":
        return ""
    if line.unit_price == 0:
        return (
            f"a new line would bill at a price of 0, because {cell.product.label} has none in the catalog. "
            "Give the product a price, or declare the line's under `lines`: {whenNew: {unitPrice: …}}, or "
            "{whenNew: {billCustomer: NoCharge}}"
        )
    months = months_of_cycle(agreement)
    if months > 1:
        return (
            f"a line's price is that of one invoice, which covers {months} months here, and nobody has said "
            f"of which time the catalog's {price(line.unit_price, agreement.currency_places)} is the price. "
            "Declare it in the customer's `lines`: {whenNew: {unitPrice: …}}"
        )
    return ""


def _term(cell: Cell, name: str, before: Line | None) -> tuple[Any, str]:
    """One term of the line, and where it comes from, as the plan says it."""
    terms = cell.terms
    if name in terms.always:
        return terms.always[name], "always"
    if name in terms.own_new:
        return terms.when_new[name], "the customer's whenNew"
    if before is not None:
        return getattr(before, ATTRIBUTES[name]), f"line #{before.id}"
    if name in terms.when_new:
        return terms.when_new[name], "the product's whenNew"
    value = cell.product.fields.get(_FROM_CATALOG[name])
    if name == "billCustomer" and value not in _BILLING:
        value = "Billable"
    return value, "catalog"


def not_billed(agreement: Agreement, line: Line, usage: Month, start: date) -> NotBilled | None:
    """What the first day of a new line leaves unbilled of the usage that is there already."""
    months = unbilled_months(usage, start)
    monthly = amount(agreement, ZERO, billed(line.quantity, line.less_included, line)).after
    if not months or not monthly:
        return None
    each = to_places(monthly, agreement.currency_places)
    return NotBilled(tuple(str(month) for month in months), each * len(months))


def not_billed_text(found: NotBilled, line: Line, places: int) -> str:
    """For people: `not billed by this plan: November 2026, 200 × 4.50 = 900.00`."""
    units = max(ZERO, line.quantity - line.less_included)
    said = " and ".join(Month.parse(month).title for month in found.months)
    text = f"not billed by this plan: {said}, "
    if to_places(units * line.unit_price, places) == found.amount:
        text += f"{plain(units)} × {price(line.unit_price, places):f} = "
    return text + money_text(found.amount, places)

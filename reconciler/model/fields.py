"""The catalog item's fields: their names, limits, normalisers and forms, in one home.

The JSON schema of the configuration and the reference page are generated from this table, the planner
compares by it and the client writes by it. Names, types, enums and lengths: ConnectWise's OpenAPI
document for `CatalogItem`, releases 2025.1 and 2025.8. Where an older release documents a lower limit, the
lower one stands (identifier 60 instead of 75 and description 50 instead of 60 in 2022.1), because
self-hosted servers of those releases are still about.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.model.identifiers import Selector
from reconciler.model.money import cents, parse_decimal

if TYPE_CHECKING:
    from collections.abc import Callable

IDENTIFIER_LIMIT = 60
#: The most decimals of a declared price or cost. ConnectWise keeps them from product to extended price; only
#: its accounting batch rounds, and adds a line for the difference (wise-sync.com's help, 36000041544).
PRICE_PLACES = 4


class Kind(StrEnum):
    """What a field's values are."""

    TEXT = "text"
    FLAG = "flag"
    MONEY = "money"  # a price or cost: Decimal, at most PRICE_PLACES places
    NUMBER = "number"  # Decimal
    INTEGER = "integer"
    CHOICE = "choice"
    REFERENCE = "reference"
    DAY = "day"  # a calendar day, as ISO text


class Table(StrEnum):
    """A ConnectWise table that a reference points into."""

    SUBCATEGORIES = "subcategories"
    TYPES = "types"
    UNITS = "unitOfMeasures"
    MANUFACTURERS = "manufacturers"
    AGREEMENT_TYPES = "agreementTypes"
    BILLING_CYCLES = "billingCycles"
    COMPANIES = "companies"


@dataclass(frozen=True)
class Reference:
    """A resolved reference to a record of another table."""

    id: int
    name: str

    def __str__(self) -> str:
        return self.name


#: A field's value once it is normalised. None is "not set".
Value = str | bool | Decimal | int | Reference | None
#: A declared value: like Value, but a reference is still the selector that the row wrote.
DeclaredValue = str | bool | Decimal | int | Selector | None


@dataclass(frozen=True)
class Field:
    """One writable field of a catalog item.

    `limit` is the most characters of a text. `clearable` fields may be declared `null`. `required` ones
    must be declared before a product can be created: those that ConnectWise insists on, and those whose
    server default would decide tax and ledger.
    """

    name: str
    kind: Kind
    about: str
    limit: int | None = None
    choices: tuple[str, ...] = ()
    table: Table | None = None
    clearable: bool = False
    required: bool = False


CATALOG_FIELDS: tuple[Field, ...] = (
    Field("description", Kind.TEXT, "The product's name inside ConnectWise.", limit=50, required=True),
    Field(
        "customerDescription",
        Kind.TEXT,
        "The text customers read on quotes and invoices; new agreement lines take it over. Line breaks "
        "come back from ConnectWise as blanks.",
        limit=6000,
        required=True,
    ),
    Field(
        "subcategory",
        Kind.REFERENCE,
        "The subcategory, by name or {id: 7}; ConnectWise derives the category from it.",
        table=Table.SUBCATEGORIES,
        required=True,
    ),
    Field(
        "type",
        Kind.REFERENCE,
        "The product type, by name or {id: 7}; it decides the ledger account.",
        table=Table.TYPES,
        required=True,
    ),
    Field(
        "productClass",
        Kind.CHOICE,
        "The product class. Usage is billed on agreements, so this is usually Agreement; a Bundle cannot "
        "be an agreement line.",
        choices=("Agreement", "Bundle", "Inventory", "NonInventory", "Service"),
        required=True,
    ),
    Field("price", Kind.MONEY, "Sales price per unit, before tax.", clearable=True, required=True),
    Field("cost", Kind.MONEY, "Cost per unit, before tax.", clearable=True),
    Field("taxableFlag", Kind.FLAG, "Whether tax is charged on it.", required=True),
    Field(
        "billableOption",
        Kind.CHOICE,
        "How new lines of this product are billed unless they say otherwise.",
        choices=("Billable", "DoNotBill", "NoCharge", "NoDefault"),
    ),
    Field("inactiveFlag", Kind.FLAG, "true retires the product; it can then take no usage."),
    Field("unitOfMeasure", Kind.REFERENCE, "The unit, by name or {id: 1}.", table=Table.UNITS),
    Field(
        "manufacturer",
        Kind.REFERENCE,
        "The manufacturer, by name or {id: 3}.",
        table=Table.MANUFACTURERS,
        clearable=True,
    ),
    Field("manufacturerPartNumber", Kind.TEXT, "The manufacturer's part number.", limit=50, clearable=True),
    Field(
        "vendor",
        Kind.REFERENCE,
        "The company it is bought from, by company identifier or {id: 12}.",
        table=Table.COMPANIES,
        clearable=True,
    ),
    Field("vendorSku", Kind.TEXT, "The vendor's SKU.", limit=50, clearable=True),
    Field(
        "priceAttribute",
        Kind.CHOICE,
        "How a Service-class product is priced.",
        choices=("FixedFee", "NotToExceed", "OverrideRate", "TimeAndMaterials"),
        clearable=True,
    ),
    Field(
        "agreementType",
        Kind.REFERENCE,
        "The agreement type it belongs to, by name or {id: 4}.",
        table=Table.AGREEMENT_TYPES,
        clearable=True,
    ),
    Field("recurringFlag", Kind.FLAG, "Whether it is a recurring product."),
    Field("recurringRevenue", Kind.MONEY, "Recurring revenue per cycle, before tax.", clearable=True),
    Field("recurringCost", Kind.MONEY, "Recurring cost per cycle, before tax.", clearable=True),
    Field("recurringOneTimeFlag", Kind.FLAG, "Whether a recurring product also has a one-time price."),
    Field(
        "recurringBillCycle",
        Kind.REFERENCE,
        "The billing cycle of a recurring product, by name or {id: 2}.",
        table=Table.BILLING_CYCLES,
        clearable=True,
    ),
    Field(
        "recurringCycleType",
        Kind.CHOICE,
        "What a recurring product's cycle counts from.",
        choices=("ContractYear", "CalendarYear"),
        clearable=True,
    ),
    Field("dropShipFlag", Kind.FLAG, "Whether it is shipped by the vendor."),
    Field("specialOrderFlag", Kind.FLAG, "Whether it is ordered specially."),
    Field("serializedFlag", Kind.FLAG, "Whether serial numbers are tracked."),
    Field("serializedCostFlag", Kind.FLAG, "Whether cost is kept per serial number."),
    Field("phaseProductFlag", Kind.FLAG, "Whether it is a phase product."),
    Field("minStockLevel", Kind.INTEGER, "Least stock to keep.", clearable=True),
    Field("markupFlag", Kind.FLAG, "Whether the price follows the cost by a markup."),
    Field("markupPercentage", Kind.NUMBER, "The markup in percent.", clearable=True),
    Field(
        "autoUpdateUnitPriceFlag",
        Kind.FLAG,
        "Whether ConnectWise reprices open agreement lines when the catalog price changes. Mind that this "
        "changes invoices outside of any plan.",
    ),
    Field(
        "autoUpdateUnitCostFlag",
        Kind.FLAG,
        "Whether ConnectWise changes the cost of open agreement lines when the catalog cost changes.",
    ),
    Field(
        "integrationXRef",
        Kind.TEXT,
        "Cross-reference for accounting and other integrations. Not used by this tool.",
        limit=50,
        clearable=True,
    ),
)

FIELDS_BY_NAME = {field.name: field for field in CATALOG_FIELDS}

#: The identifier is the key of a row under `products` and is written only by a rename.
IDENTIFIER = Field("identifier", Kind.TEXT, "The product id.", limit=IDENTIFIER_LIMIT, required=True)

_LINE_BREAKS = re.compile(r"[ \t]*[\r\n]+[ \t]*")


def normalise_text(text: str) -> str:
    """Text as two sides compare it: line breaks are one blank, blanks at the ends do not count.

    ConnectWise gives CR/LF back as a blank, and some of its fields keep trailing blanks while others drop
    them (reported by integrators; not documented).
    """
    return _LINE_BREAKS.sub(" ", text).strip()


def normalise(field: Field, raw: Any) -> Value:
    """A value from ConnectWise's JSON (or from the configuration) as both sides compare it.

    Raises ValueError, naming the field, where the type is not the documented one. An empty text is None:
    ConnectWise leaves out null fields, and some releases answer "" for them.
    """
    if raw is None:
        return None
    try:
        return _NORMALISERS[field.kind](raw)
    except TypeError:
        raise ValueError(f"{field.name}: {raw!r} is no {field.kind.value}") from None


def _text(raw: Any) -> Value:
    if not isinstance(raw, str):
        raise TypeError
    return normalise_text(raw) or None


def _flag(raw: Any) -> Value:
    if not isinstance(raw, bool):
        raise TypeError
    return raw


def _number(raw: Any) -> Decimal:
    number = None if isinstance(raw, str) else parse_decimal(raw)
    if number is None:
        raise TypeError
    return number


def _money(raw: Any) -> Value:
    """With two places at least, so that 4.5 and 4.50 are written alike; more places stay, to be seen."""
    number = _number(raw)
    return cents(number) if number == cents(number) else number


def _integer(raw: Any) -> Value:
    number = _number(raw)
    if number != number.to_integral_value():
        raise TypeError
    return int(number)


def _reference(raw: Any) -> Value:
    if isinstance(raw, Reference):
        return raw
    if not isinstance(raw, dict) or not isinstance(raw.get("id"), int):
        raise TypeError
    return Reference(raw["id"], str(raw.get("name") or raw.get("identifier") or "").strip())


def _iso_day(raw: Any) -> Value:
    if isinstance(raw, date):
        return raw.isoformat()
    if not isinstance(raw, str):
        raise TypeError
    return date.fromisoformat(raw).isoformat()


_NORMALISERS: dict[Kind, Callable[[Any], Value]] = {
    Kind.TEXT: _text,
    Kind.CHOICE: _text,
    Kind.FLAG: _flag,
    Kind.MONEY: _money,
    Kind.NUMBER: _number,
    Kind.INTEGER: _integer,
    Kind.REFERENCE: _reference,
    Kind.DAY: _iso_day,
}


_NUMBERS = frozenset({Kind.MONEY, Kind.NUMBER, Kind.INTEGER})


def same(field: Field, one: Value, other: Value) -> bool:
    """Whether two normalised values are the same; references are the same when their ids are.

    A flag that ConnectWise leaves out is false: null fields are omitted from its answers. A number that is
    cleared comes back as zero, or not at all.
    """
    if field.kind is Kind.FLAG:
        return bool(one) is bool(other)
    if field.kind in _NUMBERS:
        return (one or 0) == (other or 0)
    if isinstance(one, Reference) and isinstance(other, Reference):
        return one.id == other.id
    return one == other


def to_plan(value: Value) -> Any:
    """The value in a plan file: Decimals are strings, references `{"id", "name"}`."""
    if isinstance(value, Reference):
        return {"id": value.id, "name": value.name}
    if isinstance(value, Decimal):
        return format(value, "f")
    return value


def from_plan(field: Field, data: Any) -> Value:
    """Read back what `to_plan` wrote. Raises ValueError where the type is wrong."""
    if field.kind in (Kind.MONEY, Kind.NUMBER) and isinstance(data, str):
        number = parse_decimal(data)
        if number is None:
            raise ValueError(f"{field.name}: {data!r} is no number")
        return number
    return normalise(field, data)


def to_wire(value: Value) -> Any:
    """The value in a request body: a reference by its id alone, numbers as JSON numbers."""
    if isinstance(value, Reference):
        return {"id": value.id}
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value


def normalise_custom(type_name: str, raw: Any) -> Value:
    """A custom field's value as both sides compare it, by the field's type in ConnectWise.

    Types: the `CustomFieldValue` schema of ConnectWise's OpenAPI document. Raises ValueError where the
    value does not fit the type.
    """
    if raw is None or raw == "":
        return None
    field = _custom(type_name)
    if field.kind is Kind.NUMBER:
        raw = parse_decimal(raw)  # some records answer numbers as text
        if raw is None:
            raise ValueError("the value is no number")
    elif field.kind is Kind.TEXT and isinstance(raw, Decimal):
        raw = format(raw, "f")  # as it was typed: 2026, 12.50
    return normalise(field, raw)


def shown_custom(type_name: str, raw: Any) -> Value:
    """What stands in a record, normalised; as text where it does not fit the field's type."""
    try:
        return normalise_custom(type_name, raw)
    except ValueError:
        return normalise_text(str(raw)) or None


def same_custom(type_name: str, one: Value, other: Value) -> bool:
    """Whether two values of a custom field are the same: `12.5` and `12.50` are, unset and unticked too.

    A number that is not set is no zero here: a custom field knows empty.
    """
    field = _custom(type_name)
    if field.kind is Kind.FLAG:
        return bool(one) is bool(other)
    if field.kind is Kind.NUMBER:
        return _as_number(one) == _as_number(other)
    return one == other


def _custom(type_name: str) -> Field:
    if type_name == "Checkbox":
        kind = Kind.FLAG
    elif type_name in ("Number", "Currency", "Percent"):
        kind = Kind.NUMBER
    else:
        kind = Kind.TEXT
    return Field(f"custom field of type {type_name}", kind, "")


def _as_number(value: Value) -> object:
    number = parse_decimal(value)
    return value if number is None else number

"""What the change of a line rests on: the records beside it, and which of their values decide something.

The one list of it. A plan signs these values, `apply` compares them with what is there before it writes, and
messages name them. A value that is in no list decides nothing; `DECIDES_NOTHING` says why, for each.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from reconciler.model import marker
from reconciler.model.line_fields import (
    ATTRIBUTES,
    CANCELLED,
    EFFECTIVE,
    LESS_INCLUDED,
    QUANTITY,
    SERIAL,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.billing import Agreement, Company, Line, Recap
    from reconciler.model.observed import CatalogItem


class RecordKind(StrEnum):
    """Records that a line's change rests on besides the line; the names of their tables in plan files."""

    AGREEMENT = "agreements"
    PRODUCT = "products"
    COMPANY = "companies"
    RECAP = "recaps"


class Form(StrEnum):
    """What a value is, and what stands for none of it in a message."""

    TEXT = "nothing"
    DAY = "no day"
    FLAG = "no"
    NUMBER = "none"
    COUNT = "not said"


@dataclass(frozen=True)
class Rest:
    """One value that a change rests on: its name in plan files and the typed row's attribute.

    `says` comes before the value in a message: `agreement #7 is invoiced Quarterly`. `gives` names the field
    of a new line that is taken from it; it decides nothing of a line that is there.
    """

    name: str
    attribute: str
    says: str
    form: Form = Form.TEXT
    gives: str = ""


NEXT_INVOICE = Rest("nextInvoice", "next_invoice", "is invoiced next on", Form.DAY)
COMPANY_ID = Rest("company", "company_id", "belongs to the company with id", Form.NUMBER)
CALLED = Rest("identifier", "identifier", "is called")
CODES = Rest("codes", "notes", "has the tag")
OF_AGREEMENT: tuple[Rest, ...] = (
    NEXT_INVOICE,
    Rest("cycle", "cycle", "is invoiced"),
    Rest("currency", "currency", "is in"),
    COMPANY_ID,
    Rest("parent", "parent_id", "has the parent agreement with id", Form.NUMBER),
    Rest("billTo", "bill_to", "is billed to"),
    Rest("oneTime", "one_time", "is billed once:", Form.FLAG),
    Rest("prorates", "prorate", "prorates:", Form.FLAG),
    Rest("periodType", "period_type", "bills the period"),
    Rest("billingStart", "bill_start", "is billed from", Form.DAY),
    Rest("start", "start", "starts on", Form.DAY),
    Rest("end", "end", "ends on", Form.DAY),
    Rest("cancelled", "cancelled", "is cancelled:", Form.FLAG),
    Rest("cancelledOn", "cancelled_on", "is cancelled on", Form.DAY),
    Rest("name", "name", "is called"),
    Rest("type", "type_name", "is of type"),
)
#: Of a product, an attribute is a field of `model.fields.CATALOG_FIELDS`, but for its identifier and its tag.
OF_PRODUCT: tuple[Rest, ...] = (
    CALLED,
    Rest("inactive", "inactiveFlag", "is inactive:", Form.FLAG),
    Rest("class", "productClass", "is of class"),
    CODES,
    Rest("price", "price", "has the price", gives="unitPrice"),
    Rest("billableOption", "billableOption", "is billed as", gives="billCustomer"),
    Rest("taxable", "taxableFlag", "is taxable:", Form.FLAG, gives="taxableFlag"),
)
OF_COMPANY: tuple[Rest, ...] = (
    CALLED,
    Rest("deleted", "deleted", "is deleted:", Form.FLAG),
)
UNBILLED = Rest("unbilledPeriods", "unbilled_periods", "has periods that are not invoiced yet:", Form.COUNT)
#: Of what ConnectWise sums up of an agreement's invoices; its id is the agreement's.
OF_RECAP: tuple[Rest, ...] = (UNBILLED,)
RESTS: Mapping[RecordKind, tuple[Rest, ...]] = {
    RecordKind.AGREEMENT: OF_AGREEMENT,
    RecordKind.PRODUCT: OF_PRODUCT,
    RecordKind.COMPANY: OF_COMPANY,
    RecordKind.RECAP: OF_RECAP,
}

#: The fields of the line itself. What of them is not written has to stand as the plan found it.
OF_LINE: tuple[str, ...] = (
    QUANTITY.name,
    LESS_INCLUDED.name,
    "unitPrice",
    "billCustomer",
    CANCELLED.name,
    EFFECTIVE.name,
    SERIAL.name,
    "taxableFlag",
)
#: Who wrote the line last, and when: whoever did so after the plan was made has had the last word, also where
#: every value stands as before. What our own member wrote since is compared value by value alone.
OF_LAST_WRITE: tuple[str, ...] = ("updated_by", "last_updated")

#: What is read of each record and signed nowhere, with the reason.
DECIDES_NOTHING: Mapping[str, Mapping[str, str]] = {
    "agreement": {
        "id": "the change's target names it",
        "type_id": "its name is what rows compare",
        "company_identifier": "the company's own record is signed",
        "company_name": "shown only",
        "currency_places": "follows from the currency",
        "parent_name": "shown only",
    },
    "line": {
        "id": "the change's target names it",
        "agreement_id": "the change's target names it",
        "product_id": "signed as the id of the product's record",
        "product_identifier": "signed as the precondition's identifier",
        "unit_cost": "shown beside the plan; no invoice is made of it",
        "invoice_description": "people's text; that a firewall's line still names its serial is looked at",
    },
    "product": {
        "id": "the basis names it",
        "fields": "those that decide are signed one by one",
        "custom_fields": "where the tag stands in one, the tag is signed",
        "last_updated": "every value that a writer could have changed is compared itself",
        "updated_by": "every value that a writer could have changed is compared itself",
    },
    "company": {
        "id": "the agreement's record names it",
        "name": "shown only",
        "status": "a remark of the plan",
        "types": "a remark of the plan",
        "pricing_schedule": "a remark of the plan",
    },
    "recap": {
        "agreement_id": "the agreement's record names it",
        "last_invoice": "shown only",
        "last_amount": "shown only",
        "next_invoice": "shown only; the agreement's own is signed",
        "next_amount": "shown only",
    },
}
#: The same of a product's catalog fields.
CATALOG_DECIDES_NOTHING: Mapping[str, str] = {
    "customerDescription": "the text of a new line; it is sent with it",
    "cost": "shown beside the plan; no invoice is made of it",
    "autoUpdateUnitPriceFlag": "a remark of the plan; what a line bills is signed with the line",
    "autoUpdateUnitCostFlag": "a remark of the plan",
} | dict.fromkeys(
    (
        "description", "subcategory", "type", "unitOfMeasure", "manufacturer", "manufacturerPartNumber",
        "vendor", "vendorSku", "priceAttribute", "agreementType", "recurringFlag", "recurringRevenue",
        "recurringCost", "recurringOneTimeFlag", "recurringBillCycle", "recurringCycleType", "dropShipFlag",
        "specialOrderFlag", "serializedFlag", "serializedCostFlag", "phaseProductFlag", "minStockLevel",
        "markupFlag", "markupPercentage", "integrationXRef",
    ),
    "no line takes anything from it",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Signed:
    """A record as a plan found it: its id, and the values that decide; those that are not set are left out.

    A product without values is one of which only the id is known.
    """

    id: int
    values: tuple[tuple[str, Any], ...] = ()

    def get(self, name: str) -> Any:
        """A value in plan form; None where it is not set."""
        return next((value for key, value in self.values if key == name), None)


@dataclass(frozen=True, slots=True)
class LastWrite:
    """Who wrote a line last, and when, as ConnectWise says it; both empty where it does not."""

    by: str
    at: str

    @classmethod
    def of(cls, line: Line) -> LastWrite:
        """The last write of a line."""
        return cls(line.updated_by.strip(), line.last_updated.strip())

    def __str__(self) -> str:
        return f"{self.by or 'somebody'} at {self.at or 'a time that is not said'}"

    def to_json(self) -> dict[str, str]:
        """The form in plan files."""
        return {"by": self.by, "at": self.at}


@dataclass(frozen=True)
class Records:
    """The signed records of a plan, each once, by kind and id."""

    of: Mapping[RecordKind, Mapping[int, Signed]] = field(default_factory=dict)

    def find(self, kind: RecordKind, number: int | None) -> Signed | None:
        """The record; None where there is none of it."""
        return None if number is None else self.of.get(kind, {}).get(number)

    def __bool__(self) -> bool:
        return any(self.of.values())

    def to_json(self) -> dict[str, dict[str, dict[str, Any]]]:
        """The form in plan files, by id as text."""
        return {
            kind.value: {
                str(number): dict(signed.values) for number, signed in sorted(self.of.get(kind, {}).items())
            }
            for kind in RecordKind
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> Records:
        """Read back what `to_json` wrote."""
        return cls(
            {
                kind: {
                    int(number): Signed(int(number), tuple(sorted(values.items())))
                    for number, values in data[kind.value].items()
                }
                for kind in RecordKind
            }
        )


NO_RECORDS = Records()


def collected(found: Iterable[tuple[RecordKind, Signed | None]]) -> Records:
    """These records, each once."""
    by_kind: dict[RecordKind, dict[int, Signed]] = {}
    for kind, signed in found:
        if signed is not None:
            by_kind.setdefault(kind, {})[signed.id] = signed
    return Records(by_kind)


@lru_cache(maxsize=4096)
def sign_agreement(agreement: Agreement) -> Signed:
    """The agreement with what decides of it; changes of one agreement share it."""
    return _signed(agreement.id, ((rest, getattr(agreement, rest.attribute)) for rest in OF_AGREEMENT))


@lru_cache(maxsize=4096)
def sign_company(company: Company) -> Signed:
    """The company with what decides of it."""
    return _signed(company.id, ((rest, getattr(company, rest.attribute)) for rest in OF_COMPANY))


@lru_cache(maxsize=4096)
def sign_recap(recap: Recap) -> Signed:
    """What ConnectWise sums up of an agreement's invoices, with what decides of it."""
    return _signed(recap.agreement_id, ((rest, getattr(recap, rest.attribute)) for rest in OF_RECAP))


def sign_product(item: CatalogItem, owner: str, custom_field: str | None) -> Signed:
    """The product with what decides of it; its tag is that of the owner, where tags are kept."""
    values = {**item.fields, "identifier": item.identifier, "notes": tag_of(item, owner, custom_field)}
    return _signed(item.id, ((rest, values.get(rest.attribute)) for rest in OF_PRODUCT))


def tag_of(item: CatalogItem, owner: str, custom_field: str | None) -> str:
    """What the owner's tag maps to a product, as the tag writes it: `CODE, CODE (sync off)`.

    Former codes are left out. A tag that cannot be read, or is somebody else's, stands there whole.
    """
    tags = marker.read(item.tag_text(custom_field))
    mapped = [tag.entries(former=False) for tag in tags.of(owner)]
    return ", ".join(filter(None, [*mapped, *map(str, tags.of_others(owner)), *tags.unreadable]))


def with_codes(text: str | None, changed: Mapping[str, bool | None]) -> str | None:
    """A tag's text with these codes brought in, or taken off where their sync is None.

    A text that holds another tag stays as it is.
    """
    tags = marker.read(f"[sophos:x {text}]").of("x") if text else ()
    if text and len(tags) != 1:
        return text
    codes = {**(dict(tags[0].codes) if tags else {}), **changed}
    kept = {code: sync for code, sync in codes.items() if sync is not None}
    return marker.Marker("x", kept).entries(former=False) or None


def _signed(number: int, found: Iterable[tuple[Rest, Any]]) -> Signed:
    values = ((rest.name, plan_value(value)) for rest, value in found)
    return Signed(number, tuple(sorted((name, value) for name, value in values if value not in (None, ""))))


def plan_value(value: Any) -> Any:
    """A value as it is signed: days and numbers as text, None for what is not set and for no."""
    if value is False or value is None:
        return None
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Decimal):
        return format(value.normalize(), "f")
    return value.strip() if isinstance(value, str) else value


def differences(
    kind: RecordKind,
    then: Signed,
    now: Signed,
    *,
    own: Mapping[str, Any] | None = None,
    sent: Mapping[str, Any] | None = None,
) -> list[str]:
    """The values that differ, each as the end of a sentence: `is invoiced Quarterly, the plan expected …`.

    `own` are values that the plan gives the record itself, which may be there already. `sent` are the fields
    of a new line; what only gives a field to a new line counts where that field was taken from it.
    """
    found = []
    for rest in RESTS[kind]:
        before, after = then.get(rest.name), now.get(rest.name)
        given = (own or {}).get(rest.name, before)
        if _agree(rest, after, before, given) or not _counts(rest, sent, (before, given)):
            continue
        found.append(f"{rest.says} {_shown(rest, after)}, the plan expected {_shown(rest, before)}")
    return found


def _agree(rest: Rest, now: Any, before: Any, given: Any) -> bool:
    """Whether the value is as it was, or as the plan makes it; each code of a tag by itself."""
    if now in (before, given):
        return True
    if rest is UNBILLED:  # one period waits for its invoice as soon as it has begun
        return now is not None and max(now, before or 0) <= 1
    if rest is not CODES or "[" in f"{now}{before}{given}":
        return False
    states = [_entries(text) for text in (now, before, given)]
    codes = {code for entries in states for code in entries}
    return all(states[0].get(code) in (states[1].get(code), states[2].get(code)) for code in codes)


def _entries(text: str | None) -> dict[str, str]:
    """The state of each code in a tag's text."""
    split = (entry.partition(" ") for entry in (text or "").split(", ") if entry)
    return {code: f"mapped {state}" for code, _, state in split}


def _counts(rest: Rest, sent: Mapping[str, Any] | None, known: Sequence[Any]) -> bool:
    """Whether the change rests on the value: on what gives a field to new lines, only where it gave it."""
    if not rest.gives:
        return True
    return sent is not None and plan_value(sent.get(rest.gives)) in known


def _shown(rest: Rest, value: Any) -> str:
    if value is None:
        return rest.form.value
    if rest is CODES and "[" not in value:
        return f"[{value}]"
    return "yes" if value is True else str(value)


def line_attributes() -> frozenset[str]:
    """The attributes of a line that are signed."""
    return frozenset(ATTRIBUTES[name] for name in OF_LINE) | {*OF_LAST_WRITE}

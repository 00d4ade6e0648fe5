"""The part of the schema that concerns agreement lines and customers."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config import words
from reconciler.model.fields import IDENTIFIER_LIMIT, Field, Kind
from reconciler.model.line_fields import LINE_FIELDS

if TYPE_CHECKING:
    from reconciler.config.words import Schema

COMPANY_LIMIT = 30
AGREEMENT_LIMIT = 100
_PLACES = "Four decimal places at most; invoices keep them, and accounting may add a rounding line."


def catalog_field(field: Field) -> Schema:
    """The schema of one field of a ConnectWise product or line."""
    if field.kind is Kind.TEXT:
        return words.text(field.about, field.limit or 6000, clearable=field.clearable)
    if field.kind is Kind.FLAG:
        return words.flag(field.about, clearable=field.clearable)
    if field.kind is Kind.CHOICE:
        return words.choice(field.about, dict.fromkeys(field.choices, ""), clearable=field.clearable)
    if field.kind is Kind.REFERENCE:
        vendor = field.name == "vendor"
        pattern = words.NAMED if vendor else words.ONE_LINE
        return words.selector(field.about, 30 if vendor else 50, pattern=pattern, clearable=field.clearable)
    if field.kind is Kind.INTEGER:
        return words.integer(field.about, clearable=field.clearable)
    about = f"{field.about} {_PLACES}" if field.kind is Kind.MONEY else field.about
    return words.number(about, clearable=field.clearable, example=4.50 if field.name == "price" else None)


def _fields(about: str, example: dict[str, object]) -> Schema:
    properties = {field.name: catalog_field(field) for field in LINE_FIELDS}
    return words.record(about, properties, example=example)


def line_terms(*, of_customer: bool = False) -> Schema:
    """How one product is counted and billed; a customer's own terms have a few keys more, and no examples."""
    code = words.strict_text("A Sophos productCode.", words.CODE)
    properties: dict[str, Schema] = {
        "count": words.strict_text(
            "How several Sophos products that share this product are counted within one tenant: sum, max, "
            "or the one productCode that leads. Required as soon as two codes share the product.",
            words.COUNT,
            example="max",
        ),
        "quantity": words.choice(
            "Which of Sophos's two quantities counts.",
            {"billable": "what Sophos bills", "actual": "what is in use"},
            default="billable",
        ),
        "blocksOf": words.number("Rounds up to whole blocks of this size.", above=0, example=5),
        "minimum": words.number("The least quantity, once per line.", example=5),
        "maximum": words.number("The greatest quantity, once per line.", example=500),
        "included": words.number("Units that are included and not charged (lessIncluded).", example=10),
        "perSerial": words.flag(
            "One line per firewall serial number, each with the units that Sophos bills for it.",
            default=False,
        ),
        "take": words.choice(
            "Which month's quantity counts where an invoice covers more than a month; without it such lines "
            "are blocked. `highest` and `average` are worked out for cycles of two and three months.",
            {
                "last": "the newest closed month",
                "highest": "the highest of as many closed months as the cycle has",
                "average": "the average of these, rounded up to whole units",
            },
        ),
        "whenNew": _fields(
            "Fields of a new line, used at its creation only.",
            {"billCustomer": "Billable", "unitPrice": 9.90},
        ),
        "always": _fields(
            "Fields that are compared every time; declare little here.", {"billCustomer": "Billable"}
        ),
    }
    if of_customer:
        properties |= {
            "line": words.integer(
                "The id of the line that carries the quantity, where several are open.", least=1, example=5512
            ),
            "fixed": words.listing(
                "Ids of lines with a fixed quantity; `line` carries what is left after them.",
                words.integer("The id of a line.", least=1, example=5513),
                least=1,
                example=[5513],
            ),
        }
        for schema in properties.values():
            schema.pop("default", None)  # the product's terms stand where nothing is said here
        return words.record("This customer's own terms, key by key over the product's.", properties)
    example = words.record(
        "Usage and the quantity it must give.",
        {
            "given": words.keyed(
                "Usage of one tenant by Sophos productCode.",
                code,
                words.number("Units.", example=7),
                example={"CIXAMTR-ADV-MSP": 7, "CEMA-MSP": 12},
            ),
            "expect": words.number("The quantity of the line.", example=15),
        },
        required=("given", "expect"),
    )
    properties["examples"] = words.listing(
        "Unit tests of billing policy.",
        example,
        example=[{"given": {"CIXAMTR-ADV-MSP": 7, "CEMA-MSP": 12}, "expect": 15}],
    )
    return words.record("How this product is counted and billed.", properties)


def agreement(about: str) -> Schema:
    """Which agreement: its name, its id or its type."""
    schema = words.text(about, AGREEMENT_LIMIT, pattern=words.ONE_LINE, example="Managed Security")
    schema["type"] = [*schema["type"], "object"]
    return schema | {
        "properties": {
            "id": words.record_id(),
            "type": words.text("The name of an agreement type.", 50, pattern=words.ONE_LINE, example="MSP"),
        },
        "minProperties": 1,
        "maxProperties": 1,
        "additionalProperties": False,
    }


def customer_defaults() -> dict[str, Schema]:
    """The keys of a customer that may have a default."""
    return {
        "agreement": agreement(
            "The agreement: its name, {id: 1234} or {type: MSP}. Exactly one must match on the day it counts."
        ),
        "sync": words.flag("Whether this customer's usage is synced.", default=False),
        "mode": words.choice(
            "As settings.mode, for this customer.",
            {"shadow": "everything is planned, no line is written", "live": "lines are written"},
        ),
        "start": words.choice(
            "When a new line starts.",
            {
                "nextInvoice": "on the agreement's next invoice date",
                "periodStart": "on the first day of the running period, for agreements that prorate",
            },
            default="nextInvoice",
        ),
        "openLines": words.choice(
            "What becomes of lines that are open although the customer or the product is excluded, or the "
            "customer's usage is not synced. Unsaid, they wait for a decision.",
            {
                "keep": "they stay as they are, and go on billing",
                "end": "they end before the next invoice",
            },
        ),
    }


def customer() -> Schema:
    """One row under `customers`."""
    reason = "Seen, and deliberately not billed. The text is the reason."
    properties: dict[str, Schema] = {
        "name": words.text(
            "The tenant's name in Sophos Central. Checked: a pasted id under the wrong name is an error.",
            200,
            pattern=words.ONE_LINE,
            example="Safelog",
        ),
        "company": words.selector(
            "The ConnectWise company: its identifier, or {id: 12}. Required unless the row excludes.",
            COMPANY_LIMIT,
            pattern=words.NAMED,
            example="SAFELOG",
        ),
        "nameDiffers": words.flag(
            "Says that the company is the right one although it is called otherwise than the Sophos "
            "customer. Without it such a row waits, because rows may have been swapped.",
            default=False,
        ),
        **customer_defaults(),
        "exclude": words.text(reason, 300, example="internal"),
        "until": words.day(words.LAST_EXCLUDED),
        "overrides": _overrides(reason),
        "lines": words.keyed(
            "This customer's own terms by ConnectWise product identifier, key by key over the product's.",
            words.text(
                "A ConnectWise product identifier, or # and its id.",
                IDENTIFIER_LIMIT,
                pattern=words.IDENTIFIER,
            ),
            line_terms(of_customer=True),
            example={"MSP-GOLD": {"included": 20, "minimum": 10}},
        ),
        "firewalls": words.listing(
            "Serial numbers of firewalls that are billed to this customer.",
            words.text("A serial number.", 50, pattern="^[A-Za-z0-9-]+$", example="C01234ABC1CDEF2"),
            least=1,
            example=["C01234ABC1CDEF2"],
        ),
        "movedFrom": _moved_from(),
        "ended": words.day("The day at which its lines end. The row may go when none is open."),
        "restart": words.one_or_many(
            "The ended lines, by record id, whose usage is to be billed again, each by a new line. Works "
            "once: the new line has another id.",
            words.record_id(),
            example=[1010],
        ),
    }
    return words.record(
        "Where one Sophos customer is billed: `company` and `agreement`, or `exclude` with a reason.",
        properties,
        least=1,
    )


def _moved_from() -> Schema:
    return words.record(
        "Where the customer was billed before: its lines there end the day before the new ones start.",
        {
            "company": words.selector(
                "The ConnectWise company it was billed as, where that was another one: its identifier, or "
                "{id: 12}.",
                COMPANY_LIMIT,
                pattern=words.NAMED,
                example="SAFELOG-OLD",
            ),
            "agreement": agreement("The agreement it moved from; all of that company where absent."),
        },
        least=1,
        example={"agreement": "Managed IT"},
    )


def _overrides(reason: str) -> Schema:
    product = words.selector(
        "A ConnectWise product: its identifier, or {id: 7}.",
        IDENTIFIER_LIMIT,
        pattern=words.NAMED,
        example="MSP-ENDPOINT-EDU",
    )
    override = words.record(
        "This customer's own way for one Sophos product.",
        {
            "product": words.one_or_many(
                "The ConnectWise product, or a list of several, instead of the row's.",
                product,
                example="MSP-ENDPOINT-EDU",
            ),
            "agreement": agreement("Another agreement for this product."),
            "exclude": words.text(reason, 300, example="Pilot"),
            "until": words.day(words.LAST_EXCLUDED),
        },
        least=1,
    )
    return words.keyed(
        "This customer's own way for a Sophos product, by productCode.",
        words.strict_text("A Sophos productCode.", words.CODE),
        override,
        example={"CIXA-MSP": {"product": "MSP-ENDPOINT-EDU"}},
    )

"""The format, once: the JSON schema that editors, `validate` and the reference page share.

Draft-07, because the YAML servers of editors know no newer one. The fields of products come from
`model.fields`, everything else from the tables here.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from reconciler.config import words
from reconciler.config.schema_lines import (
    COMPANY_LIMIT,
    catalog_field,
    customer,
    customer_defaults,
    line_terms,
)
from reconciler.config.schema_settings import settings
from reconciler.model.fields import CATALOG_FIELDS, FIELDS_BY_NAME, IDENTIFIER_LIMIT

if TYPE_CHECKING:
    from reconciler.config.words import Schema

TITLE = "Sophos product mappings for ConnectWise PSA"
ABOUT = (
    "Which Sophos product is billed as which ConnectWise product, which ConnectWise products this "
    "repository creates and edits, and which customer is billed where. Any number of *.yaml files under "
    "the folder, each holding any of these sections."
)


def limit_reason(name: str, schema: Schema) -> str:
    """Why a text may not be longer, where ConnectWise is the reason."""
    limit, pattern = schema["maxLength"], schema.get("pattern")
    if limit == IDENTIFIER_LIMIT and pattern in (words.NAMED, words.IDENTIFIER):
        return words.IDENTIFIER_WHY
    if name == "description" and limit == FIELDS_BY_NAME[name].limit:
        return f"The oldest ConnectWise releases in use keep {limit} characters; the lower limit is used."
    if limit == COMPANY_LIMIT and pattern == words.NAMED:
        return f"ConnectWise keeps {limit} characters of a company identifier."
    return f"ConnectWise keeps {limit} characters." if limit in (50, 6000) else ""


def mappings_schema() -> dict[str, Any]:
    """The schema of a configuration file, as published; a new document each time."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": TITLE,
        "description": ABOUT,
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "version": {
                "type": "integer",
                "enum": [1],
                "default": 1,
                "description": "The version of this format. May stand in every file.",
                "examples": [1],
            },
            "settings": settings(),
            "mappings": _mappings(),
            "products": _products(),
            "lines": words.keyed(
                "How a product is counted and billed on an agreement, by ConnectWise product identifier "
                'or, quoted, by id ("#7").',
                _line_key(),
                line_terms(),
                example={"MSP-GOLD": {"count": "max", "minimum": 5}},
            ),
            "customers": words.keyed(
                "Which company and agreement a Sophos customer is billed on, by Sophos tenant id.",
                words.strict_text("The Sophos tenant id.", words.TENANT),
                customer(),
                example={
                    "718b6047-2fbc-44f4-9a43-45ee42bf5d3b": {
                        "name": "Safelog",
                        "company": "SAFELOG",
                        "agreement": "Managed Security",
                    }
                },
            ),
            "defaults": words.record(
                "What rows need not repeat.",
                {"customers": words.record("For every row under `customers`.", customer_defaults())},
                example={"customers": {"agreement": {"type": "MSP"}, "sync": True}},
            ),
            "holds": _holds(),
            "approvals": _approvals(),
            "protected": words.listing(
                "Products and companies from which nothing may be taken away, whatever the rest says; a "
                "company is written as customer/IDENTIFIER. It outlives the rows it protects: a "
                "product that is mapped nowhere may stand here; a company needs its row under `customers`.",
                words.text(
                    "A product identifier, or customer/ and a company identifier.",
                    IDENTIFIER_LIMIT + len("customer/"),
                    pattern=words.IDENTIFIER,
                ),
                example=["MSP-BACKUP"],
            ),
        },
    }


@cache
def shared_schema() -> dict[str, Any]:
    """The one document that loading works with; nobody changes it."""
    return mappings_schema()


def _line_key() -> Schema:
    return words.text(
        "A ConnectWise product identifier, or # and its id.", IDENTIFIER_LIMIT, pattern=words.IDENTIFIER
    )


def _mappings() -> Schema:
    product = words.selector(
        "A ConnectWise product: its identifier, or {id: 7}.",
        IDENTIFIER_LIMIT,
        pattern=words.NAMED,
        example="MSP-GOLD",
    )
    row = words.record(
        "What one Sophos product is billed as: `product`, or `exclude` with a reason.",
        {
            "product": words.one_or_many(
                "The ConnectWise product it is billed as, or a list of several: an identifier or {id: 7} "
                "each. Many rows may name one product.",
                product,
                example="MSP-ENDPOINT",
            ),
            "sync": words.flag(
                "Whether its usage is synced. Nothing is synced unless it is said.", default=False
            ),
            "exclude": words.text(
                "Seen, and deliberately not billed. The text is the reason.",
                300,
                example="Included in the awareness contract",
            ),
            "until": words.day(words.LAST_EXCLUDED),
            "alsoKnownAs": _also_known_as(),
        },
        least=1,
    )
    return words.keyed(
        "One row per Sophos product, by its productCode exactly as Sophos writes it.",
        words.strict_text("A Sophos productCode.", words.CODE),
        row,
        example={"CIXA-MSP": {"product": "MSP-ENDPOINT", "sync": True}},
    )


def _also_known_as() -> Schema:
    codes = words.listing(
        "Other codes that Sophos uses, or will use, for the same product: a list, or a list under `codes` "
        "with a word on how both are counted.",
        words.strict_text("A Sophos productCode.", words.CODE),
        least=1,
        example=["SEP-MSP"],
    )
    both = words.record(
        "",
        {
            "codes": words.listing(
                "The other codes.",
                words.strict_text("A Sophos productCode.", words.CODE),
                least=1,
                example=["SEP-MSP"],
            ),
            "count": words.choice(
                "How units under both codes on one customer's bill make one number. Left out, that "
                "customer's line waits and names both.",
                {"sum": "they are different seats", "max": "they are the same seats"},
            ),
        },
        required=("codes",),
    )
    forms = ("properties", "required", "additionalProperties")
    return codes | {"type": ["array", "object"]} | {key: both[key] for key in forms}


def _products() -> Schema:
    identifier = words.text(
        "A ConnectWise product identifier.", IDENTIFIER_LIMIT, pattern=words.NAMED, example="SOPHOS-EP"
    )
    properties = {field.name: catalog_field(field) for field in CATALOG_FIELDS}
    properties |= {
        "customFields": {
            "type": "object",
            "propertyNames": words.text("The caption.", 100, pattern=words.ONE_LINE),
            "additionalProperties": {
                "type": ["string", "number", "boolean", "null"],
                "maxLength": 4000,
                "description": "The value: a text, a number, true or false; null clears it.",
            },
            "description": "Custom fields of the product, by caption.",
            "examples": [{"Vendor contract": "2026-04"}],
        },
        "renamedFrom": words.text(
            "The identifier it has in ConnectWise so far. The product is edited, not created a second time.",
            IDENTIFIER_LIMIT,
            pattern=words.NAMED,
            example="SOPHOS-EP",
        ),
        "replaces": words.listing(
            "Products it takes the place of: their open lines of the same company end where its own start.",
            identifier,
            least=1,
            example=["Sophos_Intercept_X_Advanced"],
        ),
        "linePrice": words.choice(
            "What a new `price` means for open agreement lines. `follow` needs a declared `price`.",
            {
                "keep": "they keep the price they have; the plan says how many",
                "follow": "they end and new ones start at the new price, as a reviewed change",
            },
            default="keep",
        ),
    }
    entry = words.record(
        "The fields to keep as declared here; every other field is left as it is. Before a product can be "
        "created, description, customerDescription, subcategory, type, productClass, price and taxableFlag "
        "must be declared.",
        properties,
    )
    return words.keyed(
        "ConnectWise products that this repository creates and edits, by identifier.",
        words.text(
            "A ConnectWise product identifier.", IDENTIFIER_LIMIT, pattern=words.NAMED, example="MSP-ENDPOINT"
        ),
        entry,
        example={"MSP-ENDPOINT": {"description": "Managed endpoint protection", "price": 4.50}},
    )


def _person_row(until: str) -> dict[str, Schema]:
    return {
        "customer": words.text(
            "The customer: company identifier or Sophos tenant id.",
            40,
            pattern=words.IDENTIFIER,
            example="SAFELOG",
        ),
        "product": words.text(
            'The ConnectWise product: its identifier or, quoted, its id ("#7").',
            IDENTIFIER_LIMIT,
            pattern=words.IDENTIFIER,
            example="MSP-GOLD",
        ),
        "reason": words.text("Why, for whoever reads it next year.", 300, example="two leavers disputed"),
        "until": words.day(until),
    }


def _holds() -> Schema:
    row = words.record(
        "One line's quantity, as a person says it is.",
        _person_row(
            "The last day on which it counts. From the day after it on that is an error: `validate`, `plan` "
            "and `apply` stop until the row is taken out or has a later day."
        )
        | {"quantity": words.number("The quantity that counts meanwhile.", example=12)},
        required=("customer", "product", "quantity", "reason", "until"),
    )
    return words.listing(
        "A person's word against the feed, with an end.",
        row,
        example=[
            {
                "customer": "SAFELOG",
                "product": "MSP-ENDPOINT",
                "quantity": 12,
                "reason": "two leavers disputed",
                "until": "2026-12-31",
            }
        ],
    )


def _approvals() -> Schema:
    row = words.record(
        "One change that may pass the guards.",
        _person_row(
            "The last day on which it counts. From the day after it on it lets nothing through, which is a "
            "notice and stops nothing: a change that still waits for it waits on."
        )
        | {
            "from": words.number("The quantity before the change.", example=38),
            "upTo": words.number("The quantity up to which, or down to which, it may go.", example=64),
            "given": words.moment(
                "When the yes was given: a date (its beginning in `settings.timeZone`), or a moment in UTC. "
                "It lets the change in once: only while the line was last written at or before it."
            ),
        },
        required=("customer", "product", "from", "upTo", "given", "reason", "until"),
    )
    return words.listing(
        "A person's yes to a change that was withheld. Names the change itself, and lets it in once.",
        row,
        example=[
            {
                "customer": "SAFELOG",
                "product": "MSP-GOLD",
                "from": 38,
                "upTo": 64,
                "given": "2026-11-20",
                "reason": "new branch",
                "until": "2026-12-05",
            }
        ],
    )

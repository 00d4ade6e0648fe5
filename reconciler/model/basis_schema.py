"""The JSON schema of what a line's change rests on, as it stands in plan files."""

from __future__ import annotations

from typing import Any

from reconciler.model.schema_parts import DAY, NUMBER, RECORD_ID, TEXT, list_of, or_null, record


def basis_schema() -> dict[str, Any]:
    """What is signed of a line's change, in draft-07."""
    return record(
        "What a line's change rests on besides the values that it writes.",
        values={
            "type": "object",
            "additionalProperties": {"type": ["string", "boolean", "null"]},
            "description": "Further fields of the line that decide its money, as they stand.",
        },
        written=or_null(record("Who wrote the line last, as it was read.", by=TEXT, at=TEXT)),
        nextInvoice={**or_null(DAY), "description": "The agreement's."},
        agreement={**or_null(RECORD_ID), "description": "Its record in restsOn."},
        product={**or_null(RECORD_ID), "description": "Its record in restsOn; null where it is created."},
        company={**or_null(RECORD_ID), "description": "Its record in restsOn; null where it was not read."},
        recap={**or_null(RECORD_ID), "description": "The agreement's; null where it was not read."},
        clearOf=record(
            "Where its seats must have no other open line.",
            agreements=list_of({"type": "integer"}, "By id."),
            products=list_of({"type": "integer"}, "By id."),
            codes=list_of(TEXT, "Of a new line: any product that carries one of them counts as well."),
            beside={
                "type": "object",
                "propertyNames": {"pattern": "^[1-9][0-9]{0,14}$"},
                "additionalProperties": NUMBER,
                "description": "Open lines of these products that stay, by id: their quantities.",
            },
            companies=list_of({"type": "integer"}, "Those that its customers come from, by id."),
            over=list_of({"type": "integer"}, "Of a new line: its product's lines there that are over."),
        ),
    )

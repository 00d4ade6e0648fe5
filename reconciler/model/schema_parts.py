"""What the JSON schemas of plan files, frozen months and journals have in common."""

from __future__ import annotations

from typing import Any

from reconciler.model.by_hand import Work

TEXT: dict[str, Any] = {"type": "string"}
TEXT_OR_NULL: dict[str, Any] = {"type": ["string", "null"]}
DAY: dict[str, Any] = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}$"}
NUMBER: dict[str, Any] = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
RECORD_ID: dict[str, Any] = {"type": "integer", "minimum": 1}


def or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema, which null fits as well."""
    return {**schema, "type": [schema["type"], "null"]}


def list_of(items: dict[str, Any], about: str) -> dict[str, Any]:
    """A list of such items."""
    return {"type": "array", "items": items, "description": about}


def record(about: str, **properties: Any) -> dict[str, Any]:
    """An object with exactly these keys."""
    return {
        "type": "object",
        "description": about,
        "properties": properties,
        "required": sorted(properties),
        "additionalProperties": False,
    }


_NUMBER: dict[str, Any] = {"type": "string", "pattern": r"^-?\d+(\.\d+)?$"}
_NUMBER_OR_NULL: dict[str, Any] = {**_NUMBER, "type": ["string", "null"]}
_DAY_OR_NULL: dict[str, Any] = {"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}-\d{2}$"}

BY_HAND: dict[str, Any] = record(
    "What a person has to do by hand: at an invoice that was made, or for months without one.",
    work={"enum": [work.value for work in Work]},
    agreement={"type": "integer", "minimum": 1},
    product=TEXT,
    record={"type": ["integer", "null"], "minimum": 1},
    amount=NUMBER,
    currency=TEXT,
    before=_NUMBER_OR_NULL,
    after=_NUMBER_OR_NULL,
    invoice=_DAY_OR_NULL,
    months={"type": "array", "items": {"type": "string", "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"}},
    until=_DAY_OR_NULL,
)

"""The JSON schema of a journal's lines; `schemas/journal.schema.json` is generated from it."""

from __future__ import annotations

from typing import Any

from reconciler.model import schema_parts
from reconciler.model.change import Action
from reconciler.model.journal import ABOUT, BY_HAND, END, JOURNAL_VERSION, OUTCOME, START
from reconciler.model.outcome import Result
from reconciler.model.schema_parts import TEXT, TEXT_OR_NULL, record

_MOMENT: dict[str, Any] = {"type": "string", "description": "ISO 8601, UTC."}
_RECORD: dict[str, Any] = {"type": ["integer", "null"], "minimum": 1}


def _line(kind: str, about: str, **properties: Any) -> dict[str, Any]:
    return record(about, type={"const": kind}, **properties)


def line_schemas() -> dict[str, dict[str, Any]]:
    """The schema of each kind of line, by its `type`."""
    return {
        START: _start(),
        ABOUT: _line(
            ABOUT,
            "A change whose request is sent next.",
            at=_MOMENT,
            id=TEXT,
            action={"enum": [action.value for action in Action]},
            write=TEXT,
            target=record(
                "The product, or its line on an agreement.",
                type={"enum": ["product", "line"]},
                identifier=TEXT,
                id=_RECORD,
                agreement=_RECORD,
                part=TEXT_OR_NULL,
            ),
            nextInvoice={"type": ["string", "null"], "pattern": r"^\d{4}-\d{2}-\d{2}$"},
            fields={"type": "array", "minItems": 1, "items": _field(), "description": "What is written."},
        ),
        BY_HAND: _line(
            BY_HAND,
            "What a person has to do by hand, because no run writes it.",
            at=_MOMENT,
            **schema_parts.BY_HAND["properties"],
        ),
        OUTCOME: _line(
            OUTCOME,
            "What became of a change.",
            at=_MOMENT,
            id=TEXT,
            result={"enum": [result.value for result in Result]},
            record=_RECORD,
        ),
        END: _line(
            END,
            "The run came to its end.",
            at=_MOMENT,
            interrupted={"type": "boolean"},
            results={"type": "object", "additionalProperties": {"type": "integer", "minimum": 0}},
        ),
    }


def _start() -> dict[str, Any]:
    return _line(
        START,
        "The first line: which run, of which plan, by whom, where.",
        formatVersion={"const": JOURNAL_VERSION},
        run=TEXT,
        started=_MOMENT,
        tool=TEXT,
        site=TEXT,
        marker=record("Whose tags, and where.", owner=TEXT, customField=TEXT_OR_NULL),
        instance=record(
            "The systems that it was written to.",
            connectwiseHost=TEXT,
            connectwiseCompany=TEXT,
            sophosPartner=TEXT,
        ),
        month={"type": ["string", "null"], "pattern": r"^\d{4}-(0[1-9]|1[0-2])$"},
        planHash=TEXT,
        configHash=TEXT,
        actor=TEXT_OR_NULL,
        commit=TEXT_OR_NULL,
    )


def _field() -> dict[str, Any]:
    return {
        "type": "object",
        "description": "One value before and after, or only that it changed.",
        "properties": {"field": TEXT, "before": {}, "after": {}, "withheld": {"const": True}},
        "oneOf": [{"required": ["before", "after"]}, {"required": ["withheld"]}],
        "required": ["field"],
        "additionalProperties": False,
    }


def journal_schema() -> dict[str, Any]:
    """The schema of one line, draft-07."""
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "A line of a journal",
        "description": "What `reconciler apply` writes down, one JSON object a line. Within format 1, keys "
        "are added and never changed or removed.",
        "oneOf": list(line_schemas().values()),
    }

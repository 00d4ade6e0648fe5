"""One value of a plan as people read it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.change import CUSTOM_FIELD_PREFIX, MAPPING_PREFIX
from reconciler.reporting.clean import clean

if TYPE_CHECKING:
    from reconciler.model.field_change import FieldChange

_LONGEST = 72


def value_text(value: Any, *, longest: int = _LONGEST) -> str:
    """`4.50`, `Endpoint`, `yes`, `(none)`; long texts are cut, and say so."""
    if value is None:
        return "(none)"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        name, number = value.get("name"), value.get("id")
        return f"{clean(str(name))} (id {number})" if name else f"id {number}"
    text = clean(str(value))
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def field_title(name: str) -> str:
    """A field's name without the prefix that plan files need."""
    return clean(name.removeprefix(CUSTOM_FIELD_PREFIX))


def mapping_text(field: FieldChange) -> str:
    """`CEMA-MSP, sync on`, `CEMA-MSP (sync on until now)`."""
    code = clean(field.field.removeprefix(MAPPING_PREFIX))
    if field.before is None:
        return f"{code}, {field.after}"
    if field.after is None:
        return f"{code} ({field.before} until now)"
    return code

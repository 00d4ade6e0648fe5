"""The fields of a line that `always` declares: compared every time, whoever wrote them last."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.model.field_change import FieldChange
from reconciler.model.fields import normalise, same, to_plan
from reconciler.model.line_fields import ATTRIBUTES, LINE_FIELDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.billing import Line


def declared_changes(line: Line, always: Mapping[str, Any]) -> tuple[FieldChange, ...]:
    """What differs between the line and what is declared, in the order of the field table."""
    found = []
    for field in LINE_FIELDS:
        if field.name not in always:
            continue
        now = normalise(field, getattr(line, ATTRIBUTES[field.name]))
        wanted = normalise(field, always[field.name])
        if not same(field, now, wanted):
            found.append(FieldChange(field.name, to_plan(now), to_plan(wanted)))
    return tuple(found)


def as_declared(line: Line, always: Mapping[str, Any]) -> Line:
    """The line as it will be once what is declared is written."""
    wanted = {ATTRIBUTES[name]: value for name, value in always.items() if name in ATTRIBUTES}
    return replace(line, **wanted)


def declared_text(changes: tuple[FieldChange, ...]) -> str:
    """For people: `always: unitPrice 4.20 → 4.50`."""
    shown = ", ".join(f"{one.field} {one.before} → {one.after}" for one in changes)
    return f"always: {shown}" if shown else ""

"""A line as a plan's fields see it: what stands in each field now."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.fields import Kind, from_plan, normalise, same, to_plan
from reconciler.model.line_fields import ATTRIBUTES, LINE_FIELDS_BY_NAME
from reconciler.model.money import USUAL_PLACES, plain, to_places

if TYPE_CHECKING:
    from reconciler.model.billing import Line
    from reconciler.model.fields import Value

#: Prices are compared to so many places: all that anybody agrees on, and less than floating-point noise.
COMPARED_PLACES = 6


def holds(line: Line, name: str, value: Any) -> bool:
    """Whether the line's field has this value (in plan form) now; quantities agree to two places."""
    field = LINE_FIELDS_BY_NAME[name]
    now, wanted = line_value(line, name), from_plan(field, value)
    if isinstance(now, Decimal) and isinstance(wanted, Decimal):
        places = COMPARED_PLACES if field.kind is Kind.MONEY else USUAL_PLACES
        return to_places(now, places) == to_places(wanted, places)
    return same(field, now, wanted)


def line_value(line: Line, name: str) -> Value:
    """The field's value now."""
    return normalise(LINE_FIELDS_BY_NAME[name], getattr(line, ATTRIBUTES[name]))


def line_plan_value(line: Line, name: str) -> Any:
    """The field's value now, in plan form; a number as people write it."""
    now = line_value(line, name)
    return plain(now) if isinstance(now, Decimal) else to_plan(now)

"""Values of a plan file that no planner writes: of the wrong kind, out of all proportion, no record's id."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.fields import Field, Kind, from_plan
from reconciler.model.line_fields import LINE_FIELDS_BY_NAME
from reconciler.model.money import MOST_PLACES, parse_decimal

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from reconciler.model.field_change import FieldChange
    from reconciler.model.lines import Amount

_LARGEST_ID = 10**15


def is_id(number: Any) -> bool:
    """Whether it may be a record's id."""
    return type(number) is int and 0 < number < _LARGEST_ID


def is_reference(number: Any) -> bool:
    """Whether a set-up table's row may have it as its id: some servers begin at 0 or below."""
    return type(number) is int and abs(number) < _LARGEST_ID


def number_of(value: Any) -> Decimal | None:
    """The number that a text of a plan says; None for everything else."""
    return parse_decimal(value) if isinstance(value, str) else None


def value_problems(field_: Field, one: FieldChange) -> Iterator[str]:
    """What is wrong with the value before and the one after."""
    place = f"fields/{field_.name}"
    for value in (one.before, one.after):
        try:
            from_plan(field_, value)
        except ValueError:
            yield f"{place}: a value of it is no {field_.kind.value}"
            return
        if isinstance(value, dict) and not is_reference(value["id"]):
            yield f"{place}: a value of it names no record"
    after = one.after
    if after is None:
        # A line's texts are cleared by an empty declaration; a product's fields by `null` where they may be.
        if not field_.clearable and not (field_.kind is Kind.TEXT and field_.name in LINE_FIELDS_BY_NAME):
            yield f"{place}: it cannot be cleared"
    elif field_.kind is Kind.CHOICE and after not in field_.choices:
        yield f"{place}: {str(after)[:60]!r} is none of its values"
    elif field_.limit is not None and len(str(after)) > field_.limit:
        yield f"{place}: it is longer than {field_.limit} characters"


def amount_problems(place: str, amount: Amount) -> Iterator[str]:
    """Money that reports cannot print."""
    if parse_decimal(amount.before) is None or parse_decimal(amount.after) is None:
        yield f"{place}: a number of it is out of all proportion"
    elif amount.places > MOST_PLACES:
        yield f"{place}: it has more decimals than any currency"

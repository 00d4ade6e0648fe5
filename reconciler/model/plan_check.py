"""What no planner writes into a plan: found before anything of a saved one is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from reconciler.model.causes import needed_with
from reconciler.model.fields import FIELDS_BY_NAME, IDENTIFIER, Field, Kind, from_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import LESS_INCLUDED, LINE_FIELDS_BY_NAME, QUANTITY
from reconciler.model.money import MOST_PLACES, parse_decimal
from reconciler.model.months import Month
from reconciler.model.plan import CUSTOM_FIELD_PREFIX, MAPPING_PREFIX, SYNC_OFF, SYNC_ON, Action, writes

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from reconciler.model.field_change import FieldChange
    from reconciler.model.lines import Amount, PlannedLine
    from reconciler.model.plan import Change, Plan

_OWNER = re.compile(r"[A-Za-z0-9_.-]+")
_LARGEST_ID = 10**15
_COUNTED = (QUANTITY.name, LESS_INCLUDED.name)
_DECLARED = frozenset({Action.CREATE_PRODUCT, Action.EDIT_PRODUCT})
_SYNC = (SYNC_ON, SYNC_OFF)
#: The values that each mapping step may go from and to.
_STEPS: dict[Action, tuple[tuple[str | None, ...], tuple[str | None, ...]]] = {
    Action.MAP_PRODUCT: ((None,), _SYNC),
    Action.UNMAP_PRODUCT: (_SYNC, (None,)),
    Action.ENABLE_SYNC: ((SYNC_OFF,), (SYNC_ON,)),
    Action.DISABLE_SYNC: ((SYNC_ON,), (SYNC_OFF,)),
}


def plan_problems(plan: Plan) -> list[str]:
    """Why this is no plan that the planner makes, each with its place; nothing where it is one.

    Its schema and its hash are in order: this is about a file that was edited and signed again. Raises
    nothing for any plan that was read by its schema.
    """
    found = [*_head_problems(plan)]
    seen: set[str] = set()
    for change in plan.changes:
        if change.id in seen:
            found.append(f"{change.id}: the id is there twice")
        seen.add(change.id)
        found += [f"{change.id}: {what}" for what in _change_problems(change)]
    found += _write_problems(plan.changes)
    found += [f"{change.id}: it is left alone, and {why}" for change, why in needed_with(plan.changes)]
    for line in plan.lines:
        found += [f"{line.key}: {what}" for what in _line_problems(line)]
    return found


def _head_problems(plan: Plan) -> Iterator[str]:
    if not _OWNER.fullmatch(plan.owner):
        yield f"marker/owner: {plan.owner[:60]!r} is no owner of tags"
    if plan.marker_custom_field is not None and not plan.marker_custom_field.strip():
        yield "marker/customField: it is empty"
    days = {"today": plan.today}
    if plan.period is not None:
        days |= {"period/firstDay": plan.period.first_day, "period/lastDay": plan.period.last_day}
        try:
            _ = Month.parse(plan.period.month).last_day
        except ValueError as wrong:
            yield f"period/month: {wrong}"
    for place, day in days.items():
        try:
            date.fromisoformat(day)
        except ValueError:
            yield f"{place}: {day[:60]!r} is no day"
    writes_lines = any(change.action is Action.UPDATE_LINE for change in plan.changes)
    if writes_lines and (plan.period is None or not plan.period.closed):
        yield "period: lines are written from a closed month only"


def _change_problems(change: Change) -> Iterator[str]:
    yield from _target_problems(change)
    if not change.fields:
        yield "it writes no field"
    names = [one.field for one in change.fields]
    if len(set(names)) < len(names):
        yield "a field is there twice"
    if change.action in _STEPS:
        yield from _step_problems(change)
    elif change.action in _DECLARED:
        for one in change.fields:
            yield from _product_field_problems(one, change)
    else:
        for one in change.fields:
            yield from _line_field_problems(one)
    if change.money is not None:
        yield from _amount_problems("money", change.money)


def _target_problems(change: Change) -> Iterator[str]:
    target = change.target
    if not target.identifier.strip():
        yield "target/identifier: it is empty"
    for place, number in (("id", target.id), ("agreement", target.agreement)):
        if number is not None and not _is_id(number):
            yield f"target/{place}: it is no record id"
    if not all(_is_id(number) for number in change.mapped_on):
        yield "precondition/mappedOn: it holds what is no record id"
    of_line = change.action is Action.UPDATE_LINE
    if of_line is not (target.agreement is not None):
        yield f"target/agreement: {change.action.value} is about {'a line' if of_line else 'a product'}"
    if change.action is Action.CREATE_PRODUCT and target.id is not None:
        yield "target/id: what is created has none yet"
    # A new product's codes are mapped by the request that creates it; what is held back sends none.
    may_be_new = change.action is Action.CREATE_PRODUCT or change.action is Action.MAP_PRODUCT
    if target.id is None and not may_be_new:
        yield f"target/id: {change.action.value} needs one"
    if (target.id is None) is not (change.expected_identifier is None):
        yield "precondition/identifier: it does not fit target/id"
    if of_line and identifier_key(change.expected_identifier or "") != identifier_key(target.identifier):
        yield "precondition/identifier: it is another product than the target"


def _is_id(number: Any) -> bool:
    return type(number) is int and 0 < number < _LARGEST_ID


def _step_problems(change: Change) -> Iterator[str]:
    if len(change.fields) != 1:
        yield f"{change.action.value} is about exactly one code"
    before, after = _STEPS[change.action]
    for one in change.fields:
        if not one.field.startswith(MAPPING_PREFIX) or not one.field.removeprefix(MAPPING_PREFIX).strip():
            yield f"fields/{one.field[:60]}: {change.action.value} does not write it"
        elif one.before not in before or one.after not in after:
            yield f"fields/{one.field[:60]}: {change.action.value} does not lead there"


def _product_field_problems(one: FieldChange, change: Change) -> Iterator[str]:
    if one.field == IDENTIFIER.name:
        yield from _value_problems(IDENTIFIER, one)
        if one.after != change.target.identifier:
            yield "fields/identifier: it is another one than the target's"
    elif one.field in FIELDS_BY_NAME:
        yield from _value_problems(FIELDS_BY_NAME[one.field], one)
    elif one.field.removeprefix(CUSTOM_FIELD_PREFIX).strip() and one.field.startswith(CUSTOM_FIELD_PREFIX):
        if not (_is_plain(one.before) and _is_plain(one.after)):
            yield f"fields/{one.field[:60]}: it holds no value of a custom field"
    else:
        yield f"fields/{one.field[:60]}: {change.action.value} does not write it"


def _is_plain(value: Any) -> bool:
    if value is None or isinstance(value, str | bool):
        return True
    return isinstance(value, int | float) and parse_decimal(value) is not None


def _line_field_problems(one: FieldChange) -> Iterator[str]:
    field_ = LINE_FIELDS_BY_NAME.get(one.field)
    if field_ is None:
        yield f"fields/{one.field[:60]}: update_line does not write it"
        return
    yield from _value_problems(field_, one)
    if one.field in _COUNTED:
        before, after = _number(one.before), _number(one.after)
        if before is None or after is None or after < 0:
            yield f"fields/{one.field}: it goes from a number to a number from 0 on, both as texts"


def _number(value: Any) -> Decimal | None:
    return parse_decimal(value) if isinstance(value, str) else None


def _value_problems(field_: Field, one: FieldChange) -> Iterator[str]:
    place = f"fields/{field_.name}"
    for value in (one.before, one.after):
        try:
            from_plan(field_, value)
        except ValueError:
            yield f"{place}: a value of it is no {field_.kind.value}"
            return
        if isinstance(value, dict) and not (type(value["id"]) is int and abs(value["id"]) < _LARGEST_ID):
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


@dataclass
class _Request:
    """What one request is about."""

    creates: bool = False
    targets: set[tuple[int | None, int | None, str]] = field(default_factory=set)


def _write_problems(changes: Iterable[Change]) -> Iterator[str]:
    """A request is about one record, writes a field once, and a line has one request."""
    lines: dict[tuple[int | None, int | None], str] = {}
    for key, members in writes(changes):
        request = _Request(creates=any(one.action is Action.CREATE_PRODUCT for one in members))
        for one in members:
            target = one.target
            request.targets.add((target.agreement, target.id, identifier_key(target.identifier)))
            if target.agreement is not None and lines.setdefault((target.agreement, target.id), key) != key:
                yield f"{one.id}: its line is written by two requests"
            if target.id is None and not request.creates and not one.blocked:
                yield f"{one.id}: target/id: nothing creates it"
        if len(request.targets) > 1:
            yield f"{key}: one request is about several records"
        names = [one.field for change in members for one in change.fields]
        if len(set(names)) < len(names):
            yield f"{key}: one request writes a field twice"


def _line_problems(line: PlannedLine) -> Iterator[str]:
    """Numbers that reports cannot print."""
    numbers = (line.before, line.after, line.included_before, line.included_after)
    counted = [number for number in (*numbers, line.unit_price, line.unit_cost) if number is not None]
    if any(parse_decimal(number) is None for number in (*counted, *line.feed.values())):
        yield "a number of it is out of all proportion"
    for place, amount in (("sales", line.sales), ("cost", line.cost)):
        if amount is not None:
            yield from _amount_problems(place, amount)


def _amount_problems(place: str, amount: Amount) -> Iterator[str]:
    if parse_decimal(amount.before) is None or parse_decimal(amount.after) is None:
        yield f"{place}: a number of it is out of all proportion"
    elif amount.places > MOST_PLACES:
        yield f"{place}: it has more decimals than any currency"

"""What no planner writes into a plan: found before anything of a saved one is believed."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from reconciler.model.causes import needed_with
from reconciler.model.census_check import census_row_problems
from reconciler.model.change import (
    CUSTOM_FIELD_PREFIX,
    MAPPING_PREFIX,
    OF_LINES,
    SYNC_OFF,
    SYNC_ON,
    Action,
    writes,
)
from reconciler.model.fields import FIELDS_BY_NAME, IDENTIFIER
from reconciler.model.identifiers import identifier_key, is_safe_in_conditions
from reconciler.model.line_check import basis_problems, line_change_problems, line_row_problems, move_problems
from reconciler.model.money import parse_decimal
from reconciler.model.months import Month
from reconciler.model.row_check import guard_problems
from reconciler.model.value_check import amount_problems, is_id, value_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from reconciler.model.change import Change
    from reconciler.model.field_change import FieldChange
    from reconciler.model.plan import Plan, RollbackOf

_OWNER = re.compile(r"[A-Za-z0-9_.-]+")
_DECLARED = frozenset({Action.CREATE_PRODUCT, Action.EDIT_PRODUCT})
_MAY_BE_NEW = frozenset({Action.CREATE_PRODUCT, Action.MAP_PRODUCT, Action.CREATE_LINE, Action.MOVE_LINE})
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
        found += [f"{change.id}: {what}" for what in (*change_problems(change), *basis_problems(change))]
    found += _write_problems(plan.changes)
    found += [f"{change.id}: it is left alone, and {why}" for change, why in needed_with(plan.changes)]
    found += move_problems(plan)
    found += line_row_problems(plan.lines)
    found += census_row_problems(plan.census)
    found += guard_problems(plan)
    return found


def owner_problems(owner: str, custom_field: str | None) -> Iterator[str]:
    """What is wrong with whose tags are written, and where."""
    if not _OWNER.fullmatch(owner):
        yield f"marker/owner: {owner[:60]!r} is no owner of tags"
    if custom_field is not None and not custom_field.strip():
        yield "marker/customField: it is empty"


def _head_problems(plan: Plan) -> Iterator[str]:
    yield from owner_problems(plan.owner, plan.marker_custom_field)
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
    if plan.usage_read_at is not None:
        try:
            datetime.fromisoformat(plan.usage_read_at)
        except ValueError:
            yield "usageReadAt: it is no moment"
    if plan.rollback_of is not None:
        yield from _rollback_problems(plan, plan.rollback_of)
        return
    writes_lines = any(change.action in OF_LINES for change in plan.changes)
    if writes_lines and (plan.period is None or not plan.period.closed):
        yield "period: lines are written from a closed month only"


def _rollback_problems(plan: Plan, of: RollbackOf) -> Iterator[str]:
    if plan.period is not None:
        yield "period: a rollback is of no month"
    try:
        datetime.fromisoformat(of.started)
    except ValueError:
        yield "rollbackOf/started: it is no moment"
    for change in plan.changes:
        if change.target.id is None or change.action is Action.MOVE_LINE:
            yield f"{change.id}: a rollback creates and moves nothing"


def change_problems(change: Change) -> Iterator[str]:
    """What no planner writes as a change, whatever it rests on: its record, its fields and their values."""
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
        yield from line_change_problems(change)
    if change.money is not None:
        yield from amount_problems("money", change.money)


def _target_problems(change: Change) -> Iterator[str]:
    target = change.target
    if not target.identifier.strip():
        yield "target/identifier: it is empty"
    elif target.id is None and target.agreement is None and not is_safe_in_conditions(target.identifier):
        yield "target/identifier: no product can be asked for by it"
    for place, number in (("id", target.id), ("agreement", target.agreement)):
        if number is not None and not is_id(number):
            yield f"target/{place}: it is no record id"
    if not all(is_id(number) for number in change.mapped_on):
        yield "precondition/mappedOn: it holds what is no record id"
    of_line = change.action in OF_LINES
    if of_line is not (target.agreement is not None):
        yield f"target/agreement: {change.action.value} is about {'a line' if of_line else 'a product'}"
    if change.action in (Action.CREATE_PRODUCT, Action.CREATE_LINE) and target.id is not None:
        yield "target/id: what is created has none yet"
    # A new product's codes are mapped by the request that creates it; what is held back sends none.
    if target.id is None and change.action not in _MAY_BE_NEW:
        yield f"target/id: {change.action.value} needs one"
    if not of_line:
        yield from _product_target_problems(change)
    elif identifier_key(change.expected_identifier or "") != identifier_key(target.identifier):
        yield "precondition/identifier: it is another product than the target"


def _product_target_problems(change: Change) -> Iterator[str]:
    if (change.target.id is None) is not (change.expected_identifier is None):
        yield "precondition/identifier: it does not fit target/id"
    if change.target.part:
        yield "target/part: a product has none"
    if change.basis is not None:
        yield "precondition/line: it is of lines only"


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
        yield from value_problems(IDENTIFIER, one)
        if one.after != change.target.identifier:
            yield "fields/identifier: it is another one than the target's"
    elif one.field in FIELDS_BY_NAME:
        yield from value_problems(FIELDS_BY_NAME[one.field], one)
    elif one.field.removeprefix(CUSTOM_FIELD_PREFIX).strip() and one.field.startswith(CUSTOM_FIELD_PREFIX):
        if not (_is_plain(one.before) and _is_plain(one.after)):
            yield f"fields/{one.field[:60]}: it holds no value of a custom field"
    else:
        yield f"fields/{one.field[:60]}: {change.action.value} does not write it"


def _is_plain(value: Any) -> bool:
    if value is None or isinstance(value, str | bool):
        return True
    return isinstance(value, int | float) and parse_decimal(value) is not None


#: A record: its agreement, its id, and where it is to be created its product and part.
_Record = tuple[int | None, int | None, str, str]


@dataclass
class _Request:
    """What one request is about."""

    creates: bool = False
    targets: set[tuple[_Record, str]] = field(default_factory=set)


def _write_problems(changes: Iterable[Change]) -> Iterator[str]:
    """A request is about one record, writes a field once, and a line has one request."""
    lines: dict[_Record, str] = {}
    for key, members in writes(changes):
        creates = any(one.action is Action.CREATE_PRODUCT or one.starts_line for one in members)
        request = _Request(creates)
        for one in members:
            record = _record(one)
            request.targets.add((record, identifier_key(one.target.identifier)))
            if one.target.agreement is not None and lines.setdefault(record, key) != key:
                yield f"{one.id}: its line is written by two requests"
            if one.target.id is None and not request.creates and not one.blocked:
                yield f"{one.id}: target/id: nothing creates it"
        if len(request.targets) > 1:
            yield f"{key}: one request is about several records"
        names = [one.field for change in members for one in change.fields]
        if len(set(names)) < len(names):
            yield f"{key}: one request writes a field twice"


def _record(change: Change) -> _Record:
    target = change.target
    if target.agreement is None or target.id is not None:
        return target.agreement, target.id, "", ""
    return target.agreement, None, identifier_key(target.identifier), identifier_key(target.part)

"""A saved plan's changes of lines against its rows: what is written is what reports and guards speak of."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.change import OF_LINES, Action
from reconciler.model.line_fields import QUANTITY
from reconciler.model.lines import LineState
from reconciler.model.money import parse_decimal, plain
from reconciler.model.plan_guards import Answered

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from reconciler.model.change import Change
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

_STARTING = frozenset({LineState.NEW_LINE, LineState.MOVES})
_UPDATING = frozenset({LineState.MORE, LineState.LESS, LineState.TO_ZERO, LineState.TERMS, LineState.MOVES})


def row_of_change_problems(plan: Plan) -> Iterator[tuple[str, str]]:
    """Changes of lines that would be written, by id, with why the row of the same numbers is missing."""
    own = {line.key: line for line in plan.lines}
    ending = {(old.agreement_id, old.line_id): line for line in plan.lines for old in line.takes_over}
    for change in plan.ready:
        if change.action not in OF_LINES:
            continue
        row = own.get(change.target.key)
        if row is not None and row.line_id == change.target.id:
            problem = _own_problem(change, row)
        elif (change.target.agreement, change.target.id) in ending:
            problem = "" if _ends(change) else "its row ends it"
        else:
            problem = "lines: no row speaks of it"
        if problem:
            yield change.id, problem


def guard_problems(plan: Plan) -> Iterator[str]:
    """Limits and answers that no planner writes."""
    limits, actions = plan.guards.limits, [one.action for one in plan.guards.limits.most_changes]
    if len(set(actions)) < len(actions):
        yield "guards/mostChanges: an action is there twice"
    numbers: list[object] = [one.percent for one in limits.most_changes]
    numbers += [limits.feed_tenants_percent] if limits.feed_tenants_percent is not None else []
    for limit in (limits.line_change, limits.run_change, limits.total):
        numbers += [value for value in vars(limit).values() if isinstance(value, Decimal)] if limit else []
    numbers += [most for _, most in limits.total.money] if limits.total else []
    for answer in plan.guards.answers:
        own = (answer.before, answer.up_to)
        numbers += [number for number in own if number is not None]
        if (None in own) is (answer.kind is Answered.APPROVAL):
            yield f"guards/answers: {answer.line[:60]}: only an approval has from and upTo"
    if any(parse_decimal(number) is None for number in numbers):
        yield "guards: a number of it is out of all proportion"


def _own_problem(change: Change, row: PlannedLine) -> str:
    if change.money is not None and (row.sales is None or change.money.to_json() != row.sales.to_json()):
        return "money: it is another amount than its row's"
    if row.shadow:
        return "lines: its row is in mode shadow"
    if _ends(change):
        # Where a line takes over, its own row may end it by a request that is none of its own.
        return "" if row.state is LineState.ENDS and row.after == 0 else "lines: its row does not end it"
    states = _STARTING if change.starts_line else _UPDATING
    if row.state not in states:
        return f"lines: its row says {row.state.value}"
    quantity = next((one for one in change.fields if one.field == QUANTITY.name), None)
    before = None if row.before is None else plain(row.before)
    after = None if row.after is None else plain(row.after)
    if quantity is None:
        return (
            "" if before == after and not change.starts_line else "fields/quantity: its row has another one"
        )
    if _number(quantity.after) != row.after or (
        not change.starts_line and _number(quantity.before) != row.before
    ):
        return "fields/quantity: its row has another one"
    return ""


def _ends(change: Change) -> bool:
    return change.action is Action.END_LINE or (change.action is Action.MOVE_LINE and not change.starts_line)


def _number(value: Any) -> Decimal | None:
    return parse_decimal(value) if isinstance(value, str) else None

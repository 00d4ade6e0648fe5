"""What no planner writes about agreement lines: found in a saved plan before anything of it is believed."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciler.model.change import OF_LINES, Action
from reconciler.model.fields import from_plan
from reconciler.model.line_fields import (
    CANCELLED,
    EFFECTIVE,
    LESS_INCLUDED,
    LINE_FIELDS,
    LINE_FIELDS_BY_NAME,
    QUANTITY,
    SERIAL,
)
from reconciler.model.money import parse_decimal
from reconciler.model.months import Month
from reconciler.model.rests import COMPANY_ID, OF_LINE, RESTS, Form
from reconciler.model.value_check import amount_problems, is_id, number_of, value_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any

    from reconciler.model.change import Basis, Change
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan
    from reconciler.model.rests import Rest

SERIAL_PART, LINE_PART = "serial/", "line/"
_COUNTED = frozenset({QUANTITY.name, LESS_INCLUDED.name})
_DECLARED = frozenset(one.name for one in LINE_FIELDS)
#: What decides the money and the days of a new line, so that no default of ConnectWise does.
_NEEDED = (QUANTITY.name, "unitPrice", "billCustomer", EFFECTIVE.name)
_OF_CREATION = _COUNTED | _DECLARED | {EFFECTIVE.name, SERIAL.name}
_OF_UPDATE = _COUNTED | _DECLARED
_OF_END = frozenset({CANCELLED.name, QUANTITY.name})


def line_change_problems(change: Change) -> Iterator[str]:
    """What no planner writes as a change of a line. Its target's ids have been looked at."""
    yield from _part_problems(change)
    if change.starts_line:
        allowed, problems = _OF_CREATION, _creation_problems
    elif change.action is Action.UPDATE_LINE:
        allowed, problems = _OF_UPDATE, _update_problems
    else:
        allowed, problems = _OF_END, _end_problems
    for one in change.fields:
        if one.field not in allowed:
            yield f"fields/{one.field[:60]}: {change.action.value} does not write it"
            return
        yield from value_problems(LINE_FIELDS_BY_NAME[one.field], one)
    yield from problems(change)


def basis_problems(change: Change) -> Iterator[str]:
    """What is wrong with what a line's change rests on; nothing for a product."""
    if change.action not in OF_LINES:
        return
    if change.basis is None:
        yield "precondition/line: what its money rests on is missing"
    else:
        yield from _basis_problems(change, change.basis)


def _part_problems(change: Change) -> Iterator[str]:
    target, part = change.target, change.target.part
    if part.startswith(LINE_PART):
        if part != f"{LINE_PART}{target.id}" or change.action is Action.UPDATE_LINE:
            yield "target/part: it names another line"
    elif part and not part.removeprefix(SERIAL_PART).strip():
        yield "target/part: it names no firewall"
    elif part and not part.startswith(SERIAL_PART):
        yield f"target/part: {part[:60]!r} is no part of a product's lines"
    elif change.action is Action.MOVE_LINE and target.id is not None:
        yield "target/part: a move ends the line that it names there"


def _creation_problems(change: Change) -> Iterator[str]:
    values = {one.field: one.after for one in change.fields}
    for name in _NEEDED:
        if values.get(name) is None:
            yield f"fields/{name}: a new line needs one"
    for one in change.fields:
        if one.before is not None:
            yield f"fields/{one.field}: a new line has no value before"
        elif one.after is None:
            yield f"fields/{one.field}: a new line is given no empty value"
        elif one.field in _COUNTED and not _is_count(one.after):
            yield f"fields/{one.field}: it is a number from 0 on, as a text"
    part = change.target.part
    serial = part.removeprefix(SERIAL_PART) if part.startswith(SERIAL_PART) else None
    if values.get(SERIAL.name) != serial:
        yield f"fields/{SERIAL.name}: it is another firewall than the target's"


def _update_problems(change: Change) -> Iterator[str]:
    for one in change.fields:
        if one.field in _COUNTED and (number_of(one.before) is None or not _is_count(one.after)):
            yield f"fields/{one.field}: it goes from a number to a number from 0 on, both as texts"


def _end_problems(change: Change) -> Iterator[str]:
    by_name = {one.field: one for one in change.fields}
    last = by_name.get(CANCELLED.name)
    if last is None or last.before is not None or last.after is None:
        yield f"fields/{CANCELLED.name}: an end goes from no day to a day"
    units = by_name.get(QUANTITY.name)
    if units is not None and (number_of(units.before) is None or units.after != "0"):
        yield f"fields/{QUANTITY.name}: with an end it goes to 0"


def _is_count(value: Any) -> bool:
    number = number_of(value)
    return number is not None and number >= 0


def _basis_problems(change: Change, basis: Basis) -> Iterator[str]:
    place = "precondition/line"
    yield from _record_problems(change, basis)
    ids = {*basis.agreements, *basis.products, *basis.companies, *basis.over}
    if not all(is_id(number) for number in (*ids, *(number for number, _ in basis.beside))):
        yield f"{place}/clearOf: it holds what is no record id"
    if not all(_is_count(quantity) for _, quantity in basis.beside):
        yield f"{place}/clearOf/beside: a quantity is a number from 0 on, as a text"
    if change.starts_line:
        if basis.values:
            yield f"{place}/values: a new line has none yet"
        if basis.written is not None:
            yield f"{place}/written: nobody has written a new line yet"
        if change.target.agreement not in basis.agreements:
            yield f"{place}/clearOf: the line's own agreement is missing"
        return
    if not basis.companies and (basis.codes or not {*basis.agreements} <= {change.target.agreement}):
        yield f"{place}/clearOf: it is of new lines only"
    if basis.written is None:
        yield f"{place}/written: who wrote the line last is missing"
    expected = set(OF_LINE) - {one.field for one in change.fields}
    if {name for name, _ in basis.values} != expected:
        yield f"{place}/values: they are not {', '.join(sorted(expected))}"
        return
    for name, value in basis.values:
        try:
            from_plan(LINE_FIELDS_BY_NAME[name], value)
        except ValueError:
            yield f"{place}/values/{name}: it is no {LINE_FIELDS_BY_NAME[name].kind.value}"


def _record_problems(change: Change, basis: Basis) -> Iterator[str]:
    """What is wrong with the records beside the line."""
    place = "restsOn"
    if basis.agreement is None or basis.agreement.id != change.target.agreement:
        yield f"{place}/agreements: the line's own agreement is missing"
    for kind, signed in basis.records():
        if signed is None:
            continue
        if not is_id(signed.id):
            yield f"{place}/{kind.value}: it holds what is no record id"
        known = {rest.name: rest for rest in RESTS[kind]}
        for name, value in signed.values:
            if name not in known:
                yield f"{place}/{kind.value}/{signed.id}: nothing rests on {name[:60]!r}"
            elif not _is_value(known[name], value):
                yield f"{place}/{kind.value}/{signed.id}/{name}: it is no value of it"
    company = None if basis.agreement is None else basis.agreement.get(COMPANY_ID.name)
    if basis.recap is not None and basis.recap.id != change.target.agreement:
        yield f"{place}/recaps: it is another agreement's"
    if basis.company is not None and basis.company.id != company:
        yield f"{place}/companies: it is another company than the agreement's"


def _is_value(rest: Rest, value: Any) -> bool:
    if rest.form is Form.FLAG:
        return value is True
    if rest.form is Form.NUMBER:
        return is_id(value)
    if rest.form is Form.COUNT:
        return type(value) is int and value >= 0
    return isinstance(value, str) and bool(value) and (rest.form is not Form.DAY or _is_day(value))


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True


def move_problems(plan: Plan) -> Iterator[str]:
    """A line that takes over comes after the ends of those whose seats it bills, or both would bill them."""
    ends = {
        change.write: change
        for change in plan.changes
        if change.action is Action.MOVE_LINE and not change.starts_line
    }
    old = {
        line.key: {(one.agreement_id, one.line_id) for one in line.takes_over}
        for line in plan.lines
        if line.takes_over
    }
    for change in plan.changes:
        if change.action is not Action.MOVE_LINE or not change.starts_line:
            continue
        before = [ends[write] for write in change.depends_on if write in ends]
        if not before:
            yield f"{change.id}: dependsOn: it takes over from no line that ends"
        ended = {(end.target.agreement, end.target.id) for end in before}
        missing = old.get(change.target.key, set()) - ended
        for _, line in sorted(missing):
            yield f"{change.id}: dependsOn: the end of line #{line}, which it takes over, is missing"


def line_row_problems(lines: Iterable[PlannedLine]) -> Iterator[str]:
    """Numbers and months of the rows that reports cannot print."""
    good: dict[int, object] = {}
    for line in lines:
        for what in _row_problems(line, good):
            yield f"{line.key}: {what}"


def _row_problems(line: PlannedLine, good: dict[int, object]) -> Iterator[str]:
    """What is wrong with a row; `good` are the numbers and amounts that were looked at, by their identity.

    Rows that were read share them, and so do rows that were planned.
    """
    ids = [line.agreement_id, line.line_id]
    ids += [number for old in line.takes_over for number in (old.agreement_id, old.line_id)]
    if not all(number is None or is_id(number) for number in ids):
        yield "it names what is no record"
    if type(line.cycle_months) is not int:
        yield "cycleMonths: it is no number of months"
    numbers = [line.before, line.after, line.included_before, line.included_after]
    numbers += [line.unit_price, line.unit_cost, *line.feed.values()]
    numbers += [old.quantity for old in line.takes_over]
    if line.not_billed is not None:
        numbers.append(line.not_billed.amount)
        if not line.not_billed.months or not all(map(_is_month, line.not_billed.months)):
            yield "notBilled/months: they are no months"
    if line.by_hand is not None:
        numbers += [line.by_hand.amount, line.by_hand.before, line.by_hand.after]
    for number in numbers:
        if number is None or id(number) in good:
            continue
        if parse_decimal(number) is None:
            yield "a number of it is out of all proportion"
            break
        good[id(number)] = number
    for place, amount in (("sales", line.sales), ("cost", line.cost)):
        if amount is not None and id(amount) not in good:
            found = list(amount_problems(place, amount))
            yield from found
            if not found:
                good[id(amount)] = amount


def _is_month(text: str) -> bool:
    try:
        Month.parse(text)
    except ValueError:
        return False
    return True

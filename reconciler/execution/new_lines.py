"""One new line of an agreement: look whether it is there, send it once, compare the answer.

A line that is sent twice is billed twice, and two lines of one product are legal in ConnectWise. So nothing
is sent while another line is in the way, and what may have arrived is looked for instead of sent again.
"""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciler.connectwise import additions, catalog, patching
from reconciler.execution.lines import differences, shown
from reconciler.execution.telling import is_about, not_done, told
from reconciler.execution.write import LOOKUPS
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.fields import from_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import EFFECTIVE, LINE_FIELDS_BY_NAME, SERIAL
from reconciler.model.money import plain
from reconciler.model.outcome import Outcome, Result
from reconciler.transport.errors import RecordNotFound, Unsure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.execution.write import Writer
    from reconciler.model.billing import Line
    from reconciler.model.change import Change


async def create_line(changes: Sequence[Change], writer: Writer) -> list[Outcome]:
    """Create the line that these changes describe and say what became of it. Raises nothing of the API's."""
    (change,) = changes
    try:
        return [await _create(change, writer)]
    except ReconcilerError as failed:
        return not_done(changes, failed, _path(change), catalog.CATALOG)


def first_day(change: Change) -> date:
    """The first billed day of a line that is to be created."""
    return date.fromisoformat(next(one.after for one in change.fields if one.field == EFFECTIVE.name))


def in_the_way(change: Change, of_product: Iterable[Line]) -> list[Line]:
    """The lines of its product on its agreement, open on its first day or later, that may be this line.

    A line of another firewall is none, and neither is one that the plan has seen and leaves as it is.
    """
    day, serial = first_day(change), _serial(change)
    beside = {} if change.basis is None else dict(change.basis.beside)
    return [
        line
        for line in of_product
        if line.may_bill(day)
        and (serial is None or line.bears(serial))
        and beside.get(line.id) != plain(line.quantity)
    ]


def not_as_wanted(change: Change, line: Line) -> list[str]:
    """What of the line is not as it was to be created; a serial number may stand in its text alone."""
    serial = _serial(change)
    fields = [
        one for one in change.fields if one.field != SERIAL.name or serial is None or not line.bears(serial)
    ]
    found = differences(line, fields)
    if line.product_key != identifier_key(change.target.identifier):
        found.insert(0, f"its product is {line.product_identifier.strip()}")
    if line.cancelled is not None:
        found.append(f"it ends on {line.cancelled}")
    return found


def described(lines: Iterable[Line]) -> str:
    """Lines for people: `#7, quantity 5, from 2026-12-01`."""
    return " and ".join(
        f"#{line.id}, quantity {plain(line.quantity)}, from {shown(line, EFFECTIVE.name)}" for line in lines
    )


def _serial(change: Change) -> str | None:
    kind, _, serial = change.target.part.partition("/")
    return serial if kind == "serial" else None


def _agreement(change: Change) -> int:
    if change.target.agreement is None:
        raise ValueError(f"{change.id} names no agreement")
    return change.target.agreement


def _path(change: Change) -> str:
    return additions.lines_path(_agreement(change))


async def _create(change: Change, writer: Writer) -> Outcome:
    product = await _product(change, writer)
    if product is None:
        return Outcome(
            change,
            Result.FAILED,
            f"there is not exactly one product {change.target.identifier} in ConnectWise. Nothing was sent; "
            "plan again",
        )
    try:
        there = await _look_up(change, product, writer)
    except RecordNotFound:
        return Outcome(
            change, Result.FAILED, f"agreement #{change.target.agreement} is no longer there; plan again"
        )
    if len(there) == 1 and not not_as_wanted(change, there[0]):
        return Outcome(change, Result.ALREADY_OK, f"line #{there[0].id}")
    if there:
        return Outcome(
            change,
            Result.FAILED,
            f"a line of {change.target.identifier} exists by now ({described(there)}). Nothing was sent; "
            "plan again",
        )
    values = {one.field: from_plan(LINE_FIELDS_BY_NAME[one.field], one.after) for one in change.fields}
    body = patching.line_body(product, values)
    writer.before_write((change,))
    try:
        answer = await additions.create_line(writer.client, _agreement(change), body)
    except Unsure as lost:
        if not is_about(lost, _path(change)):
            raise
        return await _after_lost(change, product, lost, writer)
    return _compared(change, answer)


async def _product(change: Change, writer: Writer) -> int | None:
    """The record id of its product, which this very run may have created; looked up once in a run.

    None unless exactly one product is called so.
    """
    key = identifier_key(change.target.identifier)
    if key not in writer.product_ids:
        found = await catalog.items_by_identifiers(writer.client, [change.target.identifier])
        if len(found) != 1:
            return None
        writer.product_ids[key] = found[0].id
    return writer.product_ids[key]


async def _look_up(change: Change, product: int, writer: Writer) -> list[Line]:
    found = await additions.lines_of_product(writer.client, _agreement(change), product)
    return in_the_way(change, found)


async def _after_lost(change: Change, product: int, lost: Unsure, writer: Writer) -> Outcome:
    """It is looked for, and not sent again: a new line that is as it was sent is ours."""
    found: list[Line] = []
    try:
        for seconds in LOOKUPS:
            await writer.sleep(seconds)
            found = await _look_up(change, product, writer)
            if found:
                break
    except ReconcilerError as failed:
        return Outcome(
            change, Result.UNSURE, f"{told(lost)}; looking it up failed too: {told(failed)}. {_NOT_AGAIN}"
        )
    if not found:
        said = f"looked up for {sum(LOOKUPS):.0f} s and not found. {_NOT_AGAIN}"
        return Outcome(change, Result.UNSURE, f"{told(lost)}; {said}")
    if len(found) == 1 and not not_as_wanted(change, found[0]):
        return Outcome(
            change,
            Result.APPLIED,
            f"line #{found[0].id}; the answer was lost; found as wanted when looked up",
            found[0].id,
        )
    wrong = "; ".join(dict.fromkeys(one for line in found for one in not_as_wanted(change, line)))
    other = f"a line of {change.target.identifier} is there now ({described(found)})"
    if wrong:
        other += f", with other values: {wrong}"
    return Outcome(change, Result.UNSURE, f"{told(lost)}; {other}. {_NOT_AGAIN}")


_NOT_AGAIN = (
    "It was not sent again in this run, because it may still arrive and would be billed twice: plan again in "
    "a few minutes"
)


def _compared(change: Change, answer: Line) -> Outcome:
    kept = not_as_wanted(change, answer)
    if kept:
        said = f"line #{answer.id}: ConnectWise kept another value: {'; '.join(kept)}"
        return Outcome(change, Result.SERVER_KEPT, said, answer.id)
    return Outcome(change, Result.APPLIED, f"line #{answer.id}", answer.id)

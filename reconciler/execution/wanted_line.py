"""A line that is to be created, held against the lines that are there."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciler.connectwise import additions
from reconciler.execution.lines import differences, shown
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import EFFECTIVE, SERIAL
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.connectwise.client import Client
    from reconciler.model.billing import Line
    from reconciler.model.change import Change


def agreement_of(change: Change) -> int:
    """The agreement that the line is to stand on. Raises ValueError for a change of a product."""
    if change.target.agreement is None:
        raise ValueError(f"{change.id} names no agreement")
    return change.target.agreement


async def lines_like(change: Change, product: int, client: Client) -> list[Line]:
    """The lines of its product (by record id) on its agreement that may be this one (`in_the_way`), by id."""
    return in_the_way(change, await additions.lines_of_product(client, agreement_of(change), product))


def first_day(change: Change) -> date:
    """The first billed day of a line that is to be created."""
    return date.fromisoformat(next(one.after for one in change.fields if one.field == EFFECTIVE.name))


def in_the_way(change: Change, of_product: Iterable[Line]) -> list[Line]:
    """The lines of its product on its agreement, open on its first day or later, that may be this line.

    A line of another firewall is none, and neither is one that the plan has seen and leaves as it is.
    """
    day, serial = first_day(change), serial_of(change)
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
    serial = serial_of(change)
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


def serial_of(change: Change) -> str | None:
    """The firewall whose own line it is; None for a line that is of no single one."""
    kind, _, serial = change.target.part.partition("/")
    return serial if kind == "serial" else None

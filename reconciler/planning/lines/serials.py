"""Lines per firewall: those whose serial number is not on the bill any more, and those without one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.lines.whose_line import ids
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.billing import Billing, Line
    from reconciler.planning.usage.cells import Cell, Feeding

_Place = tuple[int, str]


def with_silent_serials(cells: list[Cell], billing: Billing, today: date) -> list[Cell]:
    """The cells, with one for each open line of a firewall that the bill does not list any more.

    A line of the product that names no serial number may be any firewall's, and so may units without one on
    the bill; and a line that names several is not one firewall's. Then none of that agreement is written, and
    each says why.
    """
    places: dict[_Place, list[Cell]] = {}
    for cell in cells:
        if cell.terms.per_serial and cell.agreement is not None:
            places.setdefault((cell.agreement.id, cell.product.key), []).append(cell)
    found = list(cells)
    for of_place in places.values():
        lines = _open_lines(of_place[0], billing, today)
        known = [cell.serial for cell in of_place if cell.serial]
        others = [line for line in lines if not any(line.bears(serial) for serial in known)]
        nameless = [line for line in others if not line.serial_number.strip()]
        problem = _problem(of_place, lines, nameless)
        of_place, doubled = _once_a_line(of_place, lines)
        found = [cell for cell in found if not any(cell is other for other in doubled)]
        if problem:
            for cell in of_place:
                cell.disagreement = problem
        found = [cell for cell in found if cell.serial or problem or not any(cell is one for one in of_place)]
        named = {line.serial_number.strip().casefold(): line for line in others if line.serial_number.strip()}
        found += [_silent(of_place[0], line) for line in named.values()]
    return found


def _once_a_line(of_place: list[Cell], lines: list[Line]) -> tuple[list[Cell], list[Cell]]:
    """The cells, one for each line; those of a line that names several firewalls become its first one's."""
    kept: list[Cell] = []
    doubled: list[Cell] = []
    firsts: dict[int, Cell] = {}
    for cell in of_place:
        number = next((line.id for line in lines if cell.serial and line.bears(cell.serial)), None)
        first = cell if number is None else firsts.setdefault(number, cell)
        if first is cell:
            kept.append(cell)
            continue
        doubled.append(cell)
        for feeding in cell.feedings:
            own = next((one for one in first.feedings if one.party is feeding.party), None)
            if own is None:
                first.feedings.append(feeding)
            else:
                own.lines = [*own.lines, *feeding.lines]
    return kept, doubled


def _problem(of_place: list[Cell], lines: list[Line], nameless: list[Line]) -> str:
    """Why it is not clear which line is which firewall's; nothing where it is."""
    every = "each firewall has a line of its own, and "
    if nameless:
        return (
            f"{every}line {ids(line.id for line in nameless)} names no serial number: write it into the line "
            "in ConnectWise, or end that line"
        )
    for line in lines:
        named = [cell.serial for cell in of_place if cell.serial and line.bears(cell.serial)]
        if len(named) > 1:
            return (
                f"{every}line #{line.id} names several ({', '.join(named)}): leave one of them in it in "
                "ConnectWise, and the others get lines of their own"
            )
    for cell in of_place:
        unnamed = sum((feeding.unnamed for feeding in cell.feedings), ZERO)
        if unnamed:
            carry = "carries" if unnamed == 1 else "carry"
            said = f"{number_of(unnamed, 'unit')} on the bill {carry} no serial number"
            return f"{every}{said}: it cannot be said whose"
    return ""


def _open_lines(cell: Cell, billing: Billing, today: date) -> list[Line]:
    agreement, item = cell.agreement, cell.product.item
    if agreement is None or item is None:
        return []
    day = day_that_counts(agreement, today)
    lines = billing.lines.get(agreement.id, ())
    return [line for line in lines if line.product_id == item.id and line.in_force(day) and line.quantity]


def _silent(like: Cell, line: Line) -> Cell:
    """The line of a firewall without usage."""
    feedings = [_without_usage(feeding) for feeding in like.feedings]
    return replace(like, serial=line.serial_number.strip(), feedings=feedings)


def _without_usage(feeding: Feeding) -> Feeding:
    codes: Iterable[str] = feeding.now
    before = None if feeding.before is None else dict.fromkeys(codes, ZERO)
    return replace(feeding, now=dict.fromkeys(codes, ZERO), before=before, lines=(), unnamed=ZERO)

"""Seats that pass from one line to another: both lines are written, or neither.

A seat is a code of a tenant. Seats would be on both lines where the one that loses them cannot be written
now, and on none where the one that gains them cannot.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.lines import WRITTEN
from reconciler.model.money import plain
from reconciler.planning.lines.judged import Judged, decide
from reconciler.planning.lines.new_lines import not_billed, not_billed_text
from reconciler.planning.lines.requests import write_of
from reconciler.planning.seats.passing import Passing, Side
from reconciler.planning.usage.cycles import quantity_before
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from decimal import Decimal

    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.lines.judged import Ground


@dataclass(frozen=True)
class Linked:
    """The judged lines, and for each that gains (by its key) the requests that take seats off others.

    `pairs` are the keys of lines of which one may take seats of the other.
    """

    judged: list[Judged]
    after: dict[str, tuple[str, ...]]
    pairs: list[tuple[str, str]]


@dataclass(frozen=True)
class _Pair:
    """Two lines, by their numbers, of which the second one may take seats of the first one.

    `old` is the line that ends for the first one, where that is what the seats are on. `is_sure`: the seats
    themselves say so, and not their number alone.
    """

    loser: int
    gainer: int
    old: Open | None = None
    is_sure: bool = True


def link_shifts(judged: list[Judged], ground: Ground) -> Linked:
    """Bring lines that gain seats together with those that may bill the same ones until now.

    A line that is held back may itself pass seats to a third, which then waits as well.
    """
    sides = [Side.of(line, ground) for line in judged]
    pairs = _pairs(sides, ground)
    lines, stuck = list(judged), _nobodys(sides, ground)
    for number, shown in stuck.items():
        lines[number] = _waits(lines[number], shown)
    while _hold_back(lines, pairs):
        pass
    keys = [(judged[pair.gainer].row.key, judged[pair.loser].row.key) for pair in pairs]
    written = [pair for pair in pairs if lines[pair.gainer].row.state in WRITTEN and _writes(pair, lines)]
    after = _after(lines, written)
    _take_off_what_was_billed(lines, written, ground)
    return Linked(lines, after, keys)


def _after(lines: list[Judged], written: list[_Pair]) -> dict[str, tuple[str, ...]]:
    """The requests that come before each line that gains seats, by its key."""
    found: dict[str, set[str]] = defaultdict(set)
    for pair in written:
        row = lines[pair.gainer].row
        if not row.shadow:
            found[row.key].update(_writes(pair, lines))
    return {key: tuple(sorted(writes)) for key, writes in found.items()}


def _take_off_what_was_billed(lines: list[Judged], written: list[_Pair], ground: Ground) -> None:
    """Take off each new line's unbilled units those that sure losers bill until its first day.

    Each unit that a loser gives up is taken off one new line only.
    """
    left = {pair.loser: _given_up(lines[pair.loser]) for pair in written if pair.is_sure}
    taken = dict.fromkeys((pair.gainer for pair in written), ZERO)
    for pair in written:
        new = lines[pair.gainer].new
        if pair.is_sure and new is not None:
            units = min(left[pair.loser], new.line.quantity - taken[pair.gainer])
            left[pair.loser] -= units
            taken[pair.gainer] += units
    for number, units in taken.items():
        lines[number] = _billed_until_then(lines[number], units, ground)


def _given_up(loser: Judged) -> Decimal:
    """The units that a line bills now, beyond what last month's bill gives it by today's rules.

    Units of its own that have come or gone since are nobody else's.
    """
    row, was = loser.row, quantity_before(loser.cell)
    keeps = row.after if was is None else was.quantity
    return max(ZERO, (row.before or ZERO) - (keeps or ZERO))


def _pairs(sides: list[Side], ground: Ground) -> list[_Pair]:
    passing = Passing(sides, ground)
    places = {side.judged.cell.wanted: number for number, side in enumerate(sides)}
    found = []
    for number, side in enumerate(sides):
        if not side.gains:
            continue
        found += [_Pair(loser, number, is_sure=sure) for loser, sure in passing.to(number)]
        for old, place in ground.allocation.shared.get(side.judged.cell.wanted, ()):
            other = places.get(place)
            if other is not None and other != number and not side.is_beside(old):
                found.append(_Pair(other, number, old))
    return found


def _nobodys(sides: list[Side], ground: Ground) -> dict[int, str]:
    """The lines whose seats may be on an old line that ends for a line of which the plan has no row."""
    places = {side.judged.cell.wanted for side in sides}
    found = {}
    for number, side in enumerate(sides):
        for old, place in ground.allocation.shared.get(side.judged.cell.wanted, ()):
            if side.gains and place not in places and not side.is_beside(old):
                found[number] = old.text
    return found


def _hold_back(lines: list[Judged], pairs: list[_Pair]) -> bool:
    """Hold back each line whose other half is not written; whether there was one."""
    found = False
    for pair in pairs:
        loser, gainer = lines[pair.loser], lines[pair.gainer]
        gives = _is_written_with(loser, gainer) and (pair.old is None or pair.old in loser.ends)
        if gainer.row.state in WRITTEN and not gives:
            lines[pair.gainer], found = _waits(gainer, _shown(loser, pair.old), loser.row.key), True
        elif loser.row.state in WRITTEN and not _takes(gainer, loser):
            lines[pair.loser], found = _keeps(loser, gainer), True
    return found


def _is_written_with(loser: Judged, gainer: Judged) -> bool:
    """Whether the loss is written where the gain is; in mode `shadow` neither is."""
    return loser.row.state in WRITTEN and (gainer.row.shadow or not loser.row.shadow)


def _takes(gainer: Judged, loser: Judged) -> bool:
    """Whether the gain is written where the loss is."""
    return gainer.row.state in WRITTEN and (loser.row.shadow or not gainer.row.shadow)


def _writes(pair: _Pair, lines: list[Judged]) -> list[str]:
    """The requests that take seats off a line: its own, or the one that ends it for one at another price."""
    if pair.old is not None:
        return [write_of(pair.old.agreement.id, pair.old.line.id)]
    loser = lines[pair.loser]
    row, agreement, item = loser.row, loser.cell.agreement, loser.cell.product.item
    shrinks = row.before is not None and row.after is not None and row.after < row.before
    if agreement is None or item is None or not shrinks:
        return []
    if loser.line is not None:
        return [write_of(agreement.id, loser.line.id)]
    return [write_of(end.agreement.id, end.line.id) for end in loser.ends]


def _shown(loser: Judged, old: Open | None) -> str:
    if old is not None:
        return old.text
    row = loser.row
    number = row.line_id or next((end.line.id for end in loser.ends), None)
    shown = f"a line of {row.product}" if number is None else f"line #{number} of {row.product}"
    if row.before is not None and row.after is not None and row.before != row.after:
        shown += f" ({plain(row.before)} → {plain(row.after)})"
    elif row.before is not None:
        shown += f" ({plain(row.before)})"
    return shown


def _waits(one: Judged, shown: str, cause: str = "") -> Judged:
    reason = f"its seats may still be on {shown}, which is not written now: settle that one first"
    return replace(one, row=decide(one.row, reason).but(waits_for=cause), new=None)


def _keeps(loser: Judged, gainer: Judged) -> Judged:
    row = gainer.row
    place = f"line #{row.line_id}" if row.line_id is not None else "the new line"
    reason = (
        f"seats of it go to {place} of {row.product} of {row.customer}, which is not written now: they would "
        "be billed nowhere. Settle that one first"
    )
    return replace(loser, row=decide(loser.row, reason).but(waits_for=row.key), new=None, ends=())


def _billed_until_then(one: Judged, taken: Decimal, ground: Ground) -> Judged:
    """The row of a new line of which another one bills so many units until its first day."""
    row, agreement = one.row, one.cell.agreement
    if row.not_billed is None or one.new is None or agreement is None or not taken:
        return one
    line, places = one.new.line, agreement.currency_places
    unbilled = replace(line, quantity=line.quantity - taken)
    rest = not_billed(agreement, unbilled, ground.usage, one.new.start)
    before = not_billed_text(row.not_billed, line, places)
    now = "" if rest is None else not_billed_text(rest, unbilled, places)
    said = (now if part == before else part for part in row.reason.split("; "))
    return replace(one, row=row.but(not_billed=rest, reason="; ".join(filter(None, said))))

"""Seats that pass from one wanted line to another: what loses them comes first, or neither is written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.money import plain
from reconciler.planning.judged import Judged, decide
from reconciler.planning.line_requests import write_of

if TYPE_CHECKING:
    from reconciler.planning.managed import Products

_GAINING = frozenset({LineState.NEW_LINE, LineState.MOVES, LineState.MORE})


@dataclass(frozen=True)
class Linked:
    """The judged lines, and for each that gains (by its key) the requests that take seats off others."""

    judged: list[Judged]
    after: dict[str, tuple[str, ...]]


def link_shifts(judged: list[Judged], products: Products) -> Linked:
    """Bring lines that gain seats together with those of the same company that lose the same ones.

    A line loses them where its product is or was mapped to a code that it is not counted from any more, or
    where it is of the same product and the other one is new. One that cannot be written now holds the
    gaining one back: the seats would be on both.
    """
    of_company: dict[int, list[Judged]] = defaultdict(list)
    for one in judged:
        if _loses(one) and one.cell.agreement is not None:
            of_company[one.cell.agreement.company_id].append(one)
    after: dict[str, tuple[str, ...]] = {}
    result = []
    for one in judged:
        agreement = one.cell.agreement
        losers: list[Judged] = []
        if one.row.state in _GAINING and agreement is not None:
            of_the_same = of_company.get(agreement.company_id, ())
            losers = [other for other in of_the_same if _passes(other, one, products)]
        stuck = [other for other in losers if other.row.state not in WRITTEN]
        if stuck:
            one = _waits(one, stuck[0])
        elif losers:
            after[one.row.key] = tuple(
                sorted(
                    write_of(other.cell.agreement.id, other.line.id)
                    for other in losers
                    if other.cell.agreement is not None and other.line is not None
                )
            )
        result.append(one)
    return Linked(result, after)


def _loses(one: Judged) -> bool:
    row = one.row
    if one.line is None or row.before is None or row.after is None or row.after >= row.before:
        return False
    return row.state in {*WRITTEN, LineState.NEEDS_DECISION, LineState.WITHHELD}


def _passes(loser: Judged, gainer: Judged, products: Products) -> bool:
    """Whether seats of the one are seats of the other from now on."""
    item = loser.cell.product.item
    if loser is gainer or item is None:
        return False
    if loser.cell.product.key == gainer.cell.product.key:
        return gainer.line is None and loser.cell.agreement is not gainer.cell.agreement
    lost = products.carried(item.id) - loser.cell.every_code
    return bool(lost & gainer.cell.every_code)


def _waits(one: Judged, other: Judged) -> Judged:
    row = other.row
    shown = f"line #{row.line_id} of {row.product}"
    if row.before is not None and row.after is not None:
        shown += f" ({plain(row.before)} → {plain(row.after)})"
    reason = f"its seats are still on {shown}, which waits for a decision: settle that one first"
    return replace(one, row=decide(one.row, reason), ends=(), new=None)

"""Seats that pass from one wanted line to another: what loses them comes first, or neither is written."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.money import plain
from reconciler.planning.allocation.allocation import wanted_place
from reconciler.planning.allocation.evidence import fitting_numbers, was_billed_before
from reconciler.planning.lines.judged import Judged, decide
from reconciler.planning.lines.new_lines import not_billed_text
from reconciler.planning.lines.requests import write_of
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from reconciler.planning.allocation.allocation import Allocation
    from reconciler.planning.allocation.evidence import Evidence
    from reconciler.planning.products.managed import Products

_GAINING = frozenset({LineState.NEW_LINE, LineState.MOVES, LineState.MORE, LineState.LESS})


@dataclass(frozen=True)
class Linked:
    """The judged lines, and for each that gains (by its key) the requests that take seats off others.

    `pairs` are the keys of lines of which one may take seats of the other.
    """

    judged: list[Judged]
    after: dict[str, tuple[str, ...]]
    pairs: list[tuple[str, str]]


def link_shifts(judged: list[Judged], products: Products, allocation: Allocation) -> Linked:
    """Bring lines that gain seats together with those around them that lose the same ones.

    Neither is written without the other. Seats would be on both lines where the one that loses them cannot be
    written now, and on none where the one that gains them cannot. What loses them is a line that is counted
    from less than before, or one that ends for another wanted line (`allocation`). A line that is held back
    may itself pass seats to a third, which then waits as well.
    """
    while True:
        linked = _linked(judged, products, allocation)
        if _waiting(linked.judged) == _waiting(judged):
            return linked
        judged = linked.judged


def _waiting(judged: list[Judged]) -> int:
    return sum(one.row.state not in WRITTEN for one in judged)


def _linked(judged: list[Judged], products: Products, allocation: Allocation) -> Linked:
    places = {wanted_place(one.cell): one for one in judged}
    losing = _Losing(judged, products, allocation.evidence)
    after: dict[str, tuple[str, ...]] = {}
    pairs: list[tuple[str, str]] = []
    result = []
    for one in judged:
        agreement = one.cell.agreement
        if one.row.state not in _GAINING or agreement is None:
            result.append(one)
            continue
        losers = losing.to(one)
        pairs += [(one.row.key, other.row.key) for other in losers]
        stuck = [_shown(other) for other in losers if not _is_written_with(other, one)]
        writes = {write for other in losers if _shrinks(other) for write in _writes(other)}
        for open_line, place in allocation.shared.get(wanted_place(one.cell), ()):
            other = places.get(place)
            if open_line.line.product_id == _item(one) and one.line is not None:
                continue  # a line of the same product beside this one may be of other seats
            if other is None or open_line not in other.ends or not _is_written_with(other, one):
                line = open_line.line
                stuck.append(f"line #{line.id} of {line.product_identifier.strip()} ({plain(line.quantity)})")
            if other is not None:
                pairs.append((one.row.key, other.row.key))
            writes.add(write_of(open_line.agreement.id, open_line.line.id))
        if stuck:
            one = _waits(one, stuck[0])
        elif writes:
            one = _billed_until_then(one)
            if not one.row.shadow:
                after[one.row.key] = tuple(sorted(writes))
        result.append(one)
    return Linked(_without_takers(result, losing), after, pairs)


def _without_takers(judged: list[Judged], losing: _Losing) -> list[Judged]:
    """The lines, each that would lose seats to one that cannot be written held back with it."""
    takers: dict[str, Judged] = {}
    for gainer in judged:
        if _would_gain(gainer):
            for loser in losing.to(gainer):
                if loser.row.state in WRITTEN and _shrinks(loser):
                    takers.setdefault(loser.row.key, gainer)
    return [
        _keeps(line, takers[line.row.key]) if line.row.key in takers and line.row.state in WRITTEN else line
        for line in judged
    ]


def _would_gain(judged: Judged) -> bool:
    """Whether a line that waits would start, or bill more than it does."""
    row = judged.row
    if row.state not in (LineState.NEEDS_DECISION, LineState.WITHHELD):
        return False
    if row.after is None:
        return judged.line is None and any(any(feeding.now.values()) for feeding in judged.cell.feedings)
    return row.after > (row.before or ZERO)


def _keeps(loser: Judged, gainer: Judged) -> Judged:
    row = gainer.row
    place = f"line #{row.line_id}" if row.line_id is not None else "the new line"
    reason = (
        f"seats of it go to {place} of {row.product} of {row.customer}, which is not written now: they would "
        "be billed nowhere. Settle that one first"
    )
    return replace(loser, row=decide(loser.row, reason), new=None, ends=())


class _Losing:
    """The lines that may lose seats, by whom they may lose them to."""

    def __init__(self, judged: Iterable[Judged], products: Products, evidence: Evidence) -> None:
        self._products = products
        self._of_company: dict[int, list[Judged]] = defaultdict(list)
        losing = [line for line in judged if _may_lose(line)]
        for line in losing:
            if line.cell.agreement is not None:
                self._of_company[line.cell.agreement.company_id].append(line)
        self._elsewhere = _Elsewhere(losing, evidence)

    def to(self, gainer: Judged) -> list[Judged]:
        """Those that may lose seats to the line, of its company and elsewhere."""
        agreement = gainer.cell.agreement
        if agreement is None:
            return []
        around = self._of_company.get(agreement.company_id, ())
        own = [loser for loser in around if _passes(loser, gainer, self._products)]
        return own + self._elsewhere.losing_to(gainer)


class _Elsewhere:
    """The lines of other companies that lose seats to another line: a tenant has left them.

    That a line stands above what the bill gives for its own tenants, by the seats of one that had its codes
    last month, is all that is left of it. Equal numbers alone are chance: a tenant that was on no bill before
    has left no line, and a line of one tenant is not another one's.
    """

    def __init__(self, losing: Iterable[Judged], evidence: Evidence) -> None:
        self._evidence = evidence
        self._by_product: dict[int, list[Judged]] = defaultdict(list)
        for judged in losing:
            item = _item(judged)
            if item is not None:
                self._by_product[item].append(judged)

    def losing_to(self, gainer: Judged) -> list[Judged]:
        """The lines that may have billed the seats that a line is created or raised for."""
        cell, agreement = gainer.cell, gainer.cell.agreement
        may_be = bool(self._by_product) and was_billed_before(cell, self._evidence.rules)
        numbers = _gained(gainer) if may_be else frozenset()
        if agreement is None or not numbers:
            return []
        rivals = self._evidence.products.rivals(cell.product, cell.every_code)
        return [
            loser
            for number in sorted(rivals & self._by_product.keys())
            for loser in self._by_product[number]
            if loser.cell.agreement is not None
            and loser.cell.agreement.company_id != agreement.company_id
            and self._covers(loser, gainer, numbers)
        ]

    def _covers(self, loser: Judged, gainer: Judged, numbers: frozenset[Decimal]) -> bool:
        """Whether the loser stands above its own by these seats, or by more than those of a new line."""
        row = loser.row
        if row.before is None or row.after is None:
            return False
        own = [number for number in (loser.expected, row.after) if number is not None]
        above = {row.before - number for number in own}
        if above & numbers:
            return True
        return gainer.line is None and max(above, default=ZERO) >= min(numbers)


def _gained(gainer: Judged) -> frozenset[Decimal]:
    """The units that a line is created for, or by which one stands below what its own tenants had."""
    if gainer.line is None:
        return fitting_numbers(gainer.cell)
    row, alone = gainer.row, len(gainer.cell.feedings) == 1
    if alone or row.before is None or row.after is None or not _out_of_step(gainer):
        return frozenset()
    own = [number - row.before for number in (gainer.expected, row.after) if number is not None]
    return frozenset(number for number in own if number > 0)


def _item(one: Judged) -> int | None:
    return None if one.cell.product.item is None else one.cell.product.item.id


def _is_written_with(loser: Judged, gainer: Judged) -> bool:
    """Whether the loss is written where the gain is; in mode `shadow` neither is."""
    return loser.row.state in WRITTEN and (gainer.row.shadow or not loser.row.shadow)


def _writes(one: Judged) -> list[str]:
    """The requests that take seats off a line: its own, or the one that ends it for one at another price."""
    agreement = one.cell.agreement
    if agreement is None:
        return []
    own = [end.line for end in one.ends if end.agreement is agreement and end.line.product_id == _item(one)]
    own = [one.line] if one.line is not None else own
    return [write_of(agreement.id, line.id) for line in own]


def _may_lose(one: Judged) -> bool:
    """Whether the line's number changes for another reason than that usage did.

    It may lose seats also where it is to bill more: others come to it. A line that says what last month's
    bill gives by today's rules lost none.
    """
    row = one.row
    if not _writes(one) or row.before is None or row.after is None or row.after == row.before:
        return False
    return _out_of_step(one) and row.state in {*WRITTEN, LineState.NEEDS_DECISION, LineState.WITHHELD}


def _shrinks(one: Judged) -> bool:
    row = one.row
    return row.before is not None and row.after is not None and row.after < row.before


def _out_of_step(one: Judged) -> bool:
    return one.expected is None or one.expected != one.row.before


def _passes(loser: Judged, gainer: Judged, products: Products) -> bool:
    """Whether seats of the one may be seats of the other from now on: those of a code that both may bill.

    A line that was in step has them already, unless the code is one that the other one has lost.
    """
    item = loser.cell.product.item
    if loser is gainer or item is None:
        return False
    same = loser.cell.product.key == gainer.cell.product.key
    if same and loser.cell.agreement is gainer.cell.agreement:
        return False
    shared = products.carried(item.id) & gainer.cell.every_code
    if gainer.row.state is LineState.MORE and _shrinks(loser) and shared - loser.cell.every_code:
        return True
    return bool(shared) and (gainer.line is None or _out_of_step(gainer))


def _shown(one: Judged) -> str:
    row = one.row
    number = row.line_id or next((end.line.id for end in one.ends), None)
    shown = f"line #{number} of {row.product}"
    if row.before is not None and row.after is not None:
        shown += f" ({plain(row.before)} → {plain(row.after)})"
    return shown


def _waits(one: Judged, shown: str) -> Judged:
    reason = f"its seats may still be on {shown}, which is not written now: settle that one first"
    return replace(one, row=decide(one.row, reason), new=None)


def _billed_until_then(one: Judged) -> Judged:
    """A new line whose seats another one bills until its first day leaves nothing unbilled."""
    row, agreement = one.row, one.cell.agreement
    if row.not_billed is None or one.new is None or agreement is None:
        return one
    said = not_billed_text(row.not_billed, one.new.line, agreement.currency_places)
    reason = "; ".join(part for part in row.reason.split("; ") if part != said)
    return replace(one, row=row.but(not_billed=None, reason=reason))

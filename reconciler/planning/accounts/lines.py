"""The account of every open line that concerns us."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.census import LineAccount
from reconciler.model.lines import WRITTEN, LineState
from reconciler.planning.accounts.left_lines import (
    NO_UNITS,
    Standing,
    apart,
    customers_by_company,
    ended_row,
    stand,
)
from reconciler.planning.allocation.allocation import Needed, concerns

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.census import LineApart
    from reconciler.model.desired import Desired
    from reconciler.model.lines import PlannedLine
    from reconciler.planning.allocation.allocation import Allocation, Claim
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.customers.party import Party
    from reconciler.planning.lines.judged import Ground, Judged
    from reconciler.planning.usage.cells import Place, Wanted

#: Words for lines beside the one that a row has.
FIXED, LATER = "fixed", "begins later"
_IN_STATE = {
    LineState.UNCHANGED: LineAccount.IN_STEP,
    LineState.ENDS: LineAccount.ENDS,
    LineState.MOVES: LineAccount.MOVES,
    LineState.NEEDS_DECISION: LineAccount.WAITS,
    LineState.WITHHELD: LineAccount.WAITS,
    LineState.NOT_COUNTED: LineAccount.WAITS,
}
_NO_ROW = Standing(
    "no row of the plan speaks of it",
    remedy="End it in ConnectWise by a date, or name it in the customer's `lines`: {line: …, fixed: […]}.",
)


@dataclass(frozen=True, slots=True)
class Accounted:
    """An open line with its account; `word` leaves it as it is, `row` is the key of the row that has it."""

    line: Open
    account: LineAccount
    word: str = ""
    row: str = ""


@dataclass(frozen=True)
class LeftLines:
    """Lines that no wanted line has to do with: those that end, with their row, and those that stand."""

    ending: tuple[tuple[Open, Judged], ...] = ()
    standing: tuple[tuple[Open, Standing], ...] = ()


def left_lines(
    parties: Iterable[Party],
    beside: Iterable[Party],
    configurations: tuple[Desired, Desired | None],
    ground: Ground,
) -> LeftLines:
    """What becomes of the lines that are left, and of those of customers that are excluded or not synced.

    `configurations` are the desired one, and the one that it replaces, where that is known. A line of which
    no word speaks may bill the seats of a wanted line at another company: then it is claimed for that one.
    """
    desired, base = configurations
    customers = customers_by_company(parties, beside, desired, base)
    ending: list[tuple[Open, Judged]] = []
    standing: list[tuple[Open, Standing]] = []
    allocation = ground.allocation
    for lines, is_beside in ((allocation.left, False), (allocation.beside, True)):
        for line in lines:
            found = stand(line, customers, desired, ground, beside=is_beside)
            is_theirs = line.line.id in allocation.theirs
            needed = _evidence_for(found, is_beside=is_beside, is_theirs=is_theirs)
            if allocation.claim_elsewhere(line, evidence=needed):
                continue
            if found.ends:
                ending.append((line, ended_row(line, customers.of(line), found, ground)))
            else:
                standing.append((line, found))
    return LeftLines(tuple(ending), tuple(standing))


def _evidence_for(standing: Standing, *, is_beside: bool, is_theirs: bool) -> Needed:
    """What it takes that a line is asked about as another company's: a row's word, a sign, or less."""
    if is_theirs or standing.ends or (standing.is_kept and not is_beside):
        return Needed.WORD
    unexplained = standing.account is LineAccount.UNEXPLAINED and not is_beside
    return Needed.ANY if unexplained else Needed.SIGN


def account_lines(
    judged: Iterable[Judged], allocation: Allocation, left: LeftLines, ground: Ground
) -> tuple[list[Accounted], list[LineApart]]:
    """Every open line that concerns us with its account, and those that no row of the plan shows."""
    rows = _Rows(judged)
    found: list[Accounted] = []
    without_row: list[LineApart] = []

    def leave(line: Open, standing: Standing, row: str = "") -> None:
        found.append(Accounted(line, standing.account, standing.word, row))
        without_row.append(replace(apart(line, standing, ground), row=row))

    def keep(line: Open, accounted: Accounted) -> None:
        if rows.shows(line):
            found.append(accounted)
        else:
            leave(line, rows.standing_beside(accounted), accounted.row)

    for line in allocation.spoken:
        accounted = rows.of_line(line) or rows.beside_own(line)
        if accounted is None:
            leave(line, _NO_ROW)
        else:
            keep(line, accounted)
    for place, claim in allocation.claimed():
        if not concerns(claim.open, ground.products, ground.settings):
            continue
        accounted = rows.of_line(claim.open) or rows.of_claim(place, claim)
        if accounted is None:
            leave(claim.open, _unused(claim))
        else:
            keep(claim.open, accounted)
    for line, row in left.ending:
        keep(line, rows.of_line(line) or Accounted(line, LineAccount.WAITS, row=row.row.key))
    for line, standing in left.standing:
        leave(line, standing)
    without_row.sort(key=lambda line: (line.company.casefold(), line.agreement_id, line.line_id))
    return found, without_row


def count_lines(ground: Ground) -> int:
    """How many open lines concern us, counted from what was read."""
    return sum(
        line.place in ground.managed or concerns(line, ground.products, ground.settings)
        for line in ground.open_lines.every()
    )


def _unused(claim: Claim) -> Standing:
    """A line of the product on another agreement, beside the wanted line that is in force."""
    return Standing(f"its product is billed by another line of the customer as well, and {claim.why_not}")


class _Rows:
    """The rows of the plan, by the lines that they have and by their places."""

    def __init__(self, judged: Iterable[Judged]) -> None:
        self._of_line: dict[int, Judged] = {}
        self._of_place: dict[Place, list[Judged]] = defaultdict(list)
        self._of_wanted: dict[Wanted, Judged] = {}
        self._of_key: dict[str, PlannedLine] = {}
        self._shown: set[int | None] = set()
        for row in judged:
            self._of_key[row.row.key] = row.row
            self._shown |= {row.row.line_id, *(old.line_id for old in row.row.takes_over)}
            if row.line is not None:
                self._of_line[row.line.id] = row
            for end in row.ends:
                self._of_line[end.line.id] = row
            if row.cell.agreement is not None and not (row.row.left_over or row.doubled):
                self._of_place[row.cell.agreement.id, row.cell.product.key].append(row)
                self._of_wanted[row.cell.wanted] = row

    def shows(self, line: Open) -> bool:
        """Whether a row of the plan has the line, or takes it over: then its money stands there."""
        return line.line.id in self._shown

    def standing_beside(self, accounted: Accounted) -> Standing:
        """Why a line stands beside the row that has its account."""
        line, row = accounted.line.line, self._of_key.get(accounted.row)
        source = None if row is None else row.source
        who = "its row" if row is None else f"the row of {row.customer}, {row.product}"
        if accounted.account is LineAccount.WAITS:
            reason, remedy = f"it waits for the decision about {who}", "Settle that one first."
        else:
            starts = "" if line.effective is None else f", on {line.effective}"
            said = {FIXED: f"{who} names it under `fixed`", LATER: f"it begins later{starts}"}
            reason, remedy = said.get(accounted.word, "it has no units"), ""
        return Standing(reason, accounted.account, accounted.word, remedy, source)

    def of_line(self, line: Open) -> Accounted | None:
        """The account of a line that a row changes, ends, keeps or asks about; None for any other."""
        row = self._of_line.get(line.line.id)
        if row is None:
            return None
        return _of_row(line, row)

    def beside_own(self, line: Open) -> Accounted | None:
        """The account of a further line at a row's place: fixed, without units, of later, or asked about."""
        rows = self._of_place.get(line.place, [])
        own = rows[0].row.key if rows else ""
        if any(line.line.id in row.cell.terms.fixed for row in rows):
            return Accounted(line, LineAccount.LEFT, FIXED, own)
        if not line.line.quantity:
            return Accounted(line, LineAccount.LEFT, NO_UNITS, own)
        if line.line.effective is not None and line.line.effective > line.day:
            return Accounted(line, LineAccount.LEFT, LATER, own)
        waiting = next((row for row in rows if row.row.state not in WRITTEN and _waits(row)), None)
        return None if waiting is None else Accounted(line, LineAccount.WAITS, row=waiting.row.key)

    def of_claim(self, place: Wanted, claim: Claim) -> Accounted | None:
        """The account of a line that a wanted line may take over and does not; None where it needs none."""
        row = self._of_wanted.get(place)
        if row is None or (claim.only_without_line and row.line is not None):
            return None
        return Accounted(claim.open, LineAccount.WAITS, row=row.row.key)


def _waits(row: Judged) -> bool:
    return _IN_STATE.get(row.row.state) is LineAccount.WAITS


def _of_row(line: Open, judged: Judged) -> Accounted:
    """The account by the state of the row that has the line."""
    row = judged.row
    if row.state is LineState.NOT_COUNTED and judged.word:
        return Accounted(line, LineAccount.LEFT, judged.word, row.key)
    if row.state in WRITTEN and row.shadow:
        return Accounted(line, LineAccount.LEFT, "shadow", row.key)
    if row.state is LineState.UNCHANGED and row.held:
        return Accounted(line, LineAccount.LEFT, "hold", row.key)
    if row.state in WRITTEN - {LineState.ENDS} and line in judged.ends:
        return Accounted(line, LineAccount.MOVES, row=row.key)
    return Accounted(line, _IN_STATE.get(row.state, LineAccount.CHANGES), row=row.key)

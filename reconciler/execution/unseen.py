"""Open lines that a saved plan has not seen, wherever on the site: a new line may bill their seats again."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from reconciler.connectwise.additions import read_lines
from reconciler.connectwise.agreements import may_bill, read_every_agreement
from reconciler.execution.state import Stale
from reconciler.execution.wanted_line import first_day
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ReconcilerError, Severity
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from reconciler.connectwise.client import Client
    from reconciler.model.billing import Agreement, Line
    from reconciler.model.change import Change
    from reconciler.model.plan import Plan


@dataclass(frozen=True)
class Seen:
    """The open lines that a plan knows, by record id, and the day that it was made.

    A plan of some customers or products alone (not `whole`) does not list all that it has read: of the
    others only what was written on that day or later counts as new.
    """

    lines: frozenset[int]
    day: date
    whole: bool

    @classmethod
    def by(cls, plan: Plan) -> Seen:
        """What this plan has seen."""
        census = plan.census
        found = {row.line_id for row in plan.lines if row.line_id is not None}
        found |= {old.line_id for row in plan.lines for old in row.takes_over}
        found |= {line.line_id for line in census.apart} if census is not None else set()
        for change in plan.changes:
            basis = change.basis
            found |= set() if basis is None else {*dict(basis.beside), *basis.over}
        whole = census is not None and not census.narrowed
        return cls(frozenset(found), date.fromisoformat(plan.today), whole)

    def knows(self, line: Line) -> bool:
        """Whether the plan was made with the line before it."""
        return line.id in self.lines or (
            not self.whole and bool(line.last_updated) and line.last_updated[:10] < self.day.isoformat()
        )


async def unseen_lines(
    client: Client, creations: Sequence[Change], looked_at: Collection[int], own: Collection[int], seen: Seen
) -> list[Stale]:
    """The open lines of the products of these creations that the plan has not seen, each named once.

    Reads every agreement that may bill, and its lines; those of the agreements in `looked_at` were compared
    before. `own` are lines that the plan writes or has written itself. Raises ReconcilerError where something
    cannot be read, ListShort where the list of agreements came short.
    """
    rivals = {number for change in creations for number in _products(change)}
    if not rivals:
        return []
    others = [
        agreement
        for agreement in await read_every_agreement(client)
        if agreement.id not in looked_at and may_bill(agreement, seen.day)
    ]
    read = await read_lines(client, [agreement.id for agreement in others], since=seen.day)
    for failed in read.failed.values():
        raise ReconcilerError(replace(failed, severity=Severity.ERROR))
    return [
        Stale(_nearest(line, creations), _told(line, agreement))
        for agreement in others
        for line in read.lines.get(agreement.id, ())
        if line.product_id in rivals
        and line.id not in own
        and _bills(line, creations)
        and not seen.knows(line)
    ]


def _products(change: Change) -> Iterator[int]:
    """The products whose lines may bill the seats of a new line, by record id."""
    basis = change.basis
    if basis is not None:
        yield from basis.products
        if basis.product is not None:
            yield basis.product.id


def _bills(line: Line, creations: Sequence[Change]) -> bool:
    return line.quantity > 0 and any(line.may_bill(first_day(change)) for change in creations)


def _nearest(line: Line, creations: Sequence[Change]) -> Change:
    """Of the new lines of its product the one with its number, or the first one."""
    own = [change for change in creations if line.product_id in _products(change)]
    equal = [change for change in own if any(one.after == plain(line.quantity) for one in change.fields)]
    return (equal or own)[0]


def _told(line: Line, agreement: Agreement) -> str:
    return (
        f"line #{line.id} of {line.product_identifier.strip()} on agreement #{line.agreement_id} of "
        f"{agreement.company_identifier.strip()} has {number_of(line.quantity, 'unit')} now, and the plan "
        "has not seen it: its seats may be billed twice. Plan again"
    )

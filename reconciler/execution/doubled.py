"""A line that two runs created at the same time: found by looking once more, and ended by its own creator.

Two runs may both find no line and both send one. The server gives their lines ids in the order in which it
took them, so that whoever finds one with a lower id beside its own was second, and the first one stays. The
second line ends on its own first day and without units, and so never bills (`Line.never_bills`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.connectwise import additions
from reconciler.execution.lines import write_line
from reconciler.execution.telling import told
from reconciler.execution.wanted_line import (
    agreement_of,
    described,
    first_day,
    lines_like,
    not_as_wanted,
    serial_of,
)
from reconciler.model.change import Action, Basis, Change, Target
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.field_change import FieldChange
from reconciler.model.line_fields import CANCELLED, QUANTITY
from reconciler.model.money import plain
from reconciler.model.outcome import Outcome, Result

if TYPE_CHECKING:
    from reconciler.execution.write import Writer
    from reconciler.model.billing import Line

_NEXT = "If two lines are there, the next plan ends the later one"


async def look_again(outcome: Outcome, created: Line, writer: Writer) -> list[Outcome]:
    """What became of a creation once the lines that may bill its seats have been listed once more.

    Raises nothing of the API's: a list that cannot be read is told.
    """
    change = outcome.change
    try:
        there = await lines_like(change, created.product_id, writer.client)
        elsewhere = await _elsewhere(change, created, writer)
    except ReconcilerError as failed:
        return [
            _and(outcome, f"whether another run created it too could not be seen: {told(failed)}. {_NEXT}")
        ]
    first = next((line for line in (*there, *elsewhere) if line.id < created.id), None)
    if first is not None:
        return await _take_back(outcome, created, first, writer)
    if elsewhere:
        also = " and ".join(f"{described([line])} on agreement #{line.agreement_id}" for line in elsewhere)
        said = f"line #{created.id} is there, and {also} may bill its seats as well. Plan again"
        return [Outcome(change, Result.FAILED, said, created.id)]
    later = [line for line in there if line.id > created.id]
    if later:
        said = f"{described(later)} was created right after it; the run that did so ends it. {_NEXT}"
        return [_and(outcome, said)]
    if not any(line.id == created.id for line in there):
        late = f"ConnectWise does not list it yet, nor what another run may have created. {_NEXT}"
        return [_and(outcome, late)]
    return [outcome]


async def _elsewhere(change: Change, created: Line, writer: Writer) -> list[Line]:
    """Lines on other agreements that may bill its seats and that neither the plan nor this run knows of.

    A run of another state of the files may have brought them: where the customer was billed before, or on
    another agreement of its company.
    """
    basis = change.basis
    others = [] if basis is None else [one for one in basis.agreements if one != created.agreement_id]
    if basis is None or not others:
        return []
    day, serial, beside = first_day(change), serial_of(change), dict(basis.beside)
    read = await additions.read_lines(writer.client, others, since=day)
    for failed in read.failed.values():
        raise ReconcilerError(failed)
    return [
        line
        for lines in read.lines.values()
        for line in lines
        if line.product_id in {created.product_id, *basis.products}
        and line.quantity
        and line.may_bill(day)
        and (serial is None or line.bears(serial))
        and beside.get(line.id) != plain(line.quantity)
        and line.id not in writer.own.ids
        and (line.agreement_id, line.product_key) not in writer.own.places
    ]


async def _take_back(outcome: Outcome, created: Line, first: Line, writer: Writer) -> list[Outcome]:
    """The end of the line that this run created second, and what that makes of its creation."""
    change = outcome.change
    (ended,) = await write_line(writer.client, [_end(change, created)], writer.before_write, known=created)
    wrong = not_as_wanted(change, first)
    if first.agreement_id != created.agreement_id:
        wrong.insert(0, f"it is on agreement #{first.agreement_id}")
    beside = f"line #{first.id} was there first, and this one, #{created.id},"
    if ended.result is not Result.APPLIED:
        said = (
            f"{beside} could not be ended: {ended.message}. Both may bill. {_NEXT}, or end it in ConnectWise"
        )
        return [ended, Outcome(change, Result.FAILED, said, created.id)]
    if wrong:
        said = f"{beside} was ended before it bills; but of #{first.id}: {'; '.join(wrong)}. Plan again"
        return [ended, Outcome(change, Result.FAILED, said, created.id)]
    said = f"another run created line #{first.id} at the same moment; #{created.id} was ended before it bills"
    return [ended, Outcome(change, Result.TAKEN_BACK, said, created.id)]


def _end(change: Change, created: Line) -> Change:
    """The end of a line that has not begun: on its first day, and without units."""
    agreement = agreement_of(change)
    target = Target(change.target.identifier, created.id, agreement, f"line/{created.id}")
    first = created.effective or first_day(change)
    fields = [FieldChange(CANCELLED.name, None, first.isoformat())]
    if created.quantity:
        fields.append(FieldChange(QUANTITY.name, plain(created.quantity), "0"))
    return Change(
        id=f"{Action.END_LINE.value}:{target.key}",
        action=Action.END_LINE,
        target=target,
        reason="another run created the same line at the same moment",
        fields=tuple(fields),
        write=f"agreement/{agreement}/line/{created.id}",
        expected_identifier=change.target.identifier,
        basis=None if change.basis is None else Basis(agreement=change.basis.agreement),
    )


def _and(outcome: Outcome, said: str) -> Outcome:
    return replace(outcome, message=f"{outcome.message}; {said}" if outcome.message else said)

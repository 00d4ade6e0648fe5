"""One agreement line: look once more, send what is still to do, compare the answer."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.connectwise import additions, patching
from reconciler.execution.side_effects import side_effects
from reconciler.execution.telling import is_about, not_done, sent, share, told, unrecorded
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.fields import from_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import LINE_FIELDS_BY_NAME
from reconciler.model.line_state import COMPARED_PLACES, holds, line_value
from reconciler.model.money import cents, plain, price, to_places
from reconciler.model.outcome import Outcome, Result
from reconciler.model.rests import LastWrite
from reconciler.transport.errors import RecordNotFound, Unsure

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence

    from reconciler.connectwise.client import Client
    from reconciler.execution.telling import BeforeWrite
    from reconciler.model.billing import Line
    from reconciler.model.change import Change
    from reconciler.model.field_change import FieldChange
    from reconciler.model.fields import Value


def differences(line: Line, fields: Iterable[FieldChange]) -> list[str]:
    """The fields that are not as wanted, each as `quantity is 4 instead of 5`."""
    return [
        f"{one.field} is {shown(line, one.field)} instead of {_or_not_set(one.after)}"
        for one in fields
        if not holds(line, one.field, one.after)
    ]


def shown(line: Line, name: str) -> str:
    """The field's value now, for people."""
    now = line_value(line, name)
    return plain(now) if isinstance(now, Decimal) else _or_not_set(now)


def _or_not_set(value: Any) -> str:
    return "not set" if value is None else str(value)


def stale_line(
    line: Line, changes: Iterable[Change], member: str | None, former: Collection[str] = ()
) -> list[tuple[Change, str]]:
    """What has moved since the plan was made; a field that is as wanted already does fit.

    Besides what is written, everything that the signed amount rests on must still be so, and nobody but the
    `member` that we write as may have written the line since: whoever did has the last word, also where the
    values are as before. `former` are further identifiers (as they compare) that the product may have,
    because the same plan renames it.
    """
    found = []
    for change in changes:
        known = {identifier_key(change.expected_identifier or ""), *former}
        if line.product_key not in known:
            found.append((change, f"line #{line.id} is of product {line.product_identifier.strip()} now"))
        expected = {
            one.field: one.before for one in change.fields if not holds(line, one.field, one.after)
        } | dict(() if change.basis is None else change.basis.values)
        found += [
            (change, _moved(line, name, value))
            for name, value in expected.items()
            if not holds(line, name, value)
        ]
        if not all(holds(line, one.field, one.after) for one in change.fields):
            found += [(change, what) for what in _touched(line, change, member)]
    return found


def _touched(line: Line, change: Change, member: str | None) -> list[str]:
    """That somebody else wrote the line after the plan was made: who, and when."""
    then, now = None if change.basis is None else change.basis.written, LastWrite.of(line)
    ours = member is not None and identifier_key(now.by) == identifier_key(member)
    if then is None or now == then or ours:
        return []
    return [f"line #{line.id} was written by {now}, after the plan was made (until then by {then})"]


def _moved(line: Line, name: str, expected: Any) -> str:
    return f"{name} of line #{line.id} is {shown(line, name)}, the plan expected {_or_not_set(expected)}"


async def write_line(
    client: Client,
    changes: Sequence[Change],
    before_write: BeforeWrite = unrecorded,
    member: str | None = None,
    *,
    known: Line | None = None,
) -> list[Outcome]:
    """Send the request that these changes of one line share and say what became of each.

    `member` is who we write as. The line is read before, unless it is `known`: as an answer of a moment ago
    gave it, which a server may show in reads only later. Raises nothing of the API's, and NotRecordedError
    where `before_write` does.
    """
    try:
        return await _write(client, changes, before_write, member, known)
    except ReconcilerError as failed:
        return not_done(changes, failed, _path(changes[0]))


def _path(change: Change) -> str:
    return f"{additions.lines_path(change.target.agreement or 0)}/{change.target.id}"


async def _write(
    client: Client,
    changes: Sequence[Change],
    before_write: BeforeWrite,
    member: str | None,
    known: Line | None,
) -> list[Outcome]:
    agreement, number = changes[0].target.agreement, changes[0].target.id
    if agreement is None or number is None:
        raise ValueError(f"{changes[0].id} names no line")
    try:
        line = known or await additions.get_line(client, agreement, number)
    except RecordNotFound:
        return share(
            changes, Result.FAILED, f"line #{number} is no longer on agreement {agreement}; plan again"
        )
    stale = stale_line(line, changes, member)
    if stale:
        said = "; ".join(dict.fromkeys(what for _, what in stale))
        return share(changes, Result.FAILED, f"{said}. Nothing was written to it; plan again")
    fields = [one for change in changes for one in change.fields if not holds(line, one.field, one.after)]
    if not fields:
        return share(changes, Result.ALREADY_OK)
    operations = patching.line_operations(
        {one.field: from_plan(LINE_FIELDS_BY_NAME[one.field], one.after) for one in fields},
        absent=[one.field for one in fields if line_value(line, one.field) is None],
    )
    before_write(sent(changes, fields))
    try:
        answer = await additions.patch_line(client, agreement, number, operations)
    except Unsure as lost:
        if not is_about(lost, _path(changes[0])):
            raise
        try:
            answer = await additions.get_line(client, agreement, number)
        except ReconcilerError as failed:
            said = f"{told(lost)}; looking it up failed too: {told(failed)}"
            return share(changes, Result.UNSURE, said)
        if any(not holds(answer, one.field, one.after) for one in fields):
            return share(changes, Result.UNSURE, f"{told(lost)}; it may still arrive: plan again in a minute")
    outcomes = [_compared(change, answer) for change in changes]
    return _noted(outcomes, side_effects(_terms(line), _terms(answer), {one.field for one in fields}))


def _terms(line: Line) -> dict[str, Value]:
    """What decides an invoice; without floating-point noise."""
    return {
        "quantity": cents(line.quantity),
        "unitPrice": price(to_places(line.unit_price, COMPARED_PLACES)),
        "unitCost": price(to_places(line.unit_cost, COMPARED_PLACES)),
        "lessIncluded": cents(line.less_included),
        "billCustomer": line.bill_customer,
        "cancelledDate": None if line.cancelled is None else line.cancelled.isoformat(),
    }


def _noted(outcomes: list[Outcome], effects: list[str]) -> list[Outcome]:
    """The outcomes; none is as wanted where the line bills on other terms now than were reviewed."""
    if not effects:
        return outcomes
    said = f"ConnectWise or somebody else changed at the same moment: {'; '.join(effects)}"
    return [replace(one, result=Result.SERVER_KEPT, message=f"{one.message}; {said}") for one in outcomes]


def _compared(change: Change, answer: Line) -> Outcome:
    kept = differences(answer, change.fields)
    if kept:
        said = f"ConnectWise kept another value: {'; '.join(kept)}"
        return Outcome(change, Result.SERVER_KEPT, said, answer.id)
    return Outcome(change, Result.APPLIED, f"line #{answer.id}", answer.id)

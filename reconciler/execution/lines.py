"""One agreement line: look once more, send what is still to do, compare the answer."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.connectwise import additions, patching
from reconciler.connectwise.agreements import AGREEMENTS
from reconciler.execution.side_effects import side_effects
from reconciler.execution.telling import is_about, share, told
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.fields import from_plan, normalise, same
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import ATTRIBUTES, LINE_FIELDS_BY_NAME
from reconciler.model.money import cents, plain
from reconciler.model.outcome import Outcome, Result
from reconciler.transport.errors import RecordNotFound, Unsure

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.connectwise.client import Client
    from reconciler.model.billing import Line
    from reconciler.model.field_change import FieldChange
    from reconciler.model.fields import Value
    from reconciler.model.plan import Change


def is_line_value(line: Line, one: FieldChange, value: Any) -> bool:
    """Whether the field holds this value (in plan form) now; numbers agree to two places."""
    field = LINE_FIELDS_BY_NAME[one.field]
    now, wanted = _now(line, one), from_plan(field, value)
    if isinstance(now, Decimal) and isinstance(wanted, Decimal):
        return cents(now) == cents(wanted)
    return same(field, now, wanted)


def _now(line: Line, one: FieldChange) -> Value:
    return normalise(LINE_FIELDS_BY_NAME[one.field], getattr(line, ATTRIBUTES[one.field]))


def _text(line: Line, one: FieldChange) -> str:
    now = _now(line, one)
    return plain(now) if isinstance(now, Decimal) else str(now)


def stale_line(line: Line, changes: Iterable[Change]) -> list[tuple[Change, str]]:
    """What has moved since the plan was made; a field that is as wanted already does fit."""
    found = []
    for change in changes:
        expected = identifier_key(change.expected_identifier or "")
        if line.product_key != expected:
            found.append((change, f"line #{line.id} is of product {line.product_identifier.strip()} now"))
        for one in change.fields:
            if is_line_value(line, one, one.before) or is_line_value(line, one, one.after):
                continue
            now = _text(line, one)
            found.append((change, f"{one.field} of line #{line.id} is {now}, the plan expected {one.before}"))
    return found


async def write_line(client: Client, changes: Sequence[Change]) -> list[Outcome]:
    """Send the request that these changes of one line share and say what became of each.

    Raises nothing of the API's.
    """
    try:
        return await _write(client, changes)
    except ReconcilerError as failed:
        if not is_about(failed, _path(changes[0])):
            return share(changes, Result.NOT_ATTEMPTED, f"because of an earlier failure: {told(failed)}")
        return share(changes, Result.FAILED, told(failed))


def _path(change: Change) -> str:
    return f"{AGREEMENTS}/{change.target.agreement}/additions/{change.target.id}"


async def _write(client: Client, changes: Sequence[Change]) -> list[Outcome]:
    agreement, number = changes[0].target.agreement, changes[0].target.id
    if agreement is None or number is None:
        raise ValueError(f"{changes[0].id} names no line")
    try:
        line = await additions.get_line(client, agreement, number)
    except RecordNotFound:
        return share(
            changes, Result.FAILED, f"line #{number} is no longer on agreement {agreement}; plan again"
        )
    stale = stale_line(line, changes)
    if stale:
        said = "; ".join(dict.fromkeys(what for _, what in stale))
        return share(changes, Result.FAILED, f"{said}. Nothing was written to it; plan again")
    fields = [one for change in changes for one in change.fields if not is_line_value(line, one, one.after)]
    if not fields:
        return share(changes, Result.ALREADY_OK)
    operations = patching.patch_operations(
        {one.field: from_plan(LINE_FIELDS_BY_NAME[one.field], one.after) for one in fields}
    )
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
        if any(not is_line_value(answer, one, one.after) for one in fields):
            return share(changes, Result.UNSURE, f"{told(lost)}; it may still arrive: plan again in a minute")
    outcomes = [_compared(change, answer) for change in changes]
    return _noted(outcomes, side_effects(_terms(line), _terms(answer), {one.field for one in fields}))


def _terms(line: Line) -> dict[str, Value]:
    """What decides an invoice beside the quantity; numbers to two places, as everywhere here."""
    return {
        "unitPrice": cents(line.unit_price),
        "unitCost": cents(line.unit_cost),
        "lessIncluded": cents(line.less_included),
        "billCustomer": line.bill_customer,
        "cancelledDate": None if line.cancelled is None else line.cancelled.isoformat(),
    }


def _noted(outcomes: list[Outcome], effects: list[str]) -> list[Outcome]:
    """The outcomes; none is as wanted where the line bills on other terms now than were reviewed."""
    if not effects:
        return outcomes
    said = f"ConnectWise or somebody else changed at the same moment: {'; '.join(effects)}"
    return [Outcome(one.change, Result.SERVER_KEPT, f"{one.message}; {said}") for one in outcomes]


def _compared(change: Change, answer: Line) -> Outcome:
    kept = [
        f"{one.field} is {_text(answer, one)} instead of {one.after}"
        for one in change.fields
        if not is_line_value(answer, one, one.after)
    ]
    if kept:
        return Outcome(change, Result.SERVER_KEPT, f"ConnectWise kept another value: {'; '.join(kept)}")
    return Outcome(change, Result.APPLIED, f"line #{answer.id}")

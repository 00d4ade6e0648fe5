"""One new line of an agreement: look whether it is there, send it once, compare the answer, look again.

A line that is sent twice is billed twice, and two lines of one product are legal in ConnectWise. So nothing
is sent while another line is in the way, and what may have arrived is looked for instead of sent again. Two
runs may still look and send at the same time: of their lines the first one stays, and whoever created a later
one ends it at once, so that it never bills (`execution.doubled`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise import additions, catalog, patching
from reconciler.execution.doubled import look_again
from reconciler.execution.telling import is_about, not_done, told
from reconciler.execution.wanted_line import agreement_of, described, lines_like, not_as_wanted
from reconciler.execution.write import LOOKUPS
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.fields import from_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import LINE_FIELDS_BY_NAME
from reconciler.model.outcome import Outcome, Result
from reconciler.transport.errors import RecordNotFound, Unsure

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.execution.write import Writer
    from reconciler.model.billing import Line
    from reconciler.model.change import Change


async def create_line(changes: Sequence[Change], writer: Writer) -> list[Outcome]:
    """Create the line that these changes describe and say what became of it. Raises nothing of the API's."""
    (change,) = changes
    try:
        outcome, created = await _create(change, writer)
    except ReconcilerError as failed:
        return not_done(changes, failed, _path(change), catalog.CATALOG)
    return [outcome] if created is None else await look_again(outcome, created, writer)


def _path(change: Change) -> str:
    return additions.lines_path(agreement_of(change))


async def _create(change: Change, writer: Writer) -> tuple[Outcome, Line | None]:
    """What became of it, and the line that this run has created."""
    product = await _product(change, writer)
    if product is None:
        said = f"there is not exactly one product {change.target.identifier} in ConnectWise. Nothing was sent"
        return Outcome(change, Result.FAILED, f"{said}; plan again"), None
    try:
        there = await lines_like(change, product, writer.client)
    except RecordNotFound:
        said = f"agreement #{change.target.agreement} is no longer there; plan again"
        return Outcome(change, Result.FAILED, said), None
    if len(there) > 1 and not any(not_as_wanted(change, line) for line in there):
        # Two other runs created it at the same moment, and the second one is about to end its own.
        await writer.sleep(LOOKUPS[0])
        there = await lines_like(change, product, writer.client)
    if len(there) == 1 and not not_as_wanted(change, there[0]):
        return Outcome(change, Result.ALREADY_OK, f"line #{there[0].id}"), None
    if there:
        said = f"a line of {change.target.identifier} exists by now ({described(there)}). Nothing was sent"
        return Outcome(change, Result.FAILED, f"{said}; plan again"), None
    values = {one.field: from_plan(LINE_FIELDS_BY_NAME[one.field], one.after) for one in change.fields}
    body = patching.line_body(product, values)
    writer.before_write((change,))
    try:
        answer = await additions.create_line(writer.client, agreement_of(change), body)
    except Unsure as lost:
        if not is_about(lost, _path(change)):
            raise
        return await _after_lost(change, product, lost, writer), None
    return _compared(change, answer), answer


async def _product(change: Change, writer: Writer) -> int | None:
    """The record id of its product, which this very run may have created; looked up once in a run.

    None unless exactly one product is called so.
    """
    key = identifier_key(change.target.identifier)
    if key not in writer.product_ids:
        found = await catalog.items_by_identifiers(writer.client, [change.target.identifier])
        if len(found) != 1:
            return None
        writer.product_ids[key] = found[0].id
    return writer.product_ids[key]


async def _after_lost(change: Change, product: int, lost: Unsure, writer: Writer) -> Outcome:
    """It is looked for, and not sent again: a new line that is as it was sent is ours."""
    found: list[Line] = []
    try:
        for seconds in LOOKUPS:
            await writer.sleep(seconds)
            found = await lines_like(change, product, writer.client)
            if found:
                break
    except ReconcilerError as failed:
        return Outcome(
            change, Result.UNSURE, f"{told(lost)}; looking it up failed too: {told(failed)}. {_NOT_AGAIN}"
        )
    if not found:
        said = f"looked up for {sum(LOOKUPS):.0f} s and not found. {_NOT_AGAIN}"
        return Outcome(change, Result.UNSURE, f"{told(lost)}; {said}")
    if len(found) == 1 and not not_as_wanted(change, found[0]):
        return Outcome(
            change,
            Result.APPLIED,
            f"line #{found[0].id}; the answer was lost; found as wanted when looked up",
            found[0].id,
        )
    wrong = "; ".join(dict.fromkeys(one for line in found for one in not_as_wanted(change, line)))
    other = f"a line of {change.target.identifier} is there now ({described(found)})"
    if wrong:
        other += f", with other values: {wrong}"
    return Outcome(change, Result.UNSURE, f"{told(lost)}; {other}. {_NOT_AGAIN}")


_NOT_AGAIN = (
    "It was not sent again in this run, because it may still arrive and would be billed twice: plan again in "
    "a few minutes"
)


def _compared(change: Change, answer: Line) -> Outcome:
    kept = not_as_wanted(change, answer)
    if kept:
        said = f"line #{answer.id}: ConnectWise kept another value: {'; '.join(kept)}"
        return Outcome(change, Result.SERVER_KEPT, said, answer.id)
    return Outcome(change, Result.APPLIED, f"line #{answer.id}", answer.id)

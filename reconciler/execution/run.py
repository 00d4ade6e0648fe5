"""A whole plan: waves of requests, each wave safe to stop after."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from reconciler.execution.lines import write_line
from reconciler.execution.new_lines import create_line
from reconciler.execution.tags import Tags
from reconciler.execution.telling import NotRecordedError, share
from reconciler.execution.write import Writer, write
from reconciler.model.change import OF_LINES, Action, Change, writes
from reconciler.model.outcome import DONE, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

_AT_ONCE = 4
_FAULT = "a fault of this program ended it: it may or may not have arrived; look at it in ConnectWise"
_AFTER_FAULT = "because of a fault of this program in an earlier request"
_CUT_OFF = "interrupted while it was being written: it may or may not have arrived; plan again"

Request = tuple[str, tuple[Change, ...]]


async def execute(
    changes: Sequence[Change],
    writer: Writer,
    *,
    stop: asyncio.Event,
    on_outcome: Callable[[Outcome], None],
) -> None:
    """Write the changes in their order and tell each outcome as soon as it is known.

    Requests of one stage that do not wait for each other run at the same time, a few at once. Once `stop`
    is set no further request is started; those in flight finish. A cancelled request is told as unsure.
    What is blocked, or waits for something that failed, is told as not attempted. A request that fails
    in a way nobody foresaw is told as unsure and starts nothing further; its exception is raised once all
    outcomes are told. Where the writer's `before_write` raises NotRecordedError, nothing is sent and nothing
    further started. Tags are read back, and written again where another run overwrote them.
    """
    failed: set[str] = set()
    faults: list[Exception] = []
    ended: list[str] = []
    gate = asyncio.Semaphore(_AT_ONCE)
    tags = Tags(writer, on_outcome, lambda: stop.is_set() or bool(ended))

    async def one(request: Request) -> None:
        key, members = request
        async with gate:
            try:
                if ended:
                    outcomes = share(members, Result.NOT_ATTEMPTED, ended[0])
                else:
                    outcomes = await _attempt(members, writer, failed, stop)
            except asyncio.CancelledError:
                for outcome in share(members, Result.UNSURE, _CUT_OFF):
                    on_outcome(outcome)
                raise
            except NotRecordedError as why:
                ended.append(str(why))
                outcomes = share(members, Result.NOT_ATTEMPTED, str(why))
            except Exception as fault:  # noqa: BLE001  the others' outcomes must not be lost with it
                faults.append(fault)
                ended.append(_AFTER_FAULT)
                outcomes = share(members, Result.UNSURE, _FAULT)
        if not all(_is_done(outcome) for outcome in outcomes):
            failed.add(key)
        for outcome in outcomes:
            on_outcome(outcome)
            tags.learn(outcome)

    for wave in waves(changes):
        async with asyncio.TaskGroup() as group:
            for request in wave:
                group.create_task(one(request))
        await tags.look()
    await tags.look_at_all()
    if faults:
        raise faults[0]


def _is_done(outcome: Outcome) -> bool:
    """Whether what waits for it may be written.

    A mapping that the server kept is still there, and so is a line, with its old end or units: taking the
    code or the seats elsewhere would have them billed twice.
    """
    takes_away = outcome.change.action is Action.UNMAP_PRODUCT or outcome.change.action in OF_LINES
    if takes_away and outcome.result is Result.SERVER_KEPT:
        return False
    return outcome.result in DONE


async def _attempt(
    members: tuple[Change, ...], writer: Writer, failed: set[str], stop: asyncio.Event
) -> list[Outcome]:
    reason = _obstacle(members, failed, stop)
    if reason:
        return share(members, Result.NOT_ATTEMPTED, reason)
    if members[0].starts_line:
        return await create_line(members, writer)
    if members[0].target.agreement is not None:
        return await write_line(writer.client, members, writer.before_write, writer.member)
    return await write(members, writer)


def _obstacle(members: tuple[Change, ...], failed: set[str], stop: asyncio.Event) -> str:
    blocked = sorted({reason for change in members for reason in change.blocked_by})
    if blocked:
        return f"held back by {', '.join(blocked)}"
    needed = sorted({write for change in members for write in change.depends_on} & failed)
    if needed:
        return f"because {', '.join(needed)} was not written"
    if stop.is_set():
        return "interrupted before it was started"
    return ""


def waves(changes: Iterable[Change]) -> list[list[Request]]:
    """The requests in the plan's order, cut wherever one must wait for what stands before it."""
    found: list[list[Request]] = []
    stage = -1
    for key, members in writes(changes):
        own_stage = max(change.stage for change in members)
        needed = {write for change in members for write in change.depends_on}
        if not found or own_stage != stage or needed & {name for name, _ in found[-1]}:
            found.append([])
            stage = own_stage
        found[-1].append((key, members))
    return found


def not_started(changes: Sequence[Change], told: Iterable[Outcome]) -> list[Outcome]:
    """Outcomes for the changes of which a cancelled run told nothing."""
    known = {outcome.change.id for outcome in told}
    return [
        Outcome(change, Result.NOT_ATTEMPTED, "interrupted before it was started")
        for change in changes
        if change.id not in known
    ]

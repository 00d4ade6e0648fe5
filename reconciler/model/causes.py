"""What of a plan belongs to the reviewed commit, and what waits without it as well (`plan --since`)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.change import MAPPING_PREFIX, Action, Cause, Change, move_ends

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence


def with_causes(changes: Iterable[Change], base: Iterable[Change]) -> tuple[Change, ...]:
    """The changes, each marked by whether `base` (the changes of the base commit's plan) has it too.

    What a change of this commit cannot do without is part of it, and says so in its reason.
    """
    known = {change.id: change.values() for change in base}
    marked = [
        replace(change, cause=Cause.WAITING if known.get(change.id) == change.values() else Cause.THIS_CHANGE)
        for change in changes
    ]
    needed = {change.id: why for change, why in needed_with(marked)}
    return tuple(
        replace(
            change,
            cause=Cause.THIS_CHANGE,
            reason=f"{change.reason}; waited anyway, and is part of this change: {needed[change.id]}",
        )
        if change.id in needed
        else change
        for change in marked
    )


def needed_with(changes: Sequence[Change]) -> Iterator[tuple[Change, str]]:
    """The waiting changes that the others cannot be written without, each with why.

    One request is never cut in two; what a change depends on comes first; where a code leaves a product, all
    that happens to the code belongs together, and so do a line that ends and the one that bills its seats:
    usage would be billed nowhere or twice.
    """
    goes_on = {end: start for start, ends in move_ends(changes).items() for end in ends}
    leaving = {_code(change) for change in changes if change.action is Action.UNMAP_PRODUCT}
    left = [change for change in changes if change.cause is Cause.WAITING]
    fresh = [change for change in changes if change.cause is not Cause.WAITING]
    while fresh and left:
        same = {change.write: change.id for change in fresh}
        first = {write: change.id for change in fresh for write in change.depends_on}
        ended = {goes_on[change.write]: change.id for change in fresh if change.write in goes_on}
        moved = {_code(change): change.id for change in fresh if _code(change) in leaving}
        fresh, still = [], []
        for change in left:
            if change.write in same:
                why = f"it is one request with {same[change.write]}"
            elif change.write in first:
                why = f"{first[change.write]} needs it first"
            elif change.write in ended:
                why = f"{ended[change.write]} ends the line whose seats it bills"
            elif _code(change) in moved:
                why = f"{moved[_code(change)]} moves the same code"
            else:
                still.append(change)
                continue
            fresh.append(change)
            yield change, why
        left = still


def _code(change: Change) -> str:
    """The mapping that it changes, `sophos/CODE`; empty where it is about none."""
    return next((one.field for one in change.fields if one.field.startswith(MAPPING_PREFIX)), "")

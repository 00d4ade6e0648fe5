"""How a request that did not go as planned is told, for products and lines alike."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.change import Action, Change
from reconciler.model.outcome import Outcome, Result
from reconciler.transport.errors import ApiError, NotAuthenticated, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.diagnostics import ReconcilerError
    from reconciler.model.field_change import FieldChange

#: Called with the changes whose request is sent next; raises NotRecordedError where it must not be sent.
BeforeWrite = Callable[[Sequence[Change]], None]


_WHOLE = frozenset({Action.END_LINE, Action.MOVE_LINE})


class NotRecordedError(Exception):
    """What was about to be written could not be written down: nothing is sent, and nothing further starts."""


def sent(changes: Iterable[Change], fields: Sequence[FieldChange]) -> list[Change]:
    """The changes with those of their fields that a request sends; others were found as wanted.

    An end stays whole: a day and a quantity are one thing there.
    """
    found = []
    for change in changes:
        own = tuple(one for one in change.fields if one in fields)
        if own:
            found.append(change if change.action in _WHOLE else replace(change, fields=own))
    return found


def unrecorded(_changes: Sequence[Change]) -> None:
    """Where nobody keeps a record."""


def share(changes: Iterable[Change], result: Result, message: str = "") -> list[Outcome]:
    """One outcome for all changes of a request: they share its fate."""
    return [Outcome(change, result, message) for change in changes]


def told(failed: ReconcilerError) -> str:
    """What failed, in one text."""
    said = " ".join(d.message.rstrip(".") for d in failed.diagnostics)
    if isinstance(failed, NotPermitted):  # whoever reads this wants to know which permission to ask for
        said += f". Probably missing: {failed.permission}"
    return said


def not_done(changes: Iterable[Change], failed: ReconcilerError, *paths: str) -> list[Outcome]:
    """The outcomes of a request to these paths that failed, or was not sent after an earlier failure."""
    said, cause = told(failed), _cause(failed)
    if is_about(failed, *paths):
        return [Outcome(change, Result.FAILED, said, cause=cause) for change in changes]
    earlier = f"because of an earlier failure: {said}"
    return [Outcome(change, Result.NOT_ATTEMPTED, earlier, cause=cause or said) for change in changes]


def _cause(failed: ReconcilerError) -> str:
    """What is the same for every request that fails for it; nothing where it is about one of them."""
    if isinstance(failed, NotPermitted):
        return f"{failed.diagnostic.code}: {failed.permission}"
    return failed.diagnostic.code if isinstance(failed, NotAuthenticated) else ""


def is_about(failed: ReconcilerError, *paths: str) -> bool:
    """Whether a request to one of these failed: a stopped session says its first cause again."""
    return not isinstance(failed, ApiError) or failed.request.partition(" ")[2] in paths

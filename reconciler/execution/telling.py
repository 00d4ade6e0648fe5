"""How a request that did not go as planned is told, for products and lines alike."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.outcome import Outcome, Result
from reconciler.transport.errors import ApiError, NotPermitted

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.change import Change
    from reconciler.model.diagnostics import ReconcilerError


def share(changes: Iterable[Change], result: Result, message: str = "") -> list[Outcome]:
    """One outcome for all changes of a request: they share its fate."""
    return [Outcome(change, result, message) for change in changes]


def told(failed: ReconcilerError) -> str:
    """What failed, in one text."""
    said = " ".join(d.message.rstrip(".") for d in failed.diagnostics)
    if isinstance(failed, NotPermitted):  # whoever reads this wants to know which permission to ask for
        said += f". Probably missing: {failed.permission}"
    return said


def is_about(failed: ReconcilerError, *paths: str) -> bool:
    """Whether a request to one of these failed: a stopped session says its first cause again."""
    return not isinstance(failed, ApiError) or failed.request.partition(" ")[2] in paths

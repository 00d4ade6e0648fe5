"""What a runner shows of a step's findings: ten of them, in its own form."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Severity, notice

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.diagnostics import Diagnostic

MOST_ANNOTATIONS = 10


def first_ones(diagnostics: Iterable[Diagnostic], rest: str) -> list[Diagnostic]:
    """The first ten, errors first; where there are more, the tenth counts them.

    `rest` says where they are. GitHub shows at most ten of a kind for each step, and drops the others:
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    ranks = list(Severity)
    ordered = sorted(diagnostics, key=lambda one: ranks.index(one.severity))
    if len(ordered) <= MOST_ANNOTATIONS:
        return ordered
    shown = ordered[: MOST_ANNOTATIONS - 1]
    more = notice("more-annotations", f"{len(ordered) - len(shown)} more are in {rest}.")
    return [*shown, more]

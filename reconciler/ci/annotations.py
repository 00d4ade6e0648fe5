"""What GitHub shows on the lines of a pull request: ten annotations for each step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Severity, notice
from reconciler.reporting.diagnostics import github_annotations

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.diagnostics import Diagnostic

MOST_ANNOTATIONS = 10


def first_annotations(diagnostics: Iterable[Diagnostic], rest: str) -> list[str]:
    """Workflow commands for the first ten, errors first; where there are more, the tenth counts them.

    `rest` says where they are. GitHub shows at most ten of a kind for each step, and drops the others:
    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands
    """
    ranks = list(Severity)
    ordered = sorted(diagnostics, key=lambda one: ranks.index(one.severity))
    if len(ordered) <= MOST_ANNOTATIONS:
        return github_annotations(ordered)
    shown = ordered[: MOST_ANNOTATIONS - 1]
    more = notice("more-annotations", f"{len(ordered) - len(shown)} more are in {rest}.")
    return github_annotations([*shown, more])

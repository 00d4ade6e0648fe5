"""Whether a run's commit is still what the default branch wants: a run that is started again has its old one.

Not tried against github.com.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.ci.context import is_commit
from reconciler.ci.github import ref_path
from reconciler.ci.merged import default_branch
from reconciler.ci.sites import path_of
from reconciler.ci.trees import TOOL, Trees
from reconciler.model.diagnostics import ReconcilerError, error

if TYPE_CHECKING:
    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.model.diagnostics import Diagnostic


async def superseded(github: GitHub, context: Context, site: str) -> Diagnostic | None:
    """What is said where the default branch has other mappings of a site by now, or another tool; else None.

    What else has changed decides nothing of what this run writes. Raises ReconcilerError.
    """
    if not context.commit:
        raise ReconcilerError(
            error("github-event", "GITHUB_SHA names no commit.", "Run this as a step of a workflow.")
        )
    branch = await default_branch(github, context)
    path = ref_path(branch)
    found = (await github.get(path)).get("object")
    tip = found.get("sha") if isinstance(found, dict) else None
    if not is_commit(tip):
        raise github.bad_answer("GET", path, "the answer names no commit")
    if tip == context.commit:
        return None
    trees = Trees(github)
    now, then = (await trees.commit(str(tip))).tree, (await trees.commit(context.commit)).tree
    moved = [
        name
        for name in (path_of(site), *TOOL)
        if await trees.folder(now, name) != await trees.folder(then, name)
    ]
    return old_commit(branch, str(tip), context.commit, moved, by_push=context.by_push) if moved else None


def old_commit(branch: str, tip: str, commit: str, moved: list[str], *, by_push: bool) -> Diagnostic:
    """The finding that a run's commit is an old one."""
    anew = (
        "The run of the newer commit has what this one would have written: look for it under Actions."
        if by_push
        else "Start the workflow anew (Run workflow): a run that is started again takes its old commit."
    )
    return error(
        "old-commit",
        f"This run is of {commit[:12]}, and {branch} is at {tip[:12]} by now, with another "
        f"{', '.join(moved)}. Nothing was written.",
        anew,
    )

"""What the plan of a run is a plan of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.bound import BoundTo
from reconciler.model.diagnostics import ReconcilerError, error

if TYPE_CHECKING:
    from datetime import datetime

    from reconciler.ci.context import Context
    from reconciler.ci.trees import Trees


async def bind(trees: Trees, context: Context, path: str, now: datetime) -> BoundTo:
    """The commit that the run is about, with the site's folder at `path` in it.

    On a pull request GITHUB_SHA is the commit that GitHub made of the base and the head:
    https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows#pull_request
    Raises ReconcilerError where it is not, and ApiError's subclasses.
    """
    if not context.commit or not context.repository:
        raise _no_commit("GITHUB_SHA names no commit, or GITHUB_REPOSITORY no repository.")
    commit = await trees.commit(context.commit)
    base = head = commit.sha
    if context.pull_request is not None:
        if len(commit.parents) != 2 or commit.parents[1] != context.head:
            raise _no_commit(
                f"{commit.sha[:12]} is no merge of the head of pull request {context.pull_request}."
            )
        base, head = commit.parents
    return BoundTo(
        repository=context.repository,
        pull_request=context.pull_request,
        base=base,
        head=head,
        tree=commit.tree,
        mappings=await trees.folder(commit.tree, path),
        made=now.strftime("%Y-%m-%dT%H:%M:%SZ"),
    )


def _no_commit(message: str) -> ReconcilerError:
    return ReconcilerError(
        error("github-event", message, "Run this as a step of a workflow on the pull request or on a branch.")
    )

"""A month's frozen plan that was merged: believed where a run of the default branch made it.

Nobody can name a branch, open a pull request or commit a file so that it passes for one: the plan has to be
among the artifacts of a run of the month-end workflow, at a commit of the default branch. Not tried against
github.com.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.ci.artifact import PLAN, artifacts_of, bound_plan, files_of, is_here
from reconciler.ci.context import is_commit
from reconciler.ci.download import DownloadError
from reconciler.ci.merged import not_reviewed
from reconciler.ci.month_end import FOLDER
from reconciler.ci.runs import all_runs_of

if TYPE_CHECKING:
    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.ci.merged import Merged
    from reconciler.ci.trees import Commit, Trees
    from reconciler.model.bound import BoundTo

_MONTH = re.compile(r"[0-9]{4}-[0-9]{2}(-[0-9]+)?")
_EVENTS = ("schedule", "workflow_dispatch")


async def new_months(trees: Trees, before: str, after: str, site: str) -> list[str]:
    """The months of which a tree has other frozen plans of a site than another; one that goes is none."""
    path = f"{FOLDER}/{site}"
    was, now = await trees.folder(before, path), await trees.folder(after, path)
    there = await trees.entries(now)
    return [name for name in await trees.differing(was, now) if name in there and _MONTH.fullmatch(name)]


@dataclass(frozen=True)
class Asked:
    """Whose frozen plans count: a site's, of this file of a workflow, made of this branch."""

    site: str
    workflow: str
    branch: str


async def frozen_plan(
    github: GitHub, trees: Trees, context: Context, pull: Merged, before: Commit | None, asked: Asked
) -> tuple[bytes, BoundTo]:
    """The frozen plan that a pull request brought, and the commit that it is of.

    `before` is the commit that the pull request was merged onto. Raises NotReviewed where it is not one that
    the workflow made, and ApiError's subclasses.
    """
    site, workflow = asked.site, asked.workflow
    content = await _brought(github, trees, pull, before, site)
    bound = bound_plan(content)
    if not pull.by_program:
        raise not_reviewed(
            f"{pull.what} brings a frozen plan of {site}, and a person opened it: only one that {workflow} "
            "opened counts."
        )
    if bound is None or bound.repository.lower() != context.repository.lower() or bound.pull_request:
        raise not_reviewed(f"{pull.what}: its {PLAN} does not say that it is one of {workflow}.")
    if not await _made_here(github, context, bound, content, asked):
        raise not_reviewed(
            f"{pull.what}: its {PLAN} is not one that {workflow} made of {bound.base[:12]}, or that run's "
            "artifact is gone."
        )
    path = f"/compare/{bound.base}...{pull.merge}"
    if (await github.get(path, (("per_page", "1"),))).get("status") != "ahead":
        raise not_reviewed(f"{pull.what}: its {PLAN} is of {bound.base[:12]}, which {pull.merge[:12]} lacks.")
    return content, bound


async def _brought(github: GitHub, trees: Trees, pull: Merged, before: Commit | None, site: str) -> bytes:
    """The one plan among the files of a pull request that brings nothing else.

    https://docs.github.com/en/rest/git/blobs#get-a-blob (base64; its name is Git's digest of the content).
    """
    after, old = pull.commits[-1], "" if before is None else before.tree
    if await trees.differing(old, after.tree) != [FOLDER]:
        raise not_reviewed(
            f"{pull.what} brings a frozen plan of {site} and changes other files too, of which nobody saw a "
            "plan."
        )
    months = await new_months(trees, old, after.tree, site)
    path = f"{FOLDER}/{site}/{months[0]}/{PLAN}"
    blob = await trees.folder(after.tree, path) if len(months) == 1 else ""
    if not is_commit(blob):
        raise not_reviewed(f"{pull.what}: it brought no {PLAN} of one month of {site}.")
    answer = await github.get(f"/git/blobs/{blob}")
    try:
        content = base64.b64decode(str(answer.get("content")))
    except ValueError:
        content = b""
    # the name that Git gives to content; not a choice of ours
    digest = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if len(blob) == len(digest) and digest != blob:
        raise not_reviewed(f"{pull.what}: its {PLAN} does not have the digest that the commit names.")
    return content


async def _made_here(github: GitHub, context: Context, bound: BoundTo, content: bytes, asked: Asked) -> bool:
    """Whether a run of the workflow on the commit that a plan names has this plan among its artifacts."""
    params = (("branch", asked.branch), ("head_sha", bound.base))
    for run in await all_runs_of(github, asked.workflow, params):
        ours = run.get("event") in _EVENTS and is_here(run, context)
        if (run.get("head_sha"), run.get("head_branch")) != (bound.base, asked.branch) or not ours:
            continue
        for artifact in await artifacts_of(github, run, f"{FOLDER}-{asked.site}"):
            try:
                (plan,) = await files_of(github, artifact, PLAN)
            except DownloadError:
                continue
            if plan == content:
                return True
    return False

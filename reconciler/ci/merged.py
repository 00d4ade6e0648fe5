"""What was merged since a site was applied last: its commits, and the pull requests that brought them.

A concurrency group keeps one waiting run and drops older ones, so that a run of apply may stand for several
merges. Not tried against github.com.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.ci.context import is_commit
from reconciler.ci.month_end import FOLDER
from reconciler.ci.runs import SKIPPED, SUCCESS, apply_job, jobs_of, run_number, runs_of
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub

PLAN_ANEW = (
    "Run the month-end workflow by hand: its pull request has everything that waits, and merging it "
    "approves that."
)


class NotReviewed(ReconcilerError):  # noqa: N818 - says what is the matter, as transport's errors do
    """Something was merged of which no reviewed plan can be found or believed."""


def not_reviewed(message: str, remedy: str = PLAN_ANEW) -> NotReviewed:
    """No plan for something that was merged."""
    return NotReviewed(error("not-reviewed", message, remedy))


@dataclass
class Merged:
    """A merged pull request: the commit that was planned, and its commits on the default branch."""

    number: int
    head: str
    branch: str
    commits: list[str] = field(default_factory=list)


async def find_merged(
    github: GitHub, context: Context, site: str, workflow: str
) -> list[tuple[str, list[Merged]]]:
    """The commits that the site was not applied at, oldest first, with the pull requests that brought them.

    `workflow` is the one that applies. A month's pull request has everything that waited at the commit that
    it began from, however that came: commits up to that one need no plan of their own, and are left out.
    Raises NotReviewed where there is no telling, and ApiError's subclasses.
    """
    if not context.commit:
        raise not_reviewed("GITHUB_SHA names no commit.", "Run this as a step of a workflow.")
    branch = await _default_branch(github, context)
    commits = await _commits(github, context, branch, site, workflow)
    brought = [(commit, await _merged(github, commit, branch)) for commit in commits]
    whole = [pull for _, merged in brought for pull in merged if is_whole(pull, site)]
    began = await _began(github, whole[-1]) if whole else None
    return brought[commits.index(began) + 1 :] if began in commits else brought


def is_whole(pull: Merged, site: str) -> bool:
    """Whether a pull request brought a plan of everything, and not of what it changes."""
    return pull.branch.startswith(f"{FOLDER}/{site}/")


async def base_of(github: GitHub, commit: str) -> str:
    """The commit of the base branch that a pull request's merge commit was made on: its first parent.

    The payload's `base.sha` is of an earlier moment, so that what was merged since would look like a part of
    the pull request: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
    (`GITHUB_SHA` is the merge commit). Raises ApiError's subclasses.
    """
    path = f"/commits/{commit}"
    parents = _parents(await github.get(path))
    if not parents:
        raise github.bad_answer("GET", path, "the commit has no parent")
    return parents[0]


async def _began(github: GitHub, pull: Merged) -> str | None:
    """The newest commit of the default branch that a pull request's branch has.

    https://docs.github.com/en/rest/pulls/pulls#list-commits-on-a-pull-request (oldest first; `parents`).
    """
    commits = await github.every(f"/pulls/{pull.number}/commits")
    own = {commit.get("sha") for commit in commits}
    others = [parent for commit in commits for parent in _parents(commit) if parent not in own]
    return others[-1] if others else None


def _parents(commit: Mapping[str, Any]) -> list[str]:
    found = commit.get("parents")
    names = [one.get("sha") for one in found if isinstance(one, dict)] if isinstance(found, list) else []
    return [str(name) for name in names if is_commit(name)]


async def _default_branch(github: GitHub, context: Context) -> str:
    told = context.event.get("repository")
    branch = told.get("default_branch") if isinstance(told, dict) else None
    if not isinstance(branch, str) or not branch:
        branch = (await github.get("")).get("default_branch")
    if not isinstance(branch, str) or not branch:
        raise github.bad_answer("GET", "", "the answer names no default branch")
    return branch


async def _commits(github: GitHub, context: Context, branch: str, site: str, workflow: str) -> list[str]:
    """The commits since the site was applied last, oldest first.

    The run of a commit that was applied before is about that commit.
    https://docs.github.com/en/rest/commits/commits#compare-two-commits (`status`, `total_commits`, pages).
    """
    before = await _applied_before(github, context, branch, site, workflow)
    if not is_commit(before) or before == context.commit:
        return [context.commit]
    path = f"/compare/{before}...{context.commit}"
    compared = await github.get(path, (("per_page", "1"),))
    if compared.get("status") == "behind":
        raise not_reviewed(
            f"{context.commit[:12]} is older than {str(before)[:12]}, which was applied already.",
            "If an older run was started again there is nothing to do. If the branch was set back, run the "
            "month-end workflow by hand and merge its pull request.",
        )
    if compared.get("status") not in ("ahead", "identical"):
        if any(is_whole(pull, site) for pull in await _merged(github, context.commit, branch)):
            return [context.commit]
        raise not_reviewed(
            f"{context.commit[:12]} does not follow {str(before)[:12]}, which was applied last: the history "
            f"was rewritten ({excerpt(str(compared.get('status')), 20)}).",
        )
    commits = [one.get("sha") for one in await github.every(path, key="commits")]
    good = [one for one in commits if is_commit(one)]
    if len(good) != compared.get("total_commits"):
        raise github.bad_answer("GET", path, "the answer does not hold all commits")
    return [str(one) for one in good] or [context.commit]


async def _applied_before(
    github: GitHub, context: Context, branch: str, site: str, workflow: str
) -> str | None:
    """The commit that the site was applied at last; without one, that before the first run that failed.

    Where there was no run at all, the commit before this push. Of a run that failed the site's own job is
    asked, so that one site that cannot be reached does not hold the others up.
    https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow. The page does not
    say in which order runs come: the first hundred are looked at by their numbers. Only pushes and runs by
    hand count, because a branch of a fork may be called as the default branch is.
    """
    runs = [
        run
        for run in await runs_of(github, workflow, (("branch", branch), ("status", "completed")))
        if run.get("conclusion") not in (None, SKIPPED)
        and run.get("head_branch") == branch
        and run.get("event") in ("push", "workflow_dispatch")
        and run.get("id") != context.run_id
        and is_commit(run.get("head_sha"))
    ]
    runs.sort(key=run_number, reverse=True)
    for run in runs:
        if run.get("conclusion") == SUCCESS or await _wrote(github, run, site):
            return str(run["head_sha"])
    if not runs:
        return context.event.get("before")
    return next(iter(_parents(await github.get(f"/commits/{runs[-1]['head_sha']}"))), None)


async def _wrote(github: GitHub, run: Mapping[str, Any], site: str) -> bool:
    """Whether the site's job of a run succeeded, whatever became of the others."""
    number = run.get("id")
    return isinstance(number, int) and (apply_job(site), SUCCESS) in await jobs_of(github, number)


async def _merged(github: GitHub, commit: str, branch: str) -> list[Merged]:
    """https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit."""
    found = []
    for pull in await github.every(f"/commits/{commit}/pulls"):
        base, head, number = pull.get("base"), pull.get("head"), pull.get("number")
        into = base.get("ref") if isinstance(base, dict) else None
        sha = head.get("sha") if isinstance(head, dict) else None
        if pull.get("merged_at") and into == branch and isinstance(number, int) and is_commit(sha):
            found.append(Merged(number, str(sha), str(head.get("ref")) if isinstance(head, dict) else ""))
    return found

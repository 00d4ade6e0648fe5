"""What came to the default branch since a site was applied last, and the pull requests that brought it.

A concurrency group keeps one waiting run and drops older ones, so that a run of apply may stand for several
merges. Not tried against github.com.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.ci.approval import moment
from reconciler.ci.context import is_commit
from reconciler.ci.runs import SKIPPED, SUCCESS, apply_job, jobs_of, run_number, runs_of
from reconciler.ci.trees import Commit, Trees, commit_of, parents_of
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

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
    """A merged pull request: the last commit of its branch, and its commits on the default branch.

    `author` is the number of who opened it, `by_program` whether that is a workflow or an app. `merge` is the
    commit that GitHub says it was merged as.
    """

    number: int
    head: str
    merge: str
    author: int
    by_program: bool
    merged_at: datetime | None
    commits: list[Commit] = field(default_factory=list)

    @property
    def what(self) -> str:
        """What messages call it."""
        return f"Pull request {self.number} ({self.head[:12]})"


@dataclass(frozen=True)
class History:
    """What follows the commit `before`, oldest first, each with the pull request that brought it.

    `rewritten` says that it does not follow: then only a plan of everything can stand for what came.
    """

    branch: str
    before: Commit | None
    landed: tuple[tuple[Commit, Merged | None], ...]
    rewritten: str = ""


async def find_history(github: GitHub, trees: Trees, context: Context, site: str, workflow: str) -> History:
    """The commits of the default branch that the site was not applied at; `workflow` is the one that applies.

    Raises NotReviewed where there is no telling, and ApiError's subclasses.
    """
    if not context.commit:
        raise not_reviewed("GITHUB_SHA names no commit.", "Run this as a step of a workflow.")
    branch = await default_branch(github, context)
    before, commits, rewritten = await _commits(github, trees, context, branch, site, workflow)
    pulls: dict[int, Merged] = {}
    landed: list[tuple[Commit, Merged | None]] = []
    for commit in commits:
        pull = await _merged(github, commit.sha, branch)
        if pull is not None:
            pull = pulls.setdefault(pull.number, pull)
            pull.commits.append(commit)
        landed.append((commit, pull))
    return History(branch, before, tuple(landed), rewritten)


async def base_of(github: GitHub, commit: str) -> str:
    """The commit of the base branch that a pull request's merge commit was made on: its first parent.

    The payload's `base.sha` is of an earlier moment, so that what was merged since would look like a part of
    the pull request: https://docs.github.com/en/actions/reference/workflows-and-actions/events-that-trigger-workflows
    (`GITHUB_SHA` is the merge commit). Raises ApiError's subclasses.
    """
    path = f"/commits/{commit}"
    parents = parents_of(await github.get(path))
    if not parents:
        raise github.bad_answer("GET", path, "the commit has no parent")
    return parents[0]


async def default_branch(github: GitHub, context: Context) -> str:
    """Its name, from the event where that tells. Raises ApiError's subclasses."""
    told = context.event.get("repository")
    branch = told.get("default_branch") if isinstance(told, dict) else None
    if not isinstance(branch, str) or not branch:
        branch = (await github.get("")).get("default_branch")
    if not isinstance(branch, str) or not branch:
        raise github.bad_answer("GET", "", "the answer names no default branch")
    return branch


async def _commits(
    github: GitHub, trees: Trees, context: Context, branch: str, site: str, workflow: str
) -> tuple[Commit | None, list[Commit], str]:
    """What came before, the commits since the site was applied last, and why that is no straight line.

    Of a merge only the first parent is followed: what stands on the other side came by it. The run of a
    commit that was applied before is about that commit.
    https://docs.github.com/en/rest/commits/commits#compare-two-commits (`status`, `total_commits`, pages).
    """
    before = await _applied_before(github, trees, context, branch, site, workflow)
    own = await trees.commit(context.commit)
    last = await trees.commit(own.parents[0]) if own.parents else None
    if before is None or before == context.commit:
        return last, [own], ""
    path = f"/compare/{before}...{context.commit}"
    compared = await github.get(path, (("per_page", "1"),))
    if compared.get("status") == "behind":
        raise not_reviewed(
            f"{context.commit[:12]} is older than {before[:12]}, which was applied already.",
            "If an older run was started again there is nothing to do. If the branch was set back, run the "
            "month-end workflow by hand and merge its pull request.",
        )
    rewritten = (
        f"{context.commit[:12]} does not follow {before[:12]}, which was applied last: the history was "
        f"rewritten ({excerpt(str(compared.get('status')), 20)})."
    )
    if compared.get("status") not in ("ahead", "identical"):
        return last, [own], rewritten
    found = [commit_of(one) for one in await github.every(path, key="commits")]
    commits = {one.sha: one for one in found if one is not None}
    if len(commits) != compared.get("total_commits"):
        raise github.bad_answer("GET", path, "the answer does not hold all commits")
    for commit in commits.values():
        trees.know(commit)
    line: list[Commit] = []
    at = context.commit
    while at in commits:
        line.append(commits[at])
        at = commits[at].parents[0] if commits[at].parents else ""
    if at != before:
        return last, [own], rewritten
    return await trees.commit(before), line[::-1], ""


async def _applied_before(
    github: GitHub, trees: Trees, context: Context, branch: str, site: str, workflow: str
) -> str | None:
    """The commit that the site was applied at last; without one, that before the first run that failed.

    Where there was no run at all, the commit before this push. Of a run that failed the site's own job is
    asked, so that one site that cannot be reached does not hold the others up.
    https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow. The page does not
    say in which order runs come: they are looked at by their numbers. Only pushes and runs by hand count,
    because a branch of a fork may be called as the default branch is.
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
        told = context.event.get("before")
        return str(told) if is_commit(told) else None
    return next(iter((await trees.commit(runs[-1]["head_sha"])).parents), None)


async def _wrote(github: GitHub, run: Mapping[str, Any], site: str) -> bool:
    """Whether the site's job of a run succeeded, whatever became of the others."""
    number = run.get("id")
    return isinstance(number, int) and (apply_job(site), SUCCESS) in await jobs_of(github, number)


async def _merged(github: GitHub, commit: str, branch: str) -> Merged | None:
    """The merged pull request that brought a commit; of several the one that was merged as it.

    https://docs.github.com/en/rest/commits/commits#list-pull-requests-associated-with-a-commit: of a commit
    of the default branch the merged ones that introduced it.
    """
    found = [_pull(one, branch) for one in await github.every(f"/commits/{commit}/pulls")]
    pulls = [pull for pull in found if pull is not None]
    return min(pulls, key=lambda pull: (pull.merge != commit, pull.number), default=None)


def _pull(told: Mapping[str, Any], branch: str) -> Merged | None:
    base, head, user = (_part(told, name) for name in ("base", "head", "user"))
    number, at, merge = told.get("number"), moment(told.get("merged_at")), told.get("merge_commit_sha")
    if at is None or not isinstance(number, int) or base.get("ref") != branch:
        return None
    if not is_commit(head.get("sha")) or not is_commit(merge):
        return None
    author = user.get("id")
    return Merged(
        number=number,
        head=str(head["sha"]),
        merge=str(merge),
        author=author if isinstance(author, int) else 0,
        by_program=user.get("type") == "Bot",
        merged_at=at,
    )


def _part(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    part = told.get(name)
    return part if isinstance(part, dict) else {}

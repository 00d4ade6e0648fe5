"""The plans that people approved, for everything that was merged since the last successful apply.

A concurrency group keeps one waiting run and drops older ones, so that a run of apply may stand for several
merges. Not tried against github.com.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from reconciler.ci.artifact import DIGEST, PLAN, artifact_name, fits
from reconciler.ci.context import is_commit
from reconciler.ci.download import DownloadError, unpacked
from reconciler.ci.month_end import FOLDER
from reconciler.ci.sites import path_of
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub

_FILES_OF_A_PAGE = 300
_PLAN_ANEW = "Open a pull request with the change, let it be planned and reviewed, and merge that."


class NotReviewed(ReconcilerError):  # noqa: N818 - says what is the matter, as transport's errors do
    """Something was merged of which no reviewed plan can be found or believed."""


def not_reviewed(message: str, remedy: str = _PLAN_ANEW) -> NotReviewed:
    """No plan for something that was merged."""
    return NotReviewed(error("not-reviewed", message, remedy))


@dataclass(frozen=True)
class Workflows:
    """The files of the workflows that plan and apply, by name."""

    plan: str
    apply: str


@dataclass
class Merged:
    """A merged pull request: the commit that was planned, and its commits on the default branch."""

    number: int
    head: str
    branch: str
    commits: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class ReviewedPlan:
    """One plan file, as it was reviewed."""

    number: int
    head: str
    content: bytes

    @property
    def name(self) -> str:
        """A file name that says where it is from."""
        return f"pull-{self.number}-{self.head[:12]}.json"


async def find_reviewed(
    github: GitHub, context: Context, site: str, workflows: Workflows
) -> list[ReviewedPlan]:
    """The reviewed plans of a site, oldest first; none where nothing that was merged touches the site.

    Raises NotReviewed, and ApiError's subclasses.
    """
    if not context.commit:
        raise not_reviewed("GITHUB_SHA names no commit.", "Run this as a step of a workflow.")
    branch = await _default_branch(github, context)
    pulls: dict[int, Merged] = {}
    for commit in await _commits(github, context, branch, workflows.apply):
        merged = await _merged(github, commit, branch)
        if not merged and await _touches(github, commit, site):
            raise not_reviewed(f"Commit {commit[:12]} changes {path_of(site)} and came by no pull request.")
        for pull in merged:
            pulls.setdefault(pull.number, pull).commits.append(commit)
    found = [
        await _month_end(github, pull, site)
        if pull.branch.startswith(f"{FOLDER}/{site}/")
        else await _plan_of(github, context, pull, site, workflows.plan)
        for pull in pulls.values()
    ]
    return [one for one in found if one is not None]


async def _default_branch(github: GitHub, context: Context) -> str:
    told = context.event.get("repository")
    branch = told.get("default_branch") if isinstance(told, dict) else None
    if not isinstance(branch, str) or not branch:
        branch = (await github.get("")).get("default_branch")
    if not isinstance(branch, str) or not branch:
        raise github.bad_answer("GET", "", "the answer names no default branch")
    return branch


async def _commits(github: GitHub, context: Context, branch: str, workflow: str) -> list[str]:
    """The commits since the last successful run, oldest first.

    Without one, those of this push. The run of a commit that was applied before is about that commit.
    https://docs.github.com/en/rest/commits/commits#compare-two-commits (`status`, `total_commits`, pages).
    """
    before = await _last_applied(github, context, branch, workflow) or context.event.get("before")
    if not is_commit(before) or before == context.commit:
        return [context.commit]
    path = f"/compare/{before}...{context.commit}"
    compared = await github.get(path, (("per_page", "1"),))
    if compared.get("status") not in ("ahead", "identical"):
        raise not_reviewed(
            f"{context.commit[:12]} does not follow {str(before)[:12]}, which was applied last: the history "
            f"was rewritten ({excerpt(str(compared.get('status')), 20)}).",
            "Plan by hand, compare, and apply by hand once.",
        )
    commits = [one.get("sha") for one in await github.every(path, key="commits")]
    good = [one for one in commits if is_commit(one)]
    if len(good) != compared.get("total_commits"):
        raise github.bad_answer("GET", path, "the answer does not hold all commits")
    return [str(one) for one in good] or [context.commit]


async def _last_applied(github: GitHub, context: Context, branch: str, workflow: str) -> str | None:
    """https://docs.github.com/en/rest/actions/workflow-runs#list-workflow-runs-for-a-workflow.

    The page does not say in which order runs come: the newest of the first hundred is taken by its number.
    Only pushes and runs by hand count, because a branch of a fork may be called as the default branch is.
    """
    runs = await _runs(github, workflow, (("branch", branch), ("status", "success")))
    good = [
        run
        for run in runs
        if run.get("conclusion") == "success"
        and run.get("head_branch") == branch
        and run.get("event") in ("push", "workflow_dispatch")
        and run.get("id") != context.run_id
        and is_commit(run.get("head_sha"))
    ]
    return str(max(good, key=_number)["head_sha"]) if good else None


async def _runs(github: GitHub, workflow: str, params: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    path = f"/actions/workflows/{workflow}/runs"
    runs = (await github.get(path, (*params, ("per_page", "100")))).get("workflow_runs")
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise github.bad_answer("GET", path, "the answer has no list of runs")
    return runs


def _number(run: Mapping[str, Any]) -> int:
    number = run.get("run_number")
    return number if isinstance(number, int) else 0


def _is_here(run: Mapping[str, Any], context: Context) -> bool:
    """Whether a run is of a branch of this repository: a fork's could upload a plan that nobody made."""
    head = run.get("head_repository")
    return isinstance(head, dict) and str(head.get("full_name")).lower() == context.repository.lower()


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


async def _touches(github: GitHub, commit: str, site: str) -> bool:
    """https://docs.github.com/en/rest/commits/commits#get-a-commit (a full page of files is a yes)."""
    files = (await github.get(f"/commits/{commit}")).get("files")
    if not isinstance(files, list) or len(files) >= _FILES_OF_A_PAGE:
        return True
    names = [
        str(file.get(key) or "")
        for file in files
        if isinstance(file, dict)
        for key in ("filename", "previous_filename")
    ]
    return any(name.startswith(f"{path_of(site)}/") for name in names)


async def _month_end(github: GitHub, pull: Merged, site: str) -> ReviewedPlan:
    """The plan that a month's pull request brought: it is among the files that were merged.

    https://docs.github.com/en/rest/git/blobs#get-a-blob (base64; its name is Git's digest of the content).
    """
    what = f"Pull request {pull.number} ({pull.head[:12]})"
    wanted = re.compile(rf"{FOLDER}/{re.escape(site)}/[0-9]{{4}}-[0-9]{{2}}/{re.escape(PLAN)}")
    blob = None
    for commit in pull.commits:
        files = (await github.get(f"/commits/{commit}")).get("files")
        for file in files if isinstance(files, list) else ():
            if isinstance(file, dict) and wanted.fullmatch(str(file.get("filename"))):
                blob = file.get("sha") if file.get("status") != "removed" else None
    if not is_commit(blob):
        raise not_reviewed(f"{what}: it brought no {PLAN} of a month of {site}.")
    answer = await github.get(f"/git/blobs/{blob}")
    try:
        content = base64.b64decode(str(answer.get("content")))
    except ValueError:
        content = b""
    # the name that Git gives to content; not a choice of ours
    digest = hashlib.sha1(b"blob %d\0" % len(content) + content, usedforsecurity=False).hexdigest()
    if len(str(blob)) == len(digest) and digest != blob:
        raise _differs(f"{what}: its {PLAN} does not have the digest that the commit names.")
    return ReviewedPlan(pull.number, pull.head, content)


async def _plan_of(
    github: GitHub, context: Context, pull: Merged, site: str, workflow: str
) -> ReviewedPlan | None:
    """The plan of a pull request's last commit; None where the plan run found nothing to plan for this site.

    https://docs.github.com/en/rest/actions/artifacts#list-workflow-run-artifacts (`digest`, `expired`).
    """
    what = f"Pull request {pull.number} ({pull.head[:12]})"
    params = (("head_sha", pull.head), ("event", "pull_request"))
    runs = [
        run
        for run in await _runs(github, workflow, params)
        if run.get("head_sha") == pull.head and run.get("event") == "pull_request" and _is_here(run, context)
    ]
    if not runs:
        if any([await _touches(github, commit, site) for commit in pull.commits]):
            raise not_reviewed(
                f"{what} changes {path_of(site)}, and {workflow} never ran for it in this repository."
            )
        return None
    run = max(runs, key=_number)
    artifacts = await github.every(f"/actions/runs/{run.get('id')}/artifacts", key="artifacts")
    named = [one for one in artifacts if one.get("name") == artifact_name(site)]
    if not named:
        if run.get("conclusion") == "success":
            return None
        raise not_reviewed(f"{what}: the last run of {workflow} ended without a plan of {site}.")
    artifact = max(named, key=lambda one: one["id"] if isinstance(one.get("id"), int) else 0)
    if artifact.get("expired") is True:
        raise not_reviewed(f"{what}: its plan of {site} has expired.")
    return ReviewedPlan(pull.number, pull.head, await _content(github, artifact, what))


async def _content(github: GitHub, artifact: Mapping[str, Any], what: str) -> bytes:
    """The plan in an artifact, whose digests are those that GitHub and the artifact name."""
    try:
        archive = await github.archive(artifact.get("id"))
        told = artifact.get("digest")
        if isinstance(told, str) and told != f"sha256:{hashlib.sha256(archive).hexdigest()}":
            raise _differs(f"{what}: its artifact does not have the digest that GitHub names.")
        plan, digest = unpacked(archive, PLAN, DIGEST)
    except DownloadError as failed:
        raise not_reviewed(f"{what}: its plan cannot be had: {failed}.") from None
    if not fits(digest.decode("ascii", "replace"), plan):
        raise _differs(f"{what}: its {PLAN} does not have the digest of {DIGEST}.")
    return plan


def _differs(message: str) -> NotReviewed:
    return NotReviewed(error("reviewed-differs", f"{message} It is not what was reviewed.", _PLAN_ANEW))

"""The plans that people approved, for everything that was merged since the site was applied last.

Not tried against github.com.
"""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.ci.artifact import DIGEST, PLAN, artifact_name, fits
from reconciler.ci.context import is_commit
from reconciler.ci.download import DownloadError, unpacked
from reconciler.ci.merged import PLAN_ANEW, NotReviewed, find_merged, is_whole, not_reviewed
from reconciler.ci.month_end import FOLDER
from reconciler.ci.runs import SUCCESS, run_number, runs_of
from reconciler.ci.sites import path_of
from reconciler.model.diagnostics import error

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.ci.merged import Merged

_FILES_OF_A_PAGE = 300


@dataclass(frozen=True)
class Workflows:
    """The files of the workflows that plan and apply, by name."""

    plan: str
    apply: str


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
    pulls: dict[int, Merged] = {}
    for commit, merged in await find_merged(github, context, site, workflows.apply):
        if not merged and await _touches(github, commit, site):
            raise not_reviewed(f"Commit {commit[:12]} changes {path_of(site)} and came by no pull request.")
        for pull in merged:
            pulls.setdefault(pull.number, pull).commits.append(commit)
    found = [
        await _month_end(github, pull, site)
        if is_whole(pull, site)
        else await _plan_of(github, context, pull, site, workflows.plan)
        for pull in pulls.values()
    ]
    return [one for one in found if one is not None]


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
    wanted = re.compile(rf"{FOLDER}/{re.escape(site)}/[0-9]{{4}}-[0-9]{{2}}(-[0-9]+)?/{re.escape(PLAN)}")
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
        for run in await runs_of(github, workflow, params)
        if run.get("head_sha") == pull.head and run.get("event") == "pull_request" and _is_here(run, context)
    ]
    if not runs:
        if any([await _touches(github, commit, site) for commit in pull.commits]):
            raise not_reviewed(
                f"{what} changes {path_of(site)}, and {workflow} never ran for it in this repository."
            )
        return None
    run = max(runs, key=run_number)
    artifacts = await github.every(f"/actions/runs/{run.get('id')}/artifacts", key="artifacts")
    named = [one for one in artifacts if one.get("name") == artifact_name(site)]
    if not named:
        if run.get("conclusion") == SUCCESS:
            return None
        raise not_reviewed(f"{what}: the last run of {workflow} ended without a plan of {site}.")
    artifact = max(named, key=lambda one: one["id"] if isinstance(one.get("id"), int) else 0)
    if artifact.get("expired") is True:
        raise not_reviewed(f"{what}: its plan of {site} has expired.")
    return ReviewedPlan(pull.number, pull.head, await _content(github, artifact, what))


def _is_here(run: Mapping[str, Any], context: Context) -> bool:
    """Whether a run is of a branch of this repository: a fork's could upload a plan that nobody made."""
    head = run.get("head_repository")
    return isinstance(head, dict) and str(head.get("full_name")).lower() == context.repository.lower()


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
    return NotReviewed(error("reviewed-differs", f"{message} It is not what was reviewed.", PLAN_ANEW))

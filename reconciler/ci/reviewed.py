"""The plans that people approved, for everything that was merged since the site was applied last.

A plan counts for the pull request and for the mappings that it says it is of, where it was made before the
approval that counts. Not tried against github.com.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.ci.approval import approved_at, moment
from reconciler.ci.artifact import (
    DIGEST,
    PLAN,
    UNCHANGED,
    UNCHANGED_FILE,
    OtherDigestError,
    artifact_name,
    artifacts_of,
    bound_plan,
    files_of,
    fits,
    is_here,
    unchanged_in,
    uploaded_at,
)
from reconciler.ci.download import DownloadError
from reconciler.ci.frozen import Asked, frozen_plan, new_months
from reconciler.ci.merged import PLAN_ANEW, NotReviewed, find_history, not_reviewed
from reconciler.ci.runs import all_runs_of
from reconciler.ci.sites import path_of
from reconciler.ci.trees import Trees
from reconciler.model.diagnostics import error

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.ci.merged import History, Merged
    from reconciler.ci.trees import Commit
    from reconciler.model.bound import BoundTo


#: What a pull request's runs are made of: GitHub takes it from what would be merged.
WORKFLOWS = ".github"


@dataclass(frozen=True)
class Workflows:
    """The files of the workflows that plan, apply and freeze a month, by name."""

    plan: str
    apply: str
    month_end: str


@dataclass(frozen=True)
class ReviewedPlan:
    """One plan file, as it was reviewed."""

    number: int
    head: str
    content: bytes

    @property
    def name(self) -> str:
        """A file name that says where it is from."""
        return f"pull-{self.number}-{self.head[:12]}.json.gz"


@dataclass(frozen=True)
class _Part:
    """Commits that came by one pull request, or one that came by none, and the commit before them."""

    before: Commit | None
    last: Commit
    pull: Merged | None


async def find_reviewed(
    github: GitHub, context: Context, site: str, workflows: Workflows, review: str = ""
) -> list[ReviewedPlan]:
    """The reviewed plans of a site, oldest first; none where nothing that was merged touches the site.

    `review` says whether a merge is an approval. A month's plan has everything that waited at the commit that
    it is of, however that came: what came up to that commit needs no plan of its own. Raises NotReviewed,
    and ApiError's subclasses.
    """
    finder = _Finder(github, context, site, workflows, review)
    history = await find_history(github, finder.trees, context, site, workflows.apply)
    return await finder.plans(history)


class _Finder:
    """One site's reviewed plans, and what was asked for them."""

    def __init__(
        self, github: GitHub, context: Context, site: str, workflows: Workflows, review: str
    ) -> None:
        self._github, self._context, self._site = github, context, site
        self._workflows, self._review = workflows, review
        self.trees = Trees(github)

    async def plans(self, history: History) -> list[ReviewedPlan]:
        """The plans of what landed, after the last plan of everything."""
        parts = _parts(history)
        found: list[ReviewedPlan] = []
        covered: set[str] = set()
        for part in reversed(parts):
            if part.last.sha in covered:
                continue
            before = "" if part.before is None else part.before.tree
            if not await new_months(self.trees, before, part.last.tree, self._site):
                if history.rewritten:
                    raise not_reviewed(history.rewritten)
                one = await self._changed(part)
                found += [] if one is None else [one]
                continue
            one, bound = await self._month_end(part, history.branch)
            found.append(one)
            commits = [commit.sha for commit, _ in history.landed]
            if bound.base in commits:
                covered |= set(commits[: commits.index(bound.base) + 1])
        return found[::-1]

    async def _changed(self, part: _Part) -> ReviewedPlan | None:
        """The plan of what changes the site; None where nothing of it does, or needs a plan."""
        path = path_of(self._site)
        before = "" if part.before is None else await self.trees.folder(part.before.tree, path)
        after = await self.trees.folder(part.last.tree, path)
        if before == after:
            return None
        if part.pull is None:
            raise not_reviewed(f"Commit {part.last.sha[:12]} changes {path} and came by no pull request.")
        _check_merge(part, part.pull)
        old = "" if part.before is None else part.before.tree
        if WORKFLOWS in await self.trees.differing(old, part.last.tree):
            raise not_reviewed(
                f"{part.pull.what} changes {path} and {WORKFLOWS}/ at once: its own workflows made its plan. "
                "Propose the two apart."
            )
        return await self._plan_of(part.pull, after)

    async def _month_end(self, part: _Part, branch: str) -> tuple[ReviewedPlan, BoundTo]:
        if part.pull is None:
            raise not_reviewed(
                f"Commit {part.last.sha[:12]} brings a frozen plan of {self._site} and came by no pull "
                "request."
            )
        pull = part.pull
        _check_merge(part, pull)
        asked = Asked(self._site, self._workflows.month_end, branch)
        content, bound = await frozen_plan(self._github, self.trees, self._context, pull, part.before, asked)
        at, why = await approved_at(self._github, pull, (), self._review)
        if at is None:
            raise not_reviewed(f"{pull.what} brings a frozen plan, and {why}.")
        if not _is_before(bound, at):
            raise not_reviewed(f"{pull.what}: its {PLAN} was made after it was approved.")
        return ReviewedPlan(pull.number, pull.head, content), bound

    async def _plan_of(self, pull: Merged, mappings: str) -> ReviewedPlan | None:
        """The plan of a pull request; None where its plan run found nothing to plan for this site.

        Several pull requests may have one last commit, and a run may be started again: the runs of that
        commit are looked through, newest artifact first, for a plan of this pull request.
        """
        runs = await self._runs(pull)
        found = [(run, one) for run in runs for one in await artifacts_of(self._github, run, self._name)]
        refused: list[NotReviewed] = []
        others: list[NotReviewed] = []
        for run, artifact in sorted(found, key=lambda pair: uploaded_at(pair[1]), reverse=True):
            try:
                content = await self._content(artifact, pull)
            except NotReviewed as failed:
                refused.append(failed)
                continue
            bound = bound_plan(content)
            if bound is not None and not _is_of(bound, pull, self._context):
                others.append(_of_another(pull, bound))
                continue
            wrong = await self._wrong(run, artifact, bound, pull, mappings)
            if not wrong:
                return ReviewedPlan(pull.number, pull.head, content)
            refused.append(not_reviewed(f"{pull.what}: {wrong}"))
        if await self._unchanged(runs, pull, mappings):
            return None
        what = f"{pull.what}: no run of {self._workflows.plan} made a plan of {self._site} for it."
        raise [*refused, *others, not_reviewed(what)][0]

    async def _runs(self, pull: Merged) -> list[dict[str, Any]]:
        params = (("head_sha", pull.head), ("event", "pull_request"))
        runs = [
            run
            for run in await all_runs_of(self._github, self._workflows.plan, params)
            if (run.get("head_sha"), run.get("event")) == (pull.head, "pull_request")
            and is_here(run, self._context)
        ]
        if not runs:
            raise not_reviewed(
                f"{pull.what} changes {path_of(self._site)}, and {self._workflows.plan} never ran for it in "
                "this repository."
            )
        return runs

    @property
    def _name(self) -> str:
        return artifact_name(self._site)

    async def _wrong(
        self,
        run: Mapping[str, Any],
        artifact: Mapping[str, Any],
        bound: BoundTo | None,
        pull: Merged,
        mappings: str,
    ) -> str:
        """Why a plan of a pull request is not the one that was approved; "" where it is."""
        if bound is None:
            return "its plan does not say what it is a plan of; an older release made it."
        if bound.mappings != mappings:
            return (
                f"it was merged as other mappings than its plan is of ({bound.base[:12]} had moved on). Let "
                "branches be up to date before they are merged."
            )
        actor = run.get("actor")
        pusher = actor.get("id") if isinstance(actor, dict) else None
        at, why = await approved_at(self._github, pull, (pusher,), self._review)
        if at is None:
            return f"{why}."
        if not _is_before(bound, at) or uploaded_at(artifact) > at:
            return "its plan was made after it was approved; a run was started again, or came too late."
        return ""

    async def _unchanged(self, runs: list[dict[str, Any]], pull: Merged, mappings: str) -> bool:
        """Whether a run for this pull request says that it leaves what this site wants as it was."""
        for run in runs:
            for artifact in await artifacts_of(self._github, run, artifact_name(UNCHANGED)):
                try:
                    (content,) = await files_of(self._github, artifact, UNCHANGED_FILE)
                except DownloadError:
                    continue
                bound, sites = unchanged_in(content)
                if bound is None or not _is_of(bound, pull, self._context):
                    continue
                if sites.get(self._site) == mappings:
                    return True
        return False

    async def _content(self, artifact: Mapping[str, Any], pull: Merged) -> bytes:
        """The plan in an artifact, whose digests are those that GitHub and the artifact name."""
        if artifact.get("expired") is True:
            raise not_reviewed(f"{pull.what}: its plan of {self._site} has expired.")
        try:
            plan, digest = await files_of(self._github, artifact, PLAN, DIGEST)
        except OtherDigestError:
            raise _differs(f"{pull.what}: its artifact does not have the digest that GitHub names.") from None
        except DownloadError as failed:
            raise not_reviewed(f"{pull.what}: its plan cannot be had: {failed}.") from None
        if not fits(digest.decode("ascii", "replace"), plan):
            raise _differs(f"{pull.what}: its {PLAN} does not have the digest of {DIGEST}.")
        return plan


def _parts(history: History) -> list[_Part]:
    """What landed, by what brought it; commits of one pull request beside each other are one part."""
    parts: list[_Part] = []
    before = history.before
    for commit, pull in history.landed:
        if parts and pull is not None and parts[-1].pull is pull:
            parts[-1] = _Part(parts[-1].before, commit, pull)
        else:
            parts.append(_Part(before, commit, pull))
        before = commit
    return parts


def _check_merge(part: _Part, pull: Merged) -> None:
    """Raises NotReviewed for a commit that GitHub says a pull request brought, and that is not its merge."""
    if part.last.sha != pull.merge:
        raise not_reviewed(
            f"Commit {part.last.sha[:12]} is no merge of pull request {pull.number}, though it came with it."
        )


def _is_of(bound: BoundTo, pull: Merged, context: Context) -> bool:
    """Whether something says that it is of this pull request."""
    here = bound.repository.lower() == context.repository.lower()
    return here and (bound.pull_request, bound.head) == (pull.number, pull.head)


def _is_before(bound: BoundTo, approved: datetime) -> bool:
    made = moment(bound.made)
    return made is not None and made <= approved


def _of_another(pull: Merged, bound: BoundTo) -> NotReviewed:
    whose = "no pull request" if bound.pull_request is None else f"pull request {bound.pull_request}"
    return not_reviewed(f"{pull.what}: the plan of its last commit is one of {whose}, and not of it.")


def _differs(message: str) -> NotReviewed:
    return NotReviewed(error("reviewed-differs", f"{message} It is not what was reviewed.", PLAN_ANEW))

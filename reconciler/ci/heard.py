"""Whether a schedule was heard of: one that does not run says nothing, and another one has to look.

https://docs.github.com/en/rest/actions/workflows#get-a-workflow (`state`, `created_at`, `updated_at`) and
https://docs.github.com/en/rest/actions/workflow-runs (`conclusion`, `run_started_at`; of a run in which every
job was skipped the conclusion is `skipped`). Not tried against github.com.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.ci.runs import FAILURE, LOOKS, SKIPPED, SUCCESS, jobs_of, runs_of
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import error
from reconciler.transport.errors import RecordNotFound

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.model.diagnostics import Diagnostic

_OFF_BY_HAND = "disabled_manually"
_GOOD = frozenset({SUCCESS, SKIPPED, "neutral"})


@dataclass(frozen=True)
class Watched:
    """A workflow and its newest runs on the default branch; `workflow` is None where there is none.

    `good` are the numbers of runs that failed only because they could not hear of another schedule.
    """

    file: str
    branch: str
    workflow: Mapping[str, Any] | None = None
    runs: Sequence[Mapping[str, Any]] = ()
    good: frozenset[int] = frozenset()


async def find_watched(github: GitHub, context: Context, file: str, since: datetime) -> Watched:
    """Ask for the workflow and its runs. Raises ApiError's subclasses.

    The page does not say in which order runs come; the first hundred are looked at. Only schedules and runs
    by hand count, because a branch of a fork may be called as the default branch is.
    """
    told = context.event.get("repository")
    branch = told.get("default_branch") if isinstance(told, dict) else None
    if not isinstance(branch, str) or not branch:
        branch = str((await github.get("")).get("default_branch"))
    path = f"/actions/workflows/{file}"
    try:
        workflow = await github.get(path)
    except RecordNotFound:
        return Watched(file, branch)
    runs = [
        run
        for run in await runs_of(github, file, (("branch", branch),))
        if run.get("head_branch") == branch
        and run.get("event") in ("schedule", "workflow_dispatch")
        and run.get("id") != context.run_id
    ]
    good = set()
    for run in runs:
        number, began = run.get("id"), _began(run)
        failed = run.get("conclusion") == FAILURE and began is not None and began >= since
        if failed and isinstance(number, int) and _did_its_work(await jobs_of(github, number)):
            good.add(number)
    return Watched(file, branch, workflow, tuple(runs), frozenset(good))


def _did_its_work(jobs: Sequence[tuple[str, str]]) -> bool:
    """Whether nothing failed but the look at another schedule: two that look at each other would stay red."""
    failed = [name for name, conclusion in jobs if conclusion not in _GOOD]
    return bool(failed) and all(name == LOOKS for name in failed)


def judge(
    watched: Watched, now: datetime, hours: int, *, begun: bool = False
) -> tuple[str, Diagnostic | None]:
    """What is to be said, and the error where a schedule that should have been heard of was not.

    With `begun` it is enough that the schedule began a run that came to an end: one that failed has told so.

    Nobody is alarmed where the workflow is not in the repository, was switched off by hand, is younger than
    that or was switched on since, had a run that skipped everything (RECONCILER_WORKFLOWS was not `on`), or
    is under way.
    """
    since, file = now - timedelta(hours=hours), watched.file
    if watched.workflow is None:
        return f"There is no workflow {file} here: nothing to hear of.", None
    if watched.workflow.get("state") == _OFF_BY_HAND:
        return f"{file} was switched off by hand: nothing to hear of.", None
    lately = [run for run in watched.runs if (began := _began(run)) is not None and began >= since]
    if begun and any(_came_to_an_end(run) for run in lately):
        return f"{file} began by its schedule in the last {number_of(hours, 'hour')}.", None
    if not begun and any(run.get("conclusion") == SUCCESS or run.get("id") in watched.good for run in lately):
        return f"{file} has done its work in the last {number_of(hours, 'hour')}.", None
    if any(run.get("conclusion") == SKIPPED for run in lately):
        return f"{file} was not on all of the last {number_of(hours, 'hour')}: nothing to hear of yet.", None
    if any(run.get("status") == "in_progress" for run in lately):
        return f"{file} is under way.", None
    stamps = [_moment(watched.workflow.get(key)) for key in ("created_at", "updated_at")]
    if any(stamp is not None and stamp >= since for stamp in stamps):
        return (
            f"{file} is here, or on, for less than {number_of(hours, 'hour')}: nothing to hear of yet.",
            None,
        )
    return f"{file} was not heard of.", _not_heard(watched, hours, lately)


def _came_to_an_end(run: Mapping[str, Any]) -> bool:
    return run.get("event") == "schedule" and run.get("conclusion") in (SUCCESS, FAILURE)


def _not_heard(watched: Watched, hours: int, lately: Sequence[Mapping[str, Any]]) -> Diagnostic:
    done = [
        began
        for run in watched.runs
        if run.get("conclusion") == SUCCESS and (began := _began(run)) is not None
    ]
    last = f"the last one began {max(done):%Y-%m-%d %H:%M} UTC" if done else "none is known"
    ran = f"{len(lately)} began and did not succeed" if lately else "none began"
    state = watched.workflow.get("state") if watched.workflow else None
    stopped = " GitHub has stopped its schedule." if state == "disabled_inactivity" else ""
    return error(
        "not-heard",
        f"{watched.file} had no successful run on {watched.branch} in the last "
        f"{number_of(hours, 'hour')}: {ran}; of successful ones {last}.{stopped}",
        "Look at it under Actions: switch it on if GitHub stopped it, and run it by hand.",
    )


def _began(run: Mapping[str, Any]) -> datetime | None:
    return _moment(run.get("run_started_at") or run.get("created_at"))


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return None if moment.tzinfo is None else moment

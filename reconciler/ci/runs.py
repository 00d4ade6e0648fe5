"""Runs of workflows and their jobs, by the names that the workflows give them.

https://docs.github.com/en/rest/actions/workflow-jobs#list-jobs-for-a-workflow-run (`name`, `conclusion`;
of the run's latest attempt). Not tried against github.com.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.ci.github import GitHub

#: Conclusions of runs and jobs.
SUCCESS, FAILURE, SKIPPED = "success", "failure", "skipped"
#: The job that looks at another schedule. It makes its own run red and says nothing of what that run is for.
LOOKS = "Look at the other schedule"


def apply_job(site: str) -> str:
    """The name of the job that writes a site."""
    return f"Apply {site}"


async def runs_of(github: GitHub, workflow: str, params: Sequence[tuple[str, str]]) -> list[dict[str, Any]]:
    """The first hundred runs of a workflow's file, in no certain order. Raises ApiError's subclasses."""
    path = f"/actions/workflows/{workflow}/runs"
    runs = (await github.get(path, (*params, ("per_page", "100")))).get("workflow_runs")
    if not isinstance(runs, list) or not all(isinstance(run, dict) for run in runs):
        raise github.bad_answer("GET", path, "the answer has no list of runs")
    return runs


async def all_runs_of(
    github: GitHub, workflow: str, params: Sequence[tuple[str, str]]
) -> list[dict[str, Any]]:
    """Every run of a workflow's file that the parameters leave. Raises ApiError's subclasses."""
    return await github.every(f"/actions/workflows/{workflow}/runs", params, key="workflow_runs")


def run_number(run: Mapping[str, Any]) -> int:
    """How many-eth run of its workflow it is."""
    number = run.get("run_number")
    return number if isinstance(number, int) else 0


async def jobs_of(github: GitHub, run: int) -> list[tuple[str, str]]:
    """Name and conclusion ("" where there is none yet) of each job. Raises ApiError's subclasses."""
    jobs = await github.every(f"/actions/runs/{run}/jobs", key="jobs")
    return [(_own_name(job), str(job.get("conclusion") or "")) for job in jobs]


def _own_name(job: Mapping[str, Any]) -> str:
    """In a workflow that another one calls, the name of the calling job stands before it."""
    return str(job.get("name")).rpartition(" / ")[2]

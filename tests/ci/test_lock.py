"""The lock: one run writes at a time, and a run that is over holds nothing."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.ci.github import connect
from reconciler.ci.lock import LONGEST, Holder, Lock
from reconciler.model.diagnostics import ReconcilerError
from tests.ci.github import API, REPOSITORY, TOKEN, Workflow
from tests.ci.locks import REF, StrictGitHub
from tests.support import VirtualTime

if TYPE_CHECKING:
    from tests.support import Said

ENVIRON = {"GITHUB_TOKEN": TOKEN, "GITHUB_API_URL": API}


@pytest.fixture
def strict(workflow: Workflow) -> StrictGitHub:
    github = StrictGitHub(workflow.github.inner)
    workflow.github = workflow.books.transport = github
    return github


def step(workflow: Workflow, run: int, *arguments: str, attempt: int = 1) -> Said:
    return workflow.ci(*arguments, GITHUB_RUN_ID=str(run), GITHUB_RUN_ATTEMPT=str(attempt))


def test_a_run_takes_the_lock_and_gives_it_back(workflow: Workflow, strict: StrictGitHub) -> None:
    for run in (77, 78):
        strict.starts(run)
        assert step(workflow, run, "lock").out.splitlines()[-1] == f"The lock is held by run {run}."
        assert strict.held_by == {"run": run, "attempt": 1}
        assert step(workflow, run, "unlock").out == "The lock is free.\n"
        assert strict.held_by is None
    assert len(strict.ancestors(strict.refs[REF])) == 4, "each state is on top of the one before it"


def test_the_second_one_waits_for_the_first_and_gives_up_at_last(
    workflow: Workflow, strict: StrictGitHub
) -> None:
    """Of whatever workflow or branch it is."""
    strict.starts(77)
    strict.starts(78)
    assert step(workflow, 77, "lock").code == 0
    said = step(workflow, 78, "lock", "--wait", "2")
    assert said.code == 1
    assert "Waiting for run 77, which writes since 2026-12-01 04:23" in said.out
    assert "lock-held] run 77 still writes after 2 minutes of waiting." in said.err
    assert strict.held_by == {"run": 77, "attempt": 1}
    assert step(workflow, 78, "unlock").out == "The lock was not held by this run.\n"
    assert strict.held_by == {"run": 77, "attempt": 1}


def test_it_is_free_once_the_first_one_gives_it_back(workflow: Workflow, strict: StrictGitHub) -> None:
    strict.starts(77)
    strict.starts(78)
    assert step(workflow, 77, "lock").code == 0
    looks: list[str] = []

    def meanwhile(request: str) -> None:
        looks.append(request)
        if len([one for one in looks if one.endswith("/actions/runs/77")]) == 3:
            strict.ends(77)

    strict.meanwhile = meanwhile
    assert step(workflow, 78, "lock").code == 0
    assert strict.held_by == {"run": 78, "attempt": 1}


@pytest.mark.parametrize("how", ["ended", "deleted", "started again"])
def test_a_run_whose_runner_crashed_holds_nothing_any_more(
    workflow: Workflow, strict: StrictGitHub, how: str
) -> None:
    """Minutes after a runner was lost GitHub ends its job, and nothing gave the lock back."""
    strict.starts(77)
    strict.starts(78)
    assert step(workflow, 77, "lock").code == 0
    if how == "ended":
        strict.ends(77)
    elif how == "deleted":
        del strict.under_way[77]
    else:
        strict.starts(77, attempt=2)
    said = step(workflow, 78, "lock", "--wait", "0")
    assert (said.code, strict.held_by) == (0, {"run": 78, "attempt": 1})
    assert step(workflow, 77, "unlock").out == "The lock was not held by this run.\n"
    assert strict.held_by == {"run": 78, "attempt": 1}, "the crashed one takes nothing back"


def test_no_lock_is_older_than_a_job_may_run_whatever_github_says_of_it(
    workflow: Workflow, strict: StrictGitHub
) -> None:
    strict.starts(77)
    assert step(workflow, 77, "lock").code == 0
    strict.now += LONGEST - timedelta(minutes=1)
    assert step(workflow, 78, "lock", "--wait", "0").code == 1
    strict.now += timedelta(minutes=1)
    assert step(workflow, 78, "lock", "--wait", "0").code == 0


def test_a_second_attempt_takes_the_lock_of_the_first(workflow: Workflow, strict: StrictGitHub) -> None:
    strict.starts(77)
    assert step(workflow, 77, "lock").code == 0
    strict.starts(77, attempt=2)
    assert step(workflow, 77, "lock", "--wait", "0", attempt=2).code == 0
    assert strict.held_by == {"run": 77, "attempt": 2}
    assert step(workflow, 77, "lock", "--wait", "0", attempt=2).code == 0, "it holds it already"


@pytest.mark.parametrize("before", ["nothing", "free", "crashed"])
@pytest.mark.parametrize("many", [2, 5])
def test_of_runs_that_look_at_the_same_moment_one_gets_the_lock(before: str, many: int) -> None:
    """Every request lets the others in between; nobody waits, so that all but one are refused."""
    strict = StrictGitHub(httpx.MockTransport(lambda _: httpx.Response(500)))
    runs = range(1, many + 1)
    for run in (*runs, 99):
        strict.starts(run)

    async def one(run: int, start: int = 0) -> int | None:
        async with connect(ENVIRON, REPOSITORY, transport=strict) as github:
            for _ in range(start):
                await asyncio.sleep(0)
            try:
                await Lock(github, Holder(run, 1)).take(timedelta(0), lambda _: None)
            except ReconcilerError as held:
                return None if held.diagnostics[0].code == "lock-held" else -1
            return run

    async def race(spread: int) -> list[int]:
        strict.refs.pop(REF, None)
        if before != "nothing":
            strict.under_way[99]["status"] = "in_progress"
            await one(99)
            if before == "crashed":
                strict.ends(99)
            else:
                async with connect(ENVIRON, REPOSITORY, transport=strict) as github:
                    assert await Lock(github, Holder(99, 1)).release()
        got = await asyncio.gather(*(one(run, spread * run) for run in runs))
        return [run for run in got if run is not None]

    with asyncio.Runner(loop_factory=VirtualTime) as runner:
        for spread in range(12):
            (winner,) = runner.run(race(spread))
            assert strict.held_by == {"run": winner, "attempt": 1}


@pytest.mark.parametrize("method", ["POST /git/refs", f"PATCH /git/refs/{REF}"])
def test_what_github_refuses_for_a_reason_of_its_own_is_said(
    workflow: Workflow, strict: StrictGitHub, method: str
) -> None:
    """A rule of the repository, for instance, that keeps branches from being made or moved."""
    strict.starts(77)
    if method.startswith("PATCH"):
        assert step(workflow, 77, "lock").code == 0
        assert step(workflow, 77, "unlock").code == 0
    strict.refused[method] = 422
    said = step(workflow, 77, "lock")
    assert (said.code, strict.held_by) == (1, None)
    assert "Resource not accessible by integration" in said.err


def test_a_token_that_may_not_write_is_named(workflow: Workflow, strict: StrictGitHub) -> None:
    strict.refused["POST /git/trees"] = 403
    assert "contents: write" in step(workflow, 77, "lock").err


@pytest.mark.parametrize("message", ["Merge pull request #7", "held by run 77\n\n{}", "held by run 77\n\n[["])
def test_a_commit_that_somebody_pushed_there_is_no_free_lock(
    workflow: Workflow, strict: StrictGitHub, message: str
) -> None:
    strict.starts(77)
    assert step(workflow, 77, "lock").code == 0
    strict.objects[strict.refs[REF]]["message"] = message
    said = step(workflow, 78, "lock")
    assert said.code == 1
    assert "lock-unreadable" in said.err


def test_outside_of_a_workflow_there_is_no_run_that_could_hold_it(workflow: Workflow) -> None:
    said = workflow.ci("lock", GITHUB_RUN_ATTEMPT="")
    assert said.code == 1
    assert "GITHUB_RUN_ATTEMPT" in said.err

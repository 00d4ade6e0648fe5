"""`ci heard`: a schedule that did not run, or failed before it could say anything, is seen by another one."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.ci.runs import LOOKS
from tests.workflows.reader import jobs, workflow

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.support import Said

PATH = "/actions/workflows/usage.yml"


def stamp(workflow: Workflow, hours: float) -> str:
    """So many hours before the site's now, as GitHub writes it."""
    moment = datetime.combine(workflow.books.today, time(10), UTC) - timedelta(hours=hours)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def ran(workflow: Workflow, number: int, hours: float, conclusion: str | None, **more: Any) -> None:
    """A run of usage.yml so many hours ago."""
    run = {
        "id": number,
        "head_branch": "main",
        "event": "schedule",
        "status": "completed",
        "conclusion": conclusion,
        "created_at": stamp(workflow, hours),
        "run_started_at": stamp(workflow, hours),
    }
    workflow.github.answers[f"{PATH}/runs"]["workflow_runs"].append(run | more)


@pytest.fixture
def watched(workflow: Workflow) -> Workflow:
    """usage.yml is there for long and active, and has no run."""
    old = stamp(workflow, 1000)
    workflow.github.answers |= {
        PATH: {"state": "active", "created_at": old, "updated_at": old},
        f"{PATH}/runs": {"workflow_runs": []},
    }
    return workflow


def look(workflow: Workflow) -> Said:
    return workflow.ci("heard", "--workflow", "usage.yml", "--hours", "26")


def test_a_success_within_the_hours_is_heard(watched: Workflow) -> None:
    ran(watched, 1, 25, "success")
    ran(watched, 2, 1, "failure")
    watched.github.answers["/actions/runs/2/jobs"] = {"jobs": [{"name": "Usage", "conclusion": "failure"}]}
    said = look(watched)
    assert (said.code, said.out) == (0, "usage.yml has done its work in the last 26 hours.\n")


def test_silence_is_one_clear_message(watched: Workflow) -> None:
    ran(watched, 1, 27, "success")
    said = look(watched)
    assert said.code == 4
    assert said.out.count("::error title=not-heard::") == 1
    assert "usage.yml had no successful run on main in the last 26 hours: none began" in said.out
    assert f"{stamp(watched, 27)[:10]} {stamp(watched, 27)[11:16]} UTC" in said.out
    assert "usage.yml" in watched.summary.read_text(encoding="utf-8")


@pytest.mark.parametrize("conclusion", ["failure", "startup_failure", "cancelled", "timed_out"])
def test_what_began_and_did_not_succeed_is_silence(watched: Workflow, conclusion: str) -> None:
    ran(watched, 1, 2, conclusion)
    watched.github.answers["/actions/runs/1/jobs"] = {"jobs": []}
    said = look(watched)
    assert said.code == 4
    assert "1 began and did not succeed; of successful ones none is known" in said.out


def test_a_schedule_that_never_ran_is_silence(watched: Workflow) -> None:
    assert look(watched).code == 4


def test_a_schedule_that_github_stopped_is_silence(watched: Workflow) -> None:
    watched.github.answers[PATH]["state"] = "disabled_inactivity"
    said = look(watched)
    assert said.code == 4
    assert "GitHub has stopped its schedule" in said.out


@pytest.mark.parametrize(
    ("told", "why"),
    [
        ({"state": "disabled_manually"}, "switched off by hand"),
        ({"created_at": "now"}, "less than 26 hours"),
        ({"updated_at": "now"}, "less than 26 hours"),
    ],
)
def test_a_first_run_and_a_switch_do_not_alarm(watched: Workflow, told: dict[str, str], why: str) -> None:
    now = stamp(watched, 3)
    watched.github.answers[PATH] |= {key: now if text == "now" else text for key, text in told.items()}
    said = look(watched)
    assert (said.code, why in said.out) == (0, True)


def test_workflows_that_were_off_until_now_do_not_alarm(watched: Workflow) -> None:
    ran(watched, 1, 300, "success")
    ran(watched, 2, 20, "skipped")
    assert look(watched).code == 0
    watched.github.answers[f"{PATH}/runs"]["workflow_runs"].pop()
    ran(watched, 2, 27, "skipped")
    assert look(watched).code == 4, "on for long enough"


def test_a_run_that_is_under_way_does_not_alarm(watched: Workflow) -> None:
    ran(watched, 1, 1, None, status="in_progress")
    assert look(watched).code == 0


def test_a_repository_without_that_workflow_does_not_alarm(workflow: Workflow) -> None:
    said = look(workflow)
    assert (said.code, said.out) == (0, "There is no workflow usage.yml here: nothing to hear of.\n")


@pytest.mark.parametrize(
    "more", [{"head_branch": "other"}, {"event": "pull_request"}, {"id": 77}, {"run_started_at": "soon"}]
)
def test_what_is_no_run_of_the_schedule_does_not_count(watched: Workflow, more: dict[str, Any]) -> None:
    ran(watched, 1, 1, "success", **more)
    assert look(watched).code == 4


@pytest.mark.parametrize(("failed", "code"), [(LOOKS, 0), (f"usage / {LOOKS}", 0), ("Usage of acme", 4)])
def test_two_that_look_at_each_other_do_not_keep_each_other_red(
    watched: Workflow, failed: str, code: int
) -> None:
    ran(watched, 1, 2, "failure")
    jobs = [{"name": "Usage", "conclusion": "success"}, {"name": failed, "conclusion": "failure"}]
    watched.github.answers["/actions/runs/1/jobs"] = {"jobs": jobs}
    assert look(watched).code == code


@pytest.mark.parametrize(
    ("conclusion", "event", "code"),
    [
        ("success", "schedule", 0),
        ("failure", "schedule", 0),
        ("cancelled", "schedule", 4),
        ("startup_failure", "schedule", 4),
        ("success", "workflow_dispatch", 4),
    ],
)
def test_of_one_that_tells_by_itself_it_is_enough_that_its_schedule_began(
    watched: Workflow, conclusion: str, event: str, code: int
) -> None:
    ran(watched, 1, 20, conclusion, event=event)
    watched.github.answers["/actions/runs/1/jobs"] = {"jobs": [{"name": "Ask", "conclusion": conclusion}]}
    said = watched.ci("heard", "--workflow", "usage.yml", "--hours", "26", "--begun")
    assert said.code == code, said.out


def test_a_month_end_that_did_not_begin_is_missed_on_its_day_and_never_before() -> None:
    """Its last run of a month and the first of the next are 27 days apart, whatever the month."""
    crons = [one["cron"].split() for one in workflow("month-end")["on"]["schedule"]]
    assert [cron[2] for cron in crons] == ["27", "28-31"]
    minute, hour, *_ = workflow("drift")["on"]["schedule"][0]["cron"].split()
    (looked,) = [
        int(step.run.split()[6])
        for job in jobs("drift")
        for step in job.steps
        if "heard --workflow month-end.yml" in step.run
    ]
    for month in range(1, 25):
        first = datetime(
            2026 + month // 12, month % 12 + 1, 1, int(crons[0][1]), int(crons[0][0]), tzinfo=UTC
        )
        last_run = first - timedelta(days=1)
        looks = first.replace(day=27, hour=int(hour), minute=int(minute))
        assert looks - timedelta(days=1) - last_run < timedelta(hours=looked) < looks - last_run


def test_a_name_that_is_no_file_of_a_workflow_asks_nobody(workflow: Workflow) -> None:
    assert workflow.ci("heard", "--workflow", "../usage.yml", "--hours", "26").code == 64
    assert not workflow.github.requests


def test_one_hour_is_one_hour(watched: Workflow) -> None:
    said = watched.ci("heard", "--workflow", "usage.yml", "--hours", "1")
    assert "had no successful run on main in the last 1 hour: none began" in said.out

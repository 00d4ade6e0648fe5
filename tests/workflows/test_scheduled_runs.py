"""The steps of drift.yml, month-end.yml and usage.yml in order, over a real repository, against the sandbox.

GitHub is the stand-in of tests/ci; nothing here was tried against github.com.
"""

from __future__ import annotations

import json

import pytest

from tests.ci.merges import document
from tests.ci.store import bytes_of
from tests.support import status
from tests.workflows.project import Project, told
from tests.workflows.reader import workflow


@pytest.mark.slow
def test_drift_after_a_change_by_hand_opens_an_issue_that_is_closed_again(project: Project) -> None:
    ran = project.scheduled("drift", "plan", "issue")
    assert not any(one.failed for one in ran.values()), told(ran)
    assert not project.site.github.issues
    notes = project.books.item("MSP-EP")["notes"]
    project.books.item("MSP-EP")["notes"] = ""
    ran = project.scheduled("drift", "plan", "issue")
    assert not any(one.failed for one in ran.values()), told(ran)
    (issue,) = project.site.github.issues
    assert issue["state"] == "open"
    assert "EP-MSP" in issue["body"]
    project.books.item("MSP-EP")["notes"] = notes
    ran = project.scheduled("drift", "plan", "issue")
    assert not any(one.failed for one in ran.values()), told(ran)
    (issue,) = project.site.github.issues
    assert issue["state"] == "closed"
    assert not project.books.writes


@pytest.mark.slow
def test_a_month_that_is_not_ready_is_proposed_all_the_same_and_told(project: Project) -> None:
    ran = project.scheduled("month-end", "freeze", "ask", "open", "notify")
    assert ran["freeze"].codes["Be red where the answer is no, so that it is told"] == 1, told(ran)
    assert not ran["ask"].codes, "that is for the days after"
    assert not ran["open"].failed, told(ran)
    assert set(project.messages()) == {"teams", "slack", "email"}
    (pull,) = project.site.github.pulls
    assert pull["head"]["ref"] == "month-end/mappings/2026-11"
    files = project.site.github.files("month-end/mappings/2026-11")
    plan = document(bytes_of(files["month-end/mappings/2026-11/plan.json.gz"]))
    assert plan["formatVersion"]
    (status,) = project.github.statuses
    assert (status["context"], status["sha"]) == ("Plan", pull["head"]["sha"]), "what main requires"
    assert not project.books.writes


@pytest.mark.slow
def test_a_month_that_is_ready_fails_nothing(project: Project) -> None:
    ran = project.scheduled("usage", "usage")
    assert not any(one.failed for one in ran.values()), told(ran)
    assert project.books.writes
    ran = project.scheduled("month-end", "freeze", "ask", "open", "notify")
    assert not any(one.failed for one in ran.values()), told(ran)
    assert project.site.github.pulls[0]["title"].endswith(": ready")
    assert not project.messages()


@pytest.mark.slow
def test_until_the_invoices_are_made_it_is_asked_every_day_and_a_no_is_told(project: Project) -> None:
    project.scheduled("usage", "usage")
    later = "37 6 28-31 * *"
    assert {"cron": later} in workflow("month-end")["on"]["schedule"]
    ran = project.scheduled("month-end", "freeze", "ask", "open", "notify", schedule=later)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert ran["ask"].codes["Ask whether the invoices may be made"] == 0
    assert not ran["freeze"].codes, "what was frozen stays frozen"
    assert not project.messages()
    for line in project.books.world.tables["additions"].values():
        line |= {
            "quantity": 30.0,
            "_info": {"updatedBy": "sampleadmin", "lastUpdated": "2026-11-29T10:00:00Z"},
        }
    ran = project.scheduled("month-end", "freeze", "ask", "open", "notify", schedule=later)
    assert ran["ask"].codes["Ask whether the invoices may be made"] == 4, told(ran)
    sent = project.messages()
    assert sent["email"]["subject"] == "alder/mappings: Invoices must wait. Not ready, or nobody could tell"
    assert sent["email"]["link"] == "https://github.com/alder/mappings/actions/runs/77"
    assert not project.site.github.pulls


@pytest.mark.slow
def test_drift_sees_that_usage_is_silent(project: Project) -> None:
    old = "2026-01-05T09:00:00Z"
    project.site.github.answers |= {
        "/actions/workflows/usage.yml": {"state": "active", "created_at": old, "updated_at": old},
        "/actions/workflows/usage.yml/runs": {"workflow_runs": []},
    }
    ran = project.scheduled("drift", "heard", "notify")
    assert ran["heard"].codes["Look whether usage was heard of"] == 4, told(ran)
    assert "::error title=not-heard::" in ran["heard"].said
    assert set(ran["notify"].codes) >= {"Tell that the other schedule is silent"}
    assert "Tell" not in ran["notify"].codes, "its own work was done"
    assert project.messages()["slack"]["text"] == "alder/mappings: Another schedule is silent"


@pytest.mark.slow
def test_a_webhook_that_refuses_keeps_nothing_else_from_being_told(project: Project) -> None:
    old = "2026-01-05T09:00:00Z"
    project.site.github.answers |= {
        "/actions/workflows/usage.yml": {"state": "active", "created_at": old, "updated_at": old},
        "/actions/workflows/usage.yml/runs": {"workflow_runs": []},
    }
    project.site.github.webhooks["teams.invalid"] = 410
    project.books.break_("GET", "/finance/agreements", status(500))
    ran = project.scheduled("drift", "plan", "heard", "notify")
    assert ran["plan"].failed
    assert ran["notify"].codes["Tell"] == 1
    assert ran["notify"].codes["Tell that the other schedule is silent"] == 1
    posts = [
        json.loads(one.content) for one in project.site.github.requests if one.url.host == "slack.invalid"
    ]
    assert [one["text"].partition(": ")[2] for one in posts] == [
        "Nobody looked for drift",
        "Another schedule is silent",
    ]


@pytest.mark.slow
def test_a_usage_run_that_leaves_a_line_to_people_has_done_its_work(project: Project) -> None:
    project.books.customer("Birch", ep=(10, 10, 90))
    project.push("one more customer")
    ran = project.scheduled("usage", "usage", "notify")
    assert not any(one.failed for one in ran.values()), told(ran)
    assert len(project.books.writes) == 1, "Alder's line"
    assert "Left to people: 1 decision." in ran["usage"].said
    assert not project.messages()
    project.books.forget()
    project.books.break_("PATCH", "/additions/*", status(400))
    project.books.world.addition(1)["quantity"] = 10.0
    ran = project.scheduled("usage", "usage", "notify")
    assert ran["usage"].codes["Write the quantities"] == 4, told(ran)
    assert set(project.messages()) == {"teams", "slack", "email"}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "wanted"),
    [("usage", ["usage"]), ("month-end", ["freeze", "open"]), ("drift", ["plan", "issue"])],
)
def test_an_old_run_that_is_started_again_writes_nothing_that_main_has_changed(
    project: Project, name: str, wanted: list[str]
) -> None:
    """A hold was merged since."""
    old = project.git("rev-parse", "main")
    hold = "holds:\n  - {customer: Alder, product: MSP-EP, reason: theirs, expires: 2026-12-31}\n"
    project.push("a hold", hold)
    project.books.item("MSP-EP")["notes"] = ""  # which is drift
    ran = project.scheduled(name, *wanted, commit=old)
    last = ran[wanted[-1]]
    assert last.codes["Stop where main has gone on"] == 5, told(ran)
    assert "::error title=old-commit::" in last.said
    assert not project.books.writes
    assert not project.github.pulls
    assert not project.github.issues


@pytest.mark.slow
@pytest.mark.parametrize("name", ["usage", "month-end", "drift"])
def test_a_copy_without_rows_does_nothing_and_alarms_nobody(project: Project, name: str) -> None:
    """The schedules of a copy of this repository run before its first row is there."""
    project.git("rm", "--quiet", "-r", "mappings")
    project.git("commit", "--quiet", "--message", "as it comes from the template")
    own = {"usage": ["usage"], "month-end": ["freeze", "ask", "open"], "drift": ["plan", "issue"]}[name]
    ran = project.scheduled(name, *own, "notify")
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "No rows yet" in ran["sites"].said
    assert not any(ran[job].codes for job in (*own, "notify"))
    assert not project.books.requests

"""The steps of drift.yml, month-end.yml and usage.yml in order, over a real repository, against the sandbox.

GitHub is the stand-in of tests/ci; nothing here was tried against github.com.
"""

from __future__ import annotations

import json

import pytest

from tests.workflows.project import Project, told


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
    ran = project.scheduled("month-end", "freeze", "open")
    assert ran["freeze"].codes["Be red where the answer is no, so that it is told"] == 1, told(ran)
    assert not ran["open"].failed, told(ran)
    (pull,) = project.site.github.pulls
    assert pull["head"] == "month-end/mappings/2026-11"
    files = project.site.github.files("month-end/mappings/2026-11")
    plan = json.loads(files["month-end/mappings/2026-11/plan.json"])
    assert plan["formatVersion"]
    assert not project.books.writes


@pytest.mark.slow
def test_a_month_that_is_ready_fails_nothing(project: Project) -> None:
    ran = project.scheduled("usage", "usage")
    assert not any(one.failed for one in ran.values()), told(ran)
    assert project.books.writes
    ran = project.scheduled("month-end", "freeze", "open")
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "ready" in project.site.github.pulls[0]["title"]


@pytest.mark.slow
def test_drift_sees_that_usage_is_silent(project: Project) -> None:
    old = "2026-01-05T09:00:00Z"
    project.site.github.answers |= {
        "/actions/workflows/usage.yml": {"state": "active", "created_at": old, "updated_at": old},
        "/actions/workflows/usage.yml/runs": {"workflow_runs": []},
    }
    ran = project.scheduled("drift", "heard")
    assert ran["heard"].codes["Look whether it was heard of"] == 4, told(ran)
    assert "::error title=not-heard::" in ran["heard"].said

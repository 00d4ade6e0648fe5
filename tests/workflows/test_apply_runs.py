"""The steps of apply.yml in order, after those of plan.yml.

GitHub is the stand-in of tests/ci; nothing here was tried against github.com.
"""

from __future__ import annotations

import gzip

import pytest

from tests.ci.merges import LATER, OPENED
from tests.workflows.project import Project, told


@pytest.mark.slow
def test_a_merge_writes_what_was_reviewed_and_nothing_that_waits_anyway(project: Project) -> None:
    head = project.propose()
    project.plan(head)
    project.merge(head)
    ran = project.apply(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "EM-MSP" in project.books.notes("MSP-EM")
    assert not [write for write in project.books.writes if "additions" in write]


@pytest.mark.slow
def test_a_plan_that_is_not_what_was_reviewed_writes_nothing(project: Project) -> None:
    head = project.propose()
    project.plan(head)
    plan = project.runner.artifacts["plan-mappings"] / "plan.json.gz"
    plan.write_bytes(gzip.compress(gzip.decompress(plan.read_bytes()).replace(b"MSP-EM", b"MSP-SV")))
    project.merge(head)
    ran = project.apply(head)
    assert ran["apply"].codes == ran["apply"].codes | {"Find the reviewed plans": 5}
    assert "Apply what was reviewed" not in ran["apply"].codes
    assert not project.books.writes


@pytest.mark.slow
def test_one_apply_does_the_work_of_three_merges(project: Project) -> None:
    """While an apply ran, three were merged: GitHub kept the run of the last one only."""
    heads = []
    for extra in ("", "MSP-EM: {price: 1.25}", "MSP-EM: {price: 1.25, cost: 0.5}"):
        heads.append(project.propose(extra=f"products:\n  {extra}\n" if extra else ""))
        project.plan(heads[-1])
        project.merge(heads[-1])
    ran = project.apply(heads[-1])
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "EM-MSP" in project.books.notes("MSP-EM")
    assert (project.books.item("MSP-EM")["price"], project.books.item("MSP-EM")["cost"]) == (1.25, 0.5)
    assert not [write for write in project.books.writes if "additions" in write]


@pytest.mark.slow
def test_where_somebody_else_moved_the_plan_nothing_is_written(project: Project) -> None:
    head = project.propose(extra="products:\n  MSP-EM: {price: 1.25}\n")
    project.plan(head)
    project.merge(head)
    project.books.item("MSP-EM")["price"] = 1.2
    ran = project.apply(head)
    assert ran["apply"].codes["Apply what was reviewed"] == 5, told(ran)
    assert not project.books.writes


@pytest.mark.slow
def test_a_month_that_was_approved_is_written(project: Project) -> None:
    project.scheduled("month-end", "freeze", "open")
    head = project.merge_month("month-end/mappings/2026-11")
    assert not project.books.writes
    ran = project.apply(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert [write for write in project.books.writes if "additions" in write], told(ran)


@pytest.mark.slow
def test_what_was_refused_is_written_once_a_month_end_by_hand_is_merged(project: Project) -> None:
    head = project.propose(extra="products:\n  MSP-EM: {price: 1.25}\n")
    project.plan(head)
    project.merge(head)
    project.books.item("MSP-EM")["price"] = 1.2
    refused = project.apply(head)
    assert refused["apply"].codes["Apply what was reviewed"] == 5, told(refused)
    project.failed(head)
    project.books.environ["GITHUB_EVENT_NAME"] = "workflow_dispatch"
    project.scheduled("month-end", "freeze", "open")
    ran = project.apply(project.merge_month("month-end/mappings/2026-11"))
    assert not any(one.failed for one in ran.values()), told(ran)
    assert project.books.item("MSP-EM")["price"] == 1.25
    assert "EM-MSP" in project.books.notes("MSP-EM")


@pytest.mark.slow
def test_a_line_that_waits_anyway_fails_no_apply(project: Project) -> None:
    project.books.customer("Birch", ep=(10, 10, 90))
    project.base = project.before = project.commit("one more customer")
    head = project.propose()
    project.plan(head)
    project.merge(head)
    ran = project.apply(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "Left to people: 1 decision." in ran["apply"].said
    assert "EM-MSP" in project.books.notes("MSP-EM")


@pytest.mark.slow
def test_what_was_reviewed_and_is_held_back_by_now_makes_the_run_red(project: Project) -> None:
    head = project.propose()
    project.plan(head)
    project.merge(head)
    project.books.item("MSP-EM")["notes"] = "[sophos:lab X]"
    ran = project.apply(head)
    assert ran["apply"].codes["Apply what was reviewed"] == 4, told(ran)
    assert "Reviewed, and not written: it waits" in ran["apply"].said


def second(project: Project, head: str) -> None:
    """Another pull request of the same last commit, against another base: its run is the newer one."""
    project.keep(7, "plan-mappings", "plan-unchanged")
    ours = project.github.kept[7]
    base, project.base = project.base, project.git("commit-tree", f"{project.base}^{{tree}}", "-m", "other")
    event = project.event(head)
    project.git("branch", "other", project.base)
    event["pull_request"] |= {"number": 50, "base": {"ref": "other", "sha": project.base}}
    ran = project.plan(head, event)
    assert not any(one.failed for one in ran.values()), told(ran)
    project.base = base
    project.merge(head)
    project.github.runs["plan.yml"].append(project.ran(50, head, "pull_request", "change"))
    project.keep(50, "plan-mappings", "plan-unchanged")
    project.github.kept[7] = ours


@pytest.mark.slow
def test_another_pull_request_of_the_same_commit_takes_no_place(project: Project) -> None:
    head = project.propose()
    project.plan(head)
    second(project, head)
    ran = project.apply(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "EM-MSP" in project.books.notes("MSP-EM")


@pytest.mark.slow
def test_the_plan_of_another_pull_request_of_the_same_commit_writes_nothing(project: Project) -> None:
    head = project.propose()
    project.plan(head)
    second(project, head)
    project.github.kept[7] = []
    ran = project.apply(head)
    assert ran["apply"].codes["Find the reviewed plans"] == 5, told(ran)
    assert "is one of pull request 50" in ran["apply"].said
    assert not project.books.writes


@pytest.mark.slow
def test_a_plan_that_was_made_after_the_merge_writes_nothing(project: Project) -> None:
    """Its run was cancelled, and started again once the pull request was merged."""
    head = project.propose()
    project.plan(head)
    project.merge(head)
    for entry in project.github.kept[7]:
        entry["created_at"] = LATER
    ran = project.apply(head)
    assert ran["apply"].codes["Find the reviewed plans"] == 5, told(ran)
    assert "was made after it was approved" in ran["apply"].said
    assert not project.books.writes


@pytest.mark.slow
def test_a_persons_branch_with_a_months_name_writes_nothing(project: Project) -> None:
    """Its plan is the very one that the workflow froze; its pull request is not the workflow's."""
    project.scheduled("month-end", "freeze", "open")
    head = project.merge_month("month-end/mappings/2026-11")
    project.github.pulls[0]["user"] = OPENED
    ran = project.apply(head)
    assert ran["apply"].codes["Find the reviewed plans"] == 5, told(ran)
    assert "a person opened it" in ran["apply"].said
    assert not project.books.writes


@pytest.mark.slow
def test_a_push_past_review_writes_nothing(project: Project) -> None:
    """However it is called: nobody proposed it."""
    project.books.mapped["EM-MSP"] = "{product: MSP-EM, sync: true}"
    head = project.push("month-end/mappings/2026-11")
    project.github.runs["apply.yml"] = []
    ran = project.apply(head)
    assert ran["apply"].codes["Find the reviewed plans"] == 5, told(ran)
    assert "came by no pull request" in ran["apply"].said
    assert not project.books.writes


@pytest.mark.slow
def test_an_old_apply_that_is_started_again_writes_nothing(project: Project) -> None:
    head = project.propose()
    project.plan(head)
    project.merge(head)
    hold = "holds:\n  - {customer: Alder, product: MSP-EP, reason: theirs, expires: 2026-12-31}\n"
    project.push("a hold", hold)
    ran = project.apply(head)
    assert ran["apply"].codes["Stop where main has gone on"] == 5, told(ran)
    assert not project.books.writes

"""`ci reviewed` and `ci standing`: what was approved, and which problems are new."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.ci.github import BLOBS, sha256, zipped
from tests.ci.merges import MERGES, month_end, refuse, run

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.ci.merges import Merges


def test_three_merges_during_one_apply_give_all_three_plans(merges: Merges) -> None:
    said = merges.reviewed()
    assert said.code == 0, said.out + said.err
    assert merges.fetched == {f"pull-{n}-{str(n) * 12}.json": merges.plans[n] for n in (7, 8, 9)}
    assert merges.workflow.output.read_text(encoding="utf-8") == "plans=3\n"
    hosts = {request.url.host for request in merges.github.requests}
    assert hosts == {"api.github.invalid", BLOBS}


def test_several_commits_of_one_pull_request_are_one_plan(merges: Merges) -> None:
    for commit in MERGES.values():
        merges.github.answers[f"/commits/{commit}/pulls"] = merges.github.answers[
            f"/commits/{MERGES[7]}/pulls"
        ]
    assert merges.reviewed().code == 0
    assert list(merges.fetched) == ["pull-7-777777777777.json"]


def test_an_artifact_with_another_digest_is_refused(merges: Merges) -> None:
    merges.artifacts(9)[1]["digest"] = f"sha256:{'0' * 64}"
    refuse(merges, "reviewed-differs")


def test_a_plan_with_another_digest_is_refused(merges: Merges) -> None:
    digest = f"{sha256(merges.plans[8])}  plan.json\n".encode()
    merges.upload(9, zipped(plan_json=merges.plans[9], digest_txt=digest))
    refuse(merges, "reviewed-differs")


def test_a_plan_that_was_edited_and_signed_again_is_refused(merges: Merges) -> None:
    plan = json.loads(merges.plans[9])
    plan["changes"][0]["fields"][0]["after"] = "1"
    content = json.dumps(plan).encode()
    merges.upload(9, zipped(plan_json=content, digest_txt=f"{sha256(content)}  plan.json\n".encode()))
    refuse(merges, "not-reviewed")


@pytest.mark.parametrize("content", [b"no archive", zipped(plan_json=b"{}")])
def test_an_archive_that_is_none_is_refused(merges: Merges, content: bytes) -> None:
    merges.upload(9, content)
    refuse(merges, "not-reviewed")


def test_an_expired_plan_is_refused(merges: Merges) -> None:
    merges.artifacts(8)[1]["expired"] = True
    refuse(merges, "not-reviewed")


def test_a_plan_run_of_a_fork_is_not_believed(merges: Merges) -> None:
    for one in merges.runs():
        if one["head_sha"] == "8" * 40:
            one["head_repository"] = {"full_name": "mallory/mappings"}
    refuse(merges, "not-reviewed")


def test_a_push_past_review_is_refused_where_it_touches_the_site(merges: Merges) -> None:
    merges.github.answers[f"/commits/{MERGES[8]}/pulls"] = []
    refuse(merges, "not-reviewed")
    merges.github.answers[f"/commits/{MERGES[8]}"] = {"files": [{"filename": "README.md"}]}
    assert merges.reviewed().code == 0
    assert [name[:6] for name in merges.fetched] == ["pull-7", "pull-9"]


def test_a_run_that_found_nothing_to_plan_needs_no_plan(merges: Merges) -> None:
    merges.github.answers["/actions/runs/80/artifacts"] = {"artifacts": []}
    assert merges.reviewed().code == 0
    assert [name[:6] for name in merges.fetched] == ["pull-7", "pull-9"]


def test_a_run_that_failed_without_a_plan_is_refused(merges: Merges) -> None:
    merges.github.answers["/actions/runs/80/artifacts"] = {"artifacts": []}
    merges.runs().append(run(800, "8" * 40, conclusion="failure", id=80))
    refuse(merges, "not-reviewed")


def test_a_months_plan_is_reviewed_by_its_pull_request(merges: Merges) -> None:
    month_end(merges, merges.plans[8])
    assert merges.reviewed().code == 0
    assert merges.fetched["pull-8-888888888888.json"] == merges.plans[8]
    assert "GET /actions/runs/80/artifacts" not in merges.github.asked


def test_a_months_plan_with_another_digest_is_refused(merges: Merges) -> None:
    month_end(merges, merges.plans[8], digest="5" * 40)
    refuse(merges, "reviewed-differs")


def test_a_months_pull_request_without_a_plan_is_refused(merges: Merges) -> None:
    month_end(merges, merges.plans[8])
    merges.github.answers[f"/commits/{MERGES[8]}"]["files"][0]["status"] = "removed"
    refuse(merges, "not-reviewed")


def test_old_plans_in_the_folder_are_not_added_to(merges: Merges) -> None:
    assert merges.reviewed().code == 0
    assert merges.reviewed().code == 64


def test_new_problems_fail_and_standing_ones_do_not(workflow: Workflow) -> None:
    workflow.books.customer("Doubtful", ep=(10, 10, 900))
    workflow.books.live()
    base = workflow.plan("base.json")
    said = workflow.ci("standing", str(base), "--base-plan", str(base))
    assert said.code == 0, said.out
    assert "0 new problems, 1 without this change" in said.out
    assert "Problems without this change too: 1" in workflow.summary.read_text(encoding="utf-8")
    workflow.books.customer("Another", ep=(10, 10, 800))
    workflow.books.live()
    plan = workflow.plan()
    said = workflow.ci("standing", str(plan), "--base-plan", str(base))
    assert said.code == 4
    assert "New: Another" in said.out
    assert "New: Doubtful" not in said.out


def test_a_new_problem_of_everything_fails(workflow: Workflow) -> None:
    base = workflow.plan("base.json")
    workflow.books.world.add_tenant("Zero")
    workflow.books.customer("Gone", ep=(10, 10, 0))
    workflow.books.live()
    plan = workflow.plan()
    said = workflow.ci("standing", str(plan), "--base-plan", str(base))
    assert said.code == 4
    assert "New: guard-feed-incomplete" in said.out
    assert workflow.ci("standing", str(plan), "--base-plan", str(plan)).code == 0

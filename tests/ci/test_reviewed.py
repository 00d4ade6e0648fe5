"""`ci reviewed` and `ci standing`: what was approved, and which problems are new."""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import pytest

from tests.ci.github import BLOBS, sha256, zipped
from tests.ci.merges import MERGES, archive, document, refuse

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.ci.merges import Merges


def test_three_merges_during_one_apply_give_all_three_plans(merges: Merges) -> None:
    said = merges.reviewed()
    assert said.code == 0, said.out + said.err
    assert merges.fetched == {f"pull-{n}-{str(n) * 12}.json.gz": merges.plans[n] for n in (7, 8, 9)}
    assert merges.workflow.output.read_text(encoding="utf-8") == "plans=3\n"
    summary = merges.workflow.summary.read_text(encoding="utf-8")
    for number, plan in merges.plans.items():
        assert f"- pull request {number}: {document(plan)['hash']}\n" in summary
    hosts = {request.url.host for request in merges.github.requests}
    assert hosts == {"api.github.invalid", BLOBS}


def test_several_commits_of_one_pull_request_are_one_plan(merges: Merges) -> None:
    """It was rebased: three commits, of which the last one is its merge."""
    for commit in MERGES.values():
        merges.github.brought[commit] = [9]
    assert merges.reviewed().code == 0
    assert list(merges.fetched) == ["pull-9-999999999999.json.gz"]


def test_what_stands_on_the_other_side_of_a_merge_came_by_it(merges: Merges) -> None:
    merges.store.commits[MERGES[9]] = (merges.store.commit(MERGES[9])[0], (MERGES[8], "9" * 40))
    merges.github.brought["9" * 40] = [9]
    assert merges.reviewed().code == 0
    assert len(merges.fetched) == 3


def test_an_artifact_with_another_digest_is_refused(merges: Merges) -> None:
    merges.artifact(9)["digest"] = f"sha256:{'0' * 64}"
    refuse(merges, "reviewed-differs")


def test_a_plan_with_another_digest_is_refused(merges: Merges) -> None:
    digest = f"{sha256(merges.plans[8])}  plan.json.gz\n".encode()
    merges.upload(9, zipped(plan_json_gz=merges.plans[9], digest_txt=digest))
    refuse(merges, "reviewed-differs")


def test_a_plan_that_was_edited_and_signed_again_is_refused(merges: Merges) -> None:
    text = gzip.decompress(merges.plans[9])
    for key in (b'"hash":"sha256:', b'"configHash":"', b'"today":"', b'"tool":"'):
        edited = text.replace(key, key + b"0", 1)
        assert edited != text
        merges.upload(9, archive(gzip.compress(edited)))
        refuse(merges, "not-reviewed")


@pytest.mark.parametrize("content", [b"no archive", zipped(plan_json_gz=b"{}")])
def test_an_archive_that_is_none_is_refused(merges: Merges, content: bytes) -> None:
    merges.upload(9, content)
    refuse(merges, "not-reviewed")


@pytest.mark.parametrize(
    "content", [b"{}", b"[", b"[]", b'{"boundTo": {}}', b'{"boundTo": {"repository": 1}}']
)
def test_a_plan_that_says_nothing_of_what_it_is_of_is_refused(merges: Merges, content: bytes) -> None:
    for given in (content, gzip.compress(content)):
        merges.upload(9, archive(given))
        refuse(merges, "not-reviewed", "does not say what it is a plan of")


def test_an_expired_plan_is_refused(merges: Merges) -> None:
    merges.artifact(8)["expired"] = True
    refuse(merges, "not-reviewed", "has expired")


def test_a_plan_run_of_a_fork_is_not_believed(merges: Merges) -> None:
    for one in merges.runs():
        if one["head_sha"] == "8" * 40:
            one["head_repository"] = {"full_name": "mallory/mappings"}
    refuse(merges, "not-reviewed", "never ran for it in this repository")


def test_a_push_past_review_is_refused_where_it_touches_the_site(merges: Merges) -> None:
    merges.github.brought[MERGES[8]] = []
    refuse(merges, "not-reviewed", "came by no pull request")
    merges.store.put(merges.store.of(MERGES[7]) | {"README.md": "y"}, MERGES[7], sha=MERGES[8])
    assert merges.reviewed().code == 0
    assert [name[:6] for name in merges.fetched] == ["pull-7", "pull-9"]


def test_a_commit_that_only_says_it_came_with_a_pull_request_is_refused(merges: Merges) -> None:
    """A commit of its branch was pushed to the default branch after it was merged."""
    merges.github.brought[MERGES[8]] = [7]
    refuse(merges, "not-reviewed", "is no merge of pull request 7")


def test_a_run_that_found_nothing_to_plan_needs_no_plan(merges: Merges) -> None:
    merges.unchanged(8, "other", "mappings")
    assert merges.reviewed().code == 0
    assert [name[:6] for name in merges.fetched] == ["pull-7", "pull-9"]


def test_a_run_that_ended_without_a_plan_is_refused(merges: Merges) -> None:
    merges.github.kept[80] = []
    refuse(merges, "not-reviewed", "made a plan of mappings for it")
    merges.unchanged(8, "other")
    refuse(merges, "not-reviewed", "made a plan of mappings for it")
    merges.unchanged(8, "mappings")
    merges.store.put({**merges.store.of(MERGES[8]), "mappings/more.yaml": "more"}, MERGES[7], sha=MERGES[8])
    refuse(merges, "not-reviewed", "made a plan of mappings for it")


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

"""`ci bind` and `ci reviewed`: nothing takes the place of the plan that was approved."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.ci.artifact import PLAN
from tests.ci.github import BOT, HEAD, zipped
from tests.ci.merges import LATER, MERGES, MONTH, OPENED, archive, document, packed, refuse, run
from tests.ci.store import text_of

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.ci.merges import Merges

EARLIER = "2026-11-27T09:00:00Z"


def test_a_plan_says_what_it_is_a_plan_of_and_its_hash_covers_that(merges: Merges) -> None:
    plan = document(merges.plans[9])
    bound = plan["boundTo"]
    assert (bound["repository"], bound["pullRequest"]) == ("alder/mappings", 9)
    assert (bound["base"], bound["head"]) == (MERGES[8], "9" * 40)
    assert bound["tree"] == merges.store.commit(MERGES[9])[0]
    assert bound["mappings"] == merges.store.tree({"mappings.yaml": "9"})
    assert bound["made"] == "2026-11-27T10:00:00Z"
    for key, other in (("pullRequest", 8), ("mappings", "0" * 40), ("made", "2026-11-27T08:00:00Z")):
        path = merges.workflow.root / "edited.json"
        text = gzip.decompress(merges.plans[9]).decode()
        path.write_text(text.replace(json.dumps(bound[key]), json.dumps(other), 1), encoding="utf-8")
        assert "plan-damaged" in merges.workflow.run("show", str(path)).err, key


def test_a_commit_that_is_no_merge_of_the_pull_request_is_bound_to_nothing(workflow: Workflow) -> None:
    plan = workflow.plan()
    before = plan.read_bytes()
    workflow.pull_request()
    said = workflow.ci("bind", str(plan))
    assert said.code == 1
    assert f"{HEAD[:12]} is no merge of the head of pull request 7" in said.err
    assert plan.read_bytes() == before


def second(merges: Merges, number: int = 9) -> None:
    """Another pull request has the same last commit, against another base; its run is the newest."""
    head = f"{number}" * 40
    merges.github.pulls.append({**merges.github.pull(number), "number": 50, "base": {"ref": "release"}})
    base = merges.store.put({"mappings/mappings.yaml": "release"})
    plan = merges.plan(50, head, base)
    merges.runs().append(run(990, head))
    merges.keep(990, archive(plan), "plan-mappings", created_at="2026-11-27T10:30:00Z")


def test_the_plan_of_another_pull_request_with_the_same_head_is_not_taken(merges: Merges) -> None:
    second(merges)
    assert merges.reviewed().code == 0
    assert merges.fetched["pull-9-999999999999.json.gz"] == merges.plans[9]


def test_the_plan_of_another_pull_request_alone_is_refused(merges: Merges) -> None:
    second(merges)
    merges.github.kept[90] = []
    refuse(merges, "not-reviewed", "is one of pull request 50, and not of it")


def test_what_another_pull_request_leaves_as_it_was_says_nothing_of_this_one(merges: Merges) -> None:
    second(merges)
    bound = document(merges.plans[9])["boundTo"] | {"pullRequest": 50}
    content = json.dumps({"boundTo": bound, "sites": {"mappings": bound["mappings"]}}).encode()
    merges.keep(990, zipped(unchanged_json=content), "plan-unchanged")
    merges.github.kept[90] = []
    refuse(merges, "not-reviewed", "is one of pull request 50, and not of it")


def test_a_plan_made_after_the_approval_is_refused(merges: Merges) -> None:
    """A run was cancelled and started again, or somebody started it again: GitHub's clock decides."""
    merges.artifact(8)["created_at"] = LATER
    refuse(merges, "not-reviewed", "was made after it was approved")


def test_a_plan_that_says_itself_it_came_too_late_is_refused(merges: Merges) -> None:
    merges.github.reviews[8][0]["submitted_at"] = EARLIER
    merges.artifact(8)["created_at"] = EARLIER
    refuse(merges, "not-reviewed", "was made after it was approved")


def test_an_older_plan_counts_where_a_newer_one_came_too_late(merges: Merges) -> None:
    merges.runs().append(run(801, "8" * 40))
    merges.keep(801, archive(merges.plan(8, "8" * 40, MERGES[7])), "plan-mappings", created_at=LATER)
    assert merges.reviewed().code == 0
    assert merges.fetched["pull-8-888888888888.json.gz"] == merges.plans[8]


def test_a_plan_of_other_mappings_than_were_merged_is_refused(merges: Merges) -> None:
    """Something else was merged after it was planned, and its branch was not brought up to date."""
    merges.store.put({**merges.files, "mappings/holds.yaml": "new"}, MERGES[8], sha=MERGES[9])
    refuse(merges, "not-reviewed", "was merged as other mappings than its plan is of")


def test_what_was_merged_meanwhile_elsewhere_is_no_matter(merges: Merges) -> None:
    merges.store.put({**merges.files, "README.md": "new"}, MERGES[8], sha=MERGES[9])
    assert merges.reviewed().code == 0


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"state": "DISMISSED"}, "its approval was dismissed"),
        ({"state": "CHANGES_REQUESTED"}, "changes were asked for"),
        ({"state": "COMMENTED"}, "nobody approved it"),
        ({"commit_id": "7" * 40}, "approved before its last push"),
        ({"commit_id": None}, "approved before its last push"),
        ({"submitted_at": LATER}, "approved after it was merged"),
        ({"submitted_at": None}, "approved after it was merged"),
        ({"user": OPENED}, "who approved it opened it or pushed to it last"),
        ({"user": BOT | {"id": 9}}, "a program approved it"),
        ({"user": None}, "nobody approved it"),
        ({"user": {"id": 5, "login": "reader", "type": "User"}}, "may not write to this repository"),
    ],
)
def test_an_approval_that_does_not_count_is_none(merges: Merges, more: dict[str, Any], says: str) -> None:
    merges.github.rights = {"reader": "read"}
    merges.github.reviews[9][0] |= more
    refuse(merges, "not-reviewed", says)


def test_an_approval_of_an_account_that_is_gone_is_none(merges: Merges) -> None:
    merges.github.refused["GET /collaborators/person-2/permission"] = 404
    refuse(merges, "not-reviewed", "may not write to this repository")


@pytest.mark.parametrize("other", [{"repository": 1}, {"pullRequest": "9"}, {"made": None}, {"more": "x"}])
def test_a_plan_that_says_it_in_another_form_says_nothing(merges: Merges, other: dict[str, Any]) -> None:
    plan = document(merges.plans[9])
    plan["boundTo"] |= other
    merges.upload(9, archive(packed(plan)))
    refuse(merges, "not-reviewed", "does not say what it is a plan of")


def test_an_approval_by_who_pushed_last_is_none(merges: Merges) -> None:
    for one in merges.runs():
        one["actor"] = merges.github.reviews[9][0]["user"]
    refuse(merges, "not-reviewed", "opened it or pushed to it last")


def test_the_last_word_of_a_person_counts(merges: Merges) -> None:
    merges.approve(9, state="CHANGES_REQUESTED")
    merges.approve(9, state="COMMENTED")
    refuse(merges, "not-reviewed", "changes were asked for")
    merges.approve(9)
    assert merges.reviewed().code == 0


def test_where_the_merge_is_the_approval_a_plan_has_to_be_older_than_it(merges: Merges) -> None:
    merges.github.reviews.clear()
    refuse(merges, "not-reviewed", "nobody approved it")
    assert merges.reviewed(RECONCILER_REVIEW="merge").code == 0
    (merges.workflow.root / "within").rename(merges.workflow.root / "before")
    merges.artifact(9)["created_at"] = LATER
    said = merges.reviewed(RECONCILER_REVIEW="merge")
    assert said.code == 5
    assert "was made after it was approved" in said.out


def test_a_months_plan_is_reviewed_by_its_pull_request(merges: Merges) -> None:
    merges.month(base=MERGES[8])
    assert merges.reviewed().code == 0
    assert merges.fetched == {"pull-9-999999999999.json.gz": merges.plans[9]}


def test_a_plan_that_a_pull_request_s_own_workflows_made_is_refused(merges: Merges) -> None:
    files = merges.store.of(MERGES[9]) | {".github/workflows/plan.yml": "mine"}
    merges.store.put(files, MERGES[8], sha=MERGES[9])
    refuse(merges, "not-reviewed", "changes mappings and .github/ at once")


def test_a_persons_branch_with_the_name_and_the_plan_of_a_month_is_refused(merges: Merges) -> None:
    pull = merges.month(base=MERGES[8])
    pull["user"] = OPENED
    pull["head"]["ref"] = MONTH
    refuse(merges, "not-reviewed", "a person opened it")


def test_a_plan_that_no_run_made_is_refused_whoever_opened_the_pull_request(merges: Merges) -> None:
    merges.month(base=MERGES[8])
    merges.keep(300, zipped(plan_json_gz=merges.plans[7]), "month-end-mappings")
    refuse(merges, "not-reviewed", "is not one that month-end.yml made")


@pytest.mark.parametrize(
    "other",
    [
        {"head_branch": "mine"},
        {"event": "push"},
        {"head_sha": "0" * 39 + "1"},
        {"head_repository": {"full_name": "mallory/mappings"}},
    ],
)
def test_a_run_of_something_else_makes_no_months_plan(merges: Merges, other: dict[str, Any]) -> None:
    merges.month(base=MERGES[8])
    merges.github.runs["month-end.yml"][0] |= other
    refuse(merges, "not-reviewed", "is not one that month-end.yml made")


def test_a_months_plan_of_a_commit_that_is_not_below_its_merge_is_refused(merges: Merges) -> None:
    aside = merges.store.put(merges.store.of(MERGES[8]), MERGES[8])
    merges.month(base=aside)
    refuse(merges, "not-reviewed", "lacks")


def test_a_months_pull_request_that_changes_mappings_too_is_refused(merges: Merges) -> None:
    merges.month(base=MERGES[8])
    files = merges.store.of(MERGES[9]) | {"mappings/holds.yaml": "more"}
    merges.store.put(files, MERGES[8], sha=MERGES[9])
    refuse(merges, "not-reviewed", "changes other files too")


def test_a_months_plan_that_nobody_approved_is_refused(merges: Merges) -> None:
    merges.month(base=MERGES[8])
    merges.github.reviews[9][0]["commit_id"] = "8" * 40
    refuse(merges, "not-reviewed", "approved before its last push")
    merges.github.reviews[9][0] |= {"commit_id": "9" * 40, "submitted_at": EARLIER}
    refuse(merges, "not-reviewed", "was made after it was approved")


def test_a_push_that_brings_a_months_plan_is_refused(merges: Merges) -> None:
    """Its commit has the very plan that a run made, and no pull request."""
    merges.month(base=MERGES[8])
    merges.github.brought[MERGES[9]] = []
    refuse(merges, "not-reviewed", "brings a frozen plan of mappings and came by no pull request")


def test_a_push_does_not_pass_under_the_name_of_a_months_branch(merges: Merges) -> None:
    """A merged pull request of such a branch covers nothing that it does not bring a plan of."""
    merges.github.brought[MERGES[8]] = []
    merges.github.pull(9)["head"]["ref"] = MONTH
    refuse(merges, "not-reviewed", "came by no pull request")


def test_two_months_in_one_pull_request_are_refused(merges: Merges) -> None:
    merges.month(base=MERGES[8])
    files = merges.store.of(MERGES[9]) | {f"{MONTH}-2/{PLAN}": text_of(merges.plans[9])}
    merges.store.put(files, MERGES[8], sha=MERGES[9])
    refuse(merges, "not-reviewed", "brought no plan.json.gz of one month")

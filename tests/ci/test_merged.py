"""`ci reviewed`: which commits wait for a site, and what stands for plans that nobody reviewed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ci.github import HEAD
from tests.ci.merges import MERGES, refuse, run

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.ci.merges import Merges

FAILED = "2" * 40


def fetched(merges: Merges) -> list[str]:
    """The pull requests of the plans that the step fetched."""
    said = merges.reviewed()
    assert said.code == 0, said.out + said.err
    return [name[:6] for name in merges.fetched]


def test_the_first_apply_takes_what_was_pushed(merges: Merges) -> None:
    merges.applies()
    assert fetched(merges) == ["pull-9"]


def test_a_commit_that_was_applied_is_applied_as_it_was_reviewed(merges: Merges) -> None:
    merges.applies(run(40, MERGES[9], event="push", head_branch="main"))
    assert fetched(merges) == ["pull-9"]


@pytest.mark.parametrize("job", ["Apply mappings", "apply / Apply mappings"])
def test_a_site_that_was_written_is_not_held_up_by_another_one(merges: Merges, job: str) -> None:
    merges.jobs(41, **{"Sites": "success", "Apply other": "failure", job: "success"})
    merges.store.commits[FAILED] = merges.store.commits[MERGES[7]]
    tree, _ = merges.store.commit(MERGES[8])
    merges.store.commits[MERGES[8]] = (tree, (FAILED,))
    assert fetched(merges) == ["pull-8", "pull-9"]


def test_a_site_that_failed_is_not_carried_by_another_one(merges: Merges) -> None:
    merges.jobs(41, **{"Apply other": "success", "Apply mappings": "failure"})
    assert fetched(merges) == ["pull-7", "pull-8", "pull-9"]


def test_where_no_run_ever_succeeded_nothing_since_the_first_one_is_forgotten(merges: Merges) -> None:
    merges.applies(
        run(40, "e" * 40, event="push", head_branch="main", conclusion="skipped"),
        run(42, MERGES[8], event="push", head_branch="main", conclusion="failure"),
        run(41, MERGES[7], event="push", head_branch="main", conclusion="failure"),
    )
    merges.jobs(42, **{"Apply mappings": "failure"})
    assert fetched(merges) == ["pull-7", "pull-8", "pull-9"]


def test_an_older_run_that_is_started_again_says_so(merges: Merges) -> None:
    later = merges.store.put(merges.files, MERGES[9], sha="f" * 40)
    merges.applies(run(40, later, event="push", head_branch="main"))
    refuse(merges, "not-reviewed", "bbbbbbbbbbbb is older than ffffffffffff, which was applied already")


def test_the_base_of_a_pull_request_is_the_first_parent_of_its_merge(workflow: Workflow) -> None:
    workflow.github.answers[f"/commits/{HEAD}"] = {"parents": [{"sha": "c" * 40}, {"sha": "d" * 40}]}
    assert workflow.ci("base").code == 0
    assert workflow.output.read_text(encoding="utf-8") == f"base={'c' * 40}\n"


@pytest.mark.parametrize("answer", [{"parents": []}, {}, {"parents": [{"sha": "main"}]}])
def test_a_commit_without_a_parent_is_no_pull_request_s(
    workflow: Workflow, answer: dict[str, object]
) -> None:
    workflow.github.answers[f"/commits/{HEAD}"] = answer
    assert workflow.ci("base").code == 1
    assert not workflow.output.exists()
    assert workflow.ci("base", GITHUB_SHA="").code == 1


def test_the_history_of_another_parent_is_no_straight_line(merges: Merges) -> None:
    """Somebody merged the default branch into theirs and pushed that as the default branch."""
    merges.store.put({"mappings/mappings.yaml": "pushed"}, sha="e" * 40)
    tree, _ = merges.store.commit(MERGES[9])
    merges.store.commits[MERGES[9]] = (tree, ("e" * 40, MERGES[8]))
    refuse(merges, "not-reviewed", "does not follow 111111111111")


def test_a_plan_of_everything_stands_for_what_came_without_review(merges: Merges) -> None:
    merges.github.brought[MERGES[8]] = []
    refuse(merges, "not-reviewed")
    merges.month(base=MERGES[8])
    assert fetched(merges) == ["pull-9"]


def test_what_was_merged_beside_a_plan_of_everything_needs_its_own(merges: Merges) -> None:
    merges.month(base=MERGES[7])
    assert fetched(merges) == ["pull-8", "pull-9"]
    merges.artifact(8)["expired"] = True
    (merges.workflow.root / "within").rename(merges.workflow.root / "before")
    refuse(merges, "not-reviewed")


def test_a_rewritten_history_is_refused_until_a_plan_of_everything_is_merged(merges: Merges) -> None:
    merges.store.put({"README.md": "another beginning"}, sha="e" * 40)
    merges.applies(run(40, "e" * 40, event="push", head_branch="main"))
    refuse(merges, "not-reviewed", "the history was rewritten")
    merges.month(base=MERGES[8])
    assert fetched(merges) == ["pull-9"]

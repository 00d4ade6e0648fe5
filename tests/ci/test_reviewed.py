"""`ci reviewed` and `ci standing`: what was approved, and which problems are new."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.ci.github import BLOBS, REPOSITORY, sha256, zipped

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.support import Said

APPLIED = "1" * 40
MERGES = {7: "c" * 40, 8: "d" * 40, 9: "b" * 40}


class Merges:
    """Pull requests 7, 8 and 9 were merged since the last successful apply."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow, self.github = workflow, workflow.github
        self.plans: dict[int, bytes] = {}
        self.event = {"repository": {"default_branch": "main"}, "before": "0" * 40}
        workflow.event(**self.event)
        runs = [
            run(40, APPLIED, event="push", head_branch="main"),
            run(41, "2" * 40, event="push", head_branch="main", conclusion="failure"),
            run(42, "3" * 40, event="pull_request", head_branch="main"),
            run(77, MERGES[9], event="push", head_branch="main"),
        ]
        self.github.answers["/actions/workflows/apply.yml/runs"] = {"workflow_runs": runs}
        self.compare = {
            "status": "ahead",
            "total_commits": 3,
            "commits": [{"sha": sha} for sha in MERGES.values()],
        }
        self.github.answers[f"/compare/{APPLIED}...{MERGES[9]}"] = self.compare
        for number, commit in MERGES.items():
            self.merge(number, commit)

    def merge(self, number: int, commit: str) -> None:
        """One pull request with its plan run and artifact."""
        head = f"{number}" * 40
        pull = {"number": number, "merged_at": "2026-11-26", "base": {"ref": "main"}, "head": {"sha": head}}
        other = {**pull, "number": 99, "merged_at": None}
        self.github.answers[f"/commits/{commit}/pulls"] = [other, pull]
        self.github.answers[f"/commits/{commit}"] = {"files": [{"filename": "mappings/mappings.yaml"}]}
        self.workflow.books.customer(f"Customer {number}", ep=(10, 10, 12))
        self.workflow.books.live()
        plan = self.plans[number] = self.workflow.plan().read_bytes()
        self.runs().append(run(number * 10 - 1, head, conclusion="failure"))
        self.runs().append(run(number * 10, head))
        self.upload(number, zipped(plan_json=plan, digest_txt=f"{sha256(plan)}  plan.json\n".encode()))

    def runs(self) -> list[dict[str, Any]]:
        """All runs of plan.yml."""
        found = self.github.answers.setdefault("/actions/workflows/plan.yml/runs", {"workflow_runs": []})
        runs: list[dict[str, Any]] = found["workflow_runs"]
        return runs

    def upload(self, number: int, content: bytes) -> None:
        """The artifact of a pull request's plan run."""
        self.github.artifacts[number] = content
        entry = {
            "id": number,
            "name": "plan-mappings",
            "digest": f"sha256:{sha256(content)}",
            "expired": False,
        }
        old = {**entry, "id": number - 5}
        self.github.answers[f"/actions/runs/{number * 10}/artifacts"] = {
            "artifacts": [old, entry, {**entry, "id": 999, "name": "plan-other"}]
        }

    def artifacts(self, number: int) -> list[dict[str, Any]]:
        """The entries of these."""
        found: list[dict[str, Any]] = self.github.answers[f"/actions/runs/{number * 10}/artifacts"][
            "artifacts"
        ]
        return found

    def reviewed(self, **environ: str) -> Said:
        """The step, with everything that it fetched in `fetched`."""
        out = self.workflow.root / "within"
        environ = {"GITHUB_SHA": MERGES[9]} | environ
        said = self.workflow.ci("reviewed", "--site", "mappings", "--out", str(out), **environ)
        self.fetched = {path.name: path.read_bytes() for path in sorted(out.iterdir())}
        assert "sig=secret" not in said.out + said.err
        return said


def run(number: int, head: str, **values: Any) -> dict[str, Any]:
    """A run of a workflow."""
    return {
        "id": number,
        "run_number": number,
        "head_sha": head,
        "event": "pull_request",
        "conclusion": "success",
        "head_branch": "change",
        "head_repository": {"full_name": REPOSITORY},
        **values,
    }


@pytest.fixture
def merges(workflow: Workflow) -> Merges:
    return Merges(workflow)


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


def refuse(merges: Merges, code: str) -> None:
    said = merges.reviewed()
    assert said.code == 5, said.out + said.err
    assert f"::error title={code}::" in said.out
    assert merges.fetched == {}, "all of them or none"


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


def test_a_rewritten_history_is_refused(merges: Merges) -> None:
    merges.compare["status"] = "diverged"
    refuse(merges, "not-reviewed")


def test_the_first_apply_takes_what_was_pushed(merges: Merges) -> None:
    merges.github.answers["/actions/workflows/apply.yml/runs"] = {"workflow_runs": []}
    assert merges.reviewed().code == 0
    assert [name[:6] for name in merges.fetched] == ["pull-9"]


def test_a_commit_that_was_applied_is_applied_as_it_was_reviewed(merges: Merges) -> None:
    runs = [run(40, MERGES[9], event="push", head_branch="main")]
    merges.github.answers["/actions/workflows/apply.yml/runs"] = {"workflow_runs": runs}
    assert merges.reviewed().code == 0
    assert [name[:6] for name in merges.fetched] == ["pull-9"]


def month_end(merges: Merges, content: bytes, digest: str | None = None) -> None:
    """Pull request 8 is a month's."""
    commit = MERGES[8]
    sha = digest or hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    merges.github.answers[f"/commits/{commit}/pulls"][1]["head"]["ref"] = "month-end/mappings/2026-11"
    files = [
        {"filename": f"month-end/mappings/2026-11/{name}.json", "sha": sha} for name in ("plan", "ready")
    ]
    files[1]["sha"] = "0" * 39 + "1"
    merges.github.answers[f"/commits/{commit}"] = {"files": files}
    blob = {"content": base64.encodebytes(content).decode(), "encoding": "base64"}
    merges.github.answers[f"/git/blobs/{sha}"] = blob


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

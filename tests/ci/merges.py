"""Three merged pull requests that wait to be applied, as the stand-in of GitHub tells of them."""

from __future__ import annotations

import base64
import hashlib
from typing import TYPE_CHECKING, Any

from tests.ci.github import REPOSITORY, sha256, zipped

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
        self.applies(*runs)
        self.jobs(41, **{"Apply mappings": "failure"})
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

    def applies(self, *runs: dict[str, Any]) -> None:
        """All runs of apply.yml."""
        self.github.answers["/actions/workflows/apply.yml/runs"] = {"workflow_runs": list(runs)}

    def jobs(self, number: int, **conclusions: str) -> None:
        """The jobs of a run."""
        jobs = [{"name": name, "conclusion": conclusion} for name, conclusion in conclusions.items()]
        self.github.answers[f"/actions/runs/{number}/jobs"] = {"jobs": jobs}

    def since(self, before: str, *commits: str) -> None:
        """What lies between a commit and the one that is applied."""
        told = {"status": "ahead", "total_commits": len(commits), "commits": [{"sha": c} for c in commits]}
        self.github.answers[f"/compare/{before}...{MERGES[9]}"] = told

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
        self.said = said.out + said.err
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


def refuse(merges: Merges, code: str) -> None:
    said = merges.reviewed()
    assert said.code == 5, said.out + said.err
    assert f"::error title={code}::" in said.out
    assert merges.fetched == {}, "all of them or none"


def month_end(merges: Merges, content: bytes, digest: str | None = None, number: int = 8) -> None:
    """A pull request is a month's."""
    commit = MERGES[number]
    merges.github.answers[f"/pulls/{number}/commits"] = []
    sha = digest or hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
    merges.github.answers[f"/commits/{commit}/pulls"][1]["head"]["ref"] = "month-end/mappings/2026-11"
    files = [
        {"filename": f"month-end/mappings/2026-11/{name}.json", "sha": sha} for name in ("plan", "ready")
    ]
    files[1]["sha"] = "0" * 39 + "1"
    merges.github.answers[f"/commits/{commit}"] = {"files": files}
    blob = {"content": base64.encodebytes(content).decode(), "encoding": "base64"}
    merges.github.answers[f"/git/blobs/{sha}"] = blob

"""Three merged pull requests that wait to be applied, as the stand-in of GitHub tells of them."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

from reconciler.ci.artifact import PLAN
from reconciler.model.plan_text import sealed
from tests.ci.github import BOT, REPOSITORY, sha256, zipped
from tests.ci.store import text_of

if TYPE_CHECKING:
    from tests.ci.github import Workflow
    from tests.support import Said

APPLIED = "1" * 40
MERGES = {7: "c" * 40, 8: "d" * 40, 9: "b" * 40}
#: Plans are made at ten o'clock: the day that the site's clock stands still at.
DAY = "2026-11-27"
MADE, APPROVED, MERGED, LATER = (f"{DAY}T{time}:00Z" for time in ("10:05", "11:00", "12:00", "13:00"))
OPENED, APPROVES = ({"id": number, "login": f"person-{number}", "type": "User"} for number in (1, 2))
MONTH = "month-end/mappings/2026-11"


class Merges:
    """Pull requests 7, 8 and 9 were merged since the last successful apply."""

    def __init__(self, workflow: Workflow) -> None:
        self.workflow, self.github, self.store = workflow, workflow.github, workflow.github.store
        self.plans: dict[int, bytes] = {}
        workflow.event(repository={"default_branch": "main"}, before="0" * 40)
        self.applies(
            run(40, APPLIED, event="push", head_branch="main"),
            run(41, "2" * 40, event="push", head_branch="main", conclusion="failure"),
            run(42, "3" * 40, event="pull_request", head_branch="main"),
            run(77, MERGES[9], event="push", head_branch="main"),
        )
        self.jobs(41, **{"Apply mappings": "failure"})
        self.files = {"README.md": "x", "mappings/mappings.yaml": "0"}
        self.store.put(self.files, sha=APPLIED)
        self.tip = APPLIED
        self.runs().clear()
        for number, commit in MERGES.items():
            self.merge(number, commit)

    def merge(self, number: int, commit: str) -> None:
        """One pull request with its plan run, its artifact, its approval and its merge."""
        head, base = f"{number}" * 40, self.tip
        self.files = {**self.files, "mappings/mappings.yaml": f"{number}"}
        self.store.put(self.files, base, sha=head)
        self.land(commit, number)
        self.pull(number, head, merge_commit_sha=commit)
        self.workflow.books.customer(f"Customer {number}", ep=(10, 10, 12))
        self.workflow.books.live()
        self.plans[number] = self.plan(number, head, base)
        self.runs().append(run(number * 10 - 1, head, conclusion="failure"))
        self.runs().append(run(number * 10, head))
        self.github.kept[number * 10] = []
        self.upload(number, archive(self.plans[number]))
        self.approve(number)

    def land(self, commit: str, *numbers: int) -> None:
        """One more commit of the default branch, as a squashed pull request or as a push."""
        self.store.put(self.files, self.tip, sha=commit)
        self.github.brought[commit] = list(numbers)
        self.tip = self.github.refs["heads/main"] = commit

    def pull(self, number: int, head: str, **more: Any) -> dict[str, Any]:
        """A merged pull request, and one with the same last commit that nobody merged."""
        pull = {
            "number": number,
            "user": OPENED,
            "merged_at": MERGED,
            "base": {"ref": "main"},
            "head": {"sha": head, "ref": f"change-{number}"},
            **more,
        }
        other = {**pull, "number": number + 90, "merged_at": None, "merge_commit_sha": None}
        self.github.pulls += [other, pull]
        for brought in self.github.brought.values():
            if brought == [number]:
                brought[:] = [number + 90, number]
        return pull

    def plan(self, number: int | None, head: str, base: str) -> bytes:
        """The plan that a run makes of the merge of a head into a base, or of a commit without a number."""
        before = (self.workflow.root / "event.json").read_text(encoding="utf-8")
        commit = head
        if number is not None:
            self.workflow.event(pull_request={"number": number, "head": {"sha": head}})
            commit = self.store.put(self.store.of(head), base, head)
        path = self.workflow.plan()
        said = self.workflow.ci("bind", str(path), GITHUB_SHA=commit)
        assert said.code == 0, said.err
        (self.workflow.root / "event.json").write_text(before, encoding="utf-8")
        return path.read_bytes()

    def applies(self, *runs: dict[str, Any]) -> None:
        """All runs of apply.yml."""
        self.github.runs["apply.yml"] = list(runs)

    def jobs(self, number: int, **conclusions: str) -> None:
        """The jobs of a run."""
        jobs = [{"name": name, "conclusion": conclusion} for name, conclusion in conclusions.items()]
        self.github.answers[f"/actions/runs/{number}/jobs"] = {"jobs": jobs}

    def runs(self) -> list[dict[str, Any]]:
        """All runs of plan.yml."""
        return self.github.runs.setdefault("plan.yml", [])

    def upload(self, number: int, content: bytes, name: str = "plan-mappings", **more: Any) -> None:
        """An artifact of a pull request's plan run; it takes the place of one of the same name."""
        self.keep(number * 10, content, name, **more)

    def keep(self, ran: int, content: bytes, name: str, **more: Any) -> dict[str, Any]:
        """An artifact of a run."""
        kept = [one for one in self.github.kept.setdefault(ran, []) if one["name"] != name]
        number = 1000 + len(self.github.artifacts)
        self.github.artifacts[number] = content
        told = {"digest": f"sha256:{sha256(content)}", "expired": False, "created_at": MADE}
        kept.append({"id": number, "name": name, **told, **more})
        self.github.kept[ran] = kept
        return kept[-1]

    def artifact(self, number: int) -> dict[str, Any]:
        """The entry of the plan of a pull request."""
        (found,) = [one for one in self.github.kept[number * 10] if one["name"] == "plan-mappings"]
        return found

    def approve(self, number: int, **more: Any) -> dict[str, Any]:
        """One more review of a pull request."""
        review = {
            "user": APPROVES,
            "state": "APPROVED",
            "commit_id": f"{number}" * 40,
            "submitted_at": APPROVED,
            **more,
        }
        self.github.reviews.setdefault(number, []).append(review)
        return review

    def unchanged(self, number: int, *sites: str) -> None:
        """The plan run of a pull request found nothing to plan for these sites."""
        bound = document(self.plans[number])["boundTo"]
        content = json.dumps({"boundTo": bound, "sites": dict.fromkeys(sites, bound["mappings"])}).encode()
        self.github.kept[number * 10] = []
        self.upload(number, zipped(unchanged_json=content), name="plan-unchanged")

    def month(self, base: str, number: int = 9, **more: Any) -> dict[str, Any]:
        """Pull request 9 is a month's, of everything that waited at a commit; it is merged last."""
        commit = MERGES[number]
        plan = self.plans[number] = self.plan(None, base, base)
        self.github.runs["month-end.yml"] = [run(300, base, event="schedule", head_branch="main")]
        self.keep(300, zipped(plan_json_gz=plan), "month-end-mappings")
        (before,) = self.store.commit(commit)[1]
        files = self.store.of(before) | {
            f"{MONTH}/{name}": text for name, text in ((PLAN, text_of(plan)), ("ready.json", "{}"))
        }
        self.store.put(files, before, sha=commit)
        self.github.pulls = [one for one in self.github.pulls if one["number"] % 90 != number]
        return self.pull(number, f"{number}" * 40, user=BOT, merge_commit_sha=commit, **more)

    def reviewed(self, **environ: str) -> Said:
        """The step, with everything that it fetched in `fetched`."""
        out = self.workflow.root / "within"
        environ = {"GITHUB_SHA": MERGES[9]} | environ
        said = self.workflow.ci("reviewed", "--site", "mappings", "--out", str(out), **environ)
        self.said = said.out + said.err
        self.fetched = {path.name: path.read_bytes() for path in sorted(out.iterdir())}
        assert "sig=secret" not in said.out + said.err
        return said


def document(plan: bytes) -> dict[str, Any]:
    """What a packed plan says."""
    found: dict[str, Any] = json.loads(gzip.decompress(plan))
    return found


def packed(plan: dict[str, Any]) -> bytes:
    """A plan's file, with the hash that it has to have."""
    return gzip.compress("".join(sealed(plan)).encode(), mtime=0)


def archive(plan: bytes) -> bytes:
    """The artifact of a plan."""
    return zipped(plan_json_gz=plan, digest_txt=f"{sha256(plan)}  plan.json.gz\n".encode())


def run(number: int, head: str, **values: Any) -> dict[str, Any]:
    """A run of a workflow."""
    return {
        "id": number,
        "run_number": number,
        "head_sha": head,
        "event": "pull_request",
        "conclusion": "success",
        "head_branch": "change",
        "actor": OPENED,
        "head_repository": {"full_name": REPOSITORY},
        **values,
    }


def refuse(merges: Merges, code: str, says: str = "") -> None:
    said = merges.reviewed()
    assert said.code == 5, said.out + said.err
    assert f"::error title={code}::" in said.out
    assert says in said.out
    assert "run the month-end workflow by hand" in said.out.lower()
    assert merges.fetched == {}, "all of them or none"

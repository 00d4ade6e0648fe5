"""A repository with mappings, its pull requests, and the workflows on it in the order in which they run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from tests.ci.github import Workflow, sha256, zipped
from tests.ci.merges import APPROVED, APPROVES, MADE, MERGED, OPENED
from tests.ci.store import bytes_of
from tests.workflows.reader import ROOT
from tests.workflows.runner import HOOKS, Ran, Runner

if TYPE_CHECKING:
    from pathlib import Path

SITE = {"site": "mappings", "path": "mappings", "environment": "production"}


class Project:
    """A repository with mappings and a pull request, and the workflows on it."""

    def __init__(self, root: Path) -> None:
        self.root, self.folder = root, root / "repository"
        (root / "site").mkdir()
        self.site = Workflow(root / "site")
        self.books = self.site.books
        self.books.customer("Alder", ep=(10, 10, 12))
        self.books.product("em", tagged=False)
        self.folder.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        action = self.folder / ".github" / "actions"
        shutil.copytree(ROOT / ".github" / "actions", action)
        (self.folder / ".env").write_text("CONNECTWISE_URL=https://elsewhere.example\n", encoding="utf-8")
        del self.books.mapped["EM-MSP"]
        self.base = self.before = self.commit("base")
        self.number = 7
        self.github = self.site.github
        self.github.store.real = self.folder
        self.github.refs["heads/main"] = self.base
        self.runner = Runner(self.site, self.folder, root / "runner")
        self.site.github.webhooks = {f"{name}.invalid": 200 for name in HOOKS}

    def git(self, *arguments: str) -> str:
        told = dict(os.environ) | {"GIT_CONFIG_GLOBAL": os.devnull}
        told |= {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
        done = subprocess.run(
            ["git", *arguments], cwd=self.folder, env=told, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, message: str, extra: str = "") -> str:
        """The site's folder as it is now, as a commit."""
        self.books.live(extra)
        shutil.copytree(self.books.folder, self.folder / "mappings", dirs_exist_ok=True)
        self.git("add", "--all", "--force")
        self.git("commit", "--quiet", "--message", message)
        return self.git("rev-parse", "HEAD")

    def push(self, message: str, extra: str = "") -> str:
        """One more commit of the default branch."""
        self.github.refs["heads/main"] = self.commit(message, extra)
        return self.github.refs["heads/main"]

    def propose(self, *, product: str = "MSP-EM", extra: str = "") -> str:
        """One more commit of the pull request: a row for EM-MSP."""
        self.books.mapped["EM-MSP"] = f"{{product: {product}, sync: true}}"
        return self.commit("map EM-MSP", extra)

    def event(self, head: str) -> dict[str, Any]:
        repository = {"full_name": "alder/mappings", "default_branch": "main"}
        pull = {
            "number": self.number,
            "user": OPENED,
            "base": {"ref": "main", "sha": self.before},
            "head": {"sha": head, "repo": repository},
        }
        return {"number": self.number, "pull_request": pull, "repository": repository}

    def plan(self, head: str, event: dict[str, Any] | None = None) -> dict[str, Ran]:
        """The jobs of plan.yml, in order, of the commit that GitHub makes of base and head."""
        merge = self.git("commit-tree", f"{head}^{{tree}}", "-p", self.base, "-p", head, "-m", "merge")
        self.git("update-ref", "refs/pull/7/merge", merge)
        event, github = event or self.event(head), {"sha": merge, "repository": "alder/mappings"}
        told = event["pull_request"]
        self.github.heads[told["number"]] = told["head"]["sha"]
        done = {"sites": self.runner.job("plan", "sites", event, github=github)}
        needs: dict[str, Any] = {"sites": need(done["sites"])}
        for entry in json.loads(done["sites"].outputs["sites"] or "[]"):
            done["plan"] = self.runner.job(
                "plan", "plan", event, github=github, needs=needs, matrix={"site": entry}
            )
            needs["plan"] = need(done["plan"])
        for name in ("comment", "result"):
            done[name] = self.runner.job("plan", name, event, github=github, needs=needs)
        return done

    def merge(self, head: str) -> None:
        """GitHub knows of the merge, of the plan run, of its artifacts and of the approval.

        The next change is based on it.
        """
        run = self.ran(self.number, head, "pull_request", "change")
        self.github.runs.setdefault("plan.yml", []).append(run)
        self.keep(self.number, "plan-mappings", "plan-unchanged")
        pull = {"number": self.number, "user": OPENED, "base": {"ref": "main"}}
        pull["head"] = {"sha": head, "ref": "change"}
        self.github.pulls.append(pull)
        self.landed(pull, head)
        self.number += 1

    def landed(self, pull: dict[str, Any], head: str) -> None:
        """A pull request was approved and merged as the commits that follow on the last one."""
        number = pull["number"]
        pull |= {"state": "closed", "merged_at": MERGED, "merge_commit_sha": head}
        approval = {"state": "APPROVED", "commit_id": pull["head"]["sha"], "submitted_at": APPROVED}
        self.github.reviews[number] = [approval | {"user": APPROVES}]
        for commit in self.git("rev-list", f"{self.base}..{head}").split():
            self.github.brought[commit] = [number]
        self.base = self.github.refs["heads/main"] = head
        self.github.runs.setdefault("apply.yml", [])

    def ran(self, number: int, head: str, event: str, branch: str) -> dict[str, Any]:
        """A run of a workflow."""
        return {
            "id": number,
            "run_number": number,
            "head_sha": head,
            "head_branch": branch,
            "event": event,
            "head_repository": {"full_name": "alder/mappings"},
            "conclusion": "success",
            "actor": OPENED,
        }

    def keep(self, run: int, *names: str) -> None:
        """GitHub keeps the artifacts of a run that has just been here."""
        kept = self.github.kept[run] = []
        for folder in (self.runner.artifacts[name] for name in names if name in self.runner.artifacts):
            files = {file.name.replace(".", "_"): file for file in folder.iterdir() if file.is_file()}
            archive = zipped(**{name: file.read_bytes() for name, file in files.items()})
            number = len(self.github.artifacts) + 1
            self.github.artifacts[number] = archive
            told = {"digest": f"sha256:{sha256(archive)}", "expired": False, "created_at": MADE}
            kept.append({"id": number, "name": folder.name, **told})

    def merge_month(self, branch: str) -> str:
        """A month's pull request is merged as one commit of the files that the branch has."""
        began = self.git("rev-parse", "HEAD")
        (self.folder / branch).mkdir(parents=True)
        for name, content in self.github.files(branch).items():
            if name.startswith(branch):
                (self.folder / name).write_bytes(bytes_of(content))
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", branch)
        head = self.git("rev-parse", "HEAD")
        self.github.runs["month-end.yml"] = [self.ran(300, began, "workflow_dispatch", "main")]
        self.keep(300, "month-end-mappings")
        (pull,) = [one for one in self.github.pulls if one["head"].get("ref") == branch]
        self.landed(pull, head)
        return head

    def failed(self, head: str) -> None:
        """The run of apply at a commit, the first of this repository, did not succeed."""
        self.github.runs["apply.yml"] = [self.ran(70, head, "push", "main") | {"conclusion": "failure"}]
        jobs = [{"name": "Apply mappings", "conclusion": "failure"}]
        self.github.answers["/actions/runs/70/jobs"] = {"jobs": jobs}

    def apply(self, head: str) -> dict[str, Ran]:
        """The jobs of apply.yml, in order."""
        event = {"before": self.before, "after": head, "repository": {"default_branch": "main"}}
        github = {"sha": head, "ref": "refs/heads/main"}
        done = {"sites": self.runner.job("apply", "sites", event, github=github)}
        needs = {"sites": need(done["sites"])}
        done["apply"] = self.runner.job(
            "apply", "apply", event, github=github, needs=needs, matrix={"site": SITE}
        )
        return done

    def scheduled(
        self, workflow: str, *names: str, schedule: str = "", commit: str = "main"
    ) -> dict[str, Ran]:
        """The jobs of a scheduled workflow on the default branch, in order; `sites` comes first."""
        github = {"sha": self.git("rev-parse", commit), "ref": "refs/heads/main"}
        event: dict[str, Any] = {"repository": {"full_name": "alder/mappings", "default_branch": "main"}}
        event |= {"schedule": schedule} if schedule else {}
        done = {"sites": self.runner.job(workflow, "sites", event, github=github)}
        needs = {"sites": need(done["sites"])}
        for name in names:
            done[name] = self.runner.job(
                workflow, name, event, github=github, needs=needs, matrix={"site": SITE}
            )
            needs[name] = need(done[name])
        return done

    def messages(self) -> dict[str, dict[str, Any]]:
        """What each webhook was sent, by its name, since this was asked last."""
        posts = [one for one in self.site.github.requests if one.url.host in self.site.github.webhooks]
        self.site.github.requests.clear()
        return {one.url.host.partition(".")[0]: json.loads(one.content) for one in posts}


def need(ran: Ran) -> dict[str, Any]:
    result = "failure" if ran.failed else "success" if ran.codes else "skipped"
    return {"result": result, "outputs": ran.outputs}


def told(ran: dict[str, Ran]) -> str:
    """What each job said, for the message of a test that fails."""
    return "\n".join(f"{name}: {one.codes}\n{one.said}" for name, one in ran.items())

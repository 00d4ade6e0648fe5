"""A repository with mappings, its pull requests, and the workflows on it in the order in which they run."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

from tests.ci.github import Workflow, sha256, zipped
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
        self.merges: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
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

    def propose(self, *, product: str = "MSP-EM", extra: str = "") -> str:
        """One more commit of the pull request: a row for EM-MSP."""
        self.books.mapped["EM-MSP"] = f"{{product: {product}, sync: true}}"
        return self.commit("map EM-MSP", extra)

    def event(self, head: str) -> dict[str, Any]:
        repository = {"full_name": "alder/mappings", "default_branch": "main"}
        pull = {
            "number": 7,
            "base": {"ref": "main", "sha": self.before},
            "head": {"sha": head, "repo": repository},
        }
        return {"number": 7, "pull_request": pull, "repository": repository}

    def plan(self, head: str) -> dict[str, Ran]:
        """The jobs of plan.yml, in order."""
        event, github = self.event(head), {"sha": head, "repository": "alder/mappings"}
        self.site.github.answers[f"/commits/{head}"] = {"parents": [{"sha": self.base}]}
        done = {"sites": self.runner.job("plan", "sites", event, github=github)}
        needs: dict[str, Any] = {"sites": need(done["sites"])}
        for entry in json.loads(done["sites"].outputs["sites"]):
            done["plan"] = self.runner.job(
                "plan", "plan", event, github=github, needs=needs, matrix={"site": entry}
            )
            needs["plan"] = need(done["plan"])
        for name in ("comment", "result"):
            done[name] = self.runner.job("plan", name, event, github=github, needs=needs)
        return done

    def merge(self, head: str, number: int = 7) -> None:
        """GitHub knows of the merge, of the plan run and of its artifact; the next change is based on it."""
        kept = self.runner.artifacts["plan-mappings"]
        archive = zipped(**{file.name.replace(".", "_"): file.read_bytes() for file in kept.iterdir()})
        self.site.github.artifacts[number] = archive
        entry = {
            "id": number,
            "name": "plan-mappings",
            "digest": f"sha256:{sha256(archive)}",
            "expired": False,
        }
        run = {
            "id": number,
            "run_number": number,
            "head_sha": head,
            "event": "pull_request",
            "head_repository": {"full_name": "alder/mappings"},
            "conclusion": "success",
        }
        pull = {"number": number, "merged_at": "2026-11-27", "base": {"ref": "main"}, "head": {"sha": head}}
        self.merges.append({"sha": head})
        self.runs.append(run)
        self.site.github.answers |= {
            "/actions/workflows/apply.yml/runs": {"workflow_runs": []},
            "/actions/workflows/plan.yml/runs": {"workflow_runs": self.runs},
            f"/actions/runs/{number}/artifacts": {"artifacts": [entry]},
            f"/compare/{self.before}...{head}": {
                "status": "ahead",
                "total_commits": len(self.merges),
                "commits": self.merges,
            },
            f"/commits/{head}/pulls": [pull],
            f"/commits/{head}": {
                "files": [{"filename": "mappings/mappings.yaml"}],
                "parents": [{"sha": self.base}],
            },
        }
        self.base = head

    def merge_month(self, branch: str, number: int = 8) -> str:
        """A month's pull request is merged as one commit of the files that the branch has."""
        began = self.git("rev-parse", "HEAD")
        (self.folder / branch).mkdir(parents=True)
        for name, content in self.site.github.files(branch).items():
            if name.startswith(branch):
                (self.folder / name).write_text(content, encoding="utf-8")
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", branch)
        head = self.git("rev-parse", "HEAD")
        blob = self.git("rev-parse", f"{head}:{branch}/plan.json")
        own = {"sha": "e" * 40, "ref": branch}
        pull = {"number": number, "merged_at": "2026-11-28", "base": {"ref": "main"}, "head": own}
        encoded = base64.b64encode((self.folder / branch / "plan.json").read_bytes()).decode()
        file = {"filename": f"{branch}/plan.json", "sha": blob, "status": "added"}
        self.merges.append({"sha": head})
        self.site.github.answers.setdefault("/actions/workflows/apply.yml/runs", {"workflow_runs": []})
        self.site.github.answers |= {
            f"/compare/{self.before}...{head}": {
                "status": "ahead",
                "total_commits": len(self.merges),
                "commits": self.merges,
            },
            f"/commits/{head}/pulls": [pull],
            f"/pulls/{number}/commits": [{"sha": "e" * 40, "parents": [{"sha": began}]}],
            f"/commits/{head}": {"files": [file]},
            f"/git/blobs/{blob}": {"content": encoded, "encoding": "base64"},
        }
        self.base = head
        return head

    def failed(self, head: str) -> None:
        """The run of apply at a commit, the first of this repository, did not succeed."""
        run = {"id": 70, "run_number": 1, "head_sha": head, "head_branch": "main", "event": "push"}
        self.site.github.answers |= {
            "/actions/workflows/apply.yml/runs": {"workflow_runs": [run | {"conclusion": "failure"}]},
            "/actions/runs/70/jobs": {"jobs": [{"name": "Apply mappings", "conclusion": "failure"}]},
        }
        self.site.github.answers[f"/commits/{head}"]["parents"] = [{"sha": self.before}]

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

    def scheduled(self, workflow: str, *names: str, schedule: str = "") -> dict[str, Ran]:
        """The jobs of a scheduled workflow on the default branch, in order; `sites` comes first."""
        github = {"sha": self.git("rev-parse", "main"), "ref": "refs/heads/main"}
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

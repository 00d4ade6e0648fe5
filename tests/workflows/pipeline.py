"""Runs the stages of docs/azure-pipelines.yml, step by step: Git and bash are real, Azure is not.

What is known of Azure is from the pages that docs/azure.md names; nothing here was tried against it.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.ci.sites import MESSAGES
from reconciler.sandbox.server import environment
from tests.support import URL
from tests.workflows.reader import ROOT, load
from tests.workflows.shell import Shell

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows_usage.books import Books

PIPELINE = load(ROOT / "docs" / "azure-pipelines.yml")
STAGES: dict[str, dict[str, Any]] = {stage["stage"]: stage for stage in PIPELINE["stages"]}
PROJECT, REPOSITORY = "11111111-0000-4000-8000-000000000001", "22222222-0000-4000-8000-000000000002"
COLLECTION, TOKEN = "https://dev.azure.invalid/example-msp/", "made-up-job-token"
_MACRO = re.compile(r"\$\(([^)]+)\)")
_WORDS = re.compile(r"\b(and|or|not|in)\(")
_HOOKS = ("TEAMS", "SLACK", "EMAIL")


def steps_of(job: dict[str, Any]) -> list[dict[str, Any]]:
    """The steps of a job, with those of the template in their place."""
    steps = job["strategy"]["runOnce"]["deploy"]["steps"] if "deployment" in job else job["steps"]
    found: list[dict[str, Any]] = []
    for step in steps:
        if "template" in step:
            name, _, repository = step["template"].partition("@")
            assert repository == "reconciler", "the steps are those of the tool's tag, not of a pull request"
            found += load(ROOT / name)["steps"]
        else:
            found.append(step)
    return found


@dataclass
class FakeAzure(httpx.AsyncBaseTransport):
    """One repository, the threads of one pull request, and webhooks; other hosts go to `inner`."""

    inner: httpx.AsyncBaseTransport
    repository: Path
    threads: list[dict[str, Any]] = field(default_factory=list)
    refused: int = 0
    messages: dict[str, Any] = field(default_factory=dict)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as Azure does, or as whoever else was asked."""
        if request.url.host == "127.0.0.1":
            return await self.inner.handle_async_request(request)
        body = json.loads(await request.aread() or b"null")
        if request.url.host.partition(".")[0].upper() in _HOOKS:
            self.messages[request.url.host] = body
            return httpx.Response(202, text="", request=request)
        assert request.url.host == "dev.azure.invalid", f"nobody is to ask {request.url.host}"
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        assert request.url.params["api-version"] == "7.1"
        if self.refused:
            return httpx.Response(self.refused, json={"message": "TF401027: You need permission"})
        path = f"/example-msp/{PROJECT}/_apis/git/repositories/{REPOSITORY}"
        below = request.url.path.removeprefix(path)
        if request.method == "GET" and below in ("/refs", "/items"):
            return self._git(below, dict(request.url.params))
        below = below.removeprefix("/pullRequests/7/threads")
        if request.method == "GET" and not below:
            return httpx.Response(200, json={"value": self.threads, "count": len(self.threads)})
        if request.method == "POST" and not below:
            comments = [{"id": 1, **body["comments"][0]}]
            self.threads.append({"id": len(self.threads) + 1, "status": body["status"], "comments": comments})
            return httpx.Response(200, json=self.threads[-1])
        found = re.fullmatch(r"/(\d+)/comments/(\d+)", below)
        assert found, request.url
        assert request.method == "PATCH"
        comment = self.threads[int(found[1]) - 1]["comments"][int(found[2]) - 1]
        comment |= body
        return httpx.Response(200, json=comment)

    def _git(self, what: str, params: dict[str, str]) -> httpx.Response:
        """Refs whose names begin so, and what lies at a path in a commit."""
        if what == "/refs":
            listed = git(self.repository, "for-each-ref", "--format=%(refname) %(objectname)").splitlines()
            pairs = [line.split() for line in listed]
            refs = [{"name": name, "objectId": sha} for name, sha in pairs]
            found = [one for one in refs if one["name"].startswith(f"refs/{params['filter']}")]
            return httpx.Response(200, json={"value": found, "count": len(found)})
        assert params["versionDescriptor.versionType"] == "commit"
        place = f"{params['versionDescriptor.version']}:{params['path'].lstrip('/')}"
        return httpx.Response(200, json={"objectId": git(self.repository, "rev-parse", place)})


def git(folder: Path, *arguments: str) -> str:
    """What Git says."""
    done = subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@dataclass
class StageRan:
    """How a stage ended (Azure's word), each step's exit code by its name, and everything that was said."""

    result: str
    codes: dict[str, int] = field(default_factory=dict)
    said: str = ""


class Pipeline:
    """A repository in Azure Repos and the runs of its pipeline."""

    def __init__(self, root: Path, books: Books, repository: Path) -> None:
        self.root, self.books, self.repository = root, books, repository
        self.shell = Shell(root / "agent", books)
        self.azure = FakeAzure(books.network, repository)
        books.transport = self.azure
        self.artifacts: dict[str, Path] = {}
        writing, reading = environment(URL), environment(URL, member="readonly")
        self.hosts = {key: writing[key] for key in ("SOPHOS_ID_URL", "SOPHOS_API_URL")}
        hooks = {f"RECONCILER_{name}_WEBHOOK": f"https://{name.lower()}.invalid/x" for name in _HOOKS}
        self.groups = {"reconciler-plan": reading, "reconciler-production": writing, MESSAGES: hooks}

    def run(self, commit: str, *, reason: str, schedule: str = "") -> dict[str, StageRan]:
        """All stages, in order, for a commit."""
        variables = {
            "Build.Reason": reason,
            "Build.SourceBranch": "refs/pull/7/merge" if reason == "PullRequest" else "refs/heads/main",
            "Build.CronSchedule.DisplayName": schedule,
            "Build.BuildId": "77",
            "System.CollectionUri": COLLECTION,
            "System.TeamProjectId": PROJECT,
            "System.AccessToken": TOKEN,
            "System.StageAttempt": "1",
        }
        done: dict[str, StageRan] = {}
        for name, stage in STAGES.items():
            needs = stage.get("dependsOn", [])
            before = [done[one] for one in ([needs] if isinstance(needs, str) else needs)]
            if _holds(stage.get("condition", "succeeded()"), variables, [one.result for one in before], done):
                done[name] = self._stage(name, stage, variables, commit)
            else:
                done[name] = StageRan("Skipped")
        return done

    def _stage(self, name: str, stage: dict[str, Any], given: dict[str, str], commit: str) -> StageRan:
        ran = StageRan("Succeeded")
        results: dict[str, str] = {}
        for job in stage["jobs"]:
            before = [results[job["dependsOn"]]] if "dependsOn" in job else []
            if not _holds(job.get("condition", "succeeded()"), given, before, {}):
                continue
            groups = [self.groups[one["group"]] for one in job.get("variables", [])]
            variables = given | {key: value for group in groups for key, value in group.items()}
            workspace = self.root / f"{name}-{len(list(self.root.iterdir()))}"
            (workspace / "s").mkdir(parents=True)
            (workspace / "temp").mkdir()
            variables |= {
                "Pipeline.Workspace": str(workspace),
                "Agent.TempDirectory": str(workspace / "temp"),
            }
            variables |= {"reconciler": str(self.shell.command), "Agent.JobStatus": "Succeeded"}
            for step in steps_of(job):
                self._step(step, variables, workspace, commit, ran)
            results[job.get("job", name)] = variables["Agent.JobStatus"]
        ranks = ["Succeeded", "SucceededWithIssues", "Failed"]
        ran.result = max(results.values(), key=ranks.index, default="Skipped")
        return ran

    def _step(
        self, step: dict[str, Any], variables: dict[str, str], workspace: Path, commit: str, ran: StageRan
    ) -> None:
        status = variables["Agent.JobStatus"]
        if not _holds(step.get("condition", "succeeded()"), variables, [status], {}):
            return
        code = self._do(step, variables, workspace, commit, ran)
        ran.codes[step.get("displayName", next(iter(step)))] = code
        if code:
            bearable = step.get("continueOnError") == "true" and status != "Failed"
            variables["Agent.JobStatus"] = "SucceededWithIssues" if bearable else "Failed"

    def _do(
        self, step: dict[str, Any], variables: dict[str, str], workspace: Path, commit: str, ran: StageRan
    ) -> int:
        def filled(text: str) -> str:
            return _MACRO.sub(lambda found: variables.get(found[1], found[0]), text)

        if "checkout" in step:
            place = workspace / step["path"]
            if step["checkout"] == "self":
                self._clone(place, commit)
            return 0
        if "publish" in step:
            source = workspace / filled(step["publish"])
            if source.name == "journal":  # of a run in this process it is where the tests' sites keep theirs
                source = self.books.root / "journal"
            if not source.exists():
                return 1
            kept = self.root / "artifacts" / filled(step["artifact"])
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(source, kept)
            self.artifacts[kept.name] = kept
            return 0
        if "download" in step:
            if step["artifact"] not in self.artifacts:
                return 1
            shutil.copytree(
                self.artifacts[step["artifact"]], workspace / step["artifact"], dirs_exist_ok=True
            )
            return 0
        if "task" in step or "install.py" in step["script"]:
            return 0
        env = {key: filled(value) for key, value in step.get("env", {}).items()}
        base = self.hosts | {
            "CI": "true",
            "TF_BUILD": "True",
            "SYSTEM_COLLECTIONURI": COLLECTION,
            "SYSTEM_TEAMPROJECTID": PROJECT,
            "BUILD_REPOSITORY_ID": REPOSITORY,
            "SYSTEM_PULLREQUEST_PULLREQUESTID": "7",
            "BUILD_SOURCEBRANCH": variables["Build.SourceBranch"],
            "BUILD_SOURCEVERSION": commit,
        }
        code, said = self.shell.run(filled(step["script"]), workspace / "s", base | env)
        ran.said += said
        return code

    def _clone(self, place: Path, commit: str) -> None:
        told = dict(os.environ) | {"GIT_CONFIG_GLOBAL": os.devnull}
        clone = ["clone", "--quiet", str(self.repository), str(place)]
        for command in (clone, ["-C", str(place), "checkout", "--quiet", commit]):
            subprocess.run(["git", *command], check=True, capture_output=True, env=told)


def _holds(condition: str, variables: dict[str, str], before: list[str], stages: dict[str, StageRan]) -> bool:
    """A condition of Azure's, of the functions that the template uses.

    https://learn.microsoft.com/en-us/azure/devops/pipelines/process/expressions: comparisons ignore case.
    """
    text = _WORDS.sub(r"\1_(", condition)
    text = re.sub(r"dependencies\.(\w+)\.result", r"result('\1')", text)
    text = re.sub(r"variables\['([^']+)'\]", r"variable('\1')", text)
    functions = {
        "and_": lambda *values: all(values),
        "not_": lambda value: not value,
        "in_": lambda one, *among: one in among,
        "eq": lambda one, other: one.lower() == other.lower(),
        "ne": lambda one, other: one.lower() != other.lower(),
        "result": lambda name: stages[name].result,
        "variable": lambda name: variables.get(name, ""),
        "succeeded": lambda: all(one in ("Succeeded", "SucceededWithIssues") for one in before),
        "failed": lambda: "Failed" in before,
        "canceled": lambda: False,
        "always": lambda: True,
    }
    return bool(eval(text, {"__builtins__": {}}, functions))

"""Runs the jobs of the workflows, step by step: Git and bash are real, the two systems and GitHub are not.

The command line runs against the sandbox and the stand-in of GitHub. What GitHub's actions do is done here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import partial
from itertools import takewhile
from operator import ne
from typing import TYPE_CHECKING, Any

from reconciler.ci.sites import MESSAGES
from reconciler.sandbox.server import environment
from tests.support import URL
from tests.workflows import actions
from tests.workflows.expressions import Values
from tests.workflows.reader import workflow as read
from tests.workflows.shell import Shell

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from tests.ci.github import Workflow

#: Where messages go.
HOOKS = ("teams", "slack", "email")


@dataclass
class Ran:
    """How a job ended: each step's exit code by its name, its outputs and everything that was said."""

    failed: bool
    codes: dict[str, int]
    outputs: dict[str, str]
    said: str
    summary: str


@dataclass
class Runner:
    """One repository on GitHub, its runners and its artifacts."""

    site: Workflow
    repository: Path
    root: Path
    artifacts: dict[str, Path] = field(default_factory=dict)
    #: Where another repository calls these workflows: their `inputs`, and the repositories by name.
    inputs: dict[str, str] = field(default_factory=dict)
    others: dict[str, Path] = field(default_factory=dict)
    #: The repository's own variables.
    variables: dict[str, str] = field(default_factory=lambda: {"RECONCILER_WORKFLOWS": "on"})

    def __post_init__(self) -> None:
        self.shell = Shell(self.root, self.site.books)
        self.hosts = environment(URL)
        writing, reading = environment(URL), environment(URL, member="readonly")
        keys = [key for key in writing if key.startswith(("CONNECTWISE", "SOPHOS"))]
        self.secrets = {key: writing[key] for key in keys} | {f"PLAN_{key}": reading[key] for key in keys}
        self.webhooks = {f"RECONCILER_{name.upper()}_WEBHOOK": f"https://{name}.invalid/x" for name in HOOKS}

    def job(self, workflow: str, name: str, event: dict[str, Any], **contexts: Any) -> Ran:
        """Run one job. `event` is the payload; `contexts` are `github`, `matrix` and `needs`."""
        data = read(workflow)["jobs"][name]
        workspace = self.root / f"{workflow}-{name}-{len(list(self.root.iterdir()))}"
        workspace.mkdir()
        environment_name = Values(contexts, workspace).filled(data.get("environment", ""))
        github = {"repository": "alder/mappings", "token": self.site.books.environ["GITHUB_TOKEN"]}
        told = {
            "github": github | contexts.pop("github", {}) | {"event": event},
            "secrets": self._secrets_of(environment_name),
            "vars": {key: self.hosts[key] for key in ("CONNECTWISE_URL", "CONNECTWISE_COMPANY")}
            | self.variables,
            "inputs": self.inputs,
            "steps": {},
            **contexts,
        }
        direct = [data["needs"]] if isinstance(data.get("needs"), str) else data.get("needs", [])
        told["needs"] = {one: need for one, need in told.get("needs", {}).items() if one in direct}
        self.site.event(**event)
        self.site.books.environ["GITHUB_SHA"] = told["github"].get("sha", "")
        needed = list(told.get("needs", {}).values())
        values = Values(told, workspace, any(one["result"] == "failure" for one in needed))
        ran = Ran(False, {}, {}, "", "")
        if not values.condition(data.get("if", "")) or _skips(data.get("if", ""), needed):
            return ran
        job_env = values.filled(data.get("env", {}))
        for at, step in enumerate(data["steps"]):
            values = Values(told, workspace, ran.failed)
            if values.condition(step.get("if", "")):
                self._step(values, step, job_env, ran, workspace / f"step-{at}")
        ran.outputs = values.filled(data.get("outputs", {}))
        return ran

    def _secrets_of(self, environment_name: str) -> dict[str, str]:
        """Those of an environment; a job without one gets none."""
        if environment_name == MESSAGES:
            return self.webhooks
        plan = environment_name.endswith("-plan")
        return {
            key: value
            for key, value in self.secrets.items()
            if environment_name and key.startswith("PLAN_") == plan
        }

    def _step(
        self, values: Values, step: dict[str, Any], job_env: dict[str, str], ran: Ran, files: Path
    ) -> None:
        given = {key: str(value) for key, value in values.filled(step.get("with", {})).items()}
        env = job_env | values.filled(step.get("env", {}))
        kind = step.get("uses", "run").partition("@")[0]
        files.mkdir()
        if kind == "actions/checkout":
            source = self.others.get(given.get("repository", ""), self.repository)
            code = actions.checkout(values.workspace, given, env, source)
        elif kind == "actions/upload-artifact":
            kept = self.root / "artifacts" / given["name"]
            code = actions.upload(values.workspace, given, self.artifacts, kept)
        elif kind == "actions/download-artifact":
            code = actions.download(values.workspace, given, self.artifacts)
        elif kind.startswith("./"):
            code = 0 if (values.workspace / kind / "action.yml").is_file() else 1
        else:
            code = self._bash(values.workspace, step, env, ran, files)
        ran.codes[step["name"]] = code
        outputs = _outputs(files / "output")
        values.contexts["steps"][step.get("id", "")] = {
            "outcome": "failure" if code else "success",
            "outputs": outputs,
        }
        ran.failed |= bool(code) and step.get("continue-on-error") != "true"

    def _bash(self, workspace: Path, step: dict[str, Any], env: dict[str, str], ran: Ran, files: Path) -> int:
        base = {key: value for key, value in self.hosts.items() if key in ("SOPHOS_ID_URL", "SOPHOS_API_URL")}
        base |= {key: value for key, value in self.site.books.environ.items() if key.startswith("GITHUB_")}
        base.pop("GITHUB_TOKEN")
        base |= {
            "CI": "true",
            "GITHUB_OUTPUT": str(files / "output"),
            "GITHUB_STEP_SUMMARY": str(files / "summary"),
        }
        folder = workspace / step.get("working-directory", ".")
        code, said = self.shell.run(step["run"], folder, base | env)
        ran.said += said
        summary = files / "summary"
        ran.summary += summary.read_text(encoding="utf-8") if summary.exists() else ""
        return code


def _skips(condition: str, needed: Iterable[dict[str, Any]]) -> bool:
    """Whether a job is skipped with one that it needs: where its condition asks for no status itself.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idneeds
    """
    asks = re.search(r"\b(always|cancelled|failure|success)\(\)", condition)
    return asks is None and any(one["result"] == "skipped" for one in needed)


def _outputs(file: Path) -> dict[str, str]:
    """What a step wrote to GITHUB_OUTPUT: `name=value`, or `name<<END` and lines up to END."""
    found: dict[str, str] = {}
    lines = iter(file.read_text(encoding="utf-8").splitlines() if file.exists() else [])
    for line in lines:
        name, mark, end = line.partition("<<")
        if mark:
            found[name] = "\n".join(takewhile(partial(ne, end), lines))
        else:
            name, _, value = line.partition("=")
            found[name] = value
    return found

"""Workflows as tests read them: jobs, steps, and who gets which secret."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".github" / "workflows"
ACTION = ROOT / ".github" / "actions" / "reconciler"
#: Those of the mappings; ci.yml is about the code.
NAMES = ("validate", "plan", "apply", "usage", "month-end", "drift")
_SECRET = re.compile(r"\bsecrets\.(\w+)")
_EXPRESSION = re.compile(r"\$\{\{(.*?)\}\}", re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One step; `place` is the workflow's, the job's and its own name."""

    place: str
    data: dict[str, Any]

    @property
    def run(self) -> str:
        return str(self.data.get("run", ""))

    @property
    def uses(self) -> str:
        return str(self.data.get("uses", ""))

    @property
    def secrets(self) -> set[str]:
        return secrets_in(self.data)


@dataclass(frozen=True)
class Job:
    """One job of a workflow."""

    workflow: str
    name: str
    data: dict[str, Any]

    @property
    def steps(self) -> list[Step]:
        return [Step(f"{self.workflow}/{self.name}: {step.get('name')}", step) for step in self.data["steps"]]

    @property
    def secrets(self) -> set[str]:
        return secrets_in(self.data)

    def __str__(self) -> str:
        return f"{self.workflow}/{self.name}"


@cache
def load(path: Path) -> dict[str, Any]:
    """A YAML file with every value as text, so that the key `on` stays one."""
    data = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)
    assert isinstance(data, dict), path
    return data


def workflow(name: str) -> dict[str, Any]:
    """A workflow by the name of its file."""
    return load(FOLDER / f"{name}.yml")


def jobs(*names: str) -> list[Job]:
    """The jobs of the workflows with these names; of all of the mappings without any."""
    return [
        Job(name, key, data)
        for name in names or NAMES
        for key, data in sorted(workflow(name)["jobs"].items())
    ]


def texts(data: Any) -> Iterator[str]:
    """Every text in a part of a workflow."""
    if isinstance(data, dict):
        for value in data.values():
            yield from texts(value)
    elif isinstance(data, list):
        for value in data:
            yield from texts(value)
    else:
        yield str(data)


def expressions(data: Any) -> list[str]:
    """What stands between `${{` and `}}` in a part of a workflow."""
    return [found.strip() for text in texts(data) for found in _EXPRESSION.findall(text)]


def secrets_in(data: Any) -> set[str]:
    """The names of the secrets that a part of a workflow gets."""
    return {name for text in texts(data) for name in _SECRET.findall(text)}

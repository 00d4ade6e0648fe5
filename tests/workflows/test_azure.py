"""docs/azure-pipelines.yml: the same promises as the workflows', as far as Azure has the means."""

from __future__ import annotations

import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest

from reconciler.cli.main import main
from tests.workflows.reader import ROOT, load, texts
from tests.workflows.test_promises import KEYS

if TYPE_CHECKING:
    from pathlib import Path

PIPELINE = load(ROOT / "docs" / "azure-pipelines.yml")
STAGES = {stage["stage"]: stage for stage in PIPELINE["stages"]}
_MACRO = re.compile(r"\$\(([^)]+)\)")
#: Set by the agent or here; nothing that a pull request could word.
_OURS = {"reconciler", "Pipeline.Workspace", "Agent.TempDirectory"}


def _steps(stage: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for job in stage["jobs"]:
        found += job["strategy"]["runOnce"]["deploy"]["steps"] if "deployment" in job else job["steps"]
    return found


def test_production_keys_are_for_main_and_behind_the_environment() -> None:
    groups = {name: [one["group"] for one in stage.get("variables", [])] for name, stage in STAGES.items()}
    assert groups == {
        "validate": [],
        "plan": ["reconciler-plan"],
        "plan_main": ["reconciler-plan"],
        "apply": ["reconciler-production"],
    }
    assert "eq(variables['Build.SourceBranch'], 'refs/heads/main')" in STAGES["apply"]["condition"]
    (job,) = STAGES["apply"]["jobs"]
    assert job["environment"] == "reconciler-production"
    assert STAGES["apply"]["dependsOn"] == "plan_main"


@pytest.mark.parametrize("name", STAGES)
def test_keys_reach_the_steps_that_need_them(name: str) -> None:
    for step in _steps(STAGES[name]):
        keys = {key for key in step.get("env", {}) if key in KEYS}
        needs = any(word in step.get("script", "") for word in (" plan ", " apply "))
        assert keys == (KEYS if needs else set()), step.get("displayName")


@pytest.mark.parametrize("name", STAGES)
def test_scripts_hold_nothing_that_a_pull_request_words(name: str) -> None:
    for step in _steps(STAGES[name]):
        assert set(_MACRO.findall(step.get("script", ""))) <= _OURS, step.get("displayName")
        if "checkout" in step:
            assert step["persistCredentials"] == "false"
    assert "${{" not in "".join(texts(PIPELINE))


def test_the_env_file_of_a_pull_request_is_not_read() -> None:
    assert PIPELINE["variables"]["CI"] == "true"


@pytest.mark.parametrize("name", STAGES)
def test_what_it_calls_can_be_called(name: str) -> None:
    for step in _steps(STAGES[name]):
        words = step.get("script", "").split()
        if words[:1] == ["$(reconciler)"]:
            command = main.commands[words[1]]
            try:
                command.make_context(words[1], words[2:], help_option_names=["-h", "--help"])
            except click.UsageError as wrong:
                pytest.fail(f"{step['displayName']}: {wrong.format_message()}")


def test_links_of_the_head_become_plain_files(tmp_path: Path) -> None:
    repository = tmp_path / "repository"
    repository.mkdir()
    told = dict(os.environ) | {"GIT_CONFIG_GLOBAL": os.devnull}
    told |= {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}

    def git(*arguments: str) -> None:
        subprocess.run(["git", *arguments], cwd=repository, check=True, capture_output=True, env=told)

    git("init", "--quiet")
    git("commit", "--quiet", "--allow-empty", "--message", "base")
    (repository / "mappings").symlink_to("/etc")
    git("add", "mappings")
    git("commit", "--quiet", "--message", "hostile")
    scripts = [step["script"] for step in _steps(STAGES["plan"]) if "worktree" in step.get("script", "")]
    assert len(scripts) == 2
    for script in scripts:
        subprocess.run(script.split(), cwd=tmp_path, check=True, capture_output=True, env=told)
    assert (tmp_path / "head" / "mappings").read_text(encoding="utf-8") == "/etc"
    assert not (tmp_path / "head" / "mappings").is_symlink()
    assert not (tmp_path / "base" / "mappings").exists()

"""docs/azure-pipelines.yml: the same promises as the workflows', as far as Azure has the means."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from typing import TYPE_CHECKING, Any

import click
import pytest

from reconciler.ci.sites import MESSAGES
from reconciler.cli.ci import ci
from reconciler.cli.main import main
from tests.workflows.pipeline import PIPELINE, STAGES, steps_of
from tests.workflows.reader import ROOT, load, texts
from tests.workflows.test_promises import KEYS

if TYPE_CHECKING:
    from pathlib import Path

_MACRO = re.compile(r"\$\(([^)]+)\)")
#: Set by the agent or here; nothing that a pull request could word.
_OURS = {"reconciler", "Pipeline.Workspace", "Agent.TempDirectory"}
SOPHOS = {key for key in KEYS if key.startswith("SOPHOS")}
MAIN = "eq(variables['Build.SourceBranch'], 'refs/heads/main')"


def _steps(stage: dict[str, Any]) -> list[dict[str, Any]]:
    return [step for job in stage["jobs"] for step in steps_of(job)]


def test_each_group_is_given_to_the_jobs_that_need_it() -> None:
    groups = {
        (name, job.get("job") or job["deployment"]): [one["group"] for one in job.get("variables", [])]
        for name, stage in STAGES.items()
        for job in stage["jobs"]
    }
    assert groups == {
        ("validate", "validate"): [],
        ("plan", "plan"): ["reconciler-plan"],
        ("plan", "comment"): [],
        ("plan_main", "plan"): ["reconciler-plan"],
        ("apply", "apply"): ["reconciler-production"],
        ("usage", "usage"): ["reconciler-production"],
        ("watch", "watch"): ["reconciler-plan"],
        ("month_end", "ask"): ["reconciler-plan"],
        ("tell", "tell"): [MESSAGES],
    }
    assert not [name for name, stage in STAGES.items() if "variables" in stage], (
        "a group of a stage is every job's"
    )


def test_production_keys_are_for_main_and_behind_environments() -> None:
    environments = {"apply": "reconciler-production", "usage": "reconciler-usage"}
    for name, environment in environments.items():
        assert MAIN in STAGES[name]["condition"]
        (job,) = STAGES[name]["jobs"]
        assert job["environment"] == environment
    assert STAGES["apply"]["dependsOn"] == "plan_main"
    assert PIPELINE["lockBehavior"] == "sequential"


def test_a_schedule_starts_the_stages_that_name_it_at_an_odd_minute() -> None:
    names = {one["displayName"]: one for one in PIPELINE["schedules"]}
    assert set(names) == {"usage", "month end"}
    for one in names.values():
        assert int(one["cron"].split()[0]) % 2
        assert one["branches"] == {"include": ["main"]}
        assert one["always"] == "true", "a schedule is not about new commits"
    started = {
        name: re.findall(r"DisplayName'\], '([^']+)'", stage.get("condition", ""))
        for name, stage in STAGES.items()
    }
    assert {name: found for name, found in started.items() if found} == {
        "usage": ["usage"],
        "watch": ["usage"],
        "month_end": ["month end"],
    }


@pytest.mark.parametrize("name", STAGES)
def test_keys_reach_the_steps_that_need_them(name: str) -> None:
    for step in _steps(STAGES[name]):
        keys = {key for key in step.get("env", {}) if key in KEYS}
        script = step.get("script", "")
        needed = KEYS if re.search(r"\$\(reconciler\) (plan|apply|ready) ", script) else set()
        if "--usage " in script:
            needed = KEYS - SOPHOS
        if "$(reconciler) usage " in script:
            needed = SOPHOS
        assert keys == needed, step.get("displayName")
        if "SYSTEM_ACCESSTOKEN" in step.get("env", {}):
            assert script.startswith(("$(reconciler) ci comment ", "$(reconciler) ci tip"))


@pytest.mark.parametrize("name", STAGES)
def test_scripts_hold_nothing_that_a_pull_request_words(name: str) -> None:
    for step in _steps(STAGES[name]):
        assert set(_MACRO.findall(step.get("script", ""))) <= _OURS, step.get("displayName")
        if "checkout" in step:
            assert step["persistCredentials"] == "false"
    assert "${{" not in "".join(texts(PIPELINE))
    assert "${{" not in "".join(texts(load(ROOT / "docs" / "azure-steps.yml")))


def test_the_env_file_of_a_pull_request_is_not_read() -> None:
    assert PIPELINE["variables"]["CI"] == "true"


@pytest.mark.parametrize("name", STAGES)
def test_what_it_calls_can_be_called(name: str) -> None:
    for step in _steps(STAGES[name]):
        words = shlex.split(step.get("script", ""))
        if words[:1] == ["$(reconciler)"]:
            at = 3 if words[1] == "ci" else 2
            command = ci.commands[words[2]] if words[1] == "ci" else main.commands[words[1]]
            try:
                command.make_context(words[at - 1], words[at:], help_option_names=["-h", "--help"])
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
    assert len(set(scripts)) == 2
    for script in sorted(set(scripts)):
        subprocess.run(script.split(), cwd=tmp_path, check=True, capture_output=True, env=told)
    assert (tmp_path / "head" / "mappings").read_text(encoding="utf-8") == "/etc"
    assert not (tmp_path / "head" / "mappings").is_symlink()
    assert not (tmp_path / "base" / "mappings").exists()

"""docs/gitops.md promises who may do and see what; here the workflows are held to it."""

from __future__ import annotations

import re

import pytest

from reconciler.ci.lock import LONGEST
from reconciler.ci.runs import LOOKS
from reconciler.ci.sites import MESSAGES
from tests.workflows import actions
from tests.workflows.reader import ACTION, FOLDER, NAMES, Job, expressions, jobs, load, workflow

PULL_REQUEST = ("validate", "plan")
PLANS = ("plan", "month-end", "drift")
WRITES = ("apply", "usage")
PINNED = re.compile(r"actions/[a-z-]+@[0-9a-f]{40}")
LOCAL = "./tool/.github/actions/reconciler"
HOOKS = {f"RECONCILER_{where}_WEBHOOK" for where in ("TEAMS", "SLACK", "EMAIL")}
KEYS = {
    "CONNECTWISE_PUBLIC_KEY",
    "CONNECTWISE_PRIVATE_KEY",
    "CONNECTWISE_CLIENT_ID",
    "SOPHOS_CLIENT_ID",
    "SOPHOS_CLIENT_SECRET",
}
PLAN_KEYS = {f"PLAN_{key}" for key in KEYS}
EVERY = [*jobs(), *jobs("ci")]
ON = "vars.RECONCILER_WORKFLOWS == 'on'"


def test_these_are_all_workflows() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {*NAMES, "ci"}


@pytest.mark.parametrize("name", [*NAMES, "ci"])
def test_nothing_is_permitted_but_what_a_job_asks_for(name: str) -> None:
    assert workflow(name)["permissions"] == {}


WANTED = {
    ("comment", "pull-requests"): "write",
    ("issue", "issues"): "write",
    ("open", "contents"): "write",
    ("lock", "contents"): "write",
    ("lock", "actions"): "read",
    ("unlock", "contents"): "write",
    ("open", "pull-requests"): "write",
    ("open", "statuses"): "write",
    ("apply", "actions"): "read",
    ("apply", "pull-requests"): "read",
    ("sites", "actions"): "read",
    ("heard", "actions"): "read",
}


@pytest.mark.parametrize("job", EVERY, ids=str)
def test_each_job_has_the_least_rights(job: Job) -> None:
    for right, level in job.data["permissions"].items():
        assert level == WANTED.get((job.name, right), "read" if right == "contents" else None), right


@pytest.mark.parametrize("job", EVERY, ids=str)
def test_a_job_that_may_write_to_github_has_no_key(job: Job) -> None:
    if "write" in job.data["permissions"].values():
        assert not job.secrets
        assert "environment" not in job.data


@pytest.mark.parametrize("name", [*NAMES, "ci"])
def test_no_trigger_runs_a_strangers_code_with_keys(name: str) -> None:
    triggers = set(workflow(name)["on"])
    assert triggers <= {"pull_request", "push", "schedule", "workflow_dispatch", "workflow_call"}
    if name in WRITES:
        assert "pull_request" not in triggers


def test_each_workflow_has_its_triggers() -> None:
    found = {name: set(workflow(name)["on"]) - {"workflow_call"} for name in NAMES}
    by_hand = {"schedule", "workflow_dispatch"}
    assert found == {
        "validate": {"pull_request"},
        "plan": {"pull_request"},
        "apply": {"push"},
        "usage": by_hand,
        "month-end": by_hand,
        "drift": by_hand,
    }
    assert workflow("apply")["on"]["push"] == {"branches": ["main"]}


@pytest.mark.parametrize("name", ["usage", "month-end", "drift"])
def test_schedules_are_at_odd_minutes(name: str) -> None:
    for entry in workflow(name)["on"]["schedule"]:
        minute = int(entry["cron"].split()[0])
        assert minute % 2, "full hours and halves are when everybody's schedules run"


@pytest.mark.parametrize("name", NAMES)
def test_each_is_callable_and_names_every_secret(name: str) -> None:
    call = workflow(name)["on"]["workflow_call"]
    assert {"tool-repository", "tool-commit"} <= set(call["inputs"])
    used = {secret for job in jobs(name) for secret in job.secrets}
    assert set(call.get("secrets", {})) == used


@pytest.mark.parametrize("job", EVERY, ids=str)
def test_actions_are_pinned_by_hash(job: Job) -> None:
    for step in job.steps:
        if step.uses:
            assert step.uses == LOCAL or PINNED.fullmatch(step.uses), step.place


def test_each_pinned_action_was_read_at_its_commit_and_is_given_what_the_tests_know() -> None:
    steps = [step.data for job in EVERY for step in job.steps]
    steps += load(ACTION / "action.yml")["runs"]["steps"]
    for step in steps:
        action, _, commit = step.get("uses", "").partition("@")
        if commit:
            assert actions.READ[action] == commit, (
                f"read the source of {action} again (tests/workflows/actions)"
            )
            assert set(step.get("with", {})) <= actions.INPUTS[action]


def test_the_composite_action_is_pinned_gets_no_key_and_runs_no_expression() -> None:
    steps = load(ACTION / "action.yml")["runs"]["steps"]
    assert all(PINNED.fullmatch(step["uses"]) for step in steps if "uses" in step)
    assert not any("${{" in step.get("run", "") for step in steps)
    assert "secrets." not in (ACTION / "action.yml").read_text(encoding="utf-8")


def test_every_pin_names_its_version() -> None:
    for path in (*FOLDER.glob("*.yml"), ACTION / "action.yml"):
        for line in path.read_text(encoding="utf-8").splitlines():
            if "uses: actions/" in line:
                assert re.search(r"@[0-9a-f]{40} # v\d+\.\d+\.\d+$", line), f"{path.name}: {line}"


@pytest.mark.parametrize("job", EVERY, ids=str)
def test_no_expression_is_expanded_inside_a_script(job: Job) -> None:
    assert not [step.place for step in job.steps if "${{" in step.run]


@pytest.mark.parametrize("job", EVERY, ids=str)
def test_no_token_stays_behind_and_every_job_ends(job: Job) -> None:
    for step in job.steps:
        if step.uses.startswith("actions/checkout@"):
            assert step.data["with"]["persist-credentials"] == "false", step.place
    assert 0 < int(job.data["timeout-minutes"]) <= 120


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_keys_are_in_an_environment_and_in_the_steps_that_need_them(job: Job) -> None:
    environment = job.data.get("environment", "")
    if job.name == "notify":
        assert job.secrets == HOOKS
        assert environment == MESSAGES
    elif job.secrets and job.workflow in PLANS:
        assert job.secrets == PLAN_KEYS
        assert environment == "${{ matrix.site.environment }}-plan"
    elif job.secrets:
        assert job.workflow in WRITES
        assert job.secrets == KEYS
        assert environment == "${{ matrix.site.environment }}"
        assert "github.ref == 'refs/heads/main'" in job.data["if"]
    else:
        assert not environment
    assert not [step.place for step in job.steps if step.secrets and not step.run.strip()]
    assert "secrets." not in str(job.data.get("env", {})), "a key of the whole job is every step's"


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_a_step_has_keys_or_githubs_token_and_not_both(job: Job) -> None:
    for step in job.steps:
        if step.secrets - HOOKS:
            assert "github.token" not in str(step.data), step.place
            assert "reconciler ci" not in step.run, step.place


def test_validate_has_no_secret_and_works_for_forks() -> None:
    assert not {secret for job in jobs("validate") for secret in job.secrets}
    assert not [job for job in jobs("validate") if "head.repo" in str(job.data)]


def test_plans_are_not_made_for_forks_and_their_check_is_red() -> None:
    (sites,) = (job for job in jobs("plan") if job.name == "sites")
    assert "github.event.pull_request.head.repo.full_name == github.repository" in sites.data["if"]
    (result,) = (job for job in jobs("plan") if job.name == "result")
    assert "head.repo.full_name != github.repository" in result.steps[0].data["if"]


@pytest.mark.parametrize("job", jobs(*PULL_REQUEST), ids=str)
def test_the_tool_comes_from_the_base_and_only_the_mappings_from_the_head(job: Job) -> None:
    for step in job.steps:
        if not step.uses.startswith("actions/checkout@"):
            continue
        place = step.data["with"]["path"]
        if place == "tool":
            base = "inputs.tool-commit || github.event.pull_request.base.sha"
            assert expressions(step.data["with"]["ref"]) == [base]
            assert "sparse-checkout" not in step.data["with"]
        else:
            found = "steps" if job.name == "sites" else "needs.sites"
            wanted = {"base": f"{found}.outputs.base", "head": "github.sha"}
            assert expressions(step.data["with"]["ref"]) == [wanted[place].replace("steps.", "steps.base.")]


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_mappings_are_checked_out_alone_and_without_links(job: Job) -> None:
    for step in job.steps:
        if step.uses.startswith("actions/checkout@") and step.data["with"]["path"] != "tool":
            assert step.data["with"]["sparse-checkout"].split() == ["/mappings/", "/sites/"], step.place
            assert step.data["with"]["sparse-checkout-cone-mode"] == "false"
            assert step.data["env"] == {
                "GIT_CONFIG_COUNT": "1",
                "GIT_CONFIG_KEY_0": "core.symlinks",
                "GIT_CONFIG_VALUE_0": "false",
            }


@pytest.mark.parametrize("name", [name for name in NAMES if name != "validate"])
def test_nothing_runs_before_the_switch_is_on_and_the_gate_was_passed(name: str) -> None:
    for job in jobs(name):
        if job.name == "sites":
            assert ON in job.data["if"]
            assert "reconciler ci gate" in [step.run for step in job.steps]
        else:
            assert "sites" in job.data["needs"]
            if "always()" in job.data["if"] or "!cancelled()" in job.data["if"]:
                assert "needs." in job.data["if"] or ON in job.data["if"], job
                assert not job.secrets


def test_plans_of_a_pull_request_cancel_each_other_and_writes_never() -> None:
    for name in PULL_REQUEST:
        group = workflow(name)["concurrency"]
        assert group["group"] == f"{name}-${{{{ github.event.pull_request.number }}}}"
        assert group["cancel-in-progress"] == "true"
    for name in set(NAMES) - set(PULL_REQUEST):
        assert workflow(name)["concurrency"] == {"group": f"reconciler-{name}", "cancel-in-progress": "false"}


def test_usage_waits_for_apply_and_never_takes_its_place() -> None:
    """One run of each is under way at a time, so that a site's group holds two at most and drops none."""
    groups = [job.data["concurrency"] for job in jobs(*WRITES) if "concurrency" in job.data]
    assert groups == 2 * [
        {"group": "reconciler-write-${{ matrix.site.site }}", "cancel-in-progress": "false"}
    ]


@pytest.mark.parametrize("name", WRITES)
def test_who_writes_holds_the_lock_and_gives_it_back_whatever_happened(name: str) -> None:
    found = {job.name: job for job in jobs(name)}
    lock, unlock, write = found["lock"], found["unlock"], found[name]
    assert [step.run for step in lock.steps][-1] == "reconciler ci lock"
    assert [step.run for step in unlock.steps][-1] == "reconciler ci unlock"
    assert write.data["needs"] == ["sites", "lock"]
    assert write.data["if"] == lock.data["if"], "nobody waits for a lock that nobody needs"
    assert unlock.data["needs"] == ["sites", "lock", name]
    assert unlock.data["if"] == "${{ always() && needs.lock.result == 'success' }}"
    assert unlock.data["continue-on-error"] == "true", "the lock of a run that is over is free"
    longest = sum(int(job.data["timeout-minutes"]) for job in (unlock, write))
    assert longest * 60 < LONGEST.total_seconds(), "no lock is taken for left over while its run writes"


def test_the_two_daily_schedules_look_at_each_other_and_tell() -> None:
    looking = {job.workflow: job for job in jobs() if job.name == "heard"}
    called = {
        name: [s.run.split()[4] for s in job.steps if " heard " in s.run] for name, job in looking.items()
    }
    assert called == {"drift": ["usage.yml", "month-end.yml"], "usage": ["drift.yml"]}
    for name, job in looking.items():
        assert job.data["name"] == LOOKS, "a run that failed in this job alone did its work"
        assert ON in job.data["if"]
        (notify,) = (one for one in jobs(name) if one.name == "notify")
        assert "heard" in notify.data["needs"]
        told = [step.data["if"] for step in notify.steps if step.secrets][-1]
        assert told == "${{ !cancelled() && needs.heard.result == 'failure' }}", (
            "whatever became of the first"
        )


#: What writes to ConnectWise, or to GitHub what people go by; with the step that looks at the commit before.
#: `ci comment` looks itself: its commit is a pull request's and not the tip.
WRITING = re.compile(r"reconciler (apply|ci (drift|month-end)) ")


def test_every_job_that_writes_looks_first_whether_its_commit_is_an_old_one() -> None:
    found: dict[str, list[str]] = {}
    for job in jobs():
        runs = [step.run for step in job.steps]
        at = [number for number, run in enumerate(runs) if WRITING.match(run)]
        if at:
            found[str(job)] = [run for run in runs[: at[0]] if run.startswith("reconciler ci tip ")]
            tips = [step for step in job.steps[: at[0]] if step.run.startswith("reconciler ci tip ")]
            writes = job.steps[at[0]]
            assert [step.data.get("if") for step in tips] == [writes.data.get("if")], job
    assert len(found) == 4, found
    assert all(runs == ['reconciler ci tip --site "$SITE"'] for runs in found.values()), found


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_sites_come_from_the_command_line(job: Job) -> None:
    if "strategy" in job.data:
        assert job.data["strategy"]["matrix"] == {"site": "${{ fromJSON(needs.sites.outputs.sites) }}"}
        assert job.data["strategy"]["fail-fast"] == "false"


@pytest.mark.parametrize("job", jobs(), ids=str)
def test_a_script_calls_the_command_line_once_or_says_that_the_job_failed(job: Job) -> None:
    quoted = re.compile(r'"[^"`$\n]*\$[A-Z_]+[^"`$\n]*"')
    allowed = re.compile(r"exit 1|reconciler [a-z][A-Za-z0-9 _./*>-]*")
    scripts = {step.place: quoted.sub("x", step.run) for step in job.steps if step.run}
    assert not {place: script for place, script in scripts.items() if not allowed.fullmatch(script)}

"""docs/gitops.md and docs/gitlab.md say what the workflows do."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from reconciler.config.homes import ANSWERS_HOME, HOMES
from tests.docs.pages import DOCS, Block, blocks, prose, read
from tests.workflows.reader import FOLDER, NAMES, jobs, workflow
from tests.workflows.test_promises import HOOKS, KEYS, PLAN_KEYS

if TYPE_CHECKING:
    from pathlib import Path

PAGE = DOCS / "gitops.md"
EXAMPLES = [
    (block, f"vendor.{schema}")
    for page, info, schema in (
        (PAGE, "yaml github", "github-workflows"),
        (PAGE, "yaml dependabot", "dependabot"),
        (PAGE, "json renovate", "renovate"),
        (DOCS / "gitlab.md", "yaml gitlab", "gitlab-ci"),
    )
    for block in blocks(page)
    if block.info == info
]


@pytest.mark.parametrize(("block", "schema"), EXAMPLES, ids=str)
def test_examples_of_other_files_have_the_right_form(block: Block, schema: str, tmp_path: Path) -> None:
    file = tmp_path / f"example.{block.info.partition(' ')[0]}"
    file.write_text(block.text, encoding="utf-8")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_caller_gives_every_right_that_the_jobs_ask_for() -> None:
    (example,) = [yaml.safe_load(block.text) for block, schema in EXAMPLES if "workflows" in schema]
    asked: dict[str, str] = {}
    for job in jobs("plan"):
        asked |= job.data["permissions"]
    assert example["jobs"]["plan"]["permissions"] == asked
    called = example["jobs"]["plan"]
    assert called["uses"].partition("@")[2] == called["with"]["tool-commit"]
    assert set(called["with"]) <= set(workflow("plan")["on"]["workflow_call"]["inputs"])


def test_a_calling_repository_takes_both_numbers_of_a_newer_version(tmp_path: Path) -> None:
    """By the one command, and by the expression that Renovate is given."""
    (example,) = [block.text for block, schema in EXAMPLES if "workflows" in schema]
    (renovate,) = [json.loads(block.text) for block, schema in EXAMPLES if "renovate" in schema]
    (command,) = [block.text for block in blocks(PAGE) if "xargs sed" in block.text]
    old, new = "0123456789abcdef0123456789abcdef01234567", "fedcba98" * 5
    file = tmp_path / ".github" / "workflows" / "plan.yml"
    file.parent.mkdir(parents=True)
    file.write_text(example, encoding="utf-8")
    script = command.removeprefix("$ ").replace("OLD", old).replace("NEW", new)
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True)
    called = yaml.safe_load(file.read_text(encoding="utf-8"))["jobs"]["plan"]
    assert called["uses"].endswith(f"@{new}")
    assert called["with"]["tool-commit"] == new
    (manager,) = renovate["customManagers"]
    (expression,) = manager["matchStrings"]
    (pattern,) = manager["managerFilePatterns"]
    assert re.search(pattern.strip("/"), ".github/workflows/plan.yml")
    found = re.search(expression.replace("(?<", "(?P<"), example)
    assert found is not None
    assert found.groupdict() == {"currentDigest": old, "currentValue": "v0.1.0"}
    assert manager["depNameTemplate"] == called["with"]["tool-repository"]


def test_the_page_has_ten_steps_every_workflow_and_every_key() -> None:
    text = read(PAGE)
    steps = re.findall(r"^(\d+)\. ", text.partition("## What each")[0], re.MULTILINE)
    assert steps == [str(number) for number in range(1, 11)]
    titles = re.findall(r"^\d+\. \*\*([^*]+)\*\*", text, re.MULTILINE)
    assert titles.index("Say who reviews what") < titles.index("Protect `main`"), "then it takes no push"
    for name in (*NAMES, "ci"):
        assert f"| `{name}` |" in text
    for key in (*KEYS, *PLAN_KEYS, *HOOKS):
        assert f"`{key}`" in text, key
    variables = set(re.findall(r"\bvars\.(\w+)", "".join(f.read_text() for f in FOLDER.glob("*.yml"))))
    assert all(f"`{name}`" in text for name in variables)


def test_the_page_names_the_hours_of_the_schedules() -> None:
    text = prose(PAGE).partition("## Which job")[0]
    for name in ("usage", "month-end", "drift"):
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` |")]
        for entry in workflow(name)["on"]["schedule"]:
            minute, hour, days, *_ = entry["cron"].split()
            assert f"{int(hour):02}:{int(minute):02} UTC" in row
            assert days == "*" or days.rpartition("-")[0] in row


def _owners(name: str) -> str:
    """Who owns a file by the example: the last pattern that fits, as GitHub has it."""
    found = ""
    for line in read(DOCS / "CODEOWNERS.example").splitlines():
        if not line or line.startswith("#"):
            continue
        pattern, *owners = line.split()
        shape = re.escape(pattern).replace(r"\*", "[^/]*") + (".*" if pattern.endswith("/") else "")
        if re.fullmatch(shape, f"/{name}"):
            found = " ".join(owners).replace("@example-msp/", "")
    return found


#: Whose the home of a section is by the example; of `answers`, the words of a customer's row.
TEAMS = {
    "customers": "billing",
    "defaults": "billing",
    "mappings": "product-managers",
    "products": "pricing",
    "lines": "pricing",
    "approvals": "billing-leads",
    "holds": "billing-leads",
    ANSWERS_HOME: "billing-leads",
    "settings": "owners",
    "protected": "owners",
}


@pytest.mark.parametrize("site", ["mappings", "sites/acme"])
def test_the_example_of_owners_gives_each_section_to_its_team(site: str) -> None:
    """With `settings.homes: fixed` no section stands anywhere else (tests/config/test_homes.py)."""
    homes = {**HOMES, ANSWERS_HOME: ANSWERS_HOME}
    for form in ("{}.yaml", "{}/deeper/more.yaml"):
        found = {section: _owners(f"{site}/{form.format(home)}") for section, home in homes.items()}
        assert found == TEAMS
    assert _owners(f"{site}/new.yaml") == "billing", "no file of a site is nobody's"
    for file in (*homes.values(), "new"):
        assert _owners(f"sites/other/{file}.yaml") == "owners", "a new site has settings of its own"


def test_the_page_says_which_section_stands_where_and_whose_it_is() -> None:
    rows = re.findall(r"^\| `(\w+)\.yaml` \|.*\| (\S+) \|$", read(PAGE), re.MULTILINE)
    assert dict(rows) == {home: TEAMS[home] for home in (*HOMES.values(), ANSWERS_HOME)}


@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("month-end/acme/2026-11/plan.json.gz", "billing"),
        (".github/workflows/plan.yml", "engineering"),
        ("reconciler/cli/main.py", "engineering"),
        (".github/CODEOWNERS", "engineering"),
        ("README.md", ""),
    ],
)
def test_the_example_of_owners_says_who_reviews_what(name: str, owners: str) -> None:
    assert _owners(name) == owners

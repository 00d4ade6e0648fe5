"""docs/gitops.md and docs/gitlab.md say what the workflows do."""

from __future__ import annotations

import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

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
        (DOCS / "gitlab.md", "yaml gitlab", "gitlab-ci"),
    )
    for block in blocks(page)
    if block.info == info
]


@pytest.mark.parametrize(("block", "schema"), EXAMPLES, ids=str)
def test_examples_of_other_files_have_the_right_form(block: Block, schema: str, tmp_path: Path) -> None:
    file = tmp_path / "example.yml"
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


@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("mappings/customers.yaml", "billing"),
        ("sites/acme/lines.yaml", "billing"),
        ("month-end/acme/2026-11/plan.json.gz", "billing"),
        ("sites/acme/products.yaml", "product-managers"),
        ("mappings/settings.yaml", "billing-leads"),
        ("sites/acme/settings.yaml", "billing-leads"),
        (".github/workflows/plan.yml", "engineering"),
        ("reconciler/cli/main.py", "engineering"),
        ("README.md", ""),
    ],
)
def test_the_example_of_owners_says_who_reviews_what(name: str, owners: str) -> None:
    assert _owners(name) == owners

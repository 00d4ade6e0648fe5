"""`ci tip`: an old commit writes nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ci.github import HEAD

if TYPE_CHECKING:
    from tests.ci.github import Workflow

LATER = "c" * 40


def moved(workflow: Workflow, name: str) -> None:
    """The default branch has one more commit, which changes a file."""
    workflow.github.store.put({"README.md": "x", name: "new"}, HEAD, sha=LATER)
    workflow.github.refs["heads/main"] = LATER


def test_the_tip_may_write(workflow: Workflow) -> None:
    workflow.github.refs["heads/main"] = HEAD
    assert workflow.ci("tip").code == 0


@pytest.mark.parametrize("name", ["README.md", "docs/page.md", "month-end/mappings/x", "sites/b/a.yaml"])
def test_what_changed_elsewhere_is_no_matter(workflow: Workflow, name: str) -> None:
    moved(workflow, name)
    assert workflow.ci("tip").code == 0


@pytest.mark.parametrize(
    "name", ["mappings/holds.yaml", "reconciler/a.py", ".github/workflows/usage.yml", "requirements.lock"]
)
def test_an_old_commit_writes_nothing_that_a_newer_one_has_changed(workflow: Workflow, name: str) -> None:
    moved(workflow, name)
    said = workflow.ci("tip")
    assert said.code == 5
    assert "::error title=old-commit::" in said.out
    assert f"main is at {LATER[:12]} by now, with another {name.split('/')[0]}" in said.out
    assert "Start the workflow anew (Run workflow)" in said.out
    said = workflow.ci("tip", GITHUB_EVENT_NAME="push")
    assert said.code == 5
    assert "The run of the newer commit has what this one would have written" in said.out


def test_a_site_is_stopped_by_its_own_folder_alone(workflow: Workflow) -> None:
    moved(workflow, "sites/acme/mappings.yaml")
    assert workflow.ci("tip", "--site", "acme").code == 5
    assert workflow.ci("tip", "--site", "birch").code == 0


def test_where_nobody_can_tell_nothing_is_written(workflow: Workflow) -> None:
    moved(workflow, "README.md")
    workflow.github.refused = {"GET /git/ref/heads/main": 403}
    assert workflow.ci("tip").code == 1
    assert workflow.ci("tip", GITHUB_SHA="").code == 1

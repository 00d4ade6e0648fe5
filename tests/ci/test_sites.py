"""`reconciler sites`: the matrix, and which sites a change touches."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.support import Site

if TYPE_CHECKING:
    from pathlib import Path

    from tests.ci.github import Workflow

ROWS = "version: 1\nmappings: {CIXA-MSP: {product: MSP-ENDPOINT}}\n"


def put(root: Path, path: str, text: str = ROWS) -> None:
    """A file of mappings in a repository."""
    file = root / path / "mappings.yaml"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")


def names(site: Site, *arguments: str) -> list[str]:
    """Each site that is listed for the matrix."""
    said = site.run("sites", *arguments, "--format", "json")
    assert said.code == 0, said.err
    return [one["site"] for one in said.json]


def test_one_folder_of_mappings_is_one_site(tmp_path: Path) -> None:
    put(tmp_path, "mappings")
    said = Site(tmp_path).run("sites", "--root", str(tmp_path), "--format", "json")
    assert said.json == [{"site": "mappings", "path": "mappings", "environment": "production"}]


def test_each_folder_of_sites_is_one_and_has_its_environment(tmp_path: Path) -> None:
    put(tmp_path, "mappings")
    put(tmp_path, "sites/birch")
    put(tmp_path, "sites/acme/more")
    (tmp_path / "sites/empty").mkdir()
    said = Site(tmp_path).run("sites", "--root", str(tmp_path), "--format", "json")
    assert said.json == [
        {"site": "acme", "path": "sites/acme", "environment": "acme"},
        {"site": "birch", "path": "sites/birch", "environment": "birch"},
    ]
    assert "acme: sites/acme, environment acme" in Site(tmp_path).run("sites", "--root", str(tmp_path)).out


def test_a_change_touches_what_differs_and_what_one_side_has(tmp_path: Path) -> None:
    base, head = tmp_path / "base", tmp_path / "head"
    for name in ("same", "moved", "edited", "gone"):
        put(base, f"sites/{name}")
    put(head, "sites/same", f"# another comment\n{ROWS}")
    put(head, "sites/moved/deeper")
    put(head, "sites/edited", ROWS.replace("ENDPOINT", "OTHER"))
    put(head, "sites/new")
    found = names(Site(tmp_path), "--root", str(head), "--since", str(base))
    assert found == ["edited", "new"]
    said = Site(tmp_path).run("sites", "--root", str(head), "--since", str(base))
    assert said.out.splitlines()[-1] == "gone: removed by this change"


def test_a_site_that_is_not_valid_is_touched(tmp_path: Path) -> None:
    base, head = tmp_path / "base", tmp_path / "head"
    put(base, "mappings", "mappings: [")
    put(head, "mappings", "mappings: [")
    assert names(Site(tmp_path), "--root", str(head), "--since", str(base)) == ["mappings"]


def test_a_change_that_touches_nothing_is_an_empty_matrix(tmp_path: Path) -> None:
    put(tmp_path, "mappings")
    assert names(Site(tmp_path), "--root", str(tmp_path), "--since", str(tmp_path)) == []


def test_names_that_steer_a_workflow_are_refused(tmp_path: Path) -> None:
    put(tmp_path, "sites/a b\n::error")
    said = Site(tmp_path).run("sites", "--root", str(tmp_path), "--format", "json")
    assert (said.code, said.out) == (1, "")
    assert "site-name" in said.err
    assert "\n::error" not in said.err


@pytest.mark.parametrize(
    "name", ["mappings", "Unchanged", "reconciler-messages", "Production", "production-plan"]
)
def test_names_that_are_taken_are_refused(tmp_path: Path, name: str) -> None:
    put(tmp_path, f"sites/{name}")
    said = Site(tmp_path).run("sites", "--root", str(tmp_path))
    assert said.code == 1
    assert "site-name" in said.err


def test_a_link_to_another_site_is_refused(tmp_path: Path) -> None:
    put(tmp_path, "sites/acme")
    (tmp_path / "sites/birch").symlink_to(tmp_path / "sites/acme")
    said = Site(tmp_path).run("sites", "--root", str(tmp_path))
    assert said.code == 1
    assert "symlink" in said.err


def test_a_repository_without_sites_says_so(tmp_path: Path) -> None:
    said = Site(tmp_path).run("sites", "--root", str(tmp_path))
    assert said.code == 1
    assert "no-sites" in said.err


def test_a_copy_without_rows_yet_has_nothing_to_do(workflow: Workflow) -> None:
    said = workflow.run(
        "sites", "--root", str(workflow.root / "empty"), "--none-yet", "--github-output", "found"
    )
    assert said.code == 0
    assert said.err.startswith("No rows yet: ")
    assert workflow.output.read_text(encoding="utf-8") == "found=[]\n"


def test_the_matrix_is_an_output_of_the_step_on_one_line(workflow: Workflow) -> None:
    for name in ("acme", "birch"):
        put(workflow.root / "repository", f"sites/{name}")
    command = ("sites", "--root", str(workflow.root / "repository"), "--github-output", "found")
    said = workflow.run(*command)
    assert said.code == 0, said.err
    assert said.out.startswith("acme: sites/acme"), "and the log says it for people"
    name, _, matrix = workflow.output.read_text(encoding="utf-8").partition("=")
    assert name == "found"
    assert matrix.count("\n") == 1
    assert json.loads(matrix) == workflow.run(*command, "--format", "json").json


def test_a_matrix_without_sites_is_an_output_as_well(workflow: Workflow) -> None:
    put(workflow.root, "mappings")
    there = str(workflow.root)
    workflow.run("sites", "--root", there, "--since", there, "--github-output", "sites")
    assert workflow.output.read_text(encoding="utf-8") == "sites=[]\n"


@pytest.mark.parametrize("name", ["a=b", "a b", "a\nb", "1", ""])
def test_an_output_with_a_name_that_is_none_is_refused(workflow: Workflow, name: str) -> None:
    assert workflow.run("sites", "--github-output", name).code == 64
    assert not workflow.output.exists()

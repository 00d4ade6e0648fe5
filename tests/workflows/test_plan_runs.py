"""The steps of validate.yml and plan.yml in order, over a real repository, against the sandbox.

GitHub is the stand-in of tests/ci; nothing here was tried against github.com.
"""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import pytest

from tests.ci.github import BOT
from tests.ci.merges import OPENED, document
from tests.support import status
from tests.workflows.project import Project, need, told

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.workflows.runner import Ran


@pytest.mark.slow
def test_a_pull_request_is_planned_and_its_one_comment_is_updated(project: Project) -> None:
    first = project.plan(project.propose())
    assert not any(ran.failed for ran in first.values()), told(first)
    (comment,) = project.site.github.comments
    assert comment["body"].startswith("<!-- reconciler:mappings -->")
    assert "MSP-EM" in first["plan"].summary
    saved = document((project.runner.artifacts["plan-mappings"] / "plan.json.gz").read_bytes())
    assert saved["boundTo"]["pullRequest"] == 7
    assert f"plan `{saved['hash']}`" in comment["body"], "what apply says that it takes"
    before = comment["body"]
    second = project.plan(project.propose(extra="products:\n  MSP-EM: {price: 1.25}\n"))
    assert not any(ran.failed for ran in second.values()), told(second)
    (comment,) = project.site.github.comments
    assert comment["body"] != before
    assert "1.25" in comment["body"]
    assert not project.books.writes


@pytest.mark.slow
def test_what_was_merged_since_it_was_opened_is_no_part_of_a_pull_request(project: Project) -> None:
    first = project.propose()
    project.plan(first)
    project.merge(first)
    head = project.propose(extra="products:\n  MSP-EP: {price: 1.25}\n")
    assert project.event(head)["pull_request"]["base"]["sha"] != project.base, "GitHub tells an older one"
    ran = project.plan(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    saved = document((project.runner.artifacts["plan-mappings"] / "plan.json.gz").read_bytes())
    causes = {one["action"]: one["cause"] for one in saved["changes"]}
    assert (causes["map_product"], causes["edit_product"]) == ("waiting", "this change")


@pytest.mark.slow
def test_a_change_of_nothing_reads_nothing_and_replaces_the_comment(project: Project) -> None:
    project.plan(project.propose())
    del project.books.mapped["EM-MSP"]
    project.books.forget()
    ran = project.plan(project.commit("take it back, with a comment", "# nothing else\n"))
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "plan" not in ran
    assert not project.books.requests
    (comment,) = project.site.github.comments
    assert "MSP-EM" not in comment["body"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("path", "step"), [("/whoami/v1", "Freeze the usage"), ("/procurement/catalog", "Plan")]
)
def test_a_plan_that_cannot_be_made_takes_the_place_of_an_older_one(
    project: Project, path: str, step: str
) -> None:
    project.plan(project.propose())
    project.books.break_("GET", path, status(403))
    project.runner.artifacts.clear()
    ran = project.plan(project.propose(extra="products:\n  MSP-EM: {price: 1.25}\n"))
    assert [code for name, code in ran["plan"].codes.items() if name.startswith(step)] == [1], told(ran)
    assert ran["result"].failed
    (comment,) = project.site.github.comments
    assert "No plan could be made of the last commit" in comment["body"]
    assert "MSP-EM" not in comment["body"]


@pytest.mark.slow
def test_a_new_problem_makes_the_check_red_and_is_commented(project: Project) -> None:
    ran = project.plan(project.propose(product="MSP-NOWHERE"))
    assert ran["plan"].codes["Fail for new problems"] == 4, told(ran)
    assert ran["result"].failed
    (comment,) = project.site.github.comments
    assert "MSP-NOWHERE" in comment["body"]


@pytest.mark.slow
def test_what_is_wrong_is_said_on_its_line_without_any_key(project: Project) -> None:
    project.books.mapped["EM-MSP"] = "{product: MSP-EM, sink: true}"
    head = project.commit("a word that is none")
    event, github = project.event(head), {"sha": head}
    sites = project.runner.job("validate", "sites", event, github=github)
    needs = {"sites": need(sites)}
    (entry,) = json.loads(sites.outputs["sites"])
    ran = project.runner.job(
        "validate", "validate", event, github=github, needs=needs, matrix={"site": entry}
    )
    assert ran.codes["Validate"] == 1
    assert "::error title=unknown-key,file=mappings/mappings.yaml,line=6," in ran.said
    assert not project.books.requests


@pytest.mark.slow
def test_a_fork_gets_no_plan_and_its_check_is_red(project: Project) -> None:
    head = project.propose()
    event = project.event(head)
    event["pull_request"]["head"]["repo"] = {"full_name": "stranger/mappings"}
    sites = project.runner.job("plan", "sites", event, github={"sha": head})
    assert sites.codes == {}
    result = project.runner.job("plan", "result", event, needs={"sites": {"result": "skipped"}})
    assert result.codes == {"Forks get no plan, so push the branch to this repository": 1}


@pytest.mark.slow
def test_a_public_repository_plans_nothing(project: Project) -> None:
    project.site.github.repository |= {"visibility": "public", "private": False}
    head = project.propose()
    ran = project.runner.job("plan", "sites", project.event(head), github={"sha": head})
    assert ran.failed
    assert ran.outputs["sites"] == ""
    assert not project.books.requests


@pytest.mark.slow
def test_a_small_repository_calls_the_workflows_and_gets_the_tool_from_where_it_names(
    project: Project, tmp_path: Path
) -> None:
    tool = tmp_path / "tool"
    shutil.copytree(project.folder, tool)
    commit = project.git("rev-parse", "HEAD")
    project.git("rm", "--quiet", "-r", ".github")
    project.base = project.before = project.commit("mappings alone")
    head = project.propose()
    alone = project.runner.job("plan", "sites", project.event(head), github={"sha": head})
    assert alone.codes["Install the tool"] == 1, "it is not here"
    project.runner.inputs = {"tool-repository": "example-msp/tool", "tool-commit": commit}
    project.runner.others = {"example-msp/tool": tool}
    ran = project.plan(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    project.merge(head)
    ran = project.apply(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "EM-MSP" in project.books.notes("MSP-EM")


@pytest.mark.slow
def test_only_the_sites_that_a_change_touches_are_planned(project: Project) -> None:
    for name in ("acme", "other"):
        shutil.copytree(project.folder / "mappings", project.folder / "sites" / name)
    project.base = project.commit("two sites")
    project.books.mapped["EM-MSP"] = "{product: MSP-EM, sync: true}"
    project.books.live()
    shutil.copytree(project.books.folder, project.folder / "sites" / "acme", dirs_exist_ok=True)
    project.git("add", "--all")
    project.git("commit", "--quiet", "--message", "acme only")
    ran = project.plan(project.git("rev-parse", "HEAD"))
    assert not any(one.failed for one in ran.values()), told(ran)
    acme = {"site": "acme", "path": "sites/acme", "environment": "acme"}
    assert json.loads(ran["sites"].outputs["sites"]) == [acme]
    (comment,) = project.site.github.comments
    assert comment["body"].startswith("<!-- reconciler:acme -->")


@pytest.mark.slow
def test_a_site_that_is_no_longer_touched_loses_its_plan_in_the_comment(project: Project) -> None:
    for name in ("acme", "birch", "other"):
        shutil.copytree(project.folder / "mappings", project.folder / "sites" / name)
    project.base = project.commit("three sites")
    before = (project.books.folder / "mappings.yaml").read_text(encoding="utf-8")
    project.books.mapped["EM-MSP"] = "{product: MSP-EM, sync: true}"
    project.books.live()
    after = (project.books.folder / "mappings.yaml").read_text(encoding="utf-8")

    def proposed(**texts: str) -> dict[str, Ran]:
        for name, text in texts.items():
            (project.folder / "sites" / name / "mappings.yaml").write_text(text, encoding="utf-8")
        project.git("commit", "--quiet", "--all", "--message", "sites")
        project.runner.artifacts.clear()
        return project.plan(project.git("rev-parse", "HEAD"))

    proposed(acme=after)
    ran = proposed(acme=before, birch=after)
    assert not any(one.failed for one in ran.values()), told(ran)
    found = {one["body"].splitlines()[0]: one["body"] for one in project.site.github.comments}
    assert set(found) == {"<!-- reconciler:acme -->", "<!-- reconciler:birch -->"}, "and none for other"
    assert "MSP-EM" in found["<!-- reconciler:birch -->"]
    assert "MSP-EM" not in found["<!-- reconciler:acme -->"]
    ran = proposed(birch=before)
    assert not any("MSP-EM" in one["body"] for one in project.site.github.comments), told(ran)


def brings(project: Project, user: Mapping[str, object], extra: str = "") -> dict[str, Ran]:
    """The run of a pull request that brings a month's plan."""
    month = project.folder / "month-end" / "mappings" / "2026-11"
    month.mkdir(parents=True)
    (month / "plan.json.gz").write_text("{}\n", encoding="utf-8")
    head = project.commit("a plan", extra)
    event = project.event(head)
    event["pull_request"]["user"] = user
    return project.plan(head, event)


@pytest.mark.slow
def test_a_person_s_pull_request_with_a_month_s_plan_is_red_and_told(project: Project) -> None:
    ran = brings(project, OPENED)
    assert ran["sites"].codes["Say which sites stay as they were, and which go"] == 4, told(ran)
    assert "::error title=frozen-plan::" in ran["sites"].said
    assert "as it was: there is nothing new" not in ran["sites"].summary
    assert ran["result"].failed


@pytest.mark.slow
def test_a_month_s_own_pull_request_is_not_called_nothing(project: Project) -> None:
    ran = brings(project, BOT)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "as it was: there is nothing new" not in ran["sites"].summary
    (comment,) = project.site.github.comments
    assert "Merging it approves the plan in its text" in comment["body"]


@pytest.mark.slow
def test_a_month_s_pull_request_with_more_than_its_plan_is_red(project: Project) -> None:
    ran = brings(project, BOT, extra="products:\n  MSP-EP: {price: 1.25}\n")
    assert ran["result"].failed, told(ran)


def from_the_template(project: Project) -> None:
    """The repository is a copy of the template, whose first mappings are in the pull request."""
    project.git("rm", "--quiet", "-r", "mappings")
    project.git("commit", "--quiet", "--message", "as it comes from the template")
    project.base = project.before = project.git("rev-parse", "HEAD")


@pytest.mark.slow
def test_the_first_rows_of_a_copy_are_planned_merged_and_applied(project: Project) -> None:
    from_the_template(project)
    head = project.propose()
    ran = project.plan(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "The site is new" in ran["plan"].said
    project.merge(head)
    ran = project.apply(head)
    assert not any(one.failed for one in ran.values()), told(ran)
    assert "EM-MSP" in project.books.notes("MSP-EM")


@pytest.mark.slow
def test_problems_of_a_new_site_are_new(project: Project) -> None:
    from_the_template(project)
    ran = project.plan(project.propose(product="MSP-NOWHERE"))
    assert ran["plan"].codes["Fail for new problems"] == 4, told(ran)
    assert "New: " in ran["plan"].said

"""The stages of docs/azure-pipelines.yml in order, over a real repository, against the sandbox.

Azure is a stand-in; nothing here was tried against it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.model.diagnostics import Location, error, notice
from reconciler.reporting.diagnostics import azure_annotations
from tests.support import status
from tests.workflows.pipeline import PROJECT, Pipeline, StageRan
from tests.workflows.project import Project

if TYPE_CHECKING:
    from pathlib import Path


class OnAzure:
    """The project of the other end-to-end tests, whose repository is in Azure Repos."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.books = self.project.books
        self.pipeline = Pipeline(root / "pipeline", self.books, self.project.folder)
        self.azure = self.pipeline.azure

    def pull_request(self, *, product: str = "MSP-EM", extra: str = "") -> dict[str, StageRan]:
        """One more commit of the pull request, and the build of its merge."""
        self.project.propose(product=product, extra=extra)
        return self.build_of_the_merge()

    def build_of_the_merge(self) -> dict[str, StageRan]:
        """The build of what would be merged: the base is its first parent."""
        git = self.project.git
        head = git("rev-parse", "HEAD")
        tree = git("rev-parse", "HEAD^{tree}")
        merged = git("commit-tree", tree, "-p", self.project.base, "-p", head, "-m", "merge")
        git("branch", "--force", "merge", merged)
        return self.pipeline.run(merged, reason="PullRequest")

    def push(self) -> dict[str, StageRan]:
        """The branch as it is now is main."""
        return self.pipeline.run(self.project.git("rev-parse", "HEAD"), reason="IndividualCI")

    def scheduled(self, schedule: str) -> dict[str, StageRan]:
        """A run by the clock."""
        head = self.project.git("rev-parse", "HEAD")
        return self.pipeline.run(head, reason="Schedule", schedule=schedule)


@pytest.fixture
def site(tmp_path: Path) -> OnAzure:
    return OnAzure(tmp_path)


def results(ran: dict[str, StageRan]) -> dict[str, str]:
    """How each stage that ran ended."""
    return {name: one.result for name, one in ran.items() if one.result != "Skipped"}


def told(ran: dict[str, StageRan]) -> str:
    return "\n".join(f"{name}: {one.codes}\n{one.said}" for name, one in ran.items())


@pytest.mark.slow
def test_a_pull_request_is_planned_and_its_one_comment_is_updated(site: OnAzure) -> None:
    ran = site.pull_request()
    assert results(ran) == {"validate": "Succeeded", "plan": "Succeeded"}, told(ran)
    (thread,) = site.azure.threads
    assert thread["status"] == 4, "a closed thread keeps nobody from completing the pull request"
    before = thread["comments"][0]["content"]
    assert before.startswith("<!-- reconciler:mappings -->")
    assert "MSP-EM" in before
    ran = site.pull_request(extra="products:\n  MSP-EM: {price: 1.25}\n")
    assert results(ran) == {"validate": "Succeeded", "plan": "Succeeded"}, told(ran)
    (thread,) = site.azure.threads
    assert "1.25" in thread["comments"][0]["content"]
    assert not site.books.writes
    assert "##vso[task.uploadsummary]" in ran["plan"].said


@pytest.mark.slow
def test_new_problems_are_red_and_standing_ones_are_not(site: OnAzure) -> None:
    site.books.customer("Birch", ep=(10, 10, 90))
    site.project.base = site.project.commit("a line that waits")
    ran = site.pull_request()
    assert results(ran) == {"validate": "Succeeded", "plan": "SucceededWithIssues"}, told(ran)
    ran = site.pull_request(product="MSP-NOWHERE")
    assert ran["plan"].codes["Fail for new problems"] == 4, told(ran)
    assert results(ran)["plan"] == "Failed"
    assert "MSP-NOWHERE" in site.azure.threads[0]["comments"][0]["content"]
    assert not site.azure.messages, "a pull request tells its author and nobody else"


@pytest.mark.slow
def test_a_plan_that_cannot_be_made_takes_the_place_of_an_older_one(site: OnAzure) -> None:
    site.pull_request()
    site.books.break_("GET", "/procurement/catalog", status(403))
    ran = site.build_of_the_merge()
    assert results(ran)["plan"] == "Failed", told(ran)
    (thread,) = site.azure.threads
    assert "No plan could be made" in thread["comments"][0]["content"]


@pytest.mark.slow
def test_a_comment_that_cannot_be_made_fails_nothing(site: OnAzure) -> None:
    site.azure.refused = 403
    ran = site.pull_request()
    assert results(ran)["plan"] == "Succeeded", told(ran)
    assert "comment-not-made: No comment from" in ran["plan"].said
    assert "Contribute to pull requests" in ran["plan"].said


@pytest.mark.slow
def test_what_was_approved_on_main_is_written(site: OnAzure) -> None:
    site.pull_request()
    ran = site.push()
    wanted = {"validate": "Succeeded", "plan_main": "Succeeded", "apply": "Succeeded"}
    assert results(ran) == wanted, told(ran)
    assert "EM-MSP" in site.books.notes("MSP-EM")
    assert not site.azure.messages


@pytest.mark.slow
def test_the_schedule_writes_quantities_and_shows_what_differs(site: OnAzure) -> None:
    site.books.item("MSP-EP")["notes"] = ""
    ran = site.scheduled("usage")
    assert set(results(ran)) == {"validate", "usage", "watch"}, told(ran)
    assert "Failed" not in results(ran).values(), told(ran)
    assert not [write for write in site.books.writes if "catalog" in write], "what a person changed stays"
    assert ran["watch"].codes["Say what differs"] == 0
    assert "plan.md" in ran["watch"].said, "the report is shown beside the run"
    assert not site.azure.messages


@pytest.mark.slow
def test_a_quantity_is_written_by_the_schedule(site: OnAzure) -> None:
    ran = site.scheduled("usage")
    assert [write for write in site.books.writes if "additions" in write], told(ran)
    assert "journal-1" in site.pipeline.artifacts
    ran = site.scheduled("month end")
    assert results(ran) == {"validate": "Succeeded", "month_end": "Succeeded"}, told(ran)


@pytest.mark.slow
def test_a_no_of_ready_and_a_run_that_failed_are_told(site: OnAzure) -> None:
    ran = site.scheduled("month end")
    assert ran["month_end"].codes["Ask"] == 4, told(ran)
    assert results(ran)["tell"] == "Succeeded", told(ran)
    sent = site.azure.messages
    assert set(sent) == {"teams.invalid", "slack.invalid", "email.invalid"}
    link = f"https://dev.azure.invalid/example-msp/{PROJECT}/_build/results?buildId=77"
    assert sent["email.invalid"]["link"] == link
    sent.clear()
    site.books.break_("GET", "/finance/agreements", status(403))
    ran = site.scheduled("usage")
    assert results(ran)["usage"] == "Failed"
    assert sent, told(ran)


@pytest.mark.slow
def test_a_webhook_that_is_not_set_is_none(site: OnAzure) -> None:
    """Azure leaves the macro of a variable that is not there as it is."""
    del site.pipeline.groups["reconciler-messages"]["RECONCILER_SLACK_WEBHOOK"]
    ran = site.scheduled("month end")
    assert results(ran)["tell"] == "Succeeded", told(ran)
    assert set(site.azure.messages) == {"teams.invalid", "email.invalid"}


def test_findings_are_logging_commands_that_no_name_ends() -> None:
    place = Location("mappings/a;b].yaml", 3, 5)
    found = error("a-code", "50 % x]##vso[task.complete]", "do\nit", location=place)
    command, line = azure_annotations([found, notice("b-c", "n")])
    properties, _, text = command.removeprefix("##vso[task.logissue ").partition("]")
    assert properties.split(";")[:3] == ["type=error", "code=a-code", "sourcepath=mappings/a%3Bb%5D.yaml"]
    assert text == "50 %AZP25 x%5D#\\u0023vso[task.complete%5D do it"
    assert line == "b-c: n"


@pytest.mark.slow
@pytest.mark.parametrize("schedule", ["usage", ""])
def test_an_old_build_that_is_started_again_writes_nothing(site: OnAzure, schedule: str) -> None:
    old = site.project.git("rev-parse", "HEAD")
    hold = "holds:\n  - {customer: Alder, product: MSP-EP, reason: theirs, expires: 2026-12-31}\n"
    site.project.commit("a hold", hold)
    ran = site.pipeline.run(old, reason="Schedule" if schedule else "IndividualCI", schedule=schedule)
    assert ran[schedule or "apply"].codes["Stop where main has gone on"] == 5, told(ran)
    assert "old-commit" in ran[schedule or "apply"].said
    assert not site.books.writes


@pytest.mark.slow
def test_a_newer_commit_beside_the_mappings_stops_nothing(site: OnAzure) -> None:
    old = site.project.git("rev-parse", "HEAD")
    (site.project.folder / "README.md").write_text("new\n", encoding="utf-8")
    site.project.commit("a page")
    ran = site.pipeline.run(old, reason="Schedule", schedule="usage")
    assert ran["usage"].codes["Stop where main has gone on"] == 0, told(ran)
    assert site.books.writes

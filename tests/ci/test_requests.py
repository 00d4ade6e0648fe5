"""Who is asked, with which keys, and what is believed of the answer."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.ci.github import API, BLOBS, TOKEN, FakeGitHub
from tests.ci.merges import MERGES, Merges

if TYPE_CHECKING:
    from tests.ci.github import Workflow


def test_an_enterprise_server_has_a_path(workflow: Workflow) -> None:
    workflow.github.prefix = "/api/v3"
    assert workflow.ci("gate", GITHUB_API_URL=f"{API}/api/v3").code == 0
    assert workflow.github.requests[0].url.path == "/api/v3/repos/alder/mappings"


@pytest.mark.parametrize(
    "url", ["http://api.github.invalid", f"https://x:{TOKEN}@api.github.invalid", "https://"]
)
def test_the_token_goes_nowhere_in_the_clear(workflow: Workflow, url: str) -> None:
    said = workflow.ci("gate", GITHUB_API_URL=url)
    assert said.code == 1
    assert "github-url" in said.err
    assert not workflow.github.requests


@pytest.mark.parametrize("token", ["", "a\nb", "ä"])
def test_a_token_that_is_none_is_not_sent(workflow: Workflow, token: str) -> None:
    assert "credentials-missing" in workflow.ci("gate", GITHUB_TOKEN=token).err
    assert not workflow.github.requests


@pytest.mark.parametrize("repository", ["", "../x", "a/..", "a/b/c", "a/b?x", "a b/c"])
def test_a_repository_that_is_none_is_not_asked_for(workflow: Workflow, repository: str) -> None:
    assert workflow.ci("gate", GITHUB_REPOSITORY=repository).code == 1
    assert not workflow.github.requests


@pytest.mark.parametrize("event", ["[]", "{", "\ud7ff" * 3, "[" * 100_000])
def test_an_event_that_is_none_is_said(workflow: Workflow, event: str) -> None:
    (workflow.root / "event.json").write_text(event, encoding="utf-8")
    said = workflow.ci("gate")
    assert said.code == 1
    assert "github-event" in said.err


class Redirecting(FakeGitHub):
    """Sends downloads somewhere else."""

    location = ""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """As GitHub, but for archives."""
        if request.url.path.endswith("/zip"):
            return httpx.Response(302, headers={"location": self.location})
        return await super().handle_async_request(request)


@pytest.mark.parametrize(
    "location", [f"http://{BLOBS}/9", f"https://me@{BLOBS}/9", "", "/9", "https://[", "file:///etc/passwd"]
)
def test_an_archive_is_fetched_over_https_only(workflow: Workflow, location: str) -> None:
    merges = Merges(workflow)
    github = Redirecting(**{one.name: getattr(workflow.github, one.name) for one in fields(FakeGitHub)})
    github.location = location
    workflow.books.transport = github
    said = workflow.ci("reviewed", "--out", str(workflow.root / "out"), GITHUB_SHA=MERGES[9])
    assert said.code == 5
    assert "not-reviewed" in said.out
    assert not [one for one in github.requests if one.url.host != "api.github.invalid"]
    assert merges.plans


def test_an_answer_that_is_not_documented_is_no_answer(workflow: Workflow) -> None:
    Merges(workflow)
    workflow.github.answers["/actions/workflows/apply.yml/runs"] = {"workflow_runs": "none"}
    said = workflow.ci("reviewed", "--out", str(workflow.root / "out"), GITHUB_SHA=MERGES[9])
    assert said.code == 1
    assert "github-bad-answer" in said.err


def test_a_refused_token_is_said_and_nothing_more_is_sent(workflow: Workflow) -> None:
    workflow.pull_request()
    workflow.ci("publish", str(workflow.plan()), "--out", str(workflow.root / "out"))
    workflow.github.refused = {"GET /pulls/7": 401}
    said = workflow.ci("comment", str(workflow.root / "out"))
    assert said.code == 0
    assert "::notice title=comment-not-made::" in said.out
    assert workflow.github.asked == ["GET /pulls/7"]

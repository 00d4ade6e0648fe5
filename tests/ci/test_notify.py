"""`ci notify`: one message to each webhook, that holds nothing which steers and leads to the run."""

from __future__ import annotations

import json
import unicodedata
from typing import TYPE_CHECKING, Any

import pytest

from tests.hostile.test_names import NAMES, STEERS

if TYPE_CHECKING:
    from tests.ci.github import Workflow

SLACK, TEAMS, EMAIL = "hooks.slack.invalid", "teams.invalid", "mail.invalid"
HOOKS = {
    "RECONCILER_SLACK_WEBHOOK": f"https://{SLACK}/services/T/B/made-up-secret",
    "RECONCILER_TEAMS_WEBHOOK": f"https://{TEAMS}/workflows/x?sig=made-up-secret",
    "RECONCILER_EMAIL_WEBHOOK": f"https://{EMAIL}/workflows/y?sig=made-up-secret",
}


def messages(workflow: Workflow) -> dict[str, Any]:
    """What each webhook was sent."""
    return {one.url.host: json.loads(one.content) for one in workflow.github.requests}


def test_one_message_to_each_webhook(workflow: Workflow) -> None:
    workflow.github.webhooks = {SLACK: 200, TEAMS: 202, EMAIL: 202}
    text = workflow.root / "text.md"
    text.write_text("Alder waits\n" + "x" * 10_000, encoding="utf-8")
    said = workflow.ci("notify", "--title", "Not ready", "--file", str(text), **HOOKS)
    assert said.code == 0, said.err
    hooks = "RECONCILER_TEAMS_WEBHOOK, RECONCILER_SLACK_WEBHOOK, RECONCILER_EMAIL_WEBHOOK"
    assert said.out == f"Sent to: {hooks}\n"
    sent = messages(workflow)
    assert set(sent) == {SLACK, TEAMS, EMAIL}
    assert sent[SLACK]["blocks"][1]["text"]["text"].startswith("Alder waits\nxxx")
    assert len(sent[SLACK]["blocks"][1]["text"]["text"]) <= 3_000
    card = sent[TEAMS]["attachments"][0]["content"]
    assert card["body"][0]["inlines"][0]["text"] == "alder/mappings: Not ready"
    assert sent[EMAIL]["subject"] == "alder/mappings: Not ready"
    assert sent[EMAIL]["text"].startswith("Alder waits\nxxx")
    assert not any("authorization" in one.headers for one in workflow.github.requests)


RUN = "https://github.com/alder/mappings/actions/runs/77"
PIPELINE = "https://dev.example.invalid/msp/_build/results?buildId=7&view=results"


@pytest.mark.parametrize(("given", "link"), [((), RUN), (("--link", PIPELINE), PIPELINE)])
def test_a_message_leads_to_the_run(workflow: Workflow, given: tuple[str, ...], link: str) -> None:
    workflow.github.webhooks = {SLACK: 200, TEAMS: 202, EMAIL: 202}
    assert workflow.ci("notify", "--title", "Not ready", *given, **HOOKS).code == 0
    sent = messages(workflow)
    shown = sent[SLACK]["blocks"][-1]["elements"][0]["text"]
    assert shown == f"<{link.replace('&', '&amp;')}|Open the run>"
    assert sent[TEAMS]["attachments"][0]["content"]["actions"][0]["url"] == link
    assert sent[EMAIL]["link"] == link
    assert sent[EMAIL]["text"] == f"alder/mappings: Not ready\n\n{link}"


@pytest.mark.parametrize(
    "link",
    ["javascript:alert(1)", "https://x.invalid/a|<!channel>", "http://x.invalid/", "https://x.invalid/\ny"],
)
def test_a_link_that_is_none_is_left_out(workflow: Workflow, link: str) -> None:
    workflow.github.webhooks = {SLACK: 200, TEAMS: 202, EMAIL: 202}
    assert workflow.ci("notify", "--title", "Not ready", "--link", link, **HOOKS).code == 0
    sent = messages(workflow)
    assert not [block for block in sent[SLACK]["blocks"] if block["type"] == "context"]
    assert sent[TEAMS]["attachments"][0]["content"]["actions"] == []
    assert sent[EMAIL]["link"] == ""


def test_without_a_webhook_nothing_is_sent(workflow: Workflow) -> None:
    said = workflow.ci("notify", "--title", "Not ready")
    assert said.code == 0
    assert not workflow.github.requests


@pytest.mark.parametrize(
    "address",
    [
        f"http://{SLACK}/made-up-secret",
        f"https://user:made-up-secret@{SLACK}/",
        "made-up-secret",
        "https://[made-up-secret",
        "file:///made-up-secret",
    ],
)
def test_a_webhook_that_is_not_https_gets_nothing(workflow: Workflow, address: str) -> None:
    workflow.github.webhooks = {TEAMS: 200, EMAIL: 200}
    hooks = {**HOOKS, "RECONCILER_SLACK_WEBHOOK": address}
    said = workflow.ci("notify", "--title", "Not ready", **hooks)
    assert said.code == 1
    assert "webhook-failed" in said.err
    assert "RECONCILER_SLACK_WEBHOOK" in said.err
    assert "made-up-secret" not in said.out + said.err
    assert set(messages(workflow)) == {TEAMS, EMAIL}, "and the others got it"


def test_a_webhook_that_refuses_is_said_without_its_address(workflow: Workflow) -> None:
    workflow.github.webhooks = {SLACK: 404, TEAMS: 302, EMAIL: 200}
    said = workflow.ci("notify", "--title", "Not ready", **HOOKS)
    assert said.code == 1
    assert "it answers 404" in said.err
    assert "it answers 302" in said.err
    assert "made-up-secret" not in said.out + said.err


@pytest.mark.parametrize("name", NAMES)
def test_a_hostile_title_is_a_text(workflow: Workflow, name: str) -> None:
    workflow.github.webhooks = {SLACK: 200, TEAMS: 200, EMAIL: 200}
    said = workflow.ci("notify", "--title", f"<!channel> {name}", **HOOKS)
    assert said.code == 0
    assert "<" not in messages(workflow)[SLACK]["text"]
    assert messages(workflow)[SLACK]["blocks"][0]["text"]["type"] == "plain_text"
    title = messages(workflow)[TEAMS]["attachments"][0]["content"]["body"][0]["inlines"][0]
    assert title["type"] == "TextRun"
    assert not {one for one in messages(workflow)[EMAIL]["subject"] if unicodedata.category(one) in STEERS}
    assert not {one for one in title["text"] if unicodedata.category(one) in STEERS}

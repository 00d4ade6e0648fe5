"""One message to Teams, Slack and e-mail. The address of a webhook is its key, and no message of ours has it.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (`plain_text` blocks of at
most 3,000 characters). Teams: https://learn.microsoft.com/en-us/connectors/teams/ (*When a Teams webhook
request is received*), with an adaptive card whose text runs hold no markup. E-mail is sent by whatever
listens: a flow of Power Automate, for example, that begins with *When an HTTP request is received* and ends
with *Send an email*, https://learn.microsoft.com/en-us/azure/connectors/connectors-native-reqres. Tried
against none of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.reporting.clean import clean
from reconciler.transport.service import parse_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.diagnostics import Diagnostic

_TITLE, _TEXT = 140, 2_900
_OPEN = "Open the run"
#: What an address may hold that stands in Slack's markup: nothing that ends it.
_LINK = re.compile(r"https://[A-Za-z0-9.-]+(:[0-9]+)?/[A-Za-z0-9._~/%?&=+-]*")


@dataclass(frozen=True)
class Message:
    """What is told: no character of it steers, and no part is too long. `link` is an https address or ""."""

    title: str
    text: str = ""
    link: str = ""


def message(title: str, text: str, link: str) -> Message:
    """A message of what somebody else may have worded; a link that is none is left out."""
    lines = "\n".join(clean(line) for line in text.splitlines()).strip()
    cut = lines if len(lines) <= _TEXT else f"{lines[:_TEXT]}…"
    return Message(clean(title)[:_TITLE], cut, link if _LINK.fullmatch(link) else "")


def slack(told: Message) -> dict[str, Any]:
    """The body for Slack; `text` is what notifications show. Only that and the link are read for markup."""
    blocks: list[dict[str, Any]] = [
        {"type": "section", "text": {"type": "plain_text", "text": part}}
        for part in (told.title, told.text)
        if part
    ]
    if told.link:
        shown = {"type": "mrkdwn", "text": f"<{_escaped(told.link)}|{_OPEN}>"}
        blocks.append({"type": "context", "elements": [shown]})
    return {"text": _escaped(told.title), "blocks": blocks}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def teams(told: Message) -> dict[str, Any]:
    """The body for a Teams workflow."""
    runs = [
        [{"type": "TextRun", "text": told.title, "weight": "Bolder"}],
        [{"type": "TextRun", "text": told.text}],
    ]
    opened = [{"type": "Action.OpenUrl", "title": _OPEN, "url": told.link}] if told.link else []
    card = {
        "actions": opened,
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": inlines} for inlines in runs if inlines[0]["text"]],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


def email(told: Message) -> dict[str, Any]:
    """The body for what sends e-mail: plain text, with the link in it as well."""
    whole = "\n\n".join(part for part in (told.text or told.title, told.link) if part)
    return {"subject": told.title, "text": whole, "link": told.link}


HOOKS: Mapping[str, Callable[[Message], dict[str, Any]]] = {
    "RECONCILER_TEAMS_WEBHOOK": teams,
    "RECONCILER_SLACK_WEBHOOK": slack,
    "RECONCILER_EMAIL_WEBHOOK": email,
}


async def notify(
    environ: Mapping[str, str], told: Message, transport: httpx.AsyncBaseTransport | None
) -> list[str]:
    """Send to each webhook that is configured, and name the variables of those that took it.

    Raises ReconcilerError that names the variables of those that did not, after all were tried.
    """
    sent, wrong = [], []
    async with httpx.AsyncClient(transport=transport, timeout=30, follow_redirects=False) as client:
        for name, form in HOOKS.items():
            address = environ.get(name, "").strip()
            # Azure leaves the name of a variable that is not there as it is
            if address in ("", f"$({name})"):
                continue
            why = await _post(client, address, form(told))
            if why:
                wrong.append(_failed(name, why))
            else:
                sent.append(name)
    if wrong:
        raise ReconcilerError(wrong)
    return sent


async def _post(client: httpx.AsyncClient, address: str, body: dict[str, Any]) -> str:
    """Why it was not taken; empty where it was."""
    try:
        parse_origin(address, system="webhook", setting="the webhook")
    except ReconcilerError:
        return "it is no https address"
    if not address.lower().startswith("https://"):
        return "it is no https address"
    try:
        answer = await client.post(httpx.URL(address), json=body)
    except httpx.TransportError as failed:
        return f"it cannot be reached ({type(failed).__name__})"
    return "" if 200 <= answer.status_code < 300 else f"it answers {answer.status_code}"


def _failed(name: str, why: str) -> Diagnostic:
    return error(
        "webhook-failed", f"The message was not sent to the webhook in {name}: {why}.", "Check that secret."
    )

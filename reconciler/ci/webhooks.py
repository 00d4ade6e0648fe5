"""One message to Teams and Slack. The address of a webhook is its key, and stands in no message of ours.

Slack: https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (`plain_text` blocks of at
most 3,000 characters). Teams: https://learn.microsoft.com/en-us/connectors/teams/ (*When a Teams webhook
request is received*), with an adaptive card whose text runs hold no markup. Tried against neither.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.reporting.clean import clean
from reconciler.transport.service import parse_origin

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.model.diagnostics import Diagnostic

_TITLE, _TEXT = 140, 2_900


def slack(title: str, text: str) -> dict[str, Any]:
    """The body for Slack; `text` is what notifications show, and the only part that is read for markup."""
    plain = [
        {"type": "section", "text": {"type": "plain_text", "text": part}} for part in (title, text) if part
    ]
    escaped = title.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return {"text": escaped, "blocks": plain}


def teams(title: str, text: str) -> dict[str, Any]:
    """The body for a Teams workflow."""
    runs = [[{"type": "TextRun", "text": title, "weight": "Bolder"}], [{"type": "TextRun", "text": text}]]
    card = {
        "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
        "type": "AdaptiveCard",
        "version": "1.4",
        "body": [{"type": "RichTextBlock", "inlines": inlines} for inlines in runs if inlines[0]["text"]],
    }
    kind = "application/vnd.microsoft.card.adaptive"
    return {"type": "message", "attachments": [{"contentType": kind, "content": card}]}


HOOKS: Mapping[str, Callable[[str, str], dict[str, Any]]] = {
    "RECONCILER_TEAMS_WEBHOOK": teams,
    "RECONCILER_SLACK_WEBHOOK": slack,
}


def shortened(title: str, text: str) -> tuple[str, str]:
    """Title and text as a message holds them: no character that steers, and not too long."""
    lines = "\n".join(clean(line) for line in text.splitlines()).strip()
    cut = lines if len(lines) <= _TEXT else f"{lines[:_TEXT]}…"
    return clean(title)[:_TITLE], cut


async def notify(
    environ: Mapping[str, str], title: str, text: str, transport: httpx.AsyncBaseTransport | None
) -> list[str]:
    """Send to each webhook that is configured, and name the variables of those that took it.

    Raises ReconcilerError that names the variables of those that did not, after all were tried.
    """
    sent, wrong = [], []
    async with httpx.AsyncClient(transport=transport, timeout=30, follow_redirects=False) as client:
        for name, form in HOOKS.items():
            address = environ.get(name, "").strip()
            if not address:
                continue
            why = await _post(client, address, form(*shortened(title, text)))
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

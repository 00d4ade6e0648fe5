"""What goes over the wire to Sophos is what was recorded."""

from __future__ import annotations

import re

import pytest

from reconciler.sandbox.identity import PARTNER_CLIENT, PARTNER_ID
from reconciler.sandbox.seed import small_msp
from reconciler.sandbox.server import running
from tests.sophos.conversation import CASSETTE, CASSETTES, Heard, converse, shorten
from tests.sophos.record import QUIRKS
from tests.sophos.support import TODAY, sandbox_credentials
from tests.transport.cassettes import ORIGIN, tape

pytestmark = pytest.mark.anyio


def check(heard: Heard) -> None:
    """What the conversation must bring, recorded or live."""
    assert heard.partner_id == PARTNER_ID
    assert len(heard.tenants) == 7
    assert heard.october.lines is not None
    assert len(heard.october.lines) == 12
    assert heard.long_ago.lines is None
    assert len(heard.firewalls) == 3


async def test_the_recorded_conversation_is_still_what_is_said() -> None:
    with tape(CASSETTE) as cassette:
        heard = await converse(sandbox_credentials(ORIGIN))
        assert cassette.all_played
    check(heard)


async def test_the_sandbox_still_answers_as_recorded() -> None:
    with tape(CASSETTE):
        recorded = await converse(sandbox_credentials(ORIGIN))
    world = small_msp(TODAY, catalog_size=30)
    shorten(world)
    with running(world, quirks=QUIRKS) as sandbox:
        live = await converse(sandbox_credentials(sandbox.url))
    check(live)
    assert live == recorded


def test_no_cassette_holds_a_secret() -> None:
    cassettes = sorted(CASSETTES.glob("*.yaml"))
    assert cassettes
    for path in cassettes:
        text = path.read_text(encoding="utf-8")
        assert "Bearer REDACTED" in text
        assert PARTNER_CLIENT.secret not in text
        assert PARTNER_CLIENT.client_id not in text
        assert not re.search(r"(Basic|Bearer) (?!REDACTED)\S", text)
        assert not re.search(r"sandbox\.[0-9a-f]{32}|refresh\.[0-9a-f]{32}", text)
        assert not re.search(r'"(access|refresh)_token\\?": \\?"(?!REDACTED)', text)

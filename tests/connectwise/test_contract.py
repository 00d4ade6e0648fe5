"""What goes over the wire to ConnectWise is what was recorded."""

from __future__ import annotations

import base64
import re
from decimal import Decimal

import pytest

from reconciler.sandbox.identity import CLIENT_ID, MEMBERS
from reconciler.sandbox.seed import small_msp
from reconciler.sandbox.server import running
from tests.connectwise.conversation import CASSETTE, CASSETTES, Heard, converse
from tests.connectwise.support import TODAY, sandbox_credentials
from tests.transport.cassettes import ORIGIN, tape

pytestmark = pytest.mark.anyio


def check(heard: Heard) -> None:
    """What the conversation must bring, recorded or live."""
    assert sorted(item.identifier for item in heard.named) == ["MSP-ENDPOINT", "MSP-GOLD"]
    assert "MSP-GOLD" in {item.identifier for item in heard.marked}
    assert "MSP-GOLD" in {entry.identifier for entry in heard.similar}
    assert all(entries for entries in heard.tables.values())
    assert [vendor.name for vendor in heard.vendors] == ["ALDERBROOK"]
    assert (heard.created.identifier, heard.created.fields["price"]) == ("MSP-TAPE", Decimal("4.5"))
    assert heard.changed.fields["price"] == Decimal("5.25")
    assert heard.changed.notes == "[sophos:main X-MSP]"
    assert heard.changed.custom_field(heard.custom_fields[0].caption).value == "x"  # type: ignore[union-attr]  # asked of it above
    assert "description" in {error.field for error in heard.refused.field_errors}
    assert heard.missing.status == 404


async def test_the_recorded_conversation_is_still_what_is_said() -> None:
    with tape(CASSETTE) as cassette:
        heard = await converse(sandbox_credentials(ORIGIN))
        assert cassette.all_played
    check(heard)


async def test_the_sandbox_still_answers_as_recorded() -> None:
    with tape(CASSETTE):
        recorded = await converse(sandbox_credentials(ORIGIN))
    with running(small_msp(TODAY, catalog_size=30)) as sandbox:
        live = await converse(sandbox_credentials(sandbox.url))
    check(live)
    assert live.sent == recorded.sent
    assert [item.identifier for item in live.marked] == [item.identifier for item in recorded.marked]


def test_no_cassette_holds_a_secret() -> None:
    cassettes = sorted(CASSETTES.glob("*.yaml"))
    assert cassettes
    for path in cassettes:
        text = path.read_text(encoding="utf-8")
        assert "REDACTED" in text
        assert CLIENT_ID not in text
        for member in MEMBERS.values():
            pair = f"harbourlight+{member.public_key}:{member.private_key}".encode()
            assert member.public_key not in text
            assert member.private_key not in text
            assert base64.b64encode(pair).decode()[:16] not in text
        assert not re.search(r"(Basic|Bearer) (?!REDACTED)\S", text)

"""What is said to Sophos, from the token to the firewalls, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.model.months import Month
from reconciler.sophos.client import connect
from reconciler.sophos.firewalls import read_firewalls
from reconciler.sophos.tenants import read_tenants
from reconciler.sophos.usage import read_usage

if TYPE_CHECKING:
    from reconciler.model.observed import FirewallLicence, Tenant, UsageMonth
    from reconciler.sophos.credentials import Credentials

CASSETTES = Path(__file__).with_name("cassettes")
CASSETTE = CASSETTES / "partner.yaml"


@dataclass(frozen=True)
class Heard:
    """What came of it."""

    partner_id: str
    tenants: tuple[Tenant, ...]
    october: UsageMonth
    long_ago: UsageMonth
    firewalls: tuple[FirewallLicence, ...]
    sent: list[tuple[str, str, str]]


async def converse(credentials: Credentials) -> Heard:
    """Everything once, over real connections (which a cassette may answer)."""
    sent: list[tuple[str, str, str]] = []
    async with connect(credentials, observer=lambda *what: sent.append(what)) as client:
        return Heard(
            client.partner_id,
            await read_tenants(client),
            await read_usage(client, Month(2026, 10)),
            await read_usage(client, Month(2019, 1)),
            await read_firewalls(client),
            sent,
        )


def shorten(world: Any) -> None:
    """Keep the recording small: a few tenants, their bill, and pages that are full after three of them."""
    del world.tenants[7:]
    del world.usage[2026, 10][12:]
    for line in world.usage[2026, 10]:
        for name in [name for name in line if name.startswith("contact")]:
            line[name] = "made up"
    del world.firewalls[3:]

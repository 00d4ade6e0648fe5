"""Who may sign in to the sandbox, and the made-up ids of its two systems."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from functools import lru_cache

LOGIN_COMPANY = "harbourlight"
CLIENT_ID = "5a9dbc0e-0000-4000-8000-00000000c11e"
PARTNER_ID = "0b1e0000-0000-4000-8000-0000000000aa"
ORGANIZATION_ID = "0b1e0000-0000-4000-8000-0000000000bb"
_NAMESPACE = uuid.UUID("6f3e0000-0000-4000-8000-000000000000")


@lru_cache(maxsize=20_000)
def made_up_id(name: str) -> str:
    """A UUID that is always the same for the same name."""
    return str(uuid.uuid5(_NAMESPACE, name))


@dataclass(frozen=True, slots=True)
class Member:
    """A ConnectWise API member: the name that `_info.updatedBy` shows, its keys and what its role allows."""

    name: str
    public_key: str
    private_key: str
    writes: bool = True
    reads_catalog: bool = True


@dataclass(frozen=True, slots=True)
class SophosClient:
    """An API credential of Sophos Central and what `whoami` says it belongs to."""

    client_id: str
    secret: str
    identity: str
    id_type: str


MEMBERS: dict[str, Member] = {
    "readwrite": Member("apirec", "SandboxPublicRec", "SandboxPrivateRec"),
    "readonly": Member("apiplan", "SandboxPublicPlan", "SandboxPrivatePlan", writes=False),
    "noaccess": Member(
        "apinone", "SandboxPublicNone", "SandboxPrivateNone", writes=False, reads_catalog=False
    ),
}
PARTNER_CLIENT = SophosClient("sandbox-partner", "sandbox-partner-secret", PARTNER_ID, "partner")
TENANT_CLIENT = SophosClient("sandbox-tenant", "sandbox-tenant-secret", made_up_id("tenant-client"), "tenant")
ORGANIZATION_CLIENT = SophosClient(
    "sandbox-organization", "sandbox-organization-secret", ORGANIZATION_ID, "organization"
)


def known_members() -> dict[str, Member]:
    return dict(MEMBERS)


def known_clients() -> list[SophosClient]:
    return [PARTNER_CLIENT, TENANT_CLIENT, ORGANIZATION_CLIENT]

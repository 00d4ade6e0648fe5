"""Clients over the sandbox and over made-up servers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.sandbox.app import create_app
from reconciler.sandbox.seed import small_msp
from reconciler.sandbox.server import environment
from reconciler.sophos.client import connect
from reconciler.sophos.credentials import Credentials, parse_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from reconciler.sophos.client import Client

TODAY = date(2026, 11, 22)
PARTNER = "0b1e0000-0000-4000-8000-000000000001"
CREDENTIALS = parse_credentials(
    client_id="made-up-client",
    client_secret="made-up-secret",
    id_url="https://id.example.com",
    api_url="https://api.example.com",
)
TOKEN = {
    "access_token": "made-up-token",
    "errorCode": "success",
    "expires_in": 3600,
    "message": "OK",
    "refresh_token": "made-up-refresh",
    "token_type": "bearer",
    "trackingId": "7d1e0000-0000-4000-8000-000000000001",
}
WHOAMI = {"id": PARTNER, "idType": "partner", "apiHosts": {"global": "https://elsewhere.example.net"}}


def sandbox_credentials(origin: str = "https://sophos.example.com") -> Credentials:
    """What the sandbox lets in."""
    known = environment(origin)
    return parse_credentials(
        client_id=known["SOPHOS_CLIENT_ID"],
        client_secret=known["SOPHOS_CLIENT_SECRET"],
        id_url=known["SOPHOS_ID_URL"],
        api_url=known["SOPHOS_API_URL"],
    )


@cache
def _start() -> Any:
    return small_msp(TODAY, catalog_size=50)


@asynccontextmanager
async def sandbox(
    change: Callable[[Any], None] | None = None, /, **quirks: str
) -> AsyncIterator[tuple[Client, Any]]:
    """A client of a fresh sandbox, changed as asked, and the sandbox's state; quirks with `_` for `-`."""
    world = deepcopy(_start())
    if change is not None:
        change(world)
    app = create_app(world, quirks={name.replace("_", "-"): value for name, value in quirks.items()})
    async with connect(sandbox_credentials(), transport=httpx.ASGITransport(app), sleep=no_sleep) as client:
        yield client, app.state


@asynccontextmanager
async def served(
    handler: Callable[[httpx.Request], httpx.Response | Awaitable[httpx.Response]],
) -> AsyncIterator[Client]:
    """A client of a made-up server, which is asked for everything but the token and whoami."""

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v2/oauth2/token":
            return httpx.Response(200, json=TOKEN)
        if request.url.path == "/whoami/v1":
            return httpx.Response(200, json=WHOAMI)
        answered = handler(request)
        return answered if isinstance(answered, httpx.Response) else await answered

    async with connect(CREDENTIALS, transport=httpx.MockTransport(answer), sleep=no_sleep) as client:
        yield client


async def no_sleep(seconds: float) -> None:
    """Retries in tests wait for nothing."""


def listed(items: Any, /, **pages: Any) -> httpx.Response:
    """A page of a list."""
    return httpx.Response(200, json={"items": items, "pages": pages})

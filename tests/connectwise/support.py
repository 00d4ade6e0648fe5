"""Clients over the sandbox and over made-up servers."""

from __future__ import annotations

from contextlib import asynccontextmanager
from copy import deepcopy
from datetime import date
from functools import cache
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.connectwise.client import connect
from reconciler.connectwise.credentials import Credentials, parse_credentials
from reconciler.sandbox.app import create_app
from reconciler.sandbox.seed import small_msp
from reconciler.sandbox.server import environment

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reconciler.connectwise.client import Client

TODAY = date(2026, 11, 22)
ORIGIN = "https://psa.example.com"
COMPANY_INFO = {
    "CompanyName": "Example MSP",
    "Codebase": "v2025_1/",
    "CompanyID": "example",
    "IsCloud": "True",
}
CREDENTIALS = parse_credentials(
    url=ORIGIN,
    company="example",
    public_key="MadeUpPublicKey",
    private_key="MadeUpPrivateKey",
    client_id="00000000-0000-4000-8000-000000000001",
)


def sandbox_credentials(origin: str = ORIGIN, *, member: str = "readwrite") -> Credentials:
    """What the sandbox lets in."""
    known = environment(origin, member=member)
    return parse_credentials(
        url=known["CONNECTWISE_URL"],
        company=known["CONNECTWISE_COMPANY"],
        public_key=known["CONNECTWISE_PUBLIC_KEY"],
        private_key=known["CONNECTWISE_PRIVATE_KEY"],
        client_id=known["CONNECTWISE_CLIENT_ID"],
    )


@cache
def _start() -> Any:
    return small_msp(TODAY, catalog_size=2100)


@asynccontextmanager
async def sandbox(
    *, write: bool = False, member: str = "readwrite", **quirks: str
) -> AsyncIterator[tuple[Client, Any]]:
    """A client of a fresh sandbox, and the sandbox's state; quirks with `_` for `-`."""
    app = create_app(
        deepcopy(_start()), quirks={name.replace("_", "-"): value for name, value in quirks.items()}
    )
    async with connect(
        sandbox_credentials(member=member), write=write, transport=httpx.ASGITransport(app), sleep=no_sleep
    ) as client:
        yield client, app.state


@asynccontextmanager
async def served(
    handler: Callable[[httpx.Request], httpx.Response], *, write: bool = True
) -> AsyncIterator[Client]:
    """A client of a made-up server, which is asked for everything but the company's information."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/login/companyinfo/"):
            return httpx.Response(200, json=COMPANY_INFO)
        return handler(request)

    async with connect(
        CREDENTIALS, write=write, transport=httpx.MockTransport(answer), sleep=no_sleep
    ) as client:
        yield client


async def no_sleep(seconds: float) -> None:
    """Retries in tests wait for nothing."""


def refused(message: str = "refused") -> httpx.Response:
    """A 400 as ConnectWise answers it."""
    return httpx.Response(400, json={"code": "InvalidObject", "message": message, "errors": None})

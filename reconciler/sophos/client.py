"""The connection to Sophos Central Partner; it can only read."""

from __future__ import annotations

import asyncio
import re
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.sophos.token import TOKEN_PATH, Bearer
from reconciler.transport.errors import BadAnswer, excerpt
from reconciler.transport.service import Service
from reconciler.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

    import httpx

    from reconciler.sophos.credentials import Credentials
    from reconciler.transport.session import Observer

WHOAMI = "/whoami/v1"
_PARTNER_ID = re.compile(r"[0-9A-Za-z-]{1,64}")


class Client:
    """Reads as one partner; made by `connect`. Raises ApiError's subclasses as `Session.request` does."""

    def __init__(self, session: Session, partner_id: str) -> None:
        self.partner_id = partner_id
        self._session = session

    async def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        """One answer, which must be a JSON object."""
        answer = await self._session.request(
            "GET", path, params=params, headers={"X-Partner-ID": self.partner_id}
        )
        if not isinstance(answer.data, dict):
            raise self.bad_answer(path, "the answer is not an object")
        return answer.data

    def bad_answer(self, path: str, what: str, remedy: str = "") -> BadAnswer:
        """The error for JSON that is not of the documented shape, or that contradicts itself."""
        return BadAnswer(self._session.service.call("GET", path), what, remedy)


@asynccontextmanager
async def connect(
    credentials: Credentials,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    observer: Observer | None = None,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
) -> AsyncIterator[Client]:
    """A client for one partner. `transport`, `sleep` and `clock` (monotonic seconds) are for tests.

    Only `credentials.api_url` is talked to, whatever hosts whoami names: partner endpoints are global, and
    a token goes to no host that an answer chose. Raises ReconcilerError where the credentials are not a
    partner's, and ApiError's subclasses.
    """
    service = Service(
        system="Sophos",
        origin=credentials.api_url,
        host_setting="SOPHOS_API_URL",
        key_settings="SOPHOS_CLIENT_ID and SOPHOS_CLIENT_SECRET",
        permission=needed_role,
        is_missing_record=lambda body: isinstance(body, dict),
        # The vendor's introduction recommends 10 a second and enforces 100 a minute beyond bursts of 300.
        rates=((10, 1), (100, 60)),
        concurrency=4,
    )
    tokens = replace(
        service,
        origin=credentials.id_url,
        host_setting="SOPHOS_ID_URL",
        read_posts=frozenset({TOKEN_PATH}),
    )
    common: dict[str, Any] = {"writes": False, "observer": observer, "sleep": sleep}
    async with Session(tokens, transport=transport, **common) as token_session:
        bearer = Bearer(token_session, credentials, clock)
        async with Session(service, authorization=bearer, transport=transport, **common) as session:
            yield Client(session, await _partner_id(session))


async def _partner_id(session: Session) -> str:
    """Who these credentials belong to; anything but a partner is refused."""
    call = session.service.call("GET", WHOAMI)
    data = (await session.request("GET", WHOAMI)).data
    kind = data.get("idType") if isinstance(data, dict) else None
    number = data.get("id") if isinstance(data, dict) else None
    if not isinstance(kind, str) or not isinstance(number, str) or not _PARTNER_ID.fullmatch(number):
        raise BadAnswer(call, "the answer does not say whose credentials these are")
    if kind != "partner":
        raise ReconcilerError(
            error(
                "sophos-not-a-partner",
                f"Sophos: these credentials belong to a {excerpt(kind, 30)}, not to a partner",
                "Make credentials in Sophos Central Partner > Settings & Policies > API Credentials and set "
                "SOPHOS_CLIENT_ID and SOPHOS_CLIENT_SECRET to them.",
            )
        )
    return number


def needed_role(method: str, path: str) -> str:  # noqa: ARG001 - the shape that Service asks for
    """What an API credential needs for a request. The vendor documents no finer rights."""
    if path.startswith("/licenses/"):
        return "a role of the API credential that may read licences (Sophos Central Partner)"
    if path.startswith("/partner/"):
        return "a role of the API credential that may read customers and billing (Sophos Central Partner)"
    return "a role of the API credential in Sophos Central Partner"

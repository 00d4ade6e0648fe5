"""Sophos's access token: asked for, kept, and asked for again before it ends."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.transport.answers import spoken
from reconciler.transport.errors import BadAnswer, NotAuthenticated, Refused
from reconciler.transport.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sophos.credentials import Credentials
    from reconciler.transport.session import Session

TOKEN_PATH = "/api/v2/oauth2/token"  # noqa: S105 - a path
#: A token is not used in the last seconds of its life: a request takes time to arrive.
SPARE_SECONDS = 60.0
_USABLE = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True)
class _Token:
    text: Secret
    until: float


class Bearer:
    """Gives the Authorization header; concurrent callers share one token and one renewal.

    `clock` gives monotonic seconds.
    """

    def __init__(
        self, session: Session, credentials: Credentials, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._clock = clock
        self._token: _Token | None = None
        self._asking = asyncio.Lock()

    async def header(self) -> str:
        """The header for the next request."""
        async with self._asking:
            if self._token is None or self._clock() >= self._token.until:
                self._token = await self._ask()
            return f"Bearer {self._token.text.reveal()}"

    async def renew(self, refused: str) -> bool:
        """After a 401: a new token, unless somebody else has one already. Always worth one more try."""
        async with self._asking:
            if self._token is not None and f"Bearer {self._token.text.reveal()}" == refused:
                self._token = await self._ask()
        return True

    async def _ask(self) -> _Token:
        """A token by client credentials. `errorCode` is there on success too, and says `success`."""
        asked_at = self._clock()
        call = self._session.service.call("POST", TOKEN_PATH)
        form = {
            "grant_type": "client_credentials",
            "client_id": self._credentials.client_id,
            "client_secret": self._credentials.client_secret.reveal(),
            "scope": "token",
        }
        try:
            data: Any = (await self._session.request("POST", TOKEN_PATH, form=form)).data
        except Refused as refused:
            # Clients in use treat 400 from this endpoint as 401.
            raise NotAuthenticated(call, refused.error_code, status=refused.status) from None
        if not isinstance(data, dict):
            raise BadAnswer(call, "the answer is not a token")
        if data.get("errorCode", "success") != "success":
            raise NotAuthenticated(call, spoken(data), status=200)
        text, seconds = data.get("access_token"), data.get("expires_in")
        if not isinstance(text, str) or not _USABLE.fullmatch(text):
            raise BadAnswer(call, "the answer holds no usable token")
        if not isinstance(seconds, int) or isinstance(seconds, bool) or seconds <= 0:
            raise BadAnswer(call, "the answer does not say how long the token lives")
        return _Token(Secret(text), asked_at + max(seconds - SPARE_SECONDS, seconds / 2))

"""One httpx client with the rules that every request keeps."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Callable
from contextlib import AsyncExitStack
from itertools import takewhile
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import quote

import httpx
import tenacity
from aiolimiter import AsyncLimiter

from reconciler.transport import answers, faults
from reconciler.transport.answers import Answer
from reconciler.transport.breaker import Breaker, Needs
from reconciler.transport.errors import (
    ApiError,
    BadAnswer,
    Call,
    NotAuthenticated,
    ReadOnly,
    Refused,
    Unsure,
    excerpt,
)
from reconciler.transport.service import is_loopback

if TYPE_CHECKING:
    from collections.abc import Awaitable, Mapping, Sequence
    from types import TracebackType

    from reconciler.transport.service import Service

#: Called with system, verb and API path for every request that is sent, repeats included.
Observer = Callable[[str, str, str], None]

CONNECT_SECONDS = 5.0
READ_SECONDS = 30.0
TOTAL_SECONDS = 180.0
MAX_BODY = 64 * 1024 * 1024
ATTEMPTS = 5
BACKOFF_BASE_SECONDS = 0.5
BACKOFF_CAP_SECONDS = 30.0
LONGEST_WAIT_SECONDS = 120.0
REDIRECTS = 3

_WRITES = frozenset({"POST", "PATCH"})
_URI_TOO_LONG = 414
_log = logging.getLogger(__name__)


class Authorization(Protocol):
    """Gives the Authorization header, and a new one where the old one was refused."""

    async def header(self) -> str:
        """The header's value for the next request."""

    async def renew(self, refused: str) -> bool:
        """After a 401 to `refused`: whether there is a new value that is worth one more try."""


class _Again(Exception):  # noqa: N818  (a signal to tenacity, not an error of ours)
    """This attempt failed in a way that may be repeated."""

    def __init__(self, error: ApiError, wait: float | None = None) -> None:
        super().__init__()
        self.error = error
        self.wait = wait


class Session:
    """Sends requests to one service; see `request` for the rules. Use it with `async with`.

    `writes=False` refuses every verb but GET, and POST except to the service's `read_posts`. Proxies and
    certificates come from the environment (HTTPS_PROXY, NO_PROXY, SSL_CERT_FILE), as companies need it;
    httpx reads no .netrc. For this machine itself the environment's proxy is not used: plain http is
    allowed there, and the keys would go to the proxy in the clear. TLS is always checked.
    """

    def __init__(
        self,
        service: Service,
        *,
        writes: bool,
        authorization: Authorization | None = None,
        headers: Mapping[str, str] | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        observer: Observer | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.service = service
        self._writes = writes
        self._authorization = authorization
        self._observer = observer
        self._sleep = sleep
        self._breaker = Breaker()
        self._slots = asyncio.Semaphore(service.concurrency)
        self._limiters = [AsyncLimiter(most, seconds) for most, seconds in service.rates]
        self._origin = httpx.URL(service.origin)
        with faults.of_the_environment():
            self._client = httpx.AsyncClient(
                headers=dict(headers or {}),
                transport=transport,
                timeout=httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS),
                follow_redirects=False,
                trust_env=not is_loopback(self._origin.host),
            )

    async def __aenter__(self) -> Session:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.__aexit__(kind, value, trace)

    async def request(
        self,
        method: str,
        path: str,
        *,
        prefix: str = "",
        params: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        authorize: bool = True,
    ) -> Answer:
        """Send one request and return its good answer.

        `path` is the API path as errors, permissions and the observer know it; `prefix` stands before it
        in the URL. GET and PATCH (whose values are absolute) and reading POSTs are repeated on 429, 5xx
        and broken connections, with exponential back-off and full jitter, honouring Retry-After up to
        two minutes. A writing POST is repeated only where the server surely did not process it: 429, and
        connections that never stood. Raises a subclass of ApiError for everything else.
        """
        call = self.service.call(method, path)
        if not self._may(method, path):
            raise ReadOnly(call)
        needs = (self.service.permission(method, path), _table_of(path))
        url = self.service.origin + prefix + path + build_query(params)
        try:
            request = self._client.build_request(method, url, headers=headers, json=json, data=form)
        except (
            httpx.InvalidURL
        ) as wrong:  # a name of tens of thousands of letters, of which no server is asked
            raise Refused(call, f"not sent: {wrong}", status=_URI_TOO_LONG) from None
        try:
            answer = await self._repeat(call, request, needs, authorize=authorize)
        except ApiError as cause:
            self._breaker.failed(needs, cause)
            raise
        self._breaker.succeeded()
        return answer

    def _may(self, method: str, path: str) -> bool:
        if method == "GET" or (method == "POST" and path in self.service.read_posts):
            return True
        return self._writes and method in _WRITES

    async def _repeat(self, call: Call, request: httpx.Request, needs: Needs, *, authorize: bool) -> Answer:
        attempt = _Attempt(call, self._is_write(request, call))
        retrying = tenacity.AsyncRetrying(
            sleep=self._sleep,
            retry=tenacity.retry_if_exception_type(_Again),
            wait=_wait,
            stop=tenacity.stop_after_attempt(ATTEMPTS),
            reraise=True,
        )
        try:
            async for each in retrying:
                with each:
                    self._go_on(attempt, needs)
                    return await self._once(attempt, request, authorize=authorize)
        except _Again as last:
            raise attempt.final(last.error) from None
        raise AssertionError("tenacity either returns or raises")

    def _go_on(self, attempt: _Attempt, needs: Needs) -> None:
        """Others may have found out meanwhile that it makes no sense to send anything."""
        try:
            self._breaker.check(needs)
        except ApiError as cause:
            raise attempt.final(cause) from None

    def _is_write(self, request: httpx.Request, call: Call) -> bool:
        return request.method in _WRITES and call.request.split(" ", 1)[1] not in self.service.read_posts

    async def _once(self, attempt: _Attempt, request: httpx.Request, *, authorize: bool) -> Answer:
        """One attempt, or two where the first was refused for its token alone."""
        used = await self._authorize(request) if authorize else None
        try:
            return await self._exchange(attempt, request)
        except NotAuthenticated:
            if used is None or self._authorization is None or not await self._authorization.renew(used):
                raise
        await self._authorize(request)
        return await self._exchange(attempt, request)

    async def _authorize(self, request: httpx.Request) -> str | None:
        if self._authorization is None:
            return None
        value = await self._authorization.header()
        request.headers["Authorization"] = value
        return value

    async def _exchange(self, attempt: _Attempt, request: httpx.Request) -> Answer:
        call = attempt.call
        try:
            response, body = await self._send(call, request)
        except faults.NEVER_SENT as fault:
            never_sent = faults.unreachable(call, fault)
            if faults.is_tls(fault):
                raise attempt.final(never_sent) from None
            raise _Again(never_sent) from None
        except httpx.TransportError as fault:
            raise attempt.lost(faults.unreachable(call, fault)) from None
        except httpx.DecodingError:
            raise attempt.unreadable(BadAnswer(call, "the answer cannot be decompressed")) from None
        except BadAnswer as bad:
            answered_well = bad.status is not None and bad.status < 300
            raise (attempt.unreadable(bad) if answered_well else attempt.final(bad)) from None
        status = response.status_code
        if status >= 500:
            error = answers.failure(self.service, call, status, response.headers, body)
            raise attempt.lost(error, answers.retry_after(response.headers))
        if status == 429:
            error = answers.failure(self.service, call, status, response.headers, body)
            raise attempt.again(error, answers.retry_after(response.headers))
        if not 200 <= status < 300:
            raise answers.failure(self.service, call, status, response.headers, body)
        try:
            data = answers.parse_json(call, status, response.headers.get("content-type", ""), body)
        except BadAnswer as bad:
            raise attempt.unreadable(bad) from None
        link = response.links.get("next", {}).get("url", "")
        return Answer(status, data, link.partition("?")[2].partition("#")[0])

    async def _send(self, call: Call, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        """The response to a request, after redirects within the same origin (of GETs only)."""
        for _ in range(REDIRECTS + 1):
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._slots)
                for limiter in self._limiters:
                    await stack.enter_async_context(limiter)
                response, body = await self._receive(call, request)
            if not 300 <= response.status_code < 400:
                return response, body
            request = self._redirected(call, request, response)
        raise BadAnswer(call, f"more than {REDIRECTS} redirects", status=response.status_code)

    async def _receive(self, call: Call, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        method, _, path = call.request.partition(" ")
        if self._observer is not None:
            self._observer(call.system, method, path)
        try:
            async with asyncio.timeout(TOTAL_SECONDS):
                response = await self._client.send(request, stream=True)
                try:
                    body = await _bounded(call, response)
                finally:
                    await response.aclose()
        except TimeoutError:
            raise httpx.ReadTimeout("total time") from None
        _log.debug("%s %s: %d, %d bytes", call.system, call.request, response.status_code, len(body))
        return response, body

    def _redirected(self, call: Call, request: httpx.Request, response: httpx.Response) -> httpx.Request:
        status = response.status_code
        try:
            target = request.url.join(response.headers.get("location", ""))
        except httpx.InvalidURL:
            raise BadAnswer(call, "a redirect to no valid address", status=status) from None
        if _origin(target) != _origin(self._origin):
            raise BadAnswer(
                call,
                f"{self.service.host} redirects to {excerpt(target.netloc.decode('ascii'), 100)}, "
                "and the keys are not sent there",
                f"If that host is right, put it into {call.host_setting}.",
                status=status,
            )
        if request.method != "GET" or not response.headers.get("location"):
            raise BadAnswer(call, f"an unexpected redirect ({status}); it was not followed", status=status)
        return httpx.Request("GET", target, headers=request.headers, extensions=request.extensions)


class _Attempt:
    """What the attempts of one request have in common: whether one of them may have been carried out."""

    def __init__(self, call: Call, is_write: bool) -> None:
        self.call = call
        self._is_write = is_write
        self._maybe_done: ApiError | None = None

    def lost(self, error: ApiError, wait: float | None = None) -> Exception:
        """It was sent and no answer says how it went."""
        if self._is_write:
            self._maybe_done = self._maybe_done or error
            if self.call.request.startswith("POST "):
                return self.final(error)
        return self.again(error, wait)

    def again(self, error: ApiError, wait: float | None) -> Exception:
        """It may be sent once more, unless the server asks for a longer wait than anybody sits through."""
        if wait is not None and wait > LONGEST_WAIT_SECONDS:
            return self.final(error)
        return _Again(error, wait)

    def unreadable(self, error: BadAnswer) -> ApiError:
        """There is an answer, and it cannot be read."""
        if self._is_write:
            self._maybe_done = error
        return self.final(error)

    def final(self, error: ApiError) -> ApiError:
        """What to raise when nothing more is tried."""
        if self._maybe_done is None:
            return error
        cause = self._maybe_done
        return Unsure(self.call, cause.diagnostic.message.partition(": ")[2], status=cause.status)


def _wait(state: tenacity.RetryCallState) -> float:
    """Full jitter over an exponential range; what the server asks for is the least."""
    failed = state.outcome.exception() if state.outcome is not None else None
    asked = failed.wait if isinstance(failed, _Again) else None
    if asked is not None:
        return asked + random.uniform(0, BACKOFF_BASE_SECONDS)  # noqa: S311
    most = min(BACKOFF_CAP_SECONDS, BACKOFF_BASE_SECONDS * 2.0**state.attempt_number)
    return random.uniform(0, most)  # noqa: S311


async def _bounded(call: Call, response: httpx.Response) -> bytes:
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > MAX_BODY:
            raise BadAnswer(
                call, f"the answer is larger than {MAX_BODY // 2**20} MiB", status=response.status_code
            )
        parts.append(part)
    return b"".join(parts)


def build_query(params: Sequence[tuple[str, str]]) -> str:
    """`?a=b&…` with everything percent-encoded that any server might misread; "" for no parameters."""
    if not params:
        return ""
    return "?" + "&".join(f"{quote(name, safe='')}={quote(value, safe=',/():')}" for name, value in params)


def _table_of(path: str) -> str:
    """The path up to its first number: `/finance/agreements` of one agreement's lines."""
    return "/".join(takewhile(lambda part: not part.isdigit(), path.strip("/").split("/")))


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    port = url.port if url.port is not None else {"https": 443, "http": 80}.get(url.scheme)
    return url.scheme, url.host, port

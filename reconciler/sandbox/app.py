"""The sandbox as an ASGI application: one port, both systems."""

from __future__ import annotations

import asyncio
import json
import math
import re
import time
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from typing import TYPE_CHECKING, Any, Literal

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.sandbox.connectwise import answer_connectwise, company_info
from reconciler.sandbox.errors import Refused, route_not_found
from reconciler.sandbox.faults import Asked
from reconciler.sandbox.history import History
from reconciler.sandbox.quirks import chosen
from reconciler.sandbox.short_lists import ShortLists
from reconciler.sandbox.site import Call, Site
from reconciler.sandbox.sophos import answer_sophos, failure, is_sophos

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from reconciler.sandbox.faults import Faults
    from reconciler.sandbox.world import World

System = Literal["connectwise", "sophos"]
_CONNECTWISE = re.compile(r"/(?P<codebase>[^/]+)/+apis/3\.0/+(?P<path>.*)")
_COMPANY_INFO = "/login/companyinfo/"
_VERBS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


@dataclass(frozen=True, slots=True)
class RecordedRequest:
    """A request as it came in, for tests that count or look. `query` and `body` are the raw text."""

    method: str
    path: str
    query: str
    system: System
    body: str


class _Minute:
    """How many requests of the last 60 seconds one system has let through."""

    def __init__(self, limit: int | None, clock: Callable[[], datetime]) -> None:
        self.limit = limit
        self.clock = clock
        self.times: deque[datetime] = deque()

    def wait(self) -> int:
        """0 when one more may pass, and it counts; else the whole seconds until one may."""
        if self.limit is None:
            return 0
        now = self.clock()
        while self.times and now - self.times[0] >= timedelta(minutes=1):
            self.times.popleft()
        if len(self.times) < self.limit:
            self.times.append(now)
            return 0
        until = timedelta(minutes=1) - (now - self.times[0]) if self.times else timedelta(minutes=1)
        return max(1, math.ceil(until.total_seconds()))


def clock_from(today: datetime) -> Callable[[], datetime]:
    """A clock that starts at this moment and runs as fast as time does."""
    started = time.monotonic()
    return lambda: today + timedelta(seconds=time.monotonic() - started)


def create_app(
    world: World,
    *,
    quirks: Mapping[str, str] | None = None,
    latency: float = 0.0,
    rate_limit: int | None = None,
    clock: Callable[[], datetime] | None = None,
    faults: Faults | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Starlette:
    """The two systems over this world.

    `latency` is in seconds and added to every request; `rate_limit` is in requests a minute, for each of the
    two systems on its own. Without a clock it is 09:00 UTC of `world.today`, and time goes on. `faults` are
    what goes wrong on the way. `monotonic` gives the seconds that the quirk read-lag goes by.
    Raises ValueError for an unknown quirk.
    """
    now = clock or clock_from(datetime.combine(world.today, clock_time(9), tzinfo=UTC))
    values = chosen(quirks)
    history = History(float(values["read-lag"]), monotonic)
    site = Site(world, values, now, history, ShortLists(values["short-list"], values["short-times"]))
    requests: list[RecordedRequest] = []
    minutes: dict[System, _Minute] = {
        "connectwise": _Minute(rate_limit, now),
        "sophos": _Minute(rate_limit, now),
    }

    async def endpoint(request: Request) -> Response:
        path, system = request.url.path, _system(request.url.path)
        body = await request.body()
        text = body.decode("utf-8", errors="replace")
        requests.append(RecordedRequest(request.method, path, request.url.query, system, text))
        if latency:
            await asyncio.sleep(latency)

        def carry_out(verb: str) -> Response:
            asked = request if verb == request.method else Request({**request.scope, "method": verb})
            try:
                _hold_back(site, system, minutes[system].wait())
                return _answer(site, asked, body)
            except Refused as refused:
                return JSONResponse(refused.body, refused.status, headers=refused.headers)

        if faults is None:
            return carry_out(request.method)
        return faults.around(Asked(request.method, path, request.url.query), carry_out, site)

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=_VERBS)])
    app.state.world = world
    app.state.requests = requests
    app.state.site = site
    return app


def _system(path: str) -> System:
    return "sophos" if is_sophos(path) else "connectwise"


def _hold_back(site: Site, system: System, seconds: int) -> None:
    """Raises Refused (429). ConnectWise's body has `error` where its others have `code`."""
    if not seconds:
        return
    if system == "connectwise":
        message = f"Too many requests. Please try again in {seconds} seconds."
        body = {"error": "ConnectWiseAPI", "message": message}
        raise Refused(429, body, {"Retry-After": str(seconds)})
    refused = failure(site, 429, "Too many requests.")
    if site.quirks["sophos-retry-after"] == "present":
        refused.headers["Retry-After"] = str(seconds)
    raise refused


def _answer(site: Site, request: Request, body: bytes) -> Response:
    path = request.url.path
    if path.startswith(_COMPANY_INFO):
        return JSONResponse(company_info(site, path.removeprefix(_COMPANY_INFO)))
    base = f"{request.url.scheme}://{request.url.netloc}"
    listed: dict[str, list[str]] = {}
    for key, value in request.query_params.multi_items():
        listed.setdefault(key, []).append(value)
    call = Call(
        request.method,
        path,
        request.query_params,
        request.headers,
        body,
        base,
        str(request.url),
        listed=listed,
    )
    if is_sophos(path):
        return _AsciiJson(answer_sophos(site, call))
    match = _CONNECTWISE.fullmatch(path)
    if match is None:
        raise route_not_found()
    inner = Call(call.method, match["path"], call.params, call.headers, body, base, call.url, listed=listed)
    answer = answer_connectwise(site, match["codebase"], inner)
    if answer.body is None:
        return Response(status_code=answer.status, headers=answer.headers)
    return _AsciiJson(answer.body, answer.status, headers=answer.headers)


class _AsciiJson(JSONResponse):
    """JSON with everything but ASCII escaped, as some servers write it: half a character is valid there."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode("ascii")

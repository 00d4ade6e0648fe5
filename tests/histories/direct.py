"""The way from the program to the sandbox without a web server, and what can happen on that way.

A history runs hundreds of requests; a web framework in between would cost more than all that is judged here.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

import httpx

from reconciler.sandbox.connectwise import answer_connectwise, company_info
from reconciler.sandbox.errors import Refused, route_not_found
from reconciler.sandbox.site import Call
from reconciler.sandbox.sophos import answer_sophos, is_sophos

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.site import Site

_CONNECTWISE = re.compile(r"/(?P<codebase>[^/]+)/+apis/3\.0/+(?P<path>.*)")
_COMPANY_INFO = "/login/companyinfo/"
_BUNDLES = "/system/bundles"


class DiedError(Exception):
    """The process is gone."""


class Direct(httpx.AsyncBaseTransport):
    """Answers from the sandbox's own functions; equal reads are answered once until something changes.

    `before` and `after` are called around every request with its number within the run; `spoil` may change
    the body of a read's answer. What they do is the trouble of one run.
    """

    def __init__(self, site: Site) -> None:
        self.site = site
        self.number = 0
        self.writes: list[str] = []
        self.before: Callable[[int, httpx.Request], None] | None = None
        self.after: Callable[[int, httpx.Request], None] | None = None
        self.spoil: Callable[[str, Any], Any] | None = None
        self._known: dict[tuple[str, str, bytes], tuple[int, dict[str, str], bytes]] = {}

    def changed(self) -> None:
        """Forget every answer: somebody has changed the world behind the sandbox's back."""
        self._known.clear()

    def healthy(self) -> None:
        """No trouble any more; requests are numbered from 0 again."""
        self.before = self.after = self.spoil = None
        self.number = 0
        self.changed()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, among the trouble of this run."""
        await asyncio.sleep(0)
        number, self.number = self.number, self.number + 1
        if self.before is not None:
            self.before(number, request)
        status, headers, body = self._answer(request)
        if self.after is not None:
            self.after(number, request)
        return httpx.Response(status, headers=headers, content=body, request=request)

    def _answer(self, request: httpx.Request) -> tuple[int, dict[str, str], bytes]:
        raw = request.url.raw_path
        path = request.url.path
        content = request.content
        reads = request.method == "GET" or path.endswith(_BUNDLES)
        key = (request.method, raw.decode("ascii"), content)
        if reads and (found := self._known.get(key)) is not None:
            return found
        if not reads and _CONNECTWISE.fullmatch(path):
            self.writes.append(f"{request.method} {path.partition('/apis/3.0')[2]}")
            self.changed()
        try:
            status, payload, headers = self._carry_out(request, path, content)
        except Refused as refused:
            status, payload, headers = refused.status, refused.body, dict(refused.headers or {})
        whole = payload
        if reads and self.spoil is not None:
            payload = self.spoil(path, payload)
        body = b"" if payload is None else json.dumps(payload).encode()
        answer = (status, {**headers, "content-type": "application/json"}, body)
        if reads and payload is whole:
            self._known[key] = answer
        return answer

    def _carry_out(self, request: httpx.Request, path: str, body: bytes) -> tuple[int, Any, dict[str, str]]:
        if path.startswith(_COMPANY_INFO):
            return 200, company_info(self.site, path.removeprefix(_COMPANY_INFO)), {}
        listed: dict[str, list[str]] = {}
        for name, value in parse_qsl(request.url.query.decode("ascii"), keep_blank_values=True):
            listed.setdefault(name, []).append(value)
        base = f"{request.url.scheme}://{request.url.netloc.decode('ascii')}"
        inner = _CONNECTWISE.fullmatch(path)
        call = Call(
            request.method,
            path if inner is None else inner["path"],
            {name: values[-1] for name, values in listed.items()},
            request.headers,
            body,
            base,
            str(request.url),
            listed=listed,
        )
        if is_sophos(path):
            return 200, answer_sophos(self.site, call), {}
        if inner is None:
            raise route_not_found()
        answer = answer_connectwise(self.site, inner["codebase"], call)
        return answer.status, answer.body, dict(answer.headers)


def aside(action: Callable[[], object]) -> None:
    """Do something to its end while the program waits; it may run an event loop of its own."""
    thread = threading.Thread(target=action)
    thread.start()
    thread.join()

"""What goes wrong between a client and the two systems, by a seed: the same seed, the same faults.

Each request draws by seed, verb, path and how often that was asked before, so that the order in which a
client asks for different things changes nothing. Faults touch answers and moments; the world changes only by
requests that are carried out, if also later than the client thinks, and by what somebody else does meanwhile.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import TYPE_CHECKING, Any

from starlette.responses import HTMLResponse, JSONResponse, Response

from reconciler.sandbox import spoiling
from reconciler.sandbox.sophos import TOKEN_PATH, is_sophos

if TYPE_CHECKING:
    from starlette.types import Receive, Scope, Send

    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import World


class Fault(StrEnum):
    """One kind of trouble, in the words of its name."""

    THROTTLED = "429 with Retry-After"
    THROTTLED_SILENTLY = "429 without Retry-After"
    FAILED_500 = "500"
    FAILED_502 = "502"
    FAILED_503 = "503"
    FAILED_504 = "504"
    FAILED_AFTER = "5xx after the write"
    RESET = "reset"
    RESET_AFTER = "reset after the write"
    TIMEOUT = "time-out"
    TIMEOUT_AFTER = "time-out after the write"
    LATE = "late write"
    HTML = "web page"
    BROKEN_JSON = "broken JSON"
    WRONG_TYPE = "wrong type"
    MORE_FIELDS = "more fields"
    MISSING_FIELD = "missing field"
    PAGE_REPEATS = "page repeated"
    PAGE_SHORT = "page cut short"
    PAGE_FAILS = "page fails in mid-list"
    BUNDLE_ITEM = "bundle item"
    TOKEN_EXPIRED = "token expired"
    CODEBASE_MOVED = "codebase moved"
    PATCH_IGNORED = "PATCH ignored"
    SOMEBODY_ELSE = "changed by somebody else"


STATUSES = {
    Fault.FAILED_500: 500,
    Fault.FAILED_502: 502,
    Fault.FAILED_503: 503,
    Fault.FAILED_504: 504,
}
_AFTER_WRITES = frozenset({Fault.FAILED_AFTER, Fault.RESET_AFTER, Fault.TIMEOUT_AFTER, Fault.LATE})
#: What can befall a write alone.
OF_WRITES = _AFTER_WRITES | {Fault.PATCH_IGNORED}
_OF_PAGES = frozenset({Fault.PAGE_REPEATS, Fault.PAGE_SHORT, Fault.PAGE_FAILS})
#: How often in a row the same request meets the same fault. A client that tries five times gives up on six.
_TIMES = (1, 1, 1, 2, 3, 6)
_BUNDLES = "/system/bundles"
_COMPANY_INFO = "/login/companyinfo/"
_PREFIX = re.compile(r"^/[^/]+/apis/3\.0")
_PAGING = re.compile(r"(?:^|&)(?:page|pageFromKey|pageTotal)=[^&]*")
_SECOND = re.compile(r"(?:^|&)(?:page=(?!1(?:&|$))|pageFromKey=)")
#: Seconds in Retry-After; nobody waits for the last one.
_WAITS = (1, 1, 2, 5, 600)


class LostError(Exception):
    """The connection ends without an answer. `timed_out` tells waiting in vain from a reset."""

    def __init__(self, *, timed_out: bool) -> None:
        super().__init__("time-out" if timed_out else "reset")
        self.timed_out = timed_out


class _Lost(Response):
    """Begins an answer and never ends it; a server closes the connection then."""

    def __init__(self, *, timed_out: bool, seconds: float) -> None:
        super().__init__()
        self.timed_out = timed_out
        self.seconds = seconds if timed_out else 0.0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Raises LostError, which a transport in the same process can tell apart."""
        if self.seconds:
            await asyncio.sleep(self.seconds)
        headers = [(b"content-length", b"1")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        raise LostError(timed_out=self.timed_out)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request, as far as faults look at it."""

    method: str
    path: str
    query: str

    @property
    def is_write(self) -> bool:
        """Whether carrying it out changes something in ConnectWise."""
        is_read = self.method == "GET" or self.path.endswith(_BUNDLES) or is_sophos(self.path)
        return not is_read

    @property
    def is_list(self) -> bool:
        """Whether its answer is one page of a list."""
        if self.method != "GET" or self.path.startswith((_COMPANY_INFO, "/whoami/")):
            return False
        return is_sophos(self.path) or (
            not self.path.rpartition("/")[2].isdecimal() and "pageId=" not in self.query
        )

    def may(self, fault: Fault) -> bool:
        """Whether this can happen to it."""
        if fault in _AFTER_WRITES:
            return self.is_write
        if fault in _OF_PAGES:
            return self.is_list
        if fault is Fault.BUNDLE_ITEM:
            return self.path.endswith(_BUNDLES)
        if fault is Fault.TOKEN_EXPIRED:
            return is_sophos(self.path) and self.path != TOKEN_PATH
        if fault is Fault.CODEBASE_MOVED:
            return _PREFIX.match(self.path) is not None
        if fault is Fault.PATCH_IGNORED:
            return self.method == "PATCH"
        return True


CarryOut = Callable[[str], Response]


def edit_a_line(world: World, chance: Random) -> None:
    """One more unit on some line, by a person."""
    lines = list(world.rows("additions"))
    if lines:
        line = chance.choice(lines)
        line["quantity"] = float(line["quantity"]) + 1
        line["_info"] = world.info("jdoe")


@dataclass
class Faults:
    """A schedule of faults: how often (`rate`, 0 to 1), which, and what has happened of it (`injected`).

    `hang` is how many seconds a time-out takes where a server runs; `somebody` is what another person does
    to the world between two requests.
    """

    seed: str
    rate: float = 0.1
    kinds: tuple[Fault, ...] = tuple(Fault)
    hang: float = 0.0
    somebody: Callable[[World, Random], None] = edit_a_line
    injected: Counter[Fault] = field(default_factory=Counter)
    _seen: Counter[str] = field(default_factory=Counter)
    _lasting: dict[str, tuple[Fault, int]] = field(default_factory=dict)
    _second: dict[str, tuple[Fault, bytes]] = field(default_factory=dict)
    _late: list[tuple[int, Callable[[], Response]]] = field(default_factory=list)
    _requests: int = 0

    @classmethod
    def parse(cls, text: str, *, hang: float = 0.0) -> Faults:
        """From `SEED` or `SEED:RATE`. Raises ValueError for a rate that is not between 0 and 1."""
        seed, colon, rate = text.partition(":")
        try:
            number = float(rate) if colon else 0.1
        except ValueError:
            number = -1.0
        if not seed or not 0 <= number <= 1:
            raise ValueError(f"faults {text!r}: write SEED or SEED:RATE, with a rate between 0 and 1")
        return cls(seed, number, hang=hang)

    def settle(self) -> None:
        """Time passes: what was on its way arrives."""
        late, self._late = self._late, []
        for _, arrive in late:
            arrive()

    def stop(self) -> None:
        """Nothing goes wrong any more."""
        self.settle()
        self.rate = 0.0
        self._lasting.clear()
        self._second.clear()

    def around(self, asked: Asked, carry_out: CarryOut, site: Site) -> Response:
        """The answer to a request. `carry_out(verb)` does it, or only looks where the verb is GET."""
        self._requests += 1
        due = [one for one in self._late if one[0] <= self._requests]
        self._late = [one for one in self._late if one[0] > self._requests]
        for _, arrive in due:
            arrive()
        if not self.rate:
            return carry_out(asked.method)
        broken = self._of_second_page(asked)
        if broken is not None:
            return broken
        fault, chance = self._draw(asked)
        if fault is None:
            return carry_out(asked.method)
        return self._happens(fault, asked, carry_out, site, chance)

    def _draw(self, asked: Asked) -> tuple[Fault | None, Random]:
        key = f"{asked.method} {_PREFIX.sub('', asked.path)}"
        self._seen[key] += 1
        chance = Random(f"{self.seed} {key} {self._seen[key]}")
        fault, left = self._lasting.pop(key, (None, 0))
        if fault is None:
            if chance.random() >= self.rate:
                return None, chance
            fault = chance.choice([kind for kind in self.kinds if asked.may(kind)] or [None])
            left = chance.choice(_TIMES)
        if fault is not None and left > 1:
            self._lasting[key] = (fault, left - 1)
        return fault, chance

    def _happens(
        self, fault: Fault, asked: Asked, carry_out: CarryOut, site: Site, chance: Random
    ) -> Response:
        if fault is Fault.LATE:
            due = self._requests + chance.randrange(1, 16)
            self._late.append((due, lambda: carry_out(asked.method)))
            answer = self._lost(timed_out=True)
        elif fault in (Fault.RESET, Fault.TIMEOUT):
            answer = self._lost(timed_out=fault is Fault.TIMEOUT)
        elif fault in _AFTER_WRITES:
            carry_out(asked.method)
            answer = self._after(fault, asked)
        elif fault in STATUSES:
            answer = _failed(asked, STATUSES[fault])
        elif fault in (Fault.THROTTLED, Fault.THROTTLED_SILENTLY):
            wait = chance.choice(_WAITS) if fault is Fault.THROTTLED else None
            answer = _failed(asked, 429, wait)
        elif fault is Fault.PATCH_IGNORED:
            answer = carry_out("GET")
        elif fault in (Fault.TOKEN_EXPIRED, Fault.CODEBASE_MOVED, Fault.SOMEBODY_ELSE):
            self._meanwhile(fault, site, chance)
            answer = carry_out(asked.method)
        else:
            return self._spoilt(fault, asked, carry_out(asked.method), chance)
        self.injected[fault] += 1
        return answer

    def _lost(self, *, timed_out: bool) -> Response:
        return _Lost(timed_out=timed_out, seconds=self.hang)

    def _after(self, fault: Fault, asked: Asked) -> Response:
        if fault is Fault.FAILED_AFTER:
            return _failed(asked, 504)
        return self._lost(timed_out=fault is Fault.TIMEOUT_AFTER)

    def _meanwhile(self, fault: Fault, site: Site, chance: Random) -> None:
        if fault is Fault.TOKEN_EXPIRED:
            site.tokens.clear()
        elif fault is Fault.CODEBASE_MOVED:
            site.codebase_moves += 1
        else:
            self.somebody(site.world, chance)

    def _spoilt(self, fault: Fault, asked: Asked, good: Response, chance: Random) -> Response:
        """The answer with something wrong in it; a refusal, and one with nothing to spoil, as it is."""
        if good.status_code >= 300:
            return good
        text = bytes(good.body)
        if fault is Fault.HTML:
            self.injected[fault] += 1
            return HTMLResponse("<html><body>Sign in</body></html>")
        if fault is Fault.BROKEN_JSON:
            cut = spoiling.cut_short(text, chance)
            if cut is None:
                return good
            self.injected[fault] += 1
            return Response(cut, good.status_code, media_type="application/json")
        if fault is Fault.PAGE_FAILS or (fault in _OF_PAGES and chance.random() < 0.5):
            halved = self._halved(fault, asked, text)
            if halved is not None:
                return halved
        body = _BODIES[fault](spoiling.parsed(text), chance) if fault in _BODIES else None
        if body is None:
            return good
        self.injected[fault] += 1
        headers = {name: value for name, value in good.headers.items() if name == "link"}
        return JSONResponse(body, good.status_code, headers=headers)

    def _halved(self, fault: Fault, asked: Asked, text: bytes) -> Response | None:
        """The first half of a list; what becomes of the page that it announces is decided here."""
        key = f"of-{self._requests}" if "/billing/usage/" in asked.path else ""
        half = spoiling.half_page(spoiling.parsed(text), key=key)
        if half is None:
            return None
        self.injected[fault] += 1
        answer = JSONResponse(half)
        self._second[_list_key(asked)] = (fault, bytes(answer.body))
        if isinstance(half, list):
            rest = _PAGING.sub("", asked.query).lstrip("&")
            answer.headers["link"] = f'<http://sandbox.invalid{asked.path}?{rest}&page=2>; rel="next"'
        return answer

    def _of_second_page(self, asked: Asked) -> Response | None:
        """The answer to a page that a half one announced; None for every other request."""
        key = _list_key(asked)
        if not _SECOND.search(asked.query):
            self._second.pop(key, None)
            return None
        fault, first = self._second.get(key, (None, b""))
        if fault is None:
            return None
        if fault is Fault.PAGE_FAILS:
            return _failed(asked, 500)
        page = spoiling.parsed(first)
        return JSONResponse(page if fault is Fault.PAGE_REPEATS else spoiling.with_rows(page, []))


_BODIES: dict[Fault, Callable[[Any, Random], Any]] = {
    Fault.WRONG_TYPE: spoiling.with_wrong_type,
    Fault.MISSING_FIELD: spoiling.without_field,
    Fault.MORE_FIELDS: lambda body, _: spoiling.with_more_fields(body),
    Fault.PAGE_REPEATS: lambda body, _: spoiling.repeated_row(body),
    Fault.PAGE_SHORT: lambda body, _: spoiling.fewer_rows(body),
    Fault.BUNDLE_ITEM: spoiling.failing_item,
}


def _list_key(asked: Asked) -> str:
    return f"{asked.method} {asked.path}?{_PAGING.sub('', asked.query).strip('&')}"


def _failed(asked: Asked, status: int, wait: int | None = None) -> Response:
    """A failure as the gateway in front of each system words it."""
    headers = {} if wait is None else {"Retry-After": str(wait)}
    if status in (502, 503):
        return HTMLResponse("<html><body>Bad gateway</body></html>", status, headers=headers)
    message = f"made-up answer {status}"
    name = "error" if status == 429 or is_sophos(asked.path) else "code"
    return Response(json.dumps({name: "MadeUp", "message": message}), status, headers, "application/json")

"""A whole site in memory: a sandbox, a folder of YAML, and the command line between them.

Time is virtual: whoever sleeps in the program's event loop wakes up at once, so that retries, look-ups and
rate limits cost nothing here.
"""

from __future__ import annotations

import asyncio
import io
import json
import selectors
import signal
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from textwrap import dedent
from typing import TYPE_CHECKING, Any, ClassVar
from unittest import mock

import httpx

from reconciler.cli.main import invoke
from reconciler.cli.runtime import Runtime
from reconciler.sandbox.app import create_app
from reconciler.sandbox.faults import LostError
from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import environment

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from pathlib import Path

    from reconciler.sandbox.faults import Faults
    from reconciler.sandbox.world import World

    Send = Callable[[httpx.Request], Awaitable[httpx.Response]]
    Fault = Callable[[httpx.Request, Send], Awaitable[httpx.Response]]

TODAY = date(2026, 11, 22)
URL = "http://127.0.0.1:1"
CATALOG = "/procurement/catalog"
#: What a product needs before it can be created, as YAML flow entries.
COMPLETE = (
    "description: Made up, customerDescription: Made up per month, subcategory: Endpoint, "
    "type: Managed Service, productClass: Agreement, taxableFlag: true, price: 1.00"
)


# --- time


class _NoWaiting(selectors.DefaultSelector):
    """Instead of waiting for a timer, moves its loop's clock there."""

    skipped = 0.0
    #: Over all loops: what the sandbox's quirk read-lag goes by.
    passed: ClassVar[float] = 0.0

    def select(self, timeout: float | None = None) -> Any:
        found = super().select(0 if timeout is not None else None)
        if not found and timeout is not None and timeout > 0:
            self.skipped += timeout
            _NoWaiting.passed += timeout
        return found


class VirtualTime(asyncio.SelectorEventLoop):
    """The program's event loop, in which no timer takes any time."""

    def __init__(self) -> None:
        self._no_waiting = _NoWaiting()
        super().__init__(self._no_waiting)

    def time(self) -> float:
        return super().time() + self._no_waiting.skipped


def virtual_seconds() -> float:
    """How long the programs of this process have slept, without anybody having waited."""
    return _NoWaiting.passed


def wait(seconds: float) -> None:
    """Lets time pass between two commands."""
    _NoWaiting.passed += seconds


# --- faults


async def lost_before(request: httpx.Request, send: Send) -> httpx.Response:
    """The request is read and dropped: no answer, nothing done."""
    raise httpx.ReadTimeout("no answer", request=request)


async def lost_after(request: httpx.Request, send: Send) -> httpx.Response:
    """The request is carried out and its answer lost."""
    await send(request)
    raise httpx.ReadTimeout("no answer", request=request)


async def never_connected(request: httpx.Request, send: Send) -> httpx.Response:
    """There is nobody at that address."""
    raise httpx.ConnectError("refused", request=request)


async def web_page(request: httpx.Request, send: Send) -> httpx.Response:
    """A proxy answers in the server's place."""
    return httpx.Response(200, html="<html><body>Sign in</body></html>", request=request)


async def ignored(request: httpx.Request, send: Send) -> httpx.Response:
    """A write that is answered with 200 and changes nothing."""
    headers = {
        k: v for k, v in request.headers.items() if k.lower() not in ("content-length", "content-type")
    }
    return await send(httpx.Request("GET", request.url, headers=headers))


async def once(request: httpx.Request, send: Send) -> httpx.Response:
    """Ctrl-C while this request is on its way."""
    signal.raise_signal(signal.SIGINT)
    await asyncio.sleep(0)
    return await send(request)


async def twice(request: httpx.Request, send: Send) -> httpx.Response:
    """Ctrl-C twice; whether the request arrives nobody will know."""
    signal.raise_signal(signal.SIGINT)
    await asyncio.sleep(0.1)
    signal.raise_signal(signal.SIGINT)
    await asyncio.sleep(60)
    return await send(request)


def status(code: int) -> Fault:
    """Answered with this status and a body as ConnectWise writes it; nothing done."""

    async def answer(request: httpx.Request, send: Send) -> httpx.Response:
        body = {"code": "Made up", "message": f"made-up answer {code}", "errors": None}
        return httpx.Response(code, json=body, request=request)

    return answer


def first(action: Callable[[], None]) -> Fault:
    """Something happens just before the request arrives; then it is answered as ever."""

    async def act(request: httpx.Request, send: Send) -> httpx.Response:
        action()
        return await send(request)

    return act


@dataclass
class Rule:
    """A fault for requests of one verb whose path ends (or, with `*`, goes on) so; `times` counts down."""

    verb: str
    path: str
    fault: Fault
    times: int = 1_000_000
    skip: int = 0

    def applies(self, request: httpx.Request) -> bool:
        """Whether it is this request's turn."""
        path = request.url.path
        fits = self.path.rstrip("*") in path if self.path.endswith("*") else path.endswith(self.path)
        if request.method != self.verb or not fits:
            return False
        if self.skip > 0:
            self.skip -= 1
            return False
        self.times -= 1
        return self.times >= 0


class Network(httpx.AsyncBaseTransport):
    """The sandbox behind a network that can break; remembers how many writes were on their way at once."""

    def __init__(self, app: Any) -> None:
        self.rules: list[Rule] = []
        self.busiest = 0
        self._writing = 0
        self._inner = httpx.ASGITransport(app=app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, through the first rule that applies."""
        rule = next((rule for rule in self.rules if rule.applies(request)), None)
        is_write = request.method in ("POST", "PATCH") and CATALOG in request.url.path
        self._writing += is_write
        self.busiest = max(self.busiest, self._writing)
        try:
            await asyncio.sleep(0)
            if rule is None:
                return await self._send(request)
            return await rule.fault(request, self._send)
        finally:
            self._writing -= is_write

    async def _send(self, request: httpx.Request) -> httpx.Response:
        """To the sandbox; a connection that it gives up ends here as httpx would end it."""
        try:
            return await self._inner.handle_async_request(request)
        except LostError as lost:
            kind = httpx.ReadTimeout if lost.timed_out else httpx.ReadError
            raise kind(str(lost), request=request) from None


# --- the site


@dataclass
class Said:
    """What a command line said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Standard output as JSON."""
        return json.loads(self.out)


@dataclass
class Planned(Said):
    """A plan as JSON, with short forms for tests to compare."""

    @property
    def changes(self) -> list[dict[str, Any]]:
        """All changes."""
        found: list[dict[str, Any]] = self.json["changes"]
        return found

    @property
    def ids(self) -> list[str]:
        """The ids of what would be written, in order; what is held back has `(held)` behind it."""
        return [c["id"] + (" (held)" if c["blockedBy"] else "") for c in self.changes]

    @property
    def short(self) -> list[str]:
        """`map A X`, `create A`, … in order, with `(held)` where held back."""
        return [_short(one) for one in self.ids]

    @property
    def codes(self) -> list[str]:
        """The codes of its diagnostics."""
        return [d["code"] for d in self.json["diagnostics"]]

    def diagnostic(self, code: str) -> dict[str, Any]:
        """The one diagnostic of that code."""
        (found,) = [d for d in self.json["diagnostics"] if d["code"] == code]
        return dict(found)

    def fields(self, change_id: str) -> dict[str, tuple[Any, Any]]:
        """Before and after by field of one change."""
        (found,) = [c for c in self.changes if c["id"] == change_id]
        return {f["field"]: (f["before"], f["after"]) for f in found["fields"]}


def _short(change_id: str) -> str:
    action, _, key = change_id.partition(":")
    verb = action.removesuffix("_product").replace("_sync", "")
    return f"{verb} {key.removeprefix('product/').replace('/code/', ' ')}"


@dataclass
class Applied(Said):
    """An apply's outcomes."""

    @property
    def results(self) -> dict[str, str]:
        """The result of each change, by its short form."""
        return {_short(one["id"]): one["result"] for one in self.json["outcomes"]}

    def message(self, short: str) -> str:
        """What one change's outcome says."""
        (found,) = [one["message"] for one in self.json["outcomes"] if _short(one["id"]) == short]
        return str(found)


@dataclass
class Site:
    """One sandbox and one folder; every command runs against both, in this process."""

    root: Path
    world: World = field(default_factory=lambda: empty_world(TODAY))
    quirks: Mapping[str, str] = field(default_factory=dict)
    faults: Faults | None = None
    member: str = "readwrite"
    loop: Callable[[], asyncio.AbstractEventLoop] = VirtualTime
    today: date = TODAY
    #: Stands before the network, for whoever talks to more than the two systems.
    transport: httpx.AsyncBaseTransport | None = None

    def __post_init__(self) -> None:
        self.app = create_app(self.world, quirks=self.quirks, faults=self.faults, monotonic=virtual_seconds)
        self.network = Network(self.app)
        self.folder = self.root / "mappings"
        self.environ = environment(URL, member=self.member)

    # --- the configuration

    def say(self, text: str, *, file: str = "mappings.yaml", folder: str = "mappings") -> Site:
        """Make this the folder's one file (or one of several, by name)."""
        path = self.root / folder
        path.mkdir(exist_ok=True)
        for old in path.glob("*.yaml"):
            if file == "mappings.yaml":
                old.unlink()
        text = dedent(text)
        (path / file).write_text(text if text.startswith("{") else f"version: 1\n{text}", encoding="utf-8")
        return self

    # --- commands

    def run(self, *arguments: str, out: io.StringIO | None = None, stdin: io.StringIO | None = None) -> Said:
        """One command line. `out` takes standard output where an exception is expected."""
        out, err = out or io.StringIO(), io.StringIO()
        runtime = Runtime(
            environ=self.environ,
            now=lambda: datetime(self.today.year, self.today.month, self.today.day, 10, tzinfo=UTC),
            stdin=stdin or io.StringIO(),
            stdout=out,
            stderr=err,
            transport=self.transport or self.network,
            journals=self.root / "journal",
        )
        with mock.patch.object(asyncio.events, "new_event_loop", self.loop):
            code = invoke(list(arguments), runtime)
        return Said(code, out.getvalue(), err.getvalue())

    def plan(self, *options: str) -> Planned:
        """`plan --format json` of the folder; it must have brought a plan."""
        said = self.run("plan", str(self.folder), "--format", "json", *options)
        assert said.out, said.err
        return Planned(said.code, said.out, said.err)

    def save(self, *options: str) -> Path:
        """A saved plan of the folder."""
        path = self.root / "plan.json"
        self.plan("--out", str(path), *options)
        return path

    def apply(self, source: Path | None = None) -> Applied:
        """`apply --yes --format json` of the folder or of a saved plan."""
        said = self.run("apply", str(source or self.folder), "--yes", "--format", "json")
        assert said.out, said.err
        return Applied(said.code, said.out, said.err)

    def apply_text(self, source: Path | None = None) -> Said:
        """`apply --yes` for people."""
        return self.run("apply", str(source or self.folder), "--yes")

    # --- what happened

    def item(self, identifier: str) -> dict[str, Any]:
        """A product as the server keeps it."""
        return self.world.catalog_item(identifier)

    def notes(self, identifier: str) -> str:
        """A product's internal notes."""
        return str(self.item(identifier).get("notes") or "")

    @property
    def requests(self) -> list[Any]:
        """Every request that arrived."""
        found: list[Any] = self.app.state.requests
        return found

    def forget(self) -> None:
        """Count requests from here on."""
        self.requests.clear()

    @property
    def writes(self) -> list[str]:
        """Verb and path below the API's root of every write that arrived."""
        return [f"{r.method} {r.path.partition('/apis/3.0')[2]}" for r in self._written()]

    def bodies(self) -> list[Any]:
        """The bodies of these writes."""
        return [json.loads(r.body) for r in self._written()]

    def _written(self) -> list[Any]:
        return [
            r
            for r in self.requests
            if r.system == "connectwise"
            and r.method not in ("GET", "HEAD")
            and not r.path.endswith("/system/bundles")  # a POST that only reads
        ]

    def break_(self, verb: str, path: str, fault: Fault, *, times: int = 1_000_000, skip: int = 0) -> None:
        """From now on, this goes wrong (see `Rule`)."""
        self.network.rules.append(Rule(verb, path, fault, times, skip))

    def mend(self) -> None:
        """Nothing goes wrong any more."""
        self.network.rules.clear()

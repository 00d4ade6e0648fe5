"""Runs the sandbox on loopback: in the foreground for people, in a thread for tests and the demo."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import uvicorn

from reconciler.sandbox.app import create_app
from reconciler.sandbox.identity import CLIENT_ID, LOGIN_COMPANY, MEMBERS, PARTNER_CLIENT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from datetime import datetime

    from starlette.applications import Starlette

    from reconciler.sandbox.faults import Faults
    from reconciler.sandbox.world import World

HOST = "127.0.0.1"
_START_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """A sandbox that answers: where it is, the environment that points at it, and its application."""

    url: str
    environment: dict[str, str]
    app: Starlette


def environment(url: str, *, member: str = "readwrite") -> dict[str, str]:
    """The variables that point the product at a sandbox; `member` is readwrite, readonly or noaccess.

    Raises KeyError for another member.
    """
    signed_in = MEMBERS[member]
    return {
        "CONNECTWISE_URL": url,
        "CONNECTWISE_COMPANY": LOGIN_COMPANY,
        "CONNECTWISE_PUBLIC_KEY": signed_in.public_key,
        "CONNECTWISE_PRIVATE_KEY": signed_in.private_key,
        "CONNECTWISE_CLIENT_ID": CLIENT_ID,
        "SOPHOS_CLIENT_ID": PARTNER_CLIENT.client_id,
        "SOPHOS_CLIENT_SECRET": PARTNER_CLIENT.secret,
        "SOPHOS_ID_URL": url,
        "SOPHOS_API_URL": url,
    }


def _bound(port: int) -> tuple[socket.socket, str]:
    """A socket that already listens, so that the port is known and nobody else can take it."""
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(128)
    except OSError:
        listener.close()
        raise
    return listener, f"http://{HOST}:{listener.getsockname()[1]}"


def _server(app: Starlette, faults: Faults | None = None) -> uvicorn.Server:
    """With faults, connections that break on purpose are not logged as errors of the application."""
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_level="error" if faults is None else "critical",
            access_log=False,
            lifespan="off",
            ws="none",
            timeout_graceful_shutdown=2,
        )
    )


def serve(
    world: World,
    *,
    port: int = 0,
    quirks: Mapping[str, str] | None = None,
    latency: float = 0.0,
    rate_limit: int | None = None,
    faults: Faults | None = None,
    on_ready: Callable[[str], None],
) -> None:
    """Serves until Ctrl-C; `on_ready` gets the URL once it can be reached.

    Raises OSError when the port is taken, ValueError for an unknown quirk.
    """
    app = create_app(world, quirks=quirks, latency=latency, rate_limit=rate_limit, faults=faults)
    listener, url = _bound(port)
    with listener:
        on_ready(url)
        # uvicorn ends cleanly at Ctrl-C and then raises the signal again, which is for its own command line.
        with suppress(KeyboardInterrupt):
            _server(app, faults).run(sockets=[listener])


@contextmanager
def running(
    world: World,
    *,
    quirks: Mapping[str, str] | None = None,
    latency: float = 0.0,
    rate_limit: int | None = None,
    clock: Callable[[], datetime] | None = None,
    faults: Faults | None = None,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[RunningSandbox]:
    """Serves from a thread on a free loopback port, and stops at the end of the block.

    Raises RuntimeError when the server does not come up within ten seconds.
    """
    app = create_app(
        world,
        quirks=quirks,
        latency=latency,
        rate_limit=rate_limit,
        clock=clock,
        faults=faults,
        monotonic=monotonic,
    )
    listener, url = _bound(0)
    server = _server(app, faults)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True)
    thread.start()
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not server.started:
            if time.monotonic() > deadline or not thread.is_alive():
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.005)
        yield RunningSandbox(url, environment(url), app)
    finally:
        server.should_exit = True
        thread.join(timeout=_START_SECONDS)
        listener.close()

"""Sessions over made-up servers."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.transport.service import Service
from reconciler.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.transport.session import Authorization, Observer

    Handler = Callable[[httpx.Request], httpx.Response]
    Step = httpx.Response | Exception

SERVICE = Service(
    system="ConnectWise",
    origin="https://psa.example.com",
    host_setting="CONNECTWISE_URL",
    key_settings="CONNECTWISE_PUBLIC_KEY and CONNECTWISE_PRIVATE_KEY",
    permission=lambda method, path: f"right for {method} {path.split('/')[1]}",
    is_missing_record=lambda body: isinstance(body, dict) and body.get("code") == "NotFound",
    read_posts=frozenset({"/system/bundles"}),
)


@dataclass
class Sleeps:
    """Stands in for sleeping, and remembers how long it would have been."""

    seconds: list[float] = field(default_factory=list)

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


class Script:
    """A server that gives these answers in turn, the last one for ever, and remembers the requests."""

    def __init__(self, *steps: Step) -> None:
        self.requests: list[httpx.Request] = []
        self._steps = list(steps)

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        step = self._steps.pop(0) if len(self._steps) > 1 else self._steps[0]
        if isinstance(step, Exception):
            raise step
        return httpx.Response(step.status_code, headers=step.headers, stream=httpx.ByteStream(step.read()))


def session(
    handler: Handler,
    *,
    writes: bool = True,
    sleep: Sleeps | None = None,
    authorization: Authorization | None = None,
    observer: Observer | None = None,
    **service: Any,
) -> Session:
    """A session whose requests this handler answers."""
    return Session(
        replace(SERVICE, **service),
        writes=writes,
        authorization=authorization,
        transport=httpx.MockTransport(handler),
        observer=observer,
        sleep=sleep or Sleeps(),
    )


def said(error: Any) -> str:
    """Everything that an error tells people."""
    return " ".join(f"{d.message} {d.remedy}" for d in error.diagnostics)


def answers(*statuses: int) -> Iterable[httpx.Response]:
    """Plain answers with these statuses."""
    return [httpx.Response(status, json={}) for status in statuses]

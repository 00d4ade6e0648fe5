"""Everything a command takes from the outside world, so that tests can give another one."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date

    import httpx
    from rich.console import Console


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass
class Runtime:
    """Environment, clock and streams; `transport` stands in for the network in tests.

    `journals` is the folder where each apply leaves its journal unless it is told another place.
    """

    environ: Mapping[str, str]
    now: Callable[[], datetime] = _now
    stdin: TextIO = field(default_factory=lambda: sys.stdin)
    stdout: TextIO = field(default_factory=lambda: sys.stdout)
    stderr: TextIO = field(default_factory=lambda: sys.stderr)
    transport: httpx.AsyncBaseTransport | None = None
    on_request: Callable[[str, str, str], None] | None = None
    journals: Path = Path("journal")

    def out(self) -> Console:
        """Where results go."""
        from reconciler.reporting.console import console_for

        return console_for(self.stdout, self.environ)

    def err(self) -> Console:
        """Where diagnostics and progress go."""
        from reconciler.reporting.console import console_for

        return console_for(self.stderr, self.environ)

    def today(self, time_zone: str) -> date:
        """The site's day."""
        from zoneinfo import ZoneInfo

        return self.now().astimezone(ZoneInfo(time_zone)).date()

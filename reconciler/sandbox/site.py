"""One running sandbox: its world, its quirks, its clock, and what a single request to it looks like."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from reconciler.sandbox.history import History
    from reconciler.sandbox.identity import Member, SophosClient
    from reconciler.sandbox.short_lists import ShortLists
    from reconciler.sandbox.world import Row, World

LEGACY_CODEBASE = "v4_6_release"
MOVED_CODEBASE = "v2025_2"


@dataclass
class Site:
    """State that is not in the world: chosen quirks, issued tokens, how many requests ConnectWise saw.

    `codebase_moves` counts upgrades beyond the one of the quirk; each has a codebase of its own.
    """

    world: World
    quirks: Mapping[str, str]
    clock: Callable[[], datetime]
    history: History
    short_lists: ShortLists
    connectwise_requests: int = 0
    codebase_moves: int = 0
    tokens: dict[str, tuple[SophosClient, datetime]] = field(default_factory=dict)

    def codebase(self) -> str:
        """The codebase in force; a cloud upgrade moves it (quirk codebase-move, and faults)."""
        if self.codebase_moves:
            return f"{MOVED_CODEBASE.partition('_')[0]}_{2 + self.codebase_moves}"
        moves_after = self.quirks["codebase-move"]
        if moves_after != "never" and self.connectwise_requests > int(moves_after):
            return MOVED_CODEBASE
        return self.quirks["codebase"]

    def as_read(self) -> Site:
        """This site as a read shows it (quirk read-lag)."""
        world = self.history.as_read(self.world)
        return self if world is self.world else replace(self, world=world)

    def store(self, table: str, row: Row) -> Row:
        """Inserts the row of a POST."""
        stored = self.world.insert(table, row)
        self.history.inserted(table, stored["id"])
        return stored

    def moment(self) -> str:
        return self.clock().strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass(frozen=True, slots=True)
class Call:
    """A request, reduced to what the handlers need. `base` is scheme, host and port; `path` has no prefix."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    base: str
    url: str
    member: Member | None = None
    listed: Mapping[str, list[str]] = field(default_factory=dict)

"""What the tables held a moment ago: for a server whose reads trail its writes (quirk read-lag).

Only what is written over the API trails. What a test changes in the world's rows is seen at once.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.world import Row, World


@dataclass(frozen=True, slots=True)
class _Before:
    """A row as it was until `moment`; None where it was not there."""

    moment: float
    table: str
    number: int
    row: Row | None


class History:
    """The rows that writes have replaced within the last `lag` seconds of the monotonic clock."""

    def __init__(self, lag: float, monotonic: Callable[[], float]) -> None:
        self.lag = lag
        self.monotonic = monotonic
        self._kept: deque[_Before] = deque()

    def keep(self, world: World, table: str, number: int) -> None:
        """Remembers a row just before it is written or deleted."""
        if self.lag:
            row = world.tables[table].get(number)
            before = None if row is None else dict(row)
            self._kept.append(_Before(self.monotonic(), table, number, before))

    def inserted(self, table: str, number: int) -> None:
        """Remembers that a row was not there until now."""
        if self.lag:
            self._kept.append(_Before(self.monotonic(), table, number, None))

    def as_read(self, world: World) -> World:
        """The world as a read shows it: the same object where nothing was written lately."""
        since = self.monotonic() - self.lag
        while self._kept and self._kept[0].moment <= since:
            self._kept.popleft()
        if not self._kept:
            return world
        earlier: dict[str, dict[int, Row | None]] = {}
        for before in reversed(self._kept):  # of several writes to a row, the oldest decides
            earlier.setdefault(before.table, {})[before.number] = before.row
        tables = dict(world.tables)
        for table, rows in earlier.items():
            merged: dict[int, Row | None] = {**world.tables[table], **rows}
            tables[table] = {number: row for number, row in sorted(merged.items()) if row is not None}
        return replace(world, tables=tables)

"""Tags that this run wrote, read back: another run that wrote the same product at the same time may win.

A tag is changed by reading the text, and writing the whole of it. Of two runs that read before either wrote,
the second takes the first one's code away without knowing it. So each run looks at its own tags again, after
they are written and at its end, and brings in what is missing. What people wrote around it is read anew each
time, and kept.
"""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.connectwise import catalog
from reconciler.execution.state import is_value
from reconciler.execution.telling import NotRecordedError, told
from reconciler.execution.write import write
from reconciler.model.change import MAPPING_PREFIX
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.outcome import Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from reconciler.execution.write import Writer
    from reconciler.model.change import Change
    from reconciler.model.observed import CatalogItem

#: Seconds before a tag is written again that a list does not show. A server may show writes late, and what
#: looks lost is only not there yet: one vendor's script waits up to 5 s before it reads again.
SETTLE = 5.0
#: Seconds before the last look: longer than another run takes between reading a text and writing it.
PAUSE = 1.0
#: Up to so many seconds more, by chance, so that runs which overwrote each other do not meet again.
APART = 4000
#: How often lost tags are looked at in one go, and written again but for the first and the last time.
ROUNDS = 6


class Tags:
    """The tags that a run has written: `told` learns of each outcome, `look` reads them back."""

    def __init__(
        self, writer: Writer, on_outcome: Callable[[Outcome], None], stopped: Callable[[], bool]
    ) -> None:
        self._writer = writer
        self._on_outcome = on_outcome
        self._stopped = stopped
        self._written: dict[int, list[Change]] = {}
        self._unread: set[int] = set()

    def learn(self, outcome: Outcome) -> None:
        """Remember a tag that was written."""
        change = outcome.change
        number = outcome.record or change.target.id
        maps = any(one.field.startswith(MAPPING_PREFIX) for one in change.fields)
        if maps and number is not None and outcome.result is Result.APPLIED:
            changes = self._written.setdefault(number, [])
            changes.append(replace(change, target=replace(change.target, id=number)))
            self._unread.add(number)

    async def look(self) -> None:
        """Read back the tags that were written since the last look, and bring in what is missing."""
        numbers, self._unread = self._unread, set()
        await self._keep(numbers)

    async def look_at_all(self) -> None:
        """Read back all of them, at the end of the run."""
        if self._written and not self._stopped():
            await self._writer.sleep(PAUSE)
            await self._keep(self._written.keys())

    async def _keep(self, numbers: Iterable[int]) -> None:
        numbers = set(numbers)
        for attempt in range(ROUNDS):
            if not numbers or self._stopped():
                return
            try:
                items = await catalog.items_by_ids(self._writer.client, numbers)
            except ReconcilerError as failed:
                self._say(numbers, f"whether another run overwrote it could not be seen: {told(failed)}")
                return
            lost = {item.id: found for item in items if (found := self._lost(item))}
            if not lost:
                return
            if attempt == ROUNDS - 1:
                self._say(lost, "another run keeps overwriting it; plan again once that has ended")
                return
            numbers = set(lost)
            try:
                if attempt:
                    await self._again(lost)
            except NotRecordedError as why:
                self._say(lost, str(why))
                return
            await self._writer.sleep(SETTLE + secrets.randbelow(APART) / 1000)

    def _lost(self, item: CatalogItem) -> list[Change]:
        """The changes of a product's tag that stand there as before they were written.

        One that another run has taken off on purpose is none: that leaves the code as a former one.
        """
        place, former = self._writer.place, self._writer.former.get(item.id, frozenset())
        return [
            change
            for change in self._written[item.id]
            for one in change.fields
            if one.field.startswith(MAPPING_PREFIX)
            and is_value(item, one.field, one.before, place)
            and not is_value(item, one.field, one.after, place)
            and one.field.removeprefix(MAPPING_PREFIX) not in place.former(item) - former
        ]

    async def _again(self, lost: dict[int, list[Change]]) -> None:
        for changes in lost.values():
            for outcome in await write(changes, self._writer):
                said = "written again: another run had overwritten it"
                self._on_outcome(replace(outcome, message="; ".join(filter(None, (said, outcome.message)))))

    def _say(self, numbers: Iterable[int], said: str) -> None:
        for number in set(numbers):
            for change in self._written.pop(number, ()):  # looked at no more
                self._on_outcome(Outcome(change, Result.UNSURE, said))

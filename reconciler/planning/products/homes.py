"""Which products each Sophos code is billed as: by its row, and by customers' own overrides."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.desired import Row

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.desired import Desired, Override
    from reconciler.model.identifiers import Selector


def wanted_homes(desired: Desired) -> Iterator[tuple[Selector, Row]]:
    """Every product that a code is billed as, with the row that says so; overrides come after all rows.

    A product that only an override names carries the code in its tag like any other: nothing else would
    remember, once the override is dropped, that its lines bill that code.
    """
    for row in desired.rows:
        for selector in row.targets:
            yield selector, row
    by_code = {row.code: row for row in desired.rows}
    for customer in desired.customers:
        for override in customer.overrides:
            for selector in override.targets:
                yield selector, _row_of(override, by_code.get(override.code))


def _row_of(override: Override, row: Row | None) -> Row:
    """The override as a row: its products, synced as the code's own row is."""
    if row is None:
        return Row(override.code, override.targets, sync=True, location=override.location)
    synced = row.sync or row.exclude is not None
    return replace(
        row, targets=override.targets, sync=synced, location=override.location, exclude=None, until=None
    )

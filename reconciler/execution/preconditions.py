"""Whether a saved plan still fits what is there, read for all its changes before the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise import catalog
from reconciler.execution.state import MarkerPlace, Stale, is_value, stale_values
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.connectwise.client import Client
    from reconciler.model.observed import CatalogItem
    from reconciler.model.plan import Change


async def stale_changes(client: Client, changes: Sequence[Change], place: MarkerPlace) -> list[Stale]:
    """Every change that no longer fits, with what has moved; a change that is done already does fit.

    Two chunked reads, one by id and one by identifier, whatever the number of changes.
    """
    ids = {change.target.id for change in changes if change.target.id is not None}
    names = {change.target.identifier for change in changes if change.target.id is None}
    by_id = {item.id: item for item in await catalog.items_by_ids(client, ids)}
    by_key = {item.key: item for item in await catalog.items_by_identifiers(client, names)}
    found: list[Stale] = []
    for change in changes:
        if change.target.id is None:
            found += _stale_creation(change, by_key.get(identifier_key(change.target.identifier)), place)
        elif change.target.id not in by_id:
            found.append(Stale(change, f"product id {change.target.id} is no longer in ConnectWise"))
        else:
            found += stale_values(by_id[change.target.id], [change], place)
    return found


def _stale_creation(change: Change, existing: CatalogItem | None, place: MarkerPlace) -> list[Stale]:
    if existing is None:
        return []
    if all(is_value(existing, one.field, one.after, place) for one in change.fields):
        return []
    return [Stale(change, f"{existing.identifier.strip()} exists by now (id {existing.id})")]

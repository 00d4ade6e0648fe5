"""Whether a saved plan still fits what is there, read for all its changes before the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise import catalog
from reconciler.execution.line_preconditions import stale_lines
from reconciler.execution.state import MarkerPlace, Stale, current, is_value, stale_values
from reconciler.model.change import MAPPING_PREFIX, Action
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.connectwise.client import Client
    from reconciler.model.change import Change
    from reconciler.model.observed import CatalogItem


async def stale_changes(client: Client, changes: Sequence[Change], place: MarkerPlace) -> list[Stale]:
    """Every change that no longer fits, with what has moved; a change that is done already does fit.

    Chunked reads: products by id and by identifier, agreements by id, lines in bundles by their agreements.
    """
    of_lines = [change for change in changes if change.target.agreement is not None]
    of_products = [change for change in changes if change.target.agreement is None]
    return [
        *await _stale_products(client, of_products, place),
        *await _mapped_elsewhere(client, of_products, place),
        *await stale_lines(client, of_lines, of_products),
    ]


async def _mapped_elsewhere(client: Client, changes: Sequence[Change], place: MarkerPlace) -> list[Stale]:
    """Codes that somebody mapped meanwhile, or whose new product was renamed since: they would double."""
    mapping = [change for change in changes if change.action is Action.MAP_PRODUCT]
    if not mapping:
        return []
    marked = await catalog.items_with_marker(client, place.custom_field)
    own = {(change.fields[0].field, identifier_key(change.target.identifier)) for change in mapping}
    found = []
    for change in mapping:
        name = change.fields[0].field
        known = {change.target.id, *change.mapped_on}
        for item in marked:
            if item.id in known or (name, item.key) in own:
                continue
            if current(item, name, place) is not None:
                code = name.removeprefix(MAPPING_PREFIX)
                found.append(
                    Stale(change, f"{code} is mapped to {item.identifier.strip()} (id {item.id}) by now")
                )
    return found


async def _stale_products(client: Client, changes: Sequence[Change], place: MarkerPlace) -> list[Stale]:
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
            found += stale_values(by_id[change.target.id], [change], place, together=changes)
    return found


def _stale_creation(change: Change, existing: CatalogItem | None, place: MarkerPlace) -> list[Stale]:
    if existing is None:
        return []
    if all(is_value(existing, one.field, one.after, place) for one in change.fields):
        return []
    return [Stale(change, f"{existing.identifier.strip()} exists by now (id {existing.id})")]

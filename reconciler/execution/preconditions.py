"""Whether a plan still fits what is there, read for its changes before the first write."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise import catalog
from reconciler.execution.fresh import read_marked, rests_on_lists
from reconciler.execution.line_preconditions import stale_lines
from reconciler.execution.state import MarkerPlace, Stale, current, is_value, stale_values
from reconciler.execution.telling import told
from reconciler.model.change import MAPPING_PREFIX, Action
from reconciler.model.identifiers import identifier_key
from reconciler.transport.errors import ListShort

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from reconciler.connectwise.client import Client
    from reconciler.execution.unseen import Seen
    from reconciler.model.change import Change
    from reconciler.model.observed import CatalogItem


async def stale_changes(
    client: Client,
    changes: Sequence[Change],
    place: MarkerPlace,
    *,
    member: str | None = None,
    only: Callable[[Change], bool] | None = None,
    seen: Seen | None = None,
) -> list[Stale]:
    """Every change that no longer fits, with what has moved; a change that is done already does fit.

    Chunked reads: products by id and by identifier, agreements by id and by company, lines in bundles by
    their agreements. With `only`, those for which it holds are looked at alone, and nothing is read where
    there are none. `member` is who we write as, `seen` are the lines that a saved plan knows. A list that
    stays shorter than the server counts makes all that rest on lists stale.
    """
    looked_at = [change for change in changes if only is None or only(change)]
    if not looked_at:
        return []
    of_lines = [change for change in looked_at if change.target.agreement is not None]
    of_products = [change for change in looked_at if change.target.agreement is None]
    every = [change for change in changes if change.target.agreement is None]
    found = await _stale_products(client, of_products, place)
    try:
        marked = await read_marked(client, looked_at, place)
        found += _mapped_elsewhere(of_products, marked, place)
        return [*found, *await stale_lines(client, of_lines, every, marked, place, member, seen)]
    except ListShort as short:
        return [*found, *(Stale(change, told(short)) for change in looked_at if rests_on_lists(change))]


def _mapped_elsewhere(
    changes: Sequence[Change], marked: Sequence[CatalogItem], place: MarkerPlace
) -> list[Stale]:
    """Codes that somebody mapped meanwhile, or whose new product was renamed since: they would double."""
    mapping = [change for change in changes if change.action is Action.MAP_PRODUCT]
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

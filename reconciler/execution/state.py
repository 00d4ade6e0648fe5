"""Whether a product still is as a plan expects it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.model.change import MAPPING_PREFIX, SYNC_ON
from reconciler.model.fields import IDENTIFIER, Reference
from reconciler.model.identifiers import identifier_key
from reconciler.model.product_state import MarkerPlace, current, is_value

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.change import Change
    from reconciler.model.observed import CatalogItem

__all__ = ["MarkerPlace", "Stale", "current", "is_value", "stale_values"]


@dataclass(frozen=True)
class Stale:
    """A value that is neither what the plan expects nor what it wants."""

    change: Change
    what: str

    def __str__(self) -> str:
        return self.what


def stale_values(
    item: CatalogItem,
    changes: Iterable[Change],
    place: MarkerPlace,
    *,
    together: Sequence[Change] = (),
) -> list[Stale]:
    """What has moved since the plan was made; nothing where each field is as expected, or done already.

    `together` are further changes of the same plan, which may make the product what these need.
    """
    changes = list(changes)
    set_here = {
        one.field for change in (*changes, *together) if change.target.id == item.id for one in change.fields
    }
    found = []
    for change in changes:
        expected = change.expected_identifier
        renames = any(field.field == IDENTIFIER.name for field in change.fields)
        if not renames and expected is not None and identifier_key(expected) != item.key:
            wanted = identifier_key(change.target.identifier)
            if item.key != wanted:
                found.append(Stale(change, f"product id {item.id} is now called {item.identifier.strip()}"))
        for field in change.fields:
            if is_value(item, field.field, field.before, place):
                continue
            if is_value(item, field.field, field.after, place):
                continue
            now = current(item, field.field, place)
            found.append(
                Stale(change, f"{field.field} is {_text(now)}, the plan expected {_text(field.before)}")
            )
        found += [Stale(change, what) for what in _cannot_take_usage(item, change, set_here)]
        if place.is_theirs(item):
            found.append(Stale(change, "its tag was changed by somebody else or cannot be read any more"))
    return found


def _cannot_take_usage(item: CatalogItem, change: Change, set_here: set[str]) -> list[str]:
    """Why a product that the plan turns sync on for cannot take usage any more."""
    if not any(one.field.startswith(MAPPING_PREFIX) and one.after == SYNC_ON for one in change.fields):
        return []
    found = []
    if item.fields.get("inactiveFlag") is True and "inactiveFlag" not in set_here:
        found.append(f"{item.identifier.strip()} is inactive, and usage sync is to be on")
    if item.fields.get("productClass") == "Bundle" and "productClass" not in set_here:
        found.append(f"{item.identifier.strip()} is of class Bundle, and usage sync is to be on")
    return found


def _text(value: Any) -> str:
    if value is None:
        return "not set"
    if isinstance(value, dict):
        return str(Reference(value["id"], value["name"] or f"id {value['id']}"))
    return repr(value) if isinstance(value, str) else str(value)

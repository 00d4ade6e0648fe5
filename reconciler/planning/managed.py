"""The managed products as they are: which record a name means, and whether usage may be written to it yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model import marker
from reconciler.model.identifiers import identifier_key
from reconciler.model.plan import MAPPING_PREFIX, Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.desired import Desired
    from reconciler.model.identifiers import Selector
    from reconciler.model.observed import CatalogItem, Observed
    from reconciler.model.plan import Change

PENDING = "product change pending"


@dataclass(frozen=True)
class Managed:
    """One product that a row or an override names.

    `key` is the same for every way of naming it, `label` its identifier once this plan is applied. `stop`
    says why no usage may be written to it; `waits` are the requests of this plan that come first.
    """

    key: str
    label: str
    item: CatalogItem | None
    stop: str = ""
    waits: tuple[str, ...] = ()


class Products:
    """The managed products by any of their names."""

    def __init__(self, desired: Desired, observed: Observed, changes: Iterable[Change]) -> None:
        self._settings = desired.settings
        self._by_id = {item.id: item for item in observed.items}
        self._by_key: dict[str, list[CatalogItem]] = defaultdict(list)
        for item in observed.items:
            self._by_key[item.key].append(item)
        self._changes: dict[str, list[Change]] = defaultdict(list)
        self._renamed: dict[str, int] = {}
        for change in changes:
            if change.target.id is None:
                self._changes[identifier_key(change.target.identifier)].append(change)
                continue
            self._changes[f"#{change.target.id}"].append(change)
            self._renamed[identifier_key(change.target.identifier)] = change.target.id
        self._unmapped: dict[str, set[int]] = defaultdict(set)
        for own in self._changes.values():
            for change in own:
                if change.action is Action.UNMAP_PRODUCT and change.target.id is not None:
                    for one in change.fields:
                        self._unmapped[one.field.removeprefix(MAPPING_PREFIX)].add(change.target.id)
        self._replaces = {self.key(identifier_key(p.identifier)): p.replaces for p in desired.products}
        self._codes: dict[str, dict[str, bool]] = defaultdict(dict)
        for row in desired.rows:
            for target in row.targets:
                self._codes[self.key(target.key)] |= dict.fromkeys(row.codes, row.sync)
        self._found: dict[str, Managed] = {}

    def key(self, selector_key: str) -> str:
        """One key for a product, whether it is named by its identifier (old or new) or by its id."""
        items = self._items(selector_key)
        return f"#{items[0].id}" if len(items) == 1 else selector_key

    def find(self, selector: Selector) -> Managed:
        """The product that a row names."""
        key = self.key(selector.key)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._managed(key, selector)
        return found

    def before(self, product: Managed, codes: Iterable[str]) -> set[int]:
        """The products that billed these codes until now: unmapped by this plan, or said to be replaced."""
        if not self._unmapped and not self._replaces:
            return set()
        every = {*codes, *self._codes.get(product.key, ())}
        found = {number for code in every for number in self._unmapped.get(code, ())}
        for name in self._replaces.get(product.key, ()):
            found |= {item.id for item in self._items(identifier_key(name))}
        return found - ({product.item.id} if product.item is not None else set())

    def _items(self, selector_key: str) -> list[CatalogItem]:
        if selector_key.startswith("#"):
            found = self._by_id.get(int(selector_key[1:]))
            return [] if found is None else [found]
        items = self._by_key.get(selector_key, [])
        if not items and selector_key in self._renamed:
            found = self._by_id.get(self._renamed[selector_key])
            return [] if found is None else [found]
        return items

    def _managed(self, key: str, selector: Selector) -> Managed:
        items = self._items(selector.key)
        name = str(selector).strip()
        if len(items) > 1:
            ids = " and ".join(f"id {item.id}" for item in sorted(items, key=lambda one: one.id))
            return Managed(key, name, None, f"{len(items)} products are called {name} ({ids})")
        own = self._changes.get(key, [])
        if not items:
            created = any(change.action is Action.CREATE_PRODUCT for change in own)
            later = "; its lines follow once it is created" if created else ""
            return Managed(key, name, None, f"{name} is not in ConnectWise{later}")
        label = items[0].identifier.strip()
        rename = next((new for change in own if (new := _new_identifier(change))), None)
        mapping = [change for change in own if any(f.field.startswith(MAPPING_PREFIX) for f in change.fields)]
        waits = {change.write for change in mapping}
        if rename is not None:
            label = rename
            waits |= {change.write for change in own if _new_identifier(change)}
        return Managed(key, label, items[0], self._stop(items[0], label, mapping), tuple(sorted(waits)))

    def _stop(self, item: CatalogItem, label: str, mapping: list[Change]) -> str:
        """Why usage may not be written: the tag is not ours, or says something else than the rows."""
        tags = marker.read(item.tag_text(self._settings.marker_custom_field))
        owner = self._settings.owner
        others = sorted({tag.owner for tag in tags.of_others(owner)})
        if others:
            return f"{PENDING}: {label} is managed by owner {', '.join(others)}"
        if tags.unreadable or len(tags.of(owner)) > 1:
            return f"{PENDING}: the tag of {label} cannot be read"
        if any(change.blocked for change in mapping):
            return f"{PENDING}: a change of {label} is held back"
        applied = dict(tags.of(owner)[0].codes) if tags.of(owner) else {}
        if not mapping and applied != self._codes.get(f"#{item.id}", {}):
            return f"{PENDING}: what is mapped to {label} is not applied yet"
        return ""


def _new_identifier(change: Change) -> str | None:
    """The identifier that an edit gives; nothing where the edit is held back, or is of something else."""
    if change.action is not Action.EDIT_PRODUCT or change.blocked:
        return None
    new = next((one.after for one in change.fields if one.field == "identifier"), None)
    return str(new).strip() if new else None

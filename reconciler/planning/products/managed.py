"""The managed products as they are: which record a name means, and whether usage may be written to it yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model import marker
from reconciler.model.change import MAPPING_PREFIX, Action
from reconciler.model.fields import FIELDS_BY_NAME, Value, from_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.rests import Signed, sign_product
from reconciler.planning.products.homes import wanted_homes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.change import Change
    from reconciler.model.desired import Desired
    from reconciler.model.identifiers import Selector
    from reconciler.model.observed import CatalogItem, Observed

PENDING = "product change pending"


@dataclass(frozen=True)
class Managed:
    """One product that a row or an override names.

    `key` is the same for every way of naming it, `label` its identifier once this plan is applied; `item` is
    None while this plan creates it, or where it cannot be told which one it is. `stop` says why no usage may
    be written to it; `waits` are the requests of this plan that come before any of its lines is written, and
    `waits_new` those that come before one is created: its price is the catalog's after this plan. `fields`
    are the catalog's fields as they will be then.
    """

    key: str
    label: str
    item: CatalogItem | None
    stop: str = ""
    waits: tuple[str, ...] = ()
    waits_new: tuple[str, ...] = ()
    fields: Mapping[str, Value] = field(default_factory=dict)


class Products:
    """The managed products by any of their names, and what each has ever been mapped to.

    `base` is the configuration that the desired one replaces, where it is known: what it mapped counts as
    mapped once.
    """

    def __init__(
        self, desired: Desired, observed: Observed, changes: Iterable[Change], base: Desired | None = None
    ) -> None:
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
        self._replaces = {self.key(identifier_key(p.identifier)): p.replaces for p in desired.products}
        self._declared = {self.key(identifier_key(p.identifier)): p for p in desired.products}
        self._codes: dict[str, dict[str, bool]] = defaultdict(dict)
        for selector, row in wanted_homes(desired):
            own = self._codes[self.key(selector.key)]
            for code in row.codes:
                own.setdefault(code, row.sync)
        self._of_base: dict[str, set[str]] = defaultdict(set)
        for selector, row in () if base is None else wanted_homes(base):
            self._of_base[self.key(selector.key)].update(row.codes)
        self._all_replaced = {
            item.id
            for names in self._replaces.values()
            for name in names
            for item in self._items(identifier_key(name))
        }
        self._found: dict[str, Managed] = {}
        self._carried: dict[int, frozenset[str]] = {}
        self._signed: dict[int, Signed] = {}

    def key(self, selector_key: str) -> str:
        """One key for a product, whether it is named by its identifier (old or new) or by its id."""
        items = self._items(selector_key)
        return f"#{items[0].id}" if len(items) == 1 else selector_key

    def find(self, selector: Selector) -> Managed:
        """The product that a row names."""
        key = self.key(selector.key)
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._managed(key, selector.key, str(selector).strip())
        return found

    def of_item(self, number: int) -> Managed | None:
        """The product of that record id, where it is or was mapped, or is said to be replaced."""
        item, key = self._by_id.get(number), f"#{number}"
        if item is None or not (self.carried(number) or number in self._all_replaced):
            return None
        found = self._found.get(key)
        if found is None:
            found = self._found[key] = self._managed(key, key, item.identifier.strip())
        return found

    def carried(self, number: int) -> frozenset[str]:
        """Every code that the product of that record id is, was or is to be mapped to, by whomever."""
        found = self._carried.get(number)
        if found is None:
            found = self._carried[number] = self._read_carried(number)
        return found

    def _read_carried(self, number: int) -> frozenset[str]:
        item = self._by_id.get(number)
        if item is None:
            return frozenset()
        codes = marker.read(item.tag_text(self._settings.marker_custom_field)).every_code
        key = f"#{number}"
        return codes | self._codes.get(key, {}).keys() | self._of_base.get(key, set())

    def applied(self, product: Managed) -> frozenset[str]:
        """The codes that our tag on the product has now: what is mapped as far as it was ever written."""
        if product.item is None:
            return frozenset()
        tags = marker.read(product.item.tag_text(self._settings.marker_custom_field))
        return frozenset(code for tag in tags.of(self._settings.owner) for code in tag.codes)

    def owned_by_others(self, number: int) -> str:
        """The owners whose tags alone the product of that record id has; nothing where one is ours."""
        item = self._by_id.get(number)
        if item is None or self._codes.get(f"#{number}"):
            return ""
        tags = marker.read(item.tag_text(self._settings.marker_custom_field))
        others = sorted({tag.owner for tag in tags.of_others(self._settings.owner)})
        return "" if tags.of(self._settings.owner) else ", ".join(others)

    def signed(self, number: int) -> Signed:
        """The product of that record id with what decides of it; its id alone where it was not read."""
        found = self._signed.get(number)
        if found is None:
            item, settings = self._by_id.get(number), self._settings
            found = (
                Signed(number)
                if item is None
                else sign_product(item, settings.owner, settings.marker_custom_field)
            )
            self._signed[number] = found
        return found

    def wanted_codes(self, key: str) -> frozenset[str]:
        """The codes that the configuration maps to the product of that key."""
        return frozenset(self._codes.get(key, ()))

    def replaced(self, product: Managed) -> frozenset[int]:
        """The record ids of the products that this one is said to replace."""
        names = self._replaces.get(product.key, ())
        found = {item.id for name in names for item in self._items(identifier_key(name))}
        return frozenset(found - ({product.item.id} if product.item is not None else set()))

    def rivals(self, product: Managed, codes: Iterable[str]) -> frozenset[int]:
        """The record ids of products whose open lines may bill the same seats: itself, replaced ones, and
        those that any of the codes is or was mapped to."""
        wanted = set(codes)
        found = {number for number in self._by_id if self.carried(number) & wanted}
        own = set() if product.item is None else {product.item.id}
        return frozenset(found | own | self.replaced(product))

    def follows_price(self, product: Managed) -> bool:
        """Whether its lines follow the catalog's price (`linePrice: follow`)."""
        declared = self._declared.get(product.key)
        return declared is not None and declared.line_price == "follow"

    def price_edits(self) -> Iterable[tuple[Managed, Change]]:
        """The catalog prices that this plan changes, on products that exist."""
        for key, own in sorted(self._changes.items()):
            for change in own:
                edits = change.action is Action.EDIT_PRODUCT and not change.blocked
                if edits and change.target.id is not None and _sets(change, "price"):
                    item = self._by_id[change.target.id]
                    yield self._managed(key, key, item.identifier.strip()), change

    def _items(self, selector_key: str) -> list[CatalogItem]:
        if selector_key.startswith("#"):
            found = self._by_id.get(int(selector_key[1:]))
            return [] if found is None else [found]
        items = self._by_key.get(selector_key, [])
        if not items and selector_key in self._renamed:
            found = self._by_id.get(self._renamed[selector_key])
            return [] if found is None else [found]
        return items

    def _managed(self, key: str, selector_key: str, name: str) -> Managed:
        items = self._items(selector_key)
        if len(items) > 1:
            ids = " and ".join(f"id {item.id}" for item in sorted(items, key=lambda one: one.id))
            return Managed(key, name, None, f"{len(items)} products are called {name} ({ids})")
        own = self._changes.get(key, [])
        if not items:
            return self._created(key, name, own)
        label = items[0].identifier.strip()
        rename = next((new for change in own if (new := _new_identifier(change))), None)
        mapping = [change for change in own if any(f.field.startswith(MAPPING_PREFIX) for f in change.fields)]
        waits = {change.write for change in mapping}
        if rename is not None:
            label = rename
            waits |= {change.write for change in own if _new_identifier(change)}
        stop = self._stop(items[0], label, mapping)
        written = _written(own)
        edits = {change.write for change in own if written and change.action is Action.EDIT_PRODUCT}
        return Managed(
            key,
            label,
            items[0],
            stop,
            tuple(sorted(waits)),
            tuple(sorted(waits | edits)),
            {**items[0].fields, **written},
        )

    def _created(self, key: str, name: str, own: list[Change]) -> Managed:
        """A product that is not there: this plan creates it, or nobody does."""
        creation = next((change for change in own if change.action is Action.CREATE_PRODUCT), None)
        if creation is None:
            return Managed(key, name, None, f"{name} is not in ConnectWise")
        if any(change.blocked for change in own):
            return Managed(key, name, None, f"{PENDING}: the creation of {name} is held back")
        waits = tuple(sorted({change.write for change in own}))
        return Managed(key, name, None, "", waits, waits, _written(own))

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


def _sets(change: Change, name: str) -> bool:
    return any(one.field == name for one in change.fields)


def _written(changes: Iterable[Change]) -> dict[str, Value]:
    """The catalog fields that these changes write, as they will be."""
    return {
        one.field: from_plan(FIELDS_BY_NAME[one.field], one.after)
        for change in changes
        if not change.blocked
        for one in change.fields
        if one.field in FIELDS_BY_NAME
    }

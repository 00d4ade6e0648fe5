"""Which ConnectWise product each row and entry means: wanted names brought together with what is there."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model import marker
from reconciler.model.change import product_key
from reconciler.model.diagnostics import Diagnostic, Location, error, warning
from reconciler.model.fields import IDENTIFIER_LIMIT
from reconciler.model.identifiers import identifier_key
from reconciler.planning.products.homes import wanted_homes
from reconciler.planning.suggest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.desired import Desired, Product, Row
    from reconciler.model.identifiers import Selector
    from reconciler.model.observed import CatalogItem, Observed


@dataclass
class Target:
    """One ConnectWise product that the configuration names or that carries our tag.

    `codes` is what shall be mapped to it; `mapped` is what its tag says now; `item` is None while it does
    not exist. `usable` is False where no change can be computed for it (the diagnostics say why). A `twin`
    shares its identifier with another product, so that only its id tells which one is meant.
    """

    label: str
    location: Location | None = None
    codes: dict[str, Row] = field(default_factory=dict)
    product: Product | None = None
    item: CatalogItem | None = None
    mapped: Mapping[str, bool] = field(default_factory=dict)
    usable: bool = True
    twin: bool = False

    @property
    def key(self) -> str:
        """Its natural key in change ids and diagnostics; each product has one of its own."""
        key = product_key(self.label)
        return f"{key}/id/{self.item.id}" if self.twin and self.item is not None else key


def find_targets(desired: Desired, observed: Observed) -> tuple[list[Target], list[Diagnostic]]:
    """Every product that matters, sorted by key, and what is wrong with finding them."""
    catalog = _Catalog(desired, observed)
    diagnostics: list[Diagnostic] = []
    by_item: dict[int, Target] = {}
    targets: list[Target] = []
    for selector_key, target in _wanted(desired).items():
        diagnostics += _find_item(target, selector_key, catalog)
        if target.item is not None and target.item.id in by_item:
            _merge(by_item[target.item.id], target)
            continue
        if target.item is not None:
            by_item[target.item.id] = target
        targets.append(target)
    targets += [
        Target(item.identifier.strip(), item=item)
        for item in observed.items
        if item.id not in by_item and catalog.codes_of(item)
    ]
    _tell_apart(targets)
    for target in targets:
        if target.item is not None:
            diagnostics += _read_marker(target, target.item, desired, catalog)
    known = {target.item.id for target in targets if target.item is not None}
    diagnostics += [
        _unreadable(item, catalog.tags[item.id].unreadable[0])
        for item in observed.items
        if item.id not in known and catalog.tags[item.id].unreadable
    ]
    return sorted(targets, key=lambda t: t.key), diagnostics


def _tell_apart(targets: list[Target]) -> None:
    """Two products of one identifier must not become one request."""
    count = Counter(target.key for target in targets)
    for target in targets:
        target.twin = count[product_key(target.label)] > 1


def _unreadable(item: CatalogItem, piece: str) -> Diagnostic:
    """A warning only: nothing here names the product, and nothing is written to it."""
    name = item.identifier.strip()
    return warning(
        "marker-unreadable",
        f"{name} (id {item.id}) has a tag that cannot be read: {piece!r}. It counts as not mapped.",
        "If a Sophos product was mapped to it, correct the tag in the product's notes: its form is "
        "[sophos:OWNER CODE, CODE (sync off)]. Otherwise remove it.",
        subject=product_key(name),
    )


def _wanted(desired: Desired) -> dict[str, Target]:
    wanted: dict[str, Target] = {}
    for product in desired.products:
        wanted[identifier_key(product.identifier)] = Target(
            product.identifier, location=product.location, product=product
        )
    for selector, row in wanted_homes(desired):
        target = wanted.setdefault(selector.key, Target(_label(selector), location=row.location))
        for code in row.codes:
            target.codes.setdefault(code, row)
    return wanted


def _label(selector: Selector) -> str:
    return str(selector).strip()


def _merge(kept: Target, other: Target) -> None:
    """Two names (an identifier and an id) of one product are one target."""
    for code, row in other.codes.items():
        kept.codes.setdefault(code, row)
    kept.product = kept.product or other.product
    if other.product is not None:
        kept.label = other.label


class _Catalog:
    """The observed products, indexed once."""

    def __init__(self, desired: Desired, observed: Observed) -> None:
        self.owner = desired.settings.owner
        self.custom_field = desired.settings.marker_custom_field
        self.by_id = {item.id: item for item in observed.items}
        self.by_key: dict[str, list[CatalogItem]] = {}
        for item in observed.items:
            self.by_key.setdefault(item.key, []).append(item)
        self.similar = [entry.identifier for entry in observed.similar]
        self.tags = {item.id: marker.read(item.tag_text(self.custom_field)) for item in observed.items}
        self.named = set(_named_keys(desired))

    def codes_of(self, item: CatalogItem) -> dict[str, bool]:
        """What our own tag on the product says; several tags of ours are read together."""
        return {code: on for own in self.tags[item.id].of(self.owner) for code, on in own.codes.items()}

    def carriers(self, codes: Iterable[str]) -> list[CatalogItem]:
        """Products that nothing in the configuration names and whose tag has one of the codes."""
        wanted = set(codes)
        return [
            item
            for item in self.by_id.values()
            if item.key not in self.named
            and f"#{item.id}" not in self.named
            and wanted & self.codes_of(item).keys()
        ]


def _named_keys(desired: Desired) -> Iterable[str]:
    for selector, _ in wanted_homes(desired):
        yield selector.key
    for product in desired.products:
        yield identifier_key(product.identifier)
        yield from (identifier_key(name) for name in product.replaces)
        if product.renamed_from is not None:
            yield identifier_key(product.renamed_from)


def _find_item(target: Target, key: str, catalog: _Catalog) -> list[Diagnostic]:
    """Set `target.item`, or say why there is none. A product that is to be created has none and no error."""
    if key.startswith("#"):
        target.item = catalog.by_id.get(int(key[1:]))
        if target.item is not None:
            target.label = target.item.identifier.strip()
            return []
        return [_missing_id(target, key)]
    found = catalog.by_key.get(key, [])
    if len(found) > 1:
        target.usable = False
        ids = ", ".join(f"{item.identifier!r} (id {item.id})" for item in found)
        return [
            error(
                "product-ambiguous",
                f"{target.label} is the identifier of {len(found)} ConnectWise products: {ids}.",
                "Name the one you mean by its id: product: {id: …}; or rename the other in ConnectWise.",
                location=target.location,
                subject=target.key,
            )
        ]
    target.item = found[0] if found else None
    if target.product is not None and target.product.renamed_from is not None:
        return _rename(target, target.product, target.product.renamed_from, catalog)
    if target.item is None:
        return _not_found(target, catalog)
    if target.item.identifier.strip() != target.label:
        return [
            warning(
                "identifier-differs",
                f"{target.label} is written {target.item.identifier.strip()!r} in ConnectWise.",
                "Write it the same way; the two count as one product.",
                location=target.location,
                subject=target.key,
            )
        ]
    return []


def _missing_id(target: Target, key: str) -> Diagnostic:
    target.usable = False
    return error(
        "product-not-found",
        f"ConnectWise has no product with id {key[1:]}.",
        "Find the right one with `reconciler search`, or name it by its identifier.",
        location=target.location,
        subject=target.key,
    )


def _rename(target: Target, product: Product, old_name: str, catalog: _Catalog) -> list[Diagnostic]:
    old = catalog.by_key.get(identifier_key(old_name), [])
    if not old:
        if target.item is not None:
            return []  # renamed by an earlier run
        target.usable = False
        return [
            error(
                "rename-source-missing",
                f"{target.label} is said to be renamed from {old_name}, and ConnectWise has neither of them.",
                "Correct renamedFrom, or remove it to create the product.",
                location=product.where("renamedFrom"),
                subject=target.key,
            )
        ]
    if target.item is not None or len(old) > 1:
        target.usable = False
        ids = ", ".join(
            f"{item.identifier.strip()} (id {item.id})" for item in [target.item, *old] if item is not None
        )
        return [
            error(
                "rename-both-exist",
                f"{target.label} cannot be renamed from {old_name}: ConnectWise has several: {ids}.",
                "Remove renamedFrom if they are different products; otherwise retire one of them in "
                "ConnectWise.",
                location=product.where("renamedFrom"),
                subject=target.key,
            )
        ]
    target.item = old[0]
    return []


def _not_found(target: Target, catalog: _Catalog) -> list[Diagnostic]:
    carriers = catalog.carriers(target.codes)
    if carriers:
        target.usable = False
        return [_renamed_by_hand(target, item, catalog) for item in carriers]
    if target.product is not None:
        return []  # to be created
    target.usable = False
    return [
        error(
            "product-not-found",
            f"ConnectWise has no product {target.label}.",
            f"{did_you_mean(target.label, catalog.similar)}Search for it with `reconciler search`, or add it "
            f"under `products` to have it created (an identifier has at most {IDENTIFIER_LIMIT} characters).",
            location=target.location,
            subject=target.key,
        )
    ]


def _renamed_by_hand(target: Target, item: CatalogItem, catalog: _Catalog) -> Diagnostic:
    codes = ", ".join(sorted(catalog.codes_of(item).keys() & target.codes.keys()))
    name = item.identifier.strip()
    return error(
        "product-renamed",
        f"ConnectWise has no product {target.label}, and {name} (id {item.id}) carries our tag for {codes}. "
        f"Either {name} is {target.label} under another name (last changed by "
        f"{item.updated_by.strip() or 'somebody'}), or {target.label} is a new product that {codes} moves "
        "to. Nothing of it is written until that is said.",
        f"Under another name: write {name} in the row, or keep {target.label} and add "
        f"`{target.label}: {{renamedFrom: {name}}}` under products. A new product: add "
        f"`{target.label}: {{replaces: [{name}]}}` there, beside the fields that it is created with.",
        location=target.location,
        subject=target.key,
    )


def _read_marker(target: Target, item: CatalogItem, desired: Desired, catalog: _Catalog) -> list[Diagnostic]:
    owner = desired.settings.owner
    tags = catalog.tags[item.id]
    own, others = tags.of(owner), tags.of_others(owner)
    target.mapped = catalog.codes_of(item)
    where = {"location": target.location, "subject": target.key}
    found: list[Diagnostic] = []
    if tags.unreadable:
        found.append(
            error(
                "marker-unreadable",
                f"{target.label} has a tag that cannot be read: {tags.unreadable[0]!r}.",
                "Correct or remove it in the product's notes; its form is "
                "[sophos:OWNER CODE, CODE (sync off)].",
                **where,
            )
        )
    if len(own) > 1:
        found.append(
            error(
                "marker-twice",
                f"{target.label} has {len(own)} tags of owner {owner!r}.",
                "Leave one of them in the product's notes.",
                **where,
            )
        )
    if others:
        names = ", ".join(sorted({other.owner for other in others}))
        found.append(
            error(
                "marker-of-another-owner",
                f"{target.label} is managed by owner {names}: its tag is {others[0]}. "
                "Nothing is written to it.",
                f"Map another product, or have {names} let go of it first.",
                **where,
            )
        )
    return found

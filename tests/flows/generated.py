"""Small made-up catalogs, and configurations that want something of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from reconciler.sandbox.seed import empty_world
from tests.support import TODAY, Site

if TYPE_CHECKING:
    from pathlib import Path

CODES = [f"CODE-{number}" for number in range(1, 6)]
THERE = ["MSP-A", "MSP-B", "MSP-C", "MSP-D"]
NEW = ["NEW-X", "NEW-Y"]
OLD_NAME = "OLD-R"
RENAMED = "MSP-R"
BYSTANDER = "NOBODYS"
COMPLETE: dict[str, Any] = {
    "description": "Made up",
    "customerDescription": "Made up per month",
    "subcategory": "Endpoint",
    "type": "Managed Service",
    "productClass": "Agreement",
    "taxableFlag": True,
    "price": 1,
}

_SYNCS = st.dictionaries(st.sampled_from(CODES), st.booleans(), max_size=3)
_PEOPLE = st.sampled_from(["", "Keep me.", "Keep me.\n", " two\r\nlines "])


@dataclass(frozen=True)
class Item:
    """A product as it is before anything happens."""

    identifier: str
    codes: dict[str, bool]
    people: str
    tag_first: bool
    foreign: bool
    fields: dict[str, Any]

    def notes(self) -> str:
        """People's text with our tag before or behind it, and perhaps another owner's."""
        entries = [code + ("" if on else " (sync off)") for code, on in sorted(self.codes.items())]
        ours = f"[sophos:main {', '.join(entries)}]" if entries else ""
        parts = [ours, self.people] if self.tag_first else [self.people, ours]
        return "".join(parts) + ("[sophos:lab THEIRS]" if self.foreign else "")


@dataclass(frozen=True)
class Case:
    """A catalog and what is wanted of it."""

    items: tuple[Item, ...]
    rows: dict[str, dict[str, Any]]
    products: dict[str, dict[str, Any]]
    protected: list[str] = field(default_factory=list)

    def site(self, folder: Path) -> Site:
        """A fresh sandbox with this catalog, and this configuration in its folder."""
        world = empty_world(TODAY)
        for item in self.items:
            world.add_catalog_item(item.identifier, notes=item.notes(), **item.fields)
        folder.mkdir(parents=True, exist_ok=True)
        return Site(folder, world).say(json.dumps(self.document()))

    def document(self) -> dict[str, Any]:
        """The configuration."""
        shared = [target for target in {t for row in self.rows.values() for t in row.get("product", ())}
                  if sum(target in row.get("product", ()) for row in self.rows.values()) > 1]  # fmt: skip
        return {
            "version": 1,
            "mappings": self.rows,
            "products": self.products,
            "lines": {target: {"count": "sum"} for target in sorted(shared)},
            "protected": self.protected,
        }

    def homes_before(self) -> dict[str, set[str]]:
        """Per code, the products whose tag has it at first (the renamed one by its new name)."""
        renames = {OLD_NAME: RENAMED}
        return {
            code: {renames.get(i.identifier, i.identifier) for i in self.items if code in i.codes}
            for code in CODES
        }

    def homes_wanted(self) -> dict[str, set[str]]:
        """Per code, the products that its row names."""
        return {code: set(self.rows.get(code, {}).get("product", ())) for code in CODES}


@st.composite
def _items(draw: st.DrawFn) -> tuple[Item, ...]:
    items = []
    for identifier in [*THERE, OLD_NAME, BYSTANDER]:
        fields: dict[str, Any] = {"price": draw(st.sampled_from([0, 1, 2.5]))}
        if draw(st.integers(0, 9)) == 0:
            fields["productClass"] = "Bundle"
        if draw(st.booleans()):
            fields["vendorSku"] = "SKU-1"
        items.append(
            Item(
                identifier=identifier,
                codes={} if identifier == BYSTANDER else draw(_SYNCS),
                people=draw(_PEOPLE),
                tag_first=draw(st.booleans()),
                foreign=identifier == BYSTANDER or draw(st.integers(0, 9)) == 0,
                fields=fields,
            )
        )
    return tuple(items)


@st.composite
def _rows(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    rows: dict[str, dict[str, Any]] = {}
    for code in draw(st.lists(st.sampled_from(CODES), min_size=1, unique=True)):
        targets = draw(st.lists(st.sampled_from([*THERE, *NEW, RENAMED]), max_size=2, unique=True))
        rows[code] = {"product": targets, "sync": draw(st.booleans())} if targets else {"exclude": "Not sold"}
    return rows


_DECLARED = st.fixed_dictionaries(
    {},
    optional={
        "price": st.sampled_from([None, 0, 1, 2.5]),
        "vendorSku": st.sampled_from([None, "SKU-1", "SKU-2"]),
        "taxableFlag": st.booleans(),
        "unitOfMeasure": st.sampled_from(["User", "Device"]),
        "customFields": st.fixed_dictionaries({"Contract Reviewed": st.booleans()}),
    },
)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any catalog, any wish."""
    rows = draw(_rows())
    products = {name: draw(_DECLARED) for name in draw(st.sets(st.sampled_from(THERE), max_size=2))}
    products |= {name: dict(COMPLETE) for name in NEW if draw(st.integers(0, 9)) > 0}
    products[RENAMED] = {"renamedFrom": OLD_NAME, **draw(_DECLARED)}
    return Case(
        items=draw(_items()),
        rows=rows,
        products={name: declared for name, declared in products.items() if declared},
        protected=draw(st.lists(st.sampled_from(THERE), max_size=1)) if draw(st.booleans()) else [],
    )

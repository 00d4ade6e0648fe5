"""The records of one journal as they are now."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.observed import CatalogItem


@dataclass(frozen=True)
class Present:
    """What stands in ConnectWise of what a run wrote.

    `items` are its products by record id, and those that are called now as one of them was; `marked` are all
    products that carry a tag. `lines` are the lines of its agreements, ended ones too.
    """

    items: Mapping[int, CatalogItem] = field(default_factory=dict)
    marked: tuple[CatalogItem, ...] = ()
    agreements: Mapping[int, Agreement] = field(default_factory=dict)
    lines: Mapping[int, tuple[Line, ...]] = field(default_factory=dict)

    def named(self, identifier: str) -> CatalogItem | None:
        """The product that is called so now, as identifiers compare."""
        key = identifier_key(identifier)
        return next((item for item in self.items.values() if item.key == key), None)

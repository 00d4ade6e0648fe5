"""A product as a plan's fields see it: what stands in each field now."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.model.change import CUSTOM_FIELD_PREFIX, MAPPING_PREFIX, SYNC_ON, sync_text
from reconciler.model.fields import (
    FIELDS_BY_NAME,
    IDENTIFIER,
    from_plan,
    same,
    same_custom,
    shown_custom,
    to_plan,
)
from reconciler.model.identifiers import identifier_key
from reconciler.model.marker import Marker, read, write

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.field_change import FieldChange
    from reconciler.model.observed import CatalogItem


@dataclass(frozen=True)
class MarkerPlace:
    """Where tags live at this site, and whose ours are: the notes, or a text custom field."""

    owner: str
    custom_field: str | None

    def text(self, item: CatalogItem) -> str:
        """The text that holds the tag."""
        return item.tag_text(self.custom_field)

    def codes(self, item: CatalogItem) -> dict[str, bool]:
        """What our own tag says is mapped now."""
        return dict(self._tag(item).codes)

    def carried(self, item: CatalogItem) -> frozenset[str]:
        """Every code that any tag says is or was mapped, a damaged one and another owner's as well."""
        return read(self.text(item)).every_code

    def former(self, item: CatalogItem) -> frozenset[str]:
        """The codes that our own tags say were mapped."""
        return frozenset(code for tag in read(self.text(item)).of(self.owner) for code in tag.former)

    def _tag(self, item: CatalogItem) -> Marker:
        return next(iter(read(self.text(item)).of(self.owner)), Marker(self.owner, {}))

    def is_theirs(self, item: CatalogItem) -> bool:
        """Whether another owner's tag, a second one of ours or an unreadable one forbids writing here."""
        tags = read(self.text(item))
        return bool(tags.of_others(self.owner) or tags.unreadable or len(tags.of(self.owner)) > 1)

    def rewritten(self, item: CatalogItem | None, changes: Iterable[FieldChange]) -> str:
        """The text with these mappings brought in, everything else in it as it stands.

        Without an item: the text of a product that is to be created. A code that is taken off stays as a
        former one: a line of the product may still bill its units.
        """
        tag = Marker(self.owner, {}) if item is None else self._tag(item)
        codes, former = dict(tag.codes), set(tag.former)
        for change in changes:
            code = change.field.removeprefix(MAPPING_PREFIX)
            if change.after is None:
                codes.pop(code, None)
                former.add(code)
            else:
                codes[code] = change.after == SYNC_ON
        return write("" if item is None else self.text(item), self.owner, codes, former)


def current(item: CatalogItem, field: str, place: MarkerPlace) -> Any:
    """The field's value now, in plan form."""
    if field.startswith(MAPPING_PREFIX):
        return sync_text(place.codes(item).get(field.removeprefix(MAPPING_PREFIX)))
    if field.startswith(CUSTOM_FIELD_PREFIX):
        found = item.custom_field(field.removeprefix(CUSTOM_FIELD_PREFIX))
        return None if found is None else to_plan(shown_custom(found.type, found.value))
    if field == IDENTIFIER.name:
        return item.identifier.strip()
    return to_plan(item.fields.get(field))


def is_value(item: CatalogItem, field: str, value: Any, place: MarkerPlace) -> bool:
    """Whether the field holds this value (in plan form) now."""
    now = current(item, field, place)
    known = FIELDS_BY_NAME.get(field)
    if known is not None:
        return same(known, from_plan(known, now), from_plan(known, value))
    if field == IDENTIFIER.name:
        return identifier_key(str(now)) == identifier_key(str(value))
    if field.startswith(CUSTOM_FIELD_PREFIX):
        found = item.custom_field(field.removeprefix(CUSTOM_FIELD_PREFIX))
        return same_custom("" if found is None else found.type, now, value)
    return bool(now == value)

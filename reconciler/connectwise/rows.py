"""ConnectWise's JSON as typed rows."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.model.fields import CATALOG_FIELDS, FIELDS_BY_NAME, Reference, Value, normalise
from reconciler.model.observed import CatalogEntry, CatalogItem, CustomField, SetupEntry
from reconciler.model.value_check import is_id, is_reference
from reconciler.transport.errors import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping

T = TypeVar("T")

ITEM_FIELDS = ",".join(
    ("id", "identifier", "notes", "customFields", "_info", *(field.name for field in CATALOG_FIELDS))
)
ENTRY_FIELDS = "id,identifier,description,productClass,inactiveFlag,price"


class WrongTypeError(ValueError):
    """A record has a field of another type than the documented one; the text names record and field."""


def catalog_item(row: Mapping[str, Any]) -> CatalogItem:
    """A CatalogItem record. Raises WrongTypeError.

    Null fields are left out of ConnectWise's answers, so an absent field is one that is not set. `_info`'s
    links are dropped: they differ from release to release.
    """
    where = _named(row)
    fields: dict[str, Value] = {}
    for field in CATALOG_FIELDS:
        try:
            value = normalise(field, row.get(field.name))
        except ValueError as wrong:
            raise WrongTypeError(f"{where}, {excerpt(str(wrong))}") from None
        if isinstance(value, Reference) and not is_reference(value.id):
            raise WrongTypeError(f"{where}, {field.name}: {value.id} is no record id")
        if value is not None:
            fields[field.name] = value
    info = _member(row, "_info", dict, where) or {}
    return CatalogItem(
        id=row["id"],
        identifier=_required_text(row, "identifier", where),
        fields=fields,
        notes=_member(row, "notes", str, where) or "",
        custom_fields=custom_fields(row),
        last_updated=_loose_text(info, "lastUpdated"),
        updated_by=_loose_text(info, "updatedBy"),
    )


def catalog_entry(row: Mapping[str, Any]) -> CatalogEntry:
    """A CatalogItem record as lists show it. Raises WrongTypeError."""
    where = _named(row)
    try:
        values = {name: normalise(FIELDS_BY_NAME[name], row.get(name)) for name in ("price", "productClass")}
    except ValueError as wrong:
        raise WrongTypeError(f"{where}, {excerpt(str(wrong))}") from None
    price, product_class = values["price"], values["productClass"]
    return CatalogEntry(
        id=row["id"],
        identifier=_required_text(row, "identifier", where),
        description=_member(row, "description", str, where) or "",
        product_class=product_class if isinstance(product_class, str) else None,
        inactive=bool(_member(row, "inactiveFlag", bool, where)),
        price=price if isinstance(price, Decimal) else None,
    )


def custom_fields(row: Mapping[str, Any]) -> tuple[CustomField, ...]:
    """The custom fields of a record; every record shows every definition. Raises WrongTypeError."""
    where = _where(row)
    found = []
    for entry in _member(row, "customFields", list, where) or []:
        number = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(number, int) or isinstance(number, bool):
            raise WrongTypeError(f"{where}, customFields: an entry without an id")
        found.append(
            CustomField(number, _loose_text(entry, "caption"), _loose_text(entry, "type"), entry.get("value"))
        )
    return tuple(found)


def setup_entry(row: Mapping[str, Any], name: str = "name") -> SetupEntry:
    """A row of a set-up table; `name` is the member that people know it by. Raises WrongTypeError."""
    where = _where(row)
    if not is_reference(row["id"]):
        raise WrongTypeError(f"{where}, id: it is no record id")
    parent = _member(row, "category", dict, where) or {}
    return SetupEntry(
        id=row["id"],
        name=_required_text(row, name, where).strip(),
        parent=_loose_text(parent, "name"),
        inactive=bool(_member(row, "inactiveFlag", bool, where)),
    )


def _where(row: Mapping[str, Any]) -> str:
    number = row.get("id")
    if not isinstance(number, int) or isinstance(number, bool):
        raise WrongTypeError("a record without an id")
    name = row.get("identifier") or row.get("name")
    return f"record {number}" + (f" ({excerpt(name, 60)})" if isinstance(name, str) else "")


def _named(row: Mapping[str, Any]) -> str:
    """How errors name a product. Raises WrongTypeError for an id that no plan could hold."""
    where = _where(row)
    if not is_id(row["id"]):
        raise WrongTypeError(f"{where}, id: it is no record id")
    return where


def _member(row: Mapping[str, Any], name: str, kind: type[T], where: str) -> T | None:
    value = row.get(name)
    if value is not None and not isinstance(value, kind):
        raise WrongTypeError(f"{where}, {name}: {excerpt(repr(value), 60)} is no {kind.__name__}")
    return value


def _required_text(row: Mapping[str, Any], name: str, where: str) -> str:
    value = _member(row, name, str, where)
    if not value or not value.strip():
        raise WrongTypeError(f"{where}, {name}: it is missing")
    return value


def _loose_text(row: Mapping[str, Any], name: str) -> str:
    """A text that decides nothing; some of them come padded with blanks."""
    value = row.get(name)
    return value.strip() if isinstance(value, str) else ""

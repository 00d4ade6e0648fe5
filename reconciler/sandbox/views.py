"""From stored rows to what ConnectWise shows: derived values, references with links, columns for conditions.

As recorded against real servers (RationallyPrime/connectwise-etl), a field without a value has no key.
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.billing import Rules, billed, day_of
from reconciler.sandbox.conditions import Column
from reconciler.sandbox.parts import midnight
from reconciler.sandbox.schema import RESOURCES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.schema import Field, Resource
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

_STAMPS = {"lastUpdated": "date", "updatedBy": "text", "dateEntered": "date", "createdDate": "date"}
_INTEGER_PARTS = frozenset({"id", "numberOfDecimals"})


def source_rows(site: Site, resource: Resource) -> dict[int, Row]:
    """The table behind a resource; the light catalog shape has none of its own."""
    return site.world.tables["catalog" if resource.table == "catalogInfo" else resource.table]


def expanded(site: Site, resource: Resource, row: Row, *, with_amount: bool = True) -> Row:
    """The row with its defaults and with what the server derives from other rows.

    The amount of an agreement's next invoice is the one value that takes time: `with_amount` leaves it out.
    """
    full = {**resource.defaults, **row}
    if resource.table == "additions":
        full |= _addition_values(site, full)
    elif resource.table == "recaps":
        agreement = site.world.tables["agreements"].get(row["id"], {})
        full["name"] = agreement.get("name")
        full["agreementStatus"] = agreement.get("agreementStatus")
        full["nextInvoiceDate"] = row.get("nextInvoiceDate", agreement.get("nextInvoiceDate"))
        company = site.world.tables["companies"].get(agreement.get("company", {}).get("id"), {})
        full["companyName"] = company.get("name")
        if with_amount and agreement and full.get("nextInvoiceAmount") is None:
            day = day_of(full["nextInvoiceDate"]) or site.clock().date()
            full["nextInvoiceAmount"] = billed(site.world, agreement, day, Rules.of(site.quirks))
    return full


def _addition_values(site: Site, row: Row) -> Row:
    item = site.world.tables["catalog"].get(row["product"]["id"], {})
    agreement = site.world.tables["agreements"].get(row["agreementId"], {})
    quantity, included, price, cost = (
        Decimal(str(row[name] or 0)) for name in ("quantity", "lessIncluded", "unitPrice", "unitCost")
    )
    unit = site.world.tables["unitOfMeasures"].get((item.get("unitOfMeasure") or {}).get("id", -1), {})
    values: Row = {
        "billedQuantity": float(quantity - included),
        "extPrice": float(quantity * price),
        "extCost": float(quantity * cost),
        "margin": float(quantity * (price - cost)),
        "uom": unit.get("name"),
        "agreementStatus": agreement.get("agreementStatus"),
        "prorateCost": 0.0,
        "proratePrice": 0.0,
        "extendedProrateCost": 0.0,
        "extendedProratePrice": 0.0,
        "description": row.get("description") or item.get("description"),
    }
    if site.quirks["addition-status"] == "present":
        values["additionStatus"] = _addition_status(row, agreement, midnight(site.clock().date()))
    return values


def _addition_status(row: Row, agreement: Row, today: str) -> str:
    """By its dates and by its agreement's; which of the four words is shown when is inferred."""
    if (row.get("cancelledDate") or today) < today:
        return "Cancelled"
    if agreement.get("agreementStatus") == "Expired" or (agreement.get("endDate") or today) < today:
        return "Expired"
    is_waiting = (row.get("effectiveDate") or today) > today
    return "Inactive" if is_waiting or agreement.get("agreementStatus") == "Inactive" else "Active"


def with_custom_fields(site: Site, resource: Resource, row: Row) -> list[Row]:
    """Every custom field that is defined for the table, with this row's value or null."""
    values = {entry["id"]: entry.get("value") for entry in row.get("customFields", ())}
    table = "catalog" if resource.table == "catalogInfo" else resource.table
    definitions = site.world.custom_fields.get(table, ())
    return [{**definition, "value": values.get(definition["id"])} for definition in definitions]


def _reference(site: Site, entry: Field, value: Row, root: str) -> Row:
    table = entry.table or ""
    target, resource = site.world.tables[table].get(value["id"]), RESOURCES[table]
    source = {**resource.defaults, **target} if target is not None else value
    shown: Row = {part: source[part] for part in entry.parts if source.get(part) is not None}
    if resource.href:
        shown["_info"] = {resource.href: f"{root}/{resource.path}/{value['id']}"}
    return shown


def shown(site: Site, resource: Resource, row: Row, base: str) -> Row:
    """The whole object as JSON. `base` is the scheme, host and port that the client used."""
    root = f"{base}/{site.codebase()}/apis/3.0"
    full = expanded(site, resource, row)
    answer: Row = {}
    for name, entry in resource.fields.items():
        value = full.get(name)
        if name == "customFields":
            answer[name] = with_custom_fields(site, resource, row)
        elif value is None:
            if entry.kind == "date" and site.quirks["empty-date"] == "blank":
                answer[name] = ""
        elif entry.kind == "reference":
            answer[name] = _reference(site, entry, value, root)
        elif entry.kind == "list" and entry.table:
            answer[name] = [_reference(site, entry, part, root) for part in value]
        else:
            answer[name] = value
    return answer


def column(site: Site, resource: Resource, path: str) -> Column | None:
    """The field that a condition or an order names, or None if there is none of that name."""
    if path in _STAMPS or path.startswith("_info/"):
        return _stamp(path.removeprefix("_info/"))
    name, _, part = path.partition("/")
    entry = resource.fields.get(name)
    if entry is None or entry.kind == "list" or name == "_info" or "/" in part:
        return None
    if name == "additionStatus" and site.quirks["addition-status"] == "absent":
        return None
    default = resource.defaults.get(name)
    if not part and entry.kind == "date":
        return Column("date", lambda row: row.get(name) or None)
    if not part:
        return Column(entry.kind, lambda row: row.get(name, default))
    if part not in entry.parts:
        return None
    kind = "integer" if part in _INTEGER_PARTS else "flag" if part.endswith("Flag") else "text"
    if entry.kind == "object" or part == "id":
        return Column(kind, lambda row: (row.get(name) or {}).get(part))
    rows = site.world.tables[entry.table or ""]
    return Column(kind, lambda row: (rows.get((row.get(name) or {}).get("id", -1)) or {}).get(part))


def _stamp(name: str) -> Column | None:
    kind = _STAMPS.get(name)
    return Column(kind, lambda row: row.get("_info", {}).get(name)) if kind else None


def projected(answer: Row, fields: str | None) -> Row:
    """Only the named fields; `a/b` reaches into a nested object, an unknown name is dropped silently."""
    if not fields:
        return answer
    kept: Row = {}
    for wanted in fields.split(","):
        _keep(answer, kept, [part for part in wanted.strip().strip("/").split("/") if part])
    return kept


def _keep(source: Row, kept: Row, path: list[str]) -> None:
    if not path or path[0] not in source:
        return
    value: Any = source[path[0]]
    if len(path) == 1:
        kept[path[0]] = value
    elif isinstance(value, dict):
        inside = kept.setdefault(path[0], {})
        if inside is not value:
            _keep(value, inside, path[1:])


def all_expanded(site: Site, resource: Resource, rows: Iterable[Row], asked: str) -> Iterable[Row]:
    """Rows ready for the conditions or order in `asked`, if any.

    Only two kinds have derived values; the others are used as stored.
    """
    if not asked or resource.table not in ("additions", "recaps"):
        return rows
    with_amount = "nextInvoiceAmount" in asked
    return (expanded(site, resource, row, with_amount=with_amount) for row in rows)

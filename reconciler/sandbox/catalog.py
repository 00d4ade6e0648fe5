"""Creating, changing and deleting catalog items."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.errors import Complaints, simple
from reconciler.sandbox.parts import midnight
from reconciler.sandbox.schema import RESOURCES
from reconciler.sandbox.writing import from_payload, missing, operations, patched

if TYPE_CHECKING:
    from reconciler.sandbox.identity import Member
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

_RESOURCE = RESOURCES["catalog"]
_AUTO_UPDATES = (
    ("autoUpdateUnitPriceFlag", "price", "unitPrice"),
    ("autoUpdateUnitCostFlag", "cost", "unitCost"),
)


def create_item(site: Site, member: Member, payload: Any) -> Row:
    """Stores the item of a POST. Raises Refused (400)."""
    complaints = Complaints(_RESOURCE.label)
    row = from_payload(site, _RESOURCE, payload, complaints)
    missing(_RESOURCE, row, complaints)
    _settle_category(site, row, complaints, category_sent="category" in row)
    row["identifier"] = _settled_identifier(site, row.get("identifier"), None, complaints)
    complaints.raise_if_any()
    row.setdefault("unitOfMeasure", _default_unit(site))
    stamp = site.moment()
    row["_info"] = {"lastUpdated": stamp, "updatedBy": member.name, "dateEntered": stamp}
    return site.store("catalog", row)


def change_item(site: Site, member: Member, row: Row, payload: Any) -> Row:
    """Applies a patch to the stored row, wholly or not at all. Raises Refused (400)."""
    complaints = Complaints(_RESOURCE.label)
    changes = operations(payload)
    draft = patched(site, _RESOURCE, row, changes, complaints)
    missing(_RESOURCE, draft, complaints)
    touched = {path[0] for _, path, _ in changes if len(path) == 1}
    if touched & {"category", "subcategory"}:
        _settle_category(site, draft, complaints, category_sent="category" in touched)
    if str(draft.get("identifier")).lower() != str(row.get("identifier")).lower():
        draft["identifier"] = _settled_identifier(site, draft["identifier"], row["id"], complaints)
    is_fixed = site.quirks["class-change"] == "refused" and _in_use(site, row)
    if is_fixed and draft.get("productClass") != row.get("productClass"):
        message = "productClass cannot be changed while the product is in use."
        complaints.add("InvalidField", "productClass", message)
    complaints.raise_if_any()
    draft["_info"] = {**row.get("_info", {}), "lastUpdated": site.moment(), "updatedBy": member.name}
    if site.quirks["auto-update-price"] == "reprices":
        _update_additions(site, member, row, draft)
    row.clear()
    row.update(draft)
    return row


def _update_additions(site: Site, member: Member, before: Row, after: Row) -> None:
    """A changed price or cost reaches the item's additions that have not ended, where its flags say so."""
    changes = {
        target: after.get(source) or 0.0
        for flag, source, target in _AUTO_UPDATES
        if after.get(flag) and (after.get(source) or 0.0) != (before.get(source) or 0.0)
    }
    if not changes:
        return
    today = midnight(site.clock().date())
    for addition in site.world.rows("additions"):
        is_open = (addition.get("cancelledDate") or today) >= today
        if is_open and addition["product"]["id"] == before["id"]:
            site.history.keep(site.world, "additions", addition["id"])
            stamp = {"lastUpdated": site.moment(), "updatedBy": member.name}
            addition |= {**changes, "_info": {**addition.get("_info", {}), **stamp}}


def delete_item(site: Site, row: Row) -> None:
    """Raises Refused (409) when an addition names the item."""
    if _in_use(site, row):
        raise simple(409, "Conflict", "The record cannot be deleted; it is possibly in use.")
    del site.world.tables["catalog"][row["id"]]


def _in_use(site: Site, row: Row) -> bool:
    return any(addition["product"]["id"] == row["id"] for addition in site.world.rows("additions"))


def _default_unit(site: Site) -> Row:
    units = list(site.world.rows("unitOfMeasures"))
    unit = next((row for row in units if row.get("defaultFlag")), units[0])
    return site.world.reference("unitOfMeasures", unit["id"])


def _settle_category(site: Site, row: Row, complaints: Complaints, *, category_sent: bool) -> None:
    """The category follows from the subcategory, whatever was sent (quirk category-mismatch)."""
    subcategory = row.get("subcategory")
    if subcategory is None:
        return
    category = site.world.tables["subcategories"][subcategory["id"]]["category"]
    is_other = category_sent and (row.get("category") or {}).get("id") != category["id"]
    if is_other and site.quirks["category-mismatch"] == "refused":
        complaints.add("InvalidField", "category", "The category is not that of the subcategory.")
    row["category"] = dict(category)


def _settled_identifier(site: Site, wanted: Any, own: int | None, complaints: Complaints) -> Any:
    """The identifier to store when it may be taken (quirk duplicate-identifier)."""
    policy = site.quirks["duplicate-identifier"]
    if not isinstance(wanted, str) or policy == "accept":
        return wanted
    others = (row for row in site.world.rows("catalog") if row["id"] != own)
    if policy == "error" or own is not None:
        if any(row["identifier"].lower() == wanted.lower() for row in others):
            complaints.add("ObjectExists", "identifier", "Product ID already in use.")
        return wanted
    taken = {row["identifier"].lower() for row in others}
    settled = wanted
    while settled.lower() in taken:
        settled += "Copy0"
    return settled

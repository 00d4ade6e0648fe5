"""Creating, changing and deleting the additions of an agreement.

The two date rules and their wording are quoted on s365.freshdesk.com (51000506829); that a new product
resets an addition's price is a note of a public client. What else happens is open, and a quirk.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.billing import day_of
from reconciler.sandbox.errors import Complaints
from reconciler.sandbox.invoicing import make_up_now
from reconciler.sandbox.parts import midnight
from reconciler.sandbox.schema import RESOURCES
from reconciler.sandbox.writing import from_payload, missing, operations, patched

if TYPE_CHECKING:
    from reconciler.sandbox.identity import Member
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

_RESOURCE = RESOURCES["additions"]
_TOO_EARLY = "effectiveDate cannot be less than the agreement billing start date"
_INVOICED = (
    "Since this period has already been invoiced there will not be an invoice generated for additional "
    "products for this period. Please prorate the agreement or update the start date to on or after the "
    "Next Invoice Date."
)


def create_addition(site: Site, member: Member, agreement: Row, payload: Any) -> Row:
    """Stores the addition of a POST. Raises Refused (400)."""
    complaints = Complaints(_RESOURCE.label)
    row = from_payload(site, _RESOURCE, payload, complaints)
    missing(_RESOURCE, row, complaints)
    row.setdefault("effectiveDate", midnight(site.clock().date()))
    _check_agreement(site, agreement, complaints)
    _check_dates(site, agreement, row, complaints, starts_anew=True)
    _check_product(site, row, complaints)
    complaints.raise_if_any()
    item = site.world.tables["catalog"][row["product"]["id"]]
    row = {"quantity": 1.0, **_from_catalog(item, site.quirks["create-defaults"]), **row}
    stamp = site.moment()
    row |= {
        "agreementId": agreement["id"],
        "_info": {"lastUpdated": stamp, "updatedBy": member.name, "dateEntered": stamp},
    }
    stored = site.store("additions", row)
    site.world.entered[stored["id"]] = site.clock().date()
    make_up_now(site, agreement, stored)
    return stored


def change_addition(site: Site, member: Member, agreement: Row, row: Row, payload: Any) -> Row:
    """Applies a patch to the stored row, wholly or not at all. Raises Refused (400)."""
    complaints = Complaints(_RESOURCE.label)
    changes = operations(payload)
    _check_clearing(site, row, changes, complaints)
    draft = patched(site, _RESOURCE, row, changes, complaints)
    missing(_RESOURCE, draft, complaints)
    sent = {path[0] for _, path, _ in changes if len(path) == 1}
    if draft.get("product") is not None and draft["product"]["id"] != row["product"]["id"]:
        _check_product(site, draft, complaints)
        if site.quirks["addition-repoint"] == "resets":
            item = site.world.tables["catalog"][draft["product"]["id"]]
            fresh = {"quantity": 1.0, "billCustomer": "Billable", **_from_catalog(item, "catalog")}
            draft |= {name: value for name, value in fresh.items() if name not in sent}
    starts_anew = draft.get("effectiveDate") != row.get("effectiveDate")
    _check_dates(site, agreement, draft, complaints, starts_anew=starts_anew)
    counts = sent & {"quantity", "lessIncluded"} and site.quirks["patch-in-invoiced-period"] == "refused"
    if counts and _is_invoiced(site, agreement, row.get("effectiveDate")):
        complaints.add("InvalidField", "quantity", "The current period has already been invoiced.")
    complaints.raise_if_any()
    draft["_info"] = {**row.get("_info", {}), "lastUpdated": site.moment(), "updatedBy": member.name}
    row.clear()
    row.update(draft)
    if starts_anew:
        make_up_now(site, agreement, row)
    return row


def _from_catalog(item: Row, extent: str) -> Row:
    """What an addition takes from its product (quirk create-defaults)."""
    prices = {"unitPrice": item.get("price", 0.0), "unitCost": item.get("cost", 0.0)}
    if extent == "catalog":
        text = item.get("customerDescription")
        return {**prices, "taxableFlag": item.get("taxableFlag", False), "invoiceDescription": text}
    return prices if extent == "prices" else {}


def _check_agreement(site: Site, agreement: Row, complaints: Complaints) -> None:
    """An agreement that is over takes no more additions (quirk create-on-ended-agreement)."""
    end = day_of(agreement.get("endDate"))
    is_over = agreement.get("cancelledFlag") or agreement.get("agreementStatus") in ("Cancelled", "Expired")
    if (is_over or (end is not None and end < site.clock().date())) and (
        site.quirks["create-on-ended-agreement"] == "refused"
    ):
        complaints.add("InvalidField", "agreementId", "The agreement is cancelled or has expired.")


def _check_product(site: Site, row: Row, complaints: Complaints) -> None:
    item = site.world.tables["catalog"].get((row.get("product") or {}).get("id", -1), {})
    if item.get("productClass") == "Bundle":
        message = "A product of class Bundle cannot be an addition."
        complaints.add("InvalidField", "product", message)
    if item.get("inactiveFlag") and site.quirks["inactive-product-addition"] == "refused":
        complaints.add("InvalidField", "product", "The product is inactive.")


def _is_invoiced(site: Site, agreement: Row, day: str | None) -> bool:
    recap = site.world.tables["recaps"].get(agreement["id"], {})
    following = agreement.get("nextInvoiceDate")
    return bool(recap.get("lastInvoiceDate") and following and day and day < following)


def _check_dates(site: Site, agreement: Row, row: Row, complaints: Complaints, *, starts_anew: bool) -> None:
    start, end = row.get("effectiveDate"), row.get("cancelledDate")
    if starts_anew and start is not None:
        if start < (agreement.get("billStartDate") or ""):
            complaints.add("InvalidField", "effectiveDate", _TOO_EARLY)
        elif not agreement.get("prorateFlag") and _is_invoiced(site, agreement, start):
            complaints.add("InvalidField", "effectiveDate", _INVOICED)
    if site.quirks["cancel-before-start"] == "refused" and start and end and end < start:
        message = "cancelledDate cannot be less than effectiveDate"
        complaints.add("InvalidField", "cancelledDate", message)


def _check_clearing(
    site: Site, row: Row, changes: list[tuple[str, list[str], Any]], complaints: Complaints
) -> None:
    """Only one way (or none) opens an ended addition again (quirk clear-cancelled-date)."""
    if row.get("cancelledDate") is None:
        return
    for op, path, value in changes:
        if path != ["cancelledDate"] or value is not None:
            continue
        way = "remove" if op == "remove" else "replace-null"
        if site.quirks["clear-cancelled-date"] != way:
            complaints.add("InvalidField", "cancelledDate", "cancelledDate cannot be cleared this way.")

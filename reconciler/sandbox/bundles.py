"""POST /system/bundles: many lists in one request.

The vendor's specification describes reads; public clients send at most 50 of them, with keys in Pascal case.
One item's failure is its own: `success`, `statusCode` and `error` say so, and the others are answered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.sandbox.errors import Refused, bad_request, forbidden, simple
from reconciler.sandbox.listing import listing_from, page_of
from reconciler.sandbox.schema import RESOURCES
from reconciler.sandbox.short_lists import BUNDLE_ITEM

if TYPE_CHECKING:
    from reconciler.sandbox.identity import Member
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

_TABLES = {
    "addition": "additions",
    "agreement": "agreements",
    "company": "companies",
    "catalogitem": "catalog",
}
_PARAMS = {
    "conditions": "conditions",
    "orderby": "orderBy",
    "childconditions": "childConditions",
    "customfieldconditions": "customFieldConditions",
    "page": "page",
    "pagesize": "pageSize",
    "pageid": "pageId",
}


def _lowered(value: Any) -> Any:
    """Objects with their keys in lower case, as the service does not look at case."""
    if isinstance(value, dict):
        return {str(key).lower(): _lowered(inside) for key, inside in value.items()}
    return [_lowered(inside) for inside in value] if isinstance(value, list) else value


def answer_bundle(site: Site, member: Member, payload: Any, base: str) -> Row:
    """The results in the order of the requests. Raises Refused when the bundle as a whole cannot be."""
    if site.quirks["bundles"] == "refused":
        raise forbidden()
    body = _lowered(payload)
    asked = body.get("requests") if isinstance(body, dict) else None
    if not isinstance(asked, list) or not all(isinstance(entry, dict) for entry in asked):
        raise bad_request("A bundle needs a list of requests.")
    most = int(site.quirks["bundle-maximum"])
    if len(asked) > most:
        raise bad_request(f"A bundle may hold at most {most} requests.")
    results = [_result(site, member, entry, base) for entry in asked]
    filled = [result for result in results if result["entities"]]
    if filled and site.short_lists.strike(BUNDLE_ITEM):
        filled[-1] |= {"entities": []} | ({"count": 0} if "count" in filled[-1] else {})
    return {"results": results}


def _result(site: Site, member: Member, entry: Row, base: str) -> Row:
    result: Row = {
        "sequenceNumber": entry.get("sequencenumber"),
        "resourceType": entry.get("resourcetype"),
        "entities": [],
        "count": 0,
        "version": entry.get("version"),
        "success": True,
        "statusCode": 200,
        "error": None,
    }
    if site.quirks["bundle-count"] == "absent":
        del result["count"]
    try:
        entities = _entities(site, member, entry, base)
    except Refused as refused:
        return {**result, "success": False, "statusCode": refused.status, "error": refused.body}
    counted = {"count": len(entities)} if "count" in result else {}
    return {**result, "entities": entities, **counted}


def _entities(site: Site, member: Member, entry: Row, base: str) -> list[Row]:
    table = _TABLES.get(str(entry.get("resourcetype")).lower())
    if table is None:
        raise simple(400, "InvalidRequest", f"Unknown resource type {entry.get('resourcetype')}")
    if table == "catalog" and not member.reads_catalog:
        raise forbidden()
    request = entry.get("apirequest") or {}
    parent = request.get("parentid")
    if table == "additions" and not isinstance(parent, int):
        raise bad_request("Additions need a parentId.")
    settings = {**(request.get("filters") or {}), **(request.get("page") or {})}
    params = {_PARAMS[key]: str(value) for key, value in settings.items() if key in _PARAMS and value}
    params["fields"] = str(request.get("fields") or "")
    listing = listing_from(
        site, RESOURCES[table], parent if table == "additions" else None, params, forward_only=False
    )
    return page_of(site, listing, base, base, params)[0]

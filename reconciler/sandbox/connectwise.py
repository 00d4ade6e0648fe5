"""ConnectWise PSA's part of the sandbox: sign-in, routes, permissions, and which handler answers.

Authentication, headers and bodies as in the vendor's Developer Guide and in what public clients recorded.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.additions import change_addition, create_addition
from reconciler.sandbox.bundles import answer_bundle
from reconciler.sandbox.catalog import change_item, create_item, delete_item
from reconciler.sandbox.errors import Refused, forbidden, record_not_found, route_not_found, simple
from reconciler.sandbox.invoicing import make_invoice, undo_invoice
from reconciler.sandbox.listing import count_of, listing_from, one_of, page_of
from reconciler.sandbox.pricing import answer_pricing
from reconciler.sandbox.schema import RESOURCES
from reconciler.sandbox.site import LEGACY_CODEBASE
from reconciler.sandbox.views import projected, shown
from reconciler.sandbox.writing import read_json

if TYPE_CHECKING:
    from reconciler.sandbox.identity import Member
    from reconciler.sandbox.schema import Resource
    from reconciler.sandbox.site import Call, Site
    from reconciler.sandbox.world import Row

LONGEST_URL = 2000
VERSION = "v2025.1.10333"


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back: a status, a JSON body (None for no content) and extra headers."""

    status: int
    body: Any
    headers: dict[str, str]


def _routes() -> list[tuple[re.Pattern[str], Resource]]:
    found = []
    for resource in RESOURCES.values():
        prefix = re.escape(resource.path).replace(re.escape("{parent}"), r"(?P<parent>\d+)")
        found.append((re.compile(rf"{prefix}(?:/(?P<count>count)|/(?P<id>\d+))?"), resource))
    return found


_ROUTES = _routes()
_INVOICE = re.compile(r"finance/agreements/(\d+)/invoice")
_UNDO = re.compile(r"finance/invoices/(\d+)")
_PRICING = re.compile(r"procurement/catalog/(\d+)/pricing")


def company_info(site: Site, company: str) -> Row | None:
    """What /login/companyinfo says; an unknown company is a JSON null, and IsCloud is a string."""
    world = site.world
    if company.lower() != world.login_company.lower():
        return None
    return {
        "CompanyName": world.company_name,
        "Codebase": f"{site.codebase()}/",
        "VersionCode": "v2025.1",
        "VersionNumber": VERSION,
        "CompanyID": world.login_company,
        "IsCloud": "True" if site.codebase() != LEGACY_CODEBASE else "False",
    }


def _signed_in(site: Site, call: Call) -> Member:
    """The member behind the Authorization header. Raises Refused (401, or 404 by quirk)."""
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        raise simple(401, "ConnectWiseApi", "UserNotAuthenticated")
    try:
        user, _, private = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        raise _wrong_credentials(site) from None
    company, _, public = user.partition("+")
    if company.lower() == site.world.login_company.lower():
        for member in site.world.members.values():
            if (member.public_key, member.private_key) == (public, private):
                return member
    raise _wrong_credentials(site)


def _wrong_credentials(site: Site) -> Refused:
    kind = site.quirks["bad-credentials"]
    if kind == "not-found":
        return route_not_found()
    if kind == "not-authenticated":
        return simple(401, "ConnectWiseApi", "UserNotAuthenticated")
    return simple(401, "Unauthorized", "The company or the API keys are not valid.")


def _codebase_is_served(site: Site, codebase: str) -> bool:
    return codebase in (LEGACY_CODEBASE, site.codebase())


def answer_connectwise(site: Site, codebase: str, call: Call) -> Answer:
    """Handles a request below /{codebase}/apis/3.0/. Raises Refused."""
    site.connectwise_requests += 1
    if len(call.url) > LONGEST_URL:
        raise simple(414, "UriTooLong", "The request URI is too long.")
    if not _codebase_is_served(site, codebase):
        raise route_not_found()
    call = replace(call, member=_signed_in(site, call), path=call.path.strip("/"))
    if not (call.headers.get("clientid") or call.params.get("clientId")):
        raise simple(401, "Unauthorized", "The clientId header is required.")
    if call.path == "system/info":
        _allow(call, "GET")
        return Answer(200, _system_info(), {})
    if call.path == "system/bundles":
        _allow(call, "POST")
        payload = read_json(call.body, call.headers)
        return Answer(200, answer_bundle(site.as_read(), _member(call), payload, call.base), {})
    if match := _INVOICE.fullmatch(call.path):
        _allow(call, "POST")
        _permit(call, RESOURCES["agreements"])
        return Answer(201, make_invoice(site, int(match[1]))["id"], {})
    if match := _UNDO.fullmatch(call.path):
        _allow(call, "DELETE")
        _permit(call, RESOURCES["agreements"])
        undo_invoice(site, int(match[1]))
        return Answer(204, None, {})
    if match := _PRICING.fullmatch(call.path):
        _allow(call, "POST")
        _permit(replace(call, method="GET"), RESOURCES["catalog"])  # a POST that only reads
        payload = read_json(call.body, call.headers)
        return Answer(201, answer_pricing(site.as_read(), int(match[1]), payload, call.base), {})
    for pattern, resource in _ROUTES:
        if match := pattern.fullmatch(call.path):
            return _answer_resource(site, call, resource, match)
    raise route_not_found()


def _member(call: Call) -> Member:
    if call.member is None:
        raise simple(401, "ConnectWiseApi", "UserNotAuthenticated")
    return call.member


def _system_info() -> Row:
    return {
        "version": VERSION,
        "isCloud": True,
        "serverTimeZone": "GMT Standard Time",
        "licenseBits": [],
        "cloudRegion": "EU",
        "maxWorkFlowRecordsAllowed": 1000,
    }


def _allow(call: Call, *verbs: str) -> None:
    if call.method not in verbs:
        allowed = {"Allow": ", ".join(verbs)}
        message = f"The method {call.method} is not allowed here."
        raise Refused(405, {"code": "MethodNotAllowed", "message": message}, allowed)


def _answer_resource(site: Site, call: Call, resource: Resource, match: re.Match[str]) -> Answer:
    found = match.groupdict()
    parent = int(found["parent"]) if found.get("parent") else None
    verbs = resource.verbs
    if found["id"] and resource.table == "catalogInfo":
        raise route_not_found()
    if found["count"] and site.quirks["count"] == "absent":
        raise route_not_found()
    if found["id"]:
        _allow(call, *sorted(verbs - {"POST"}))
    else:
        _allow(call, *sorted(verbs & {"GET", "POST"} if not found["count"] else {"GET"}))
    _permit(call, resource)
    if call.method == "GET":
        site = site.as_read()
    if parent is not None and parent not in site.world.tables["agreements"]:
        raise record_not_found("Agreement", parent)
    if call.method != "GET":
        return _write(site, call, resource, parent, int(found["id"]) if found["id"] else None)
    if found["id"]:
        row = one_of(site, resource, int(found["id"]), parent)
        answer = projected(shown(site, resource, row, call.base), call.params.get("fields"))
        return Answer(200, answer, {})
    forward_only = call.headers.get("pagination-type", "").lower() == "forward-only"
    listing = listing_from(site, resource, parent, call.params, forward_only=forward_only)
    if found["count"]:
        return Answer(200, {"count": count_of(site, listing)}, {})
    rows, link = page_of(site, listing, call.base, call.url.partition("?")[0], call.params)
    return Answer(200, rows, {"Link": link} if link else {})


def _permit(call: Call, resource: Resource) -> None:
    member = _member(call)
    is_catalog = resource.table in ("catalog", "catalogInfo")
    if (call.method != "GET" and not member.writes) or (is_catalog and not member.reads_catalog):
        raise forbidden()


def _write(site: Site, call: Call, resource: Resource, parent: int | None, number: int | None) -> Answer:
    row = one_of(site, resource, number, parent) if number is not None else None
    if number is not None:
        site.history.keep(site.world, resource.table, number)
    if call.method == "DELETE" and row is not None:
        if resource.table == "catalog":
            delete_item(site, row)
        else:
            del site.world.tables[resource.table][row["id"]]
        return Answer(204, None, {})
    payload, member = read_json(call.body, call.headers), _member(call)
    if parent is not None:
        agreement = site.world.tables["agreements"][parent]
        if row is None:
            written = create_addition(site, member, agreement, payload)
        else:
            written = change_addition(site, member, agreement, row, payload)
    elif row is None:
        written = create_item(site, member, payload)
    else:
        written = change_item(site, member, row, payload)
    return Answer(201 if row is None else 200, shown(site, resource, written, call.base), {})

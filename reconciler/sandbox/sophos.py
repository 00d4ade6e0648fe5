"""Sophos Central's part of the sandbox: token, whoami, tenants, billing usage, licences.

After the vendor's Postman collection (sophos/sophos-central-apis-postman) and public code that runs against
the live service. One port serves what the real service spreads over id.… and api.….
"""

from __future__ import annotations

import re
import uuid
from datetime import timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl

from reconciler.sandbox.errors import Refused
from reconciler.sandbox.identity import PARTNER_ID, made_up_id

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.sandbox.identity import SophosClient
    from reconciler.sandbox.site import Call, Site
    from reconciler.sandbox.world import Row

TOKEN_PATH = "/api/v2/oauth2/token"
_USAGE = re.compile(r"/partner/v1/billing/usage/(?P<year>\d{4})/(?P<month>\d{1,2})")
_WORDS = {
    400: "BadRequest",
    401: "Unauthorized",
    403: "Forbidden",
    404: "resourceNotFound",
    405: "MethodNotAllowed",
}
_WORDS[429] = "TooManyRequests"
_USAGE_PAGE, _USAGE_MAXIMUM = 50, 1000
_LIST_PAGE, _FIREWALL_MAXIMUM = 50, 100


def is_sophos(path: str) -> bool:
    return path.startswith((TOKEN_PATH, "/whoami/", "/partner/", "/licenses/"))


def failure(site: Site, status: int, message: str) -> Refused:
    """An error of the APIs; the token endpoint has another shape."""
    body = {"error": _WORDS[status], "correlationId": str(uuid.uuid4()), "requestId": str(uuid.uuid4())}
    if site.quirks["sophos-error-body"] == "full":
        body |= {
            "message": message,
            "code": f"{status}",
            "createdAt": site.clock().strftime("%Y-%m-%dT%H:%M:%S.000Z"),
            "docUrl": "https://developer.central.example.com/docs",
        }
    return Refused(status, body)


def answer_sophos(site: Site, call: Call) -> Any:
    """The JSON answer (always 200) to a request. Raises Refused."""
    if call.path == TOKEN_PATH:
        return _token(site, call)
    if call.headers.get("content-type") and not call.body:
        # Seen by a public client (Aaronjacobs000/sophos-central-mcp) on requests without a body.
        raise failure(site, 400, "There is a Content-Type and no body.")
    client = _authorized(site, call)
    if call.method != "GET":
        raise failure(site, 405, f"{call.method} is not allowed here.")
    if call.path == "/whoami/v1":
        return _who_am_i(client, call)
    if call.path == "/licenses/v1/licenses":
        return _licences(site, call)
    if call.path == "/licenses/v1/licenses/firewalls":
        return _firewalls(site, call, client)
    if call.path == "/partner/v1/tenants":
        _partner_only(site, call, client)
        maximum = int(site.quirks["tenants-page-size-max"])
        return _numbered_page(site, call, site.world.tenants, maximum)
    if match := _USAGE.fullmatch(call.path):
        _partner_only(site, call, client)
        return _usage(site, call, int(match["year"]), int(match["month"]))
    raise failure(site, 404, "There is no such endpoint.")


def _refused_token(site: Site, word: str) -> Refused:
    status = int(site.quirks["sophos-token-failure"])
    body = {"errorCode": f"oauth.{word}", "message": "Unauthorized", "trackingId": str(uuid.uuid4())}
    return Refused(status, body)


def _token(site: Site, call: Call) -> Row:
    if call.method != "POST":
        raise failure(site, 405, f"{call.method} is not allowed here.")
    if not call.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        raise _refused_token(site, "invalid_request")
    form = dict(parse_qsl(call.body.decode("utf-8", errors="replace")))
    if form.get("grant_type") != "client_credentials" or form.get("scope") != "token":
        raise _refused_token(site, "invalid_request")
    client = next((c for c in site.world.sophos_clients if c.client_id == form.get("client_id")), None)
    if client is None:
        raise _refused_token(site, "invalid_client_id")
    if client.secret != form.get("client_secret"):
        raise _refused_token(site, "invalid_client_secret")
    lifetime = site.world.token_lifetime
    token = f"sandbox.{uuid.uuid4().hex}.token"
    site.tokens[token] = (client, site.clock() + timedelta(seconds=lifetime))
    return {
        "access_token": token,
        "errorCode": "success",
        "expires_in": lifetime,
        "message": "OK",
        "refresh_token": f"refresh.{uuid.uuid4().hex}",
        "token_type": "bearer",
        "trackingId": str(uuid.uuid4()),
    }


def _authorized(site: Site, call: Call) -> SophosClient:
    scheme, _, token = call.headers.get("authorization", "").partition(" ")
    issued = site.tokens.get(token) if scheme.lower() == "bearer" else None
    if issued is None or issued[1] <= site.clock():
        raise failure(site, 401, "The token is missing, unknown or expired.")
    return issued[0]


def _who_am_i(client: SophosClient, call: Call) -> Row:
    hosts = {"global": call.base}
    if client.id_type == "tenant":
        hosts["dataRegion"] = call.base
    return {"id": client.identity, "idType": client.id_type, "apiHosts": hosts}


def _partner_only(site: Site, call: Call, client: SophosClient) -> None:
    if client.id_type != "partner":
        raise failure(site, 403, "These credentials are not a partner's.")
    if call.headers.get("x-partner-id", "").lower() != PARTNER_ID:
        raise failure(site, 401, "The header X-Partner-ID is missing or not yours.")


def _size(site: Site, call: Call, default: int, maximum: int) -> int:
    text = call.params.get("pageSize", str(default))
    if not text.isdecimal() or int(text) < 1:
        raise failure(site, 400, "pageSize must be a whole number from 1 on.")
    if int(text) > maximum and site.quirks["sophos-page-size-over-max"] == "refuse":
        raise failure(site, 400, f"pageSize must not be above {maximum}.")
    return min(int(text), maximum)


def _wants_totals(call: Call) -> bool:
    return call.params.get("pageTotal", "").lower() == "true"


def _totals(count: int, size: int) -> Row:
    return {"total": -(-count // size), "items": count}


def _only_fields(call: Call, rows: Iterable[Row]) -> list[Row]:
    names = _listed(call, "fields")
    return [{key: row[key] for key in row if not names or key in names} for row in rows]


def _listed(call: Call, name: str) -> set[str]:
    """A list parameter: repeated, or with commas."""
    return {part.strip() for text in call.listed.get(name, ()) for part in text.split(",") if part.strip()}


def _numbered_page(site: Site, call: Call, rows: list[Row], maximum: int) -> Row:
    size = _size(site, call, min(_LIST_PAGE, maximum), maximum)
    text = call.params.get("page", "1")
    if not text.isdecimal() or int(text) < 1:
        raise failure(site, 400, "page must be a whole number from 1 on.")
    page = int(text)
    pages: Row = {"current": page, "size": size, "maxSize": maximum}
    if _wants_totals(call):
        pages |= _totals(len(rows), size)
    return {"items": _only_fields(call, rows[(page - 1) * size : page * size]), "pages": pages}


def _usage(site: Site, call: Call, year: int, month: int) -> Row:
    if not 1 <= month <= 12:
        raise failure(site, 400, "month must be from 1 to 12.")
    lines = site.world.usage.get((year, month), [])
    if site.quirks["running-month"] == "absent" and _is_running(site, lines):
        lines = []
    if not lines:
        raise failure(site, 404, "No data for requested year or month.")
    for parameter, key in (("accountId", "accountId"), ("contactEmail", "contactEmail")):
        if wanted := _listed(call, parameter):
            lines = [line for line in lines if line.get(key) in wanted]
    size = _size(site, call, _USAGE_PAGE, _USAGE_MAXIMUM)
    from_key = call.params.get("pageFromKey")
    start = 0 if from_key is None else _lines_by_key(year, month, len(lines)).get(from_key)
    if start is None:
        raise failure(site, 400, "pageFromKey is not a key of this list.")
    pages: Row = {"size": size, "maxSize": _USAGE_MAXIMUM}
    if from_key is not None:
        pages["fromKey"] = from_key
    if start + size < len(lines):
        pages["nextKey"] = _key(year, month, start + size)
    if _wants_totals(call):
        pages |= _totals(len(lines), size)
    return {"items": _only_fields(call, lines[start : start + size]), "pages": pages}


def _key(year: int, month: int, number: int) -> str:
    return made_up_id(f"key-{year}-{month}-{number}")


@lru_cache(maxsize=8)
def _lines_by_key(year: int, month: int, count: int) -> dict[str, int]:
    """Where a page may start, by its key; kept, because a long bill has many pages."""
    return {_key(year, month, number): number for number in range(count + 1)}


def _is_running(site: Site, lines: list[Row]) -> bool:
    today = site.clock().date().isoformat()
    return any(str(line.get("billingEndDate", "")) >= today for line in lines)


def _licences(site: Site, call: Call) -> Row:
    number = call.headers.get("x-tenant-id", "").lower()
    if not number:
        raise failure(site, 401, "The header X-Tenant-ID is missing.")
    if all(tenant["id"] != number for tenant in site.world.tenants):
        raise failure(site, 403, "This is not one of your tenants.")
    return {"tenant": {"id": number}, "licenses": site.world.licences.get(number, [])}


def _firewalls(site: Site, call: Call, client: SophosClient) -> Row:
    rows = site.world.firewalls
    if number := call.headers.get("x-tenant-id", "").lower():
        rows = [row for row in rows if row.get("tenant", {}).get("id") == number]
    else:
        _partner_only(site, call, client)
    return _numbered_page(site, call, rows, _FIREWALL_MAXIMUM)

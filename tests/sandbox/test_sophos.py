"""Sophos Central: tokens, who we are, tenants, billing usage, firewalls."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.identity import ORGANIZATION_CLIENT, PARTNER_ID, TENANT_CLIENT
from reconciler.sandbox.seed import empty_world
from tests.sandbox.api import BASE, Api

if TYPE_CHECKING:
    from reconciler.sandbox.world import World

USAGE = "/partner/v1/billing/usage"


@pytest.fixture(scope="module")
def full_world() -> World:
    """130 tenants and 1,205 lines in October; tests only read it."""
    world = empty_world(date(2026, 11, 22))
    for number in range(130):
        world.add_tenant(f"Tenant {number:03d}")
    for number in range(1204):
        world.add_usage_line((2026, 10), f"Tenant {number % 130:03d}", "CIXA-MSP", number)
    world.add_usage_line((2026, 10), None, "xg_email_std", 1, accountNumberOrSerialNumber="SBX1")
    return world


@pytest.fixture
def busy(full_world: World) -> Api:
    return Api(full_world)


def test_a_token(api: Api) -> None:
    answer = api.sign_in()
    body = answer.json()
    assert (answer.status_code, body["errorCode"], body["token_type"], body["expires_in"]) == (
        200,
        "success",
        "bearer",
        3600,
    )
    assert set(body) == {
        "access_token", "errorCode", "expires_in", "message", "refresh_token", "token_type", "trackingId",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"client_secret": "wrong"}, "invalid_client_secret"),
        ({"client_id": "wrong"}, "invalid_client_id"),
        ({"grant_type": "password"}, "invalid_request"),
        ({"scope": ""}, "invalid_request"),
    ],
)
def test_a_refused_token_has_its_own_shape(api: Api, changes: dict[str, str], word: str) -> None:
    answer = api.sign_in(**changes)
    body = answer.json()
    assert (answer.status_code, body["errorCode"], body["message"]) == (401, f"oauth.{word}", "Unauthorized")
    assert set(body) == {"errorCode", "message", "trackingId"}


def test_the_token_request_is_a_form(api: Api) -> None:
    assert api.send("POST", "/api/v2/oauth2/token", json={}).status_code == 401
    assert api.send("GET", "/api/v2/oauth2/token").status_code == 405


def test_tokens_expire(world: World) -> None:
    now = [datetime(2026, 11, 22, 9, tzinfo=UTC)]
    world.token_lifetime = 60
    api = Api(world, clock=lambda: now[0])
    assert api.sign_in().json()["expires_in"] == 60
    now[0] += timedelta(seconds=59)
    assert api.sophos("/whoami/v1").status_code == 200
    now[0] += timedelta(seconds=1)
    answer = api.sophos("/whoami/v1")
    assert (answer.status_code, answer.json()["error"]) == (401, "Unauthorized")
    api.sign_in()
    assert api.sophos("/whoami/v1").status_code == 200


def test_who_am_i(api: Api) -> None:
    assert api.sophos("/whoami/v1").json() == {
        "id": PARTNER_ID,
        "idType": "partner",
        "apiHosts": {"global": BASE},
    }
    api.sign_in(TENANT_CLIENT)
    tenant = api.sophos("/whoami/v1").json()
    assert (tenant["idType"], set(tenant["apiHosts"])) == ("tenant", {"global", "dataRegion"})
    api.sign_in(ORGANIZATION_CLIENT)
    assert api.sophos("/whoami/v1").json()["idType"] == "organization"


def test_only_a_partner_with_its_header_may_look(busy: Api) -> None:
    busy.sign_in()
    token = {"Authorization": f"Bearer {busy.token}"}
    assert busy.sophos("/partner/v1/tenants", headers=token).status_code == 401
    wrong = {**token, "X-Partner-ID": "00000000-0000-4000-8000-000000000000"}
    assert busy.sophos("/partner/v1/tenants", headers=wrong).status_code == 401
    assert busy.sophos("/partner/v1/tenants", headers={"X-Partner-ID": PARTNER_ID}).status_code == 401
    busy.sign_in(TENANT_CLIENT)
    answer = busy.sophos("/partner/v1/tenants")
    assert (answer.status_code, answer.json()["error"]) == (403, "Forbidden")
    assert set(answer.json()) == {
        "error", "message", "correlationId", "code", "createdAt", "requestId", "docUrl",
    }  # fmt: skip


def test_tenants_by_page(busy: Api) -> None:
    first = busy.sophos("/partner/v1/tenants").json()
    assert (len(first["items"]), first["pages"]) == (50, {"current": 1, "size": 50, "maxSize": 100})
    last = busy.sophos("/partner/v1/tenants", page=2, pageSize=100, pageTotal="true").json()
    assert len(last["items"]) == 30
    assert last["pages"] == {"current": 2, "size": 100, "maxSize": 100, "total": 2, "items": 130}
    assert busy.sophos("/partner/v1/tenants", page=4, pageSize=100).json()["items"] == []
    for wrong in ({"pageSize": 101}, {"pageSize": 0}, {"page": 0}, {"page": "x"}):
        assert busy.sophos("/partner/v1/tenants", **wrong).status_code == 400


def test_fields_of_tenants(busy: Api) -> None:
    item = busy.sophos("/partner/v1/tenants", fields="id,name", pageSize=1).json()["items"][0]
    assert set(item) == {"id", "name"}


def test_usage_by_key(busy: Api) -> None:
    first = busy.sophos(f"{USAGE}/2026/10").json()
    assert (len(first["items"]), set(first["pages"])) == (50, {"size", "maxSize", "nextKey"})
    page = busy.sophos(f"{USAGE}/2026/10", pageSize=1000, pageTotal="true").json()
    assert (page["pages"]["total"], page["pages"]["items"]) == (2, 1205)
    key = page["pages"]["nextKey"]
    rest = busy.sophos(f"{USAGE}/2026/10", pageSize=1000, pageFromKey=key).json()
    assert (len(page["items"]), len(rest["items"])) == (1000, 205)
    assert (rest["pages"]["fromKey"], "nextKey" in rest["pages"]) == (key, False)
    numbers = [line["orderLineItemNumber"] for line in page["items"] + rest["items"]]
    assert len(set(numbers)) == 1205
    assert busy.sophos(f"{USAGE}/2026/10", pageSize=1001).status_code == 400
    assert busy.sophos(f"{USAGE}/2026/10", pageFromKey="guessed").status_code == 400


def test_a_line_has_all_keys_and_prices_are_strings(busy: Api) -> None:
    tenant = busy.world.tenant("Tenant 007")
    line = busy.sophos(f"{USAGE}/2026/10", accountId=tenant["id"]).json()["items"][0]
    assert len(line) == 35
    assert (line["accountId"], line["assignedAccountIdentifier"]) == (tenant["id"], "Tenant 007")
    assert (line["billingStartDate"], line["billingEndDate"]) == ("2026-09-26", "2026-10-25")
    assert (line["unitPrice"], line["unitPriceCurrency"], line["productGroup"]) == ("1.40", "USD", "User")
    assert Decimal(line["netPrice"]) == Decimal("1.40") * line["billableQuantity"]


def test_a_line_without_a_tenant(busy: Api) -> None:
    lines = busy.sophos(f"{USAGE}/2026/10", pageSize=1000).json()
    lines = busy.sophos(f"{USAGE}/2026/10", pageSize=1000, pageFromKey=lines["pages"]["nextKey"]).json()[
        "items"
    ]
    assert "accountId" not in lines[-1]
    assert "assignedAccountIdentifier" not in lines[-1]
    assert lines[-1]["accountNumberOrSerialNumber"] == "SBX1"


def test_usage_filters(busy: Api) -> None:
    one, two = (busy.world.tenant(f"Tenant 00{number}")["id"] for number in (1, 2))
    both = busy.sophos(f"{USAGE}/2026/10", accountId=f"{one},{two}", pageTotal="true").json()
    assert both["pages"]["items"] == 20
    ignored = busy.sophos(f"{USAGE}/2026/10", tenantId=one, pageTotal="true").json()
    assert ignored["pages"]["items"] == 1205
    mail = busy.sophos(f"{USAGE}/2026/10", accountId=one).json()["items"][0]["contactEmail"]
    assert busy.sophos(f"{USAGE}/2026/10", contactEmail=mail, pageTotal="true").json()["pages"]["items"] == 10
    assert set(busy.sophos(f"{USAGE}/2026/10", fields="sku").json()["items"][0]) == {"sku"}


def test_months_without_data(busy: Api) -> None:
    assert busy.sophos(f"{USAGE}/2026/010").status_code == 404
    answer = busy.sophos(f"{USAGE}/2026/08")
    assert answer.status_code == 404
    assert (answer.json()["error"], answer.json()["message"]) == (
        "resourceNotFound",
        "No data for requested year or month.",
    )
    assert busy.sophos(f"{USAGE}/2026/13").status_code == 400
    assert busy.sophos(f"{USAGE}/2026/10").status_code == 200


def test_firewalls_and_licences(world: World) -> None:
    world.add_tenant("Only Tenant")
    world.add_firewall("SBX1", billing_tenant="Only Tenant", tenant="Only Tenant")
    world.add_firewall("SBX2", billing_tenant=None)
    world.add_licence("Only Tenant", "CIXA-MSP", 12)
    api = Api(world)
    path, number = "/licenses/v1/licenses", world.tenant("Only Tenant")["id"]
    items = api.sophos(f"{path}/firewalls").json()["items"]
    assert [(item["serialNumber"], item["tenant"], "billingTenant" in item) for item in items] == [
        ("SBX1", {"id": number}, True),
        ("SBX2", {}, False),
    ]
    tenant = {"Authorization": f"Bearer {api.token}", "X-Tenant-ID": number}
    assert len(api.sophos(f"{path}/firewalls", headers=tenant).json()["items"]) == 1
    licences = api.sophos(path, headers=tenant).json()
    assert licences["tenant"] == {"id": number}
    assert licences["licenses"][0]["usage"]["current"]["count"] == 12
    assert api.sophos(path).status_code == 401
    other = {**tenant, "X-Tenant-ID": "00000000-0000-4000-8000-000000000000"}
    assert api.sophos(path, headers=other).status_code == 403


def test_other_paths_and_verbs(api: Api) -> None:
    answer = api.sophos("/partner/v1/psa")
    assert (answer.status_code, answer.json()["error"]) == (404, "resourceNotFound")
    headers = {"Authorization": f"Bearer {api.token}", "X-Partner-ID": PARTNER_ID}
    assert api.send("POST", "/partner/v1/tenants", headers=headers).status_code == 405


def test_a_content_type_without_a_body_is_refused(api: Api) -> None:
    api.sign_in()
    headers = {"Authorization": f"Bearer {api.token}", "Content-Type": "application/json"}
    assert api.sophos("/whoami/v1", headers=headers).status_code == 400


def test_a_world_without_anything(world: World) -> None:
    api = Api(empty_world(world.today))
    assert api.sophos("/partner/v1/tenants").json()["items"] == []
    assert api.sophos(f"{USAGE}/2026/10").status_code == 404

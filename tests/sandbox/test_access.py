"""Sign-in, permissions, wrong routes and verbs, limits: the bodies as they were published."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.sandbox.api import ROOT, Api, item_body, signature

if TYPE_CHECKING:
    from reconciler.sandbox.world import World

CATALOG = "procurement/catalog"


def test_company_info_needs_no_sign_in(api: Api) -> None:
    found = api.send("GET", "/login/companyinfo/harbourlight").json()
    assert (found["Codebase"], found["IsCloud"], found["CompanyID"]) == ("v2025_1/", "True", "harbourlight")
    unknown = api.send("GET", "/login/companyinfo/nobody")
    assert (unknown.status_code, unknown.text) == (200, "null")


@pytest.mark.parametrize("path", ["/v2025_1/apis/3.0", "/v4_6_release/apis/3.0", "/v2025_1//apis/3.0/"])
def test_both_paths_and_a_doubled_slash(api: Api, path: str) -> None:
    answer = api.send("GET", f"{path}/system/info", headers=signature())
    assert (answer.status_code, answer.json()["isCloud"]) == (200, True)


def test_without_a_sign_in(api: Api) -> None:
    answer = api.send("GET", f"{ROOT}/system/info", headers={"clientId": "x"})
    assert (answer.status_code, answer.json()) == (
        401,
        {"code": "ConnectWiseApi", "message": "UserNotAuthenticated"},
    )


@pytest.mark.parametrize(
    "value", ["Basic eDp5", "Basic !!!", "Basic /////w==", "Basic aGFyYm91cmxpZ2h0K2E6Yg=="]
)
def test_with_a_wrong_sign_in(api: Api, value: str) -> None:
    answer = api.get("system/info", headers={"Authorization": value})
    assert (answer.status_code, answer.json()["code"]) == (401, "Unauthorized")


def test_the_client_id_is_required(api: Api) -> None:
    headers = {"Authorization": signature()["Authorization"]}
    assert api.send("GET", f"{ROOT}/system/info", headers=headers).status_code == 401
    assert api.send("GET", f"{ROOT}/system/info?clientId=x", headers=headers).status_code == 200


def test_a_read_only_member_reads_and_writes_nothing(world: World) -> None:
    api = Api(world, "readonly")
    assert api.get(CATALOG).status_code == 200
    assert api.post("system/bundles", {"requests": []}).status_code == 200
    refused = {
        "code": "Security",
        "message": "You do not have security permission to perform this action.",
        "errors": None,
    }
    for answer in (
        api.post(CATALOG, item_body()),
        api.patch(f"{CATALOG}/1", ("replace", "price", 1.0)),
        api.patch("finance/agreements/1/additions/1", ("replace", "quantity", 1)),
        api.connectwise("DELETE", f"{CATALOG}/2"),
    ):
        assert (answer.status_code, answer.json()) == (403, refused)
    assert world.catalog_item("ALPHA")["price"] == 4.2


def test_a_member_without_the_catalog(world: World) -> None:
    api = Api(world, "noaccess")
    assert [api.get(path).status_code for path in (CATALOG, f"{CATALOG}/1", f"{CATALOG}/count")] == [403] * 3
    assert api.get("finance/agreements").status_code == 200


def test_both_forms_of_404(api: Api) -> None:
    assert api.get(f"{CATALOG}/57919").json() == {
        "code": "NotFound",
        "message": "CatalogItem 57919 not found",
    }
    route = {"code": "ConnectWiseApi", "message": "The endpoint does not exist."}
    for path in ("procurement/productTypes", "procurement/catalog/search", "procurement/catalog/1/usages"):
        answer = api.get(path)
        assert (answer.status_code, answer.json()) == (404, route)
    assert api.send("GET", "/v2019_1/apis/3.0/system/info", headers=signature()).json() == route
    assert api.send("GET", "/nowhere").json() == route


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", f"{CATALOG}/1", "DELETE, GET, PATCH"),
        ("POST", f"{CATALOG}/1", "DELETE, GET, PATCH"),
        ("PATCH", CATALOG, "GET, POST"),
        ("POST", f"{CATALOG}/count", "GET"),
        ("POST", "procurement/categories", "GET"),
        ("GET", "system/bundles", "POST"),
    ],
)
def test_405_says_what_is_allowed(api: Api, method: str, path: str, allowed: str) -> None:
    answer = api.connectwise(method, path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, allowed)


def test_415_and_what_is_not_json(api: Api) -> None:
    plain = {"Content-Type": "text/plain"}
    assert api.connectwise("POST", CATALOG, content="{}", headers=plain).status_code == 415
    assert api.connectwise("PATCH", f"{CATALOG}/1", content="[]").status_code == 415
    json_type = {"Content-Type": "application/json"}
    assert api.connectwise("POST", CATALOG, content="{", headers=json_type).status_code == 400
    assert api.connectwise("POST", CATALOG, content="[]", headers=json_type).status_code == 400


def test_the_accept_version_is_tolerated(api: Api) -> None:
    accept = {"Accept": "application/vnd.connectwise.com+json; version=2025.1"}
    assert api.get(CATALOG, headers=accept).status_code == 200


def test_the_rate_limit_lasts_a_minute(world: World) -> None:
    now = [datetime(2026, 11, 22, 9, tzinfo=UTC)]
    api = Api(world, rate_limit=2, clock=lambda: now[0])
    assert [api.get("system/info").status_code for _ in range(2)] == [200, 200]
    now[0] += timedelta(seconds=20)
    answer = api.get("system/info")
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "40")
    assert answer.json() == {
        "error": "ConnectWiseAPI",
        "message": "Too many requests. Please try again in 40 seconds.",
    }
    assert api.sign_in().status_code == 200
    now[0] += timedelta(seconds=40)
    assert api.get("system/info").status_code == 200


def test_latency(world: World) -> None:
    started = time.perf_counter()
    Api(world, latency=0.05).get("system/info")
    assert time.perf_counter() - started >= 0.05


def test_requests_are_recorded(api: Api) -> None:
    api.get(CATALOG, pageSize=5)
    api.patch(f"{CATALOG}/1", ("replace", "price", 1.0))
    api.sign_in()
    found = [(r.method, r.system, r.path.rpartition("/")[2], r.query) for r in api.app.state.requests]
    assert found == [
        ("GET", "connectwise", "catalog", "pageSize=5"),
        ("PATCH", "connectwise", "1", ""),
        ("POST", "sophos", "token", ""),
    ]
    assert '"price"' in api.app.state.requests[1].body
    assert api.app.state.world is api.world


def bundle(**request: object) -> dict[str, object]:
    return {"SequenceNumber": 1, "ResourceType": "Addition", "Version": "2020.1", "ApiRequest": request}


def test_bundles_answer_item_by_item(api: Api) -> None:
    api.world.add_addition(1, "Beta", 1, cancelledDate="2026-01-31T00:00:00Z")
    page = {"Page": 1, "PageSize": 1000}
    body = {
        "Requests": [
            bundle(ParentId=1, Filters={"Conditions": "cancelledDate=null"}, Page=page, Fields="id,quantity"),
            bundle(ParentId=9),
            bundle(ParentId=1, Filters={"Conditions": "nope=null"}),
            {
                "sequenceNumber": 4,
                "resourceType": "agreement",
                "apiRequest": {"filters": {"orderBy": "id desc"}},
            },
            {"sequenceNumber": 5, "resourceType": "ticket", "apiRequest": {}},
        ]
    }
    answer = api.post("system/bundles", body)
    results = answer.json()["results"]
    assert answer.status_code == 200
    assert results[0] == {
        "sequenceNumber": 1,
        "resourceType": "Addition",
        "entities": [{"id": 1, "quantity": 10.0}],
        "count": 1,
        "version": "2020.1",
        "success": True,
        "statusCode": 200,
        "error": None,
    }
    assert [(r["success"], r["statusCode"]) for r in results] == [
        (True, 200),
        (False, 404),
        (False, 400),
        (True, 200),
        (False, 400),
    ]
    assert results[1]["error"] == {"code": "NotFound", "message": "Agreement 9 not found"}


@pytest.mark.parametrize("body", [[], {}, {"requests": 5}, {"requests": [1]}])
def test_what_is_no_bundle(api: Api, body: object) -> None:
    assert api.post("system/bundles", body).status_code == 400


def test_a_bundle_hides_the_catalog_from_who_may_not_read_it(world: World) -> None:
    request = {"sequenceNumber": 1, "resourceType": "catalogItem", "apiRequest": {}}
    result = Api(world, "noaccess").post("system/bundles", {"requests": [request]}).json()["results"][0]
    assert (result["success"], result["statusCode"]) == (False, 403)

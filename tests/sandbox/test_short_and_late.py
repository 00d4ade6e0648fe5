"""Answers that trail the writes, and lists that come short: each with status 200 and without a word."""

from __future__ import annotations

import time
from datetime import date
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import running
from tests.sandbox.api import Api, item_body, signature
from tests.sandbox.test_additions import LINES, body

if TYPE_CHECKING:
    from reconciler.sandbox.world import World

CATALOG = "procurement/catalog"
COUNTED = ("finance/agreements", LINES, CATALOG, "company/companies")


class Seconds:
    """A monotonic clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture
def late(world: World, seconds: Seconds) -> Api:
    return Api(world, quirks={"read-lag": "2.5"}, monotonic=seconds)


def quantities(api: Api) -> list[float]:
    return [row["quantity"] for row in api.get(LINES).json()]


def test_a_write_shows_once_the_lag_is_over(late: Api, seconds: Seconds) -> None:
    assert late.patch(f"{LINES}/1", ("replace", "quantity", 3)).json()["quantity"] == 3.0
    seconds.now += 2.4
    assert quantities(late) == [10.0]
    seconds.now += 0.1
    assert quantities(late) == [3.0]


def test_of_two_writes_each_shows_in_its_own_time(late: Api, seconds: Seconds) -> None:
    late.patch(f"{LINES}/1", ("replace", "quantity", 3))
    seconds.now += 2
    late.patch(f"{LINES}/1", ("replace", "quantity", 4))
    seen = []
    for _ in range(3):
        seen.append(late.get(f"{LINES}/1").json()["quantity"])
        seconds.now += 1.5
    assert seen == [10.0, 3.0, 4.0]


def test_what_is_created_or_deleted_is_there_or_gone_only_later(late: Api, seconds: Seconds) -> None:
    made = late.post(LINES, body(quantity=5)).json()
    assert late.connectwise("DELETE", f"{LINES}/1").status_code == 204
    assert late.get(f"{LINES}/{made['id']}").status_code == 404
    assert quantities(late) == [10.0]
    assert late.get(f"{LINES}/count").json() == {"count": 1}
    seconds.now += 2.5
    assert late.get(f"{LINES}/{made['id']}").status_code == 200
    assert quantities(late) == [5.0]


def test_a_write_goes_by_what_is_there_and_not_by_what_is_shown(late: Api) -> None:
    late.post(CATALOG, item_body(identifier="TWICE"))
    assert late.get(CATALOG, conditions='identifier = "TWICE"').json() == []
    assert late.post(CATALOG, item_body(identifier="TWICE")).json()["identifier"] == "TWICECopy0"


def test_a_new_price_reaches_the_lines_late_as_well(late: Api, seconds: Seconds) -> None:
    late.world.catalog_item("ALPHA")["autoUpdateUnitPriceFlag"] = True
    late.patch(f"{CATALOG}/1", ("replace", "price", 5.0))
    assert late.get(f"{LINES}/1").json()["unitPrice"] == 4.2
    seconds.now += 2.5
    assert late.get(f"{LINES}/1").json()["unitPrice"] == 5.0


def test_an_invoice_moves_the_date_late_as_well(late: Api, seconds: Seconds) -> None:
    late.connectwise("POST", "finance/agreements/1/invoice")
    assert late.get("finance/agreements/1").json()["nextInvoiceDate"] == "2026-12-01T00:00:00Z"
    seconds.now += 2.5
    assert late.get("finance/agreements/1").json()["nextInvoiceDate"] == "2027-01-01T00:00:00Z"


def test_the_served_sandbox_goes_by_real_time() -> None:
    world = empty_world(date(2026, 11, 22))
    with running(world, quirks={"read-lag": "0.3"}) as served:
        base = f"{served.url}/v4_6_release/apis/3.0"
        with httpx.Client(headers=signature(), trust_env=False) as client:
            assert client.post(f"{base}/{CATALOG}", json=item_body()).status_code == 201
            before, began = client.get(f"{base}/{CATALOG}").json(), time.monotonic()
            while not client.get(f"{base}/{CATALOG}").json():
                assert time.monotonic() - began < 10
                time.sleep(0.02)
            assert before == []


@pytest.mark.parametrize("path", COUNTED)
def test_a_count_says_what_is_there_where_a_list_comes_short(world: World, path: str) -> None:
    table = {"finance/agreements": "agreements", LINES: "additions", CATALOG: "catalog"}
    api = Api(world, quirks={"short-list": table.get(path, "companies")})
    listed = api.get(path)
    assert listed.status_code == 200
    assert api.get(f"{path}/count").json()["count"] == len(listed.json()) + 1


def test_a_count_goes_by_the_conditions(api: Api) -> None:
    api.world.add_addition(1, "Beta", 5)
    answer = api.get(f"{LINES}/count", conditions='product/identifier = "Beta"')
    assert answer.json() == {"count": 1}


@pytest.mark.parametrize("headers", [None, {"pagination-type": "forward-only"}])
def test_a_list_of_several_pages_lacks_its_very_last_record(
    world: World, headers: dict[str, str] | None
) -> None:
    api = Api(world, quirks={"short-list": "catalog", "short-times": "1"})
    turn = "pageId" if headers else "page"
    found = []
    for _ in range(2):
        ids: list[int] = []
        for number in range(2):
            start = (ids[-1] if ids else 0) if headers else number + 1
            answer = api.get(CATALOG, headers=headers, pageSize=2, **{turn: start})
            ids += [row["id"] for row in answer.json()]
        found.append(ids)
    assert found == [[1, 2], [1, 2, 3]]


def test_one_agreement_of_a_bundle_comes_empty(world: World) -> None:
    world.add_addition(world.add_agreement("FIRST", "Second")["id"], "Beta", 5)
    world.add_agreement("FIRST", "Empty")
    api = Api(world, quirks={"short-list": "bundle-item", "short-times": "1"})
    asked = [{"resourceType": "addition", "apiRequest": {"parentId": number}} for number in (1, 2, 3)]
    found = []
    for _ in range(2):
        results = api.post("system/bundles", {"requests": asked}).json()["results"]
        assert all(result["success"] for result in results)
        found.append([result["count"] for result in results])
    assert found == [[1, 0, 0], [1, 1, 0]]

"""Pages, links, projections and orders."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.seed import empty_world
from tests.sandbox.api import BASE, ROOT, Api

if TYPE_CHECKING:
    import httpx

    from reconciler.sandbox.world import World

CATALOG = "procurement/catalog"


@pytest.fixture(scope="module")
def full_world() -> World:
    """2,503 catalog items; tests only read it."""
    world = empty_world(date(2026, 11, 22))
    for number in range(2503):
        world.add_catalog_item(f"ITEM-{number:04d}", price=float(number % 7))
    return world


@pytest.fixture
def many(full_world: World) -> Api:
    return Api(full_world)


def links(answer: httpx.Response) -> dict[str, str]:
    return {name: url for url, name in re.findall(r'<([^>]*)>; rel="(\w+)"', answer.headers.get("Link", ""))}


def test_default_page_is_25_and_says_where_the_others_are(many: Api) -> None:
    answer = many.get(CATALOG)
    assert len(answer.json()) == 25
    assert links(answer) == {
        "next": f"{BASE}{ROOT}/{CATALOG}?page=2",
        "last": f"{BASE}{ROOT}/{CATALOG}?page=101",
    }


def test_links_of_a_middle_and_of_the_last_page(many: Api) -> None:
    middle = many.get(CATALOG, page=2, pageSize=1000, conditions='identifier like "ITEM*"', fields="id")
    assert list(links(middle)) == ["next", "last", "first", "prev"]
    assert "conditions=identifier%20like%20%22ITEM%2A%22" in links(middle)["next"]
    assert links(middle)["next"].endswith("&page=3")
    last = many.get(CATALOG, page=3, pageSize=1000)
    assert len(last.json()) == 503
    assert list(links(last)) == ["first", "prev"]
    assert "Link" not in many.get(CATALOG, conditions="id = 1").headers


def test_following_the_links_reads_everything_once(many: Api) -> None:
    answer = many.get(CATALOG, pageSize=999, orderBy="id asc", fields="id")
    ids = [row["id"] for row in answer.json()]
    while "next" in links(answer):
        answer = many.connectwise("GET", links(answer)["next"].removeprefix(f"{BASE}{ROOT}/"))
        ids += [row["id"] for row in answer.json()]
    assert ids == list(range(1, 2504))


def test_a_page_beyond_the_end_is_empty(many: Api) -> None:
    assert many.get(CATALOG, page=200).json() == []


@pytest.mark.parametrize("params", [{"page": "0"}, {"page": "x"}, {"pageSize": "0"}, {"pageId": "-1"}])
def test_impossible_pages(api: Api, params: dict[str, str]) -> None:
    assert api.get(CATALOG, **params).status_code == 400


def test_forward_only_pages_by_id(many: Api) -> None:
    forward = {"pagination-type": "forward-only"}
    ids: list[int] = []
    page_id = "0"
    while True:
        answer = many.get(CATALOG, headers=forward, pageSize=1000, pageId=page_id, fields="id")
        if not answer.json():
            assert "Link" not in answer.headers
            break
        ids += [row["id"] for row in answer.json()]
        assert list(links(answer)) == ["next"]
        page_id = links(answer)["next"].rpartition("pageId=")[2]
        assert page_id == str(ids[-1])
    assert ids == list(range(1, 2504))


def test_forward_only_is_stable_while_rows_are_added(api: Api) -> None:
    forward = {"pagination-type": "forward-only"}
    first = api.get(CATALOG, headers=forward, pageSize=2, fields="id").json()
    api.world.add_catalog_item("LATE")
    second = api.get(CATALOG, headers=forward, pageSize=2, pageId=first[-1]["id"], fields="id").json()
    assert [row["id"] for row in first + second] == [1, 2, 3, 4]


def test_forward_only_has_no_order(api: Api) -> None:
    answer = api.get(CATALOG, headers={"pagination-type": "forward-only"}, orderBy="id asc")
    assert answer.status_code == 400


def test_count(many: Api) -> None:
    assert many.get(f"{CATALOG}/count").json() == {"count": 2503}
    assert many.get(f"{CATALOG}/count", conditions="price = 6").json() == {"count": 357}
    assert many.get(f"{CATALOG}/count", conditions="nope = 6").status_code == 400


def test_projection_drops_unknown_names(api: Api) -> None:
    answer = api.get(
        CATALOG, conditions="id = 1", fields="id,identifier,upc,category/name,_info/lastUpdated,notes/x"
    )
    assert answer.json() == [
        {
            "id": 1,
            "identifier": "ALPHA",
            "category": {"name": "Security"},
            "_info": {"lastUpdated": "2026-11-01T08:00:00Z"},
        }
    ]


def test_projection_of_a_nested_object_is_all_of_it(api: Api) -> None:
    answer = api.get("finance/agreements/1/additions", fields="product").json()[0]
    assert set(answer) == {"product"}
    assert set(answer["product"]) == {"id", "identifier", "serializedFlag", "_info"}
    assert set(api.get(f"{CATALOG}/1", fields="price,cost").json()) == {"price", "cost"}


def test_order(api: Api) -> None:
    def ordered(text: str) -> list[str]:
        return [row["identifier"] for row in api.get(CATALOG, orderBy=text).json()]

    assert ordered("price desc") == ["Beta", "ALPHA", "GAMMA [x]"]
    assert ordered("subcategory/name desc, identifier desc") == ["Beta", "GAMMA [x]", "ALPHA"]
    assert ordered("id desc") == ["GAMMA [x]", "Beta", "ALPHA"]
    for wrong in ("upc", "price up", "price desc desc"):
        assert api.get(CATALOG, orderBy=wrong).status_code == 400


def test_a_long_url_is_refused(api: Api) -> None:
    assert api.get(CATALOG, fields="id," * 900).status_code == 414


def test_fields_without_a_value_have_no_key(api: Api) -> None:
    row = api.get(f"{CATALOG}/2").json()
    assert "notes" not in row
    assert None not in row.values()
    assert row["category"]["_info"]["category_href"].startswith(
        f"{BASE}/v2025_1/apis/3.0/procurement/categories/"
    )
    values = {field["caption"]: field["value"] for field in row["customFields"]}
    assert values == {"Vendor Programme": None, "Sophos Mapping": None, "Contract Reviewed": None}


@pytest.mark.parametrize(
    "path",
    [
        "procurement/categories",
        "procurement/subcategories",
        "procurement/subcategories/",
        "procurement/types",
        "procurement/unitOfMeasures",
        "procurement/manufacturers",
        "finance/agreements",
        "finance/agreements/types",
        "finance/billingCycles",
        "finance/agreementrecap/",
        "company/companies",
        "company/companies/types",
        "company/companies/statuses",
        "procurement/catalog/info",
    ],
)
def test_every_table_lists_counts_and_gives_one(api: Api, path: str) -> None:
    rows = api.get(path).json()
    assert rows
    assert all("id" in row for row in rows)
    assert api.get(f"{path.rstrip('/')}/count").json()["count"] >= len(rows)
    if not path.endswith("/info"):
        assert api.get(f"{path.rstrip('/')}/{rows[0]['id']}").json() == rows[0]


def test_the_light_shape_of_the_catalog(api: Api) -> None:
    row = api.get("procurement/catalog/info").json()[0]
    assert row["identifier"] == "ALPHA"
    assert "notes" not in row
    assert "customFields" not in row

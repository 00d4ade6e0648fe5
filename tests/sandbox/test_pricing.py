"""What a product costs a company: POST /procurement/catalog/{id}/pricing."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.api import Api

if TYPE_CHECKING:
    from reconciler.sandbox.world import World

PRICING = "procurement/catalog/1/pricing"
DAY = "2026-12-01T00:00:00Z"


@pytest.fixture(autouse=True)
def schedules(world: World) -> None:
    world.add_company("SECOND", "Second Company")
    world.add_price("SECOND", "Schools", "ALPHA", 2.5)
    world.add_company("THIRD", "Third Company")
    world.add_price("THIRD", "Charities", "Beta", 1.5)


@pytest.mark.parametrize(
    ("company", "price"),
    [({"id": 1}, 4.2), ({"id": 2}, 2.5), ({"identifier": "SECOND"}, 2.5), ({"id": 3}, 4.2), (None, 4.2)],
)
def test_the_schedule_decides_else_the_catalog(api: Api, company: Any, price: float) -> None:
    answer = api.post(PRICING, {"company": company, "quantity": 7, "date": DAY, "price": 99.0})
    assert (answer.status_code, answer.json()["price"]) == (201, price)


def test_the_whole_answer(api: Api) -> None:
    answer = api.post(PRICING, {"company": {"id": 2}, "date": DAY}).json()
    for part in ("company", "catalogItem"):
        assert answer[part].pop("_info")
    assert answer == {
        "catalogItem": {"id": 1, "identifier": "ALPHA"},
        "company": {"id": 2, "identifier": "SECOND", "name": "Second Company"},
        "quantity": 1,
        "date": DAY,
        "price": 2.5,
    }


def test_it_only_reads(world: World) -> None:
    before = repr(world.tables)
    assert Api(world, "readonly").post(PRICING, {"company": {"id": 2}}).json()["price"] == 2.5
    assert repr(world.tables) == before
    assert Api(world, "noaccess").post(PRICING, {}).status_code == 403


@pytest.mark.parametrize(
    "body", [{"company": {"id": 99}}, {"company": {}}, {"quantity": "two"}, {"date": "x"}, []]
)
def test_wrong_questions(api: Api, body: Any) -> None:
    assert api.post(PRICING, body).status_code == 400


def test_wrong_places(api: Api) -> None:
    assert api.post("procurement/catalog/99/pricing", {}).json()["message"] == "CatalogItem 99 not found"
    assert api.get(PRICING).status_code == 405


def test_a_company_shows_its_schedule(api: Api) -> None:
    assert api.get("company/companies/3").json()["pricingSchedule"] == {"id": 2, "name": "Charities"}
    found = api.get("company/companies", conditions='pricingSchedule/name = "Schools"').json()
    assert [row["identifier"] for row in found] == ["SECOND"]

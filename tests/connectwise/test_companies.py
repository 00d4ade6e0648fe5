"""Companies: which are found, deleted ones too."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from reconciler.connectwise.companies import read_companies
from reconciler.model.billing import Company
from reconciler.transport.errors import BadAnswer
from tests.connectwise.support import sandbox, served

pytestmark = pytest.mark.anyio


async def test_companies_are_found_by_identifier_and_id_and_deleted_ones_say_so() -> None:
    async with sandbox() as (client, state):
        number = state.world.company("KESTREL")["id"]
        before = len(state.requests)
        found = await read_companies(client, ["oldquay ", "kestrel", "NO-SUCH"], [number, 999_999])
        sent = state.requests[before:]
        assert [one.key for one in await read_companies(client, [], [number])] == ["kestrel"]
        assert await read_companies(client, [], []) == ()
        assert len(state.requests) == before + len(sent) + 1
    assert [(one.identifier, one.deleted, one.status) for one in found] == [
        ("KESTREL", False, "Active"),
        ("OLDQUAY", True, "Active"),
    ]
    assert len(sent) == 2
    fields = "fields=id,identifier,name,deletedFlag,status,types,pricingSchedule&"
    assert all(fields in one.query for one in sent)
    assert {one.types for one in found} == {("Customer",)}


async def test_types_and_pricing_schedule_are_read_by_their_names() -> None:
    async with sandbox() as (client, state):
        company = state.world.company("KESTREL")
        company["types"] = [state.world.reference("companyTypes", name) for name in ("Prospect", "Vendor")]
        company["pricingSchedule"] = {"id": 3, "name": "Gold customers "}
        [found] = await read_companies(client, ["KESTREL"], [])
    assert (found.types, found.pricing_schedule) == (("Prospect", "Vendor"), "Gold customers")


@pytest.mark.parametrize(
    ("members", "types", "schedule"),
    [
        ({"types": None, "pricingSchedule": None}, (), ""),
        ({"types": [], "pricingSchedule": {}}, (), ""),
        ({"types": [{"id": 1}, {"id": 2, "name": " Client "}]}, ("Client",), ""),
        ({"pricingSchedule": {"id": 7, "_info": {}}}, (), "id 7"),
    ],
)
async def test_types_and_schedules_may_be_missing(
    members: dict[str, Any], types: tuple[str, ...], schedule: str
) -> None:
    rows = [{"id": 1, "identifier": "A"} | members]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        [found] = await read_companies(client, ["A"], [])
    assert (found.types, found.pricing_schedule) == (types, schedule)


async def test_many_companies_are_listed_1000_a_page() -> None:
    async with sandbox() as (client, state):
        names = [f"CUSTOMER-NUMBER-{number:06}" for number in range(2000)]
        for name in names:
            state.world.add_company(name)
        before = len(state.requests)
        found = await read_companies(client, names, [])
        sent = state.requests[before:]
    assert sorted(one.identifier for one in found) == names
    assert len(sent) <= 4


async def test_an_unsafe_identifier_is_looked_for_in_a_listing() -> None:
    async with sandbox() as (client, state):
        state.world.add_company("O'BRIEN", "O'Brien & Sons")
        before = len(state.requests)
        [found] = await read_companies(client, ["o'brien"], [])
        assert all("conditions" not in one.query for one in state.requests[before:])
    assert found.name == "O'Brien & Sons"


async def test_what_is_left_out_is_not_set_and_what_was_not_asked_for_is_dropped() -> None:
    rows = [{"id": 1, "identifier": "A"}, {"id": 2, "identifier": "B"}]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        assert await read_companies(client, ["a"], []) == (Company(1, "A", ""),)


async def test_an_odd_company_is_refused_where_it_is_wanted_and_left_alone_where_not() -> None:
    rows = [{"id": 5, "identifier": "A"}, {"id": -1, "identifier": "Catchall", "name": 5}]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        assert [one.id for one in await read_companies(client, ["A"], [])] == [5]
        with pytest.raises(BadAnswer, match="company -1, id: -1 is no record id"):
            await read_companies(client, ["CATCHALL"], [])


@pytest.mark.parametrize(
    "row",
    [
        {"identifier": None},
        {"identifier": 5},
        {"name": 5},
        {"deletedFlag": "no"},
        {"status": "Active"},
        {"types": "Customer"},
        {"types": ["Customer"]},
        {"types": [{"name": 5}]},
        {"pricingSchedule": "Gold"},
        {"pricingSchedule": {"name": 5}},
    ],
)
async def test_a_wrong_type_names_company_and_field(row: dict[str, Any]) -> None:
    rows = [{"id": 5, "identifier": "A"} | row]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        with pytest.raises(BadAnswer, match=f"company 5, {next(iter(row))}"):
            await read_companies(client, ["A"], [])

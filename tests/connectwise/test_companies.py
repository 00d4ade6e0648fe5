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
    assert all("fields=id,identifier,name,deletedFlag,status&" in one.query for one in sent)


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


@pytest.mark.parametrize(
    "row", [{"identifier": None}, {"identifier": 5}, {"name": 5}, {"deletedFlag": "no"}, {"status": "Active"}]
)
async def test_a_wrong_type_names_company_and_field(row: dict[str, Any]) -> None:
    rows = [{"id": 5, "identifier": "A"} | row]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        with pytest.raises(BadAnswer, match=f"company 5, {next(iter(row))}"):
            await read_companies(client, ["A"], [])

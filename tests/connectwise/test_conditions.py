"""Conditions stay within what can be sent."""

from __future__ import annotations

import json
import re
import string
from typing import Any
from urllib.parse import unquote

import anyio
import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.connectwise.catalog import items_by_identifiers, items_by_ids, similar_items
from reconciler.connectwise.conditions import any_equal, any_of, any_true, encoded_length, literal
from reconciler.connectwise.setup_tables import vendors_by_identifiers
from reconciler.model.identifiers import UNSAFE_IN_CONDITIONS, identifier_key, is_safe_in_conditions
from reconciler.transport.errors import Refused
from tests.connectwise.support import refused, sandbox, served

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("character", [*sorted(UNSAFE_IN_CONDITIONS), "\n", "\r", "\x00", "\x1b", "\u2028"])
def test_what_cannot_be_sent_safely_is_refused(character: str) -> None:
    with pytest.raises(ValueError, match="by its id"):
        literal(f"MSP{character}GOLD")


@pytest.mark.parametrize("text", ["MSP-GOLD", "A & B + C #1", "Ä/ö (x), y", "*"])
def test_everything_else_is_a_literal(text: str) -> None:
    assert literal(text) == f'"{text}"'


def test_a_value_that_fits_nowhere_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        any_of("identifier", [literal("x" * 100)], 60)
    with pytest.raises(ValueError, match="too long"):
        any_equal("identifier", [literal("x" * 100)], 60)


def test_the_forms_are_those_of_the_query_language() -> None:
    assert any_of("id", ["1", "2"], 100) == [["1", "2"]]
    assert any_equal("id", ["1", "2"], 100) == ["(id = 1 or id = 2)"]
    assert any_true(["a = 1"], 100) == ["(a = 1)"]
    assert any_of("id", [], 100) == []
    assert any_equal("id", [], 100) == []


identifiers = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc", "Cf", "Co", "Cn", "Zl", "Zp", "Zs"))
    | st.sampled_from(string.ascii_letters + string.digits + "-_ &+#/,.()"),
    min_size=1,
    max_size=75,
).filter(lambda text: is_safe_in_conditions(text) and text == text.strip())


@settings(max_examples=30, deadline=None)
@given(st.lists(identifiers, max_size=80), st.integers(100, 1500))
def test_pieces_fit_and_nothing_is_lost(values: list[str], more: int) -> None:
    ready = [literal(value) for value in values]
    budget = more + max((encoded_length(each) for each in ready), default=0)
    chunks = any_of("identifier", ready, budget)
    assert [value for chunk in chunks for value in chunk] == ready
    assert all(encoded_length(f"identifier in ({','.join(chunk)})") <= budget for chunk in chunks)
    assert all(encoded_length(each) <= budget for each in any_equal("identifier", ready, budget))


class Catalog:
    """A server that knows every product asked for, and how long its URLs were."""

    def __init__(self, *, knows_in: bool = True) -> None:
        self.knows_in = knows_in
        self.urls: list[str] = []
        self.conditions: list[str] = []
        self.ids: dict[str, int] = {}

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.urls.append(str(request.url))
        query = dict(part.split("=", 1) for part in request.url.query.decode().split("&"))
        condition = unquote(query["conditions"])
        self.conditions.append(condition)
        if not self.knows_in and " in (" in condition:
            return refused("the operator is not known")
        asked = re.findall(r'"([^"]*)"', condition)
        rows: list[dict[str, Any]] = [
            {"id": self.ids.setdefault(one, len(self.ids) + 1), "identifier": one} for one in asked
        ]
        return httpx.Response(200, content=json.dumps(rows))


@settings(max_examples=25, deadline=None)
@given(st.lists(identifiers, max_size=120), st.booleans())
def test_every_url_is_short_and_every_identifier_is_asked_for(wanted: list[str], knows_in: bool) -> None:
    server = Catalog(knows_in=knows_in)

    async def look_up() -> set[str]:
        async with served(server) as client:
            return {item.key for item in await items_by_identifiers(client, wanted)}

    assert anyio.run(look_up) == {identifier_key(one) for one in wanted}
    assert all(len(url) < 2000 for url in server.urls)


async def test_many_ids_and_many_similar_names_keep_urls_short() -> None:
    urls: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        urls.append(str(request.url))
        return httpx.Response(200, json=[])

    names = [f"Some-Mistyped-Product-{number:05}-é" for number in range(300)]
    async with served(answer) as client:
        await items_by_ids(client, range(1, 3000))
        await similar_items(client, names)
        await vendors_by_identifiers(client, [f"COMPANY-{number}" for number in range(300)])
    assert len(urls) > 20
    assert all(len(url) < 2000 for url in urls)
    assert max(len(url) for url in urls) > 1700


async def test_an_identifier_that_is_too_long_to_exist_is_not_asked_for() -> None:
    server = Catalog()
    async with served(server) as client:
        assert await items_by_identifiers(client, ["x" * 76, "é" * 500, "", "  "]) == []
        assert server.urls == []
        assert len(await items_by_identifiers(client, ["x" * 75])) == 1


async def test_an_identifier_that_cannot_be_sent_is_a_value_error() -> None:
    async with served(Catalog()) as client:
        with pytest.raises(ValueError, match="by its id"):
            await items_by_identifiers(client, ["MSP'GOLD"])


async def test_a_server_without_in_is_asked_otherwise_and_that_is_remembered() -> None:
    server = Catalog(knows_in=False)
    async with served(server) as client:
        assert len(await items_by_identifiers(client, ["A", "B"])) == 2
        assert client.in_refused is True
        assert len(await items_by_identifiers(client, ["C"])) == 1
    assert server.conditions == [
        'identifier in ("A","B")',
        '(identifier = "A" or identifier = "B")',
        '(identifier = "C")',
    ]


async def test_a_refusal_for_another_reason_is_not_taken_for_that() -> None:
    async with served(lambda _: refused("identifier cannot be filtered")) as client:
        with pytest.raises(Refused, match="cannot be filtered"):
            await items_by_identifiers(client, ["A"])
        assert client.in_refused is False


@pytest.mark.parametrize("quirk", ["allowed", "refused"])
async def test_the_sandbox_agrees_with_either_form(quirk: str) -> None:
    async with sandbox(in_operator=quirk) as (client, state):
        known = [row["identifier"] for row in state.world.tables["catalog"].values()][:300]
        found = await items_by_identifiers(client, [*known, "NO-SUCH-PRODUCT"])
        vendors = await vendors_by_identifiers(client, ["ALDERBROOK", "NOBODY"])
    assert sorted(item.identifier for item in found) == sorted(known)
    assert [vendor.name for vendor in vendors] == ["ALDERBROOK"]

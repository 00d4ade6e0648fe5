"""One request for many lists: what is asked, and that nothing doubtful passes for an answer."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from reconciler.connectwise.bundles import Ask, Failed, Found, ask_bundle
from reconciler.transport.errors import BadAnswer, Unreachable
from tests.connectwise.support import sandbox, served

pytestmark = pytest.mark.anyio

ASKS = [Ask(7, "addition", 7, "id,quantity,product,_info"), Ask(8, "addition", 8, "id", "id > 5")]


def good(sequence: Any, entities: Any = (), **more: Any) -> dict[str, Any]:
    rows = list(entities) if isinstance(entities, tuple) else entities
    return {
        "sequenceNumber": sequence,
        "resourceType": "addition",
        "entities": rows,
        "count": len(rows) if isinstance(rows, list) else 0,
        "success": True,
        "statusCode": 200,
        "error": None,
    } | more


async def asked(answer: Any, *, status: int = 200) -> dict[int, Found | Failed]:
    async with served(lambda _: httpx.Response(status, json=answer), write=False) as client:
        return await ask_bundle(client, ASKS)


async def judged(result: dict[str, Any]) -> Found | Failed:
    """What becomes of one result, beside a good one that must not suffer from it."""
    answers = await asked({"results": [result, good(8)]})
    assert answers[8] == Found([], complete=True)
    return answers[7]


async def test_a_bundle_is_what_the_specification_describes() -> None:
    sent: list[Any] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path, json.loads(request.content)))
        return httpx.Response(200, json={"results": [good(8), good(7)]})

    async with served(answer, write=False) as client:
        await ask_bundle(client, ASKS)
    [(method, path, body)] = sent
    assert (method, path) == ("POST", "/v2025_1/apis/3.0/system/bundles")
    assert body["requests"][1] == {
        "sequenceNumber": 8,
        "resourceType": "addition",
        "version": "2025.1",
        "apiRequest": {
            "parentId": 8,
            "fields": "id",
            "filters": {"orderBy": "id asc", "conditions": "id > 5"},
            "page": {"page": 1, "pageSize": 1000},
        },
    }
    assert "conditions" not in body["requests"][0]["apiRequest"]["filters"]


async def test_names_in_the_answer_are_compared_without_case() -> None:
    entity = {
        "Id": 1,
        "Quantity": 2,
        "Product": {"Id": 3, "Identifier": "X"},
        "_Info": {"LastUpdated": "t", "Other": [{"ID": 4}]},
    }
    result = {
        "SequenceNumber": 7,
        "Entities": [entity],
        "Count": 1,
        "Success": True,
        "StatusCode": 200,
    }
    answers = await asked({"Results": [result, good(8)]})
    assert answers[7] == Found(
        [
            {
                "id": 1,
                "quantity": 2,
                "product": {"id": 3, "identifier": "X"},
                "_info": {"lastUpdated": "t", "Other": [{"id": 4}]},
            }
        ],
        complete=True,
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"success": False}, "answers 200"),
        ({"success": None}, "answers 200"),
        ({"success": "true"}, "answers 200"),
        ({"statusCode": 500}, "answers 500"),
        ({"statusCode": None}, "without a status"),
        ({"statusCode": "OK"}, "without a status"),
        ({"entities": None}, "not a list"),
        ({"entities": {}}, "not a list"),
        ({"entities": [{"quantity": 1}]}, "without an id"),
        ({"entities": ["x"]}, "without an id"),
        ({"entities": [{"id": "5"}]}, "without an id"),
        ({"entities": [{"id": 5}, {"id": 5}]}, "repeats record 5"),
    ],
)
async def test_an_item_that_failed_is_no_empty_list(change: dict[str, Any], reason: str) -> None:
    answer = await judged(good(7) | change)
    assert isinstance(answer, Failed)
    assert reason in answer.reason


async def test_an_item_says_why_it_failed() -> None:
    error = {"Code": "Security", "Message": "You do not have security permission."}
    answer = await judged(good(7, success=False, statusCode=403, error=error))
    assert answer == Failed("the server answers 403, You do not have security permission. (Security)", 403)


@pytest.mark.parametrize("sequence", [None, "7", 7.5, True, 9])
async def test_an_item_without_its_sequence_number_is_missing(sequence: object) -> None:
    assert await judged(good(sequence)) == Failed("the bundle does not answer it")


async def test_an_item_that_comes_twice_is_neither() -> None:
    answers = await asked({"results": [good(7), good(8), good(7)]})
    assert answers == {7: Failed("the bundle answers it twice"), 8: Found([], complete=True)}
    answers = await asked({"results": [good(7), good(7), good(7)]})
    assert answers == {
        7: Failed("the bundle answers it twice"),
        8: Failed("the bundle does not answer it"),
    }


async def test_a_full_page_or_a_higher_count_is_not_complete() -> None:
    rows = [{"id": number} for number in range(1, 1001)]
    assert await judged(good(7, rows)) == Found(rows, complete=False)
    assert await judged(good(7, rows[:999])) == Found(rows[:999], complete=True)
    assert await judged(good(7, rows[:25], count=60)) == Found(rows[:25], complete=False)


@pytest.mark.parametrize("count", [None, "2", 2.0, True, 0, 1, 3, -1])
async def test_only_a_count_of_what_came_makes_it_complete(count: object) -> None:
    rows = [{"id": 1}, {"id": 2}]
    assert await judged(good(7, rows, count=count)) == Found(rows, complete=False)
    without = {name: value for name, value in good(7, rows).items() if name != "count"}
    assert await judged(without) == Found(rows, complete=False)
    assert await judged(good(7, rows)) == Found(rows, complete=True)


async def test_no_entities_and_no_count_is_no_empty_list() -> None:
    assert await judged(good(7, count=None)) == Found([], complete=False)


@pytest.mark.parametrize("answer", [[], None, {}, {"results": None}, {"results": {}}, {"results": [5]}])
async def test_what_is_no_collection_is_no_answer(answer: object) -> None:
    with pytest.raises(BadAnswer, match="not a collection of results") as raised:
        await asked(answer)
    assert raised.value.request == "POST /system/bundles"


async def test_a_bundle_is_repeated_as_a_read() -> None:
    with pytest.raises(Unreachable, match="503"):
        await asked({}, status=503)


async def test_two_lists_need_two_numbers() -> None:
    async with sandbox() as (client, _):
        with pytest.raises(ValueError, match="sequence number"):
            await ask_bundle(client, [ASKS[0], ASKS[0]])

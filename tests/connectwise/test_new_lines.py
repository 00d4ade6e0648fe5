"""Creating a line and looking for one, and the dates of agreements: what is sent, and what answers mean."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.connectwise.additions import create_line, lines_of_product
from reconciler.connectwise.agreements import agreements_by_ids
from reconciler.connectwise.patching import line_body, line_operations
from reconciler.connectwise.permissions import needed_permission
from reconciler.transport.errors import BadAnswer, ReadOnly, RecordNotFound, Refused, Unsure
from tests.connectwise.support import refused, sandbox, served

pytestmark = pytest.mark.anyio

ROW = {
    "id": 9,
    "agreementId": 7,
    "product": {"id": 3, "identifier": "P"},
    "quantity": 2,
    "billCustomer": "Billable",
}


def test_days_are_midnights_and_nothing_that_is_not_set_is_sent() -> None:
    body = line_body(
        3,
        {
            "quantity": Decimal(12),
            "unitPrice": Decimal("0.0375"),
            "taxableFlag": False,
            "invoiceDescription": None,
            "effectiveDate": "2026-12-01",
            "serialNumber": "C0123",
        },
    )
    assert body == {
        "product": {"id": 3},
        "quantity": 12,
        "unitPrice": 0.0375,
        "taxableFlag": False,
        "effectiveDate": "2026-12-01T00:00:00Z",
        "serialNumber": "C0123",
    }
    assert line_operations({"cancelledDate": "2026-11-30", "quantity": Decimal(0)}) == [
        {"op": "replace", "path": "cancelledDate", "value": "2026-11-30T00:00:00Z"},
        {"op": "replace", "path": "quantity", "value": 0},
    ]


def test_a_new_line_needs_the_permission_to_add() -> None:
    assert needed_permission("POST", "/finance/agreements/7/additions") == "Finance > Agreements: Add = All"


async def test_a_line_is_created_once_and_read_back() -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append((request.method, request.url.path.partition("/3.0")[2], json.loads(request.content)))
        return httpx.Response(201, json=ROW)

    async with served(answer) as client:
        line = await create_line(client, 7, {"product": {"id": 3}})
    assert (line.id, line.product_id, line.agreement_id) == (9, 3, 7)
    assert sent == [("POST", "/finance/agreements/7/additions", {"product": {"id": 3}})]


@pytest.mark.parametrize(
    ("response", "error"),
    [
        (httpx.Response(201, json={"id": 9}), Unsure),
        (httpx.Response(201, json={**ROW, "agreementId": 8}), Unsure),
        (httpx.Response(201, json=[]), Unsure),
        (httpx.Response(502, html="Bad gateway"), Unsure),
        (refused("no"), Refused),
    ],
)
async def test_what_is_no_line_may_be_one_all_the_same(
    response: httpx.Response, error: type[Exception]
) -> None:
    sent = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return response

    async with served(answer) as client:
        with pytest.raises(error):
            await create_line(client, 7, {})
    assert len(sent) == 1


async def test_a_reading_client_creates_nothing() -> None:
    async with served(lambda request: httpx.Response(201, json=ROW), write=False) as client:
        with pytest.raises(ReadOnly):
            await create_line(client, 7, {})


@pytest.mark.parametrize("filters", [True, False])
async def test_the_lines_of_a_product_are_filtered_there_or_here(filters: bool) -> None:
    asked: list[str] = []
    other = {**ROW, "id": 10, "product": {"id": 4, "identifier": "Q"}}
    ended = {**ROW, "id": 11, "cancelledDate": "2025-01-31T00:00:00Z"}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("conditions", ""))
        return httpx.Response(200, json=[ROW, other, ended]) if filters or not asked[-1] else refused()

    async with served(answer, write=False) as client:
        found = await lines_of_product(client, 7, 3)
    assert [line.id for line in found] == [9, 11]
    assert asked == (["product/id = 3"] if filters else ["product/id = 3", ""])


async def test_the_sandbox_knows_the_filter() -> None:
    async with sandbox() as (client, state):
        (agreement,) = list(state.site.world.tables["agreements"])[:1]
        rows = state.site.world.additions_of(agreement)
        product = rows[0]["product"]["id"]
        state.requests.clear()
        found = await lines_of_product(client, agreement, product)
    assert [line.id for line in found] == sorted(row["id"] for row in rows if row["product"]["id"] == product)
    assert len(state.requests) == 1


async def test_a_row_that_is_no_line_is_named() -> None:
    async with served(lambda request: httpx.Response(200, json=[{**ROW, "product": None}])) as client:
        with pytest.raises(BadAnswer, match="line 9 of agreement 7, product: it is missing"):
            await lines_of_product(client, 7, 3)


async def test_an_agreement_that_is_gone_has_no_lines_to_look_through() -> None:
    gone = {"code": "NotFound", "message": "Agreement 7 not found", "errors": None}
    async with served(lambda request: httpx.Response(404, json=gone)) as client:
        with pytest.raises(RecordNotFound):
            await lines_of_product(client, 7, 3)


def agreement(number: int, **more: Any) -> dict[str, Any]:
    return {"id": number, "name": f"A{number}", "company": {"id": 1, "identifier": "ACME"}, **more}


async def test_agreements_are_read_by_id() -> None:
    asked: list[httpx.QueryParams] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if "billingCycles" in request.url.path:
            return httpx.Response(200, json=[])
        asked.append(request.url.params)
        day = {"nextInvoiceDate": "2026-12-01T00:00:00Z", "cancelledFlag": True}
        return httpx.Response(200, json=[agreement(7, **day), agreement(99)])

    async with served(answer, write=False) as client:
        found = await agreements_by_ids(client, [8, 7])
        assert await agreements_by_ids(client, []) == {}
    assert list(found) == [7]
    assert (found[7].next_invoice, found[7].in_force(date(2026, 12, 1))) == (date(2026, 12, 1), False)
    assert [one["conditions"] for one in asked] == ["id in (7,8)"]
    assert "nextInvoiceDate" in asked[0]["fields"]


async def test_a_date_that_is_none_is_named() -> None:
    wrong = agreement(7, nextInvoiceDate="soon")
    async with served(lambda request: httpx.Response(200, json=[wrong])) as client:
        with pytest.raises(BadAnswer, match="agreement 7, nextInvoiceDate"):
            await agreements_by_ids(client, [7])

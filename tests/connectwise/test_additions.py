"""Agreement lines: in how few requests, and that no failure looks like an agreement without lines."""

from __future__ import annotations

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.connectwise.additions import get_line, patch_line, read_lines
from reconciler.connectwise.client import connect
from reconciler.model.billing import Line
from reconciler.model.diagnostics import Severity
from reconciler.sandbox.app import create_app
from reconciler.sandbox.seed import empty_world
from reconciler.transport.errors import (
    BadAnswer,
    NotAuthenticated,
    ReadOnly,
    RecordNotFound,
    Refused,
    Unreachable,
    Unsure,
)
from tests.connectwise.support import (
    COMPANY_INFO,
    CREDENTIALS,
    TODAY,
    no_sleep,
    refused,
    sandbox_credentials,
    served,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reconciler.connectwise.client import Client

pytestmark = pytest.mark.anyio

SINCE = date(2026, 11, 1)
NOTHING: list[dict[str, Any]] = []
ROW: dict[str, Any] = {
    "id": 5512,
    "agreementId": 7,
    "product": {"id": 101, "identifier": "MSP-Gold ", "_info": {"catalog_href": "https://x.invalid"}},
    "quantity": 25.5,
    "lessIncluded": 5,
    "unitPrice": 9.50,
    "unitCost": 6.25,
    "billCustomer": "Billable",
    "effectiveDate": "2026-06-01T00:00:00Z",
    "cancelledDate": "2026-12-31T00:00:00Z",
    "invoiceDescription": "Gold, per month ",
    "serialNumber": "C01234",
    "taxableFlag": True,
    "_info": {"lastUpdated": "2026-11-02T10:11:12Z", "updatedBy": "apirec   "},
}


def row(number: int, **more: Any) -> dict[str, Any]:
    product = {"id": 1, "identifier": "P"}
    return {"id": number, "product": product, "quantity": 0, "billCustomer": "Billable", **more}


@asynccontextmanager
async def lines_of(
    count: int, lines: int = 2, *, write: bool = False, **quirks: str
) -> AsyncIterator[tuple[Client, Any]]:
    """A sandbox with that many agreements, each with that many lines and one that ended long ago."""
    world = empty_world(TODAY)
    world.add_company("ACME")
    for product in ("A", "B", "C"):
        world.add_catalog_item(product, price=2.5, cost=1.25)
    for _ in range(count):
        number = world.add_agreement("ACME")["id"]
        for each in range(lines):
            world.add_addition(number, each % 3 + 1, 10 + each)
        world.add_addition(number, "A", 99, cancelledDate="2026-10-31T00:00:00Z")
    app = create_app(world, quirks={name.replace("_", "-"): value for name, value in quirks.items()})
    async with connect(
        sandbox_credentials(), write=write, transport=httpx.ASGITransport(app), sleep=no_sleep
    ) as client:
        app.state.requests.clear()
        yield client, app.state


def bundling(
    rows_of: Callable[[int], Any], asked: list[Any] | None = None, alone: Callable[[int], Any] | None = None
) -> Callable[[httpx.Request], httpx.Response]:
    """A server whose bundles hold what `rows_of` says of an agreement: its rows, or changes to its result."""

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "GET":
            number = int(request.url.path.split("/")[-2])
            assert alone is not None, f"agreement {number} was asked for alone"
            found = alone(number)
            return found if isinstance(found, httpx.Response) else httpx.Response(200, json=found)
        requests = json.loads(request.content)["requests"]
        if asked is not None:
            asked.append(requests)
        return httpx.Response(200, json={"results": [result(one["sequenceNumber"]) for one in requests]})

    def result(number: int) -> dict[str, Any]:
        found = rows_of(number)
        base = {"sequenceNumber": number, "entities": [], "count": 0, "success": True, "statusCode": 200}
        return base | (found if isinstance(found, dict) else {"entities": found, "count": len(found)})

    return answer


async def test_a_line_is_read_in_full() -> None:
    async with served(bundling(lambda number: [ROW] if number == 7 else []), write=False) as client:
        read = await read_lines(client, [8, 7], since=SINCE)
    assert list(read.lines) == [7, 8]
    assert read.lines[8] == ()
    assert read.failed == {}
    [line] = read.lines[7]
    assert line == Line(
        id=5512,
        agreement_id=7,
        product_id=101,
        product_identifier="MSP-Gold",
        quantity=Decimal("25.5"),
        less_included=Decimal(5),
        unit_price=Decimal("9.5"),
        unit_cost=Decimal("6.25"),
        bill_customer="Billable",
        effective=date(2026, 6, 1),
        cancelled=date(2026, 12, 31),
        invoice_description="Gold, per month",
        serial_number="C01234",
        taxable=True,
        last_updated="2026-11-02T10:11:12Z",
        updated_by="apirec",
    )
    assert all(isinstance(n, Decimal) for n in (line.quantity, line.less_included, line.unit_price))


@pytest.mark.parametrize("quirks", [{}, {"empty_date": "blank"}, {"addition_status": "present"}])
async def test_120_agreements_take_three_bundles(quirks: dict[str, str]) -> None:
    async with lines_of(120, 2, write=False, **quirks) as (client, state):
        read = await read_lines(client, range(1, 121), since=SINCE)
        sent = [(one.method, one.path.rpartition("3.0")[2]) for one in state.requests]
        sizes = [len(json.loads(one.body)["requests"]) for one in state.requests]
    assert sent == [("POST", "/system/bundles")] * 3
    assert sizes == [50, 50, 20]
    assert list(read.lines) == list(range(1, 121))
    assert read.failed == {}
    assert sum(map(len, read.lines.values())) == 240
    assert {line.agreement_id for line in read.lines[60]} == {60}
    assert [line.quantity for line in read.lines[60]] == [10, 11]
    assert {(line.cancelled, line.unit_price) for lines in read.lines.values() for line in lines} == {
        (None, Decimal("2.5"))
    }


async def test_2000_agreements_with_10000_lines_take_40_requests() -> None:
    asked: list[Any] = []
    answer = bundling(
        lambda number: [row(number * 10 + each, agreementId=number) for each in range(5)], asked
    )
    async with served(answer, write=False) as client:
        read = await read_lines(client, range(1, 2001), since=SINCE)
    assert len(asked) == 40
    assert sum(map(len, read.lines.values())) == 10_000
    assert read.failed == {}


async def test_nothing_asked_is_nothing_sent_and_one_agreement_needs_no_bundle() -> None:
    async with lines_of(1) as (client, state):
        assert (await read_lines(client, [], since=SINCE)).lines == {}
        assert state.requests == []
        read = await read_lines(client, [1, 1], since=SINCE)
        [request] = state.requests
    assert request.method == "GET"
    assert len(read.lines[1]) == 2


async def test_only_lines_that_still_matter_are_asked_for_and_kept() -> None:
    async with lines_of(2, 0) as (client, state):
        for day in ("2026-10-31", "2026-11-01", "2027-01-31"):
            state.world.add_addition(1, "B", 1, cancelledDate=f"{day}T00:00:00Z")
        state.world.add_addition(1, "C", 1, effectiveDate="2027-03-01T00:00:00Z")
        read = await read_lines(client, [1, 2], since=SINCE)
        [asked, _] = json.loads(state.requests[0].body)["requests"]
    assert [line.cancelled for line in read.lines[1]] == [date(2026, 11, 1), date(2027, 1, 31), None]
    assert read.lines[1][2].effective == date(2027, 3, 1)
    assert read.lines[2] == ()
    condition = (
        "cancelledDate = null or cancelledDate >= [2026-11-01T00:00:00Z] "
        "or effectiveDate >= [2026-11-01T00:00:00Z] or cancelledDate < [2000-01-01T00:00:00Z]"
    )
    assert asked["apiRequest"]["filters"]["conditions"] == condition
    assert set(asked["apiRequest"]["fields"].split(",")) == set(ROW)


@pytest.mark.parametrize("bundles", ["allowed", "refused"])
async def test_lines_that_end_before_they_begin_are_read(bundles: str) -> None:
    """They may be billed all the same; with 0 units they are nobody's question."""
    async with lines_of(2, 0, bundles=bundles) as (client, state):
        for first, last, units in (
            ("2025-01-01", "1900-01-01", 5),
            ("2026-12-01", "2026-10-15", 5),
            ("2026-12-01", "2026-10-15", 0),
            ("2025-01-01", "2026-10-15", 5),
        ):
            days = {"effectiveDate": f"{first}T00:00:00Z", "cancelledDate": f"{last}T00:00:00Z"}
            state.world.add_addition(1, "B", units, **days)
        read = await read_lines(client, [1, 2], since=SINCE)
    assert [line.cancelled for line in read.lines[1]] == [date(1900, 1, 1), date(2026, 10, 15)]
    assert all(line.has_odd_end for line in read.lines[1])


async def test_where_bundles_are_refused_one_is_wasted() -> None:
    async with lines_of(120, bundles="refused") as (client, state):
        read = await read_lines(client, range(1, 121), since=SINCE)
        verbs = [one.method for one in state.requests]
        assert verbs.count("POST") == 1
        assert verbs.count("GET") == 120
    async with lines_of(120) as (client, _):
        assert read == await read_lines(client, range(1, 121), since=SINCE)


@pytest.mark.parametrize(
    ("status", "body", "wasted"),
    [
        (403, {"code": "Security", "message": "no"}, 1),
        (404, {"code": "ConnectWiseApi", "message": "The endpoint does not exist."}, 1),
        (404, {"code": "NotFound", "message": "no"}, 1),
        (405, {"code": "MethodNotAllowed", "message": "no"}, 1),
        (400, {"code": "InvalidRequest", "message": "no"}, 2),
    ],
)
async def test_every_refusal_of_bundles_leads_to_single_requests(
    status: int, body: dict[str, str], wasted: int
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.method)
        if request.method == "POST":
            return httpx.Response(status, json=body)
        return httpx.Response(200, json=[row(int(request.url.path.split("/")[-2]))])

    async with served(answer, write=False) as client:
        read = await read_lines(client, range(1, 61), since=SINCE)
    assert asked.count("POST") == wasted
    assert asked.count("GET") == 60
    assert [lines[0].id for lines in read.lines.values()] == list(range(1, 61))


async def test_fewer_are_sent_where_the_server_takes_fewer() -> None:
    async with lines_of(95, bundle_maximum="20") as (client, state):
        read = await read_lines(client, range(1, 96), since=SINCE)
        sizes = [len(json.loads(one.body)["requests"]) for one in state.requests]
    assert sizes == [50, *[10] * 9, 5]
    assert len(read.lines) == 95


async def test_a_small_bundle_that_is_refused_is_not_sent_again() -> None:
    async with lines_of(9, bundle_maximum="5") as (client, state):
        read = await read_lines(client, range(1, 10), since=SINCE)
        assert [one.method for one in state.requests] == ["POST", *["GET"] * 9]
    assert len(read.lines) == 9


async def test_a_later_bundle_that_is_refused_is_read_one_by_one() -> None:
    bundles: list[Any] = []
    good = bundling(lambda number: [row(number)], alone=lambda number: [row(number)])

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            bundles.append(request)
            if len(bundles) == 2:
                return refused()
        return good(request)

    async with served(answer, write=False) as client:
        read = await read_lines(client, range(1, 151), since=SINCE)
    assert len(bundles) == 3
    assert len(read.lines) == 150
    assert read.failed == {}


@pytest.mark.parametrize("status", [401, 409, 500])
async def test_what_is_no_refusal_of_bundles_is_raised(status: int) -> None:
    kinds = {401: NotAuthenticated, 409: Refused, 500: Unreachable}
    async with served(lambda _: httpx.Response(status, json={"message": "no"}), write=False) as client:
        with pytest.raises(kinds[status]):
            await read_lines(client, [1, 2], since=SINCE)


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ({"success": False, "statusCode": 403, "error": {"message": "not for you"}}, "403, not for you"),
        ({"success": False}, "200"),
        ({"statusCode": 500}, "500"),
        ({"entities": None}, "not a list"),
        ({"sequenceNumber": 1}, "does not answer it"),
        ([row(5, quantity="12")], r"line 5 of agreement 2, quantity: '12' is no number"),
        ([row(5, quantity=None)], "line 5 of agreement 2, quantity: it is missing"),
        ([row(5, agreementId=1)], "line 5 of agreement 2, agreementId"),
    ],
)
async def test_what_fails_for_one_agreement_is_said_for_that_one(result: Any, reason: str) -> None:
    async with served(
        bundling(lambda number: result if number == 2 else [row(number)]), write=False
    ) as client:
        read = await read_lines(client, [2, 3], since=SINCE)
    assert list(read.lines) == [3]
    [failed] = read.failed.values()
    assert list(read.failed) == [2]
    assert (failed.severity, failed.code, failed.subject) == (
        Severity.WARNING,
        "agreement-lines-unread",
        "agreement/2",
    )
    assert "agreement 2 could not be read" in failed.message
    assert reason.replace("\\", "") in failed.message


async def test_an_item_that_comes_twice_is_not_read() -> None:
    def answer(_: httpx.Request) -> httpx.Response:
        one = {"sequenceNumber": 1, "entities": [], "count": 0, "success": True, "statusCode": 200}
        return httpx.Response(200, json={"results": [one, one, one | {"sequenceNumber": 2}]})

    async with served(answer, write=False) as client:
        read = await read_lines(client, [1, 2], since=SINCE)
    assert read.lines == {2: ()}
    assert "twice" in read.failed[1].message


async def test_a_full_page_is_read_on_until_complete() -> None:
    async with lines_of(2, 0) as (client, state):
        for _ in range(1002):
            state.world.add_addition(1, "B", 1)
        read = await read_lines(client, [1, 2], since=SINCE)
        assert [one.method for one in state.requests] == ["POST", "GET", "GET"]
    assert len({line.id for line in read.lines[1]}) == 1002
    assert read.lines[2] == ()


async def test_a_page_cut_short_is_read_on() -> None:
    rows = [row(number) for number in range(1, 61)]
    short = {"entities": rows[:25], "count": 60}
    answer = bundling(lambda number: short if number == 1 else [], alone=lambda _: rows)
    async with served(answer, write=False) as client:
        read = await read_lines(client, [1, 2], since=SINCE)
    assert len(read.lines[1]) == 60


async def test_answers_that_do_not_count_their_lines_are_read_again_one_by_one() -> None:
    async with lines_of(3, 2, bundle_count="absent") as (client, state):
        read = await read_lines(client, [1, 2, 3], since=SINCE)
        assert [one.method for one in state.requests] == ["POST", "GET", "GET", "GET"]
    assert {number: len(lines) for number, lines in read.lines.items()} == {1: 2, 2: 2, 3: 2}
    assert read.failed == {}


@pytest.mark.parametrize("count", [0, 1, None, "2"])
async def test_a_count_that_contradicts_its_lines_is_not_believed(count: object) -> None:
    rows = [row(1), row(2)]
    odd = {"entities": rows, "count": count}
    answer = bundling(lambda number: odd if number == 1 else [], alone=lambda _: [*rows, row(3)])
    async with served(answer, write=False) as client:
        read = await read_lines(client, [1, 2], since=SINCE)
    assert [line.id for line in read.lines[1]] == [1, 2, 3]


async def test_a_server_that_refuses_the_filter_is_asked_for_all_lines() -> None:
    """In bundles: one more request, then none with the filter. What it would have kept out is dropped."""
    sizes: list[tuple[int, bool]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        requests = json.loads(request.content)["requests"]
        filtered = any("conditions" in one["apiRequest"]["filters"] for one in requests)
        sizes.append((len(requests), filtered))
        old = [row(1), row(2, cancelledDate="2020-01-01T00:00:00Z")]
        refusal = {"entities": [], "success": False, "statusCode": 400, "error": {"message": "unknown"}}
        item = refusal if filtered else {"entities": old, "count": 2, "success": True, "statusCode": 200}
        results = [item | {"sequenceNumber": one["sequenceNumber"]} for one in requests]
        return httpx.Response(200, json={"results": results})

    async with served(answer, write=False) as client:
        read = await read_lines(client, range(1, 121), since=SINCE)
    assert sizes == [(50, True), (50, False), (50, False), (20, False)]
    assert len(read.lines) == 120
    assert {len(lines) for lines in read.lines.values()} == {1}


async def test_an_item_that_is_refused_for_another_reason_fails_and_the_filter_stays() -> None:
    asked: list[Any] = []
    bad = {"success": False, "statusCode": 400, "error": {"message": "Agreement is locked"}}
    async with served(bundling(lambda number: bad if number == 3 else [], asked), write=False) as client:
        read = await read_lines(client, range(1, 101), since=SINCE)
    assert list(read.failed) == [3]
    assert "locked" in read.failed[3].message
    filtered = [["conditions" in one["apiRequest"]["filters"] for one in each] for each in asked]
    assert [(len(each), all(each)) for each in filtered] == [(50, True), (1, False), (50, True)]


async def test_one_by_one_too_the_filter_is_given_up_once_it_is_refused() -> None:
    asked: list[bool] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/login/"):
            return httpx.Response(200, json=COMPANY_INFO)
        await asyncio.sleep(0)
        if request.method == "POST":
            return httpx.Response(405, json={})
        asked.append("conditions" in request.url.params)
        return refused() if asked[-1] else httpx.Response(200, json=[row(1)])

    async with connect(
        CREDENTIALS, write=False, transport=httpx.MockTransport(answer), sleep=no_sleep
    ) as client:
        read = await read_lines(client, range(1, 101), since=SINCE)
    assert len(read.lines) == 100
    # Only those that were under way when the first refusal came.
    assert sum(asked) <= 12


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (
            httpx.Response(404, json={"code": "NotFound", "message": "Agreement 2 not found"}),
            "no such record",
        ),
        (httpx.Response(409, json={"message": "locked"}), "locked"),
        ([{"id": None}], "without an id"),
        ([row(5), row(5)], "repeats record 5"),
        ([row(0)], "a line of agreement 2, id: 0 is no record id"),
        ([row(-5)], "a line of agreement 2, id: -5 is no record id"),
        ([row(5, product={"id": -1, "identifier": "X"})], "line 5 of agreement 2, product, id: -1 is no"),
        ([row(5, cancelledDate=5)], "line 5 of agreement 2, cancelledDate"),
        ({}, "not a list"),
    ],
)
async def test_one_by_one_too_a_failure_is_one_agreements_own(answer: Any, reason: str) -> None:
    good = bundling(lambda _: [], alone=lambda number: answer if number == 2 else [row(number)])

    def serve(request: httpx.Request) -> httpx.Response:
        return httpx.Response(405, json={}) if request.method == "POST" else good(request)

    async with served(serve, write=False) as client:
        read = await read_lines(client, [1, 2, 3], since=SINCE)
    assert list(read.lines) == [1, 3]
    assert list(read.failed) == [2]
    assert reason in read.failed[2].message


async def test_one_by_one_too_a_web_page_instead_of_an_answer_is_raised() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        status = 405 if request.method == "POST" else 200
        return httpx.Response(status, text="<html>sign in</html>", headers={"content-type": "text/html"})

    async with served(answer, write=False) as client:
        with pytest.raises(BadAnswer, match="web page"):
            await read_lines(client, range(1, 100), since=SINCE)


async def test_requests_run_side_by_side_within_bounds() -> None:
    now: set[int] = set()
    most: list[int] = []
    good = bundling(lambda number: [row(number)])

    async def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/login/"):
            return httpx.Response(200, json=COMPANY_INFO)
        now.add(id(request))
        most.append(len(now))
        await asyncio.sleep(0.002)
        now.discard(id(request))
        return good(request)

    async with connect(
        CREDENTIALS, write=False, transport=httpx.MockTransport(answer), sleep=no_sleep
    ) as client:
        await read_lines(client, range(1, 1001), since=SINCE)
    assert len(most) == 20
    assert most[:2] == [1, 1]
    assert max(most) == 4


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("id", None),
        ("id", "5512"),
        ("product", None),
        ("product", 101),
        ("product", {"identifier": "X"}),
        ("product", {"id": 101}),
        ("quantity", "25"),
        ("quantity", True),
        ("lessIncluded", []),
        ("unitPrice", "9.50"),
        ("unitCost", {}),
        ("billCustomer", None),
        ("billCustomer", 1),
        ("effectiveDate", "01/06/2026"),
        ("effectiveDate", 5),
        ("cancelledDate", "2026-02-30T00:00:00Z"),
        ("taxableFlag", "true"),
        ("agreementId", 8),
        ("agreementId", "7"),
    ],
)
async def test_a_wrong_type_names_line_and_field(name: str, value: object) -> None:
    async with served(lambda _: httpx.Response(200, json=ROW | {name: value})) as client:
        with pytest.raises(BadAnswer, match=rf"line .*{name}") as raised:
            await get_line(client, 7, 5512)
        with pytest.raises(Unsure, match=rf"line .*{name}"):
            await patch_line(client, 7, 5512, NOTHING)
    assert raised.value.request == "GET /finance/agreements/7/additions/5512"


@pytest.mark.parametrize(
    "absent", [{}, dict.fromkeys(set(ROW) - {"id", "product", "quantity", "billCustomer"})]
)
async def test_what_is_left_out_is_not_set(absent: dict[str, Any]) -> None:
    async with served(lambda _: httpx.Response(200, json=absent | row(9, cancelledDate=""))) as client:
        line = await get_line(client, 7, 9)
    nothing = Decimal(0)
    assert line == Line(9, 7, 1, "P", nothing, nothing, nothing, nothing, "Billable")


@pytest.mark.parametrize(
    "answer", [ROW | {"quantity": None}, {k: v for k, v in ROW.items() if k != "quantity"}]
)
async def test_a_line_without_a_quantity_is_not_one_of_zero(answer: dict[str, Any]) -> None:
    """A line that is to end with 0 units would seem to have them already, and would keep the old ones."""
    async with served(lambda _: httpx.Response(200, json=answer)) as client:
        with pytest.raises(BadAnswer, match="quantity: it is missing"):
            await get_line(client, 7, 5512)
        with pytest.raises(Unsure, match="quantity: it is missing"):
            await patch_line(client, 7, 5512, NOTHING)


async def test_a_line_is_changed_and_read_again() -> None:
    async with lines_of(2, write=True) as (client, state):
        operations: list[dict[str, Any]] = [
            {"op": "replace", "path": "quantity", "value": 12.5},
            {"op": "replace", "path": "cancelledDate", "value": "2026-12-31T00:00:00Z"},
        ]
        changed = await patch_line(client, 1, 1, operations)
        assert (changed.quantity, changed.cancelled) == (Decimal("12.5"), date(2026, 12, 31))
        assert await get_line(client, 1, 1) == changed
        assert state.world.addition(1)["quantity"] == 12.5
        with pytest.raises(RecordNotFound):
            await get_line(client, 2, 1)
        with pytest.raises(RecordNotFound):
            await patch_line(client, 1, 999, operations)


async def test_an_invalid_change_is_refused_field_by_field() -> None:
    async with lines_of(1, write=True, cancel_before_start="refused") as (client, _):
        early = [{"op": "replace", "path": "cancelledDate", "value": "2020-01-01T00:00:00Z"}]
        with pytest.raises(Refused) as raised:
            await patch_line(client, 1, 1, early)
    assert [error.field for error in raised.value.field_errors] == ["cancelledDate"]


async def test_another_line_in_the_answer_is_not_taken_for_it() -> None:
    async with served(lambda _: httpx.Response(200, json=ROW)) as client:
        with pytest.raises(BadAnswer, match="line 1 was asked for, and line 5512 answered"):
            await get_line(client, 7, 1)
        with pytest.raises(Unsure, match="line 1 was asked for"):
            await patch_line(client, 7, 1, NOTHING)


async def test_a_reading_client_changes_no_line() -> None:
    async with lines_of(1) as (client, state):
        with pytest.raises(ReadOnly):
            await patch_line(client, 1, 1, [{"op": "replace", "path": "quantity", "value": 1}])
        assert state.requests == []

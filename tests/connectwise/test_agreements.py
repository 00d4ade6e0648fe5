"""Agreements and their recaps: which are found, in how many requests, and what is made of odd answers."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.connectwise.agreements import calendar_day, read_agreements
from reconciler.connectwise.recaps import read_recaps
from reconciler.model.billing import Agreement, Recap
from reconciler.transport.errors import BadAnswer, Refused
from tests.connectwise.support import refused, sandbox, served

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.anyio

CYCLES = [{"id": 2, "name": "Every month", "billingOptions": "Monthly"}, {"id": 3, "name": "Once"}]
ROW: dict[str, Any] = {
    "id": 117,
    "name": "Managed Security ",
    "type": {"id": 31, "name": "MSP "},
    "company": {"id": 12, "identifier": "Safelog", "name": "Safelog Ltd", "_info": {}},
    "startDate": "2025-01-01T00:00:00Z",
    "endDate": "2026-12-31T00:00:00Z",
    "noEndingDateFlag": False,
    "cancelledFlag": True,
    "dateCancelled": "2026-11-30T00:00:00Z",
    "billingCycle": {"id": 2, "name": "Every month"},
    "billStartDate": "2025-01-02T00:00:00Z",
    "nextInvoiceDate": "2026-12-01T00:00:00Z",
    "prorateFlag": True,
    "periodType": "Current",
    "currency": {"id": 27, "currencyCode": "isk", "symbol": " kr.", "numberOfDecimals": 0},
    "parentAgreement": {"id": 90, "name": "Frame"},
    "billToCompany": {"id": 13, "identifier": "HOLDING", "name": "Holding Ltd"},
    "oneTimeFlag": True,
}
FIELDS = set(ROW)


def answering(rows: list[Any], cycles: Any = CYCLES) -> Callable[[httpx.Request], httpx.Response]:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=cycles if request.url.path.endswith("/billingCycles") else rows)

    return answer


async def read_row(row: dict[str, Any]) -> Agreement:
    async with served(answering([row]), write=False) as client:
        [agreement] = await read_agreements(client, ["safelog"], [])
    return agreement


async def test_an_agreement_is_read_in_full() -> None:
    assert await read_row(ROW) == Agreement(
        id=117,
        name="Managed Security",
        type_id=31,
        type_name="MSP",
        company_id=12,
        company_identifier="Safelog",
        company_name="Safelog Ltd",
        start=date(2025, 1, 1),
        end=date(2026, 12, 31),
        cancelled=True,
        cancelled_on=date(2026, 11, 30),
        cycle="Monthly",
        bill_start=date(2025, 1, 2),
        next_invoice=date(2026, 12, 1),
        prorate=True,
        period_type="Current",
        currency="ISK",
        currency_places=0,
        parent_id=90,
        parent_name="Frame",
        bill_to="HOLDING",
        one_time=True,
    )


@pytest.mark.parametrize("absent", [{}, dict.fromkeys(FIELDS - {"id", "company"})])
async def test_what_is_left_out_is_not_set(absent: dict[str, Any]) -> None:
    row = absent | {"id": 1, "company": {"id": 12, "identifier": "SAFELOG"}}
    assert await read_row(row) == Agreement(1, "", None, "", 12, "SAFELOG", "")


async def test_an_end_behind_the_box_no_ending_date_is_none() -> None:
    assert (await read_row(ROW | {"noEndingDateFlag": True})).end is None


@pytest.mark.parametrize(
    ("decimals", "places"),
    [(0, 0), (2, 2), (3, 3), (4, 4), (0.0, 0), (None, 2), (-1, 2), (5, 2), (1.5, 2), (True, 2), ("many", 2)],
)
async def test_decimals_that_no_currency_has_are_the_usual_two(decimals: object, places: int) -> None:
    currency = {"id": 27, "currencyCode": "ISK", "numberOfDecimals": decimals}
    assert (await read_row(ROW | {"currency": currency})).currency_places == places


async def test_a_cycle_that_is_not_known_is_no_cycle() -> None:
    assert (await read_row(ROW | {"billingCycle": {"id": 3}})).cycle == ""
    assert (await read_row(ROW | {"billingCycle": {"id": 4}})).cycle == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("name", 5),
        ("type", "MSP"),
        ("type", {"id": "31"}),
        ("company", {"identifier": "SAFELOG"}),
        ("company", 12),
        ("startDate", 20250101),
        ("endDate", "31/12/2026"),
        ("dateCancelled", "2026-02-30T00:00:00Z"),
        ("nextInvoiceDate", "soon"),
        ("cancelledFlag", "true"),
        ("cancelledFlag", 1),
        ("noEndingDateFlag", "no"),
        ("billingCycle", 2),
        ("currency", "EUR"),
        ("parentAgreement", {"id": True}),
        ("billToCompany", {"id": 1, "identifier": 5}),
    ],
)
async def test_a_wrong_type_names_agreement_and_field(name: str, value: object) -> None:
    with pytest.raises(BadAnswer, match=rf"agreement 117.*{name}") as raised:
        await read_row(ROW | {name: value})
    assert raised.value.request == "GET /finance/agreements"


@pytest.mark.parametrize("number", [0, -3, 10**15, 10**40])
async def test_an_id_that_no_plan_could_name_is_refused_by_name(number: int) -> None:
    with pytest.raises(BadAnswer, match=rf'agreement {number} "Managed Security", id.*no record id'):
        await read_row(ROW | {"id": number})
    for name in ("company", "parentAgreement"):
        with pytest.raises(BadAnswer, match=rf"agreement 117, {name}, id: {number} is no record id"):
            await read_row(ROW | {name: {"id": number, "identifier": "SAFELOG"}})


async def test_a_wrong_type_in_a_billing_cycle_is_no_answer() -> None:
    async with served(answering([ROW], [{"id": 2, "billingOptions": 5}])) as client:
        with pytest.raises(BadAnswer, match="billing cycle 2, billingOptions"):
            await read_agreements(client, ["SAFELOG"], [])


def test_days_are_taken_as_they_are_written() -> None:
    assert calendar_day("2026-12-01T00:00:00Z") == date(2026, 12, 1)
    assert calendar_day("2026-12-01T23:30:00.000Z") == date(2026, 12, 1)
    assert calendar_day("2026-12-01") == date(2026, 12, 1)
    assert calendar_day("0001-01-01T00:00:00Z") is None
    for odd in ("2026-12-01T00:00:00+02:00", "20261201", "2026-13-01", "٢٠٢٦-12-01", "1 December 2026"):
        with pytest.raises(ValueError):
            calendar_day(odd)


@pytest.mark.parametrize("in_operator", ["allowed", "refused"])
@pytest.mark.parametrize("empty_date", ["omitted", "blank"])
async def test_all_agreements_of_the_companies_are_found_whatever_their_state(
    in_operator: str, empty_date: str
) -> None:
    async with sandbox(in_operator=in_operator, empty_date=empty_date) as (client, state):
        world = state.world
        found = await read_agreements(
            client, [" pebblegate ", "SALTMARSH", "NO-SUCH"], [world.company("DRIFTWOOD")["id"], 999_999]
        )
        expected = [
            row
            for company in ("DRIFTWOOD", "PEBBLEGATE", "SALTMARSH")
            for row in world.agreements_of(company)
        ]
    assert [one.id for one in found] == sorted(row["id"] for row in expected)
    assert {row["agreementStatus"] for row in expected} == {"Active", "Expired", "Cancelled"}
    [child] = [one for one in found if one.parent_id]
    assert (child.parent_name, child.cycle, child.currency) == ("Managed Security", "Monthly", "EUR")
    [cancelled] = [one for one in found if one.cancelled]
    assert (cancelled.next_invoice, cancelled.cancelled_on) == (None, date(2026, 1, 1))


async def test_few_companies_take_two_requests_and_only_the_fields_that_are_needed() -> None:
    async with sandbox() as (client, state):
        before = len(state.requests)
        companies = [row["identifier"] for row in state.world.rows("companies")]
        found = await read_agreements(client, companies, [])
        assert len(found) == len(state.world.tables["agreements"])
        sent = [httpx.URL("?" + one.query).params for one in state.requests[before:]]
    assert len(sent) == 2
    [asked] = [one for one in sent if "conditions" in one]
    assert asked["conditions"].startswith('company/identifier in ("ALDERBROOK",')
    assert set(asked["fields"].split(",")) == FIELDS


async def test_nothing_asked_is_nothing_sent() -> None:
    async with sandbox() as (client, state):
        before = len(state.requests)
        assert await read_agreements(client, [], []) == ()
        assert await read_recaps(client, []) == {}
        assert len(state.requests) == before


async def test_for_many_companies_all_agreements_are_listed_once() -> None:
    async with sandbox() as (client, state):
        names = [f"CUSTOMER-WITH-A-LONG-NAME-{number}" for number in range(450)]
        for name in names:
            state.world.add_company(name)
            for _ in range(2):
                state.world.add_agreement(name)
        everything = len(state.world.tables["agreements"])
        before = len(state.requests)
        few = await read_agreements(client, names[:200], [])
        middle = len(state.requests)
        many = await read_agreements(client, names, [])
        sent = state.requests[middle:]
    assert len(few) == 400
    assert middle - before <= 9
    assert everything < 1000
    assert len(many) == 900
    assert all("conditions" not in one.query for one in sent)
    # The page, the empty one after it, and the billing cycles.
    assert len(sent) == 3


async def test_a_listing_is_forward_only_and_keeps_what_was_asked_for() -> None:
    asked: list[httpx.Request] = []
    other = ROW | {"id": 118, "company": {"id": 99, "identifier": "OTHER", "name": "Other"}}
    nobody = ROW | {"id": 119, "company": None}

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answering([ROW, other, nobody])(request)

    async with served(answer) as client:
        found = await read_agreements(client, ["SAFELOG", *(f"{n:030}" for n in range(700))], [])
    assert [one.id for one in found] == [117]
    [listing] = [one for one in asked if one.url.path.endswith("/agreements")]
    assert listing.headers["pagination-type"] == "forward-only"
    assert listing.url.params["pageSize"] == "1000"
    assert "orderBy" not in listing.url.params


@pytest.mark.parametrize("name", ["O'BRIEN", 'A"B', "50%", "A[1]", "A\\B", "A\nB"])
async def test_an_unsafe_identifier_never_enters_a_condition(name: str) -> None:
    async with sandbox() as (client, state):
        state.world.add_company(name)
        state.world.add_agreement(name)
        before = len(state.requests)
        found = await read_agreements(client, [name, "ALDERBROOK"], [])
        assert all("conditions" not in one.query for one in state.requests[before:])
    assert sorted(one.company_identifier for one in found) == sorted([name, "ALDERBROOK"])


async def test_identifiers_that_cannot_exist_are_not_asked_for() -> None:
    async with sandbox() as (client, state):
        before = len(state.requests)
        assert await read_agreements(client, ["x" * 31, "  "], []) == ()
        assert len(state.requests) == before + 1


async def test_what_a_server_answers_beyond_the_question_is_dropped() -> None:
    async with served(answering([ROW])) as client:
        assert await read_agreements(client, ["OTHER"], [13]) == ()
        assert len(await read_agreements(client, [], [12])) == 1


async def test_recaps_are_read_for_the_agreements_asked_for() -> None:
    async with sandbox() as (client, state):
        state.world.tables["recaps"][2] |= {
            "lastInvoiceAmount": "120.50",
            "nextInvoiceAmount": 99.5,
            "unbilledPeriods": 2,
        }
        before = len(state.requests)
        recaps = await read_recaps(client, [2, 1, 999_999])
        assert len(state.requests) == before + 1
        assert "id%20in%20(1,2,999999)" in state.requests[-1].query
    assert sorted(recaps) == [1, 2]
    assert recaps[2] == Recap(2, date(2026, 11, 1), Decimal("120.50"), date(2026, 12, 1), Decimal("99.5"), 2)


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, Recap(1)),
        ({"lastInvoiceDate": "", "nextInvoiceDate": "01/12/2026"}, Recap(1)),
        ({"lastInvoiceDate": 5, "nextInvoiceDate": "0001-01-01T00:00:00"}, Recap(1)),
        ({"LastInvoiceDate": " 2026-11-01 "}, Recap(1, last_invoice=date(2026, 11, 1))),
        ({"lastInvoiceAmount": "", "nextInvoiceAmount": []}, Recap(1)),
        ({"lastInvoiceAmount": "1,234.50"}, Recap(1)),
        ({"lastInvoiceAmount": " 12.5 "}, Recap(1, last_amount=Decimal("12.5"))),
        ({"unbilledPeriods": "2"}, Recap(1, unbilled_periods=2)),
        ({"unbilledPeriods": 2.0}, Recap(1, unbilled_periods=2)),
        ({"unbilledPeriods": 1.5}, Recap(1)),
        ({"unbilledPeriods": -1}, Recap(1)),
        ({"unbilledPeriods": "1e999999"}, Recap(1)),
        ({"unbilledPeriods": True}, Recap(1)),
    ],
)
async def test_odd_values_of_recaps_are_none(row: dict[str, Any], expected: Recap) -> None:
    async with served(lambda _: httpx.Response(200, json=[{"id": 1} | row])) as client:
        assert await read_recaps(client, [1]) == {1: expected}


async def test_recaps_are_listed_where_the_filter_is_refused_or_too_long() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        condition = request.url.params.get("conditions")
        asked.append(condition or "")
        return refused() if condition else httpx.Response(200, json=[{"id": 1}, {"id": 2}])

    async with served(answer) as client:
        assert await read_recaps(client, [2]) == {2: Recap(2)}
        assert asked == ["id in (2)", "(id = 2)", ""]
        asked.clear()
        assert await read_recaps(client, range(2, 9000)) == {2: Recap(2)}
        assert asked == [""]


async def test_other_refusals_of_recaps_are_raised() -> None:
    async with served(lambda _: httpx.Response(409, json={"message": "locked"})) as client:
        with pytest.raises(Refused, match="409"):
            await read_recaps(client, [1])

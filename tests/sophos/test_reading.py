"""Tenants, the bill and firewall licences, read to the end of their pages."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.model.months import Month
from reconciler.model.observed import FirewallLicence, Tenant, UsageMonth
from reconciler.sophos.firewalls import read_firewalls
from reconciler.sophos.tenants import read_tenants
from reconciler.sophos.usage import read_usage
from reconciler.transport.errors import BadAnswer, Refused
from tests.sophos.support import listed, sandbox, served

pytestmark = pytest.mark.anyio

OCTOBER = Month(2026, 10)
TENANT = {"id": "AAAA0000-0000-4000-8000-000000000001", "name": "Alder Dental", "billingType": "usage"}
LINE: dict[str, Any] = {
    "accountId": "AAAA0000-0000-4000-8000-000000000001",
    "productCode": "CIXA-MSP",
    "productDescription": "Endpoint - 10-24 USERS",
    "productGroup": "User",
    "sku": "X",
    "billableQuantity": 20,
    "actualQuantity": 21.5,
    "billingStartDate": "2026-09-26",
    "billingEndDate": "2026-10-25",
    "orderNumber": "ORD-1",
    "orderLineItemNumber": "1",
    "accountNumberOrSerialNumber": "A1",
    "accountStatus": "active",
    "assignedAccountIdentifier": "Alder",
    "unitPrice": "1.40",
    "unitPriceCurrency": "USD",
    "contactName": "Private Person",
    "contactEmail": "private@example.com",
    "contactStreet": "1 Private Street",
}
FIREWALL: dict[str, Any] = {
    "serialNumber": "C0100000000001",
    "model": "XGS",
    "tenant": {},
    "billingTenant": {"id": "AAAA0000-0000-4000-8000-000000000001"},
    "licenses": [{"product": {"code": "b"}}, {"product": {"code": "a"}}, {"product": {"code": "a"}}, {}],
}


def without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


async def read(*lines: dict[str, Any]) -> UsageMonth:
    async with served(lambda _: listed(list(lines), size=1000)) as client:
        return await read_usage(client, OCTOBER)


async def bill(*lines: dict[str, Any]) -> Any:
    return (await read(*lines)).lines


# --- tenants


@pytest.mark.parametrize("quirk", ["refuse", "cap"])
@pytest.mark.parametrize("largest", ["100", "7", "1000"])
async def test_every_tenant_is_read_whatever_the_page_size(quirk: str, largest: str) -> None:
    quirks = {"tenants_page_size_max": largest, "sophos_page_size_over_max": quirk}
    async with sandbox(None, **quirks) as (client, state):
        tenants = await read_tenants(client)
        expected = [row["id"] for row in state.world.tenants]
    assert [tenant.id for tenant in tenants] == expected
    assert len(expected) > 30


async def test_a_tenant_is_read_with_its_id_in_lower_case() -> None:
    row = TENANT | {"showAs": "Alder", "status": "active", "contact": {"email": "private@example.com"}}
    async with served(lambda _: listed([row] if _.url.params.get("page", "1") == "1" else [])) as client:
        tenants = await read_tenants(client)
    assert tenants == (
        Tenant("aaaa0000-0000-4000-8000-000000000001", "Alder Dental", "Alder", "usage", "active"),
    )
    assert "private" not in repr(tenants)


async def test_no_tenants_are_none() -> None:
    async with served(lambda _: listed([], total=0, items=0)) as client:
        assert await read_tenants(client) == ()


async def test_a_list_without_totals_ends_with_an_empty_page() -> None:
    asked: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params.get("page", "1"))
        return listed([TENANT | {"id": f"t{asked[-1]}"}] if len(asked) < 4 else [])

    async with served(server) as client:
        assert [tenant.id for tenant in await read_tenants(client)] == ["t1", "t2", "t3"]
    assert asked == ["1", "2", "3", "4"]


async def test_pages_that_are_promised_are_read_at_the_same_time_and_each_once() -> None:
    asked: list[int] = []
    under_way = most = 0

    async def server(request: httpx.Request) -> httpx.Response:
        nonlocal under_way, most
        page = int(request.url.params.get("page", "1"))
        asked.append(page)
        under_way += 1
        most = max(most, under_way)
        for _ in range(20):
            await asyncio.sleep(0)
        under_way -= 1
        return listed([TENANT | {"id": f"t{page}"}], total=7)

    async with served(server) as client:
        assert [tenant.id for tenant in await read_tenants(client)] == [f"t{page}" for page in range(1, 8)]
    assert sorted(asked) == list(range(1, 8))
    assert most == 4


async def test_a_page_that_is_empty_before_the_last_one_is_no_answer() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        page = request.url.params.get("page", "1")
        return listed([] if page == "3" else [TENANT | {"id": f"t{page}"}], total=4)

    async with served(server) as client:
        with pytest.raises(BadAnswer, match="not complete"):
            await read_tenants(client)


@pytest.mark.parametrize(
    ("items", "match"),
    [
        ([TENANT, TENANT | {"id": TENANT["id"].lower()}], "repeats tenant aaaa0000"),
        ([without(TENANT, "id")], "tenant's id is missing"),
        ([TENANT | {"id": 7}], "tenant's id: 7 is no text"),
        (["x"], "not a list of objects"),
        ({}, "not a list of objects"),
        (None, "not a list of objects"),
    ],
)
async def test_tenants_of_another_shape_are_no_answer(items: Any, match: str) -> None:
    async with served(lambda _: listed(items, total=1)) as client:
        with pytest.raises(BadAnswer, match=match):
            await read_tenants(client)


@pytest.mark.parametrize(
    ("odd", "name", "billing", "status"),
    [
        ({"name": None, "showAs": None}, "AAAA0000-0000-4000-8000-000000000001", "usage", "active"),
        ({"name": {}, "showAs": "Alder Ltd"}, "Alder Ltd", "usage", "active"),
        ({"billingType": 5}, "Alder", "5", "active"),
        ({"status": {}}, "Alder", "usage", "{}"),
    ],
)
async def test_an_odd_tenant_stops_nobody(odd: dict[str, Any], name: str, billing: str, status: str) -> None:
    async with served(
        lambda _: listed([TENANT | {"name": "Alder", "status": "active"} | odd], total=1)
    ) as client:
        (read_as,) = await read_tenants(client)
    assert (read_as.name, read_as.billing_type, read_as.status) == (name, billing, status)


async def test_a_tenant_on_two_pages_is_no_answer() -> None:
    async with served(lambda _: listed([TENANT], total=2)) as client:
        with pytest.raises(BadAnswer, match="repeats tenant"):
            await read_tenants(client)


async def test_fewer_tenants_than_promised_are_no_answer() -> None:
    async with served(lambda _: listed([TENANT], total=1, items=2)) as client:
        with pytest.raises(BadAnswer, match="not complete: 1 of 2"):
            await read_tenants(client)


@pytest.mark.parametrize(
    "pages", [{"total": "x", "items": None, "maxSize": -1}, {"total": True, "maxSize": 0}]
)
async def test_odd_page_counts_decide_nothing(pages: dict[str, Any]) -> None:
    def server(request: httpx.Request) -> httpx.Response:
        return listed([TENANT] if request.url.params.get("page", "1") == "1" else [], **pages)

    async with served(server) as client:
        assert len(await read_tenants(client)) == 1


async def test_pages_of_another_shape_are_no_answer() -> None:
    async with served(lambda _: httpx.Response(200, json={"items": [], "pages": []})) as client:
        with pytest.raises(BadAnswer, match="`pages`"):
            await read_tenants(client)


async def test_a_refusal_for_another_reason_stays_one() -> None:
    async with served(lambda _: httpx.Response(400, json={"error": "BadRequest", "message": "no"})) as client:
        with pytest.raises(Refused, match="BadRequest"):
            await read_tenants(client)


# --- usage


async def test_the_whole_bill_is_read_by_its_keys() -> None:
    def many(world: Any) -> None:
        start = world.usage[2026, 10][0]
        world.usage[2026, 10] = [start | {"orderLineItemNumber": f"{n:06}"} for n in range(2345)]

    async with sandbox(many) as (client, state):
        usage = await read_usage(client, OCTOBER)
        keys = [request.query for request in state.requests if "/billing/usage/" in request.path]
    assert usage.month == OCTOBER
    assert usage.lines is not None
    assert [line.order_line for line in usage.lines] == [f"{n:06}" for n in range(2345)]
    assert ["pageFromKey" in query for query in keys] == [False, True, True]


async def test_no_bill_is_not_an_empty_bill() -> None:
    async with sandbox() as (client, _):
        assert (await read_usage(client, Month(2019, 1))).lines is None
    assert await bill() == ()


async def test_a_line_is_read_with_decimals_days_and_no_contact() -> None:
    [line] = await bill(LINE)
    assert line.tenant_id == "aaaa0000-0000-4000-8000-000000000001"
    assert (line.product_code, line.group) == ("CIXA-MSP", "User")
    assert (line.billable, line.actual) == (Decimal(20), Decimal("21.5"))
    assert (line.window_start, line.window_end) == (date(2026, 9, 26), date(2026, 10, 25))
    assert (line.unit_price, line.currency) == (Decimal("1.40"), "USD")
    assert (line.account_status, line.assigned_name) == ("active", "Alder")
    assert "rivate" not in repr(line)


@pytest.mark.parametrize("day", ["2021-04-31", "2021-13-01", "0000-01-01", "soon", "", None, "2026-10-251"])
async def test_a_day_that_does_not_exist_is_none(day: str | None) -> None:
    [line] = await bill(LINE | {"billingEndDate": day})
    assert line.window_end is None
    assert line.window_start == date(2026, 9, 26)


@pytest.mark.parametrize("account", [{}, {"accountId": None}, {"accountId": ""}])
async def test_a_line_without_a_tenant_is_kept(account: dict[str, Any]) -> None:
    [line] = await bill(without(LINE, "accountId") | account)
    assert line.tenant_id is None
    assert line.account_or_serial == "A1"


@pytest.mark.parametrize("quantity", ["12", "12.0", 12])
async def test_quantities_may_be_numbers_or_texts_of_numbers(quantity: Any) -> None:
    [line] = await bill(LINE | {"billableQuantity": quantity})
    assert line.billable == 12


@pytest.mark.parametrize("price", [None, "", "1,40", "free", [], True])
async def test_a_price_that_is_no_number_is_not_known(price: Any) -> None:
    [line] = await bill(LINE | {"unitPrice": price})
    assert line.unit_price is None


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"productCode": None}, "productCode is missing"),
        ({"productCode": " "}, "productCode is missing"),
        ({"productCode": 5}, "productCode: 5 is no text"),
        ({"billableQuantity": None}, "billableQuantity: None is no number"),
        ({"billableQuantity": "many"}, "billableQuantity: 'many' is no number"),
        ({"billableQuantity": True}, "billableQuantity: True is no number"),
        ({"billableQuantity": {"value": 3}}, "billableQuantity: {'value': 3} is no number"),
        ({"actualQuantity": []}, "actualQuantity: [] is no number"),
        ({"billingEndDate": 20261025}, "billingEndDate: 20261025 is no text"),
        ({"accountNumberOrSerialNumber": ["A1"]}, "accountNumberOrSerialNumber: ['A1'] is no text"),
        ({"orderNumber": {}}, "orderNumber: {} is no text"),
    ],
)
async def test_a_line_that_cannot_be_counted_is_told_from_the_others(
    wrong: dict[str, Any], problem: str
) -> None:
    """Its tenant and its order line are known, and every other line of the bill is read."""
    usage = await read(LINE, order(2) | wrong, order(3, accountId="bbbb"))
    assert [line.order_line for line in usage.lines or ()] == ["1", "3"]
    (odd,) = usage.unreadable
    assert odd.problem == problem
    assert (odd.tenant_id, odd.name) == ("aaaa0000-0000-4000-8000-000000000001", "Alder")
    assert odd.order == ("2" if "orderNumber" in wrong else "ORD-1/2")


@pytest.mark.parametrize("account", [5, {"id": "aaaa"}, ["aaaa"], True])
async def test_a_line_whose_tenant_cannot_be_read_keeps_its_order_line(account: Any) -> None:
    usage = await read(LINE, order(2, accountId=account))
    assert len(usage.lines or ()) == 1
    (odd,) = usage.unreadable
    assert (odd.tenant_id, odd.order, odd.product_code) == (None, "ORD-1/2", "CIXA-MSP")


@pytest.mark.parametrize(
    "odd",
    [
        {"productDescription": 5, "productGroup": {}},
        {"accountStatus": [], "assignedAccountIdentifier": None, "unitPriceCurrency": {}},
        {"orderNumber": 17, "orderLineItemNumber": 1, "accountNumberOrSerialNumber": 12345},
    ],
)
async def test_what_no_unit_is_counted_from_may_be_odd(odd: dict[str, Any]) -> None:
    usage = await read(LINE | odd)
    assert [line.billable for line in usage.lines or ()] == [Decimal(20)]
    assert usage.unreadable == ()


async def test_the_same_line_counts_once_and_different_ones_each() -> None:
    same = dict(LINE)
    other_customer = LINE | {"accountId": "bbbb"}
    other_quantity = LINE | {"billableQuantity": 3}
    lines = await bill(LINE, same, other_customer, other_quantity, same)
    assert [(line.tenant_id, line.billable) for line in lines] == [
        ("aaaa0000-0000-4000-8000-000000000001", 20),
        ("bbbb", 20),
        ("aaaa0000-0000-4000-8000-000000000001", 3),
    ]


async def test_lines_without_an_identity_are_never_taken_for_the_same() -> None:
    nameless = without(LINE, "orderNumber", "orderLineItemNumber")
    assert len(await bill(nameless, nameless)) == 2


@pytest.mark.parametrize("key", ["again", 7, ["x"], {}])
async def test_a_page_key_that_does_not_lead_on_is_no_answer(key: Any) -> None:
    async with served(lambda _: listed([LINE], nextKey=key)) as client:
        with pytest.raises(BadAnswer, match="does not lead on"):
            await read_usage(client, OCTOBER)


@pytest.mark.parametrize("end", [{}, {"nextKey": None}, {"nextKey": ""}])
async def test_no_next_key_is_the_end(end: dict[str, Any]) -> None:
    async with served(lambda _: listed([LINE], **end)) as client:
        assert len((await read_usage(client, OCTOBER)).lines or ()) == 1


async def test_a_bill_that_breaks_off_is_no_answer() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if "pageFromKey" in request.url.params:
            return httpx.Response(404, json={"error": "resourceNotFound"})
        return listed([LINE], nextKey="k")

    async with served(server) as client:
        with pytest.raises(BadAnswer, match="breaks off"):
            await read_usage(client, OCTOBER)


async def test_fewer_lines_than_promised_are_no_answer() -> None:
    async with served(lambda _: listed([LINE], items=50)) as client:
        with pytest.raises(BadAnswer, match="not complete: 1 of 50"):
            await read_usage(client, OCTOBER)


def paged(*pages: list[dict[str, Any]], told: dict[int, dict[str, int]] | None = None) -> Any:
    """A server of a list with page keys; `told` is what page 0, 1, … says of the whole."""

    def server(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params.get("pageFromKey", "0"))
        more = {"nextKey": str(page + 1)} if page + 1 < len(pages) else {}
        return listed(pages[page], **more, **(told or {}).get(page, {}))

    return server


def order(number: int, **more: Any) -> dict[str, Any]:
    return LINE | {"orderLineItemNumber": str(number)} | more


async def test_a_line_that_was_pushed_onto_the_next_page_makes_the_bill_unreadable() -> None:
    """Two lines a page. Behind the first page one is taken out and one put in front: the count still fits."""
    told = {0: {"items": 4}, 1: {"items": 4}}
    async with served(paged([order(1), order(2)], [order(2), order(3)], told=told)) as client:
        with pytest.raises(BadAnswer, match="order line ORD-1/2 stands on page 1 and again on page 2") as bad:
            await read_usage(client, OCTOBER)
    assert "Plan again" in bad.value.diagnostic.remedy


@pytest.mark.parametrize(
    "second",
    [
        [LINE | {"billableQuantity": 3}],
        [LINE | {"accountId": "bbbb"}],
        [LINE | {"accountNumberOrSerialNumber": "A2"}],
    ],
)
async def test_an_order_line_with_other_content_on_the_next_page_is_another(second: Any) -> None:
    async with served(paged([LINE, LINE], second)) as client:
        assert len((await read_usage(client, OCTOBER)).lines or ()) == 2


async def test_lines_without_an_identity_may_stand_on_two_pages() -> None:
    nameless = without(LINE, "orderNumber")
    async with served(paged([nameless], [nameless])) as client:
        assert len((await read_usage(client, OCTOBER)).lines or ()) == 2


@pytest.mark.parametrize(
    ("told", "match"),
    [
        ({0: {"items": 2}, 1: {"items": 3}}, "it says 2 and 3 items, and 3 were read"),
        ({0: {"items": 4}, 1: {"items": 3}}, "it says 3 and 4 items, and 3 were read"),
        ({0: {"items": 2}}, "it says 2 items, and 3 were read"),
        ({1: {"items": 4}}, "not complete: 3 of 4 items"),
        ({0: {"items": 3, "total": 3}, 1: {"items": 3}}, "not complete: 2 of 3 pages"),
        ({1: {"total": 1}}, "it says 1 pages, and 2 were read"),
    ],
)
async def test_a_bill_whose_pages_say_another_number_is_no_answer(told: Any, match: str) -> None:
    async with served(paged([order(1), order(2)], [order(3)], told=told)) as client:
        with pytest.raises(BadAnswer, match=match) as bad:
            await read_usage(client, OCTOBER)
    assert "Plan again" in bad.value.diagnostic.remedy


async def test_a_list_that_ends_before_its_last_page_is_no_answer() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        return listed([TENANT] if request.url.params.get("page", "1") == "1" else [], total=3)

    async with served(server) as client:
        with pytest.raises(BadAnswer, match="not complete: 1 of 3 pages"):
            await read_tenants(client)


async def test_a_smaller_largest_page_is_honoured() -> None:
    asked: list[dict[str, str]] = []

    def server(request: httpx.Request) -> httpx.Response:
        asked.append(dict(request.url.params))
        start = int(request.url.params.get("pageFromKey", "0"))
        more = {"nextKey": str(start + 1)} if start < 2 else {}
        return listed([LINE | {"orderLineItemNumber": str(start)}], maxSize=50, **more)

    async with served(server) as client:
        assert len((await read_usage(client, OCTOBER)).lines or ()) == 3
    assert [query["pageSize"] for query in asked] == ["1000", "50", "50", "50"]


# --- firewalls


async def test_firewalls_are_read_with_the_customer_they_are_billed_to() -> None:
    unassigned = without(FIREWALL, "billingTenant", "tenant", "licenses") | {"serialNumber": "C02"}
    empty = FIREWALL | {"serialNumber": "C03", "billingTenant": {}, "licenses": None}
    async with served(lambda _: listed([FIREWALL, unassigned, empty, FIREWALL], total=1)) as client:
        firewalls = await read_firewalls(client)
    assert firewalls == (
        FirewallLicence("C0100000000001", "XGS", "aaaa0000-0000-4000-8000-000000000001", None, ("a", "b")),
        FirewallLicence("C02", "XGS", None, None, ()),
        FirewallLicence("C03", "XGS", None, None, ()),
    )


async def test_the_sandboxs_firewalls_are_read_to_the_end() -> None:
    def many(world: Any) -> None:
        start = world.firewalls[0]
        world.firewalls[:] = [start | {"serialNumber": f"SBX{n:011}"} for n in range(120)]

    async with sandbox(many) as (client, _):
        assert len(await read_firewalls(client)) == 120


@pytest.mark.parametrize(
    "wrong",
    [
        {"serialNumber": ""},
        {"licenses": {}},
        {"licenses": [1]},
        {"billingTenant": "x"},
        {"tenant": {"id": 5}},
    ],
)
async def test_a_firewall_of_another_shape_is_no_answer(wrong: dict[str, Any]) -> None:
    async with served(lambda _: listed([FIREWALL | wrong], total=1)) as client:
        with pytest.raises(BadAnswer, match="a firewall's"):
            await read_firewalls(client)

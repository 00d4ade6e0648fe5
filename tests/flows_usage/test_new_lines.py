"""Lines that are created: the request, what comes back, and that none is ever created twice."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.flows_usage.books import MANY, Books, message, results, update
from tests.flows_usage.line_flows import additions, bodies, create, lines, move, with_new_product
from tests.support import first, lost_after, lost_before, never_connected, status, web_page

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Fault, Send

#: The fresh look before the first write reads the agreement's lines once.
LOOKED = {"skip": 1}
NEW = create(1, "MSP-EP")
START = "2026-12-01T00:00:00Z"
BODY = {
    "product": {"id": 1},
    "quantity": 12,
    "lessIncluded": 0,
    "billCustomer": "Billable",
    "unitPrice": 4,
    "unitCost": 2,
    "taxableFlag": False,
    "invoiceDescription": "MSP-EP",
    "effectiveDate": START,
}


def without_line(root: Path, **quirks: str) -> Books:
    """A customer with usage and no line for it, and one without either: a bundle reads their lines."""
    books = Books(root, quirks={name.replace("_", "-"): value for name, value in quirks.items()})
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch")
    return books.live()


@pytest.fixture
def alder(tmp_path: Path) -> Books:
    """One customer with usage and no line for it."""
    return without_line(tmp_path)


# --- what is sent


def test_a_new_line_is_sent_with_everything_that_the_plan_says(alder: Books) -> None:
    applied = alder.apply()
    assert (applied.code, results(applied), message(applied, NEW)) == (0, {NEW: "applied"}, "line #1")
    assert bodies(alder, "POST") == [(additions(1), BODY)]
    (line,) = lines(alder)
    assert {name: line[name] for name in BODY if name != "product"} == {
        name: value for name, value in BODY.items() if name != "product"
    }
    assert (line["product"]["id"], "cancelledDate" in line) == (1, False)
    assert alder.plan().ids == []
    assert (alder.apply().code, len(lines(alder))) == (0, 1)


def test_what_one_new_line_costs(alder: Books) -> None:
    """What it rests on is read again; then its product, and its agreement's lines before it and after it."""
    alder.plan()
    planning = len(alder.asked("connectwise"))
    alder.forget()
    alder.apply()
    agreements, catalog, own = "/finance/agreements", "/procurement/catalog", additions(1)
    asked = [one.replace("/v2025_1/apis/3.0", "") for one in alder.asked("connectwise")[planning:]]
    assert asked == [
        "GET /login/companyinfo/harbourlight",
        f"GET {catalog}/count", f"GET {catalog}",  # all that carry a tag
        f"GET {catalog}",  # what is called so
        "GET /finance/billingCycles",
        f"GET {agreements}/count", f"GET {agreements}",  # the company's
        f"GET {agreements}/count", f"GET {agreements}",  # their children
        f"GET {own}/count", f"GET {own}",
        "GET /company/companies",
        "GET /finance/agreementrecap/",
        f"GET {catalog}", f"GET {own}", f"POST {own}", f"GET {own}",
    ]  # fmt: skip


def test_each_further_new_line_costs_a_count_and_three_requests(books: Books) -> None:
    def cost(customers: int) -> int:
        site = Books(books.root / str(customers))
        site.root.mkdir()
        for number in range(customers):
            site.customer(f"Alder {number}", ep=(None, 10, 12))
        site.live(settings=MANY).plan()
        planning = len(site.asked("connectwise"))
        site.forget()
        assert site.apply().code == 0
        return len(site.asked("connectwise")) - planning

    assert cost(30) - cost(20) == 10 * 4


def test_a_run_of_quantities_alone_reads_nothing_again(books: Books) -> None:
    for number in range(3):
        books.customer(f"Alder {number}", ep=(10, 10, 12))
    books.live(settings=MANY).plan()
    planning = len(books.asked("connectwise"))
    books.forget()
    assert books.apply().code == 0
    assert len(books.asked("connectwise")) - planning == 1 + 3 * 2, (
        "where the API is; a look and a write each"
    )


def test_the_product_of_many_new_lines_is_looked_up_only_a_few_times(books: Books) -> None:
    for number in range(20):
        books.customer(f"Alder {number}", ep=(None, 10, 12))
    books.live(settings=MANY).plan()
    planning = sum("/procurement/catalog" in one for one in books.asked("connectwise"))
    books.forget()
    assert books.apply().code == 0
    looked_up = sum("/procurement/catalog" in one for one in books.asked("connectwise")) - planning
    assert looked_up <= 4 + 3, "as many as run at once, and the fresh look"
    assert len(books.world.tables["additions"]) == 20


def test_a_line_of_a_product_that_the_same_run_creates(books: Books) -> None:
    """Its record id is not known before."""
    with_new_product(books)
    applied = books.apply()
    assert (applied.code, results(applied)[create(1, "MSP-EM")]) == (0, "applied")
    (line,) = lines(books)
    assert (line["product"]["id"], line["unitPrice"], line["taxableFlag"]) == (3, 1.5, True)
    assert books.plan().ids == []


def test_without_its_product_no_line_is_attempted(books: Books) -> None:
    with_new_product(books)
    books.break_("POST", "/procurement/catalog", status(400))
    applied = books.apply()
    assert (applied.code, results(applied)[create(1, "MSP-EM")]) == (4, "not attempted")
    assert lines(books) == []


# --- quirks


@pytest.mark.parametrize("defaults", ["catalog", "prices", "none"])
def test_no_default_of_the_server_decides_anything(tmp_path: Path, defaults: str) -> None:
    books = without_line(tmp_path, create_defaults=defaults)
    books.world.catalog_item("MSP-EP").update(taxableFlag=True, customerDescription="Endpoint")
    applied = books.live("lines: {MSP-EP: {whenNew: {taxableFlag: false, unitPrice: 3.75}}}\n").apply()
    assert (applied.code, results(applied)) == (0, {NEW: "applied"})
    (line,) = lines(books)
    terms = [
        line[name] for name in ("quantity", "unitPrice", "unitCost", "taxableFlag", "invoiceDescription")
    ]
    assert terms == [12, 3.75, 2, False, "Endpoint"]


@pytest.mark.parametrize("decimals", ["kept", "rounded2"])
def test_quantities_have_at_most_two_places_so_that_rounding_changes_none(
    tmp_path: Path, decimals: str
) -> None:
    books = without_line(tmp_path, quantity_decimals=decimals)
    applied = books.live("lines: {MSP-EP: {minimum: 12.25, included: 2.75}}\n").apply()
    assert (applied.code, results(applied)) == (0, {NEW: "applied"})
    assert (lines(books)[0]["quantity"], lines(books)[0]["lessIncluded"]) == (12.25, 2.75)
    assert books.plan().ids == []


@pytest.mark.parametrize(("decimals", "result"), [("kept", "applied"), ("rounded2", "server kept")])
def test_a_price_that_the_server_rounds_is_said(tmp_path: Path, decimals: str, result: str) -> None:
    books = without_line(tmp_path, price_decimals=decimals)
    books.world.catalog_item("MSP-EP")["price"] = 0.0375
    applied = books.apply()
    assert results(applied) == {NEW: result}
    assert (applied.code == 0) is (result == "applied")
    if result == "server kept":
        assert "unitPrice is 0.04 instead of 0.0375" in message(applied, NEW)


@pytest.mark.parametrize("serial", ["writable", "derived"])
def test_a_firewall_s_serial_number_stands_in_the_text_where_its_field_is_not_kept(
    tmp_path: Path, serial: str
) -> None:
    books = Books(tmp_path, quirks={"addition-serial": serial})
    agreement = books.customer("Alder")
    for number in ("C0123", "C0456"):
        for month in ((2026, 10), (2026, 11)):
            books.world.add_usage_line(month, "Alder", "EP-MSP", 1, accountNumberOrSerialNumber=number)
    applied = books.live("lines: {MSP-EP: {perSerial: true}}\n").apply()
    ids = [create(agreement, "MSP-EP", f"serial/{number}") for number in ("C0123", "C0456")]
    assert (applied.code, results(applied)) == (0, dict.fromkeys(ids, "applied"))
    kept = [(line.get("serialNumber"), line["invoiceDescription"]) for line in lines(books)]
    shown = ["C0123", "C0456"] if serial == "writable" else [None, None]
    assert sorted(kept, key=str) == [
        (shown[0], "MSP-EP (C0123)"),
        (shown[1], "MSP-EP (C0456)"),
    ]
    assert [body["serialNumber"] for _, body in bodies(books, "POST")] == ["C0123", "C0456"]


@pytest.mark.parametrize("day", ["2027-03-01", "2026-12-02"])
def test_the_server_s_word_about_the_first_day(alder: Books, day: str) -> None:
    """Somebody moves the agreement's billing start while the run is under way."""
    late = first(lambda: alder.world.agreement(1).update(billStartDate=f"{day}T00:00:00Z"))
    alder.break_("POST", "/additions", late)
    applied = alder.apply()
    assert (applied.code, results(applied), lines(alder)) == (4, {NEW: "failed"}, [])
    assert "effectiveDate cannot be less than the agreement billing start date" in message(applied, NEW)


def test_an_invoice_that_is_made_in_the_same_moment_is_the_server_s_word(alder: Books) -> None:
    def invoiced() -> None:
        alder.world.agreement(1)["nextInvoiceDate"] = "2027-01-01T00:00:00Z"
        alder.world.tables["recaps"][1]["lastInvoiceDate"] = "2026-12-01T00:00:00Z"

    alder.world.tables["recaps"].setdefault(1, {"id": 1})
    alder.break_("POST", "/additions", first(invoiced))
    applied = alder.apply()
    assert (applied.code, results(applied), lines(alder)) == (4, {NEW: "failed"}, [])
    assert "this period has already been invoiced" in message(applied, NEW)


@pytest.mark.parametrize(("quirk", "result"), [("refused", "failed"), ("accepted", "applied")])
def test_an_agreement_that_is_cancelled_meanwhile(tmp_path: Path, quirk: str, result: str) -> None:
    books = without_line(tmp_path, create_on_ended_agreement=quirk)
    books.break_("POST", "/additions", first(lambda: books.world.agreement(1).update(cancelledFlag=True)))
    applied = books.apply()
    assert results(applied) == {NEW: result}
    assert ("cancelled or has expired" in message(applied, NEW)) is (quirk == "refused")


# --- what is there by now


def by_somebody(books: Books, quantity: float, **fields: Any) -> None:
    """A line that somebody else adds."""
    values = {"effectiveDate": START, "by": "anna", **fields}
    books.line(1, "MSP-EP", quantity, **values)


def test_a_line_that_somebody_made_exactly_so_is_done(alder: Books) -> None:
    somebody = first(lambda: by_somebody(alder, 12))
    alder.break_("GET", "/1/additions", somebody, times=1, **LOOKED)
    applied = alder.apply()
    assert (applied.code, results(applied), message(applied, NEW)) == (0, {NEW: "already ok"}, "line #1")
    assert alder.writes == []


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": 5},
        {"unitPrice": 4.5},
        {"lessIncluded": 1.0},
        {"billCustomer": "NoCharge"},
        {"taxableFlag": True},
        {"invoiceDescription": "Seats"},
        {"effectiveDate": "2026-11-01T00:00:00Z"},
        {"effectiveDate": "2027-02-01T00:00:00Z"},
        {"cancelledDate": "2027-06-30T00:00:00Z"},
    ],
)
def test_another_line_of_the_product_is_in_the_way(alder: Books, fields: dict[str, Any]) -> None:
    quantity = fields.pop("quantity", 12)
    alder.break_(
        "GET", "/1/additions", first(lambda: by_somebody(alder, quantity, **fields)), times=1, **LOOKED
    )
    applied = alder.apply()
    assert (applied.code, results(applied), alder.writes) == (4, {NEW: "failed"}, [])
    assert f"a line of MSP-EP exists by now (#1, quantity {quantity}, from " in message(applied, NEW)
    assert "Nothing was sent; plan again" in message(applied, NEW)


def test_two_lines_are_in_the_way_though_one_is_as_wanted(alder: Books) -> None:
    def two() -> None:
        by_somebody(alder, 12)
        by_somebody(alder, 12)

    alder.break_("GET", "/1/additions", first(two), times=1, **LOOKED)
    applied = alder.apply()
    assert (results(applied), alder.writes) == ({NEW: "failed"}, [])
    assert "#1, quantity 12, from 2026-12-01 and #2, quantity 12" in message(applied, NEW)


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": 5, "cancelledDate": "2026-11-30T00:00:00Z", "effectiveDate": "2026-01-01T00:00:00Z"},
        {"quantity": 0, "cancelledDate": START},
    ],
)
def test_a_line_that_bills_nothing_from_the_first_day_on_is_not(alder: Books, fields: dict[str, Any]) -> None:
    quantity = fields.pop("quantity")
    alder.break_(
        "GET", "/1/additions", first(lambda: by_somebody(alder, quantity, **fields)), times=1, **LOOKED
    )
    applied = alder.apply()
    assert (applied.code, results(applied), len(lines(alder))) == (0, {NEW: "applied"}, 2)


def with_fixed_line(books: Books) -> Books:
    """The line of ten moves to a new price, and the fixed line of two stays."""
    agreement = books.customer("Alder", ep=(10, 12, 12), more=", lines: {MSP-EP: {line: 1, fixed: [2]}}")
    books.line(agreement, "MSP-EP", 2)
    books.customer("Birch")
    books.world.addition(1)["unitPrice"] = 3.5
    return books.live("products: {MSP-EP: {price: 4.00, linePrice: follow}}\n")


def test_a_fixed_line_beside_it_is_not_in_the_way(books: Books) -> None:
    applied = with_fixed_line(books).apply()
    ids = [move(1, "MSP-EP", "line/1"), move(1, "MSP-EP")]
    assert (applied.code, results(applied)) == (0, dict.fromkeys(ids, "applied"))
    assert [(one["quantity"], one["unitPrice"]) for one in lines(books)] == [(10, 3.5), (2, 4), (10, 4)]


def test_a_fixed_line_that_moved_meanwhile_is(books: Books) -> None:
    raised = first(lambda: books.world.addition(2).update(quantity=5.0))
    with_fixed_line(books).break_("GET", "/1/additions", raised, **LOOKED)
    applied = books.apply()
    assert (applied.code, results(applied)[move(1, "MSP-EP")]) == (4, "failed")
    assert "#2, quantity 5" in message(applied, move(1, "MSP-EP"))


@pytest.mark.parametrize("name", ["MSP-GONE", "MSP-SV"])
def test_a_product_that_is_called_otherwise_by_now(alder: Books, name: str) -> None:
    """A run's own look at its product comes before the look at the agreement's lines."""
    planned = alder.plan()
    assert planned.ids == [NEW]
    reads = sum("/procurement/catalog" in one for one in alder.asked("connectwise"))
    renamed = first(lambda: alder.world.catalog_item("MSP-EP").update(identifier=name))
    alder.break_("GET", "/procurement/catalog", renamed, times=1, skip=reads + 2)
    applied = alder.apply()
    assert (applied.code, results(applied), alder.writes) == (4, {NEW: "failed"}, [])
    assert "not exactly one product MSP-EP" in message(applied, NEW)


def test_a_second_product_of_that_name(alder: Books) -> None:
    alder.plan()
    reads = sum("/procurement/catalog" in one for one in alder.asked("connectwise"))
    second = first(lambda: _add_product(alder, "msp-ep"))
    alder.break_("GET", "/procurement/catalog", second, times=1, skip=reads + 2)
    applied = alder.apply()
    assert (results(applied), alder.writes) == ({NEW: "failed"}, [])
    assert "not exactly one product MSP-EP" in message(applied, NEW)


def _add_product(books: Books, identifier: str) -> None:
    books.world.add_catalog_item(identifier)


def test_an_agreement_that_is_gone_by_now(alder: Books) -> None:
    alder.break_(
        "GET", "/1/additions", first(lambda: alder.world.tables["agreements"].clear()), times=1, **LOOKED
    )
    applied = alder.apply()
    assert (applied.code, results(applied), alder.writes) == (4, {NEW: "failed"}, [])
    assert "agreement #1 is no longer there; plan again" in message(applied, NEW)


# --- what goes wrong on the way


@pytest.mark.parametrize("fault", [status(429), never_connected])
def test_what_was_surely_not_sent_is_sent_again(alder: Books, fault: Fault) -> None:
    alder.break_("POST", "/additions", fault, times=2)
    applied = alder.apply()
    assert (applied.code, results(applied), len(lines(alder))) == (0, {NEW: "applied"}, 1)
    assert len(bodies(alder, "POST")) == 1


async def fails_after(request: httpx.Request, send: Send) -> httpx.Response:
    """The line is created, and a proxy answers 502."""
    await send(request)
    return httpx.Response(502, html="Bad gateway", request=request)


async def page_after(request: httpx.Request, send: Send) -> httpx.Response:
    """The line is created, and a proxy answers a page."""
    await send(request)
    return httpx.Response(200, html="<html></html>", request=request)


@pytest.mark.parametrize("fault", [lost_after, fails_after, page_after])
def test_a_lost_answer_is_looked_up_and_nothing_is_sent_again(alder: Books, fault: Fault) -> None:
    alder.break_("POST", "/additions", fault)
    applied = alder.apply()
    assert (applied.code, results(applied), len(lines(alder))) == (0, {NEW: "applied"}, 1)
    assert message(applied, NEW) == "line #1; the answer was lost; found as wanted when looked up"
    assert len(bodies(alder, "POST")) == 1
    alder.mend()
    assert alder.plan().ids == []


@pytest.mark.parametrize("fault", [lost_before, status(500), web_page])
def test_what_is_not_found_is_unsure_and_not_sent_again(alder: Books, fault: Fault) -> None:
    alder.break_("POST", "/additions", fault)
    alder.forget()
    applied = alder.apply()
    assert (applied.code, results(applied), lines(alder)) == (4, {NEW: "unsure"}, [])
    said = message(applied, NEW)
    assert "looked up for 17 s and not found. It was not sent again in this run" in said
    assert "plan again in a few minutes" in said
    looks = [one for one in alder.asked("connectwise") if one.endswith("/1/additions")]
    assert looks == [looks[0]] * 5, "twice before, and after 2, 5 and 10 s"
    alder.mend()
    assert (alder.apply().code, len(lines(alder))) == (0, 1)


async def late(request: httpx.Request, send: Send) -> httpx.Response:
    """The line is created some seconds after the connection broke."""

    async def arrive() -> None:
        await asyncio.sleep(6)
        await send(request)

    _UNDER_WAY.append(asyncio.create_task(arrive()))
    raise httpx.ReadTimeout("no answer", request=request)


_UNDER_WAY: list[Any] = []


def test_a_line_that_arrives_late_is_found(alder: Books) -> None:
    alder.break_("POST", "/additions", late)
    applied = alder.apply()
    assert (applied.code, results(applied), len(lines(alder))) == (0, {NEW: "applied"}, 1)


def test_what_is_found_with_other_values_is_unsure(alder: Books) -> None:
    async def others(request: httpx.Request, send: Send) -> httpx.Response:
        by_somebody(alder, 5)
        return await lost_before(request, send)

    alder.break_("POST", "/additions", others)
    applied = alder.apply()
    assert (applied.code, results(applied)) == (4, {NEW: "unsure"})
    said = message(applied, NEW)
    assert "a line of MSP-EP is there now (#1, quantity 5, from 2026-12-01), with other values: " in said
    assert "quantity is 5 instead of 12" in said


def test_a_lost_line_that_cannot_be_looked_up_is_unsure(alder: Books) -> None:
    alder.break_("POST", "/additions", lost_after)
    alder.break_("GET", "/1/additions", status(500), skip=2)
    applied = alder.apply()
    assert (applied.code, results(applied)) == (4, {NEW: "unsure"})
    assert "looking it up failed too" in message(applied, NEW)
    assert "not sent again in this run" in message(applied, NEW)


def test_without_the_permission_it_is_named(alder: Books) -> None:
    alder.break_("POST", "/1/additions", status(403))
    applied = alder.apply()
    assert (applied.code, results(applied)) == (4, {NEW: "failed"})
    assert "Probably missing: Finance > Agreements: Add = All" in message(applied, NEW)


async def repriced(request: httpx.Request, send: Send) -> httpx.Response:
    """The server keeps another price and an end."""
    answer = await send(request)
    await answer.aread()
    body = {**answer.json(), "unitPrice": 9.0, "cancelledDate": "2026-12-31T00:00:00Z"}
    return httpx.Response(201, json=body, request=request)


def test_what_the_server_keeps_otherwise_is_named(alder: Books) -> None:
    alder.break_("POST", "/additions", repriced)
    applied = alder.apply()
    assert (applied.code, results(applied)) == (4, {NEW: "server kept"})
    said = message(applied, NEW)
    assert said.startswith("line #1: ConnectWise kept another value: unitPrice is 9 instead of 4.00")
    assert "it ends on 2026-12-31" in said


def test_where_the_server_takes_no_filter_all_lines_are_looked_through(alder: Books) -> None:
    async def no_filter(request: httpx.Request, send: Send) -> httpx.Response:
        return await (status(400)(request, send) if "conditions" in request.url.params else send(request))

    alder.line(1, "MSP-SV", 3)
    alder.world.add_usage_line((2026, 11), "Alder", "SV-MSP", 3)
    alder.break_("GET", "/1/additions", no_filter)
    applied = alder.apply()
    assert results(applied)[NEW] == "applied"
    again = alder.apply()
    assert (results(again).get(NEW), len(lines(alder))) == (None, 2)


# --- two runs at once


def test_a_second_run_that_starts_after_the_first_one_s_request_finds_it_done(alder: Books) -> None:
    """Both were planned before; the second one looks once the first one's line is there."""
    second: list[Any] = []

    def run_first() -> None:
        alder.mend()
        with _Elsewhere():
            second.append(alder.apply())

    alder.break_("GET", "/1/additions", first(run_first), times=1, **LOOKED)
    outer = alder.apply()
    assert results(second[0]) == {NEW: "applied"}
    assert (outer.code, results(outer), len(lines(alder))) == (0, {NEW: "already ok"}, 1)


class _Elsewhere:
    """A command inside of another one's event loop, as if it ran on another machine."""

    def __enter__(self) -> None:
        self._running = asyncio._get_running_loop()
        asyncio._set_running_loop(None)

    def __exit__(self, *_: object) -> None:
        asyncio._set_running_loop(self._running)


def test_a_line_that_is_raised_is_written_beside_it(books: Books) -> None:
    books.customer("Alder", ep=(None, 10, 12), sv=(3, 3, 4))
    applied = books.live().apply()
    assert results(applied) == {NEW: "applied", update(1, "MSP-SV"): "applied"}

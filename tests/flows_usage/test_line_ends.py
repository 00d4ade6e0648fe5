"""Lines that end, and lines that move: the old one ends first, and what waits for it waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.flows_usage.books import Books, message, results, update
from tests.flows_usage.line_flows import additions, create, end, lines, move
from tests.support import first, ignored, lost_after, lost_before, status

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Fault, Send

LAST = "2026-11-30T00:00:00Z"
END = end(1, "MSP-EP")
OLD, NEW = move(1, "MSP-EP", "line/1"), move(1, "MSP-SV")


def ending(root: Path, quantity: float = 10, **quirks: str) -> Books:
    """A customer that has left, by its row's own word."""
    books = Books(root, quirks={name.replace("_", "-"): value for name, value in quirks.items()})
    books.customer("Alder", ep=(quantity, 10, 10), more=", ended: 2026-11-15")
    books.customer("Birch", ep=(20, 20, 20))
    return books.live()


@pytest.fixture
def leaving(tmp_path: Path) -> Books:
    """A customer that has left, by its row's own word."""
    return ending(tmp_path)


def moving(root: Path, **quirks: str) -> Books:
    """The code of Alder's line belongs to another product now."""
    books = Books(root, quirks={name.replace("_", "-"): value for name, value in quirks.items()})
    books.customer("Alder", ep=(10, 10, 10))
    books.customer("Birch")
    books.world.catalog_item("MSP-EP")["notes"] = "[sophos:main EP-MSP (former)]"
    books.world.catalog_item("MSP-SV")["notes"] = "[sophos:main EP-MSP]"
    books.mapped = {"EP-MSP": "{product: MSP-SV, sync: true}"}
    return books.live()


@pytest.fixture
def moved(tmp_path: Path) -> Books:
    """The code of Alder's line belongs to another product now."""
    return moving(tmp_path)


# --- ends


@pytest.mark.parametrize("clearing", ["remove", "replace-null", "refused"])
def test_an_end_is_one_day_in_the_one_form_that_is_accepted(tmp_path: Path, clearing: str) -> None:
    """Nothing is ever cleared, so that it does not matter how that would be done."""
    books = ending(tmp_path, clear_cancelled_date=clearing)
    applied = books.apply()
    assert (applied.code, results(applied)) == (0, {END: "applied"})
    assert books.bodies() == [[{"op": "add", "path": "cancelledDate", "value": LAST}]]
    assert books.writes == [f"PATCH {additions(1, 1)}"]
    assert lines(books)[0]["cancelledDate"] == LAST
    assert books.plan().ids == []


def test_what_one_end_costs(leaving: Books) -> None:
    leaving.plan()
    planning = len(leaving.asked("connectwise"))
    leaving.forget()
    leaving.apply()
    fresh = 11  # tagged products, the company with agreements, lines, and their numbers; invoices' sum
    assert len(leaving.asked("connectwise")) - planning == 2 + 1 + fresh, "and where the API is"


@pytest.mark.parametrize("quirk", ["accepted", "refused"])
def test_a_line_that_would_begin_later_ends_on_its_own_first_day_with_no_units(
    tmp_path: Path, quirk: str
) -> None:
    """No day before its first one is sent, whether the server takes it or not."""
    books = ending(tmp_path, cancel_before_start=quirk)
    books.world.addition(1)["effectiveDate"] = "2026-12-01T00:00:00Z"
    applied = books.apply()
    assert (applied.code, results(applied)) == (0, {END: "applied"})
    assert books.patches == [
        (additions(1, 1), {"cancelledDate": "2026-12-01T00:00:00Z", "quantity": 0}),
    ]
    assert books.plan().ids == []


@pytest.mark.parametrize(("quirk", "result"), [("accepted", "applied"), ("refused", "failed")])
def test_a_quantity_in_an_invoiced_period_is_the_server_s_word(
    tmp_path: Path, quirk: str, result: str
) -> None:
    books = Books(tmp_path, quirks={"patch-in-invoiced-period": quirk})
    books.customer("Alder", ep=(10, 10, 12))
    books.world.tables["recaps"][1] = {"id": 1, "lastInvoiceDate": "2026-11-01T00:00:00Z"}
    applied = books.live().apply()
    assert results(applied) == {update(1, "MSP-EP"): result}
    said = "current period has already been invoiced" in message(applied, update(1, "MSP-EP"))
    assert said is (quirk == "refused")


@pytest.mark.parametrize("quirk", ["accepted", "refused"])
def test_an_end_in_an_invoiced_period_carries_no_quantity(tmp_path: Path, quirk: str) -> None:
    books = ending(tmp_path, patch_in_invoiced_period=quirk)
    books.world.tables["recaps"][1] = {"id": 1, "lastInvoiceDate": "2026-11-01T00:00:00Z"}
    assert results(books.apply()) == {END: "applied"}


def test_a_line_that_somebody_ended_exactly_so_is_done(leaving: Books) -> None:
    ended = first(lambda: leaving.world.addition(1).update(cancelledDate=LAST))
    leaving.break_("GET", additions(1, 1), ended)
    applied = leaving.apply()
    assert (applied.code, results(applied), leaving.writes) == (0, {END: "already ok"}, [])


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (
            {"cancelledDate": "2027-01-31T00:00:00Z"},
            "cancelledDate of line #1 is 2027-01-31, the plan expected not set",
        ),
        ({"quantity": 11.0}, "quantity of line #1 is 11, the plan expected 10"),
        ({"unitPrice": 4.004}, "unitPrice of line #1 is 4.004, the plan expected 4"),
        ({"lessIncluded": 1.0}, "lessIncluded of line #1 is 1, the plan expected 0"),
        ({"billCustomer": "NoCharge"}, "billCustomer of line #1 is NoCharge, the plan expected Billable"),
    ],
)
def test_what_its_money_rests_on_must_still_be_so(leaving: Books, fields: dict[str, Any], what: str) -> None:
    leaving.break_("GET", additions(1, 1), first(lambda: leaving.world.addition(1).update(fields)))
    applied = leaving.apply()
    assert (applied.code, results(applied), leaving.writes) == (4, {END: "failed"}, [])
    assert message(applied, END) == f"{what}. Nothing was written to it; plan again"


@pytest.mark.parametrize(
    "fields", [{"unitPrice": 5.0}, {"lessIncluded": 1.0}, {"cancelledDate": LAST}, {"taxableFlag": True}]
)
def test_so_must_an_update_s(busy: Books, fields: dict[str, Any]) -> None:
    busy.break_("GET", additions(1, 1), first(lambda: busy.world.addition(1).update(fields)))
    applied = busy.apply()
    assert (applied.code, results(applied)[update(1, "MSP-EP")], busy.quantity(1)) == (4, "failed", 10)
    assert "the plan expected" in message(applied, update(1, "MSP-EP"))


@pytest.mark.parametrize("fields", [{"unitCost": 5.0}, {"invoiceDescription": "Seats"}])
def test_what_its_money_does_not_rest_on_may_move(leaving: Books, fields: dict[str, Any]) -> None:
    leaving.break_("GET", additions(1, 1), first(lambda: leaving.world.addition(1).update(fields)))
    assert results(leaving.apply()) == {END: "applied"}


@pytest.mark.parametrize(
    ("fault", "result"),
    [(ignored, "server kept"), (status(400), "failed"), (status(500), "unsure"), (lost_after, "applied")],
)
def test_what_is_said_of_an_end_that_goes_wrong(leaving: Books, fault: Fault, result: str) -> None:
    leaving.break_("PATCH", additions(1, 1), fault)
    applied = leaving.apply()
    assert results(applied) == {END: result}
    if result == "server kept":
        assert "cancelledDate is not set instead of 2026-11-30" in message(applied, END)
    leaving.mend()
    assert leaving.apply().code == 0
    assert leaving.plan().ids == []


async def another_day(request: httpx.Request, send: Send) -> httpx.Response:
    """The server keeps a day of its own, and another quantity than there was."""
    answer = await send(request)
    await answer.aread()
    body = {**answer.json(), "cancelledDate": "2026-12-31T00:00:00Z", "quantity": 7.0}
    return httpx.Response(200, json=body, request=request)


def test_another_day_than_was_sent_is_named(leaving: Books) -> None:
    leaving.break_("PATCH", additions(1, 1), another_day)
    applied = leaving.apply()
    assert (applied.code, results(applied)) == (4, {END: "server kept"})
    assert "cancelledDate is 2026-12-31 instead of 2026-11-30" in message(applied, END)
    assert "changed at the same moment: quantity: 10" in message(applied, END)


# --- moves


def test_the_old_line_ends_and_then_the_new_one_starts(moved: Books) -> None:
    applied = moved.apply()
    assert (applied.code, results(applied)) == (0, {OLD: "applied", NEW: "applied"})
    assert moved.writes == [f"PATCH {additions(1, 1)}", f"POST {additions(1)}"]
    (_, body), (_, created) = moved.patches
    assert body == {"cancelledDate": LAST}
    assert (created["product"], created["effectiveDate"]) == ({"id": 2}, "2026-12-01T00:00:00Z")
    assert moved.plan().ids == []


@pytest.mark.parametrize("fault", [ignored, lost_before, status(400), status(403)])
def test_while_the_old_line_is_there_the_new_one_is_not_created(moved: Books, fault: Fault) -> None:
    moved.break_("PATCH", additions(1, 1), fault)
    applied = moved.apply()
    assert (applied.code, results(applied)[NEW], len(lines(moved))) == (4, "not attempted", 1)
    assert "because agreement/1/line/1 was not written" in message(applied, NEW)
    moved.mend()
    assert moved.apply().code == 0
    assert [line.get("cancelledDate") for line in lines(moved)] == [LAST, None]


def test_a_move_whose_new_line_fails_is_finished_by_the_next_run(moved: Books) -> None:
    moved.break_("POST", additions(1), status(400))
    applied = moved.apply()
    assert (applied.code, results(applied)) == (4, {OLD: "applied", NEW: "failed"})
    moved.mend()
    assert moved.plan().ids == [create(1, "MSP-SV")]
    assert (moved.apply().code, moved.plan().ids) == (0, [])
    assert [line["quantity"] for line in lines(moved)] == [10, 10]

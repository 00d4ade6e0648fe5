"""Periods by the calendar, lines that begin inside an invoiced period, and invoices that are undone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.api import Api
from tests.sandbox.test_additions import LINES, NEXT, body, messages

if TYPE_CHECKING:
    from reconciler.sandbox.world import Row, World

INVOICE = "finance/agreements/1/invoice"
RECAP = "finance/agreementrecap/1"
NOTE = "Alpha product This item has been prorated with a start date of {}."


def midnight(day: str) -> str:
    return f"{day}T00:00:00Z"


def invoiced(api: Api) -> Row:
    """The invoice of the next period, made over the API."""
    answer = api.connectwise("POST", INVOICE)
    assert answer.status_code == 201, answer.json()
    invoice: Row = api.world.tables["invoices"][answer.json()]
    return invoice


def shown(invoice: Row) -> list[tuple[int, int, int, float]]:
    """Each line of the invoice: the addition, its days, of how many, and the money."""
    return [(line["additionId"], line["days"], line["ofDays"], line["amount"]) for line in invoice["lines"]]


def in_step(api: Api) -> None:
    """What the recap announces is what the next invoice comes to."""
    announced = api.get(RECAP).json()["nextInvoiceAmount"]
    assert announced == invoiced(api)["total"]


# --- invoicingCycle


@pytest.mark.parametrize(
    ("cycle", "first", "following"),
    [
        ("Monthly", "2026-11-15", ["2026-12-01", "2027-01-01", "2027-02-01"]),
        ("Monthly", "2026-12-31", ["2027-01-01", "2027-02-01"]),
        ("BiMonthly", "2026-12-01", ["2027-01-01", "2027-03-01", "2027-05-01"]),
        ("Quarterly", "2026-11-15", ["2027-01-01", "2027-04-01", "2027-07-01", "2027-10-01", "2028-01-01"]),
        ("SemiAnnual", "2026-08-20", ["2027-01-01", "2027-07-01"]),
        ("Yearly", "2026-02-03", ["2027-01-01", "2028-01-01"]),
        ("Weekly", "2026-12-28", ["2027-01-04"]),
    ],
)
def test_by_the_calendar_periods_begin_on_the_first_whatever_the_billing_start(
    world: World, cycle: str, first: str, following: list[str]
) -> None:
    agreement = world.agreement(1)
    agreement.update({"billStartDate": midnight(first), "nextInvoiceDate": midnight(first)})
    agreement.update({"billingCycle": {"id": 99, "name": cycle}, "invoicingCycle": "CalendarYear"})
    api, found = Api(world), []
    for _ in following:
        invoiced(api)
        found.append(agreement["nextInvoiceDate"])
    assert found == [midnight(day) for day in following]


@pytest.mark.parametrize(
    ("first", "cycle", "shown"),
    [
        ("2026-12-01", "Monthly", "CalendarYear"),
        ("2026-12-15", "Monthly", "ContractYear"),
        ("2026-12-01", "Quarterly", "ContractYear"),
        ("2027-01-01", "Quarterly", "CalendarYear"),
    ],
)
def test_a_made_up_agreement_goes_by_what_its_date_fits(
    world: World, first: str, cycle: str, shown: str
) -> None:
    made = world.add_agreement("FIRST", "Other", nextInvoiceDate=midnight(first), billingCycle=cycle)
    assert Api(world).get(f"finance/agreements/{made['id']}").json()["invoicingCycle"] == shown


@pytest.mark.parametrize(("prorates", "amount"), [(True, 22.4), (False, 42.0)])
def test_a_short_first_period(world: World, prorates: bool, amount: float) -> None:
    """From 15 to 30 November: 16 of 30 days where the agreement prorates, else whole."""
    start = midnight("2026-11-15")
    world.agreement(1).update({"billStartDate": start, "nextInvoiceDate": start, "prorateFlag": prorates})
    world.tables["recaps"].clear()
    world.addition(1)["effectiveDate"] = start
    api = Api(world)
    assert invoiced(api)["total"] == amount
    assert invoiced(api)["total"] == 42.0


# --- lines that begin inside an invoiced period


@pytest.fixture
def prorating(world: World) -> Api:
    """November is invoiced, with ten units at 4.20; the agreement prorates."""
    world.agreement(1)["prorateFlag"] = True
    return Api(world)


def late_line(api: Api, start: str = "2026-11-16", **changes: Any) -> Row:
    answer = api.post(LINES, body(effectiveDate=midnight(start), quantity=10, unitPrice=3.0, **changes))
    assert answer.status_code == 201, answer.json()
    row: Row = answer.json()
    return row


def test_the_next_invoice_makes_up_for_the_days_before_it(prorating: Api) -> None:
    late_line(prorating)
    assert prorating.get(RECAP).json()["nextInvoiceAmount"] == 87.0
    invoice = invoiced(prorating)
    assert shown(invoice) == [(1, 31, 31, 42.0), (2, 15, 30, 15.0), (2, 31, 31, 30.0)]
    assert [line["text"] for line in invoice["lines"]] == [
        "Alpha product",
        NOTE.format("2026-11-16"),
        "Alpha product",
    ]
    assert shown(invoiced(prorating)) == [(1, 31, 31, 42.0), (2, 31, 31, 30.0)]


def test_every_period_since_the_start_is_made_up_for(prorating: Api) -> None:
    late_line(prorating, "2026-09-21")
    owed = [(2, 10, 30, 10.0), (2, 31, 31, 30.0), (2, 30, 30, 30.0)]
    assert shown(invoiced(prorating)) == [(1, 31, 31, 42.0), *owed, (2, 31, 31, 30.0)]


def test_a_line_that_came_after_an_invoice_made_here(prorating: Api) -> None:
    invoiced(prorating)
    late_line(prorating, "2026-12-22")
    in_step(prorating)
    assert shown(list(prorating.world.rows("invoices"))[-1])[1:] == [(2, 10, 31, 9.68), (2, 31, 31, 30.0)]


def test_a_line_that_was_known_to_begin_later_is_billed_once(prorating: Api) -> None:
    late_line(prorating, "2026-12-22")
    assert shown(invoiced(prorating))[1:] == [(2, 10, 31, 9.68)]
    assert next(prorating.world.rows("invoices"))["lines"][1]["text"] == NOTE.format("2026-12-22")
    assert shown(invoiced(prorating))[1:] == [(2, 31, 31, 30.0)]


def test_a_start_that_is_brought_forward_owes_the_days_between(prorating: Api) -> None:
    line = late_line(prorating, "2026-12-22")
    invoiced(prorating)
    path = f"{LINES}/{line['id']}"
    prorating.patch(path, ("replace", "effectiveDate", midnight("2026-12-02")))
    assert shown(invoiced(prorating))[1:] == [(2, 20, 31, 19.35), (2, 31, 31, 30.0)]
    prorating.patch(path, ("replace", "effectiveDate", midnight("2026-12-01")))
    assert shown(invoiced(prorating))[1:] == [(2, 1, 31, 0.97), (2, 28, 28, 30.0)]
    assert shown(invoiced(prorating))[1:] == [(2, 31, 31, 30.0)]


def test_a_late_line_that_has_ended_owes_its_own_days(prorating: Api) -> None:
    line = late_line(prorating)
    prorating.patch(f"{LINES}/{line['id']}", ("add", "cancelledDate", midnight("2026-11-20")))
    assert shown(invoiced(prorating)) == [(1, 31, 31, 42.0), (2, 5, 30, 5.0)]
    assert shown(invoiced(prorating)) == [(1, 31, 31, 42.0)]


def test_nothing_that_was_invoiced_is_charged_back_or_made_up_by_a_quantity(prorating: Api) -> None:
    invoiced(prorating)
    changes = (("replace", "quantity", 20), ("add", "cancelledDate", midnight("2026-12-10")))
    assert prorating.patch(f"{LINES}/1", changes[0]).status_code == 200
    assert invoiced(prorating)["total"] == 84.0
    assert prorating.patch(f"{LINES}/1", changes[1]).status_code == 200
    assert invoiced(prorating)["total"] == 0.0


@pytest.mark.parametrize("fields", [{"billCustomer": "DoNotBill"}, {"quantity": 0}])
def test_what_is_not_billed_owes_nothing(prorating: Api, fields: dict[str, Any]) -> None:
    line = late_line(prorating)
    prorating.world.addition(line["id"]).update(fields)
    assert invoiced(prorating)["total"] == 42.0


def test_a_line_that_was_there_and_not_billed_is_not_made_up_for(prorating: Api) -> None:
    prorating.world.addition(1)["billCustomer"] = "DoNotBill"
    invoiced(prorating)
    prorating.patch(f"{LINES}/1", ("replace", "billCustomer", "Billable"))
    assert invoiced(prorating)["total"] == 42.0


def test_without_proration_the_days_before_are_not_billed(api: Api) -> None:
    """As where the flag was taken off after the line was made: full amount, nothing for November."""
    api.world.agreement(1)["prorateFlag"] = True
    late_line(api)
    api.world.agreement(1)["prorateFlag"] = False
    assert shown(invoiced(api)) == [(1, 31, 31, 42.0), (2, 31, 31, 30.0)]


def test_the_dates_that_are_refused(prorating: Api) -> None:
    refused = prorating.post(LINES, body(effectiveDate=midnight("2024-12-31")))
    assert messages(refused) == [
        ("effectiveDate", "effectiveDate cannot be less than the agreement billing start date")
    ]
    prorating.world.agreement(1)["prorateFlag"] = False
    [(field, message)] = messages(prorating.post(LINES, body(effectiveDate=midnight("2026-11-16"))))
    assert field == "effectiveDate"
    assert "Please prorate the agreement" in message


def test_bill_prorated_immediately(prorating: Api) -> None:
    """An invoice of its own for the days that are owed; the next invoice date stays where it is."""
    prorating.world.agreement(1)["invoiceProratedAdditionsFlag"] = True
    late_line(prorating)
    [at_once] = prorating.world.rows("invoices")
    assert (shown(at_once), at_once["date"]) == ([(2, 15, 30, 15.0)], midnight("2026-11-22"))
    assert at_once["lines"][0]["text"] == NOTE.format("2026-11-16")
    assert prorating.get("finance/agreements/1").json()["nextInvoiceDate"] == NEXT
    recap = prorating.get(RECAP).json()
    assert (recap["lastInvoiceDate"], recap["lastInvoiceAmount"]) == (midnight("2026-11-22"), "15.00")
    assert shown(invoiced(prorating)) == [(1, 31, 31, 42.0), (2, 31, 31, 30.0)]


@pytest.mark.parametrize("start", ["2026-12-01", "2026-12-10"])
def test_nothing_is_billed_at_once_where_nothing_is_owed(prorating: Api, start: str) -> None:
    prorating.world.agreement(1)["invoiceProratedAdditionsFlag"] = True
    late_line(prorating, start)
    assert list(prorating.world.rows("invoices")) == []


def test_the_flag_alone_bills_nothing_at_once(prorating: Api) -> None:
    prorating.world.agreement(1).update({"invoiceProratedAdditionsFlag": True})
    late_line(prorating, billCustomer="NoCharge")
    assert list(prorating.world.rows("invoices")) == []


# --- an invoice is undone


def state(api: Api) -> Any:
    return api.get("finance/agreements/1").json(), api.get(RECAP).json(), list(api.world.rows("invoices"))


def undo(api: Api, number: int) -> Any:
    return api.connectwise("DELETE", f"finance/invoices/{number}")


def test_an_undone_invoice_puts_its_period_back(prorating: Api) -> None:
    late_line(prorating)
    before = state(prorating)
    first = invoiced(prorating)
    assert undo(prorating, first["id"]).status_code == 204
    assert state(prorating) == before
    prorating.patch(f"{LINES}/2", ("replace", "quantity", 20))
    again = invoiced(prorating)
    assert shown(again) == [(1, 31, 31, 42.0), (2, 15, 30, 30.0), (2, 31, 31, 60.0)]
    assert again["invoiceNumber"] != first["invoiceNumber"]


def test_an_invoice_that_was_made_at_once_can_be_undone(prorating: Api) -> None:
    prorating.world.agreement(1)["invoiceProratedAdditionsFlag"] = True
    before = state(prorating)
    late_line(prorating)
    assert undo(prorating, 1).status_code == 204
    after = state(prorating)
    assert (after[0], after[2]) == (before[0], before[2])
    assert after[1]["lastInvoiceDate"] == before[1]["lastInvoiceDate"]
    assert invoiced(prorating)["total"] == 87.0


def test_only_the_newest_invoice_can_be_undone(prorating: Api) -> None:
    one, other = invoiced(prorating), invoiced(prorating)
    assert undo(prorating, one["id"]).status_code == 400
    assert [undo(prorating, number).status_code for number in (other["id"], one["id"])] == [204, 204]
    assert undo(prorating, one["id"]).status_code == 404


def test_undoing_needs_the_right_to_write(world: World) -> None:
    invoiced(Api(world))
    assert undo(Api(world, "readonly"), 1).status_code == 403


# --- what an addition says of itself


@pytest.mark.parametrize(
    ("line", "agreement", "said"),
    [
        ({}, {}, "Active"),
        ({"cancelledDate": "2026-11-22"}, {}, "Active"),
        ({"cancelledDate": "2026-11-21"}, {}, "Cancelled"),
        ({"cancelledDate": "2026-11-21"}, {"agreementStatus": "Expired"}, "Cancelled"),
        ({"effectiveDate": "2026-11-23"}, {}, "Inactive"),
        ({}, {"agreementStatus": "Inactive"}, "Inactive"),
        ({}, {"agreementStatus": "Expired"}, "Expired"),
        ({}, {"endDate": "2026-11-21T00:00:00Z"}, "Expired"),
        ({}, {"endDate": "2026-11-22T00:00:00Z"}, "Active"),
    ],
)
def test_the_status_of_an_addition(
    api: Api, line: dict[str, str], agreement: dict[str, str], said: str
) -> None:
    api.world.addition(1).update({name: midnight(day) for name, day in line.items()})
    api.world.agreement(1).update(agreement)
    assert api.get(f"{LINES}/1").json()["additionStatus"] == said
    assert [row["id"] for row in api.get(LINES, conditions=f'additionStatus="{said}"').json()] == [1]


def test_prices_keep_four_places_in_product_line_and_extended_price(api: Api) -> None:
    """The vendor's example of an accounting connector: 5.2456 × 100 = 524.56."""
    product = api.patch("procurement/catalog/1", ("replace", "price", 5.2456)).json()
    row = api.post(LINES, body(quantity=100)).json()
    assert (product["price"], row["unitPrice"], row["extPrice"]) == (5.2456, 5.2456, 524.56)
    api.world.tables["additions"].pop(1)
    assert invoiced(api)["total"] == 524.56

"""Invoices: which period, which additions, how much, and what an agreement and its recap say afterwards."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.errors import Refused
from reconciler.sandbox.invoicing import make_invoice, make_invoices
from tests.sandbox.api import Api
from tests.sandbox.test_additions import LINES, NEXT, body

if TYPE_CHECKING:
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row, World

INVOICE = "finance/agreements/1/invoice"
RECAP = "finance/agreementrecap/1"


def site_of(world: World, **options: Any) -> Site:
    site: Site = Api(world, **options).app.state.site
    return site


def on(day: date) -> dict[str, Any]:
    return {"clock": lambda: datetime(day.year, day.month, day.day, 9, tzinfo=UTC)}


def amounts(invoice: Row) -> list[float]:
    return [line["amount"] for line in invoice["lines"]]


def midnight(day: date | str) -> str:
    return f"{day}T00:00:00Z"


def test_an_invoice_over_the_wire(api: Api) -> None:
    api.world.addition(1).update({"lessIncluded": 3.0, "invoiceDescription": "Alpha, per month"})
    answer = api.connectwise("POST", INVOICE)
    assert (answer.status_code, answer.json()) == (201, 1)
    [invoice] = api.world.rows("invoices")
    assert invoice["lines"] == [
        {
            "additionId": 1,
            "identifier": "ALPHA",
            "quantity": 7.0,
            "unitPrice": 4.2,
            "days": 31,
            "ofDays": 31,
            "amount": 29.4,
            "text": "Alpha, per month",
        }
    ]
    assert (invoice["total"], invoice["currency"], invoice["company"]["identifier"]) == (29.4, "EUR", "FIRST")
    assert (invoice["agreementId"], invoice["date"]) == (1, NEXT)
    assert (invoice["firstDay"], invoice["lastDay"]) == (NEXT, midnight("2026-12-31"))
    assert api.get("finance/agreements/1").json()["nextInvoiceDate"] == midnight("2027-01-01")


def test_the_recap_follows(api: Api) -> None:
    assert api.get(RECAP).json()["nextInvoiceAmount"] == 42.0
    api.world.tables["recaps"][1].update({"nextInvoiceAmount": 1.0, "nextInvoiceDate": NEXT})
    api.connectwise("POST", INVOICE)
    recap = api.get(RECAP).json()
    number = next(api.world.rows("invoices"))["invoiceNumber"]
    assert (recap["lastInvoiceDate"], recap["lastInvoiceNumber"]) == (NEXT, number)
    assert (recap["lastInvoiceAmount"], recap["unbilledPeriods"]) == ("42.00", 0)
    assert (recap["nextInvoiceDate"], recap["nextInvoiceAmount"]) == (midnight("2027-01-01"), 42.0)


@pytest.mark.parametrize(
    ("today", "waiting"),
    [(date(2026, 12, 31), 0), (date(2027, 1, 1), 1), (date(2027, 1, 31), 1), (date(2027, 3, 1), 3)],
)
def test_periods_that_wait_are_counted_by_the_clock(world: World, today: date, waiting: int) -> None:
    api = Api(world, **on(today))
    api.connectwise("POST", INVOICE)
    assert api.get(RECAP).json()["unbilledPeriods"] == waiting


def test_after_it_the_period_takes_no_new_line(api: Api) -> None:
    assert api.post(LINES, body()).status_code == 201
    api.connectwise("POST", INVOICE)
    assert api.post(LINES, body()).status_code == 400
    assert api.post(LINES, body(effectiveDate=midnight("2027-01-01"))).status_code == 201


def test_who_may_invoice(world: World) -> None:
    for member in ("readonly", "noaccess"):
        answer = Api(world, member).connectwise("POST", INVOICE)
        assert (answer.status_code, answer.json()["code"]) == (403, "Security")
    assert Api(world).connectwise("GET", INVOICE).status_code == 405
    missing = Api(world).connectwise("POST", "finance/agreements/9/invoice")
    assert (missing.status_code, missing.json()["message"]) == (404, "Agreement 9 not found")
    assert list(world.rows("invoices")) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"nextInvoiceDate": None}, "no next invoice date"),
        ({"agreementStatus": "Expired"}, "not in force on 2026-12-01"),
        ({"endDate": midnight("2026-11-30")}, "not in force on 2026-12-01"),
        ({"cancelledFlag": True}, "not in force on 2026-12-01"),
        ({"cancelledFlag": True, "dateCancelled": NEXT}, "not in force on 2026-12-01"),
        ({"billingCycle": {"id": 99, "name": "NotRecurring"}}, "does not recur"),
    ],
)
def test_what_cannot_be_invoiced(world: World, changes: dict[str, Any], says: str) -> None:
    world.agreement(1).update(changes)
    with pytest.raises(Refused) as refused:
        make_invoice(site_of(world), 1)
    assert refused.value.status == 400
    assert says in refused.value.body["message"]
    assert make_invoices(site_of(world), date(2026, 12, 1)) == []
    assert list(world.rows("invoices")) == []


@pytest.mark.parametrize(
    "changes", [{"endDate": NEXT}, {"cancelledFlag": True, "dateCancelled": "2026-12-02"}]
)
def test_the_last_day_of_an_agreement_is_billed(world: World, changes: dict[str, Any]) -> None:
    world.agreement(1).update(changes)
    assert make_invoice(site_of(world), 1)["total"] == 42.0


@pytest.mark.parametrize(
    ("cycle", "start", "first", "following"),
    [
        ("Monthly", "2026-01-31", "2026-12-31", ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        ("Monthly", "2026-01-01", "2026-12-31", ["2027-01-31", "2027-02-28", "2027-03-31", "2027-04-30"]),
        ("Monthly", "2026-01-30", "2028-01-30", ["2028-02-29", "2028-03-30"]),
        ("Monthly", "2026-01-15", "2026-12-15", ["2027-01-15"]),
        ("Quarterly", "2026-11-30", "2026-11-30", ["2027-02-28", "2027-05-30"]),
        ("Quarterly", "2026-01-01", "2026-08-31", ["2026-11-30", "2027-02-28", "2027-05-31"]),
        ("Yearly", "2024-02-29", "2027-02-28", ["2028-02-29", "2029-02-28"]),
        ("Weekly", "2026-01-01", "2026-12-28", ["2027-01-04", "2027-01-11"]),
        ("BiWeekly", "2026-01-01", "2026-12-28", ["2027-01-11"]),
        ("BiMonthly", "2026-01-01", "2026-12-01", ["2027-02-01"]),
        ("SemiAnnual", "2026-01-01", "2026-12-01", ["2027-06-01"]),
    ],
)
def test_cycles(world: World, cycle: str, start: str, first: str, following: list[str]) -> None:
    agreement = world.agreement(1)
    agreement.update({"billStartDate": midnight(start), "nextInvoiceDate": midnight(first)})
    agreement.update({"billingCycle": {"id": 99, "name": cycle}, "invoicingCycle": "ContractYear"})
    site, found = site_of(world), []
    for _ in following:
        make_invoice(site, 1)
        found.append(agreement["nextInvoiceDate"])
    assert found == [midnight(day) for day in following]


def test_a_cycle_goes_by_its_option_and_not_by_its_name(world: World) -> None:
    world.agreement(1)["invoicingCycle"] = "ContractYear"
    world.agreement(1)["billingCycle"] = {"id": world.find("billingCycles", name="Quarterly")["id"]}
    world.find("billingCycles", name="Quarterly")["name"] = "Every three months"
    make_invoice(site_of(world), 1)
    assert world.agreement(1)["nextInvoiceDate"] == midnight("2027-03-01")


@pytest.mark.parametrize(
    ("period_type", "named"),
    [
        ("Current", "2026-12-01 to 2026-12-31"),
        ("Future", "2027-01-01 to 2027-01-31"),
        ("Both", "2026-12-01 to 2027-01-31"),
        ("Undefined", ""),
    ],
)
def test_the_period_type_names_a_service_period_and_bills_the_same(
    world: World, period_type: str, named: str
) -> None:
    world.agreement(1)["periodType"] = period_type
    world.addition(1)["cancelledDate"] = midnight("2026-12-31")
    invoice = make_invoice(site_of(world), 1)
    assert (invoice["servicePeriod"], invoice["total"], invoice["date"]) == (named, 42.0, NEXT)


@pytest.mark.parametrize(
    ("start", "end", "whole", "by_days"),
    [
        ("2025-01-01", None, 31.0, 31.0),
        ("2026-12-01", None, 31.0, 31.0),
        ("2026-12-02", None, 31.0, 30.0),
        ("2026-12-31", None, 31.0, 1.0),
        ("2027-01-01", None, None, None),
        ("2025-01-01", "2026-12-31", 31.0, 31.0),
        ("2025-01-01", "2027-06-30", 31.0, 31.0),
        ("2025-01-01", "9999-12-31", 31.0, 31.0),
        ("2025-01-01", "2026-12-15", 31.0, 15.0),
        ("2025-01-01", "2026-12-01", 31.0, 1.0),
        ("2025-01-01", "2026-11-30", None, None),
        ("2026-12-10", "2026-12-19", 31.0, 10.0),
    ],
)
@pytest.mark.parametrize("prorates", [False, True])
def test_which_additions_a_period_bills(
    world: World, start: str, end: str | None, whole: float | None, by_days: float | None, prorates: bool
) -> None:
    world.agreement(1)["prorateFlag"] = prorates
    row = world.addition(1)
    row.update({"effectiveDate": midnight(start), "unitPrice": 31.0, "quantity": 1.0})
    row["cancelledDate"] = midnight(end) if end is not None else None
    expected = by_days if prorates else whole
    api = Api(world)
    assert api.get(RECAP).json()["nextInvoiceAmount"] == (expected or 0.0)
    invoice = make_invoice(api.app.state.site, 1)
    assert amounts(invoice) == ([] if expected is None else [expected])
    if invoice["lines"] and prorates:
        assert (invoice["lines"][0]["days"], invoice["lines"][0]["ofDays"]) == (expected, 31)


@pytest.mark.parametrize(
    ("quirk", "end", "by_days"),
    [
        ("last-billed", "2026-12-01", 1.0),
        ("first-unbilled", "2026-12-01", 0.0),
        ("last-billed", "2026-12-31", 31.0),
        ("first-unbilled", "2026-12-31", 30.0),
        ("last-billed", "2026-11-30", 0.0),
        ("first-unbilled", "2026-11-30", 0.0),
    ],
)
@pytest.mark.parametrize("prorates", [False, True])
def test_the_cancelled_day(world: World, quirk: str, end: str, by_days: float, prorates: bool) -> None:
    world.agreement(1)["prorateFlag"] = prorates
    world.addition(1).update({"cancelledDate": midnight(end), "unitPrice": 31.0, "quantity": 1.0})
    api = Api(world, quirks={"cancelled-day": quirk})
    expected = by_days if prorates or by_days == 0 else 31.0
    assert api.get(RECAP).json()["nextInvoiceAmount"] == expected
    assert make_invoice(api.app.state.site, 1)["total"] == expected


@pytest.mark.parametrize("prorates", [False, True])
@pytest.mark.parametrize(
    ("quirk", "end", "ever"),
    [
        ("last-billed", "2027-01-01", True),
        ("first-unbilled", "2027-01-01", False),
        ("last-billed", "2026-12-31", False),
        ("first-unbilled", "2026-12-31", False),
    ],
)
def test_a_line_that_ends_before_or_as_it_begins(
    world: World, quirk: str, end: str, prorates: bool, ever: bool
) -> None:
    """Only an end on the day before the start is sure to bill nothing; on the day itself it is a charge."""
    world.agreement(1)["prorateFlag"] = prorates
    del world.tables["additions"][1]
    api = Api(world, quirks={"cancelled-day": quirk})
    line = api.post(LINES, body(effectiveDate=midnight("2027-01-01"), quantity=1, unitPrice=31.0)).json()
    answer = api.patch(f"{LINES}/{line['id']}", ("replace", "cancelledDate", midnight(end)))
    assert answer.status_code == 200
    totals = [make_invoice(api.app.state.site, 1)["total"] for _ in range(3)]
    charge = (1.0 if prorates else 31.0) if ever else 0.0
    assert totals == [0.0, charge, 0.0]


def test_where_no_end_before_the_start_is_taken_a_quantity_of_zero_bills_nothing(world: World) -> None:
    api = Api(world, quirks={"cancel-before-start": "refused"})
    line = api.post(LINES, body(effectiveDate=midnight("2027-01-01"))).json()
    path = f"{LINES}/{line['id']}"
    early = api.patch(path, ("replace", "cancelledDate", midnight("2026-12-31")))
    assert [entry["field"] for entry in early.json()["errors"]] == ["cancelledDate"]
    same_day = (("replace", "quantity", 0), ("replace", "cancelledDate", midnight("2027-01-01")))
    assert api.patch(path, *same_day).status_code == 200
    make_invoice(api.app.state.site, 1)
    january = make_invoice(api.app.state.site, 1)
    assert amounts(january) == [42.0, 0.0]


@pytest.mark.parametrize("bill_customer", ["DoNotBill", "NoCharge"])
def test_only_billable_additions_and_never_below_zero(world: World, bill_customer: str) -> None:
    world.add_addition(1, "Beta", 5, billCustomer=bill_customer)
    world.add_addition(1, "Beta", 5, lessIncluded=8.0)
    invoice = make_invoice(site_of(world), 1)
    assert [(line["quantity"], line["amount"]) for line in invoice["lines"]] == [(10.0, 42.0), (0.0, 0.0)]


def test_amounts_are_rounded_line_by_line_to_the_currency(world: World) -> None:
    world.addition(1).update({"quantity": 1.0, "unitPrice": 0.125})
    world.add_addition(1, "Beta", 1, unitPrice=0.125)
    world.agreement(1)["currency"] = {"currencyCode": "EUR", "numberOfDecimals": 2}
    assert amounts(make_invoice(site_of(world), 1)) == [0.13, 0.13]
    world.agreement(1)["currency"] = {"currencyCode": "ISK", "numberOfDecimals": 0}
    assert amounts(make_invoice(site_of(world), 1)) == [0.0, 0.0]


def test_the_agreements_of_a_day(world: World) -> None:
    others: dict[str, dict[str, Any]] = {
        "Second": {},
        "Later": {"nextInvoiceDate": midnight("2026-12-02")},
        "Over": {"endDate": midnight("2026-11-30")},
        "Once": {"billingCycle": {"id": 99, "name": "NotRecurring"}},
        "Undated": {"nextInvoiceDate": None},
    }
    for name, fields in others.items():
        world.add_agreement("FIRST", name, **fields)
    site = site_of(world)
    made = make_invoices(site, date(2026, 12, 1))
    assert [invoice["agreementId"] for invoice in made] == [1, 2]
    assert made == list(world.rows("invoices"))
    assert make_invoices(site, date(2026, 12, 1)) == []
    assert [row["agreementId"] for row in make_invoices(site, date(2026, 12, 2))] == [3]


def test_a_line_that_is_followed_by_another_is_billed_once_in_every_period(world: World) -> None:
    """What a change of price does: one line ends the day before the other starts."""
    world.addition(1)["cancelledDate"] = midnight("2026-12-31")
    world.add_addition(1, "ALPHA", 10, effectiveDate=midnight("2027-01-01"), unitPrice=5.0)
    site, day = site_of(world), date(2026, 12, 1)
    while day < date(2027, 4, 1):
        make_invoices(site, day)
        day += timedelta(days=1)
    billed = Counter[str]()
    for invoice in world.rows("invoices"):
        assert len(invoice["lines"]) == 1
        billed[invoice["firstDay"][:7]] += invoice["total"]
    assert billed == {"2026-12": 42.0, "2027-01": 50.0, "2027-02": 50.0, "2027-03": 50.0}


def test_lists_find_by_the_amount_of_the_next_invoice(api: Api) -> None:
    api.world.add_agreement("FIRST", "Empty")
    found = [
        [row["id"] for row in api.get("finance/agreementrecap", **params).json()]
        for params in (
            {"conditions": "nextInvoiceAmount > 41"},
            {"orderBy": "nextInvoiceAmount asc"},
            {"conditions": 'companyName = "First Company"'},
        )
    ]
    assert found == [[1], [2, 1], [1, 2]]
    [row] = api.get("finance/agreementrecap", conditions="id = 1").json()
    assert row["nextInvoiceAmount"] == 42.0

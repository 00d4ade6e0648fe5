"""Usage and no line: the line that is created, its day, its price, and when nothing is created."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from reconciler.model.billing import Recap
from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, expect

OCTOBER = NOVEMBER.previous()
MORE = bill("tenant | code | units\nAlpha | EP | 22")
LINES = "lines:\n  MSP-EP: "


def customer(extra: str) -> str:
    return ALPHA.replace("agreement: Managed", f"agreement: Managed, {extra}")


def fields(books: Books, **changed: Any) -> dict[str, str]:
    """What is sent for the one line that is created."""
    (change,) = books.plan(**{"bill": MORE, "lines": "", **changed}).plan.changes
    assert change.id == "create_line:agreement/1/product/MSP-EP"
    assert all(one.before is None for one in change.fields)
    return {one.field: one.after for one in change.fields}


def test_a_line_is_created_whole(books: Books) -> None:
    """Everything that decides money, tax and text is sent: a server's default decides nothing."""
    catalog = {"taxableFlag": True, "customerDescription": "Endpoint, per user"}
    sent = fields(books, fields={"MSP-EP": catalog})
    assert sent == {
        "quantity": "22",
        "lessIncluded": "0",
        "billCustomer": "Billable",
        "unitPrice": "4.50",
        "unitCost": "2.00",
        "taxableFlag": True,
        "invoiceDescription": "Endpoint, per user",
        "effectiveDate": "2026-12-01",
    }


def test_it_says_its_price_and_what_its_day_leaves_unbilled(books: Books) -> None:
    planned = books.plan(bill=MORE, lines="")
    expect(planned, "Alpha MSP-EP no line new line ?→22 0.00→99.00 EUR")
    assert planned.reason == (
        "price from catalog; starts with the next invoice; not billed by this plan: November 2026, "
        "22 × 4.50 = 99.00"
    )
    (row,) = planned.plan.lines
    assert (row.starts, row.price_source) == (date(2026, 12, 1), "catalog")
    assert row.not_billed is not None
    assert (row.not_billed.months, row.not_billed.amount) == (("2026-11",), Decimal("99.00"))


def test_what_is_left_unbilled_has_the_decimals_of_its_currency_in_a_file_as_well(books: Books) -> None:
    dinars = agreements("id | company | currency | places\n1 | ALPHA | KWD | 3")
    priced = {"MSP-EP": {"price": Decimal("0.3755")}}
    planned = books.plan(bill=MORE, lines="", agreements=dinars, fields=priced)
    assert planned.reason.endswith("November 2026, 22 × 0.3755 = 8.261")
    (row,) = planned.plan.lines
    assert row.to_json()["notBilled"] == {"months": ["2026-11"], "amount": "8.261"}


@pytest.mark.parametrize(
    ("yaml", "price", "source"),
    [
        (ALPHA, "4.50", "catalog"),
        (ALPHA + LINES + "{whenNew: {unitPrice: 3.80}}", "3.80", "the product's whenNew"),
        (
            customer("lines: {MSP-EP: {whenNew: {unitPrice: 3.10}}}")
            + LINES
            + "{whenNew: {unitPrice: 3.80}}",
            "3.10",
            "the customer's whenNew",
        ),
        (ALPHA + LINES + "{always: {unitPrice: 3.50}, whenNew: {unitPrice: 3.80}}", "3.50", "always"),
    ],
    ids=["catalog", "product", "customer", "always"],
)
def test_the_price_and_where_it_comes_from(books: Books, yaml: str, price: str, source: str) -> None:
    planned = books.plan(bill=MORE, lines="", yaml=yaml)
    assert planned.writes == [f"new MSP-EP on 1: 22 × {price} from 2026-12-01"]
    assert planned.plan.lines[0].price_source == source
    assert f"price from {source}" in planned.reason


@pytest.mark.parametrize("price", [None, Decimal(0)])
def test_a_price_of_zero_is_asked_about_unless_it_is_declared(books: Books, price: Decimal | None) -> None:
    free = {"MSP-EP": {"price": price}}
    asked = books.plan(bill=MORE, lines="", fields=free)
    assert asked.writes == []
    assert "at a price of 0" in asked.reason
    declared = books.plan(bill=MORE, lines="", fields=free, yaml=ALPHA + LINES + "{whenNew: {unitPrice: 0}}")
    assert declared.writes == ["new MSP-EP on 1: 22 × 0.00 from 2026-12-01"]
    no_charge = books.plan(
        bill=MORE, lines="", fields=free, yaml=ALPHA + LINES + "{whenNew: {billCustomer: NoCharge}}"
    )
    assert len(no_charge.writes) == 1


@pytest.mark.parametrize(
    ("option", "how"),
    [("DoNotBill", "DoNotBill"), ("NoDefault", "Billable"), ("NoCharge", "NoCharge"), (None, "Billable")],
)
def test_how_it_is_billed_is_the_catalogs_default(books: Books, option: str | None, how: str) -> None:
    assert fields(books, fields={"MSP-EP": {"billableOption": option}})["billCustomer"] == how


def test_included_units_are_on_the_new_line(books: Books) -> None:
    sent = fields(books, yaml=customer("lines: {MSP-EP: {included: 5}}"))
    assert (sent["quantity"], sent["lessIncluded"]) == ("22", "5")


# --- the day


@pytest.mark.parametrize(
    ("flags", "last", "day", "said"),
    [
        ("", "2026-10-01", "2026-12-01", "is for agreements that prorate"),
        ("prorate", "2026-10-01", "2026-11-01", "starts with the period that runs"),
        ("prorate", "2026-11-01", "2026-12-01", "is invoiced already (2026-11-01)"),
        ("prorate", None, "2026-12-01", "is not known"),
    ],
    ids=["does not prorate", "prorates", "invoiced", "not known"],
)
def test_a_customer_may_wish_for_the_start_of_the_period(
    books: Books, flags: str, last: str | None, day: str, said: str
) -> None:
    recap = Recap(1, last_invoice=None if last is None else date.fromisoformat(last))
    planned = books.plan(
        bill=MORE,
        lines="",
        yaml=customer("start: periodStart"),
        agreements=agreements(f"id | company | flags\n1 | ALPHA | {flags}"),
        recaps={1: recap},
    )
    assert planned.writes == [f"new MSP-EP on 1: 22 × 4.50 from {day}"]
    assert said in planned.reason
    assert ("not billed by this plan" in planned.reason) is (day == "2026-12-01")


def test_a_wish_never_doubles_a_line_that_ended_in_the_period(books: Books) -> None:
    planned = books.plan(
        bill=MORE,
        lines="id | qty | to\n11 | 20 | 2026-11-20",
        yaml=customer("start: periodStart, restart: [11]"),
        agreements=agreements("id | company | flags\n1 | ALPHA | prorate"),
        recaps={1: Recap(1, last_invoice=date(2026, 10, 1))},
    )
    assert planned.writes == ["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"]
    assert "runs until 2026-11-20 in that period" in planned.reason


def test_a_line_never_starts_before_the_agreements_billing_does(books: Books) -> None:
    agreement = agreements("id | company | next\n1 | ALPHA | 2026-12-01")[0]
    later = (agreement.__class__(**{**agreement.__dict__, "bill_start": date(2027, 1, 1)}),)
    planned = books.plan(bill=MORE, lines="", agreements=later)
    assert planned.writes == ["new MSP-EP on 1: 22 × 4.50 from 2027-01-01"]
    assert "November 2026 and December 2026, 198.00" in planned.reason


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1 | ALPHA | none | Monthly", "no next invoice date"),
        ("1 | ALPHA | 2026-10-01 | Monthly", "periods are not invoiced yet"),
        ("1 | ALPHA | 2026-12-01 | Weekly", "more often than Sophos bills"),
        ("1 | ALPHA | 2026-12-01 | Quarterly", "`take: last`"),
        ("1 | ALPHA | 2026-11-20 | Monthly", "Make that invoice first"),
    ],
    ids=["no next invoice", "overdue", "weekly", "quarterly", "made late"],
)
def test_no_line_is_created_where_the_day_is_not_sure(books: Books, row: str, words: str) -> None:
    planned = books.plan(bill=MORE, lines="", agreements=agreements(f"id | company | next | cycle\n{row}"))
    assert planned.writes == []
    assert words in planned.reason


def test_a_quarterly_agreement_bills_the_newest_month_where_that_is_said(books: Books) -> None:
    planned = books.plan(
        bill=MORE,
        lines="",
        agreements=agreements("id | company | next | cycle\n1 | ALPHA | 2027-01-01 | Quarterly"),
        yaml=ALPHA + LINES + "{take: last, whenNew: {unitPrice: 13.50}}",
    )
    expect(planned, "Alpha MSP-EP no line new line ?→22 0.00→99.00 EUR")
    assert "an invoice covers 3 months" in planned.reason
    assert "November 2026 and December 2026, 198.00" in planned.reason


def test_of_which_time_a_catalog_price_is_the_price_of_a_quarter_is_asked(books: Books) -> None:
    quarterly = agreements("id | company | next | cycle\n1 | ALPHA | 2027-01-01 | Quarterly")
    asked = books.plan(bill=MORE, lines="", agreements=quarterly, yaml=ALPHA + LINES + "{take: last}")
    assert asked.writes == []
    assert asked.reason.startswith("a line's price is that of one invoice, which covers 3 months here")
    free = ALPHA + LINES + "{take: last, whenNew: {billCustomer: NoCharge}}"
    assert books.plan(bill=MORE, lines="", agreements=quarterly, yaml=free).writes != []


# --- when nothing is created


def test_without_usage_no_line_is_created(books: Books) -> None:
    assert books.plan(bill=bill("tenant | code | units\nAlpha | OTHER | 1"), lines="").writes == []


def test_shadow_and_forecast_create_nothing(books: Books) -> None:
    shadow = books.plan(bill=MORE, lines="", settings=SETTINGS.replace("live", "shadow"))
    expect(shadow, "Alpha MSP-EP no line new line ?→22 0.00→99.00 EUR")
    assert shadow.writes == []
    assert books.plan(bill=MORE, lines="", closed=False).writes == []


def test_an_unattended_run_asks_unless_the_settings_say_create(books: Books) -> None:
    asked = books.plan(bill=MORE, lines="", unattended=True)
    expect(asked, "Alpha MSP-EP no line withheld ?→22 0.00→99.00 EUR")
    row = "{customer: ALPHA, product: MSP-EP, from: 0, upTo: 22, given: 2026-11-27, reason: …, until: …}"
    assert row in asked.reason
    approval = "approvals:\n  - " + row.replace("…", "r", 1).replace("…", "2026-12-05")
    approved = books.plan(bill=MORE, lines="", unattended=True, yaml=ALPHA + approval)
    assert approved.writes == ["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"]
    create = SETTINGS.replace("mode: live", "mode: live, newLines: create")
    assert len(books.plan(bill=MORE, lines="", unattended=True, settings=create).writes) == 1
    ordinary = books.plan(bill=MORE, unattended=True)
    assert ordinary.writes == ["line 11 quantity 20→22"], "a quantity is what a schedule is for"


def test_lines_around_the_agreement_that_cannot_be_read_stop_a_creation(books: Books) -> None:
    planned = books.plan(
        bill=MORE,
        lines="",
        agreements=agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Other"),
        unread=frozenset({2}),
    )
    assert planned.writes == []
    assert "the lines of agreement #2 could not be read" in planned.reason


def test_what_the_creation_rests_on_is_part_of_the_change(books: Books) -> None:
    planned = books.plan(
        bill=MORE,
        lines="",
        agreements=agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Other"),
    )
    (change,) = planned.plan.changes
    assert change.basis is not None
    assert change.basis.next_invoice == "2026-12-01"
    assert change.basis.agreements == (1, 2)
    assert change.basis.products == (101,)


# --- a renewed agreement


def test_a_renewed_agreement_keeps_the_price_of_its_line(books: Books) -> None:
    planned = books.plan(
        bill=MORE,
        today=date(2026, 12, 27),
        agreements=agreements(
            "id | company | name | from | to | next\n"
            "1 | ALPHA | Managed | 2026-01-01 | 2026-12-31 | 2027-01-01\n"
            "2 | ALPHA | Managed | 2027-01-01 | | 2027-01-01"
        ),
        lines="id | on | qty | price | incl\n11 | 1 | 20 | 3.90 | 2",
    )
    expect(planned, "Alpha MSP-EP no line new line ?→22 0.00→78.00 EUR")
    assert planned.writes == ["new MSP-EP on 2: 22 × 3.90 from 2027-01-01"]
    assert "price from line #11" in planned.reason
    assert "not billed by this plan" not in planned.reason, "the old agreement bills until it ends"


# --- firewalls

SERIALS = ALPHA + LINES + "{perSerial: true}"
TWO = bill("tenant | code | units | serial\nAlpha | EP | 1 | C001\nAlpha | EP | 1 | C002", NOVEMBER)


def test_each_firewall_has_a_line_of_its_own(books: Books) -> None:
    planned = books.plan(yaml=SERIALS, bill=TWO, last=TWO, lines="")
    assert planned.writes == [
        "new MSP-EP on 1: 1 × 4.50 from 2026-12-01 (serial/C001)",
        "new MSP-EP on 1: 1 × 4.50 from 2026-12-01 (serial/C002)",
    ]
    sent = [{one.field: one.after for one in change.fields} for change in planned.plan.changes]
    assert [(one["serialNumber"], one["invoiceDescription"]) for one in sent] == [
        ("C001", "(C001)"),
        ("C002", "(C002)"),
    ], "the number stands in the text too, for servers that do not keep it"


def test_a_firewalls_line_is_found_by_its_number_or_its_text(books: Books) -> None:
    lines = "id | qty | serial | text\n11 | 1 | c001 |\n12 | 1 | | Firewall (C002)"
    planned = books.plan(yaml=SERIALS, bill=TWO, last=TWO, lines=lines)
    assert planned.writes == []
    assert planned.states == ["Alpha MSP-EP unchanged"] * 2


def test_a_serial_number_is_a_word_of_its_own(books: Books) -> None:
    one = bill("tenant | code | units | serial\nAlpha | EP | 1 | C001")
    planned = books.plan(yaml=SERIALS, bill=one, last=one, lines="id | qty | text\n11 | 1 | Firewall C0012")
    assert planned.writes == []
    assert "names no serial number" in planned.plan.lines[0].reason


def test_a_firewall_that_is_gone_goes_to_zero_alone(books: Books) -> None:
    lines = "id | qty | serial\n11 | 1 | C001\n12 | 1 | C002"
    one = bill("tenant | code | units | serial\nAlpha | EP | 1 | C001")
    planned = books.plan(
        yaml=SERIALS,
        bill=one,
        last=TWO,
        lines=lines,
        settings=SETTINGS.replace("mode: live", "mode: live, guards: {lineToZero: off}"),
    )
    assert planned.writes == ["line 12 quantity 1→0"]


def test_a_line_without_a_serial_number_is_asked_about(books: Books) -> None:
    planned = books.plan(yaml=SERIALS, bill=TWO, last=TWO)
    assert planned.writes == []
    assert all("line #11 names no serial number" in row.reason for row in planned.plan.lines)


def test_a_line_that_names_two_firewalls_is_asked_about_once(books: Books) -> None:
    """It would follow each of them, and one of two units would be lost."""
    for line in ("11 | 2 | | Firewalls C001, C002", "11 | 2 | C001 | with C002"):
        planned = books.plan(yaml=SERIALS, bill=TWO, lines="id | qty | serial | text\n" + line)
        expect(planned, "Alpha MSP-EP #11 needs a decision 2→2 9.00→9.00 EUR")
        assert "line #11 names several (C001, C002)" in planned.reason
        assert planned.plan.lines[0].feed == {"USD": Decimal("4.00")}, "no unit is left out"


def test_units_without_a_serial_number_are_not_left_out(books: Books) -> None:
    assert TWO.lines is not None
    one, other = TWO.lines
    mixed = replace(TWO, lines=(one, replace(other, account_or_serial=" ", billable=Decimal(3))))
    planned = books.plan(yaml=SERIALS, bill=mixed, lines="id | qty | serial\n11 | 1 | C001")
    assert planned.writes == []
    assert "3 units on the bill carry no serial number" in planned.reason


def test_two_lines_of_a_firewall_that_is_gone_are_one_question(books: Books) -> None:
    one = bill("tenant | code | units | serial\nAlpha | EP | 1 | C001")
    lines = "id | qty | serial\n11 | 1 | C001\n12 | 1 | C009\n13 | 1 | c009"
    planned = books.plan(yaml=SERIALS, bill=one, lines=lines)
    assert planned.states == ["Alpha MSP-EP unchanged", "Alpha MSP-EP needs a decision"]

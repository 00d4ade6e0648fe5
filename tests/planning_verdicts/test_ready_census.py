"""`ready` and the census: an open line that no row speaks of stops the invoice that bills it."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal

import pytest

from reconciler.model.census import Census, UnitAccount, UnitsIn
from reconciler.model.diagnostics import Location
from reconciler.model.lines import LineState
from reconciler.model.usage_notes import UsageNote
from reconciler.model.verdict import Ready, Reason, ReasonKind
from reconciler.planning.plan import guarded
from reconciler.planning.ready import ready
from reconciler.reporting.ready_text import print_ready, ready_json, ready_line
from tests.reporting.made import INVOICE, apart, census, line, plan, printed

S, K = LineState, ReasonKind
SAME = line(state=S.UNCHANGED, after=10)
LATER = date(2026, 12, 15)
CLOSED = census(("in step", 1))


def kinds(verdict: Ready) -> list[ReasonKind]:
    return [reason.kind for reason in verdict.reasons]


def test_yes_when_every_line_and_every_unit_has_its_account() -> None:
    verdict = ready(plan(SAME, census=census(("in step", 1), apart(5, "left", "exclude"))), INVOICE)
    assert verdict.yes
    assert (verdict.customers, verdict.customers_ready) == (2, 2), "the line that is left is on it as well"
    assert verdict.holds_until == INVOICE
    assert verdict.remarks == ()


def test_the_customers_that_are_counted_have_a_line_on_this_invoice() -> None:
    """One whose row needs no line is on no invoice; a line that a word leaves is, in its own month."""
    none = line("None", state=S.UNCHANGED, line_id=None, before=None, after=0, agreement_id=5)
    left = apart(5, "left", "sync: false")
    verdict = ready(plan(SAME, none, census=census(("in step", 1), left)), INVOICE)
    assert (verdict.customers, verdict.customers_ready) == (2, 2)
    assert "2 of 2 customers with lines on this invoice are ready." in ready_line(verdict)
    later = apart(5, "left", "sync: false", next_invoice=LATER)
    assert ready(plan(SAME, census=census(("in step", 1), later)), INVOICE).customers == 1


def test_an_unexplained_line_is_named_with_its_money_and_what_to_do() -> None:
    made = plan(SAME, census=census(("in step", 1), apart(source=Location("c.yaml", 4))))
    verdict = ready(made, INVOICE)
    assert verdict.reasons == (
        Reason(
            K.UNEXPLAINED,
            "unexplained: no customer row speaks of it. It has 20 units and bills 80.00 EUR a month",
            "give the customer a row",
            customer="Birch & Sons",
            agreement="Managed IT",
            product="MSP-EMAIL",
            line_id=71,
            source=Location("c.yaml", 4),
            company="BIRCH",
            company_name="Birch & Sons",
        ),
    )
    assert (verdict.customers, verdict.customers_ready) == (2, 1)
    assert verdict.holds_until is None


def test_a_line_that_waits_without_a_row_is_a_decision() -> None:
    verdict = ready(plan(SAME, census=census(apart(5, "waits", reason="its row changed company."))), INVOICE)
    assert kinds(verdict) == [K.DECISION]
    assert verdict.reasons[0].message.startswith("waits for a decision: its row changed company. It has 20")


def test_a_line_of_which_little_is_known_has_a_remedy_all_the_same() -> None:
    (reason,) = ready(
        plan(SAME, census=census(apart(money=None, remedy="", company_name="", quantity=Decimal(1)))), INVOICE
    ).reasons
    assert (reason.customer, reason.remedy[:14]) == ("BIRCH", "Give it a row ")
    assert reason.message.endswith("It has 1 unit")


def test_a_customer_with_rows_is_counted_once_and_keeps_its_name() -> None:
    made = plan(SAME, census=census(apart(company="safelog ", company_name="Safelog Lda")))
    verdict = ready(made, INVOICE)
    assert (verdict.customers, verdict.customers_ready) == (1, 0)
    assert verdict.reasons[0].customer == "Safelog"


def test_a_line_of_another_invoice_date_stands_under_elsewhere() -> None:
    place = {"agreement_id": 300, "agreement": "Managed IT", "first_invoice": LATER}
    others = line("Birch", state=S.UNCHANGED, after=10, **place)
    made = plan(SAME, others, census=census(apart(next_invoice=LATER), apart(4, "left", "hold")))
    verdict = ready(made, INVOICE)
    assert verdict.yes
    (elsewhere,) = verdict.elsewhere
    assert (elsewhere.customer, elsewhere.next_invoice) == ("Birch", LATER)
    assert (elsewhere.lines, elsewhere.pending) == (2, 1)
    assert not ready(made, LATER).yes


def test_a_line_whose_agreement_has_no_invoice_date_is_on_every_invoice() -> None:
    assert kinds(ready(plan(SAME, census=census(apart(next_invoice=None))), INVOICE)) == [K.UNEXPLAINED]


def test_an_undecided_line_with_a_row_is_said_once() -> None:
    asked = line(state=S.NEEDS_DECISION, reason="changed by hand")
    verdict = ready(plan(asked, census=census(("waits", 1), units=(("undecided", 12),))), INVOICE)
    assert kinds(verdict) == [K.DECISION]


def test_units_that_are_undecided_without_a_line_are_said() -> None:
    found = census(("in step", 1), units=(("billed", 10), ("undecided", 3, "two windows")))
    (reason,) = ready(plan(SAME, census=found), INVOICE).reasons
    assert reason.message == "3 units on Sophos's bill undecided: two windows"


def test_a_census_that_does_not_close_is_a_no_and_is_said_once() -> None:
    made = plan(SAME, census=census(("in step", 1), total=2))
    for each in (made, guarded(made)):
        (reason,) = ready(each, INVOICE).reasons
        assert reason.kind is K.PROBLEM
        assert reason.message.startswith("[census-open] ")
        assert reason.remedy


@pytest.mark.parametrize("found", [census(apart(4, "left", "exclude")), Census(0, Decimal(0))])
def test_a_site_whose_lines_are_all_left_by_a_word_is_ready(found: Census) -> None:
    assert ready(plan(census=found), INVOICE).yes


def test_a_date_on_which_no_line_is_billed_is_asked_about() -> None:
    verdict = ready(plan(census=census(apart(4, "left", "exclude"))), LATER)
    assert kinds(verdict) == [K.USAGE]
    assert verdict.reasons[0].message == (
        "No agreement is invoiced on 15 Dec 2026; the next invoices are of 1 Dec 2026."
    )


def test_both_identities_are_the_last_of_the_text_and_part_of_the_json() -> None:
    made = plan(SAME, census=census(("in step", 1)))
    verdict = ready(made, INVOICE)
    assert printed(lambda console: print_ready(console, verdict)).splitlines()[-2:] == [
        "Lines: 1 = 1 in step + 0 unexplained; 45.00 EUR a month",
        "Units: 10 = 10 billed + 0 undecided; ≈ USD 20.00 at Sophos",
    ]
    assert json.loads(ready_json(verdict))["census"] == made.to_json()["census"]
    assert json.loads(ready_json(ready(plan(SAME), INVOICE)))["census"] is None


def test_the_text_names_the_line_under_its_customer() -> None:
    verdict = ready(plan(SAME, census=census(apart())), INVOICE)
    shown = printed(lambda console: print_ready(console, verdict))
    assert (
        "\nBirch & Sons (BIRCH)\n  - Managed IT, MSP-EMAIL #71: unexplained: no customer row speaks of it. "
        "It has 20 units and bills 80.00 EUR a month\n    → give the customer a row\n"
    ) in shown


def test_units_in_other_accounts_stop_nothing() -> None:
    units = tuple(UnitsIn(account, "", Decimal(1)) for account in UnitAccount if account != "undecided")
    found = Census(0, Decimal(len(units)), units=units)
    assert ready(plan(SAME, census=found), INVOICE).yes


# --- units that no row follows

NO_ROWS = (
    UsageNote("customer", "Birch & Sons", "CIXA-MSP, CEMA-MSP", "63", 1, {"USD": "64.20"},
              detail="under customers: 1a: {company: BIRCH}"),
    UsageNote("unmapped", "NDR-MSP", "NDR", "92", 2, {"USD": "736.00"}, detail="Alder 60, Birch & Sons 32"),
    UsageNote("unassigned", "xg_email_std", "Firewall", "1", 0, serial="C0123"),
    UsageNote("excluded", "CDE-MSP", "Encryption", "5", 1, detail="Pilot"),
    UsageNote("unmapped", "CMS-MSP", "Mobile", "0", 0),
)  # fmt: skip


def test_a_yes_names_the_units_that_no_row_follows() -> None:
    """Customer, product, units, value and what to do, in the JSON and in the text."""
    verdict = ready(plan(SAME, census=CLOSED, usage_notes=NO_ROWS), INVOICE)
    assert verdict.yes
    found = [(one["kind"], one["customer"], one["product"], one["message"], one["remedy"])
             for one in json.loads(ready_json(verdict))["remarks"]]  # fmt: skip
    assert found == [
        (
            "no row", "Birch & Sons", "CIXA-MSP, CEMA-MSP",
            "no row under `customers` follows 63 units (≈ USD 64.20 at Sophos) on Sophos's bill",
            "Under customers: 1a: {company: BIRCH}",
        ),
        (
            "no row", None, "NDR-MSP",
            ("no row under `mappings` follows 92 units (≈ USD 736.00 at Sophos) of NDR-MSP on Sophos's bill "
            "at Alder 60, Birch & Sons 32"),
            "Give the code a row under `mappings`: a product, or `exclude` with the reason.",
        ),
        (
            "no row", None, "xg_email_std",
            "firewall C0123 is assigned to no customer: 1 unit of xg_email_std",
            ("Assign the firewall to a customer in Sophos Central, or name its serial number in a customer's "
            "row."),
        ),
    ]  # fmt: skip
    text = printed(lambda console: print_ready(console, verdict))
    assert all(message in text and remedy in text for _, _, _, message, remedy in found)


def test_a_line_that_waits_beside_its_row_is_named() -> None:
    decision = line(state=S.NEEDS_DECISION, after=None, line_id=None, before=None, sales=None)
    beside = apart(21, "waits", row=decision.key, reason="it waits for the decision about the row of Birch")
    verdict = ready(plan(decision, census=census(beside)), INVOICE)
    assert [reason.line_id for reason in verdict.reasons] == [None, 21]
    assert "It has 20 units and bills 80.00 EUR a month" in verdict.reasons[1].message


def test_a_long_remedy_is_told_once_and_then_referred_to() -> None:
    long = "Give its customer a row under `customers`, " + "x" * 100
    lines = [apart(n, company=f"C{n}", company_name=f"Customer {n}", remedy=long) for n in (1, 2, 3)]
    verdict = ready(plan(SAME, census=census(("in step", 1), *lines)), INVOICE)
    text = printed(lambda console: print_ready(console, verdict))
    assert text.count(long) == 1
    assert text.count("→ as for Customer 1 (C1)") == 2
    assert json.loads(ready_json(verdict))["reasons"][2]["remedy"] == long

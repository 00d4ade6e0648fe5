"""May invoices be made? Yes until a day, or no with reasons by customer."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.change import Cause
from reconciler.model.diagnostics import error, warning
from reconciler.model.lines import LineState
from reconciler.model.plan import Period
from reconciler.model.verdict import Ready, ReasonKind
from reconciler.planning.ready import ready
from reconciler.reporting.ready_text import print_ready, ready_json, ready_line
from tests.reporting.made import (
    INVOICE,
    NOVEMBER,
    change_of,
    creation_of,
    end_of,
    ending,
    line,
    moved,
    new_line,
    plan,
    printed,
    product_change,
    requests_of,
)  # fmt: skip

if TYPE_CHECKING:
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

S, K = LineState, ReasonKind
SAME = line(state=S.UNCHANGED, after=10)


def kinds(verdict: Ready) -> list[ReasonKind]:
    return [reason.kind for reason in verdict.reasons]


def on(today: str, period: Period | None = NOVEMBER) -> Plan:
    return plan(SAME, today=today, period=period)


# --- yes


def test_yes_when_every_line_of_the_invoice_stands_as_it_should() -> None:
    verdict = ready(plan(SAME), INVOICE)
    assert verdict.yes
    assert (verdict.customers, verdict.customers_ready) == (1, 1)
    assert (verdict.holds_until, verdict.holds_why) == (INVOICE, "the invoice date")


def test_after_the_invoice_date_a_yes_holds_until_the_next_window_ends() -> None:
    verdict = ready(on("2026-12-03"), INVOICE)
    assert verdict.holds_until == date(2026, 12, 25)
    assert "window" in verdict.holds_why


def test_the_window_s_end_is_sophos_s_where_it_is_known() -> None:
    verdict = ready(on("2026-12-03"), INVOICE, next_window_end=date(2026, 12, 23))
    assert verdict.holds_until == date(2026, 12, 23)


# --- the month


@pytest.mark.parametrize(
    ("today", "invoice", "says"),
    [
        ("2026-11-27", date(2026, 11, 25), "not before 25 Nov 2026"),
        ("2026-11-27", date(2026, 11, 1), "belongs to a later invoice"),
        ("2026-11-27", date(2027, 1, 1), "the window that runs now ends on 25 Dec 2026"),
        ("2026-12-26", INVOICE, "the window after it ended on 25 Dec 2026"),
    ],
)
def test_the_month_has_to_be_the_one_whose_window_ended_last_before_the_invoice(
    today: str, invoice: date, says: str
) -> None:
    verdict = ready(plan(line(state=S.UNCHANGED, after=10, first_invoice=invoice), today=today), invoice)
    assert kinds(verdict) == [K.MONTH]
    assert says in verdict.reasons[0].message
    assert verdict.customers_ready == 0
    assert verdict.holds_until is None


def test_a_window_that_ends_on_the_invoice_date_belongs_to_the_next_one() -> None:
    assert ready(on("2026-11-27"), INVOICE, next_window_end=INVOICE).yes
    assert not ready(on("2026-11-27"), INVOICE, next_window_end=date(2026, 11, 30)).yes


def test_calendar_months_follow_each_other_by_their_last_days() -> None:
    february = Period("2027-02", "February 2027", "2027-02-01", "2027-02-28", closed=True)
    march = date(2027, 3, 31)
    made = plan(line(state=S.UNCHANGED, after=10, first_invoice=march), today="2027-03-02", period=february)
    assert ready(made, march).holds_until == march
    january = Period("2027-01", "January 2027", "2026-12-31", "2027-01-30", closed=True)
    made = plan(line(state=S.UNCHANGED, after=10, first_invoice=march), today="2027-02-02", period=january)
    assert "28 Feb 2027" in ready(made, march).reasons[0].message


def test_a_running_month_is_a_forecast() -> None:
    running = Period("2026-11", "November 2026", "2026-10-26", "2026-11-25", closed=False)
    verdict = ready(on("2026-11-20", running), INVOICE)
    assert kinds(verdict) == [K.MONTH]
    assert "forecast" in verdict.reasons[0].message


def test_usage_that_cannot_be_read_is_a_no() -> None:
    assert kinds(ready(on("2026-11-27", None), INVOICE)) == [K.USAGE]


def test_a_plan_without_lines_knows_nothing() -> None:
    verdict = ready(plan(), INVOICE)
    assert kinds(verdict) == [K.USAGE]
    assert "no agreement line" in verdict.reasons[0].message


def test_a_day_on_which_nothing_is_invoiced_names_the_next_ones() -> None:
    verdict = ready(plan(SAME), date(2026, 12, 2))
    assert not verdict.yes
    assert "1 Dec 2026" in verdict.reasons[0].message


# --- lines


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        (S.MORE, K.WRITE), (S.LESS, K.WRITE), (S.TO_ZERO, K.WRITE), (S.TERMS, K.WRITE),
        (S.NEEDS_DECISION, K.DECISION), (S.WITHHELD, K.DECISION),
        (S.NEW_LINE, K.LINES), (S.ENDS, K.LINES), (S.MOVES, K.LINES),
    ],
)  # fmt: skip
def test_a_line_that_is_not_settled_is_a_no(state: LineState, kind: ReasonKind) -> None:
    other = line("Quinta do Lago", agreement_id=2, state=S.UNCHANGED, after=10)
    verdict = ready(plan(line(state=state, reason="made up"), other), INVOICE)
    assert kinds(verdict) == [kind]
    assert (verdict.customers, verdict.customers_ready) == (2, 1)
    (reason,) = verdict.reasons
    assert (reason.customer, reason.agreement, reason.line_id) == ("Safelog", "Managed Security", 5512)
    assert reason.source is not None
    assert reason.remedy


@pytest.mark.parametrize(
    ("pending", "said"),
    [
        (new_line(), "a line has to be created: 12 × 4.50, first billed on 1 Dec 2026"),
        (moved(), "a line has to move: #12 MSP-OLD (40) → MSP-NEW 40 × 9.90, first billed on 1 Dec 2026"),
        (moved(line_id=5, starts=None), "a line has to move: #12 MSP-OLD (40) → line #5"),
        (ending(), "the line has to end on 30 Nov 2026"),
        (moved(state=S.ENDS, starts=None), "the line #12 MSP-OLD (40) has to end on 30 Nov 2026"),
        (
            moved(state=S.ENDS, starts=None, line_id=5),
            "the lines #5 MSP-NEW and #12 MSP-OLD (40) have to end on 30 Nov 2026",
        ),
    ],
)
def test_lines_to_create_move_and_end_say_what_is_to_be_written(pending: PlannedLine, said: str) -> None:
    for cause in (None, Cause.WAITING):
        verdict = ready(plan(pending, changes=requests_of(pending, cause=cause)), INVOICE)
        assert [(one.kind, one.message, one.remedy) for one in verdict.reasons] == [
            (K.LINES, said, "Apply the plan.")
        ]
        assert verdict.customers_ready == 0


@pytest.mark.parametrize("blocked", ["creation", "end"])
def test_a_move_of_which_anything_is_held_back_is_a_decision(blocked: str) -> None:
    row = moved()
    why = {"creation": (), "end": ()} | {blocked: ("feed-late",)}
    changes = (
        end_of(row, row.takes_over[0], blocked_by=why["end"]),
        creation_of(row, blocked_by=why["creation"]),
    )
    (reason,) = ready(plan(row, changes=changes), INVOICE).reasons
    assert (reason.kind, "it is held back: feed-late" in reason.message) == (K.DECISION, True)


@pytest.mark.parametrize("row", [new_line(), moved(), ending()], ids=["new", "moved", "ends"])
def test_what_starts_or_ends_in_shadow_or_withheld_is_a_no(row: PlannedLine) -> None:
    assert kinds(ready(plan(row.but(shadow=True)), INVOICE)) == [K.SHADOW]
    assert kinds(ready(plan(row.but(state=S.WITHHELD)), INVOICE)) == [K.DECISION]


def test_a_new_line_of_another_invoice_is_pending_there() -> None:
    verdict = ready(plan(SAME, new_line(agreement_id=2, first_invoice=date(2026, 12, 15))), INVOICE)
    assert (verdict.yes, verdict.elsewhere[0].pending) == (True, 1)


def test_pending_lines_are_no_pending_products() -> None:
    rows = (new_line(agreement_id=1), moved(), ending(agreement_id=3))
    made = plan(*rows, changes=tuple(change for row in rows for change in requests_of(row)))
    assert set(kinds(ready(made, INVOICE))) == {K.LINES}


def test_every_state_is_decided() -> None:
    settled = {S.UNCHANGED, S.NOT_COUNTED}
    for state in S:
        assert ready(plan(line(state=state)), INVOICE).yes == (state in settled), state


def test_billing_without_usage_is_a_remark() -> None:
    verdict = ready(plan(line(state=S.NOT_COUNTED, after=10, reason="nothing on the bill")), INVOICE)
    assert verdict.yes
    assert "nothing on the bill" in verdict.remarks[0].message


def test_from_the_second_month_on_billing_without_usage_is_a_no_with_its_amount() -> None:
    silent: dict[str, Any] = {"state": S.NOT_COUNTED, "after": 10, "months_without_usage": 2}
    silent["reason"] = "nothing on the bill"
    verdict = ready(plan(line(**silent), line("Other", agreement_id=2, state=S.UNCHANGED, after=10)), INVOICE)
    assert (kinds(verdict), verdict.remarks) == ([K.DECISION], ())
    assert (verdict.customers, verdict.customers_ready) == (2, 1)
    (reason,) = verdict.reasons
    assert reason.message == ("billed without Sophos usage: nothing on the bill. It bills 45.00 EUR a month")
    assert all(word in reason.remedy for word in ("`ended: DATE`", "hold", "`exclude`"))
    assert (reason.customer, reason.line_id) == ("Safelog", 5512)
    later = line("Later", agreement_id=2, first_invoice=date(2026, 12, 15), **silent)
    assert ready(plan(SAME, later), INVOICE).elsewhere[0].pending == 1


@pytest.mark.parametrize(
    "stands",
    [{"before": 0, "after": 0}, {"bill_customer": "NoCharge", "sales": None}, {"months_without_usage": 1}],
    ids=["at zero", "nothing billed", "first month"],
)
def test_what_bills_nothing_or_is_silent_for_one_month_stays_a_remark(stands: dict[str, Any]) -> None:
    silent: dict[str, Any] = {"state": S.NOT_COUNTED, "after": 10, "months_without_usage": 2}
    verdict = ready(plan(line(**silent | stands)), INVOICE)
    assert (verdict.yes, len(verdict.remarks)) == (True, 1)


def test_a_change_that_is_held_back_is_not_told_to_be_applied() -> None:
    one = line()
    verdict = ready(plan(one, changes=(change_of(one, blocked_by=("usage-incomplete",)),)), INVOICE)
    assert kinds(verdict) == [K.DECISION]
    assert "held back: usage-incomplete" in verdict.reasons[0].message


def test_what_waits_anyway_is_pending_all_the_same() -> None:
    one = line()
    assert kinds(ready(plan(one, changes=(change_of(one, cause=Cause.WAITING),)), INVOICE)) == [K.WRITE]


def test_lines_of_another_invoice_date_are_listed_and_stop_nothing() -> None:
    later = date(2026, 12, 15)
    made = plan(
        SAME,
        line("Later", agreement_id=2, first_invoice=later),
        line("Later", agreement_id=2, product="MSP-EMAIL", state=S.UNCHANGED, after=10, first_invoice=later),
    )
    verdict = ready(made, INVOICE)
    assert verdict.yes
    (one,) = verdict.elsewhere
    assert (one.customer, one.next_invoice, one.lines, one.pending) == ("Later", later, 2, 1)


def test_a_line_without_a_next_invoice_date_counts() -> None:
    assert not ready(plan(SAME, line("No date", agreement_id=2, first_invoice=None)), INVOICE).yes


# --- shadow, products, problems


def test_shadow_is_a_no() -> None:
    verdict = ready(plan(line(shadow=True)), INVOICE)
    assert kinds(verdict) == [K.SHADOW]
    assert verdict.customers_ready == 0
    assert kinds(ready(plan(SAME), INVOICE, shadow=True)) == [K.SHADOW]


def test_one_customer_in_shadow_is_named() -> None:
    verdict = ready(plan(SAME, line("Careful", agreement_id=2, shadow=True)), INVOICE)
    assert [(reason.kind, reason.customer) for reason in verdict.reasons] == [(K.SHADOW, "Careful")]
    assert (verdict.customers, verdict.customers_ready) == (2, 1)


def test_a_pending_product_change_is_a_no_once_for_each_product() -> None:
    changes = (product_change(), product_change(id="map_product:x"), product_change("MSP-EMAIL"))
    verdict = ready(plan(SAME, changes=changes), INVOICE)
    assert kinds(verdict) == [K.PRODUCTS, K.PRODUCTS]


def test_an_error_is_a_no_and_a_warning_is_not() -> None:
    assert ready(plan(SAME, diagnostics=(warning("feed-late", "late"),)), INVOICE).yes
    verdict = ready(plan(SAME, diagnostics=(error("feed-incomplete", "half", "Wait."),)), INVOICE)
    assert kinds(verdict) == [K.PROBLEM]
    assert verdict.reasons[0].remedy == "Wait."


def test_an_error_about_a_line_is_said_once() -> None:
    one = line(state=S.NEEDS_DECISION, reason="two open lines")
    problem = error("lines-ambiguous", "two", "Name one.", subject=one.key)
    verdict = ready(plan(one, diagnostics=(problem,)), INVOICE)
    (reason,) = verdict.reasons
    assert (reason.kind, reason.remedy.partition(";")[0]) == (K.DECISION, "Name one")


def test_each_line_that_waits_has_the_rows_that_answer_it() -> None:
    """What a warning about a line says to do is no answer, and no line has another one's."""
    withheld = line(state=S.WITHHELD, reason="26 units", before=38, after=64, given="2026-11-27")
    by_hand = line("Novo", company="NOVO", state=S.NEEDS_DECISION, reason="27 was set by jane", line_id=2)
    about = warning("text-has-quantity", "m", "Take the number out.", subject=by_hand.key)
    said = {
        one.customer: one.remedy
        for one in ready(plan(withheld, by_hand, diagnostics=(about,)), INVOICE).reasons
    }
    assert "under approvals: {customer: SAFELOG, product: MSP-ENDPOINT, from: 38, upTo: 64" in said["Safelog"]
    assert "under holds: {customer: SAFELOG, product: MSP-ENDPOINT, quantity: 38" in said["Safelog"]
    assert said["Novo"].startswith("To keep it as it is, under holds: {customer: NOVO, product: MSP-ENDPOINT")
    assert "Take the number out" not in said["Novo"]
    assert all(remedy.endswith("}") for remedy in said.values())


def test_an_error_about_a_line_of_another_invoice_stops_nothing() -> None:
    later = line("Later", agreement_id=2, state=S.NEEDS_DECISION, first_invoice=date(2026, 12, 15))
    problem = error("lines-ambiguous", "two", subject=later.key)
    assert ready(plan(SAME, later, diagnostics=(problem,)), INVOICE).yes


# --- words


def test_the_text_groups_by_customer_and_names_the_place() -> None:
    made = plan(
        line(),
        line("Clínica\x1b[2J", agreement_id=2, state=S.WITHHELD, reason="over the limit"),
        line("Later", agreement_id=3, first_invoice=date(2026, 12, 15)),
        line("Quiet", agreement_id=4, state=S.NOT_COUNTED, reason="nothing on the bill"),
        changes=(product_change(),),
    )
    verdict = ready(made, INVOICE)
    text = printed(lambda console: print_ready(console, verdict))
    assert text.startswith(
        "No: invoices of 1 Dec 2026 have to wait. 1 of 3 customers with lines on this invoice are ready."
    )
    assert (
        "\nSafelog\n  - Managed Security, MSP-ENDPOINT #5512, mappings/customers.yaml:14: 10 → 12 still"
        in text
    )
    assert "product MSP-GOLD is pending" in text
    assert "Not on this invoice" in text
    assert "billed without Sophos usage: nothing on the bill" in text
    assert "\x1b" not in text


def test_a_yes_says_until_when() -> None:
    assert ready_line(ready(plan(SAME), INVOICE)) == (
        "Yes: invoices of 1 Dec 2026 may be made. 1 of 1 customer with lines on this invoice is ready. "
        "This holds through 1 Dec 2026 (the invoice date)."
    )


def test_the_json_form() -> None:
    found = json.loads(
        ready_json(ready(plan(SAME, line("Other", agreement_id=2, company_name="Other, Lda.")), INVOICE))
    )
    assert found["ready"] is False
    assert found["invoiceDate"] == "2026-12-01"
    assert found["holdsUntil"] is None
    assert found["customers"] == {"all": 2, "ready": 1}
    assert found["reasons"] == [
        {
            "kind": "write",
            "message": "10 → 12 still has to be written",
            "remedy": "Apply the plan.",
            "customer": "Other",
            "company": "OTHER",
            "companyName": "Other, Lda.",
            "agreement": "Managed Security",
            "product": "MSP-ENDPOINT",
            "line": 5512,
            "source": {"file": "mappings/customers.yaml", "line": 14},
        }
    ]
    assert json.loads(ready_json(ready(plan(SAME), INVOICE)))["holdsUntil"] == "2026-12-01"

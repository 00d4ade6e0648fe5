"""The section of a plan that a billing admin reads."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.approving import open_row
from reconciler.model.change import Cause
from reconciler.model.diagnostics import error, notice, warning
from reconciler.model.field_change import FieldChange
from reconciler.model.lines import Amount, LineState, NotBilled, OldLine, PlannedLine
from reconciler.model.remedies import Remedies
from reconciler.model.verdict import group_lines, rounded, sums, totals
from reconciler.reporting.line_words import signed
from reconciler.reporting.lines_text import print_lines
from reconciler.reporting.markdown import markdown
from reconciler.reporting.plan_text import summary_line
from reconciler.reporting.spreadsheet import csv_text
from tests.reporting.made import (
    change_of,
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
    from reconciler.model.plan import Plan

S = LineState


def shown(made: Plan) -> str:
    return printed(lambda console: print_lines(console, made))


def held_to(text: str, title: str) -> str:
    """The section under a title, up to the next empty line."""
    return text.split(f"{title}", 1)[1].split("\n\n", 1)[0]


def test_first_line_says_the_verdict_and_the_money_of_each_currency() -> None:
    made = plan(
        line(before=0, after=100, unit_price="5.00"),
        line("Quinta do Lago", before=10, after=8, currency="USD", agreement_id=2),
    )
    first = shown(made).splitlines()[0]
    assert first == (
        "This plan changes invoices by +500.00 EUR and -9.00 USD a month, before tax: 2 customers, "
        "first on invoices of 1 Dec 2026."
    )


def test_each_currency_is_shown_with_its_own_decimals() -> None:
    made = plan(
        line(unit_price="450", currency="ISK", places=0),
        line("Quinta do Lago", unit_price="4.5", currency="KWD", places=3, agreement_id=2),
    )
    assert "+900 ISK and +9.000 KWD a month" in shown(made).splitlines()[0]
    changes = held_to(shown(made), "What changes on invoices")
    assert "4,500 → 5,400 ISK" in changes
    assert "45.000 → 54.000 KWD" in changes
    assert "4.500" in changes
    assert "450.00" not in shown(made)
    apart = shown(plan(line(state=S.NOT_COUNTED, unit_price="450", currency="ISK", places=0)))
    assert "4,500 ISK billed a month" in apart
    nothing = plan(line(state=S.TERMS, after=10, unit_price="450", currency="ISK", places=0))
    assert "This plan changes invoices by 0 a month" in shown(nothing)


def test_currencies_are_never_added() -> None:
    made = plan(line(), line("Quinta do Lago", currency="USD", agreement_id=2))
    assert "+9.00 EUR and +9.00 USD" in shown(made).splitlines()[0]
    assert "18.00" not in shown(made)
    totals_shown = held_to(shown(made), "All lines with a row: 2 open lines, 20 units, per month, before tax")
    assert [row.split()[-1] for row in totals_shown.splitlines()[2:6]] == ["EUR", "USD", "EUR", "USD"]


def test_a_customer_with_two_lines_counts_once() -> None:
    made = plan(line(), line(product="MSP-EMAIL", line_id=5513), line(agreement="Email", agreement_id=9))
    assert "before tax: 1 customer," in shown(made)


def test_shadow_writes_nothing_and_says_what_it_would() -> None:
    text = shown(plan(line(shadow=True)))
    assert text.startswith("Mode shadow: no line is written. Live, this plan would change invoices by")
    assert "+9.00 EUR" in text.splitlines()[0]
    assert "What changes on invoices" not in text


def test_one_customer_in_shadow_is_not_in_the_plan_s_money() -> None:
    text = shown(plan(line(), line("Quinta do Lago", agreement_id=2, after=110, shadow=True)))
    assert text.splitlines()[0].startswith("This plan changes invoices by +9.00 EUR a month")
    assert "Mode shadow at 1 customer: nothing of theirs is written (it would be +450.00 EUR" in text
    assert "45.00 → 54.00" in held_to(text, "What changes on invoices")
    assert "Quinta do Lago" not in held_to(text, "What changes on invoices")


def test_biggest_change_comes_first_whatever_its_sign() -> None:
    made = plan(
        line("Small", agreement_id=1),
        line("Big less", agreement_id=2, state=S.LESS, before=200, after=100),
        line("Unknown", agreement_id=3, sales=None),
        line("Middle", agreement_id=4, after=30),
    )
    rows = held_to(shown(made), "What changes on invoices").splitlines()[2:]
    assert [row.split(" ·")[0] for row in rows] == ["Big less", "Middle", "Small", "Unknown"]
    assert "the money of 1 line is not known" in shown(made)


def test_a_row_shows_quantity_billed_price_money_and_why() -> None:
    made = plan(
        line(after=25, included_after=10, parts="25 = max(CIXA-MSP 25)", reason="25 = max(CIXA-MSP 25)")
    )
    (row,) = held_to(shown(made), "What changes on invoices").splitlines()[2:]
    for part in (
        "Safelog · Managed Security", "MSP-ENDPOINT #5512", "10 → 25", "10 → 15", "4.50",
        "45.00 → 67.50 EUR", "+22.50 EUR",
    ):  # fmt: skip
        assert part in row
    assert row.count("25 = max(CIXA-MSP 25)") == 1


def test_what_is_not_billable_says_so() -> None:
    made = plan(line(bill_customer="NoCharge"))
    assert "0 (NoCharge)" in shown(made)


def test_at_most_five_decisions_and_a_count() -> None:
    made = plan(*[line(f"C{n}", agreement_id=n, line_id=n, state=S.NEEDS_DECISION) for n in range(1, 8)])
    text = shown(made)
    assert text.startswith("7 decisions. This plan changes no invoice.")
    assert "  5. " in text
    assert "  6. " not in text
    assert "… and 2 more of 7: all of them stand in --format xlsx --report FILE, csv" in text


def test_a_decision_names_customer_agreement_line_and_place_and_how_to_answer() -> None:
    made = plan(
        line("Colégio Sá", state=S.WITHHELD, before=38, after=64, reason="over the limit", company="SA")
    )
    text = held_to(shown(made), "Please decide (nothing of this is written)")
    assert "Colégio Sá (SA) · Managed Security, MSP-ENDPOINT #5512, mappings/customers.yaml:14" in text
    assert "withheld: over the limit [38 → 64, +117.00 EUR a month]" in text
    assert (
        "{customer: SA, product: MSP-ENDPOINT, from: 38, upTo: 64, given: 2026-11-27, "
        "reason: …, until: 2026-12-01}" in text
    )
    assert "{customer: SA, product: MSP-ENDPOINT, quantity: 38, reason: …, until: 2026-12-01}" in text


def test_the_remedy_of_the_line_s_own_message_comes_first() -> None:
    undecided = line(state=S.NEEDS_DECISION, reason="two open lines", before=None, after=None)
    problem = error("lines-ambiguous", "two", "Name one under `line`.", subject=undecided.key)
    assert "→ Name one under `line`." in shown(plan(undecided, diagnostics=(problem,)))


def answers(planned: PlannedLine) -> list[str]:
    return Remedies(plan(planned)).of(planned)


def test_what_a_warning_about_a_line_says_to_do_is_no_answer_to_it() -> None:
    """A line may wait for one thing and be remarked on for another: each has its own remedy."""
    waits = line(state=S.NEEDS_DECISION, reason="27 was set by jane", line_id=12)
    about = [warning("text-has-quantity", "m", "Take the number out of the text.", subject=waits.key)]
    about.append(notice("correction-by-hand", "m", "Correct it by hand.", subject=waits.key))
    text = shown(plan(waits, diagnostics=tuple(about)))
    decisions = text[text.index("Please decide") :]
    assert "to keep it as it is, under holds:" in decisions
    assert "Take the number out" not in decisions
    assert "Correct it by hand" not in decisions


def test_what_holds_a_line_back_says_what_to_do_about_that() -> None:
    one = line()
    stops = error("marker-twice", "m", "Leave one tag.", subject="product/MSP-ENDPOINT")
    other = error("tenant-gone", "m", "Give the row `ended`.", subject=one.key)
    blocked = change_of(one, blocked_by=(stops.id,))
    assert Remedies(plan(one, changes=(blocked,), diagnostics=(other, stops))).of(one) == ["Leave one tag."]


def test_the_approval_is_printed_once() -> None:
    waits = line(state=S.WITHHELD, reason="it goes to zero")
    waits = waits.but(reason=f"{waits.reason}. To let it through, add under approvals: {open_row(waits)}")
    text = shown(plan(waits))
    assert text.count(f"from: {waits.before}") == 1
    assert "withheld: it goes to zero [" in text


def test_answers_are_quoted_where_yaml_needs_it() -> None:
    (approve, _) = answers(line(state=S.WITHHELD, company="A, {B}: #1"))
    assert 'customer: "A, {B}: #1"' in approve


def test_a_line_whose_change_is_held_back_is_a_decision_and_no_money() -> None:
    one = line()
    text = shown(plan(one, changes=(change_of(one, blocked_by=("usage-incomplete",)),)))
    assert text.startswith("1 decision. This plan changes no invoice.")
    assert "held back by usage-incomplete" in text


def test_what_waits_anyway_is_one_line() -> None:
    one, two = line(), line("Quinta do Lago", agreement_id=2, line_id=2)
    changes = (change_of(one, cause=Cause.THIS_CHANGE), change_of(two, cause=Cause.WAITING))
    text = shown(plan(one, two, changes=changes))
    assert text.splitlines()[0].startswith(
        "This plan changes invoices by +9.00 EUR a month, before tax: 1 customer"
    )
    assert "Waiting anyway, not part of this change: 1 line, +9.00 EUR a month" in text
    assert "Quinta" not in held_to(text, "What changes on invoices")


def test_what_is_not_written_says_its_amount() -> None:
    quiet = {"state": S.NOT_COUNTED, "before": 4, "after": 4, "reason": "nothing on the bill"}
    made = plan(
        line("Padaria Lima", agreement_id=2, **quiet),
        line("Ohne", agreement_id=3, feed={"USD": Decimal(96)}, **quiet | {"sales": None}),
    )
    rows = {row.split(" ·")[0]: row for row in held_to(shown(made), "Not billed").splitlines()[2:]}
    assert "≈ USD 96.00 at Sophos" in rows["Ohne"]
    assert "18.00 EUR billed a month" in rows["Padaria Lima"]
    assert shown(made).startswith("This plan changes no invoice.")


# --- lines that start, move and end


def kinds(text: str, first: str = "This plan") -> list[str]:
    """The small table's rows, with single blanks."""
    found = text.split(f"\n\n{first}  ", 1)[1].split("\nPrices of", 1)[0].splitlines()[1:]
    return [" ".join(row.split()) for row in found]


def test_a_small_table_comes_first_and_counts_each_customer_once() -> None:
    made = plan(
        new_line("Safelog", agreement_id=1),
        new_line("Novo", agreement_id=2),
        moved(agreement_id=3),
        ending(agreement_id=4),
        line("Novo", agreement_id=2, product="MSP-MAIL", line_id=7, state=S.LESS, after=8),
        line("Dollar", agreement_id=5, currency="USD"),
        line("Unknown", agreement_id=6, sales=None, cost=None),
    )
    text = shown(made)
    assert kinds(text) == [
        "new line 2 – 108.00 +108.00 EUR",
        "moved 1 180.00 396.00 +216.00 EUR",
        "ends 1 18.00 – -18.00 EUR",
        "more 1 ? ? ? ?",
        "more 1 45.00 54.00 +9.00 USD",
        "less 1 45.00 36.00 -9.00 EUR",
        "Together 1 ? ? ? ?",
        "Together 4 243.00 540.00 +297.00 EUR",
        "Together 1 45.00 54.00 +9.00 USD",
    ]
    assert text.index("Together") < text.index("What changes on invoices")


def test_in_shadow_the_small_table_is_what_it_would_be() -> None:
    text = shown(plan(new_line(shadow=True)))
    assert kinds(text, "It would be")[0] == "new line 1 – 54.00 +54.00 EUR"


def change_row(planned: PlannedLine) -> str:
    (row,) = held_to(shown(plan(planned)), "What changes on invoices").splitlines()[2:]
    return row


@pytest.mark.parametrize(
    ("planned", "parts"),
    [
        (
            new_line(included_after=2),
            ("Novo · Managed Security  MSP-ENDPOINT  new line from 1 Dec 2026  ", "  12  ", "  10  ",
             "4.50 (catalog)", "0.00 → 54.00 EUR"),
        ),
        (
            moved(),
            ("MSP-NEW  moved: #12 MSP-OLD → MSP-NEW from 1 Dec 2026  ", "  40  ", "9.90 (catalog)",
             "180.00 → 396.00 EUR"),
        ),
        (
            moved(takes_over=(*moved().takes_over, OldLine(9, "Managed IT", "MSP-TWO", 13, Decimal(2)))),
            ("moved: #12 MSP-OLD + #13 MSP-TWO on Managed IT → MSP-NEW from 1 Dec 2026  ",),
        ),
        (moved(line_id=5, starts=None), ("MSP-NEW #5  moved: #12 MSP-OLD → #5 MSP-NEW  ",)),
        (moved(line_id=5, starts=None, state=S.MORE), ("MSP-NEW #5  more, takes over #12 MSP-OLD  ",)),
        (ending(), ("MSP-ENDPOINT #5512  ends 30 Nov 2026  ", "4 → 0", "18.00 → 0.00 EUR", "-18.00 EUR")),
        (moved(state=S.ENDS, starts=None, after=0), ("MSP-OLD #12  ends 30 Nov 2026  ",)),
        (new_line(serial="C0123"), ("MSP-ENDPOINT (C0123)  new line from",)),
        (new_line(prorates=True), ("Novo · Managed Security (prorates)  ",)),
        (line(state=S.TO_ZERO, after=0), ("MSP-ENDPOINT #5512  to zero  ",)),
        (line(state=S.LESS, after=8), ("MSP-ENDPOINT #5512  less  ",)),
    ],
)  # fmt: skip
def test_a_row_says_what_happens_in_the_words_of_invoices(
    planned: PlannedLine, parts: tuple[str, ...]
) -> None:
    row = change_row(planned)
    assert [part for part in parts if part not in row] == []


@pytest.mark.parametrize(
    ("planned", "said"),
    [
        (line(), "unchanged"),
        (moved(), "unchanged"),
        (new_line(), "unchanged"),
        (line(declared=(FieldChange("unitPrice", "4.00", "4.50"),)), "1 line with another price"),
        (moved(product="MSP-OLD", price_source="line #12"), "unchanged"),
        (moved(product="msp-old"), "1 line with another price"),
    ],
)
def test_whether_anybody_pays_another_price_for_what_is_billed_already(
    planned: PlannedLine, said: str
) -> None:
    assert f"\nPrices of existing lines: {said}.\n" in shown(plan(planned))


def test_what_the_days_of_new_lines_leave_unbilled_is_listed_and_added() -> None:
    two = NotBilled(("2026-11", "2026-12"), Decimal("108.00"))
    quarter = {"cycle_months": 3, "not_billed": NotBilled(("2026-11",), Decimal(18))}
    krona, whole = Amount("ISK", Decimal(0), Decimal(5400), 0), NotBilled(("2026-11",), Decimal(5400))
    made = plan(
        new_line("A"),
        new_line("B", agreement_id=2, not_billed=two),
        new_line("C", agreement_id=3, **quarter),
        new_line(
            "D",
            agreement_id=4,
            sales=krona,
            unit_price="450",
            not_billed=whole,
        ),
        new_line("No", agreement_id=5, not_billed=None),
    )
    section = held_to(shown(made), "Not billed by this plan")
    rows = {" ".join(row.split()) for row in section.splitlines()[2:]}
    assert rows == {
        "A · Managed Security MSP-ENDPOINT November 2026 12 × 4.50 = 54.00 EUR",
        "B · Managed Security MSP-ENDPOINT November 2026 and December 2026 2 × 12 × 4.50 = 108.00 EUR",
        "C · Managed Security MSP-ENDPOINT November 2026 18.00 EUR",
        "D · Managed Security MSP-ENDPOINT November 2026 12 × 450 = 5,400 ISK",
        "Together 180.00 EUR and 5,400 ISK",
    }


def test_a_withheld_new_line_is_let_in_from_zero_and_has_no_hold() -> None:
    (approve,) = answers(new_line(state=S.WITHHELD))
    assert (
        "{customer: NOVO, product: MSP-ENDPOINT, from: 0, upTo: 12, given: 2026-11-27, "
        "reason: …, until: 2026-12-01}" in approve
    )
    text = shown(plan(new_line(state=S.WITHHELD, reason="it is a new line")))
    assert "withheld: it is a new line [0 → 12, +54.00 EUR a month]" in text
    assert "holds" not in text


@pytest.mark.parametrize(
    ("planned", "suggested"),
    [
        (moved(state=S.WITHHELD), ["settle it in ConnectWise"]),
        (ending(state=S.WITHHELD), ["from: 4, upTo: 0", "quantity: 4"]),
        (ending(state=S.NEEDS_DECISION, left_over=True), ["from: 4, upTo: 0"]),
        (ending(state=S.NEEDS_DECISION), ["quantity: 4"]),
        (line(state=S.WITHHELD, after=10), ["quantity: 10"]),
        (line(state=S.WITHHELD, serial="C0123"), ["from: 10, upTo: 12"]),
        (new_line(state=S.NEEDS_DECISION), ["settle it in ConnectWise"]),
    ],
)
def test_only_rows_that_would_help_are_suggested(planned: PlannedLine, suggested: list[str]) -> None:
    found = answers(planned)
    assert len(found) == len(suggested)
    assert all(part in answer for part, answer in zip(suggested, found, strict=True))


@pytest.mark.parametrize("blocked", [0, 1])
def test_a_move_is_held_back_by_its_creation_or_any_end(blocked: int) -> None:
    row = moved()
    changes = list(requests_of(row))
    changes[blocked] = replace(changes[blocked], blocked_by=("feed-late",))
    made = plan(row, changes=tuple(changes))
    assert group_lines(made).decisions == (row,)
    assert "moved: #12 MSP-OLD → MSP-NEW from 1 Dec 2026, held back by feed-late" in shown(made)
    assert totals(group_lines(made), "sales") == (Amount("EUR", Decimal(180), Decimal(180)),)


@pytest.mark.parametrize("row", [new_line(), moved(), ending()], ids=["new", "moved", "ends"])
def test_what_starts_or_ends_may_wait_anyway(row: PlannedLine) -> None:
    waits = plan(row, changes=requests_of(row, cause=Cause.WAITING))
    assert group_lines(waits).waiting == (row,)
    assert group_lines(plan(row, changes=requests_of(row, cause=Cause.THIS_CHANGE))).written == (row,)


def test_firewalls_are_held_back_one_by_one() -> None:
    one, two = (new_line(serial=serial) for serial in ("C1", "C2"))
    made = plan(one, two, changes=(*requests_of(one, blocked_by=("feed-late",)), *requests_of(two)))
    assert (group_lines(made).decisions, group_lines(made).written) == ((one,), (two,))


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (moved(state=S.WITHHELD), "#12 MSP-OLD → MSP-NEW (new line)"),
        (moved(state=S.WITHHELD, line_id=13, starts=None), "#12 MSP-OLD → #13 MSP-NEW"),
        (moved(state=S.WITHHELD, after=0, starts=None), "#12 MSP-OLD, seats of MSP-NEW"),
        (moved(state=S.WITHHELD, product="MSP-OLD"), "#12 MSP-OLD → new line at another price"),
        (line(state=S.WITHHELD, serial="C1"), "MSP-ENDPOINT #5512 (C1)"),
    ],
)
def test_a_decision_about_a_move_says_from_where_to_where(row: PlannedLine, said: str) -> None:
    assert f"1. {row.customer} · Managed Security, {said}, mappings/" in shown(plan(row))
    assert f", {said.replace('#', '#&#8203;')} – nothing is written.**" in markdown(plan(row))


def test_a_price_that_follows_is_no_move() -> None:
    """The product's own line ends for one at another price: nothing went anywhere."""
    row = moved(product="MSP-OLD", reason="price 4.50 → 9.90 (linePrice: follow)")
    shown_row = change_row(row)
    assert "new price: #12 MSP-OLD → new line from 1 Dec 2026" in shown_row
    assert summary_line(plan(row, changes=requests_of(row))) == "Plan: 1 line to a new price."
    assert kinds(shown(plan(row)))[0] == "new price 1 180.00 396.00 +216.00 EUR"
    elsewhere = moved(product="MSP-OLD", agreement="New MS", agreement_id=9)
    assert "moved: #12 MSP-OLD on Managed Security → MSP-OLD on New MS from" in change_row(elsewhere)


def test_money_that_goes_the_other_way_than_units_is_no_plain_more_or_less() -> None:
    dearer = line(state=S.LESS, after=8, sales=Amount("EUR", Decimal(45), Decimal(48)))
    cheaper = line("Novo", agreement_id=2, sales=Amount("EUR", Decimal(45), Decimal(40)))
    plainly = line("Velho", agreement_id=3)
    assert kinds(shown(plan(dearer, cheaper, plainly)))[:3] == [
        "more 1 45.00 54.00 +9.00 EUR",
        "more units, less money 1 45.00 40.00 -5.00 EUR",
        "fewer units, more money 1 45.00 48.00 +3.00 EUR",
    ]
    assert "fewer units, more money" in change_row(dearer)
    held = plan(dearer, changes=(change_of(dearer, blocked_by=("feed-late",)),))
    assert "fewer units, more money, held back by feed-late [10 → 8, +3.00 EUR a month]" in shown(held)
    assert "[10 → 8, +3.00 EUR a month]" in markdown(held).replace("\\", "")


def test_money_of_a_line_that_is_taken_over_counts_once() -> None:
    made = plan(moved(), changes=requests_of(moved()))
    assert totals(group_lines(made), "sales") == (Amount("EUR", Decimal(180), Decimal(396)),)
    assert shown(made).startswith("This plan changes invoices by +216.00 EUR a month")


def test_the_last_line_counts_what_is_added_moved_ended_and_updated() -> None:
    rows = (
        *(new_line(agreement_id=number) for number in (1, 2, 3)),
        moved(agreement_id=4),
        moved(agreement_id=5, takes_over=(*moved().takes_over, OldLine(5, "X", "MSP-TWO", 13, Decimal(2)))),
        ending(agreement_id=6),
        *(line(agreement_id=10 + number) for number in range(8)),
    )
    made = plan(*rows, changes=(product_change(), *(one for row in rows for one in requests_of(row))))
    assert summary_line(made) == "Plan: 1 to edit, 3 lines to add, 2 to move, 1 to end, 8 to update."
    onto = moved(line_id=5, starts=None)
    (end,) = requests_of(onto)[1:]
    assert summary_line(plan(onto, changes=(end,))) == "Plan: 1 line to move."


def test_unchanged_lines_are_one_line() -> None:
    made = plan(
        line(state=S.UNCHANGED, after=10),
        line("Quinta do Lago", state=S.UNCHANGED, after=10, agreement_id=2, held=True),
        line("No line", state=S.UNCHANGED, before=None, after=0, line_id=None),
    )
    assert shown(made).splitlines()[-1] == "Unchanged: 2 lines of 2 customers, 1 of them on hold."


def test_no_line_prints_nothing() -> None:
    assert shown(plan()) == ""


def test_names_cannot_steer_a_terminal() -> None:
    bad = "Evil\x1b[2J\u202e\nSafelog"
    names = {
        "agreement": bad,
        "reason": bad,
        "parts": bad,
        "company": bad,
        "price_source": bad,
        "serial": bad,
    }
    old = (OldLine(117, bad, bad, 12, Decimal(40)), OldLine(9, bad, bad, 13, Decimal(40)))
    states = (S.MORE, S.WITHHELD, S.NEW_LINE, S.NOT_COUNTED)
    made = plan(
        *[line(bad, state=state, product=bad + state, **names) for state in states],
        *[moved(bad, state=state, product=bad, takes_over=old, **names) for state in (S.MOVES, S.ENDS)],
        new_line(bad, product=bad, sales=Amount(bad, Decimal(0), Decimal(1)), **names),
        stuck := moved(bad, product=bad + "stuck", takes_over=old, **names | {"serial": ""}),
    )
    made = replace(made, changes=requests_of(stuck, blocked_by=(bad,)))
    text = shown(made)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert not any(row.startswith("Safelog") for row in text.splitlines())


def test_a_sign_is_shown_and_zero_has_none() -> None:
    assert [signed(Decimal(n)) for n in ("500", "-22", "0", "-0.001")] == [
        "+500.00",
        "-22.00",
        "0.00",
        "0.00",
    ]


def test_several_invoice_dates_are_a_span() -> None:
    made = plan(line(), line("Quinta do Lago", agreement_id=2, first_invoice=date(2026, 12, 15)))
    assert "first on invoices of 1 Dec 2026 to 15 Dec 2026" in shown(made)


_STATES = st.sampled_from(list(LineState))
_LINES = st.lists(
    st.builds(
        lambda state, before, after, price, currency, shadow, number: line(
            f"C{number % 5}",
            state=state, before=before, after=after, unit_price=price, currency=currency[0],
            places=currency[1], shadow=shadow, agreement_id=number, line_id=number,
        ),
        _STATES,
        st.integers(0, 500),
        st.integers(0, 500),
        st.decimals("0", "99.9999", places=4),
        st.sampled_from([("EUR", 2), ("USD", 2), ("USD", 0), ("ISK", 0), ("KWD", 3)]),
        st.booleans(),
        st.integers(1, 10_000),
    ),
    max_size=12,
    unique_by=lambda made: made.agreement_id,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(_LINES)
def test_rows_add_up_to_the_totals_of_each_currency(lines: list[PlannedLine]) -> None:
    groups = group_lines(plan(*lines))
    assert sum(len(one) for one in vars(groups).values()) == len(lines)
    for amount in sums(made.sales for made in groups.written):
        of_currency = [
            rounded(m.sales) for m in groups.written if m.sales and m.sales.currency == amount.currency
        ]
        assert amount.delta == sum(one.delta for one in of_currency)
    changed = {one.currency: one.delta for one in sums(made.sales for made in groups.moving)}
    for amount in totals(groups, "sales"):
        everyone = [rounded(m.sales) for m in lines if m.sales and m.sales.currency == amount.currency]
        assert amount.before == sum(one.before for one in everyone)
        assert amount.delta == changed.get(amount.currency, Decimal(0))


@settings(max_examples=60, deadline=None)
@given(_LINES)
def test_any_plan_prints(lines: list[PlannedLine]) -> None:
    made = plan(*lines)
    assert bool(shown(made)) == bool(lines)


# --- whose company it is


def test_the_company_stands_with_the_customer_and_is_not_said_twice() -> None:
    made = plan(
        line("Safelog", company="SAFELOG", company_name="Safelog"),
        line("Alder Dental", company="ALD", company_name="Alder Clinics, Lda.", agreement_id=2),
        line("Beech", company="B-17", company_name="BEECH", agreement_id=3),
    )
    text = shown(made)
    assert "\nSafelog · Managed Security" in text
    assert "\nAlder Dental (Alder Clinics, Lda., ALD) · Managed Security" in text
    assert "\nBeech (B-17) · Managed Security" in text


def test_causes_come_first_and_what_waits_for_them_stands_below() -> None:
    """Five big consequences never hide the one small decision that settles them all."""
    cause = line("Alder", state=S.NEEDS_DECISION, after=11, reason="27 was set by jane")
    chain = line("Birch", state=S.NEEDS_DECISION, agreement_id=2, after=90, waits_for=cause.key)
    others = [
        line(f"Cedar {n}", state=S.NEEDS_DECISION, agreement_id=n, after=99, waits_for=chain.key)
        for n in range(3, 10)
    ]
    made = plan(*others, chain, cause)
    text = held_to(shown(made), "Please decide")
    numbered = [row for row in text.splitlines() if row[2:3].isdigit()]
    assert [row.split(" · ")[0] for row in numbered] == ["  1. Alder"]
    assert text.count("then also: ") == 6
    assert "then also: 3 more lines" in text
    assert "more of" not in text, "all of them are accounted for"
    assert markdown(made).count("then also: ") == 8, "a review names every one"


def test_rows_that_wait_for_each_other_stand_under_one_of_them() -> None:
    one = line("Alder", state=S.NEEDS_DECISION)
    other = line("Birch", state=S.NEEDS_DECISION, agreement_id=2, waits_for=one.key)
    made = plan(one.but(waits_for=other.key), other)
    text = held_to(shown(made), "Please decide")
    assert (text.count("  1. "), text.count("  2. "), text.count("then also: ")) == (1, 0, 1)


def test_a_line_that_only_ends_is_called_by_the_product_that_is_billed() -> None:
    """A row of the new product takes over nothing where the customer has left: the old one is invoiced."""
    old = OldLine(1, "Managed", "MSP-SERVER", 37, Decimal(4))
    row = line(
        state=S.ENDS, product="MSP-SERVER-MDR", line_id=None, before=4, after=0, takes_over=(old,),
        ends=date(2026, 12, 31),
    )  # fmt: skip
    text = held_to(shown(plan(row)), "What changes on invoices")
    assert "MSP-SERVER #37  ends 31 Dec 2026" in text
    assert "MSP-SERVER-MDR" not in text
    assert ",MSP-SERVER,,ends," in csv_text(plan(row))

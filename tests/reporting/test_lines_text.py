"""The section of a plan that a billing admin reads."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.diagnostics import error
from reconciler.model.lines import LineState, PlannedLine
from reconciler.model.plan import Cause, Plan
from reconciler.model.verdict import group_lines, rounded, sums, totals
from reconciler.reporting.lines_text import answers, line_summary, print_lines, signed
from tests.reporting.made import change_of, line, plan, printed

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
    assert "+9.00 EUR and +9.00 USD" in line_summary(made)
    assert "18.00" not in line_summary(made)
    totals_shown = held_to(shown(made), "All lines, per month, before tax")
    assert [row.split()[-1] for row in totals_shown.splitlines()[2:6]] == ["EUR", "USD", "EUR", "USD"]


def test_a_customer_with_two_lines_counts_once() -> None:
    made = plan(line(), line(product="MSP-EMAIL", line_id=5513), line(agreement="Email", agreement_id=9))
    assert "before tax: 1 customer," in shown(made)


def test_shadow_writes_nothing_and_says_what_it_would() -> None:
    text = shown(plan(line(shadow=True)))
    assert text.startswith("Mode shadow: no line is written. Live, this plan would change invoices by")
    assert "+9.00 EUR" in text.splitlines()[0]
    assert "What changes on invoices" not in text
    assert line_summary(plan(line(shadow=True))).endswith("no invoice changes.")


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
    assert "… and 2 more" in text


def test_a_decision_names_customer_agreement_line_and_place_and_how_to_answer() -> None:
    made = plan(
        line("Colégio Sá", state=S.WITHHELD, before=38, after=64, reason="over the limit", company="SA")
    )
    text = held_to(shown(made), "Please decide (nothing of this is written)")
    assert "Colégio Sá · Managed Security, MSP-ENDPOINT (line #5512), mappings/customers.yaml:14" in text
    assert "withheld: over the limit [38 → 64, +117.00 EUR a month]" in text
    assert "{customer: SA, product: MSP-ENDPOINT, from: 38, upTo: 64, reason: …, until: 2026-12-01}" in text
    assert "{customer: SA, product: MSP-ENDPOINT, quantity: 38, reason: …, until: 2026-12-01}" in text


def test_the_remedy_of_the_line_s_own_message_comes_first() -> None:
    undecided = line(state=S.NEEDS_DECISION, reason="two open lines", before=None, after=None)
    problem = error("lines-ambiguous", "two", "Name one under `line`.", subject=undecided.key)
    assert "→ Name one under `line`." in shown(plan(undecided, diagnostics=(problem,)))


def test_answers_are_quoted_where_yaml_needs_it() -> None:
    (approve, _) = answers(line(state=S.WITHHELD, company="A, {B}: #1"), None, "2026-11-27")
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
    made = plan(
        line("Novo", state=S.NEW_LINE, line_id=None, before=None, feed={"USD": Decimal(96)}),
        line(
            "Padaria Lima",
            state=S.NOT_COUNTED,
            before=4,
            after=4,
            agreement_id=2,
            reason="nothing on the bill",
        ),
        line("Velho", state=S.ENDS, before=4, after=0, agreement_id=3),
    )
    rows = {row.split(" ·")[0]: row for row in held_to(shown(made), "Not billed").splitlines()[2:]}
    assert "new line" in rows["Novo"]
    assert "≈ USD 96.00 at Sophos" in rows["Novo"]
    assert "18.00 EUR billed a month" in rows["Padaria Lima"]
    assert "-18.00 EUR a month" in rows["Velho"]
    assert shown(made).startswith("This plan changes no invoice.")


def test_unchanged_lines_are_one_line() -> None:
    made = plan(
        line(state=S.UNCHANGED, after=10),
        line("Quinta do Lago", state=S.UNCHANGED, after=10, agreement_id=2, held=True),
        line("No line", state=S.UNCHANGED, before=None, after=0, line_id=None),
    )
    assert shown(made).splitlines()[-1] == "Unchanged: 2 lines of 2 customers, 1 of them on hold."


def test_no_line_prints_nothing() -> None:
    assert shown(plan()) == ""
    assert line_summary(plan()) == "No agreement line is counted."


def test_names_cannot_steer_a_terminal() -> None:
    bad = "Evil\x1b[2J\u202e\nSafelog"
    states = (S.MORE, S.WITHHELD, S.NEW_LINE)
    made = plan(
        *[
            line(bad, state=state, agreement=bad, product=bad + state, reason=bad, parts=bad, company=bad)
            for state in states
        ]
    )
    text = shown(made) + line_summary(made)
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
    assert line_summary(made).endswith(".")

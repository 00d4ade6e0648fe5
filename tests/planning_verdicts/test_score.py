"""An old plan against the lines of today."""

from __future__ import annotations

import csv
import io
import json
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.billing import Line
from reconciler.model.lines import LineState
from reconciler.model.plan import Cause
from reconciler.model.verdict import Match, Score, ScoreRow, rounded
from reconciler.planning.score import score
from reconciler.reporting.score_text import print_score, score_csv, score_json, score_line
from tests.reporting.made import change_of, line, plan, printed

if TYPE_CHECKING:
    from reconciler.model.lines import PlannedLine

S, M = LineState, Match


def now(line_id: int = 5512, quantity: int = 10, **values: Any) -> Line:
    given: dict[str, Any] = {"less_included": 0, "unit_price": "4.50", "bill_customer": "Billable"} | values
    return Line(
        id=line_id,
        agreement_id=117,
        product_id=1,
        product_identifier="MSP-ENDPOINT",
        quantity=Decimal(quantity),
        less_included=Decimal(given["less_included"]),
        unit_price=Decimal(given["unit_price"]),
        unit_cost=Decimal(2),
        bill_customer=given["bill_customer"],
        updated_by="anna",
    )


def test_a_line_that_waits_is_left_by_a_commit_s_plan() -> None:
    one = line()
    causes = {Cause.WAITING: (Decimal(10), False), Cause.THIS_CHANGE: (Decimal(12), True)}
    for cause, expected in causes.items():
        (row,) = score(plan(one, changes=(change_of(one, cause=cause),)), {5512: now(quantity=12)}).rows
        assert (row.tool, row.wanted_change) == expected
        assert row.match is M.AGREED


def scored(planned: PlannedLine, *lines: Line) -> ScoreRow:
    (row,) = score(plan(planned), {one.id: one for one in lines}).rows
    return row


@pytest.mark.parametrize(
    ("quantity", "match", "differs", "delta"),
    [(12, M.AGREED, (), "0"), (11, M.ANOTHER, ("line",), "-4.50"), (10, M.UNTOUCHED, ("line",), "-9.00")],
)
def test_a_line_that_should_have_gone_from_ten_to_twelve(
    quantity: int, match: Match, differs: tuple[str, ...], delta: str
) -> None:
    row = scored(line(), now(quantity=quantity))
    assert (row.match, row.differs) == (match, differs)
    assert row.money is not None
    assert row.money.delta == Decimal(delta)
    assert row.wanted_change


def test_an_unchanged_line_agrees_or_a_person_chose_another() -> None:
    same = line(state=S.UNCHANGED, after=10)
    assert scored(same, now()).match is M.AGREED
    assert scored(same, now(quantity=9)).match is M.ANOTHER
    assert not scored(same, now()).wanted_change


def test_a_line_that_is_missing_today_is_gone() -> None:
    row = scored(line())
    assert (row.match, row.line, row.money) == (M.GONE, None, None)


def test_a_withheld_line_shows_that_the_tool_is_the_odd_one() -> None:
    row = scored(line(state=S.WITHHELD, before=38, after=64), now(quantity=64))
    assert row.match is M.AGREED
    assert (row.bill, row.tool, row.line) == (Decimal(64), Decimal(38), Decimal(64))
    assert row.differs == ("tool",)


def test_all_three_may_differ() -> None:
    row = scored(line(state=S.WITHHELD, before=38, after=64), now(quantity=50))
    assert (row.match, row.differs) == (M.ANOTHER, ("bill", "tool", "line"))


@pytest.mark.parametrize(
    "planned",
    [
        line(state=S.NEEDS_DECISION, after=None),
        line(state=S.NEEDS_DECISION, after=10),
        line(state=S.NOT_COUNTED, after=10),
        line(state=S.NEW_LINE, line_id=None, before=None),
    ],
)
def test_what_the_plan_had_no_number_for_is_not_compared(planned: PlannedLine) -> None:
    assert scored(planned, now()).match is M.NOT_COMPARED


def test_nothing_and_no_line_is_left_out() -> None:
    assert score(plan(line(state=S.UNCHANGED, line_id=None, before=None, after=0)), {}).rows == ()


def test_included_units_count_as_a_difference() -> None:
    terms = line(state=S.TERMS, after=10, included_after=5)
    assert scored(terms, now(less_included=5)).match is M.AGREED
    row = scored(terms, now())
    assert row.match is M.UNTOUCHED
    assert row.money is not None
    assert row.money.delta == Decimal("22.50")


def test_a_new_price_is_not_taken_for_a_wrong_quantity() -> None:
    row = scored(line(), now(quantity=12, unit_price="5.00"))
    assert row.money is not None
    assert row.money.delta == 0


def test_what_is_not_billable_has_no_money() -> None:
    row = scored(line(bill_customer="NoCharge"), now(bill_customer="NoCharge"))
    assert row.money is not None
    assert row.money.delta == 0


def several() -> Score:
    made = plan(
        line(),
        line("Another", agreement_id=2, line_id=2),
        line("another ", agreement_id=3, line_id=3, state=S.UNCHANGED, after=10),
        line("=Gone\x1b", agreement_id=4, line_id=4, parts="12 = CIXA-MSP 12"),
        line("Dollar", agreement_id=5, line_id=5, currency="USD"),
    )
    return score(made, {5512: now(quantity=12), 2: now(2, 15), 3: now(3), 5: now(5, 10)})


def test_totals_by_category_never_add_currencies() -> None:
    tallies = {tally.match: tally for tally in several().tallies()}
    assert {match: tally.lines for match, tally in tallies.items()} == {
        M.AGREED: 2, M.ANOTHER: 1, M.UNTOUCHED: 1, M.GONE: 1, M.NOT_COMPARED: 0,
    }  # fmt: skip
    assert tallies[M.AGREED].wanted_change == 1
    assert [(a.currency, a.delta) for a in tallies[M.UNTOUCHED].money] == [("USD", Decimal("-9.00"))]


def test_the_text_shows_what_differs_and_counts_the_rest() -> None:
    text = printed(lambda console: print_score(console, several()))
    assert text.startswith("Plan of 2026-11-27, Sophos 2026-11: 2 of 5 lines stand as Sophos's bill says; ")
    assert "invoiced +13.50 EUR and -9.00 USD a month against it" in text.splitlines()[0]
    assert "person chose another" in text
    assert "12 = CIXA-MSP 12" in text
    assert "Safelog" not in text
    assert "\x1b" not in text


def test_full_agreement_is_said_plainly() -> None:
    made = score(plan(line()), {5512: now(quantity=12)})
    assert score_line(made) == "Plan of 2026-11-27, Sophos 2026-11: 1 of 1 lines stand as Sophos's bill says."


def test_the_json_form_groups_by_customer() -> None:
    found = json.loads(score_json(several()))
    assert [one["customer"] for one in found["customers"]] == [
        "=Gone\x1b",
        "Another",
        "another ",
        "Dollar",
        "Safelog",
    ]
    assert found["customers"][1]["lines"][0]["quantity"] == {
        "was": "10",
        "bill": "12",
        "tool": "12",
        "line": "15",
    }
    assert found["totals"][0] == {"match": "agreed", "lines": 2, "customers": 2, "wantedChange": 1, "money": [
        {"currency": "EUR", "before": "99.00", "after": "99.00", "delta": "0.00"}]}  # fmt: skip


def test_the_table_holds_every_line_and_no_formula() -> None:
    rows = list(csv.DictReader(io.StringIO(score_csv(several(), separator=";")), delimiter=";"))
    assert [row["Customer"] for row in rows] == ["'=Gone", "Another", "another ", "Dollar", "Safelog"]
    assert (rows[1]["Line now"], rows[1]["Difference per month"]) == ("15", "13,50")


@settings(max_examples=50, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(S)), st.integers(0, 99), st.integers(0, 99), st.none() | st.integers(0, 99)
        ),
        max_size=8,
    )
)
def test_every_line_is_in_one_category_and_rows_add_up(
    cases: list[tuple[LineState, int, int, int | None]],
) -> None:
    planned, today = [], {}
    for number, (state, before, after, quantity) in enumerate(cases, 1):
        planned.append(
            line(f"C{number}", state=state, before=before, after=after, line_id=number, agreement_id=number)
        )
        if quantity is not None:
            today[number] = now(number, quantity)
    found = score(plan(*planned), today)
    tallies = found.tallies()
    assert sum(tally.lines for tally in tallies) == len(cases)
    for tally in tallies:
        of_match = [rounded(row.money) for row in found.rows if row.match is tally.match and row.money]
        assert sum(a.delta for a in tally.money) == sum(one.delta for one in of_match)
        assert all(
            row.differs == () or row.match is not M.AGREED or row.tool != row.bill for row in found.rows
        )

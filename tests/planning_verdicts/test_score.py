"""An old plan against the lines of today."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.model.billing import Line
from reconciler.model.change import Cause
from reconciler.model.lines import LineState
from reconciler.model.score import Match, Score, ScoreRow
from reconciler.model.verdict import rounded
from reconciler.planning.score import score
from reconciler.reporting.score_text import print_score, score_csv, score_json, score_line
from tests.reporting.made import change_of, ending, line, moved, new_line, plan, printed

if TYPE_CHECKING:
    from reconciler.model.lines import PlannedLine

S, M = LineState, Match


def now(line_id: int = 5512, quantity: int = 10, **values: Any) -> Line:
    given: dict[str, Any] = {
        "less_included": 0, "unit_price": "4.50", "bill_customer": "Billable", "product": "MSP-ENDPOINT",
        "agreement_id": 117, "ended": None, "serial": "",
    } | values  # fmt: skip
    return Line(
        id=line_id,
        agreement_id=given["agreement_id"],
        product_id=1,
        product_identifier=given["product"],
        cancelled=given["ended"],
        serial_number=given["serial"],
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


def numbers(row: ScoreRow) -> list[Decimal | None]:
    """What was there, what the bill gave, what the tool would have left, and what stands there."""
    return [row.was, row.bill, row.tool, row.line]


LAST = date(2026, 11, 30)
OLD: dict[str, Any] = {"product": "MSP-OLD"}
NEW: dict[str, Any] = {"product": "msp-new ", "unit_price": "9.90"}


@pytest.mark.parametrize(
    ("lines", "match", "stands", "delta"),
    [
        ([now(99, 12)], M.AGREED, 12, "0"),
        ([now(99, 11)], M.ANOTHER, 11, "-4.50"),
        ([now(98, 5), now(99, 12)], M.AGREED, 12, "0"),
        ([], M.UNTOUCHED, 0, "-54"),
        ([now(99, 12, product="MSP-OTHER"), now(98, 12, agreement_id=8)], M.UNTOUCHED, 0, "-54"),
        ([now(99, 12, ended=LAST)], M.UNTOUCHED, 0, "-54"),
    ],
)
def test_a_new_line_is_looked_for_on_its_agreement(
    lines: list[Line], match: Match, stands: int, delta: str
) -> None:
    row = scored(new_line(), *lines)
    assert row.match is match
    assert numbers(row) == [0, 12, 12, stands]
    assert row.money is not None
    assert row.money.delta == Decimal(delta)
    assert row.wanted_change


def test_a_withheld_new_line_that_a_person_made_shows_that_the_tool_is_the_odd_one() -> None:
    row = scored(new_line(state=S.WITHHELD), now(99, 12))
    assert (row.match, row.differs) == (M.AGREED, ("tool",))
    assert numbers(row) == [0, 12, 0, 12]


def test_a_firewall_is_compared_with_its_own_line() -> None:
    row = new_line(serial="C0123")
    assert scored(row, now(98, 12, serial="C0999")).match is M.UNTOUCHED
    assert scored(row, now(98, 12, serial="C0999"), now(99, 12, serial="c0123")).match is M.AGREED


def test_a_known_line_is_not_taken_for_a_new_one() -> None:
    rows = score(plan(new_line(), line("Other", line_id=99)), {99: now(99, 12)}).rows
    assert {row.customer: row.match for row in rows} == {"Novo": M.UNTOUCHED, "Other": M.AGREED}


@pytest.mark.parametrize(
    ("lines", "match", "stands", "delta"),
    [
        ([now(99, 40, **NEW), now(12, 40, ended=LAST, **OLD)], M.AGREED, 40, "0"),
        ([now(99, 40, **NEW)], M.AGREED, 40, "0"),
        ([now(12, 40, **OLD)], M.UNTOUCHED, 40, "-216"),
        ([now(99, 40, **NEW), now(12, 40, **OLD)], M.ANOTHER, 80, "180"),
        ([now(99, 40, **NEW), now(12, 40, ended=date(2026, 12, 31), **OLD)], M.ANOTHER, 80, "180"),
        ([now(12, 40, ended=LAST, **OLD)], M.ANOTHER, 0, "-396"),
        ([now(99, 39, **NEW)], M.ANOTHER, 39, "-9.90"),
    ],
    ids=["moved", "old one gone", "untouched", "both bill", "old one ends later", "half done", "fewer"],
)
def test_a_move_is_a_new_line_and_the_end_of_the_old_one(
    lines: list[Line], match: Match, stands: int, delta: str
) -> None:
    row = scored(moved(), *lines)
    assert row.match is match
    assert numbers(row) == [40, 40, 40, stands]
    assert row.money is not None
    assert row.money.delta == Decimal(delta)


@pytest.mark.parametrize(
    ("lines", "match"),
    [
        ([now(5, 12), now(12, 40, ended=LAST, **OLD)], M.AGREED),
        ([now(5, 10), now(12, 40, **OLD)], M.UNTOUCHED),
        ([now(5, 12), now(12, 40, **OLD)], M.ANOTHER),
        ([now(12, 40, **OLD)], M.GONE),
    ],
)
def test_a_line_that_takes_over_is_right_once_the_other_has_ended(lines: list[Line], match: Match) -> None:
    row = moved(state=S.MORE, line_id=5, starts=None, before=10, after=12, product="MSP-ENDPOINT")
    found = scored(row, *lines)
    assert found.match is match
    assert found.was == Decimal(50)


@pytest.mark.parametrize(
    ("lines", "match", "stands", "delta"),
    [
        ([], M.AGREED, 0, "0"),
        ([now(quantity=4, ended=LAST)], M.AGREED, 0, "0"),
        ([now(quantity=0)], M.AGREED, 0, "0"),
        ([now(quantity=4)], M.UNTOUCHED, 4, "18"),
        ([now(quantity=4, ended=date(2026, 12, 31))], M.ANOTHER, 4, "18"),
        ([now(quantity=3)], M.ANOTHER, 3, "13.50"),
    ],
)
def test_a_line_that_was_to_end(lines: list[Line], match: Match, stands: int, delta: str) -> None:
    row = scored(ending(), *lines)
    assert row.match is match
    assert numbers(row) == [4, 0, 0, stands]
    assert row.money is not None
    assert row.money.delta == Decimal(delta)


def test_lines_that_end_for_nothing_else_are_compared() -> None:
    row = moved(state=S.ENDS, starts=None, after=0)
    assert scored(row).match is M.AGREED
    assert scored(row, now(12, 40, **OLD)).match is M.UNTOUCHED


@pytest.mark.parametrize(
    ("row", "lines", "match"),
    [
        (moved(), [now(99, 40, ended=date(2027, 1, 31), **NEW), now(12, 40, ended=LAST, **OLD)], M.AGREED),
        (moved(), [now(99, 38, ended=date(2027, 1, 31), **NEW), now(12, 40, ended=LAST, **OLD)], M.ENDED),
        (line(), [now(quantity=12, ended=date(2027, 1, 31))], M.AGREED),
        (line(), [now(quantity=10, ended=date(2027, 1, 31))], M.ENDED),
    ],
)
def test_what_a_later_plan_moved_on_is_nobody_s_other_choice(
    row: PlannedLine, lines: list[Line], match: Match
) -> None:
    """The line that the old plan started has ended since; who did that, the line does not say."""
    found = scored(row, *lines)
    assert found.match is match
    assert (found.money is None) is (match is M.ENDED)


@pytest.mark.parametrize(
    ("row", "lines", "delta"),
    [(line(cycle_months=3), [now(quantity=10)], "-3"), (new_line(cycle_months=12), [], "-4.50")],
)
def test_money_of_a_longer_cycle_is_a_month_s(row: PlannedLine, lines: list[Line], delta: str) -> None:
    found = scored(row, *lines)
    assert found.money is not None
    assert rounded(found.money).delta == Decimal(delta)


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
        M.AGREED: 2, M.ANOTHER: 1, M.UNTOUCHED: 1, M.ENDED: 0, M.GONE: 1, M.NOT_COMPARED: 0,
    }  # fmt: skip
    assert tallies[M.AGREED].wanted_change == 1
    assert [(a.currency, a.delta) for a in tallies[M.UNTOUCHED].money] == [("USD", Decimal("-9.00"))]


def test_the_text_shows_what_differs_and_counts_the_rest() -> None:
    text = printed(lambda console: print_score(console, several()))
    assert text.startswith("Plan of 2026-11-27, Sophos 2026-11: 2 of 5 lines stand as Sophos's bill says; ")
    assert "invoiced +13.50 EUR and -9.00 USD a month against it" in text.splitlines()[0]
    assert "another number" in text
    assert "12 = CIXA-MSP 12" in text
    assert "Safelog" not in text
    assert "\x1b" not in text


def test_full_agreement_is_said_plainly() -> None:
    made = score(plan(line()), {5512: now(quantity=12)})
    assert score_line(made) == "Plan of 2026-11-27, Sophos 2026-11: 1 of 1 line stands as Sophos's bill says."


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


def test_the_company_is_named_in_every_form() -> None:
    row = ScoreRow(
        "Alder Dental", "Managed", "MSP-EP", 11, Match.ANOTHER, None, None, None, None,
        company="ALD", company_name="Alder Clinics",
    )  # fmt: skip
    made = Score("2026-11-27", "2026-11", (row,))
    assert row.to_json()["companyName"] == "Alder Clinics"
    assert "Alder Dental,ALD,Alder Clinics,Managed" in score_csv(made)
    assert "Alder Dental (Alder Clinics, ALD) · Managed" in printed(
        lambda console: print_score(console, made)
    )

"""The census in every form of a plan: both identities, and the open lines that no row has."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import load_workbook

from reconciler.cli import exit_codes
from reconciler.cli.plan import exit_code, verdict_text
from reconciler.model.census import Census, LineAccount, LinesIn
from reconciler.model.census_check import CENSUS_OPEN, census_problem
from reconciler.model.diagnostics import Location, error
from reconciler.model.lines import Amount, LineState
from reconciler.model.plan import Plan
from reconciler.model.usage_notes import UsageNote
from reconciler.planning.plan import guarded
from reconciler.planning.ready import ready
from reconciler.planning.score import score
from reconciler.reporting.census_words import identities
from reconciler.reporting.markdown import COMMENT, markdown
from reconciler.reporting.plan_text import print_plan, print_summary, summary_line
from reconciler.reporting.score_text import print_score
from reconciler.reporting.spreadsheet import csv_text, xlsx_bytes
from tests.reporting.made import INVOICE, apart, census, change_of, line, plan, printed

if TYPE_CHECKING:
    from collections.abc import Callable

SAME = line(state=LineState.UNCHANGED, after=10)
CLOSED = census(("in step", 1))
LINES = "Lines: 1 = 1 in step + 0 unexplained; 45.00 EUR a month"
UNITS = "Units: 10 = 10 billed + 0 undecided; ≈ USD 20.00 at Sophos"


def text_of(made: Plan) -> str:
    return printed(lambda console: print_plan(console, made))


def book(made: Plan) -> Any:
    return load_workbook(io.BytesIO(xlsx_bytes(made)))


def csv_records(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline="")))


def sheet(made: Plan, name: str) -> list[dict[str, Any]]:
    head, *rows = book(made)[name].iter_rows(values_only=True)
    return [dict(zip(head, row, strict=True)) for row in rows]


# --- the two sentences


def test_every_account_has_its_number_and_its_words() -> None:
    found = census(
        ("in step", 1_287), ("changes", 14), ("ends", 3), ("moves", 2), ("waits", 4),
        ("left", 1, "exclude"), ("left", 1, "sync: false"),
        units=(
            ("billed", 1_150), ("included", 20), ("excluded", 10, "Pilot"), ("excluded", 20, "internal"),
            ("excluded", 9, "sync: false"),
            ("no mapping", 4), ("shadow", 3), ("no customer row", 2), ("no tenant", 1), ("term or trial", 5),
        ),
    )  # fmt: skip
    assert identities(found) == (
        (
            "Lines: 1,312 = 1,287 in step + 14 to change + 3 to end + 2 to move + 4 waiting "
            "+ 2 left (1 exclude, 1 sync: false) + 0 unexplained; 59,040.00 EUR a month"
        ),
        (
            "Units: 1,224 = 1,150 billed + 20 included + 3 in shadow + 30 excluded (internal 20, Pilot 10) "
            "+ 9 sync: false + 0 undecided + 4 no mapping + 2 no customer row + 1 no tenant "
            "+ 5 term or trial; ≈ USD 2,448.00 at Sophos"
        ),
    )


def test_an_account_is_called_the_same_for_one_line_and_for_several() -> None:
    found = census(("changes", 1), ("ends", 1), ("moves", 1), ("waits", 1), apart())
    assert identities(found)[0] == (
        "Lines: 5 = 1 to change + 1 to end + 1 to move + 1 waiting + 1 unexplained; 260.00 EUR a month"
    )


def test_what_is_empty_is_left_out_but_for_what_stops_invoices() -> None:
    assert identities(Census(0, Decimal(0))) == (
        "Lines: 0 = 0 unexplained",
        "Units: 0 = 0 undecided",
    )


def test_each_currency_has_its_own_decimals_and_none_is_added_to_another() -> None:
    money = {"ISK": Decimal(9_900), "EUR": Decimal("13.5"), "KWD": Decimal("1.250"), "USD": Decimal("0.00")}
    found = Census(2, Decimal(0), (LinesIn(LineAccount.IN_STEP, "", 2, Decimal(3), money),))
    assert identities(found)[0] == (
        "Lines: 2 = 2 in step + 0 unexplained; 13.50 EUR and 9,900 ISK and 1.250 KWD a month"
    )


def test_parts_of_units_stay_parts() -> None:
    found = Census(0, Decimal("2.5"))
    assert identities(found)[1].startswith("Units: 2.5 ≠ 0 = ")


def test_many_words_are_counted_and_long_ones_cut() -> None:
    many = tuple(("excluded", 10 - number, f"reason {number}") for number in range(9))
    assert identities(census(units=many))[1].startswith(
        "Units: 54 = 54 excluded (reason 0 10, reason 1 9, reason 2 8, 6 other reasons 27) + 0 undecided"
    )
    left = [("left", 10 - number, f"word {number}") for number in range(7)]
    assert (
        "(10 word 0, 9 word 1, 8 word 2, 7 word 3, 6 word 4, 9 by 2 other words)"
        in (identities(census(*left))[0])
    )
    long = identities(census(units=(("excluded", 1, "x" * 300),)))[1]
    assert f"({'x' * 39}… 1)" in long


def test_a_word_cannot_steer_a_terminal() -> None:
    shown = identities(census(units=(("excluded", 1, "a\u202eb\n::error::c ##[x]"),)))[1]
    assert "\u202e" not in shown
    assert "\n" not in shown
    assert "##[" not in shown


def test_without_lines_to_count_nothing_is_claimed() -> None:
    assert identities(None) == ()
    assert "Lines:" not in text_of(plan(SAME))


# --- in every form of a plan


FORMS: dict[str, Callable[[Plan], str]] = {
    "text": text_of,
    "summary": lambda made: printed(lambda console: print_summary(console, made)),
    "markdown": markdown,
    "markdown of a long plan": lambda made: markdown(made, limit=10),
    "xlsx": lambda made: "\n".join(str(row["Text"]) for row in sheet(made, "Summary")),
    "score": lambda made: printed(lambda console: print_score(console, score(made, {}))),
}


@pytest.mark.parametrize("form", FORMS)
def test_both_identities_stand_in_every_form_that_is_read(form: str) -> None:
    shown = FORMS[form](plan(SAME, census=CLOSED))
    assert LINES in shown
    assert UNITS in shown


def test_both_identities_stand_in_the_json_of_plan_and_score() -> None:
    made = plan(SAME, census=census(("in step", 1), apart()))
    document = made.to_json()["census"]
    assert document["lines"]["total"] == 2
    assert [part["account"] for part in document["lines"]["accounts"]] == ["in step", "unexplained"]
    assert document["units"]["total"] == "10"
    assert Plan.from_json(made.to_json()).census == made.census
    assert score(made, {}).to_json()["census"] == document


def test_the_text_ends_with_both_identities_and_the_counts() -> None:
    assert text_of(plan(SAME, census=CLOSED)).splitlines()[-3:] == [
        LINES,
        UNITS,
        "Nothing to do: ConnectWise is as the mappings say.",
    ]


def test_the_summary_sheet_has_the_money_of_each_account() -> None:
    made = plan(SAME, census=census(("in step", 2), ("left", 1, "exclude"), apart(), units=(("billed", 7),)))
    found = [
        (row["What"], row["Text"], row["Count"], row["Currency"], row["Now"])
        for row in sheet(made, "Summary")
        if str(row["What"]).startswith(("Open lines:", "Units on the bill:"))
    ]
    assert found == [
        ("Open lines: in step", None, 2, "EUR", 90),
        ("Open lines: left", "exclude", 1, "EUR", 45),
        ("Open lines: unexplained", None, 1, "EUR", 80),
        ("Units on the bill: billed", None, 7, "USD", 14),
        ("Units on the bill: undecided", None, 0, None, None),
    ]


# --- open lines that no row has


def test_unexplained_lines_come_first_then_waiting_ones_then_those_that_a_word_leaves() -> None:
    made = plan(
        SAME,
        census=census(
            ("in step", 1),
            apart(1, "left", "exclude", reason="Birch is excluded: friends", source=Location("c.yaml", 4)),
            apart(2, "waits", reason="its row names another company now", remedy="movedFrom"),
            apart(3, quantity=Decimal(1), money="4.00"),
            apart(4),
        ),
    )
    shown = text_of(made)
    section = shown.split("Other open lines (nothing is written to them)\n")[1].split("\n\n")[0]
    columns = ("Company · agreement".ljust(38), "Product".ljust(12), "Quantity", "  A month")
    head = "  " + "  ".join((*columns, "Last written by".ljust(19), "Row"))
    assert section.splitlines() == [
        "  2 lines unexplained, 21 units, 84.00 EUR a month",
        "  no customer row speaks of it",
        "  → give the customer a row",
        head,
        "  Birch & Sons (BIRCH) · Managed IT #300  MSP-EMAIL #4        20  80.00 EUR  apirec, 27 Oct 2026",
        "  Birch & Sons (BIRCH) · Managed IT #300  MSP-EMAIL #3         1   4.00 EUR  apirec, 27 Oct 2026",
        "  1 line waiting for a decision, 20 units, 80.00 EUR a month",
        "  its row names another company now",
        "  → movedFrom",
        head,
        "  Birch & Sons (BIRCH) · Managed IT #300  MSP-EMAIL #2        20  80.00 EUR  apirec, 27 Oct 2026",
        "  1 line left: exclude, 20 units, 80.00 EUR a month",
        head.replace("Row", "Row       Why"),
        (
            "  Birch & Sons (BIRCH) · Managed IT #300  MSP-EMAIL #1        20  80.00 EUR  "
            "apirec, 27 Oct 2026  c.yaml:4  Birch is excluded: friends"
        ),
    ]


def test_a_line_with_little_known_is_shown_all_the_same() -> None:
    bare = apart(remedy="", money=None, company_name="", last_writer="", last_written="")
    shown = text_of(plan(SAME, census=census(bare)))
    assert "  BIRCH · Managed IT #300  MSP-EMAIL #71        20        ?  ?\n" in shown
    assert "→" not in shown.split("Other open lines")[1]


def test_a_site_without_any_row_shows_its_open_lines() -> None:
    shown = text_of(plan(census=census(apart())))
    assert "1 line unexplained, 20 units, 80.00 EUR a month" in shown


def test_lines_that_change_or_are_in_step_are_only_counted() -> None:
    made = plan(SAME, census=census(apart(1, "in step"), apart(2, "moves")))
    assert "Other open lines" not in text_of(made)
    assert "Other open lines" not in markdown(made)


@pytest.mark.parametrize(("account", "word", "shown"), [("unexplained", "", 50), ("left", "exclude", 8)])
@pytest.mark.parametrize("form", ["text", "markdown"])
def test_many_lines_are_cut_and_counted(form: str, account: str, word: str, shown: int) -> None:
    several = [apart(number, account, word, money=str(number)) for number in range(1, 61)]
    text = FORMS[form](plan(SAME, census=census(*several)))
    named = [number for number in range(1, 61) if f"MSP-EMAIL #{number}," in text
             or f"MSP-EMAIL #{number} " in text or f"MSP-EMAIL #&#8203;{number} " in text]  # fmt: skip
    assert named == list(range(61 - shown, 61)), "the biggest"
    rest = 60 - shown
    together = sum(range(1, rest + 1))
    assert f"… and {rest} more lines, together {together:,}.00 EUR a month" in text


def test_fifty_open_lines_are_all_shown() -> None:
    several = [apart(number, "waits") for number in range(1, 51)]
    assert "… and" not in text_of(plan(SAME, census=census(*several)))


def test_markdown_stays_within_a_comment_and_keeps_the_counts() -> None:
    several = [apart(number, reason="x" * 2_000) for number in range(1, 61)]
    text = markdown(plan(SAME, census=census(*several)), limit=COMMENT)
    assert len(text.encode()) <= COMMENT
    assert "60 lines unexplained, 1200 units, 4,800.00 EUR a month" in text
    assert "Lines: 60 = 60 unexplained" in text


def test_markdown_puts_them_above_what_changes() -> None:
    made = plan(line(), census=census(("changes", 1), apart(), apart(5, "waits")))
    text = markdown(made)
    assert text.startswith("## 🟡 1 open line waiting for a decision · 1 open line unexplained · ")
    assert text.index("Other open lines") < text.index("What changes on invoices")
    assert "| Birch &amp; Sons (BIRCH) · Managed IT #&#8203;300 |" in text


def test_they_are_rows_of_the_csv_like_the_others() -> None:
    rows = csv_records(csv_text(plan(SAME, census=census(("in step", 1), apart(9, "left", "exclude")))))
    assert [row["What happens"] for row in rows] == ["left: exclude", "unchanged"]
    found = {name: value for name, value in rows[0].items() if value}
    assert found == {
        "Customer": "Birch & Sons", "Company": "BIRCH", "Company name": "Birch & Sons",
        "Agreement": "Managed IT", "Product": "MSP-EMAIL",
        "Line": "9", "What happens": "left: exclude", "Written by this plan": "no", "Quantity now": "20",
        "Quantity new": "20", "Currency": "EUR", "Sales now": "80.00", "Sales new": "80.00",
        "Change per month": "0.00", "Why": "no customer row speaks of it → give the customer a row",
        "First invoice": "2026-12-01", "On hold": "no", "Mode shadow": "no", "Last written by": "apirec",
        "Last written": "2026-10-27T10:00:00Z",
    }  # fmt: skip


def test_open_ones_are_among_the_problems_of_a_workbook() -> None:
    made = plan(SAME, census=census(apart(8), apart(9, "left", "exclude")))
    assert [
        (row["Kind"], row["Customer"], row["Line"], row["What to do"]) for row in sheet(made, "Problems")
    ] == [("unexplained", "Birch & Sons", 8, "give the customer a row")]
    assert [row["Line"] for row in sheet(made, "Lines")] == [8, 9, 5512]


# --- exit codes and the last lines


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ([apart(), apart(5)], "2 open lines unexplained"),
        ([apart(5, "waits")], "1 open line waiting for a decision"),
        ([apart(5, "waits"), apart()], "1 open line waiting for a decision and 1 open line unexplained"),
    ],
)
def test_what_is_open_ends_with_exit_code_4_and_its_name(lines: list[Any], says: str) -> None:
    made = plan(SAME, census=census(("in step", 1), *lines))
    assert exit_code(made, detailed=True) == exit_codes.PARTLY
    assert verdict_text(made, 4) == f"Exit code 4 because of {says}. Nothing can be written.\n"
    assert summary_line(made).startswith("Nothing is written until somebody decides. ")
    assert all(f"{part}." in summary_line(made) for part in says.split(" and "))


@pytest.mark.parametrize(
    "found",
    [
        census(("in step", 1), ("waits", 1)),
        census(("in step", 1), ("unexplained", 1)),
        census(("in step", 2), units=(("billed", 1), ("undecided", 1))),
    ],
)
def test_an_open_account_ends_with_exit_code_4_even_where_no_line_says_why(found: Census) -> None:
    made = plan(SAME, census=found)
    assert exit_code(made, detailed=True) == exit_codes.PARTLY
    assert "because of lines or units whose accounts are open" in verdict_text(made, 4)
    assert "Nothing to do" not in summary_line(made)
    assert not ready(made, INVOICE).yes
    alone = plan(SAME, census=replace(found, narrowed=True))
    assert exit_code(alone, detailed=True) == exit_codes.DONE, "they may be another customer's"


def test_a_line_that_a_word_leaves_is_nothing_to_decide() -> None:
    made = plan(SAME, census=census(("in step", 1), apart(5, "left", "exclude")))
    assert exit_code(made, detailed=True) == exit_codes.DONE
    assert verdict_text(made, 0) == ""
    assert summary_line(made) == "Nothing to do: ConnectWise is as the mappings say."


def test_a_line_billed_without_usage_for_two_months_ends_with_exit_code_4() -> None:
    silent = line(state=LineState.NOT_COUNTED, after=None, months_without_usage=2,
                  sales=Amount("EUR", Decimal(45), Decimal(45)))  # fmt: skip
    assert exit_code(plan(silent), detailed=False) == exit_codes.PARTLY
    assert "1 line billed without Sophos usage" in verdict_text(plan(silent), 4)
    assert exit_code(plan(silent.but(months_without_usage=1)), detailed=False) == exit_codes.DONE


# --- a census that does not close


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (census(("in step", 1), total=2), "2 open lines read and 1 accounted for"),
        (census(("in step", 2), total=1), "1 open line read and 2 accounted for"),
        (census(("in step", 1), unit_total=11), "11 units on the bill and 10 accounted for"),
        (Census(0, Decimal(0), apart=(apart(),)), "1 line without a row under unexplained, which holds 0"),
        (census(apart(4), apart(4)), "line #4 has two accounts"),
        (
            Census(0, Decimal(0), (LinesIn(LineAccount.WAITS, "", -1, Decimal(0)),
                                   LinesIn(LineAccount.LEFT, "hold", 1, Decimal(0)))),
            "-1 lines under waits",
        ),
    ],
)  # fmt: skip
def test_a_census_that_does_not_close_is_said_first_and_nothing_is_written(found: Census, says: str) -> None:
    changed = line()
    another = error("another-problem", "something else")
    made = guarded(plan(changed, changes=(change_of(changed),), census=found, diagnostics=(another,)))
    assert made.diagnostics[0].code == CENSUS_OPEN
    assert says in made.diagnostics[0].message
    assert made.ready == ()
    assert exit_code(made, detailed=False) == exit_codes.STOPPED
    assert text_of(made).splitlines()[1].startswith(f"error [{CENSUS_OPEN}] ")
    assert text_of(made).count(f"[{CENSUS_OPEN}]") == 1
    problems = markdown(made).split("### Problems\n")[1]
    assert problems.startswith(f"- **{CENSUS_OPEN}** ")
    (told,) = [row for row in sheet(made, "Problems") if row["Code"] == CENSUS_OPEN]
    assert told["What"].endswith("Nothing is written.")


def test_both_numbers_are_shown_where_they_differ() -> None:
    lines, units = identities(census(("in step", 1), total=3, unit_total=12))
    assert lines.startswith("Lines: 3 ≠ 1 = 1 in step")
    assert units.startswith("Units: 12 ≠ 10 = 10 billed")


def test_a_census_that_closes_stops_nothing() -> None:
    assert census_problem(None) is None
    assert census_problem(census(("in step", 1), apart(), apart(5, "left", "hold"))) is None
    changed = line()
    assert guarded(plan(changed, changes=(change_of(changed),), census=CLOSED)).ready


@pytest.mark.parametrize("form", ["text", "markdown"])
def test_nobody_is_told_that_nothing_bills_units_beside_which_a_line_bills(form: str) -> None:
    """A customer without a row mostly has open lines: that no row follows its units is what is known."""
    note = UsageNote("customer", "Birch & Sons", "CIXA-MSP", "20", 1, {"USD": "40.00"}, detail="a row")
    lost = UsageNote("unmapped", "CW7-SUP-MSP", "Legacy", "13", 2)
    shown = FORMS[form](plan(SAME, census=census(("in step", 1), apart()), usage_notes=(note, lost)))
    assert "nothing bills" not in shown
    assert "is not invoiced" not in shown
    assert "no row" in shown

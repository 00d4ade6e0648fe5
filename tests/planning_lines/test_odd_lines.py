"""Lines in a state that nobody meant: below zero, with more included than billed, ended before they begin."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, agreements, bill, expect

if TYPE_CHECKING:
    from tests.planning_lines.books import Books

OCTOBER = NOVEMBER.previous()
OFF = SETTINGS.replace("live", "live, guards: {lineChange: off, lineToZero: off}")
HOLD = "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 20, reason: r, until: 2026-12-31}\n"
APPROVAL = (
    "approvals:\n  - {customer: ALPHA, product: MSP-EP, from: 0, upTo: 20, given: 2026-11-27, reason: r, "
    "until: 2026-12-05}\n"
)
EIGHT = bill("tenant | code | units\nAlpha | EP | 8")


# --- credits


@pytest.mark.parametrize("writer", ["apirec", "jane"])
@pytest.mark.parametrize("answer", ["", HOLD, APPROVAL], ids=["unasked", "with a hold", "with an approval"])
def test_a_credit_is_never_raised(books: Books, writer: str, answer: str) -> None:
    settings = OFF.replace("guards:", "onDrift: enforce, guards:")
    lines = f"id | qty | by\n11 | -20 | {writer}"
    planned = books.plan(lines=lines, yaml=ALPHA + answer, settings=settings)
    expect(planned, "Alpha MSP-EP #11 needs a decision -20→-20 0.00→0.00 EUR")
    assert planned.writes == []
    assert f"line #11 stands at -20, which is a credit (last written by {writer})" in planned.reason


def test_a_credit_that_stays_raises_no_other_line(books: Books) -> None:
    """20 are billed and 20 stand beside the credit: making 40 of them would take it back."""
    yaml = ALPHA.replace("sync: true}\n", "sync: true, lines: {MSP-EP: {line: 12, fixed: [11]}}}\n")
    yaml = yaml.replace("MSP-EP, sync: true, lines: {MSP-EP: {line: 12, fixed: [11]}}", "MSP-EP, sync: true")
    planned = books.plan(yaml=yaml, lines="id | qty\n11 | -20\n12 | 20", settings=OFF)
    expect(planned, "Alpha MSP-EP #12 unchanged 20→20 90.00→90.00 EUR")


def test_a_credit_beside_the_line_is_asked_about_with_both(books: Books) -> None:
    planned = books.plan(lines="id | qty\n11 | 20\n12 | -5", settings=OFF)
    assert planned.writes == []
    assert "#11 (20 × 4.50) and #12 (-5 × 4.50)" in planned.reason


# --- included units


def test_included_units_of_the_line_itself_go_down_with_its_quantity_in_one_request(books: Books) -> None:
    """10 included of 8: a server may bill −2."""
    planned = books.plan(bill=EIGHT, lines="id | qty | incl\n11 | 20 | 10", settings=OFF)
    expect(planned, "Alpha MSP-EP #11 less 20→8 45.00→0.00 EUR")
    assert planned.writes == ["line 11 quantity 20→8, lessIncluded 10→8"]
    assert "included 10 → 8, not more than the quantity" in planned.reason
    assert "declare `included: 10` under `lines`" in planned.reason


def test_included_units_of_a_line_that_goes_to_zero_are_none(books: Books) -> None:
    nothing = bill("tenant | code | units\nAlpha | OTHER | 1")
    planned = books.plan(bill=nothing, lines="id | qty | incl\n11 | 20 | 10", settings=OFF)
    assert planned.writes == ["line 11 quantity 20→0, lessIncluded 10→0"]


def test_a_line_with_more_included_than_it_has_is_put_right(books: Books) -> None:
    planned = books.plan(bill=EIGHT, lines="id | qty | incl\n11 | 8 | 10", settings=OFF)
    expect(planned, "Alpha MSP-EP #11 terms 8→8 0.00→0.00 EUR")
    assert planned.writes == ["line 11 lessIncluded 10→8"]


@pytest.mark.parametrize("units", [8, 12])
def test_declared_included_units_are_clamped_and_come_back(books: Books, units: int) -> None:
    yaml = ALPHA + "lines: {MSP-EP: {included: 10}}\n"
    usage = bill(f"tenant | code | units\nAlpha | EP | {units}")
    planned = books.plan(bill=usage, yaml=yaml, lines="id | qty | incl\n11 | 20 | 10", settings=OFF)
    (row,) = planned.plan.lines
    assert row.after == units
    assert row.included_after == min(units, 10)
    grown = books.plan(yaml=yaml, lines="id | qty | incl\n11 | 8 | 8", settings=OFF)
    assert grown.writes == ["line 11 quantity 8→20, lessIncluded 8→10"]


def test_a_hold_below_the_included_units_clamps_them(books: Books) -> None:
    planned = books.plan(
        yaml=ALPHA + HOLD.replace("20", "6", 1), lines="id | qty | incl\n11 | 20 | 10", settings=OFF
    )
    assert planned.writes == ["line 11 quantity 20→6, lessIncluded 10→6"]


# --- last days before first days

ODD = [("2025-01-01", "1900-01-01"), ("2026-12-01", "2026-10-15"), ("", "1899-12-31")]


@pytest.mark.parametrize(("first", "last"), ODD)
@pytest.mark.parametrize("answer", ["", "restart: 11, "], ids=["", "restart"])
def test_a_line_that_ends_before_it_begins_is_asked_about_and_gets_no_second(
    books: Books, first: str, last: str, answer: str
) -> None:
    yaml = ALPHA.replace("{name: Alpha", f"{{{answer}name: Alpha")
    planned = books.plan(yaml=yaml, lines=f"id | qty | from | to\n11 | 20 | {first} | {last}", settings=OFF)
    assert planned.states == ["Alpha MSP-EP needs a decision"]
    assert planned.writes == []
    assert f"line #11 (20) begins on {first or '2025-01-01'} and ends on {last}" in planned.reason


@pytest.mark.parametrize(("first", "last"), ODD)
def test_a_line_that_ends_before_it_begins_is_named_with_the_one_beside_it(
    books: Books, first: str, last: str
) -> None:
    lines = f"id | qty | from | to\n11 | 20 | {first} | {last}\n12 | 18 | |"
    planned = books.plan(lines=lines, settings=OFF)
    assert planned.states == ["Alpha MSP-EP needs a decision"]
    assert planned.writes == []
    assert "line #11 (20)" in planned.reason
    assert "beside line #12 (18)" in planned.reason


def test_such_a_line_is_asked_about_without_usage_too(books: Books) -> None:
    nothing = bill("tenant | code | units\nAlpha | OTHER | 1")
    planned = books.plan(bill=nothing, lines="id | qty | from | to\n11 | 20 | 2025-01-01 | 1900-01-01")
    assert planned.states == ["Alpha MSP-EP needs a decision"]


def test_such_a_line_on_another_agreement_is_asked_about(books: Books) -> None:
    planned = books.plan(
        agreements=agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Other"),
        lines="id | on | qty | from | to\n11 | 2 | 20 | 2025-01-01 | 1900-01-01",
    )
    assert planned.states == ["Alpha MSP-EP needs a decision"]
    assert planned.writes == []
    assert "line #11" in planned.reason


@pytest.mark.parametrize("last", ["2026-12-01", "2026-11-20"])
def test_a_line_that_was_voided_with_no_units_stays_quiet(books: Books, last: str) -> None:
    """This program's own way to take back a line that has not begun: its last day is its first one, at 0."""
    lines = f"id | qty | from | to\n11 | 0 | 2026-12-01 | {last}\n12 | 20 | |"
    expect(books.plan(lines=lines), "Alpha MSP-EP #12 unchanged 20→20 90.00→90.00 EUR")

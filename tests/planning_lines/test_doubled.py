"""A line that two runs created at the same moment, as the next plan finds it: the later one ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import ALPHA, SETTINGS, bill, expect

if TYPE_CHECKING:
    from tests.planning_lines.books import Books

TWICE = "id | qty | from\n11 | 20 | 2026-12-01\n12 | 20 | 2026-12-01"
REASON = "two runs created it at the same moment: line #12 is another one in everything alike"


def test_the_later_line_ends_before_it_bills_and_the_first_one_follows_sophos(books: Books) -> None:
    planned = books.plan(lines=TWICE, bill=bill("tenant | code | units\nAlpha | EP | 22"))
    expect(
        planned,
        """
        Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR
        Alpha MSP-EP #12 ends 20→0 90.00→0.00 EUR
        """,
    )
    assert planned.writes == [
        "line 11 quantity 20→22",
        "line 12 cancelledDate None→2026-12-01, quantity 20→0",
    ]
    assert (planned.plan.lines[1].reason, planned.codes) == (REASON, [])


def test_one_that_has_begun_ends_before_the_next_invoice_and_without_units(books: Books) -> None:
    planned = books.plan(lines="id | qty\n11 | 20\n12 | 20\n13 | 20")
    assert planned.writes == [
        "line 12 cancelledDate None→2026-11-30, quantity 20→0",
        "line 13 cancelledDate None→2026-11-30, quantity 20→0",
    ]


def test_no_guard_of_one_line_asks(books: Books) -> None:
    settings = SETTINGS.replace("mode: live", "mode: live, guards: {lineToZero: withhold}")
    assert len(books.plan(lines=TWICE, settings=settings, unattended=True).writes) == 1


def test_in_shadow_it_is_shown_and_not_written(books: Books) -> None:
    planned = books.plan(lines=TWICE, settings=SETTINGS.replace("mode: live", "mode: shadow"))
    assert planned.states == ["Alpha MSP-EP unchanged", "Alpha MSP-EP ends"]
    assert planned.writes == []


@pytest.mark.parametrize(
    "lines",
    [
        "id | qty\n11 | 20\n12 | 19",
        "id | qty | price\n11 | 20 | 4.50\n12 | 20 | 4.00",
        "id | qty | from\n11 | 20 | 2026-12-01\n12 | 20 | 2026-11-01",
        "id | qty | to\n11 | 20 |\n12 | 20 | 2027-01-31",
        "id | qty | text\n11 | 20 |\n12 | 20 | Seats",
        "id | qty | incl\n11 | 20 | 0\n12 | 20 | 5",
        "id | qty | by\n11 | 20 |\n12 | 20 | anna",
        "id | qty | by\n11 | 20 | anna\n12 | 20 |",
        "id | qty\n11 | 20\n12 | 20\n13 | 5",
    ],
    ids=[
        "units",
        "price",
        "first day",
        "last day",
        "text",
        "included",
        "a person",
        "a person first",
        "a third",
    ],
)
def test_lines_that_differ_or_that_a_person_wrote_stay_a_question(books: Books, lines: str) -> None:
    planned = books.plan(lines=lines)
    assert planned.writes == []
    assert planned.states == ["Alpha MSP-EP needs a decision"]


def test_lines_that_share_what_is_on_the_bill_stay_a_question(books: Books) -> None:
    """10 and 10 are 20: somebody has split the customer, and neither line is too many."""
    planned = books.plan(lines="id | qty\n11 | 10\n12 | 10")
    assert (planned.writes, planned.states) == ([], ["Alpha MSP-EP needs a decision"])


@pytest.mark.parametrize("terms", ["{line: 11, fixed: [12]}", "{line: 12, fixed: [11]}"])
def test_lines_that_a_row_names_are_that_row_s(books: Books, terms: str) -> None:
    yaml = ALPHA.replace("agreement: Managed", f"agreement: Managed, lines: {{MSP-EP: {terms}}}")
    planned = books.plan(lines=TWICE, yaml=yaml)
    assert [row for row in planned.states if row.endswith("ends")] == []


def test_without_a_member_nobody_knows_that_they_are_ours(books: Books) -> None:
    settings = SETTINGS.replace(", connectwiseMember: apirec", "")
    assert books.plan(lines=TWICE, settings=settings).states == ["Alpha MSP-EP needs a decision"]


def test_both_with_the_same_last_day_is_a_question_about_the_later_one(books: Books) -> None:
    planned = books.plan(lines="id | qty | to\n11 | 20 | 2027-01-31\n12 | 20 | 2027-01-31")
    assert planned.states == ["Alpha MSP-EP unchanged", "Alpha MSP-EP needs a decision"]
    assert "it ends on 2027-01-31 already" in planned.plan.lines[1].reason

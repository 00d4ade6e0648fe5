"""The first day of a new line beside lines that ended or renew, and what is said to be left unbilled."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from reconciler.model.billing import Recap
from tests.planning_lines.books import ALPHA, agreements, bill

if TYPE_CHECKING:
    from tests.planning_lines.books import Books

NEW = ALPHA.replace("MSP-EP", "MSP-NEW").replace(
    "agreement: Managed", "agreement: Managed, start: periodStart"
)
FORMER = {"MSP-OLD": "[sophos:main EP (former)]"}
PRORATES = agreements("id | company | name | flags\n1 | ALPHA | Managed | prorate\n2 | ALPHA | Old | prorate")
RENEWED = """
id | company | from       | to         | next
1  | ALPHA   | {}         |            | 2026-12-01
2  | ALPHA   | 2024-01-01 | {}         | {}
"""


@pytest.mark.parametrize(
    "line", ["1 | MSP-OLD", "2 | MSP-OLD", "2 | MSP-NEW"], ids=["old product", "both", "old agreement"]
)
def test_a_wished_day_waits_for_what_billed_the_seats(books: Books, line: str) -> None:
    """As after a move that died between its halves: the period that runs is billed by the old line."""
    planned = books.plan(
        yaml=NEW,
        agreements=PRORATES,
        recaps={1: Recap(1, date(2026, 10, 1))},
        others=FORMER,
        lines=f"id | on | product | qty | to\n11 | {line} | 20 | 2026-11-30",
    )
    assert planned.writes == ["new MSP-NEW on 1: 20 × 4.50 from 2026-12-01"]
    assert "runs until 2026-11-30 in that period" in planned.reason


@pytest.mark.parametrize("following", ["2026-12-01", "none"])
def test_a_renewal_keeps_its_price_whatever_the_old_one_says_of_its_invoice(
    books: Books, following: str
) -> None:
    """Also where the old one has no next invoice date, so that it might still be invoiced."""
    two = agreements(RENEWED.format("2026-12-01", "2026-11-30", following))
    planned = books.plan(agreements=two, lines="id | on | qty | price\n11 | 2 | 20 | 3.90")
    assert planned.writes == ["new MSP-EP on 1: 20 × 3.90 from 2026-12-01"]
    assert "not billed" not in planned.reason


def test_a_renewal_at_a_declared_price_leaves_nothing_unbilled(books: Books) -> None:
    yaml = ALPHA.replace(
        "agreement: Managed", "agreement: Managed, lines: {MSP-EP: {whenNew: {unitPrice: 4.00}}}"
    )
    two = agreements(RENEWED.format("2026-12-01", "2026-11-30", "2026-12-01"))
    planned = books.plan(yaml=yaml, agreements=two, lines="id | on | qty\n11 | 2 | 20")
    assert planned.writes == ["new MSP-EP on 1: 20 × 4.00 from 2026-12-01"]
    assert "not billed" not in planned.reason, "invoiced by hand it would be billed twice"


def test_a_gap_after_the_old_agreement_is_said(books: Books) -> None:
    two = agreements(RENEWED.format("2026-09-01", "2026-08-31", "none"))
    planned = books.plan(agreements=two, lines="id | on | qty\n11 | 2 | 20")
    assert "; not billed by this plan: November 2026, 20 × 4.50 = 90.00" in planned.reason


def test_a_line_that_was_ended_before_it_began_does_not_stand_in_the_way(books: Books) -> None:
    yaml = ALPHA.replace("agreement: Managed", "agreement: Managed, restart: 21")
    ended = "id | qty | from | to\n21 | 0 | 2027-02-01 | 2027-02-01"
    planned = books.plan(yaml=yaml, lines=ended, bill=bill("tenant | code | units\nAlpha | EP | 20"))
    assert planned.writes == ["new MSP-EP on 1: 20 × 4.50 from 2026-12-01"]

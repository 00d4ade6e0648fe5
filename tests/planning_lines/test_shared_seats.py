"""Seats of one line that pass to several others, or of a few customers only: never are both billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from reconciler.planning.order import arrange
from tests.planning_lines.books import ALPHA, NOVEMBER, agreements, bill, expect

if TYPE_CHECKING:
    from tests.planning_lines.books import Books

OCTOBER = NOVEMBER.previous()
CUSTOMERS = ALPHA[ALPHA.index("customers:") :]
SPLIT = (
    "mappings:\n  EP: {product: MSP-ONE, sync: true}\n  MAIL: {product: MSP-TWO, sync: true}\n" + CUSTOMERS
)
FORMER = {"MSP-OLD": "[sophos:main EP (former), MAIL (former)]"}
BOTH = "tenant | code | units\nAlpha | EP | 20\nAlpha | MAIL | 6"
KEEPS_MAIL = (
    "mappings:\n  EP: {product: MSP-NEW, sync: true}\n  MAIL: {product: MSP-ALL, sync: true}\n" + CUSTOMERS
)
HAD_EP = {"MSP-ALL": "[sophos:main EP (former), MAIL]"}
OVERRIDE = """
mappings:
  EP: {product: MSP-EP, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true, overrides: {EP: {product: MSP-EDU}}}
  <Second>: {name: Second, company: ALPHA, nameDiffers: true, agreement: Managed, sync: true}
"""
TENANTS = "tenant | code | units\nAlpha | EP | {}\nSecond | EP | 9"


def split(books: Books, lines: str) -> Books:
    books.yaml, books.bill, books.last, books.others = SPLIT, bill(BOTH), bill(BOTH, OCTOBER), FORMER
    books.lines = lines
    return books


def test_a_line_with_two_successors_ends_before_either_starts(books: Books) -> None:
    planned = split(books, "id | product | qty\n11 | MSP-OLD | 26").plan()
    expect(
        planned,
        """
        Alpha MSP-ONE no line moved 26→20 117.00→90.00 EUR
        Alpha MSP-TWO no line new line ?→6 0.00→27.00 EUR
        """,
    )
    old, *new = planned.plan.changes
    assert [old.write in change.depends_on for change in new] == [True, True]
    assert "not billed" not in planned.plan.lines[1].reason, "the old line bills these seats until then"
    assert planned.plan.lines[1].not_billed is None


@pytest.mark.parametrize("to", ["", "2026-11-30"], ids=["ends in this plan", "ended by an earlier run"])
def test_seats_of_a_second_successor_come_back_with_the_first_ones(books: Books, to: str) -> None:
    """MSP-TWO had a line once, which ended when its seats went to MSP-OLD: no question in either plan."""
    lines = f"11 | MSP-OLD | 26 | {to}\n12 | MSP-TWO | 6 | 2026-08-31"
    planned = split(books, "id | product | qty | to\n" + lines).plan()
    new = ["new MSP-ONE on 1: 20 × 4.50 from 2026-12-01", "new MSP-TWO on 1: 6 × 4.50 from 2026-12-01"]
    assert planned.writes == ([] if to else ["line 11 cancelledDate None→2026-11-30"]) + new


def test_where_a_line_with_two_successors_may_not_end_neither_starts(books: Books) -> None:
    planned = split(books, "id | product | qty | by\n11 | MSP-OLD | 25 | jane").plan()
    assert planned.writes == []
    assert "its seats may still be on line #11 of MSP-OLD (25)" in planned.plan.lines[1].reason


def test_a_customer_that_leaves_a_shared_line_is_not_billed_on_both(books: Books) -> None:
    """The product keeps its code for the other customer; what shrinks is withheld, so nothing starts."""
    usage = TENANTS.format(20)
    books.yaml, books.bill, books.last = OVERRIDE, bill(usage), bill(usage, OCTOBER)
    planned = books.plan(lines="id | qty\n11 | 29")
    assert [row.state.value for row in planned.plan.lines] == ["needs a decision", "withheld"]
    assert planned.writes == []
    assert "line #11 of MSP-EP (29 → 9)" in planned.plan.lines[0].reason
    small = TENANTS.format(1)
    planned = books.plan(bill=bill(small), last=bill(small, OCTOBER), lines="id | qty\n11 | 10")
    assert planned.writes == ["new MSP-EDU on 1: 1 × 4.50 from 2026-12-01", "line 11 quantity 10→9"]
    new, less = planned.plan.changes
    assert less.write in new.depends_on
    assert "not billed" not in planned.plan.lines[0].reason


def test_what_shrinks_in_mode_shadow_holds_a_live_line_back(books: Books) -> None:
    small = TENANTS.format(1)
    shadow = OVERRIDE.replace("<Second>: {name: Second,", "<Second>: {name: Second, mode: shadow,")
    planned = books.plan(yaml=shadow, bill=bill(small), last=bill(small, OCTOBER), lines="id | qty\n11 | 10")
    assert planned.writes == []
    assert "line #11 of MSP-EP (10 → 9)" in planned.plan.lines[0].reason
    assert arrange(planned.plan.changes, planned.plan.diagnostics, {}) == ()


def test_a_line_at_another_price_that_is_withheld_keeps_its_seats(books: Books) -> None:
    books.yaml = "products: {MSP-ALL: {price: 4.50, linePrice: follow}}\n" + KEEPS_MAIL
    books.bill, books.last = bill(BOTH), bill(BOTH, OCTOBER)
    planned = books.plan(notes=HAD_EP, lines="id | product | qty | price\n11 | MSP-ALL | 26 | 4.00")
    assert [row.state.value for row in planned.plan.lines] == ["withheld", "needs a decision"]
    assert planned.writes == []


def test_a_customer_that_moves_to_a_line_that_is_there_already(books: Books) -> None:
    """Alpha's 20 seats go from #11 to #12; #11 is over the limit, and #12 is not."""
    yaml = ALPHA.replace("agreement: Managed", "agreement: Mail") + (
        "  <Second>: {name: Second, company: ALPHA, nameDiffers: true, agreement: Managed, sync: true}\n"
        "  <Third>: {name: Third, company: ALPHA, nameDiffers: true, agreement: Mail, sync: true}\n"
    )
    usage = "tenant | code | units\nAlpha | EP | 20\nSecond | EP | 5\nThird | EP | 100"
    planned = books.plan(
        yaml=yaml,
        bill=bill(usage),
        last=bill(usage, OCTOBER),
        agreements=agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Mail"),
        lines="id | on | qty\n11 | 1 | 25\n12 | 2 | 100",
    )
    assert planned.writes == []
    assert "its seats may still be on line #11 of MSP-EP (25 → 5)" in planned.plan.lines[0].reason
    (loser,) = [row for row in planned.plan.lines if row.line_id == 11]
    assert (planned.plan.lines[0].waits_for, loser.waits_for) == (loser.key, "")


@pytest.mark.parametrize("stands", [30, 24])
def test_usage_that_shrinks_elsewhere_holds_nothing_back(books: Books, stands: int) -> None:
    """EP left MSP-ALL long ago. That MAIL shrinks is MAIL's affair, in step; an older number may be EP's."""
    planned = books.plan(
        yaml=KEEPS_MAIL,
        bill=bill("tenant | code | units\nAlpha | EP | 22\nAlpha | MAIL | 6"),
        last=bill("tenant | code | units\nAlpha | EP | 20\nAlpha | MAIL | 30", OCTOBER),
        notes=HAD_EP,
        lines=f"id | product | qty\n11 | MSP-ALL | {stands}\n12 | MSP-NEW | 20",
    )
    assert planned.states[0] == "Alpha MSP-ALL withheld"
    assert planned.writes == (["line 12 quantity 20→22"] if stands == 30 else [])

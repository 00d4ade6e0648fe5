"""What `always` declares is compared every time and written with the line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.lines import LineState
from tests.planning_lines.books import ALPHA

if TYPE_CHECKING:
    from tests.planning_lines.books import Books

ALWAYS = ALPHA + "lines: {MSP-EP: {always: {billCustomer: Billable, unitPrice: 4.50}}}\n"


def test_nothing_is_written_where_the_line_is_as_declared(books: Books) -> None:
    planned = books.plan(yaml=ALWAYS)
    assert (planned.codes, planned.writes) == ([], [])


def test_a_line_that_differs_only_there_changes_its_terms(books: Books) -> None:
    planned = books.plan(yaml=ALWAYS, lines="id | qty | bills\n11 | 20 | NoCharge")
    [line] = planned.plan.lines
    assert line.state is LineState.TERMS
    assert line.sales is not None
    assert (line.sales.before, line.sales.after) == (Decimal(0), Decimal("90.00"))
    [change] = planned.plan.changes
    assert [(f.field, f.before, f.after) for f in change.fields] == [("billCustomer", "NoCharge", "Billable")]


def test_a_price_by_hand_is_put_right_and_said(books: Books) -> None:
    planned = books.plan(yaml=ALWAYS, lines="id | qty | price\n11 | 20 | 4.00")
    [line] = planned.plan.lines
    assert "always: unitPrice 4.00 → 4.50" in line.reason
    assert line.sales is not None
    assert line.sales.delta == Decimal("10.00")

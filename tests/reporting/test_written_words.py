"""What apply says of each change: whose line, how many units and what that does to invoices."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reconciler.model.lines import LineState, OldLine
from reconciler.model.outcome import Outcome, Result
from reconciler.reporting.outcome_text import outcome_summary, print_outcome
from reconciler.reporting.written_words import Words, count_once
from tests.reporting.made import (
    creation_of,
    end_of,
    ending,
    line,
    moved,
    new_line,
    plan,
    printed,
    product_change,
    requests_of,
    update_of,
)

if TYPE_CHECKING:
    from reconciler.model.change import Change
    from reconciler.model.lines import PlannedLine


def told(change: Change, *rows: PlannedLine) -> str:
    """The one line that is printed of a change that was applied."""
    words = Words(plan(*rows, changes=(change,)))
    return printed(lambda out: print_outcome(out, Outcome(change, Result.APPLIED), {}, words)).strip()


def test_a_changed_line_is_told_with_its_customer_units_and_money() -> None:
    row = line()
    assert told(update_of(row), row) == (
        "✓ applied       Safelog · Managed Security, MSP-ENDPOINT #5512: 10 → 12, +9.00 EUR a month"
        f"  {update_of(row).id}"
    )


def test_a_new_line_says_from_when_and_one_that_ends_until_when() -> None:
    new, old = new_line(), ending()
    assert "MSP-ENDPOINT: new line from 1 Dec 2026, 12, +54.00 EUR a month" in told(creation_of(new), new)
    assert "MSP-ENDPOINT #5512: ends 30 Nov 2026, -18.00 EUR a month" in told(end_of(old), old)


def test_the_money_of_a_move_stands_with_the_line_that_starts() -> None:
    row = moved()
    *ends, start = sorted(requests_of(row), key=lambda change: change.starts_line)
    assert all("ends" in told(end, row) and "a month" not in told(end, row) for end in ends)
    assert "new line from" in told(start, row)
    assert told(start, row).count("a month") == 1


def test_money_of_a_line_that_only_ends_stands_with_it() -> None:
    old = OldLine(117, "Managed Security", "MSP-OLD", 12, Decimal(10))
    row = line(state=LineState.ENDS, line_id=None, before=10, after=0, takes_over=(old,))
    assert ", #12 MSP-OLD (10): ends, -45.00 EUR a month" in told(end_of(row, old), row)


def test_a_product_is_told_with_what_is_done_to_it() -> None:
    assert told(product_change()).startswith("✓ applied       MSP-GOLD: ")


def test_a_move_is_one_change_in_two_steps() -> None:
    row = moved()
    made = plan(row, changes=requests_of(row))
    outcomes = [Outcome(change, Result.APPLIED) for change in made.changes]
    assert len(outcomes) > len(count_once(outcomes)) == 1
    assert outcome_summary(outcomes, Words(made)).startswith(f"1 applied in {len(outcomes)} steps.")


def test_of_a_move_that_failed_the_half_that_failed_counts() -> None:
    row = moved()
    changes = sorted(requests_of(row), key=lambda change: change.starts_line)
    end_failed = [Outcome(changes[0], Result.FAILED), Outcome(changes[-1], Result.NOT_ATTEMPTED)]
    start_failed = [Outcome(changes[0], Result.APPLIED), Outcome(changes[-1], Result.FAILED)]
    for outcomes in (end_failed, start_failed):
        assert [one.result for one in count_once(outcomes)] == [Result.FAILED]


@pytest.mark.parametrize("result", [Result.FAILED, Result.SERVER_KEPT, Result.TAKEN_BACK])
def test_the_sum_is_of_what_is_done(result: Result) -> None:
    """A server that kept another value bills something else than the plan says."""
    done, other = line(), line("Birch", agreement_id=5)
    made = plan(done, other, changes=(update_of(done), update_of(other)))
    outcomes = [Outcome(made.changes[0], Result.APPLIED), Outcome(made.changes[1], result)]
    assert " Invoices change by +9.00 EUR a month." in outcome_summary(outcomes, Words(made))

"""Terms that go on when an agreement is renewed: from its own predecessor only, and never a trial unasked."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import ALPHA, agreements, expect

if TYPE_CHECKING:
    from tests.planning_lines.books import Books, Planned

HEAD = "id | company | name | type | parent | from | to | cancelled | flags"
NEW = "1 | ALPHA | Managed | | | 2026-12-01"
ENDED = "9 | ALPHA | Managed | | | 2024-01-01 | 2026-11-30"
CHEAP = "id | on | qty | price | incl\n1010 | 9 | 20 | 3.90 | 2"
CATALOG = ["new MSP-EP on 1: 20 × 4.50 from 2026-12-01"]
FOLLOWED = ["new MSP-EP on 1: 20 × 3.90 from 2026-12-01"]


def renewed(books: Books, *rows: str, lines: str = CHEAP, yaml: str = ALPHA) -> Planned:
    return books.plan(agreements=agreements("\n".join((HEAD, *rows))), lines=lines, yaml=yaml)


@pytest.mark.parametrize(
    ("new", "old", "writes"),
    [
        (NEW, ENDED, FOLLOWED),
        (NEW, ENDED.replace("2026-11-30", "2026-10-31"), FOLLOWED),
        (NEW, ENDED.replace("2026-11-30", "2026-10-30"), CATALOG),
        (NEW, ENDED.replace("2026-11-30", "2025-11-30"), CATALOG),
        (NEW.replace("2026-12-01", "2024-01-01"), ENDED.replace("2026-11-30", "2026-06-30"), CATALOG),
        (NEW.replace("2026-12-01", "2026-11-30"), ENDED, CATALOG),
        (NEW, ENDED.replace("Managed |", "Branch |"), FOLLOWED),
        (NEW, "9 | ALPHA | Managed | | | 2024-01-01 | | 2026-12-01 | cancelled", FOLLOWED),
        (NEW, ENDED.replace("Managed | | |", "Managed | | 5 |"), CATALOG),
        (NEW, ENDED.replace("ALPHA", "OTHER"), CATALOG),
    ],
    ids=[
        "the day after", "31 days after", "32 days after", "a year after", "the new one ran before",
        "on the last day", "another name", "cancelled", "of another parent", "another company",
    ],
)  # fmt: skip
def test_terms_come_from_an_agreement_that_ended_just_before(
    books: Books, new: str, old: str, writes: list[str]
) -> None:
    """A branch that ended earlier, or beside the agreement, is no predecessor: its price is its own."""
    planned = renewed(books, new, old)
    assert planned.writes == writes
    assert ("price from line #1010" in planned.reason) is (writes == FOLLOWED)


def test_an_agreement_of_another_type_is_no_predecessor(books: Books) -> None:
    new, old = agreements("\n".join((HEAD, NEW, ENDED)))
    planned = books.plan(agreements=(new, replace(old, type_id=2)), lines=CHEAP)
    assert planned.writes == CATALOG


BRANCH = "8 | ALPHA | Branch | | | 2024-01-01 | 2026-11-30"
BOTH = "id | on | qty | price\n1010 | 9 | 20 | 3.90\n1020 | 8 | 5 | 2.10"


def test_of_two_that_ended_the_one_of_its_name_is_renewed(books: Books) -> None:
    assert renewed(books, NEW, ENDED, BRANCH, lines=BOTH).writes == FOLLOWED


def test_an_agreement_that_another_one_renews_gives_its_terms_to_that_one_only(books: Books) -> None:
    """The branch was renewed under its own name: its trial price is none of the main agreement's."""
    branch = "7 | ALPHA | Branch | | | 2026-12-01"
    planned = renewed(books, NEW, branch, BRANCH, lines="id | on | qty | price\n1020 | 8 | 5 | 2.10")
    assert planned.writes == CATALOG


def test_two_that_may_be_renewed_at_unlike_terms_are_asked_about(books: Books) -> None:
    old = ENDED.replace("Managed", "Managed IT")
    planned = renewed(books, NEW, old, BRANCH, lines=BOTH)
    assert planned.states == ["Alpha MSP-EP needs a decision"]
    assert "#1020 (5 × 2.1" in planned.reason
    assert "#1010 (20 × 3.9" in planned.reason
    assert "whenNew: {unitPrice: …}" in planned.reason
    alike = renewed(books, NEW, old, BRANCH, lines=BOTH.replace("2.10", "3.90"))
    assert alike.writes == FOLLOWED


# --- what was free


TRIALS = [("DoNotBill", "4.50"), ("NoCharge", "4.50"), ("Billable", "0"), ("DoNotBill", "0")]


@pytest.mark.parametrize(("bills", "price"), TRIALS)
def test_a_renewed_line_that_bills_nothing_is_asked_about(books: Books, bills: str, price: str) -> None:
    free = f"id | on | qty | price | bills\n1010 | 9 | 20 | {price} | {bills}"
    planned = renewed(books, NEW, ENDED, lines=free)
    expect(planned, "Alpha MSP-EP no line needs a decision ?→20")
    assert planned.writes == []
    assert "line #1010 before it bills nothing" in planned.reason
    assert "free again, {whenNew: {billCustomer: DoNotBill}}" in planned.reason
    assert "or billed, {whenNew: {billCustomer: Billable, unitPrice: …}}" in planned.reason


@pytest.mark.parametrize(("bills", "price"), TRIALS)
@pytest.mark.parametrize(
    ("said", "sales"),
    [
        ("whenNew: {billCustomer: DoNotBill}", "0.00→0.00"),
        ("whenNew: {billCustomer: Billable, unitPrice: 5.00}", "0.00→100.00"),
        ("always: {billCustomer: NoCharge}", "0.00→0.00"),
        ("always: {billCustomer: Billable, unitPrice: 5.00}", "0.00→100.00"),
    ],
)
def test_the_customers_own_word_lets_a_renewed_trial_go_on(
    books: Books, bills: str, price: str, said: str, sales: str
) -> None:
    free = f"id | on | qty | price | bills\n1010 | 9 | 20 | {price} | {bills}"
    yaml = ALPHA.replace("agreement: Managed", f"agreement: Managed, lines: {{MSP-EP: {{{said}}}}}")
    expect(
        renewed(books, NEW, ENDED, lines=free, yaml=yaml),
        f"Alpha MSP-EP no line new line ?→20 {sales} EUR",
    )


def test_a_trial_that_is_billed_from_now_on_needs_its_price(books: Books) -> None:
    """Billable at the price of a line that had none would be free all the same."""
    free = "id | on | qty | price | bills\n1010 | 9 | 20 | 0 | DoNotBill"
    said = "lines: {MSP-EP: {whenNew: {billCustomer: Billable}}}"
    yaml = ALPHA.replace("agreement: Managed", f"agreement: Managed, {said}")
    planned = renewed(books, NEW, ENDED, lines=free, yaml=yaml)
    assert planned.states == ["Alpha MSP-EP needs a decision"]


def test_the_products_word_for_new_lines_does_not_end_a_customers_trial(books: Books) -> None:
    free = "id | on | qty | bills\n1010 | 9 | 20 | DoNotBill"
    yaml = ALPHA + "lines: {MSP-EP: {whenNew: {billCustomer: Billable, unitPrice: 5.00}}}\n"
    planned = renewed(books, NEW, ENDED, lines=free, yaml=yaml)
    assert planned.states == ["Alpha MSP-EP needs a decision"]

"""Lines of a product that another one replaces, which people kept in step with the successor's codes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, agreements, bill, customers, expect

if TYPE_CHECKING:
    from tests.planning_lines.books import Books, Planned

OCTOBER = NOVEMBER.previous()
CUSTOMERS = ALPHA[ALPHA.index("customers:") :]
REPLACES = (
    "products: {MSP-NEW: {replaces: [MSP-OLD, MSP-OLDER]}}\nmappings:\n  EP: {product: MSP-NEW, sync: true}\n"
)
#: 12 → 20 is more than one line may change unasked; that is another question.
OFF = SETTINGS.replace("live", "live, guards: {lineChange: off}")
UNTAGGED = {"MSP-OLD": "", "MSP-OLDER": ""}
HEAD = "id | product | qty | by\n"


def replaced(books: Books, lines: str, *, last: int = 12, now: int = 20, **changed: Any) -> Planned:
    usage = "tenant | code | units\nAlpha | EP | {}"
    return books.plan(
        **{
            "yaml": REPLACES + CUSTOMERS,
            "bill": bill(usage.format(now)),
            "last": bill(usage.format(last), OCTOBER),
            "others": UNTAGGED,
            "settings": OFF,
            "lines": HEAD + lines,
            **changed,
        }
    )


@pytest.mark.parametrize("kept", [12, 20], ids=["last month's number", "this month's number"])
def test_a_line_in_step_with_its_successors_codes_moves_without_a_question(books: Books, kept: int) -> None:
    planned = replaced(books, f"11 | MSP-OLD | {kept} | jane")
    assert planned.states == ["Alpha MSP-NEW moved"]
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "new MSP-NEW on 1: 20 × 4.50 from 2026-12-01",
    ]


@pytest.mark.parametrize(
    "tag", ["", "[sophos:main OLD-EP (former)]"], ids=["untagged", "with codes of its own"]
)
def test_one_that_is_not_in_step_is_asked_about_with_the_true_number(books: Books, tag: str) -> None:
    planned = replaced(books, "11 | MSP-OLD | 15 | jane", others={"MSP-OLD": tag, "MSP-OLDER": ""})
    assert planned.states == ["Alpha MSP-NEW needs a decision"]
    assert planned.writes == []
    assert "its quantity was set by jane on 2026-10-27, and last month's bill gives 12" in planned.reason


def test_lines_of_several_replaced_products_are_in_step_together(books: Books) -> None:
    planned = replaced(books, "11 | MSP-OLD | 7 | jane\n12 | MSP-OLDER | 5 | jane")
    assert planned.states == ["Alpha MSP-NEW moved"]
    assert len(planned.writes) == 3
    apart = replaced(books, "11 | MSP-OLD | 7 | jane\n12 | MSP-OLDER | 4 | jane")
    assert apart.writes == []


def test_a_line_that_carries_the_rest_beside_the_successors_own_is_in_step(books: Books) -> None:
    planned = replaced(books, "11 | MSP-OLD | 9 | jane\n12 | MSP-NEW | 3 |")
    expect(planned, "Alpha MSP-NEW #12 more 3→20 54.00→90.00 EUR")
    assert planned.writes == ["line 11 cancelledDate None→2026-11-30", "line 12 quantity 3→20"]


def test_the_number_is_counted_by_the_successors_terms(books: Books) -> None:
    yaml = REPLACES + "lines: {MSP-NEW: {blocksOf: 5}}\n" + CUSTOMERS
    for kept in (12, 15):
        assert replaced(books, f"11 | MSP-OLD | {kept} | jane", yaml=yaml).states == ["Alpha MSP-NEW moved"]
    assert replaced(books, "11 | MSP-OLD | 14 | jane", yaml=yaml).writes == []


def test_an_unclear_bill_puts_nothing_in_step(books: Books) -> None:
    """12 of a bill with a line that cannot be counted are not all of the customer's."""
    odd = bill("tenant | code | units\nAlpha | EP | 12\nAlpha | EP | -1")
    assert replaced(books, "11 | MSP-OLD | 12 | jane", bill=odd).writes == []


def test_three_hundred_customers_are_no_three_hundred_questions(books: Books) -> None:
    names = [f"C{number:03}" for number in range(300)]
    usage = "\n".join(
        ["tenant | code | units", *(f"{name} | EP | {n % 40 + 1}" for n, name in enumerate(names))]
    )
    planned = books.plan(
        yaml=REPLACES + customers(names),
        settings=SETTINGS,
        bill=bill(usage),
        last=bill(usage, OCTOBER),
        agreements=agreements(
            "id | company\n" + "\n".join(f"{n} | {name.upper()}" for n, name in enumerate(names, 1))
        ),
        others=UNTAGGED,
        lines="id | product | on | qty | by\n"
        + "\n".join(f"{1000 + n} | MSP-OLD | {n} | {(n - 1) % 40 + 1} | jane" for n in range(1, 301)),
    )
    assert {state.split()[-1] for state in planned.states} == {"moved"}
    assert len(planned.writes) == 600

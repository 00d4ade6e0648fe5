"""Agreements that are invoiced every two or three months, by the highest or the average of their bills."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, expect

OCTOBER = NOVEMBER.previous()
SEPTEMBER = OCTOBER.previous()
AUGUST = SEPTEMBER.previous()
MONTHS = (NOVEMBER, OCTOBER, SEPTEMBER, AUGUST)
#: Nothing of what these stories are about is withheld for its size.
SETTLED = SETTINGS.replace("mode: live", "mode: live, guards: {lineChange: off}")


def cycle(name: str) -> dict[str, Any]:
    return {"agreements": agreements(f"id | company | cycle\n1 | ALPHA | {name}"), "settings": SETTLED}


def terms(text: str) -> str:
    return f"{ALPHA}lines: {{MSP-EP: {{{text}}}}}\n"


def bills(*units: str) -> dict[str, Any]:
    """November's units, then those of the months before; `-` is a month in which Alpha is on no bill."""
    found = []
    for number, month in zip(units, MONTHS, strict=False):
        rows = ["tenant | code | units", "Other | EP | 1"]
        if number != "-":
            rows.append(f"Alpha | EP | {number}")
        found.append(bill("\n".join(rows), month))
    return {"bill": found[0], "last": found[1], "older": tuple(found[2:])}


@pytest.mark.parametrize(
    ("name", "take", "units", "after", "parts"),
    [
        ("Quarterly", "highest", "22 25 20", 25, "25 = highest of September 20, October 25, November 22"),
        ("Quarterly", "average", "22 25 20", 23, "23 = average, rounded up, of September 20, October 25, "),
        ("Quarterly", "average", "22 24 20", 22, "22 = average of September 20, October 24, November 22"),
        ("Quarterly", "last", "22 25 20", 22, "22 = EP 22"),
        ("BiMonthly", "highest", "22 21 90", 22, "22 = highest of October 21, November 22"),
        ("BiMonthly", "average", "22 21 90", 22, "22 = average, rounded up, of October 21, November 22"),
        ("Monthly", "highest", "22 25 90", 22, "22 = EP 22"),
        ("Quarterly", "highest", "0 25 20", 25, "25 = highest of September 20, October 25, November 0"),
    ],
)
def test_the_months_of_the_cycle_make_the_number(
    books: Books, name: str, take: str, units: str, after: int, parts: str
) -> None:
    planned = books.plan(yaml=terms(f"take: {take}"), **cycle(name), **bills(*units.split()))
    (row,) = planned.plan.lines
    assert planned.writes == [f"line 11 quantity 20→{after}"]
    assert parts in row.parts
    assert row.parts in planned.reason


@pytest.mark.parametrize(
    ("text", "units", "parts"),
    [
        ("take: average, blocksOf: 5", "8 12 11", "15 = blocks of 5 of 11 = average, rounded up, of "),
        ("take: highest, blocksOf: 5", "8 12 11", "15 = blocks of 5 of 12 = highest of September 11, "),
        ("take: average, blocksOf: 5, minimum: 7", "3 3 3", "7 = blocks of 5, minimum 7 of 3 = average of "),
        ("take: average, minimum: 5", "0 6 0", "5 = minimum 5 of 2 = average of September 0, October 6, "),
        ("take: highest, maximum: 30", "12 90 12", "30 = maximum 30 of 90 = highest of "),
        (
            "take: highest, included: 4",
            "12 14 13",
            "14 = highest of September 13, October 14, November 12; 4",
        ),
        ("take: highest, minimum: 5", "0 0 0", "0 = highest of September 0, October 0, November 0"),
    ],
)
def test_blocks_and_limits_follow_once_for_the_line(books: Books, text: str, units: str, parts: str) -> None:
    planned = books.plan(yaml=terms(text), **cycle("Quarterly"), **bills(*units.split()))
    assert planned.plan.lines[0].parts.startswith(parts)


def test_each_month_is_counted_by_the_lines_own_rules(books: Books) -> None:
    """Two tenants and two codes: the codes within a tenant, then the tenants, month by month."""
    yaml = (
        "mappings:\n  EP: {product: MSP-EP, sync: true}\n  MDR: {product: MSP-EP, sync: true}\n"
        "lines: {MSP-EP: {count: max, take: highest}}\ncustomers:\n"
        "  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true}\n"
        "  <Beta>: {name: Beta, company: ALPHA, nameDiffers: true, agreement: Managed, sync: true}\n"
    )
    head = "tenant | code | units\n"
    planned = books.plan(
        yaml=yaml,
        **cycle("Quarterly"),
        bill=bill(head + "Alpha | EP | 12\nAlpha | MDR | 10\nBeta | EP | 9"),
        last=bill(head + "Alpha | EP | 10\nAlpha | MDR | 16\nBeta | MDR | 7", OCTOBER),
        older=(bill(head + "Alpha | EP | 11\nBeta | EP | 8", SEPTEMBER),),
    )
    assert planned.plan.lines[0].parts == "23 = highest of September 19, October 23, November 21"


def test_what_an_invoice_comes_to_is_said_beside_the_month(books: Books) -> None:
    planned = books.plan(
        yaml=terms("take: highest"),
        **cycle("Quarterly"),
        **bills("22", "25", "20"),
        lines="id | qty | price\n11 | 20 | 13.505",
    )
    expect(planned, "Alpha MSP-EP #11 more 20→25 90.03→112.54 EUR")
    assert planned.reason == (
        "25 = highest of September 20, October 25, November 22; an invoice covers 3 months: "
        "270.10 → 337.63 EUR"
    )
    same = books.plan(yaml=terms("take: highest"), **cycle("BiMonthly"), **bills("20", "20"))
    assert same.reason.endswith("; an invoice covers 2 months: 90.00 EUR")


# --- months that are not known


@pytest.mark.parametrize(
    ("units", "words"),
    [
        ("22 25", "Sophos's bill of September 2026 is not known"),
        ("22 25 -", "Alpha is not on Sophos's bill of September 2026"),
        ("22 25 2.5", "on the bill of September 2026, EP: Sophos bills a fraction, 2.5, of whole units"),
        ("22 - 25", "Alpha is not on Sophos's bill of October 2026"),
        ("22 -1 25", "on the bill of October 2026, EP: Sophos bills a negative quantity, -1"),
        ("22 - -", "Alpha is not on Sophos's bill of October 2026 and Alpha is not on Sophos's bill of Sept"),
    ],
)
@pytest.mark.parametrize("take", ["highest", "average"])
def test_a_month_that_is_not_known_blocks_the_line_and_is_named(
    books: Books, take: str, units: str, words: str
) -> None:
    planned = books.plan(yaml=terms(f"take: {take}"), **cycle("Quarterly"), **bills(*units.split()))
    assert (planned.states, planned.writes) == (["Alpha MSP-EP needs a decision"], [])
    assert planned.reason.startswith(f"`take: {take}` counts the 3 months of the agreement's cycle, and")
    assert words in planned.reason
    assert planned.reason.endswith("or say `take: last` under the customer's lines")
    hold = "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 21, reason: r, until: 2026-12-31}\n"
    held = books.plan(yaml=terms(f"take: {take}") + hold, **cycle("Quarterly"), **bills(*units.split()))
    assert held.writes == ["line 11 quantity 20→21"]


def test_a_month_without_data_is_not_zero(books: Books) -> None:
    empty = bill("tenant | code | units", SEPTEMBER)
    planned = books.plan(
        yaml=terms("take: highest"), **cycle("Quarterly"), **bills("22", "25") | {"older": (empty,)}
    )
    assert "bill of September 2026 is not known" in planned.reason


def test_a_customers_own_take_stands_over_the_products(books: Books) -> None:
    own = terms("take: highest").replace("Managed,", "Managed, lines: {MSP-EP: {take: last}},")
    planned = books.plan(yaml=own, **cycle("Quarterly"), **bills("22", "25", "-"))
    assert planned.writes == ["line 11 quantity 20→22"]


# --- in step


@pytest.mark.parametrize(
    ("take", "on_the_line", "units", "written"),
    [
        ("highest", 30, "22 25 20 30", True),  # the highest of August to October
        ("highest", 25, "22 25 20 24", True),
        ("highest", 20, "22 25 20 30", False),
        ("average", 25, "22 25 20 30", True),
        ("highest", 30, "22 25 20", False),  # August is not known
        ("highest", 30, "22 25 20 -", False),
    ],
)
def test_in_step_is_the_same_rule_a_month_earlier(
    books: Books, take: str, on_the_line: int, units: str, written: bool
) -> None:
    planned = books.plan(
        yaml=terms(f"take: {take}"),
        **cycle("Quarterly"),
        **bills(*units.split()),
        lines=f"id | qty | by\n11 | {on_the_line} | jane",
    )
    (row,) = planned.plan.lines
    wrote = row.state.value in ("more", "less") or row.before == row.after
    assert wrote is written, planned.reason
    assert ("was set by jane" in planned.reason) is not written


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=3, max_size=3), st.sampled_from(["highest", "average"]))
def test_the_number_is_one_that_the_months_allow(units: list[int], take: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        (row,) = (
            Books(
                Path(folder),
                yaml=terms(f"take: {take}"),
                lines="id | qty\n11 | 61",
                **cycle("Quarterly"),
                **bills(*map(str, units)),
            )
            .plan()
            .plan.lines
        )
    assert row.after is not None
    assert min(units) <= row.after <= max(units)
    assert row.after == max(units) if take == "highest" else 0 <= row.after * 3 - sum(units) < 3

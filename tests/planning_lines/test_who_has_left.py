"""Customers that have left: whose lines end by their rows' own word, and whose do not."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, agreements, bill, customers, expect

if TYPE_CHECKING:
    from tests.planning_lines.books import Books

LEFT = ALPHA.replace("agreement: Managed", "agreement: Managed, ended: 2026-11-10")
GONE = {"MSP-GONE": "[sophos:main GONE (former)]"}
LINE = "id | product | qty | by\n12 | MSP-GONE | 7 | jane"
FIVE = ("Alpha", "Beta", "Gamma", "Delta", "Stays")


def test_several_customers_may_leave_at_once(books: Books) -> None:
    """Each of them says so itself: nobody has to raise a guard of the whole run for it."""
    usage = "tenant | code | units\n" + "\n".join(f"{name} | EP | 4" for name in FIVE)
    yaml = "mappings:\n  EP: {product: MSP-EP, sync: true}\n" + customers(FIVE[:4], ", ended: 2026-11-10")
    yaml += customers(FIVE[4:]).removeprefix("customers:\n")
    planned = books.plan(
        yaml=yaml,
        bill=bill(usage),
        last=bill(usage, NOVEMBER.previous()),
        agreements=agreements(
            "id | company\n" + "\n".join(f"{number} | {name.upper()}" for number, name in enumerate(FIVE, 1))
        ),
        lines="id | on | qty\n" + "\n".join(f"{10 + number} | {number} | 4" for number in range(1, 6)),
    )
    assert "guard-product-to-zero" not in planned.codes
    assert sorted(planned.writes) == [f"line 1{n} cancelledDate None→2026-11-30" for n in range(1, 5)]


def test_a_line_that_may_be_another_customers_does_not_end_with_the_first(books: Books) -> None:
    second = "  <Second>: {name: Second, company: ALPHA, nameDiffers: true, agreement: Managed}\n"
    assert books.plan(yaml=LEFT, others=GONE, lines=LINE).writes == ["line 12 cancelledDate None→2026-11-30"]
    planned = books.plan(yaml=LEFT + second, others=GONE, lines=LINE)
    assert planned.writes == []
    assert planned.accounts[12] == "left (onUnmap: keep)"


def test_a_line_of_two_customers_ends_where_both_are_live(books: Books) -> None:
    own = "company: ALPHA, nameDiffers: true, agreement: Managed, sync: true, mode: shadow"
    second = f"  <Second>: {{name: Second, {own}}}\n"
    end = SETTINGS.replace("live", "live, onUnmap: end, guards: {lineToZero: off}")
    lines = LINE.replace("jane", "apirec")
    assert books.plan(settings=end, others=GONE, lines=lines).writes[-1:] == [
        "line 12 cancelledDate None→2026-11-30"
    ]
    assert not [
        w
        for w in books.plan(yaml=ALPHA + second, settings=end, others=GONE, lines=lines).writes
        if "12" in w[:8]
    ]


def test_a_fixed_line_of_a_customer_that_has_left_is_said(books: Books) -> None:
    yaml = LEFT.replace("ended:", "lines: {MSP-EP: {line: 22, fixed: [21]}}, ended:")
    planned = books.plan(yaml=yaml, lines="id | qty | by\n21 | 9 | jane\n22 | 11 |")
    expect(planned, "Alpha MSP-EP #22 needs a decision 11→11 49.50→49.50 EUR")
    assert "fixed line #21 (9) would go on billing" in planned.reason

"""A quarterly agreement by the highest month: which bills are read, frozen and missed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.flows_usage.books import NOVEMBER, OCTOBER, SEPTEMBER, USAGE, Books, rows, updates
from tests.flows_usage.books import update as line_of
from tests.support import status

AUGUST = (2026, 8)
HIGHEST = "lines: {MSP-EP: {take: highest}}\n"


@pytest.fixture
def quarterly(books: Books) -> Books:
    """Alder is invoiced quarterly, by another member's hand and in step; Birch monthly."""
    agreement = books.customer("Alder", ep=(None, 12, 10))
    books.world.agreement(agreement)["billingCycle"] = books.world.reference("billingCycles", "Quarterly")
    books.line(agreement, "MSP-EP", 15, by="jane")  # the highest of August to October
    books.customer("Birch", sv=(4, 4, 5))
    for month, units in ((SEPTEMBER, 14), (AUGUST, 15)):
        books.world.add_usage_line(month, "Alder", "EP-MSP", units)
        books.world.add_usage_line(month, "Birch", "SV-MSP", 4)
    return books


def months_asked(books: Books) -> list[str]:
    """`2026-08` for each bill that was read, the oldest first."""
    asked = [one.partition(USAGE)[2].split("/") for one in books.asked("sophos") if USAGE in one]
    return sorted(f"{year}-{month:0>2}" for _, year, month in asked)


def _line(plan: Any, product: str = "MSP-EP") -> Any:
    (found,) = [line for line in plan.json["lines"] if line["product"] == product]
    return found


def test_the_highest_of_three_months_is_planned_and_written(quarterly: Books) -> None:
    quarterly.live(HIGHEST).forget()
    plan = quarterly.plan()
    assert rows(plan) == [
        "Alder MSP-EP less 15→14 -1.33 EUR",
        "Birch MSP-SV more 4→5 6.50 EUR",
    ]
    line = _line(plan)
    assert line["parts"] == "14 = highest of September 14, October 12, November 10"
    assert line["reason"].endswith("; an invoice covers 3 months: 60.00 → 56.00 EUR")
    assert months_asked(quarterly) == ["2026-07", "2026-08", "2026-09", "2026-10", "2026-11"]
    assert quarterly.apply().code == 0
    assert quarterly.quantity(1) == 14
    assert quarterly.plan().ids == []


@pytest.mark.parametrize("extra", ["", "lines: {MSP-EP: {take: last}}\n"])
def test_bills_of_older_months_are_read_only_where_a_row_takes_them(quarterly: Books, extra: str) -> None:
    quarterly.live(extra).forget()
    quarterly.plan()
    few = ["2026-09", "2026-10", "2026-11"]
    assert months_asked(quarterly) == few
    quarterly.rows["Birch"] = quarterly.rows["Birch"].replace(
        "sync: true", "sync: true, lines: {MSP-SV: {take: average}}"
    )
    quarterly.live(extra).forget()
    quarterly.plan()
    assert months_asked(quarterly) == ["2026-07", "2026-08", *few]
    quarterly.forget()
    quarterly.plan("--scope", "products")
    assert months_asked(quarterly) == few[1:]


@pytest.mark.parametrize("gone", ["unreadable", "without data"])
def test_a_month_of_the_cycle_that_is_missing_blocks_its_line_alone(quarterly: Books, gone: str) -> None:
    if gone == "unreadable":
        quarterly.break_("GET", f"{USAGE}/2026/9", status(500))
    else:
        quarterly.world.usage.pop(SEPTEMBER)
    quarterly.live(HIGHEST)
    plan = quarterly.plan()
    assert (plan.code, updates(plan)) == (4, [line_of(2, "MSP-SV")])
    line = _line(plan)
    assert line["state"] == "needs a decision"
    assert "Sophos's bill of September 2026 is not known" in line["reason"]
    assert quarterly.apply().code == 4
    assert (quarterly.quantity(1), quarterly.quantity(2)) == (15, 5)


def test_without_the_month_before_the_cycle_nothing_is_known_to_be_in_step(quarterly: Books) -> None:
    quarterly.world.usage.pop(AUGUST)
    assert "was set by jane" in _line(quarterly.live(HIGHEST).plan())["reason"]


def test_a_month_that_is_only_one_of_a_cycle_is_never_the_one_that_counts(quarterly: Books) -> None:
    for month in (NOVEMBER, OCTOBER, SEPTEMBER):
        quarterly.world.usage.pop(month)
    plan = quarterly.live(HIGHEST).plan()
    assert (plan.json["period"], plan.ids) == (None, [])


def test_frozen_usage_holds_the_months_of_the_cycle(quarterly: Books) -> None:
    quarterly.live(HIGHEST)
    live, file = quarterly.plan(), quarterly.root / "usage.json"
    said = quarterly.run("usage", "--out", str(file), "--dir", str(quarterly.folder))
    assert (said.code, "2026-08" in said.out) == (0, True)
    quarterly.forget()
    plan = quarterly.plan("--usage", str(file))
    assert (plan.json["lines"], months_asked(quarterly)) == (live.json["lines"], [])
    old = quarterly.live().run("usage", "--out", str(file), "--dir", str(quarterly.folder))
    assert "2026-08" not in old.out
    plan = quarterly.live(HIGHEST).plan("--usage", str(file))
    assert "what last month's bill gives is not known" in _line(plan)["reason"]


def test_a_named_period_has_its_own_cycle(quarterly: Books) -> None:
    for name, code, units in (("Alder", "EP-MSP", 20), ("Birch", "SV-MSP", 4)):
        quarterly.world.add_usage_line((2026, 7), name, code, units)
    quarterly.live(HIGHEST).forget()
    plan = quarterly.plan("--period", "2026-10")
    assert _line(plan)["parts"] == "15 = highest of August 15, September 14, October 12"
    assert months_asked(quarterly) == ["2026-07", "2026-08", "2026-09", "2026-10"]

"""One odd window on a bill must not bring back an older month."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import NOVEMBER

if TYPE_CHECKING:
    from tests.flows_usage.books import Books


@pytest.mark.parametrize("end", ["2027-11-25", "2026-11-31", None])
def test_no_line_is_counted_while_the_newest_month_is_unclear(books: Books, end: str | None) -> None:
    books.customer("Alder", ep=(12, 10, 12))
    books.customer("Birch", ep=(5, 5, 5))
    books.live()
    assert books.plan().ids == []
    books.world.add_usage_line(NOVEMBER, "Birch", "NDR-MSP", 1)["billingEndDate"] = end
    applied = books.apply()
    assert (applied.code, books.quantity(1)) == (4, 12.0)
    told = books.plan().diagnostic("usage-windows-differ")["message"]
    assert "NDR-MSP, Birch" in told

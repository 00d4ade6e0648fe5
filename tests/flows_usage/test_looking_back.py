"""What ended lately, and what is billed in an agreement's family, is read before a line is created."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import Site

if TYPE_CHECKING:
    from tests.flows_usage.books import Books


def _line(books: Books) -> dict[str, object]:
    (found,) = books.live().plan().json["lines"]
    return dict(found)


@pytest.mark.parametrize(("ended", "state"), [("2025-11-30", "needs a decision"), ("2025-09-30", "new line")])
def test_a_line_that_a_person_ended_within_thirteen_months_is_not_made_anew(
    books: Books, ended: str, state: str
) -> None:
    agreement = books.customer("Alder", ep=(None, 10, 10))
    books.line(agreement, "MSP-EP", 10, by="jane", cancelledDate=f"{ended}T00:00:00Z")
    assert _line(books)["state"] == state


def test_a_renewed_agreement_keeps_its_line_s_price(books: Books) -> None:
    agreement = books.customer("Alder", ep=(None, 10, 10))
    old = books.world.add_agreement(
        "ALDER", "Managed", startDate="2025-01-01T00:00:00Z", endDate="2026-02-28T00:00:00Z",
        nextInvoiceDate=None,
    )["id"]  # fmt: skip
    books.world.agreement(agreement)["startDate"] = "2026-03-01T00:00:00Z"
    line = books.line(old, "MSP-EP", 10, unitPrice=3.25)
    found = _line(books)
    assert (found["state"], found["unitPrice"], found["priceSource"]) == ("new line", "3.25", f"line #{line}")


def test_the_same_seats_on_the_parent_s_agreement_are_seen(books: Books) -> None:
    """The parent is of another company, which no row names."""
    agreement = books.customer("Alder", ep=(None, 10, 10))
    books.world.add_company("GROUP")
    parent = books.world.add_agreement("GROUP", "Frame")["id"]
    line = books.line(parent, "MSP-EP", 10)
    books.world.agreement(agreement)["parentAgreement"] = {"id": parent, "name": "Frame"}
    found = _line(books)
    assert found["state"] != "new line"
    assert f"#{line}" in str(found["reason"]) or found["takesOver"]


def test_a_replaced_product_that_a_row_names_is_looked_for_in_other_spellings(books: Books) -> None:
    """A server that minds capitals does not find `OLD-EP`; without the second look it would be missing."""
    books.quirks = {"string-compare": "sensitive"}
    Site.__post_init__(books)
    books.world.add_catalog_item("Old-EP", notes="[sophos:main OE-MSP]")
    books.mapped["OE-MSP"] = "{product: OLD-EP, sync: true}"
    books.mapped["EP-MSP"] = "{product: MSP-EP, sync: true}"
    books.live("products: {MSP-EP: {replaces: [OLD-EP]}}\n")
    books.world.catalog_item("Old-EP")["notes"] = ""
    plan = books.plan()
    assert plan.ids == ["map_product:product/OLD-EP/code/OE-MSP"], plan.codes
    assert "identifier-differs" in plan.codes


def test_nothing_that_ended_costs_no_request_more(books: Books) -> None:
    agreement = books.customer("Alder", ep=(10, 10, 10))
    books.live().plan()
    books.forget()
    books.plan()
    before = len(books.asked("connectwise"))
    books.line(agreement, "MSP-SV", 3, cancelledDate="2026-01-31T00:00:00Z")
    books.forget()
    books.plan()
    assert len(books.asked("connectwise")) == before

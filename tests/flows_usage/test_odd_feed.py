"""Sophos's answers with something odd in them, through the real command line."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows_usage.books import NOVEMBER, rows

if TYPE_CHECKING:
    from tests.flows_usage.books import Books


@pytest.mark.parametrize(
    ("wrong", "problem"),
    [
        ({"productCode": None}, "productCode is missing"),
        ({"billableQuantity": "many"}, "billableQuantity: 'many' is no number"),
        ({"billingEndDate": 20261125}, "billingEndDate: 20261125 is no text"),
    ],
)
def test_one_bill_line_that_cannot_be_read_blocks_its_customer_only(
    books: Books, wrong: dict[str, Any], problem: str
) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(5, 5, 6))
    odd = books.world.add_usage_line(NOVEMBER, "Birch", "SV-MSP", 3)
    odd.update(wrong)
    books.live()
    planned = books.plan()
    order = f"{odd['orderNumber']}/{odd['orderLineItemNumber']}"
    assert f"order line {order}" in planned.diagnostic("usage-line-unreadable")["message"]
    assert problem in planned.diagnostic("usage-line-unreadable")["message"]
    assert rows(planned)[0] == "Alder MSP-EP more 10→12 8.00 EUR"
    assert rows(planned)[1].startswith("Birch MSP-EP needs a decision 5→5")
    applied = books.apply()
    assert (applied.code, books.quantity(1), books.quantity(2)) == (4, 12.0, 5.0)


def test_a_frozen_month_keeps_the_lines_that_cannot_be_read(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(5, 5, 6))
    books.world.add_usage_line(NOVEMBER, "Birch", "SV-MSP", 3)["productCode"] = None
    books.live()
    file = books.root / "usage.json"
    assert books.run("usage", "--dir", str(books.folder), "--out", str(file)).code == 0
    from_file = books.run("plan", str(books.folder), "--usage", str(file), "--format", "json")
    states = [line["state"] for line in json.loads(from_file.out)["lines"]]
    assert states == ["more", "needs a decision"]


@pytest.mark.parametrize("what", ["name", "showAs"])
def test_half_a_character_in_a_customers_name_stops_nobody(books: Books, what: str) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(5, 5, 6))
    books.world.tenant("Birch")[what] = "Birch \ud83d"
    books.world.company("BIRCH")["name"] = "Birch \ud83d"
    books.rows["Birch"] = books.rows["Birch"].replace('name: "Birch", ', "")
    books.live()
    applied = books.apply()
    assert (applied.code, books.quantity(1), books.quantity(2)) == (0, 12.0, 6.0)


def test_a_customer_that_became_term_after_the_month_is_asked_about_and_ready_says_no(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.world.tenant("Alder")["billingType"] = "term"
    books.live()
    assert rows(books.plan()) == ["Alder MSP-EP withheld 10→12 8.00 EUR"]
    assert books.apply().code == 4
    ready = books.run("ready", "--invoice-date", "2026-12-01", "--dir", str(books.folder))
    assert ready.code == 4
    books.live(
        "approvals:\n  - {customer: ALDER, product: MSP-EP, from: 10, upTo: 12, given: 2026-11-27, "
        "reason: r, until: 2026-12-31}\n"
    )
    assert (books.apply().code, books.quantity(1)) == (0, 12.0)
    assert books.run("ready", "--invoice-date", "2026-12-01", "--dir", str(books.folder)).code == 0


def test_a_word_that_nobody_knows_is_billed_as_ever(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.world.tenant("Alder")["billingType"] = "consumption"
    books.live()
    assert (books.apply().code, books.quantity(1)) == (0, 12.0)
    assert "billingType: consumption" in books.plan().diagnostic("sophos-value-unknown")["message"]

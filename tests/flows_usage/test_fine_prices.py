"""Prices of up to four places, from the file to the invoice: nothing is rounded but the amount of a line."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.invoicing import make_invoice
from tests.flows_usage.books import Books, message, results, update
from tests.flows_usage.line_flows import create, lines

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.world import Row

COMPLETE = (
    "description: Mail, customerDescription: Mail, subcategory: Endpoint, type: Managed Service, "
    "productClass: Agreement, taxableFlag: true"
)
PRODUCT = "products:\n  MSP-EM: {{{complete}, price: {price}, cost: {cost}}}\n"


def invoice_lines(books: Books) -> list[Row]:
    found: list[Row] = make_invoice(books.app.state.site, 1)["lines"]
    return found


def with_price(root: Path, price: str, *, units: float, cost: str = "0.0101", **quirks: str) -> Books:
    """A customer with usage of a product that is to be created at this price."""
    books = Books(root, quirks={name.replace("_", "-"): value for name, value in quirks.items()})
    books.mapped["EM-MSP"] = "{product: MSP-EM, sync: true}"
    books.customer("Alder", em=(None, units, units))
    return books.live(PRODUCT.format(complete=COMPLETE, price=price, cost=cost))


@pytest.mark.parametrize(
    ("price", "units", "amount"),
    [
        ("5.2456", 100, "524.56"),
        ("0.0375", 333, "12.49"),  # not 0.04 × 333
        ("0.0001", 40, "0.00"),
        ("0.005", 1, "0.01"),
        ("4.5", 2, "9.00"),
    ],
)
def test_a_price_of_four_places_reaches_product_line_and_invoice(
    tmp_path: Path, price: str, units: float, amount: str
) -> None:
    books = with_price(tmp_path, price, units=units)
    plan = books.save()
    planned = books.plan()
    [line] = planned.json["lines"]
    assert (Decimal(line["unitPrice"]), line["sales"]["after"]) == (Decimal(price), amount)
    applied = books.apply(plan)
    assert set(results(applied).values()) == {"applied"}, applied.out
    assert books.item("MSP-EM")["price"] == float(price)
    assert books.item("MSP-EM")["cost"] == 0.0101
    [made] = lines(books)
    assert (made["unitPrice"], made["unitCost"]) == (float(price), 0.0101)
    assert books.plan().ids == []
    [invoiced] = invoice_lines(books)
    assert (invoiced["unitPrice"], invoiced["amount"]) == (float(price), float(amount))


def test_a_declared_price_of_four_places_replaces_a_rounded_one(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.customer("Alder", ep=(100, 100, 100))
    books.world.addition(1)["unitPrice"] = 5.25
    books.live("lines: {MSP-EP: {always: {unitPrice: 5.2456}}}\n", settings=", guards: {lineChange: off}")
    assert books.plan().fields(update(1, "MSP-EP")) == {"unitPrice": ("5.25", "5.2456")}
    assert results(books.apply()) == {update(1, "MSP-EP"): "applied"}
    assert books.world.addition(1)["unitPrice"] == 5.2456
    assert (books.plan().ids, invoice_lines(books)[0]["amount"]) == ([], 524.56)


def test_a_server_that_rounds_says_what_it_kept(tmp_path: Path) -> None:
    books = with_price(tmp_path, "5.2456", units=100, price_decimals="rounded2")
    applied = books.apply()
    assert results(applied)["create_product:product/MSP-EM"] == "server kept"
    assert "price is '5.25' instead of '5.2456'" in message(applied, "create_product:product/MSP-EM")
    assert books.item("MSP-EM")["price"] == 5.25


def test_people_read_all_places_of_a_price(tmp_path: Path) -> None:
    books = with_price(tmp_path, "0.0375", units=333)
    shown = books.run("plan", str(books.folder)).out
    assert "0.0375" in shown
    assert "12.49" in shown
    assert create(1, "MSP-EM") in books.plan().ids


@pytest.mark.parametrize("text", ["5.24561", "0.00001"])
def test_a_fifth_place_is_refused(tmp_path: Path, text: str) -> None:
    books = with_price(tmp_path, text, units=1)
    said: Any = books.run("validate", str(books.folder))
    assert said.code == 1
    assert f"`price` is {text}; 4 decimal places are kept." in said.out + said.err

"""`plan --customer`, and what a plan says of keys that have no effect yet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.cli.narrowing import narrowed
from reconciler.config.load import load
from tests.flows_usage.books import rows, updates
from tests.flows_usage.line_flows import create, move
from tests.reporting.made import apart, census, line, plan

if TYPE_CHECKING:
    from tests.flows_usage.books import Books


def test_one_customers_lines_and_changes_only(busy: Books) -> None:
    everything = busy.plan()
    alone = busy.plan("--customer", "birch")
    assert len(rows(alone)) == 1 < len(rows(everything))
    assert [u for u in updates(everything) if u in updates(alone)] == updates(alone) != []
    assert all(line["customer"] == "Birch" for line in alone.json["lines"])


def test_a_move_that_a_line_waits_for_is_never_torn(books: Books) -> None:
    agreement = books.customer("Alder", ep=(10, 10, 12))
    books.world.add_catalog_item("MSP-NEW", price=4.0, cost=2.0)
    books.line(agreement, "MSP-NEW", 10)
    books.mapped["EP-MSP"] = "{product: MSP-NEW, sync: true}"
    books.live()
    books.apply(books.save("--customer", "ALDER"))
    homes = [name for name in ("MSP-EP", "MSP-NEW") if "EP-MSP" in books.notes(name)]
    assert len(homes) == 1, homes


def with_a_move(books: Books) -> Books:
    """Alder's seats go to a new product, Birch has usage and no line, and Cedar's line follows."""
    agreement = books.customer("Alder", ep=(None, 10, 12))
    books.world.add_catalog_item("MSP-OLD", price=4.0, cost=2.0, notes="[sophos:main EP-MSP (former)]")
    books.line(agreement, "MSP-OLD", 10)
    books.customer("Birch", ep=(None, 5, 5))
    books.customer("Cedar", ep=(3, 3, 4))
    return books.live()


def test_one_customers_lines_are_moved_and_created(books: Books) -> None:
    with_a_move(books)
    alone = books.plan("--customer", "ALDER")
    assert alone.ids == [move(1, "MSP-OLD", "line/1"), move(1, "MSP-EP")]
    assert books.plan("--customer", "BIRCH").ids == [create(2, "MSP-EP")]
    books.apply(books.save("--customer", "ALDER"))
    assert books.plan("--customer", "ALDER").ids == []


def test_a_product_that_loses_its_lines_takes_their_new_ones_along(books: Books) -> None:
    with_a_move(books)
    narrowed = books.plan("--product", "MSP-OLD")
    assert narrowed.ids == [move(1, "MSP-OLD", "line/1"), move(1, "MSP-EP")]
    assert [line["product"] for line in narrowed.json["lines"]] == ["MSP-EP"], "the money is in its row"
    assert len(books.plan("--product", "MSP-EP").ids) == 4


def test_a_customer_that_no_line_is_of_is_an_error(busy: Books) -> None:
    said = busy.run("plan", str(busy.folder), "--customer", "BRICH")
    assert (said.code, "customer-unknown" in said.err, "BIRCH" in said.err) == (1, True, True)


def test_what_always_declares_is_sent_with_the_line(busy: Books) -> None:
    busy.live("lines:\n  MSP-EP: {always: {unitPrice: 4.25}}\n")
    applied = busy.apply()
    assert applied.code == 0
    assert all(body["unitPrice"] == 4.25 for _, body in busy.patches if "unitPrice" in body)
    assert sum("unitPrice" in body for _, body in busy.patches) == 2
    assert busy.plan().ids == []


def test_open_lines_without_a_row_are_narrowed_and_the_totals_stay(busy: Books) -> None:
    desired = load(busy.folder).desired
    assert desired is not None
    found = census(
        ("in step", 1), apart(1), apart(2, company="CEDAR", company_name="Cedar"), apart(3, product="X")
    )
    made = plan(line(), census=found)
    names = {
        ("BIRCH", ""): [1, 3],
        ("birch & sons", ""): [1, 3],
        ("Cedar", ""): [2],
        ("Safelog", ""): [],
        ("", "msp-email"): [1, 2],
        ("BIRCH", "MSP-EMAIL"): [1],
        ("", ""): [1, 2, 3],
    }
    for (customer, product), numbers in names.items():
        kept = narrowed(made, desired, (product,) * bool(product), (customer,) * bool(customer)).census
        assert kept is not None
        assert [each.line_id for each in kept.apart] == numbers
        assert (kept.line_total, kept.closes) == (4, True)

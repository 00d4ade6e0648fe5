"""What a command says of a name, a price or a plan that is easily mistaken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.flows_usage.books import Books


@pytest.mark.parametrize("name", ["nosuch", "nosuch.json", "nosuch/"])
def test_apply_says_that_neither_a_plan_nor_a_folder_is_there(books: Books, name: str) -> None:
    said = books.run("apply", str(books.root / name), "--yes")
    assert said.code == 1
    assert "[nothing-there] There is neither a saved plan nor a folder of the name " in said.err
    assert "`plan --out FILE`" in said.err


def test_search_remarks_on_a_product_without_a_price(books: Books) -> None:
    books.world.add_catalog_item("MSP-FREE", price=0.0)
    said = books.run("search", "MSP")
    assert "Without a price: MSP-FREE. A new line of it waits" in said.out
    assert "Without a price" not in books.run("search", "MSP-EP").out


def test_plans_that_are_narrowed_to_different_customers_have_different_hashes(books: Books) -> None:
    """Neither of them has anything to write, and they say so of two customers."""
    books.customer("Alder", ep=(20, 20, 20))
    books.customer("Birch", ep=(20, 20, 20))
    books.live()
    hashes = [books.plan(*one).json["hash"] for one in ((), ("--customer", "ALDER"), ("--customer", "BIRCH"))]
    assert len(set(hashes)) == 3
    again = books.plan("--customer", "alder")
    assert (again.json["hash"], again.json["narrowedTo"]) == (hashes[1], ["customer/alder"])
    file = books.save("--customer", "ALDER")
    assert json.loads(file.read_text())["hash"] == hashes[1]
    assert books.apply(file).code == 0


@pytest.mark.parametrize(("said", "place"), [("", None), (", onUnmap: keep", "mappings.yaml")])
def test_a_default_has_no_place(books: Books, said: str, place: str | None) -> None:
    agreement = books.customer("Alder", ep=(20, 20, 20))
    books.world.add_catalog_item("MSP-OLD", price=7.0, notes="[sophos:main OLD-MSP]")
    books.line(agreement, "MSP-OLD", 10)
    (line,) = books.live(settings=said).plan().json["census"]["apart"]
    assert line["reason"].endswith("onUnmap: keep" + ("" if said else ", the default"))
    source = line["source"]
    assert (source and source["file"].rpartition("/")[2]) == place

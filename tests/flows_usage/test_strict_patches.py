"""A server that replaces only what is there, as a strict JSON Patch does: everything is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import Books, results
from tests.flows_usage.line_flows import lines

if TYPE_CHECKING:
    from pathlib import Path

SERVERS = pytest.mark.parametrize("server", ["accepted", "refused"])


def site(root: Path, server: str) -> Books:
    return Books(root, quirks={"replace-absent": server})


@SERVERS
def test_a_line_gets_its_last_day(tmp_path: Path, server: str) -> None:
    books = site(tmp_path, server)
    books.customer("Alder", more=", ended: 2026-11-30", ep=(10, 10, 10))
    books.customer("Birch", ep=(10, 10, 10))
    books.live()
    assert set(results(books.apply()).values()) == {"applied"}
    assert lines(books)[0]["cancelledDate"] == "2026-11-30T00:00:00Z"
    assert books.plan().ids == []


@SERVERS
def test_a_line_gets_a_text_that_it_did_not_have(tmp_path: Path, server: str) -> None:
    books = site(tmp_path, server)
    books.customer("Alder", ep=(10, 10, 10))
    books.world.addition(1)["invoiceDescription"] = None
    books.live("lines: {MSP-EP: {always: {invoiceDescription: Ours}}}\n")
    assert set(results(books.apply()).values()) == {"applied"}
    assert lines(books)[0]["invoiceDescription"] == "Ours"


@SERVERS
@pytest.mark.parametrize("notes", [None, "", "A person's words."])
def test_a_product_gets_its_tag_and_fields_that_it_did_not_have(
    tmp_path: Path, server: str, notes: str | None
) -> None:
    books = site(tmp_path, server)
    books.mapped["EM-MSP"] = "{product: MSP-EM, sync: true}"
    books.world.add_catalog_item("MSP-EM", price=1.0, notes=notes, vendorSku=None, manufacturerPartNumber="X")
    books.customer("Alder")
    fields = "vendorSku: SKU-1, manufacturer: Sophos, manufacturerPartNumber: Y, price: 2.00"
    books.live(f"products: {{MSP-EM: {{{fields}}}}}\n")
    applied = books.apply()
    assert set(results(applied).values()) == {"applied"}, applied.out
    item = books.item("MSP-EM")
    shown = (item["vendorSku"], item["manufacturer"]["name"], item["manufacturerPartNumber"], item["price"])
    assert shown == ("SKU-1", "Sophos", "Y", 2.0)
    assert "[sophos:main EM-MSP]" in item["notes"]
    assert books.plan().ids == []


@SERVERS
def test_a_cleared_field_can_be_set_again(tmp_path: Path, server: str) -> None:
    books = site(tmp_path, server)
    books.customer("Alder")
    books.world.catalog_item("MSP-EP")["vendorSku"] = "SKU-1"
    for wanted in ("null", "SKU-2"):
        books.live(f"products: {{MSP-EP: {{vendorSku: {wanted}}}}}\n")
        assert set(results(books.apply()).values()) == {"applied"}
    assert books.item("MSP-EP")["vendorSku"] == "SKU-2"

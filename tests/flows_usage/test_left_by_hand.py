"""What no run writes is said after the run too: at its end, in its journal, and by `ready`."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.flows_usage.books import Books
    from tests.support import Said

CORRECTION = "the invoice of 2026-11-01 had 20, and its month's bill gives 22: 8.00 EUR to correct"
NOT_BILLED = "2026-11 not billed by any invoice: 28.00 EUR"


@pytest.fixture
def left(books: Books) -> Books:
    """Alder's October was invoiced as 20, and Sophos says 22 now; Birch gets a line only from December on."""
    agreement = books.customer("Alder", ep=(None, 22, 23))
    info = {"lastUpdated": "2026-10-27T08:00:00Z", "updatedBy": "apirec"}
    books.world.add_addition(agreement, "MSP-EP", 20, _info=info)
    books.world.tables["recaps"][agreement] = {"id": agreement, "lastInvoiceDate": "2026-11-01T00:00:00Z"}
    books.customer("Birch", ep=(None, 0, 7))
    return books.live()


def ready(books: Books, day: str = "2026-12-01") -> Said:
    return books.run("ready", "--invoice-date", day, "--dir", str(books.folder))


def test_it_is_said_before_and_after_the_run_and_until_the_invoice(left: Books) -> None:
    assert CORRECTION in ready(left).out
    applied = left.run("apply", str(left.folder), "--yes")
    assert applied.code == 0, applied.err
    assert CORRECTION in applied.out
    assert NOT_BILLED in applied.out
    planned = left.plan()
    assert (planned.ids, [d["code"] for d in planned.json["diagnostics"]]) == ([], [])
    after = ready(left)
    assert (after.code, after.out.startswith("Yes")) == (0, True)
    assert CORRECTION in after.out
    assert NOT_BILLED in after.out
    left.today = date(2026, 12, 2)
    assert "to be done by hand" not in ready(left, "2027-01-01").out


def test_the_journal_keeps_it_without_a_name(left: Books) -> None:
    left.apply()
    (file,) = (left.root / "journal").glob("*.ndjson")
    shown = left.run("show", str(file))
    assert "To be done by hand, because no run writes it" in shown.out
    assert f"agreement #1, MSP-EP, line #1: {CORRECTION}" in shown.out
    assert f"agreement #2, MSP-EP, a new line: {NOT_BILLED}" in shown.out
    kept = [json.loads(line) for line in file.read_text().splitlines()]
    assert [one["work"] for one in kept if one["type"] == "by-hand"] == ["correction", "not billed"]
    assert "Alder" not in file.read_text()


def test_a_journal_of_another_site_is_not_repeated(left: Books) -> None:
    left.apply()
    (file,) = (left.root / "journal").glob("*.ndjson")
    file.write_text(file.read_text().replace('"owner":"main"', '"owner":"lab"', 1))
    assert "to be done by hand" not in ready(left).out


def test_a_quantity_that_is_not_known_is_said_in_words(left: Books) -> None:
    left.apply()
    (file,) = (left.root / "journal").glob("*.ndjson")
    file.write_text(file.read_text().replace('"before":"20","after":"22"', '"before":null,"after":"22"'))
    shown = left.run("show", str(file)).out
    assert "the invoice of 2026-11-01 had nothing of it, and its month's bill gives 22: 8.00 EUR" in shown


def test_what_is_not_on_the_invoices_that_exist_has_a_sum(books: Books) -> None:
    """Both invoices were made on 1 December, before this run: three units and five are not on them."""
    for name, units in (("Alder", 23), ("Birch", 25)):
        agreement = books.customer(name, ep=(20, 20, units))
        made = {"id": agreement, "lastInvoiceDate": "2026-12-01T00:00:00Z"}
        books.world.tables["recaps"][agreement] = made
        books.world.tables["agreements"][agreement]["nextInvoiceDate"] = "2027-01-01T00:00:00Z"
    books.live().today = date(2026, 12, 2)
    said = "Together not on the invoices that exist already, 2 lines: 32.00 EUR"
    planned = books.run("plan", str(books.folder)).out
    assert planned.count("too late for the invoice of 2026-12-01") == 2
    assert said in planned
    assert said in books.run("apply", str(books.folder), "--yes").out
    (file,) = (books.root / "journal").glob("*.ndjson")
    assert said in books.run("show", str(file)).out

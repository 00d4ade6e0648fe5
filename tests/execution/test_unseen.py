"""Lines that came after a saved plan, at companies that none of its rows names."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.execution.test_rests import refused
from tests.flows_usage.books import Books, results
from tests.flows_usage.line_flows import create

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Alder's line is created; Birch's is raised; Other has an agreement, and no row."""
    books = Books(tmp_path)
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch", ep=(20, 20, 22))
    books.world.add_company("OTHER", "Other")
    books.world.add_agreement("OTHER", "Managed")
    return books.live()


@pytest.mark.parametrize("by", ["apirec", "jane"])
@pytest.mark.parametrize("units", [12, 10, 7], ids=["this month's", "last month's", "another number"])
def test_a_line_that_came_anywhere_stops_a_saved_plan_that_creates_one(
    books: Books, units: int, by: str
) -> None:
    said = refused(books, lambda b: b.line(3, "MSP-EP", units, by=by))
    assert said.startswith(create(1, "MSP-EP"))
    assert f"of MSP-EP on agreement #3 of OTHER has {units} units now" in said
    assert books.run("plan", str(books.folder)).code == 4 or units == 7


def test_a_line_that_the_plan_has_seen_stops_nothing(books: Books) -> None:
    books.line(3, "MSP-EP", 5, by="jane")
    assert set(results(books.apply(books.save())).values()) == {"applied"}


@pytest.mark.parametrize(
    "line", [{"product": "MSP-SV", "quantity": 12}, {"product": "MSP-EP", "quantity": 0}]
)
def test_a_line_of_another_product_or_without_units_stops_nothing(
    books: Books, line: dict[str, object]
) -> None:
    file = books.save()
    books.line(3, **line)  # type: ignore[arg-type]
    assert books.apply(file).code == 0


def test_a_plan_of_one_customer_is_stopped_by_what_was_written_since(books: Books) -> None:
    """Of the others it does not list all that it has read."""
    books.line(3, "MSP-EP", 5, by="jane")
    file = books.save("--customer", "Alder")
    since = books.world.info("jane", "2026-11-27T12:00:00Z")
    number = books.world.add_addition(3, "MSP-EP", 7, _info=since)["id"]
    applied = books.apply(file)
    assert applied.code == 5
    (stale,) = applied.json["stale"]
    assert f"line #{number} of MSP-EP on agreement #3 of OTHER" in stale["what"]


def test_only_a_plan_that_creates_lines_reads_the_whole_site(books: Books) -> None:
    def is_read(file: Path) -> bool:
        books.forget()
        assert books.apply(file).code == 0
        return any("/agreements/3/" in str(one.body) + one.path for one in books.requests)

    assert is_read(books.save())
    books.world.addition(1)["quantity"] = 21.0
    assert not is_read(books.save())

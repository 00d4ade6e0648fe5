"""A server whose reads trail its writes: a write counts by its answer, and shows once the lag is over."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.flows_usage.books import Books, results, update
from tests.support import wait

if TYPE_CHECKING:
    from pathlib import Path


def test_the_answer_to_a_write_counts_and_the_list_follows(tmp_path: Path) -> None:
    books = Books(tmp_path, quirks={"read-lag": "5"})
    books.customer("Alder", ep=(10, 10, 12))
    books.live()
    assert results(books.apply()) == {update(1, "MSP-EP"): "applied"}
    assert (books.plan().ids, books.quantity(1)) == ([update(1, "MSP-EP")], 12.0)
    wait(5)
    assert books.plan().ids == []

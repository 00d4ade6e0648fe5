"""A new line whose request arrives after everybody has stopped waiting for it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import httpx

from tests.flows_usage.books import results
from tests.flows_usage.line_flows import additions, create, lines

if TYPE_CHECKING:
    from tests.flows_usage.books import Books
    from tests.support import Send


class Held:
    """A request that is kept on its way until `arrive`."""

    def __init__(self) -> None:
        self._kept: list[tuple[httpx.Request, Send]] = []

    async def __call__(self, request: httpx.Request, send: Send) -> httpx.Response:
        """No answer; the request is kept."""
        self._kept.append((request, send))
        raise httpx.ReadTimeout("no answer", request=request)

    def arrive(self) -> None:
        """It arrives now, and is carried out."""
        for request, send in self._kept:
            assert asyncio.run(_sent(request, send)) == 201
        self._kept.clear()


async def _sent(request: httpx.Request, send: Send) -> int:
    return (await send(request)).status_code


def _lost(books: Books) -> Held:
    """A run whose one new line is sent, and neither answered nor found when it is looked for."""
    books.customer("Alder", ep=(None, 10, 12))
    books.live(settings=", newLines: create")
    held = Held()
    books.break_("POST", additions(1), held)
    applied = books.apply()
    assert (applied.code, results(applied)) == (4, {create(1, "MSP-EP"): "unsure"})
    books.mend()
    return held


def test_what_arrives_before_the_next_run_is_found_by_it(books: Books) -> None:
    _lost(books).arrive()
    applied = books.apply()
    assert (applied.code, results(applied)) == (0, {})
    assert [line["quantity"] for line in lines(books)] == [12]


def test_what_never_arrives_is_created_by_the_next_run(books: Books) -> None:
    _lost(books)
    applied = books.apply()
    assert (applied.code, results(applied)) == (0, {create(1, "MSP-EP"): "applied"})
    assert [line["quantity"] for line in lines(books)] == [12]


def test_what_arrives_after_the_next_run_is_a_second_line_and_is_said(books: Books) -> None:
    """Nobody can know of it before; from then on every plan says it, and invoices wait until it has ended."""
    held = _lost(books)
    assert books.apply().code == 0
    held.arrive()
    assert [line["quantity"] for line in lines(books)] == [12, 12]
    plan = books.plan()
    assert [(row["line"], row["state"]) for row in plan.json["lines"]] == [(1, "unchanged"), (2, "ends")]
    assert (plan.code, plan.ids) == (0, ["end_line:agreement/1/product/MSP-EP/line/2"])
    ready = ("ready", "--invoice-date", "2026-12-01", "--dir", str(books.folder))
    assert books.run(*ready).code == 4
    assert books.apply().code == 0
    assert [line["quantity"] for line in lines(books)] == [12, 0]
    assert lines(books)[1]["cancelledDate"] == lines(books)[1]["effectiveDate"]
    assert (books.plan().ids, books.run(*ready).code) == ([], 0)

"""What a run says where a server, a plan file or a person hands it what nobody foresaw."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.execution import run as run_module
from reconciler.execution.lines import write_line
from tests.flows_usage.books import Books, message, results, update

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """A site without customers."""
    return Books(tmp_path)


def two_lines(books: Books) -> Books:
    """Alder goes from 10 to 12 on line #1, Birch from 5 to 6 on line #2."""
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(5, 5, 6))
    return books.live()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("unitPrice", 40.0, "unitPrice: 4.00 → 40.00"),
        ("unitCost", 1.0, "unitCost: 2.00 → 1.00"),
        ("lessIncluded", 3.0, "lessIncluded: 0.00 → 3.00"),
        ("billCustomer", "NoCharge", "billCustomer: Billable → NoCharge"),
        ("cancelledDate", "2026-11-26T00:00:00Z", "cancelledDate: not set → 2026-11-26"),
    ],
)
def test_terms_that_moved_with_a_write_are_said(books: Books, name: str, value: Any, said: str) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.live()

    async def moved(request: httpx.Request, send: Send) -> httpx.Response:
        answer = await send(request)
        books.world.addition(1)[name] = value
        row = json.loads(await answer.aread()) | {name: value}
        return httpx.Response(200, json=row, request=request)

    books.break_("PATCH", "/additions/1", moved)
    applied = books.apply()
    assert results(applied) == {update(1, "MSP-EP"): "server kept"}
    assert said in message(applied, update(1, "MSP-EP"))
    assert applied.code != 0


def test_a_number_nobody_counts_in_an_answer_keeps_the_report(books: Books) -> None:
    two_lines(books)

    async def absurd(request: httpx.Request, send: Send) -> httpx.Response:
        body = (await (await send(request)).aread()).decode().replace('"quantity":12.0', '"quantity":1e40')
        return httpx.Response(200, text=body, headers={"content-type": "application/json"}, request=request)

    books.break_("PATCH", "/additions/1", absurd)
    applied = books.apply()
    assert results(applied)[update(2, "MSP-EP")] == "applied"
    assert books.quantity(1) == 12.0


def test_a_fault_in_one_request_leaves_the_other_outcomes(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_lines(books)
    told: list[Any] = []
    execute = run_module.execute

    async def faulty(client: Any, changes: Any) -> Any:
        if changes[0].target.agreement == 1:
            raise RuntimeError("nobody foresaw this")
        return await write_line(client, changes)

    async def listened(*given: Any, on_outcome: Callable[[Any], None], **how: Any) -> None:
        def tell(outcome: Any) -> None:
            told.append(outcome)
            on_outcome(outcome)

        await execute(*given, on_outcome=tell, **how)

    monkeypatch.setattr(run_module, "write_line", faulty)
    monkeypatch.setattr("reconciler.cli.applying.execute", listened)
    with pytest.raises(RuntimeError, match="nobody foresaw"):
        books.run("apply", str(books.folder), "--yes")
    found = {one.change.id: one.result.value for one in told}
    assert found[update(1, "MSP-EP")] == "unsure"
    assert found.keys() == {update(1, "MSP-EP"), update(2, "MSP-EP")}


@pytest.mark.parametrize("text", ["a" * 101, "a" * 3000])
def test_a_long_search_is_a_usage_error(books: Books, text: str) -> None:
    books.live()
    said = books.run("search", text)
    assert (said.code, "100 characters" in said.err) == (64, True)

"""Ctrl-C: once lets what is in flight finish, twice stops."""

from __future__ import annotations

import asyncio
import signal
from typing import TYPE_CHECKING

import pytest

from reconciler.cli.waiting import run_to_its_end
from tests.support import CATALOG, once, twice

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import httpx

    from tests.support import Send, Site


@pytest.fixture
def many(site: Site) -> Site:
    """Ten products to map."""
    rows = []
    for number in range(10):
        site.world.add_catalog_item(f"MSP-{number}")
        rows.append(f"CODE-{number}: {{product: MSP-{number}, sync: true}}")
    return site.say(f"mappings: {{{', '.join(rows)}}}")


def test_once_finishes_what_is_in_flight_and_starts_nothing_more(many: Site) -> None:
    many.break_("PATCH", f"{CATALOG}/1", once, times=1)
    applied = many.apply()
    assert applied.code == 130
    assert applied.json["interrupted"] is True
    results = applied.results
    assert len(results) == 10, "every change has its outcome"
    assert results["map MSP-0 CODE-0"] == "applied"
    assert set(results.values()) == {"applied", "not attempted"}
    written = {f"map MSP-{number} CODE-{number}" for number in range(10) if many.notes(f"MSP-{number}")}
    assert written == {change for change, result in results.items() if result == "applied"}
    assert 1 <= len(written) <= 4
    assert "once more stops at once" in applied.err

    many.mend()
    assert set(many.apply().results.values()) == {"applied"}
    assert many.plan().ids == []


def test_twice_stops_and_says_what_is_unsure(many: Site) -> None:
    many.break_("PATCH", f"{CATALOG}/1", twice, times=1)
    applied = many.apply()
    assert applied.code == 130
    results = applied.results
    assert len(results) == 10
    assert results["map MSP-0 CODE-0"] == "unsure"
    assert "not attempted" in results.values()
    for number in range(10):
        if many.notes(f"MSP-{number}"):
            assert results[f"map MSP-{number} CODE-{number}"] in ("applied", "unsure")
    many.mend()
    many.apply()
    assert many.plan().ids == []


def test_twice_names_the_changes_that_were_never_begun(many: Site) -> None:
    """The mappings come after what is taken off: of them the cancelled run itself tells nothing."""
    number = many.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-0]")["id"]
    many.break_("PATCH", f"{CATALOG}/{number}", twice, times=1)
    said = many.apply_text()
    assert said.code == 130
    rows = [row.split() for row in said.out.splitlines() if row.startswith(("  ✓", "  ?", "  ·"))]
    told = [word for row in rows for word in row if word.startswith("map_product:")]
    assert sorted(told) == [f"map_product:product/MSP-{n}/code/CODE-{n}" for n in range(10)], said.out
    assert "  · not attempted MSP-9: map CODE-9" in said.out


def test_before_anything_was_written(many: Site) -> None:
    async def now(request: httpx.Request, send: Send) -> httpx.Response:
        signal.raise_signal(signal.SIGINT)
        await asyncio.sleep(1)
        return await send(request)

    many.break_("GET", "/login/companyinfo/*", now, times=1, skip=1)
    applied = many.apply()
    assert (applied.code, set(applied.results.values())) == (130, {"not attempted"})
    assert many.writes == []


def test_while_planning(many: Site) -> None:
    many.break_("GET", CATALOG, once, times=1)
    said = many.run("plan", str(many.folder))
    assert (said.code, said.out) == (130, "")
    assert said.err.count("\n") <= 2


def test_ctrl_c_works_as_before_afterwards(many: Site) -> None:
    before = signal.getsignal(signal.SIGINT)
    many.apply()
    assert signal.getsignal(signal.SIGINT) is before


def test_ctrl_c_at_the_very_end_is_ctrl_c() -> None:
    """The work is done, its loop does not know yet, and there is still something to close."""
    open_ones = []

    async def slow_to_close() -> AsyncIterator[int]:
        try:
            yield 1
        finally:
            await asyncio.sleep(0)

    async def work() -> None:
        open_ones.append(slow_to_close())
        await anext(open_ones[0])
        asyncio.get_running_loop().call_soon(signal.raise_signal, signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        run_to_its_end(work())


def test_another_fault_of_the_loop_stays_one() -> None:
    async def work() -> None:
        raise RuntimeError("nobody foresaw this")

    with pytest.raises(RuntimeError, match="nobody foresaw"):
        run_to_its_end(work())

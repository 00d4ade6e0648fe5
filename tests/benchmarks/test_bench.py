"""The bench measures what it says: tiny sites, no times."""

from __future__ import annotations

import asyncio
import sys
from typing import TYPE_CHECKING

import httpx

from benchmarks import books, usage
from benchmarks.folders import MEMBER, Size, customers
from benchmarks.measure import Row, sandbox, table
from benchmarks.run import parts
from reconciler.cli.credentials import connectwise_credentials
from reconciler.connectwise import client
from reconciler.sandbox.app import create_app
from reconciler.sandbox.server import environment
from tests.support import TODAY, URL, Site

if TYPE_CHECKING:
    from pathlib import Path

    import pytest


def _site(root: Path, size: Size) -> Site:
    site = Site(root, world=books.world(TODAY, size))
    customers(site.folder, size)
    return site


def test_the_books_are_as_the_folder_says(tmp_path: Path) -> None:
    site = _site(tmp_path, Size(3, lines_each=2))
    made = site.plan()
    assert (made.code, made.ids) == (0, [])
    assert len(made.json["lines"]) == 6
    assert {line["state"] for line in made.json["lines"]} == {"unchanged"}


def test_changed_lines_are_one_unit_short_and_written_by_apply(tmp_path: Path) -> None:
    site = _site(tmp_path, Size(3, lines_each=2, changed=4))
    assert [one.partition(":")[0] for one in site.plan().ids] == ["update_line"] * 4
    site.forget()
    assert site.apply().code == 0
    assert [one.split()[0] for one in site.writes if "/additions/" in one] == ["PATCH"] * 4
    assert site.plan().ids == []


def test_a_bill_shares_its_lines_between_months() -> None:
    world = books.world(TODAY, Size(2, lines_each=2))
    assert len(world.usage) == books.CLOSED_MONTHS + 1
    starts = {bill[0]["billingStartDate"] for bill in world.usage.values()}
    assert len(starts) == len(world.usage)
    assert all(len(bill) == 4 and len(bill[1:9]) == 3 for bill in world.usage.values())
    assert world.addition(1)["_info"]["updatedBy"] == MEMBER


def test_the_script_and_the_tool_read_the_same_lines() -> None:
    with sandbox(customers=3, lines=2) as site:
        script = usage.measured([sys.executable, "-m", "benchmarks.agreement_by_agreement"], site)
        lines = usage.measured([sys.executable, "-m", "benchmarks.lines_alone", "3"], site)
    assert script.process.output == lines.process.output == "3 6\n"
    assert (script.requests, lines.requests) == (5, 4)


def test_the_ideal_counts_with_the_clients_own_limits(tmp_path: Path) -> None:
    app = create_app(books.world(TODAY, Size(1)))
    keys = connectwise_credentials(environment(URL), tmp_path)

    async def service() -> tuple[int, tuple[tuple[float, float], ...]]:
        transport = httpx.ASGITransport(app=app)
        async with client.connect(keys, write=False, transport=transport) as connected:
            known = connected._session.service
            return known.concurrency, known.rates

    assert asyncio.run(service()) == (usage.AT_ONCE, ((usage.A_MINUTE, 60),))
    assert usage.ideals(100) == (100 * 60 / 900, 2.5)
    assert usage.ideals(2000) == (2000 * 60 / 900, (2000 - 900) * 60 / 900)


def test_quick_leaves_out_the_distributor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(parts(tmp_path, quick=False)) - set(parts(tmp_path, quick=True)) == {"distributor"}
    table([Row("one", "1 s"), Row("another", "12 s", "3 s", "≤ 20 s")])
    assert capsys.readouterr().out.splitlines()[2] == "another      12 s        3 s  ≤ 20 s"

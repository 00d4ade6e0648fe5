"""Mappings are there and no customer row at all: a file was lost, and nobody would be billed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import NOVEMBER, Books

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def lost(tmp_path: Path) -> Books:
    """Two customers with lines, whose rows are gone from the folder."""
    books = Books(tmp_path)
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(5, 5, 6), sv=(1, 1, 1))
    books.rows.clear()
    return books.live()


def test_the_tenants_with_usage_are_named_and_nothing_reads_as_done(lost: Books) -> None:
    said = lost.run("plan", str(lost.folder))
    assert said.code == 4
    assert "Nothing to do" not in said.out
    assert (
        "[customers-missing] Nobody is billed: there is no row under `customers`, and 2 Sophos tenants"
        in (said.out + said.err)
    )
    alder, birch = (lost.world.tenant(name)["id"] for name in ("Alder", "Birch"))
    plan = lost.plan()
    message = plan.diagnostic("customers-missing")["message"]
    assert f"Alder ({alder}, 12), Birch ({birch}, 7)" in message
    assert [(n["kind"], n["code"], n["quantity"]) for n in plan.json["usageNotes"]] == [
        ("customer", "Alder", "12"),
        ("customer", "Birch", "7"),
    ]


def test_apply_and_ready_agree(lost: Books) -> None:
    lost.forget()
    assert lost.run("apply", str(lost.folder), "--yes").code == 4
    assert lost.writes == []
    ready = lost.run("ready", "--invoice-date", "2026-12-01", "--dir", str(lost.folder))
    assert ready.code == 4
    assert ready.out.startswith("No: ")
    assert "customers-missing" in ready.out


def test_only_the_biggest_are_named_and_all_are_listed(lost: Books) -> None:
    for number in range(6):
        lost.world.add_tenant(f"Cedar {number}")
        lost.world.add_usage_line(NOVEMBER, f"Cedar {number}", "EP-MSP", number)
    plan = lost.plan()
    message = plan.diagnostic("customers-missing")["message"]
    assert "7 Sophos tenants have usage" in message, "the one at zero has none"
    assert message.endswith("and 2 more.")
    assert "Alder" in message
    assert "Cedar 1" not in message
    assert len(plan.json["usageNotes"]) == 8


def test_without_usage_of_mapped_products_there_is_nothing_to_say(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.world.add_tenant("Alder")
    books.world.add_usage_line(NOVEMBER, "Alder", "NEW-MSP", 3)
    plan = books.live().plan()
    assert (plan.code, plan.codes.count("customers-missing")) == (0, 0)


def test_products_alone_are_planned_as_ever(lost: Books) -> None:
    plan = lost.plan("--scope", "products")
    assert (plan.code, plan.codes) == (0, [])

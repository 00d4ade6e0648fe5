"""`apply FILE` promises: all or nothing before the first write, dependants stop after it, twice is once."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.plan import Plan
from tests.flows_usage.books import Books, message, results
from tests.flows_usage.line_flows import additions, create, lines, move
from tests.support import first

if TYPE_CHECKING:
    from pathlib import Path

MAP, UNMAP = "map_product:product/MSP-NEW/code/EP-MSP", "unmap_product:product/MSP-EP/code/EP-MSP"
OLD, NEW = move(1, "MSP-EP", "line/1"), move(1, "MSP-NEW")


@pytest.fixture
def moving(books: Books) -> Books:
    """A code that moves to another product, and its line with it; and a line that is new."""
    books.customer("Alder", ep=(12, 12, 12))
    books.customer("Birch", sv=(None, 3, 3))
    books.live()
    books.world.add_catalog_item("MSP-NEW", price=4.0, cost=2.0)
    books.mapped["EP-MSP"] = "{product: MSP-NEW, sync: true}"
    return books.live()


def test_a_plan_of_every_kind_applied_twice_does_nothing_the_second_time(moving: Books) -> None:
    file = moving.save()
    assert set(results(moving.apply(file))) == {MAP, UNMAP, OLD, NEW, create(2, "MSP-SV")}
    there = [dict(line) for line in lines(moving)]
    moving.forget()
    again = moving.apply(file)
    assert (again.code, set(results(again).values()), moving.writes) == (0, {"already ok"}, [])
    assert [dict(line) for line in lines(moving)] == there
    assert moving.plan().ids == []


def test_what_goes_stale_after_the_first_write_stops_what_depends_on_it_alone(moving: Books) -> None:
    """The checks are behind, and others are written: somebody changes the line that is about to end."""
    file = moving.save()
    moving.break_(
        "GET", additions(1, 1), first(lambda: moving.world.addition(1).update(quantity=15.0)), times=1
    )
    applied = moving.apply(file)
    found = results(applied)
    assert applied.code == 4
    assert (found[OLD], found[NEW]) == ("failed", "not attempted")
    assert "quantity of line #1 is 15, the plan expected 12" in message(applied, OLD)
    assert "was not written" in message(applied, NEW)
    assert (found[MAP], found[create(2, "MSP-SV")]) == ("applied", "applied")
    assert [line["quantity"] for line in lines(moving)] == [15]


def test_a_mapping_that_goes_stale_after_the_first_write_stops_its_line(moving: Books) -> None:
    file = moving.save()
    moving.break_(
        "GET", "/catalog/1", first(lambda: moving.item("MSP-EP").update(notes="[sophos:lab Z]")), times=1
    )
    applied = moving.apply(file)
    found = results(applied)
    assert applied.code == 4
    assert found[UNMAP] == "failed"
    assert {found[one] for one in (MAP, OLD, NEW)} == {"not attempted"}
    assert found[create(2, "MSP-SV")] == "applied"


@pytest.mark.parametrize("name", ["connectwiseHost", "connectwiseCompany", "sophosPartner"])
def test_a_plan_of_another_site_is_refused_by_each_of_its_names(moving: Books, name: str) -> None:
    file = _signed_again(moving.save(), name)
    moving.forget()
    said = moving.run("apply", str(file), "--yes")
    assert (said.code, moving.writes) == (1, [])
    assert f"{name} is" in said.err


def _signed_again(file: Path, name: str) -> Path:
    plan = Plan.from_json(json.loads(file.read_text(encoding="utf-8")))
    other = replace(plan, instance={**plan.instance, name: "elsewhere"})
    file.write_text("".join(other.text()), encoding="utf-8")
    return file

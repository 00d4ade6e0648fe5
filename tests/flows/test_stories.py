"""The made-up MSP with the starter mappings, and the moves that are dangerous to stop in."""

from __future__ import annotations

import re
import shutil
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import reconciler
from reconciler.sandbox.seed import small_msp
from tests.support import CATALOG, TODAY, Site, status

if TYPE_CHECKING:
    from reconciler.sandbox.world import World

STARTER = Path(reconciler.__file__).parent.parent / "starter"


@cache
def _start() -> World:
    return small_msp(TODAY, catalog_size=400)


def test_the_starter_mappings_on_the_made_up_msp(tmp_path: Path) -> None:
    site = Site(tmp_path, deepcopy(_start()))
    shutil.copytree(STARTER, site.folder)
    before = deepcopy(site.world.tables)
    plan = site.plan()
    assert plan.code == 4, "two lines wait for a person"
    assert {c["action"] for c in plan.changes} >= {"create_product", "map_product", "unmap_product"}

    applied = site.apply()

    assert (applied.code, set(applied.results.values())) == (4, {"applied"})
    assert (site.plan().code, site.plan().ids) == (4, []), "shadow: lines are planned and not written"
    targets = {c["target"]["id"] for c in plan.changes}
    assert len(site.writes) == len({c["write"] for c in plan.changes})
    for table, rows in before.items():
        for number, row in rows.items():
            if table != "catalog" or number not in targets:
                assert site.world.tables[table][number] == row, f"{table} {number} was touched"
    assert site.notes("LAB-NDR") == "[sophos:lab NDR-MSP]"
    assert site.notes("MSP-ENDPOINT") == (
        "Price agreed with sales in March.\n[sophos:main CDE-MSP (former), CIXA-MSP]"
    )
    assert site.notes("MSP-LEGACY").endswith("(former)]\nAsk Operations before selling.")
    assert site.item("MSP-MDR")["notes"].endswith("] do not change without asking billing")


CIRCLES = {
    "two": {"MSP-A": "CODE-1", "MSP-B": "CODE-2"},
    "three": {"MSP-A": "CODE-1", "MSP-B": "CODE-2", "MSP-C": "CODE-3"},
}


@pytest.mark.parametrize("circle", CIRCLES.values(), ids=CIRCLES)
def test_a_circle_can_be_stopped_after_every_step(tmp_path: Path, circle: dict[str, str]) -> None:
    names, codes = list(circle), list(circle.values())
    wanted = dict(zip(names, codes[-1:] + codes[:-1], strict=True))
    rows = ", ".join(f"{code}: {{product: {name}, sync: true}}" for name, code in wanted.items())
    for step in range(2 * len(circle)):
        site = Site(tmp_path / str(step))
        site.root.mkdir()
        for name, code in circle.items():
            site.world.add_catalog_item(name, notes=f"Ann. [sophos:main {code}]")
        site.say(f"mappings: {{{rows}}}")
        site.break_("PATCH", f"{CATALOG}/*", status(400), skip=step)
        site.apply()
        notes = [site.notes(name) for name in names]
        mapped = [re.sub(r"\S+ \(former\)", "", text) for text in notes]
        assert all(sum(code in text for text in mapped) <= 1 for code in codes), notes
        site.mend()
        assert site.apply().code == 0
        for name in names:
            entries = sorted([wanted[name], f"{circle[name]} (former)"])
            assert site.notes(name) == f"Ann. [sophos:main {', '.join(entries)}]"


def test_unmapped_usage_is_never_mapped_by_itself(tmp_path: Path) -> None:
    site = Site(tmp_path, deepcopy(_start()))
    shutil.copytree(STARTER, site.folder)
    site.apply()
    site.world.add_usage_line((2026, 10), "Gullwing Motors", "BRAND-NEW-MSP", 7)
    site.forget()
    assert site.plan().ids == []
    site.apply()
    assert site.writes == []
    assert ("unmapped", "BRAND-NEW-MSP", "7") in {
        (note["kind"], note["code"], note["quantity"]) for note in site.plan().json["usageNotes"]
    }

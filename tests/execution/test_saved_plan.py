"""`apply FILE`: exactly what was reviewed, or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support import COMPLETE, URL, first

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Applied, Site

    Meanwhile = Callable[[Site], Any]

YAML = f"""
mappings:
  CODE-1: {{product: MSP-A, sync: true}}
  CODE-2: {{product: MSP-NEW, sync: true}}
  CODE-3: {{product: MSP-R, sync: true}}
  CODE-4: {{product: MSP-B, sync: false}}
products:
  MSP-A: {{price: 2.00, vendorSku: SKU-2, customFields: {{Vendor Programme: Gold}}}}
  MSP-NEW: {{{COMPLETE}}}
  MSP-R: {{renamedFrom: MSP-OLD}}
"""


@pytest.fixture
def planned(site: Site) -> Site:
    """A site with one change of every kind."""
    site.world.add_catalog_item("MSP-A", price=1.0, vendorSku="SKU-1", notes="[sophos:main GONE]")
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-3]")
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-4]")
    return site.say(YAML)


def row(site: Site, number: int) -> dict[str, Any]:
    """A product's row, by id."""
    return site.world.tables["catalog"][number]


def stale(applied: Applied) -> str:
    """What moved, in one text."""
    return " | ".join(f"{one['id']}: {one['what']}" for one in applied.json["stale"])


def test_a_saved_plan_writes_what_it_says(planned: Site) -> None:
    file = planned.save()
    assert {c["action"] for c in planned.plan().changes} == {
        "create_product", "edit_product", "map_product", "unmap_product", "disable_sync",
    }  # fmt: skip
    applied = planned.apply(file)
    assert (applied.code, set(applied.results.values())) == (0, {"applied"})
    assert planned.plan().ids == []


def test_applied_twice_it_finds_everything_done(planned: Site) -> None:
    file = planned.save()
    planned.apply(file)
    planned.forget()
    applied = planned.apply(file)
    assert (applied.code, set(applied.results.values())) == (0, {"already ok"})
    assert planned.writes == []


def test_what_was_half_done_is_finished(planned: Site) -> None:
    file = planned.save()
    row(planned, 1)["price"] = 2.0
    row(planned, 3)["notes"] = "[sophos:main CODE-4 (sync off)]"
    applied = planned.apply(file)
    assert applied.code == 0
    assert applied.results["disable MSP-B CODE-4"] == "already ok"
    assert not any("price" in json.dumps(body) for body in planned.bodies() if isinstance(body, list))
    assert planned.plan().ids == []


@pytest.mark.parametrize(
    ("meanwhile", "what"),
    [
        (lambda s: row(s, 1).update(price=3.0), "edit_product:product/MSP-A: price is '3.00'"),
        (lambda s: row(s, 1).update(vendorSku="SKU-3"), "vendorSku is 'SKU-3'"),
        (lambda s: row(s, 1).pop("vendorSku"), "vendorSku is not set"),
        (
            lambda s: row(s, 1).update(customFields=[{"id": 41, "value": "Silver"}]),
            "customFields/Vendor Programme is 'Silver'",
        ),
        (lambda s: row(s, 1).update(identifier="MSP-AA"), "product id 1 is now called MSP-AA"),
        (lambda s: row(s, 1).update(notes="[sophos:main CODE-1 (sync off), GONE]"), "CODE-1 is 'sync off'"),
        (lambda s: row(s, 1).update(notes="[sophos:main GONE (sync off)]"), "sophos/GONE is 'sync off'"),
        (lambda s: row(s, 1).update(notes="[sophos:main GONE] [sophos:lab X]"), "changed by somebody else"),
        (lambda s: row(s, 1).update(notes="[sophos:main GONE,]"), "or cannot be read any more"),
        (lambda s: row(s, 2).update(identifier="MSP-OTHER"), "identifier is 'MSP-OTHER'"),
        (lambda s: s.world.tables["catalog"].pop(3), "product id 3 is no longer in ConnectWise"),
        (lambda s: s.world.add_catalog_item("MSP-NEW"), "MSP-NEW exists by now (id 4)"),
        (lambda s: s.world.add_catalog_item("msp-new"), "msp-new exists by now (id 4)"),
    ],
)  # fmt: skip
def test_anything_that_moved_stops_all_of_it(planned: Site, meanwhile: Meanwhile, what: str) -> None:
    file = planned.save()
    meanwhile(planned)
    applied = planned.apply(file)
    assert applied.code == 5
    assert what in stale(applied)
    assert (planned.writes, applied.results) == ([], {})


def test_stale_is_said_to_people(planned: Site) -> None:
    file = planned.save()
    row(planned, 1)["price"] = 3.0
    said = planned.apply_text(file)
    assert said.code == 5
    assert "Nothing was written" in said.out
    assert "price is '3.00', the plan expected '1.00'" in said.out


def test_what_other_people_change_elsewhere_on_the_product_is_no_staleness(planned: Site) -> None:
    file = planned.save()
    row(planned, 1).update(cost=9.0, notes="More notes. [sophos:main GONE, KEPT (sync off)] And more.")
    assert planned.apply(file).code == 0
    assert (
        planned.notes("MSP-A") == "More notes. [sophos:main CODE-1, GONE (former), KEPT (sync off)] And more."
    )
    assert row(planned, 1)["cost"] == 9.0


def test_blocked_changes_stay_blocked_and_are_no_reason_to_be_stale(planned: Site) -> None:
    planned.say(YAML + "protected: [MSP-B]\n")
    file = planned.save()
    row(planned, 3)["notes"] = ""
    applied = planned.apply(file)
    assert applied.code == 4
    assert applied.results["disable MSP-B CODE-4"] == "not attempted"
    assert applied.message("disable MSP-B CODE-4") == "held back by protected:product/MSP-B"
    assert planned.notes("MSP-B") == ""


def test_the_checks_are_a_handful_of_reads_whatever_the_number_of_changes(site: Site) -> None:
    rows = []
    for number in range(40):
        site.world.add_catalog_item(f"MSP-{number:02}")
        rows.append(f"A-{number}: {{product: MSP-{number:02}, sync: true}}")
    site.say(f"mappings: {{{', '.join(rows)}}}")
    file = site.save()
    row(site, 1)["notes"] = "[sophos:main A-0 (sync off)]"
    site.forget()
    assert site.apply(file).code == 5
    assert len(site.requests) <= 6


# --- files


def test_another_instance_is_refused(planned: Site) -> None:
    file = planned.save()
    planned.environ["CONNECTWISE_URL"] = URL.replace("127.0.0.1", "localhost")
    said = planned.apply_text(file)
    assert said.code == 1
    assert "connectwiseHost is localhost:1, the plan's is 127.0.0.1:1" in said.err
    assert planned.writes == []


@pytest.mark.parametrize(
    "damage",
    [
        lambda plan: plan["changes"][0]["fields"][0].update(after="sync on"),
        lambda plan: plan["changes"].pop(),
        lambda plan: plan["instance"].update(connectwiseHost="elsewhere"),
        lambda plan: plan["changes"][0]["target"].update(id=2),
        lambda plan: plan["marker"].update(owner="lab"),
    ],
)
def test_a_file_that_was_changed_is_refused(planned: Site, damage: Callable[[Any], Any]) -> None:
    file = planned.save()
    plan = json.loads(file.read_text(encoding="utf-8"))
    damage(plan)
    file.write_text(json.dumps(plan), encoding="utf-8")
    said = planned.apply_text(file)
    assert (said.code, planned.writes) == (1, [])
    assert "plan-damaged" in said.err
    assert "changed after it was planned" in said.err


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "{}", "null", '{"formatVersion": "9.0"}', "\x00", "[" * 99999]
)
def test_a_file_that_is_no_plan_is_refused(planned: Site, text: str) -> None:
    file = planned.root / "plan.json"
    file.write_text(text, encoding="utf-8")
    said = planned.apply_text(file)
    assert (said.code, planned.requests) == (1, [])
    assert "plan-unreadable" in said.err


@pytest.mark.parametrize(
    ("version", "what"),
    [
        ('"3.0"', "the plan has format 3.0, and this version reads 2.0: a newer release wrote it."),
        ('"2.1"', "the plan has format 2.1, and this version reads 2.0: a newer release wrote it."),
        ('"0.9"', "the plan has format 0.9, and this version reads 2.0: an older release wrote it."),
        ('"1"', "its formatVersion is '1', not '2.0'."),
        ("1.0", "its formatVersion is 1.0, not '2.0'."),
        ("null", "its formatVersion is None, not '2.0'."),
    ],
)
def test_a_plan_of_another_format_is_refused(planned: Site, version: str, what: str) -> None:
    """Also where nothing else in it differs, and where everything does."""
    file = planned.save()
    text = file.read_text(encoding="utf-8").replace('"formatVersion":"2.0"', f'"formatVersion":{version}')
    planned.forget()
    for content in (text, f'{{"formatVersion": {version}, "new": 1}}'):
        file.write_text(content, encoding="utf-8")
        for command in (("apply", str(file), "--yes"), ("show", str(file)), ("score", str(file))):
            said = planned.run(*command)
            assert (said.code, planned.requests) == (1, [])
            assert f"plan-unreadable] {file} cannot be read: {what}" in said.err
            assert "Make it anew" in said.err
            assert ("Use the release that wrote it" in said.err) is ("newer" in what)


def test_two_plans_of_one_state_are_the_same_file(planned: Site, tmp_path: Path) -> None:
    one = planned.save().read_bytes()
    assert planned.save().read_bytes() == one


# --- while it is being applied


def test_what_moves_after_the_check_fails_alone(planned: Site) -> None:
    file = planned.save()
    late = first(lambda: row(planned, 1).update(price=3.0))
    planned.break_("GET", "/procurement/catalog/1", late, times=1)
    applied = planned.apply(file)
    assert applied.code == 4
    assert applied.results["edit MSP-A"] == "failed"
    assert applied.results["disable MSP-B CODE-4"] == "applied"
    assert row(planned, 1)["price"] == 3.0


def test_a_product_renamed_after_its_creation_is_not_created_again(site: Site) -> None:
    site.say(f"mappings:\n  CODE-2: {{product: MSP-NEW, sync: true}}\nproducts:\n  MSP-NEW: {{{COMPLETE}}}\n")
    file = site.save()
    assert site.apply(file).code == 0
    site.item("MSP-NEW")["identifier"] = "MSP-BETTER-NAME"
    site.forget()
    applied = site.apply(file)
    assert (applied.code, site.writes) == (5, [])
    assert "CODE-2 is mapped to MSP-BETTER-NAME" in stale(applied)


def test_a_code_that_somebody_mapped_meanwhile_is_not_mapped_a_second_time(site: Site) -> None:
    site.world.add_catalog_item("MSP-A")
    other = site.world.add_catalog_item("MSP-Z")
    site.say("mappings:\n  CODE-1: {product: MSP-A, sync: true}\n")
    file = site.save()
    other["notes"] = "[sophos:main CODE-1]"
    applied = site.apply(file)
    assert (applied.code, site.writes) == (5, [])
    assert "CODE-1 is mapped to MSP-Z" in stale(applied)


def test_a_move_knows_the_product_that_the_code_comes_from(site: Site) -> None:
    site.world.add_catalog_item("MSP-A")
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-1]")
    site.say("mappings:\n  CODE-1: {product: MSP-A, sync: true}\n")
    assert site.apply(site.save()).code == 0
    assert (site.notes("MSP-A"), site.notes("MSP-OLD")) == (
        "[sophos:main CODE-1]",
        "[sophos:main CODE-1 (former)]",
    )


@pytest.mark.parametrize("field", [{"inactiveFlag": True}, {"productClass": "Bundle"}])
def test_a_product_that_can_take_no_usage_any_more_makes_the_plan_stale(
    site: Site, field: dict[str, Any]
) -> None:
    item = site.world.add_catalog_item("MSP-A")
    site.say("mappings:\n  CODE-1: {product: MSP-A, sync: true}\n")
    file = site.save()
    item.update(field)
    applied = site.apply(file)
    assert (applied.code, site.writes) == (5, [])
    assert "usage sync is to be on" in stale(applied)


def test_a_product_that_the_same_plan_revives_is_not_stale(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", inactiveFlag=True)
    site.say("mappings:\n  CODE-1: {product: MSP-A, sync: true}\nproducts:\n  MSP-A: {inactiveFlag: false}\n")
    assert site.apply(site.save()).code == 0
    assert site.item("MSP-A")["inactiveFlag"] is False

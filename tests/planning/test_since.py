"""`plan --since`: what comes from the reviewed commit, what waits anyway."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from reconciler.model.plan_text import sealed

if TYPE_CHECKING:
    from tests.support import Planned, Site

BASE = """
mappings:
  CODE-1: {product: MSP-A, sync: true}
  CODE-2: {product: MSP-B, sync: true}
  CODE-3: {exclude: Not sold}
products:
  MSP-A: {price: 2}
  MSP-B: {price: 2}
"""
#: What a second code on MSP-A asks for.
COUNTED = "lines: {MSP-A: {count: sum}}\n"


def causes(plan: Planned) -> dict[str, str]:
    """The cause of each change, by its short form."""
    return {short: change["cause"] for short, change in zip(plan.short, plan.changes, strict=True)}


def since(site: Site, head: str) -> Planned:
    """The plan of the head over the base."""
    site.say(BASE, folder="base")
    site.say(head)
    return site.plan("--since", str(site.root / "base"))


def fill(site: Site) -> None:
    """Two products as a former commit left them: the base's own edits wait."""
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]", price=1)
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-2]", price=2)


def test_a_change_of_this_commit_and_one_that_waits(site: Site) -> None:
    fill(site)
    plan = since(site, BASE.replace("MSP-B: {price: 2}", "MSP-B: {price: 3}"))
    assert causes(plan) == {"edit MSP-A": "waiting", "edit MSP-B": "this change"}
    assert (
        "1 change waiting anyway"
        in site.run("plan", str(site.folder), "--since", str(site.root / "base")).out
    )


def test_a_waiting_change_with_another_value_is_this_change(site: Site) -> None:
    fill(site)
    assert causes(since(site, BASE.replace("MSP-A: {price: 2}", "MSP-A: {price: 9}"))) == {
        "edit MSP-A": "this change"
    }


def test_removed_rows_are_listed(site: Site) -> None:
    fill(site)
    plan = since(site, "mappings:\n  CODE-1: {product: MSP-A, sync: true}\nproducts:\n  MSP-A: {price: 2}")
    assert causes(plan) == {"unmap MSP-B CODE-2": "this change", "edit MSP-A": "waiting"}
    assert plan.json["removedRows"] == [
        {"key": "mappings/CODE-2", "text": "was mapped to MSP-B, sync on"},
        {"key": "mappings/CODE-3", "text": "was excluded: Not sold"},
        {"key": "products/MSP-B", "text": "its declared fields are no longer compared"},
    ]


def test_without_since_there_is_no_cause(site: Site) -> None:
    fill(site)
    site.say(BASE)
    assert causes(site.plan()) == {"edit MSP-A": None}


def test_a_product_that_only_the_base_names_is_read_as_well(site: Site) -> None:
    """Otherwise the base's plan would see it as missing, and call its changes this commit's."""
    fill(site)
    site.world.add_catalog_item("MSP-C")
    site.say(BASE + "  MSP-C: {price: 5}\n", folder="base")
    site.say(BASE)
    assert causes(site.plan("--since", str(site.root / "base"))) == {"edit MSP-A": "waiting"}


def test_tags_are_read_where_either_commit_keeps_them(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-X", customFields=[{"id": 42, "value": "[sophos:main GONE]"}])
    rows = "mappings: {CODE-1: {product: MSP-A, sync: true}}"
    site.say(rows, folder="base")
    site.say(f"settings: {{marker: {{customField: Sophos Mapping}}}}\n{rows}")
    plan = site.plan("--since", str(site.root / "base"))
    assert causes(plan) == {"unmap MSP-X GONE": "this change", "map MSP-A CODE-1": "this change"}


# --- what this commit cannot do without


def reasons(plan: Planned) -> dict[str, str]:
    """The reason of each change, by its short form."""
    return {short: change["reason"] for short, change in zip(plan.short, plan.changes, strict=True)}


def test_what_shares_a_request_with_this_change_is_part_of_it(site: Site) -> None:
    fill(site)
    plan = since(site, BASE.replace("CODE-3: {exclude: Not sold}", "CODE-3: {product: MSP-A}") + COUNTED)
    assert causes(plan) == {"edit MSP-A": "this change", "map MSP-A CODE-3": "this change"}
    assert reasons(plan)["edit MSP-A"].endswith(
        "; waited anyway, and is part of this change: it is one request with "
        "map_product:product/MSP-A/code/CODE-3"
    )
    assert "waited anyway" not in reasons(plan)["map MSP-A CODE-3"]


def test_a_move_is_never_torn(site: Site) -> None:
    """The base moves CODE-1 from MSP-OLD to MSP-A; this commit wants it on MSP-C as well."""
    for name, notes in (("MSP-OLD", "[sophos:main CODE-1]"), ("MSP-A", ""), ("MSP-C", ""), ("MSP-B", "")):
        site.world.add_catalog_item(name, notes=notes, price=2)
    plan = since(site, BASE.replace("CODE-1: {product: MSP-A", "CODE-1: {product: [MSP-A, MSP-C]"))
    assert causes(plan) == {
        "unmap MSP-OLD CODE-1": "this change",
        "map MSP-A CODE-1": "this change",
        "map MSP-C CODE-1": "this change",
        "map MSP-B CODE-2": "waiting",
    }
    assert "map_product:product/MSP-C/code/CODE-1 needs it first" in reasons(plan)["unmap MSP-OLD CODE-1"]
    assert "moves the same code" in reasons(plan)["map MSP-A CODE-1"]


def test_of_a_circle_only_the_code_that_is_needed_goes_with_this_change(site: Site) -> None:
    """CODE-1 and CODE-2 change places, which is four requests; this commit adds a price to one of them."""
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-2]", price=2)
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-1]", price=2)
    plan = since(site, BASE.replace("MSP-B: {price: 2}", "MSP-B: {price: 3}"))
    assert len({change["write"] for change in plan.changes}) == 4
    assert causes(plan) == {
        "edit MSP-B": "this change",
        "unmap MSP-A CODE-2": "this change",
        "map MSP-B CODE-2": "this change",
        "unmap MSP-B CODE-1": "waiting",
        "map MSP-A CODE-1": "waiting",
    }
    assert site.apply(site.save("--since", str(site.root / "base"))).code == 0
    assert (site.notes("MSP-A"), site.notes("MSP-B")) == (
        "[sophos:main CODE-2 (former)]",
        "[sophos:main CODE-1, CODE-2]",
    )
    site.apply()
    assert (site.notes("MSP-A"), site.notes("MSP-B")) == (
        "[sophos:main CODE-1, CODE-2 (former)]",
        "[sophos:main CODE-1 (former), CODE-2]",
    )


def test_a_second_home_of_a_code_that_leaves_none_is_no_move(site: Site) -> None:
    fill(site)
    site.world.add_catalog_item("MSP-C")
    site.world.add_catalog_item("MSP-D")
    head = "CODE-1: {product: [MSP-A, MSP-C, MSP-D]"
    site.say(BASE.replace("CODE-1: {product: MSP-A", "CODE-1: {product: [MSP-A, MSP-C]"), folder="base")
    site.say(BASE.replace("CODE-1: {product: MSP-A", head))
    plan = site.plan("--since", str(site.root / "base"))
    assert causes(plan) == {
        "edit MSP-A": "waiting",
        "map MSP-C CODE-1": "waiting",
        "map MSP-D CODE-1": "this change",
    }


# --- apply FILE


def test_a_saved_plan_writes_this_change_and_leaves_alone_what_waits(site: Site) -> None:
    fill(site)
    since(site, BASE.replace("MSP-B: {price: 2}", "MSP-B: {price: 3}"))
    file, base = site.root / "plan.json", str(site.root / "base")
    said = site.run("plan", str(site.folder), "--since", base, "--out", str(file))
    assert "It leaves the change that waits anyway alone" in said.err
    site.forget()
    applied = site.apply(file)
    assert (applied.code, applied.results) == (0, {"edit MSP-B": "applied"})
    assert applied.json["leftAlone"] == ["edit_product:product/MSP-A"]
    assert (site.item("MSP-A")["price"], site.item("MSP-B")["price"]) == (1.0, 3.0)
    assert len(site.writes) == 1
    told = site.apply_text(file)
    assert "1 change waiting anyway was left alone, not part of this change." in told.out
    assert causes(site.plan("--since", base)) == {"edit MSP-A": "waiting"}
    assert site.apply().results == {"edit MSP-A": "applied"}


def test_what_waits_and_is_stale_by_now_stops_nothing(site: Site) -> None:
    fill(site)
    since(site, BASE.replace("MSP-B: {price: 2}", "MSP-B: {price: 3}"))
    file = site.save("--since", str(site.root / "base"))
    site.item("MSP-A")["price"] = 7.0
    assert (site.apply(file).code, site.item("MSP-A")["price"]) == (0, 7.0)


def test_a_commit_that_changes_nothing_writes_nothing(site: Site) -> None:
    fill(site)
    plan = since(site, "# a comment\n" + BASE)
    base = ("--since", str(site.root / "base"))
    assert {key: plan.json["summary"][key] for key in ("changes", "waiting", "edit_product")} == {
        "changes": 0, "waiting": 1, "edit_product": 0,
    }  # fmt: skip
    said = site.run("plan", str(site.folder), *base, "--detailed-exitcode")
    assert (said.code, said.out.splitlines()[-1]) == (
        0,
        "Nothing is written by this change. 1 change waiting anyway, not part of this change.",
    )
    assert site.run("plan", str(site.folder), "--detailed-exitcode").code == 2
    file = site.save(*base)
    site.forget()
    told = site.run("apply", str(file))
    assert (told.code, site.writes) == (0, [])
    assert "1 change waiting anyway was left alone" in told.out


def test_what_is_left_alone_is_part_of_what_was_reviewed(site: Site) -> None:
    """Another cause writes something else: the hash finds it, and a torn move is refused even when signed."""
    fill(site)
    since(site, BASE.replace("CODE-3: {exclude: Not sold}", "CODE-3: {product: MSP-A}") + COUNTED)
    file = site.save("--since", str(site.root / "base"))
    data = json.loads(file.read_text(encoding="utf-8"))
    data["changes"][0]["cause"] = "waiting"
    file.write_text(json.dumps(data), encoding="utf-8")
    site.forget()
    said = site.apply_text(file)
    assert (said.code, "plan-damaged" in said.err) == (1, True)
    file.write_text("".join(sealed(data)), encoding="utf-8")
    said = site.apply_text(file)
    assert (said.code, "plan-unreadable" in said.err) == (1, True)
    assert "it is left alone, and it is one request with" in said.err
    assert site.writes == []


def test_a_base_that_is_not_there_is_a_slip_and_no_plan(site: Site) -> None:
    fill(site)
    site.say(BASE)
    said = site.run("plan", str(site.folder), "--since", "HEAD", "--out", str(site.root / "x.json"))
    assert (said.code, "there is no such folder" in said.err, site.requests) == (64, True, [])
    assert not (site.root / "x.json").exists()


def test_a_saved_plan_says_its_hash_and_whether_anything_can_be_applied(site: Site) -> None:
    fill(site)
    site.say(BASE)
    file = site.root / "x.json"
    said = site.run("plan", str(site.folder), "--out", str(file))
    assert f"hash {json.loads(file.read_text())['hash']}. Apply exactly this with" in said.err
    site.run("apply", str(file), "--yes")
    said = site.run("plan", str(site.folder), "--out", str(file))
    assert "Nothing of it can be applied." in said.err

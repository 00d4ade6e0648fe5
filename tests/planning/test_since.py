"""`plan --since`: what comes from the reviewed commit, what waits anyway."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

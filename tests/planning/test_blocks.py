"""What holds a product back, and that it holds back that product only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support import Site


def test_another_owners_tag_blocks_that_product_only(site: Site) -> None:
    site.world.add_catalog_item("MSP-LAB", notes="Lab's. [sophos:lab NDR]", price=1)
    site.world.add_catalog_item("MSP-A")
    site.say(
        """
        mappings: {CODE-1: {product: MSP-LAB, sync: true}, CODE-2: {product: MSP-A, sync: true}}
        products: {MSP-LAB: {price: 2}}
        """
    )
    plan = site.plan()
    assert plan.code == 4
    assert plan.short == ["map MSP-A CODE-2", "edit MSP-LAB (held)", "map MSP-LAB CODE-1 (held)"]
    assert "[sophos:lab NDR]" in plan.diagnostic("marker-of-another-owner")["message"]
    before = dict(site.item("MSP-LAB"))
    applied = site.apply()
    assert (applied.code, site.item("MSP-LAB")) == (4, before)
    assert site.writes == ["PATCH /procurement/catalog/2"]


def test_another_owners_product_is_not_ours_to_unmap(site: Site) -> None:
    site.world.add_catalog_item("MSP-LAB", notes="[sophos:lab CODE-1]")
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.say("mappings: {CODE-1: {product: MSP-A, sync: true}}")
    assert (site.plan().code, site.plan().ids) == (0, [])


@pytest.mark.parametrize(
    ("notes", "code"),
    [
        ("[sophos:main CODE-1,CODE-2]", "marker-unreadable"),
        ("[sophos:main CODE-1] [sophos:main CODE-2]", "marker-twice"),
        ("[sophos:main CODE-1] [sophos:", "marker-unreadable"),
    ],
)
def test_a_tag_that_people_damaged_blocks_that_product(site: Site, notes: str, code: str) -> None:
    site.world.add_catalog_item("MSP-A", notes=notes)
    site.say("mappings: {CODE-1: {product: MSP-A, sync: false}}")
    plan = site.plan()
    assert plan.code == 4
    assert plan.short
    assert all("(held)" in one for one in plan.short)
    assert code in plan.codes
    site.apply()
    assert site.notes("MSP-A") == notes


def test_a_damaged_tag_on_a_product_that_nobody_names_is_pointed_out(site: Site) -> None:
    """Its codes cannot be read, so whether something is mapped twice cannot be seen here."""
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-1,CODE-2]")
    site.world.add_catalog_item("MSP-A")
    site.say("mappings: {CODE-1: {product: MSP-A, sync: true}}")
    plan = site.plan()
    assert (plan.code, plan.short) == (0, ["map MSP-A CODE-1"])
    assert "MSP-OLD (id 1)" in plan.diagnostic("marker-unreadable")["message"]


@pytest.mark.parametrize(
    ("item", "code"),
    [({"productClass": "Bundle"}, "sync-bundle"), ({"inactiveFlag": True}, "sync-inactive")],
)
def test_usage_cannot_be_synced_to_a_bundle_or_an_inactive_product(
    site: Site, item: dict[str, Any], code: str
) -> None:
    site.world.add_catalog_item("MSP-A", **item)
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-1]")
    site.say("mappings: {CODE-1: {product: MSP-A, sync: true}}")
    plan = site.plan()
    assert (plan.code, plan.codes[0]) == (4, code)
    assert plan.short == ["unmap MSP-OLD CODE-1 (held)", "map MSP-A CODE-1 (held)"]

    site.say("mappings: {CODE-1: {product: MSP-A, sync: false}}")
    assert (site.plan().code, site.plan().short) == (0, ["unmap MSP-OLD CODE-1", "map MSP-A CODE-1"])


def test_making_an_inactive_product_active_again_in_the_same_change(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", inactiveFlag=True)
    site.say(
        """
        mappings: {CODE-1: {product: MSP-A, sync: true}}
        products: {MSP-A: {inactiveFlag: false}}
        """
    )
    assert (site.plan().code, site.plan().short) == (0, ["edit MSP-A", "map MSP-A CODE-1"])


def test_sync_for_an_unmapped_product_is_refused(site: Site) -> None:
    said = site.say("mappings: {CODE-1: {exclude: Not sold, sync: true}}").run("plan", str(site.folder))
    assert (said.code, said.out) == (1, "")
    assert "sync" in said.err
    assert site.requests == []


@pytest.mark.parametrize(
    ("notes", "mappings", "products", "loss"),
    [
        ("[sophos:main GONE]", "CODE-9: {product: MSP-Z, sync: false}", "", "unmap GONE"),
        ("[sophos:main CODE-1, GONE]", "CODE-1: {product: MSP-A, sync: true}", "", "unmap GONE"),
        (
            "[sophos:main CODE-1]",
            "CODE-1: {product: MSP-A, sync: false}",
            "",
            "turn off the usage sync of CODE-1",
        ),
        (
            "[sophos:main CODE-1 (sync off)]",
            "CODE-1: {product: MSP-A, sync: false}",
            "MSP-A: {inactiveFlag: true}",
            "make it inactive",
        ),
        (
            "[sophos:main CODE-1]",
            "CODE-1: {product: MSP-B, sync: true}",
            "MSP-B: {renamedFrom: MSP-A}",
            "rename it from MSP-A",
        ),
    ],
)
def test_nothing_is_taken_from_a_protected_product(
    site: Site, notes: str, mappings: str, products: str, loss: str
) -> None:
    site.world.add_catalog_item("MSP-A", notes=notes)
    site.say(f"mappings: {{{mappings}}}\nproducts: {{{products}}}\nprotected: [msp-a]")
    plan = site.plan()
    assert plan.code == 4
    assert loss in plan.diagnostic("protected")["message"]
    assert plan.short
    assert all("(held)" in one for one in plan.short)
    site.apply()
    assert site.writes == []


def test_a_code_stays_on_a_protected_product_rather_than_on_two(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B")
    site.say("mappings: {CODE-1: {product: MSP-B, sync: true}}\nprotected: [MSP-A]")
    assert site.plan().short == ["unmap MSP-A CODE-1 (held)", "map MSP-B CODE-1 (held)"]
    site.apply()
    assert site.writes == []


def test_a_protected_product_may_be_added_to(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]", price=1)
    site.say(
        """
        mappings: {CODE-1: {product: MSP-A, sync: true}, CODE-2: {product: MSP-A, sync: true}}
        products: {MSP-A: {price: 2}}
        lines: {MSP-A: {count: sum}}
        protected: [product/MSP-A]
        """
    )
    assert (site.plan().code, site.plan().short) == (0, ["edit MSP-A", "map MSP-A CODE-2"])


def test_in_a_circle_only_what_needs_the_blocked_product_is_held_back(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-2] [sophos:lab X]")
    site.world.add_catalog_item("MSP-C", notes="[sophos:main CODE-3]")
    site.say(
        """
        mappings:
          CODE-1: {product: MSP-B, sync: true}
          CODE-2: {product: MSP-C, sync: true}
          CODE-3: {product: MSP-A, sync: true}
        """
    )
    assert site.plan().short == [
        "unmap MSP-A CODE-1 (held)",
        "unmap MSP-B CODE-2 (held)",
        "unmap MSP-C CODE-3",
        "map MSP-A CODE-3",
        "map MSP-B CODE-1 (held)",
        "map MSP-C CODE-2 (held)",
    ]
    site.apply()
    assert [site.notes(f"MSP-{one}") for one in "ABC"] == [
        "[sophos:main CODE-1, CODE-3]",
        "[sophos:main CODE-2] [sophos:lab X]",
        "[sophos:main CODE-3 (former)]",
    ]


def test_one_home_that_cannot_be_had_keeps_the_code_where_it_is(site: Site) -> None:
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-A")
    site.say("mappings: {CODE-1: {product: [MSP-A, MSP-MISSING], sync: true}}")
    assert site.plan().short == ["unmap MSP-OLD CODE-1 (held)", "map MSP-A CODE-1 (held)"]

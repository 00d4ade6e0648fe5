"""Mapping, unmapping, moving codes, usage sync: what the page's toggles and lists did."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import Site

if TYPE_CHECKING:
    from pathlib import Path


def test_map_to_an_existing_product_writes_its_notes_and_nothing_else(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", price=4.2)
    site.say("mappings: {CODE-1: {product: MSP-A, sync: true}}")
    assert site.plan().short == ["map MSP-A CODE-1"]

    applied = site.apply()

    assert (applied.code, applied.results) == (0, {"map MSP-A CODE-1": "applied"})
    assert site.bodies() == [[{"op": "add", "path": "notes", "value": "[sophos:main CODE-1]"}]]
    assert site.plan().ids == []


def test_create_and_map_are_one_request(site: Site) -> None:
    site.say(
        """
        mappings:
          CODE-2: {product: MSP-NEW, sync: true}
          CODE-1: {product: MSP-NEW, sync: false}
        products:
          MSP-NEW:
            description: New
            customerDescription: New, per month
            subcategory: Endpoint
            type: Managed Service
            productClass: Agreement
            taxableFlag: true
            price: 4.50
            unitOfMeasure: User
        lines: {MSP-NEW: {count: sum}}
        """
    )
    assert site.plan().short == ["create MSP-NEW", "map MSP-NEW CODE-1", "map MSP-NEW CODE-2"]

    assert set(site.apply().results.values()) == {"applied"}

    assert site.writes == ["POST /procurement/catalog"]
    (body,) = site.bodies()
    assert body == {
        "identifier": "MSP-NEW",
        "description": "New",
        "customerDescription": "New, per month",
        "subcategory": {"id": 1},
        "type": {"id": 1},
        "productClass": "Agreement",
        "taxableFlag": True,
        "price": 4.5,
        "unitOfMeasure": {"id": 2},
        "notes": "[sophos:main CODE-1 (sync off), CODE-2]",
    }
    assert site.plan().ids == []


@pytest.mark.parametrize(
    ("before", "sync", "short", "after"),
    [
        ("[sophos:main CODE-1 (sync off)]", "true", "enable MSP-A CODE-1", "[sophos:main CODE-1]"),
        ("[sophos:main CODE-1]", "false", "disable MSP-A CODE-1", "[sophos:main CODE-1 (sync off)]"),
    ],
)
def test_usage_sync_on_and_off(site: Site, before: str, sync: str, short: str, after: str) -> None:
    site.world.add_catalog_item("MSP-A", notes=before)
    site.say(f"mappings: {{CODE-1: {{product: MSP-A, sync: {sync}}}}}")
    assert site.plan().short == [short]
    site.apply()
    assert site.notes("MSP-A") == after
    assert site.plan().ids == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[sophos:main GONE]", "[sophos:main GONE (former)]"),
        ("Ask Ann.\n[sophos:main GONE]", "Ask Ann.\n[sophos:main GONE (former)]"),
        ("[sophos:main GONE] Ask Ann.  \n", "[sophos:main GONE (former)] Ask Ann.  \n"),
        ("  3 % für Ann!\n\n[sophos:main GONE]\n\tTab, [x] {y}",
         "  3 % für Ann!\n\n[sophos:main GONE (former)]\n\tTab, [x] {y}"),
        ("Ask Ann.\n[sophos:main GONE, KEPT]", "Ask Ann.\n[sophos:main GONE (former), KEPT]"),
        ("[sophos:main GONE, OLDER (former)]", "[sophos:main GONE (former), OLDER (former)]"),
    ],
)  # fmt: skip
def test_unmapping_keeps_a_code_as_a_former_one_and_leaves_what_people_wrote(
    site: Site, before: str, after: str
) -> None:
    site.world.add_catalog_item("MSP-A", notes=before)
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-1]")
    kept = "KEPT: {product: MSP-A, sync: true}" if "KEPT" in before else ""
    site.say(f"mappings:\n  CODE-1: {{product: MSP-B, sync: true}}\n  {kept}")
    assert site.plan().short == ["unmap MSP-A GONE"]

    site.apply()

    assert site.notes("MSP-A") == after
    assert site.writes == ["PATCH /procurement/catalog/1"], "the product stays, and MSP-B is not touched"
    assert site.plan().ids == []


def test_a_former_code_is_mapped_again_as_if_it_had_never_left(site: Site) -> None:
    people = "Agreed with sales.\r\n  [not a tag] 100 % \n"
    site.world.add_catalog_item("MSP-A", notes=people)
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-1]")
    both = "mappings:\n  CODE-1: {product: MSP-B, sync: true}\n  CODE-2: {product: MSP-A, sync: true}"
    site.say(both).apply()
    assert site.notes("MSP-A") == people + "\n[sophos:main CODE-2]"
    site.say(both.rpartition("\n")[0]).apply()
    assert site.notes("MSP-A") == people + "\n[sophos:main CODE-2 (former)]"
    assert site.plan().ids == []
    site.say(both).apply()
    assert site.notes("MSP-A") == people + "\n[sophos:main CODE-2]"


def test_a_code_moves_off_its_old_product_before_it_comes_to_the_new_one(site: Site) -> None:
    site.world.add_catalog_item("MSP-Z", notes="[sophos:main CODE-1, CODE-2]")
    site.world.add_catalog_item("MSP-A")
    site.say(
        """
        mappings:
          CODE-1: {product: MSP-A, sync: true}
          CODE-2: {product: MSP-Z, sync: true}
        """
    )
    plan = site.plan()
    assert plan.short == ["unmap MSP-Z CODE-1", "map MSP-A CODE-1"]
    assert plan.changes[1]["dependsOn"] == ["product/MSP-Z"]
    assert plan.changes[1]["reason"] == "moves here from MSP-Z"
    site.apply()
    assert (site.notes("MSP-Z"), site.notes("MSP-A")) == (
        "[sophos:main CODE-1 (former), CODE-2]",
        "[sophos:main CODE-1]",
    )


def test_codes_that_change_places_are_taken_off_in_requests_of_their_own(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-2]")
    site.say(
        """
        mappings:
          CODE-1: {product: MSP-B, sync: true}
          CODE-2: {product: MSP-A, sync: true}
        products:
          MSP-A: {price: 2.00}
        """
    )
    plan = site.plan()
    assert plan.short == [
        "unmap MSP-A CODE-1", "unmap MSP-B CODE-2", "edit MSP-A", "map MSP-A CODE-2", "map MSP-B CODE-1",
    ]  # fmt: skip
    applied = site.apply()
    assert set(applied.results.values()) == {"applied"}
    assert len(site.writes) == 4
    assert (site.notes("MSP-A"), site.notes("MSP-B")) == (
        "[sophos:main CODE-1 (former), CODE-2]",
        "[sophos:main CODE-1, CODE-2 (former)]",
    )
    assert site.plan().ids == []


def test_a_chain_of_moves_needs_no_extra_request(site: Site) -> None:
    for name, code in (("MSP-A", "CODE-1"), ("MSP-B", "CODE-2")):
        site.world.add_catalog_item(name, notes=f"[sophos:main {code}]")
    site.world.add_catalog_item("MSP-C")
    site.say(
        """
        mappings:
          CODE-1: {product: MSP-B, sync: true}
          CODE-2: {product: MSP-C, sync: true}
        """
    )
    assert site.plan().short == [
        "unmap MSP-A CODE-1", "unmap MSP-B CODE-2", "map MSP-B CODE-1", "map MSP-C CODE-2",
    ]  # fmt: skip
    site.apply()
    assert len(site.writes) == 3
    assert site.plan().ids == []


def test_bundles_and_several_targets(site: Site) -> None:
    site.world.add_catalog_item("MSP-GOLD")
    site.world.add_catalog_item("COST-EMAIL")
    site.say(
        """
        mappings:
          CODE-1: {product: MSP-GOLD, sync: true}
          CODE-2: {product: [MSP-GOLD, COST-EMAIL], sync: true}
        lines:
          MSP-GOLD: {count: max}
        """
    )
    assert site.plan().short == ["map COST-EMAIL CODE-2", "map MSP-GOLD CODE-1", "map MSP-GOLD CODE-2"]
    site.apply()
    assert len(site.writes) == 2
    assert site.notes("MSP-GOLD") == "[sophos:main CODE-1, CODE-2]"
    assert site.plan().ids == []


def test_one_of_several_targets_goes_and_the_other_stays(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-1]")
    site.say("mappings: {CODE-1: {product: MSP-B, sync: true}}")
    assert site.plan().short == ["unmap MSP-A CODE-1"]


def test_a_replaced_code_is_in_the_tag_as_well(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main OLD-CODE]")
    site.say("mappings: {NEW-CODE: {product: MSP-A, sync: true, alsoKnownAs: [OLD-CODE]}}")
    assert site.plan().short == ["map MSP-A NEW-CODE"]
    site.apply()
    assert site.notes("MSP-A") == "[sophos:main NEW-CODE, OLD-CODE]"


def test_an_excluded_code_is_unmapped_with_its_reason(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.say("mappings: {CODE-1: {exclude: Part of the contract}}")
    plan = site.plan()
    assert plan.short == ["unmap MSP-A CODE-1"]
    assert plan.changes[0]["reason"] == "its row excludes it: Part of the contract"


def test_the_tag_can_live_in_a_custom_field(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main OLD-TAG] stays")
    site.world.add_catalog_item("MSP-B", customFields=[{"id": 42, "value": "[sophos:main GONE]"}])
    site.say(
        """
        settings: {marker: {customField: Sophos Mapping}}
        mappings: {CODE-1: {product: MSP-A, sync: true}, CODE-2: {product: MSP-NEW, sync: true}}
        products:
          MSP-NEW: {description: New, customerDescription: New, subcategory: Endpoint,
                    type: Managed Service, productClass: Agreement, taxableFlag: true, price: 1}
        """
    )
    assert site.plan().short == [
        "unmap MSP-B GONE", "map MSP-A CODE-1", "create MSP-NEW", "map MSP-NEW CODE-2",
    ]  # fmt: skip
    assert set(site.apply().results.values()) == {"applied"}
    assert site.item("MSP-A")["customFields"] == [{"id": 42, "value": "[sophos:main CODE-1]"}]
    assert site.notes("MSP-A") == "[sophos:main OLD-TAG] stays"
    assert site.item("MSP-NEW")["customFields"] == [{"id": 42, "value": "[sophos:main CODE-2]"}]
    assert site.plan().ids == []


@pytest.mark.parametrize(
    ("caption", "code"),
    [("Sophos Maping", "marker-field-unknown"), ("Contract Reviewed", "marker-field-type")],
)
def test_a_custom_field_that_cannot_hold_tags_holds_everything_back(
    site: Site, caption: str, code: str
) -> None:
    site.world.add_catalog_item("MSP-A")
    site.say(
        f"""
        settings: {{marker: {{customField: {caption}}}}}
        mappings: {{CODE-1: {{product: MSP-A, sync: true}}}}
        """
    )
    plan = site.plan()
    assert (plan.code, plan.short) == (4, ["map MSP-A CODE-1 (held)"])
    assert code in plan.codes
    site.apply()
    assert site.writes == []


def test_products_of_one_identifier_never_share_a_request(site: Site) -> None:
    """By id, because the identifier does not say which; each gets its own request."""
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-A")
    site.say("mappings: {CODE-1: {product: {id: 2}, sync: true}}")
    assert site.plan().short == ["unmap MSP-A/id/1 CODE-1", "map MSP-A/id/2 CODE-1"]
    site.apply()
    notes = [str(site.world.tables["catalog"][number].get("notes") or "") for number in (1, 2)]
    assert notes == ["[sophos:main CODE-1 (former)]", "[sophos:main CODE-1]"]
    assert site.writes == ["PATCH /procurement/catalog/1", "PATCH /procurement/catalog/2"]


def test_an_identifier_and_an_id_of_one_product_are_one_product(site: Site) -> None:
    site.world.add_catalog_item("MSP-A")
    site.say(
        """
        mappings:
          CODE-1: {product: {id: 1}, sync: true}
          CODE-2: {product: msp-a, sync: true}
        products: {MSP-A: {price: 3}}
        lines: {MSP-A: {count: sum}}
        """
    )
    plan = site.plan()
    assert plan.short == ["edit MSP-A", "map MSP-A CODE-1", "map MSP-A CODE-2"]
    site.apply()
    assert len(site.writes) == 1
    assert site.plan().ids == []


def test_plan_of_one_product_takes_the_rest_of_its_moves_along(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B")
    site.world.add_catalog_item("MSP-C")
    site.say(
        """
        mappings: {CODE-1: {product: MSP-B, sync: true}, CODE-3: {product: MSP-C, sync: true}}
        """
    )
    move = ["unmap MSP-A CODE-1", "map MSP-B CODE-1"]
    assert site.plan().short == [*move, "map MSP-C CODE-3"]
    assert site.plan("--product", "msp-b").short == move, "the new home needs the old one to let go"
    assert site.plan("--product", "MSP-A").short == move, "what is taken off must arrive somewhere"
    assert site.plan("--product", "MSP-C").short == ["map MSP-C CODE-3"]
    slip = site.run("plan", str(site.folder), "--product", "MSP-NONE")
    assert (slip.code, "product-unknown" in slip.err) == (1, True), "a slip is not nothing to do"


@pytest.mark.parametrize("quirk", ["notes-newlines=collapsed", "trailing-blank=trimmed"])
def test_a_server_that_folds_blanks_in_notes_is_no_reason_for_alarm(tmp_path: Path, quirk: str) -> None:
    name, _, value = quirk.partition("=")
    site = Site(tmp_path, quirks={name: value})
    site.world.add_catalog_item("MSP-A", notes="Ann.\nBob.  ")
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-2]")
    rows = "CODE-2: {product: MSP-B, sync: true}"
    site.say(f"mappings: {{CODE-1: {{product: MSP-A, sync: true}}, {rows}}}")
    assert site.apply().results == {"map MSP-A CODE-1": "applied"}
    assert site.plan().ids == []
    site.say(f"mappings: {{{rows}}}")
    assert site.apply().results == {"unmap MSP-A CODE-1": "applied"}
    assert site.notes("MSP-A").split() == ["Ann.", "Bob.", "[sophos:main", "CODE-1", "(former)]"]
    assert site.plan().ids == []

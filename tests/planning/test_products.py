"""Products that the repository creates and edits: declared fields, renames, custom fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.support import COMPLETE

if TYPE_CHECKING:
    from tests.support import Site

ROW = "mappings: {CODE-1: {product: MSP-A, sync: true}}\n"


def declare(site: Site, entry: str, **item: Any) -> Site:
    """A mapped product with this entry under `products`."""
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]", **item)
    return site.say(f"{ROW}products:\n  MSP-A: {entry}\n")


def test_an_edit_writes_the_declared_fields_that_differ_and_no_other(site: Site) -> None:
    declare(site, "{price: 4.50, cost: 1.00, description: Same}", price=4.2, cost=1.0, description="Same")
    plan = site.plan()
    assert plan.short == ["edit MSP-A"]
    assert plan.fields("edit_product:product/MSP-A") == {"price": ("4.20", "4.50")}
    before = dict(site.item("MSP-A"))

    site.apply()

    assert site.bodies() == [[{"op": "replace", "path": "price", "value": 4.5}]]
    after = dict(site.item("MSP-A"))
    assert {key for key in after if after[key] != before.get(key)} <= {"price", "_info"}
    assert site.plan().ids == []


def test_an_edit_and_a_mapping_of_one_product_are_one_request(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="Ours.", price=1)
    site.say(f"{ROW}products: {{MSP-A: {{price: 2, subcategory: Server}}}}")
    site.apply()
    assert site.bodies() == [
        [
            {"op": "replace", "path": "subcategory", "value": {"id": 2}},
            {"op": "replace", "path": "price", "value": 2},
            {"op": "replace", "path": "notes", "value": "Ours.\n[sophos:main CODE-1]"},
        ]
    ]
    assert site.plan().ids == []


@pytest.mark.parametrize(
    ("entry", "item"),
    [
        ("{price: 4.5}", {"price": 4.50}),
        ("{price: 0}", {"price": None}),
        ("{taxableFlag: false}", {"taxableFlag": None}),
        ("{description: Same}", {"description": "Same  "}),
        ('{customerDescription: "One two"}', {"customerDescription": "One\r\ntwo"}),
        ("{unitOfMeasure: device}", {"unitOfMeasure": "Device"}),
        ("{minStockLevel: 0}", {}),
        ("{vendorSku: null, price: null, manufacturer: null}", {}),
    ],
)
def test_what_is_the_same_is_no_change(site: Site, entry: str, item: dict[str, Any]) -> None:
    declare(site, entry, **item)
    assert site.plan().ids == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("manufacturer", "Sophos"),
        ("vendorSku", "SKU-1"),
        ("manufacturerPartNumber", "PART-1"),
        ("price", 4.5),
        ("cost", 1.5),
        ("recurringRevenue", 3.0),
        ("markupPercentage", 12.5),
        ("minStockLevel", 4),
        ("recurringCycleType", "ContractYear"),
        ("integrationXRef", "ledger-4"),
    ],
)
def test_null_clears_and_then_there_is_nothing_left_to_do(site: Site, field: str, value: Any) -> None:
    if field == "manufacturer":
        value = site.world.reference("manufacturers", value)
    declare(site, f"{{{field}: null}}", **{field: value})
    plan = site.plan()
    assert plan.fields("edit_product:product/MSP-A")[field][1] is None
    assert set(site.apply().results.values()) == {"applied"}
    assert site.bodies() == [[{"op": "remove", "path": field}]]
    assert site.plan().ids == []


def test_line_breaks_in_a_declared_text_are_blanks(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.say(
        """
        mappings: {CODE-1: {product: MSP-A, sync: true}}
        products:
          MSP-A:
            customerDescription: |
              First line
              second line
        """
    )
    site.apply()
    assert site.item("MSP-A")["customerDescription"] == "First line second line"
    assert site.plan().ids == []


# --- creating


def test_a_create_names_what_is_missing(site: Site) -> None:
    site.say(f"{ROW}products:\n  MSP-A: {{description: New, subcategory: Endpoint}}")
    plan = site.plan()
    assert (plan.code, plan.short) == (4, ["create MSP-A (held)", "map MSP-A CODE-1 (held)"])
    assert (
        "customerDescription, type, productClass, price, taxableFlag"
        in (plan.diagnostic("create-incomplete")["message"])
    )
    site.apply()
    assert site.writes == []


def test_a_create_that_looks_like_a_typo_asks(site: Site) -> None:
    site.world.add_catalog_item("MSP-ENDPOINT", description="Managed endpoint protection")
    site.say(
        f"""
        mappings: {{CODE-1: {{product: MSP-ENDPIONT, sync: true}}}}
        products: {{MSP-ENDPIONT: {{{COMPLETE}}}}}
        """
    )
    plan = site.plan()
    assert (plan.code, plan.short) == (0, ["create MSP-ENDPIONT", "map MSP-ENDPIONT CODE-1"])
    assert "MSP-ENDPOINT (id 1, Managed endpoint protection)" in plan.diagnostic("create-typo")["message"]


@pytest.mark.parametrize("existing", ["MSP-MDR-1", "MSP-MDR-12", "OTHER"])
def test_siblings_and_strangers_are_no_typos(site: Site, existing: str) -> None:
    site.world.add_catalog_item(existing)
    site.say(
        f"""
        mappings: {{CODE-1: {{product: MSP-MDR-2, sync: true}}}}
        products: {{MSP-MDR-2: {{{COMPLETE}}}}}
        """
    )
    assert "create-typo" not in site.plan().codes


def test_a_product_that_configuration_names_as_well_is_no_typo(site: Site) -> None:
    site.world.add_catalog_item("MSP-GOLD")
    site.say(
        f"""
        mappings: {{CODE-1: {{product: MSP-GOLDS, sync: true}}, CODE-2: {{product: MSP-GOLD, sync: true}}}}
        products: {{MSP-GOLDS: {{{COMPLETE}}}}}
        """
    )
    assert "create-typo" not in site.plan().codes


def test_a_product_that_neither_exists_nor_is_declared(site: Site) -> None:
    site.world.add_catalog_item("MSP-ENDPOINT")
    site.say("mappings: {CODE-1: {product: MSP-ENDPONT, sync: true}}")
    plan = site.plan()
    assert (plan.code, plan.ids) == (4, [])
    assert plan.diagnostic("product-not-found")["remedy"].startswith("Did you mean MSP-ENDPOINT?")


def test_an_id_that_does_not_exist(site: Site) -> None:
    site.world.add_catalog_item("MSP-A")
    site.say("mappings: {CODE-1: {product: {id: 99}, sync: true}}")
    plan = site.plan()
    assert (plan.code, plan.ids, plan.codes[0]) == (4, [], "product-not-found")


def test_capitals_do_not_matter_and_are_mentioned(site: Site) -> None:
    site.world.add_catalog_item("Msp-Gold ")
    site.say("mappings: {CODE-1: {product: MSP-GOLD, sync: true}}")
    plan = site.plan()
    assert plan.short == ["map MSP-GOLD CODE-1"]
    assert "identifier-differs" in plan.codes
    site.apply()
    assert site.notes("Msp-Gold ") == "[sophos:main CODE-1]"


def test_an_identifier_that_two_products_have(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("msp-a")
    site.say("mappings: {CODE-1: {product: MSP-A, sync: false}}")
    plan = site.plan()
    assert plan.code == 4
    assert "product-ambiguous" in plan.codes
    assert all("(held)" in one for one in plan.short)
    site.apply()
    assert site.writes == []


# --- renames


def test_a_rename_edits_the_identifier_of_the_product_that_is_there(site: Site) -> None:
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-1]")
    site.say(f"{ROW}products: {{MSP-A: {{renamedFrom: MSP-OLD, price: 2}}}}")
    plan = site.plan()
    assert plan.short == ["edit MSP-A"]
    assert plan.fields("edit_product:product/MSP-A")["identifier"] == ("MSP-OLD", "MSP-A")
    site.apply()
    assert (site.item("MSP-A")["id"], len(site.world.tables["catalog"])) == (1, 1)
    assert site.plan().ids == [], "renamedFrom may stay where it is"


def test_a_rename_whose_source_is_missing(site: Site) -> None:
    site.say(f"{ROW}products: {{MSP-A: {{renamedFrom: MSP-OLD, {COMPLETE}}}}}")
    plan = site.plan()
    assert (plan.code, plan.ids) == (4, [])
    assert "rename-source-missing" in plan.codes


def test_a_rename_where_both_exist_holds_the_codes_where_they_are(site: Site) -> None:
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-A")
    site.say(f"{ROW}products: {{MSP-A: {{renamedFrom: MSP-OLD}}}}")
    plan = site.plan()
    assert "rename-both-exist" in plan.codes
    assert plan.short == ["unmap MSP-OLD CODE-1 (held)", "map MSP-A CODE-1 (held)"]
    site.apply()
    assert site.writes == []


@pytest.mark.parametrize("products", ["", f"products: {{MSP-A: {{{COMPLETE}}}}}"])
def test_a_product_renamed_by_hand_is_recognised(site: Site, products: str) -> None:
    site.world.add_catalog_item("MSP-EP", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B")
    site.say(f"{ROW.replace('}}', '}, CODE-2: {product: MSP-B, sync: true}}')}{products}")
    plan = site.plan()
    assert plan.code == 4
    assert plan.short == ["unmap MSP-EP CODE-1 (held)", "map MSP-B CODE-2"]
    said = plan.diagnostic("product-renamed")
    assert "MSP-EP (id 1) carries our tag for CODE-1" in said["message"]
    assert "by hand" not in said["message"], "nobody may have: both are possible"
    assert "or MSP-A is a new product that CODE-1 moves to" in said["message"]
    assert "`MSP-A: {renamedFrom: MSP-EP}` under products" in said["remedy"]
    assert "`MSP-A: {replaces: [MSP-EP]}`" in said["remedy"]

    applied = site.apply()

    assert applied.results == {"unmap MSP-EP CODE-1": "not attempted", "map MSP-B CODE-2": "applied"}
    assert (site.notes("MSP-EP"), len(site.world.tables["catalog"])) == ("[sophos:main CODE-1]", 2)


def test_a_new_product_that_takes_over_says_so(site: Site) -> None:
    site.world.add_catalog_item("MSP-OLD", notes="[sophos:main CODE-1]")
    site.say(f"{ROW}products: {{MSP-A: {{replaces: [MSP-OLD], {COMPLETE}}}}}")
    assert site.plan().short == ["unmap MSP-OLD CODE-1", "create MSP-A", "map MSP-A CODE-1"]


# --- custom fields


@pytest.mark.parametrize(
    ("caption", "text", "before", "sent"),
    [
        ("Vendor Programme", "Gold partner", None, "Gold partner"),
        ("vendor programme", "Gold partner", "Silver", "Gold partner"),
        ("Contract Reviewed", "true", False, True),
        ("Discount", "12.50", None, 12.5),
        ("Discount", "12.50", "7", 12.5),
        ("Discount", "12.50", "n/a", 12.5),
        ("Vendor Programme", "null", "Silver", None),
        ("Vendor Programme", "2026", None, "2026"),
        ("Vendor Programme", "12.50", "12.5", "12.50"),
        ("Vendor Programme", "0012", None, "0012"),
    ],
)
def test_custom_fields_by_caption(site: Site, caption: str, text: str, before: Any, sent: Any) -> None:
    site.world.add_custom_field("catalog", 44, "Discount", type="Number")
    number = {"vendor programme": 41, "contract reviewed": 43, "discount": 44}[caption.lower()]
    others = {"id": 42, "value": "stays"}
    declare(
        site,
        f"{{customFields: {{{caption}: {text}}}}}",
        customFields=[others] + ([] if before is None else [{"id": number, "value": before}]),
    )
    assert site.plan().short == ["edit MSP-A"]
    assert set(site.apply().results.values()) == {"applied"}
    assert site.bodies() == [
        [{"op": "replace", "path": "customFields", "value": [{"id": number, "value": sent}]}]
    ]
    assert others in site.item("MSP-A")["customFields"]
    assert site.plan().ids == []


@pytest.mark.parametrize(
    ("caption", "text", "value"),
    [
        ("Contract Reviewed", "false", None),
        ("Discount", "12.50", 12.5),
        ("Discount", "12.50", "12.5"),
        ("Vendor Programme", "Gold", "Gold "),
    ],
)
def test_custom_fields_that_are_the_same(site: Site, caption: str, text: str, value: Any) -> None:
    site.world.add_custom_field("catalog", 44, "Discount", type="Number")
    number = {"Vendor Programme": 41, "Contract Reviewed": 43, "Discount": 44}[caption]
    declare(site, f"{{customFields: {{{caption}: {text}}}}}", customFields=[{"id": number, "value": value}])
    assert site.plan().ids == []


def test_a_caption_that_does_not_exist(site: Site) -> None:
    declare(site, "{customFields: {Vendor Program: Gold}, price: 7}")
    plan = site.plan()
    assert plan.short == ["edit MSP-A (held)"]
    assert plan.diagnostic("custom-field-unknown")["remedy"].startswith("Did you mean Vendor Programme?")


@pytest.mark.parametrize(("caption", "text"), [("Contract Reviewed", "maybe"), ("Discount", "a lot")])
def test_a_value_that_does_not_fit_the_custom_field(site: Site, caption: str, text: str) -> None:
    site.world.add_custom_field("catalog", 44, "Discount", type="Number")
    declare(site, f"{{customFields: {{{caption}: {text}}}}}")
    plan = site.plan()
    assert (plan.code, plan.ids) == (4, [])
    assert "custom-field-type" in plan.codes


def test_a_create_with_custom_fields(site: Site) -> None:
    site.world.add_catalog_item("MSP-OTHER")
    site.say(f"{ROW}products: {{MSP-A: {{{COMPLETE}, customFields: {{Contract Reviewed: true}}}}}}")
    site.apply()
    assert site.item("MSP-A")["customFields"] == [{"id": 43, "value": True}]
    assert site.plan().ids == []

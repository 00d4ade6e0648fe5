"""References by name become ids, or questions."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import status

if TYPE_CHECKING:
    from tests.support import Planned, Site

ID = "edit_product:product/MSP-A"


def declare(site: Site, fields: str) -> Planned:
    """The plan of one product with these declared fields."""
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.say(
        f"""
        mappings: {{CODE-1: {{product: MSP-A, sync: true}}}}
        products: {{MSP-A: {{price: 7, {fields}}}}}
        """
    )
    return site.plan()


@pytest.mark.parametrize(
    ("field", "written", "reference"),
    [
        ("subcategory", "server", {"id": 2, "name": "Server"}),
        ("subcategory", "{id: 2}", {"id": 2, "name": "Server"}),
        ("type", "Software", {"id": 2, "name": "Software"}),
        ("unitOfMeasure", "Device", {"id": 3, "name": "Device"}),
        ("manufacturer", "Sophos", {"id": 1, "name": "Sophos"}),
        ("agreementType", "MSP", {"id": 2, "name": "MSP"}),
        ("recurringBillCycle", "Monthly", {"id": 1, "name": "Monthly"}),
        ("vendor", "acmevendor", {"id": 1, "name": "AcmeVendor"}),
        ("vendor", "{id: 1}", {"id": 1, "name": "AcmeVendor"}),
    ],
)
def test_by_name_and_by_id(site: Site, field: str, written: str, reference: dict[str, object]) -> None:
    site.world.add_company("AcmeVendor", "Acme Vendors Ltd")
    plan = declare(site, f"{field}: {written}")
    assert plan.fields(ID)[field][1] == reference
    assert set(site.apply().results.values()) == {"applied"}
    op = "replace" if field in ("subcategory", "type", "unitOfMeasure") else "add"
    assert {"op": op, "path": field, "value": {"id": reference["id"]}} in site.bodies()[0]
    assert site.plan().ids == []


@pytest.mark.parametrize(
    ("field", "written", "suggestion"),
    [
        ("subcategory", "Endpont", "Did you mean Endpoint?"),
        ("subcategory", "{id: 99}", ""),
        ("vendor", "NOBODY", ""),
        ("vendor", "{id: 99}", ""),
    ],
)
def test_an_unknown_one_holds_the_product_back(site: Site, field: str, written: str, suggestion: str) -> None:
    plan = declare(site, f"{field}: {written}")
    assert (plan.code, plan.short) == (4, ["edit MSP-A (held)"])
    said = plan.diagnostic("reference-unknown")
    assert said["remedy"].startswith(suggestion)
    assert said["source"]["line"] == 4
    site.apply()
    assert site.writes == []


def test_an_ambiguous_one_lists_the_choices(site: Site) -> None:
    plan = declare(site, "subcategory: Licensing")
    said = plan.diagnostic("reference-ambiguous")
    software, services = (row["id"] for row in site.world.rows("subcategories") if row["name"] == "Licensing")
    assert f"id {software} under Software, id {services} under Services" in said["message"]
    assert said["remedy"].endswith(f"subcategory: {{id: {software}}}.")
    assert plan.short == ["edit MSP-A (held)"]


def test_an_inactive_one_is_a_warning(site: Site) -> None:
    site.world.add_named("types", "Retired", inactiveFlag=True)
    plan = declare(site, "type: Retired")
    assert (plan.code, plan.short) == (0, ["edit MSP-A"])
    assert "reference-inactive" in plan.codes


def test_a_deleted_company_is_no_vendor(site: Site) -> None:
    site.world.add_company("GONE", deletedFlag=True)
    for written in ("GONE", "{id: 1}"):
        assert "reference-unknown" in declare(site, f"vendor: {written}").codes
        site.world.tables["catalog"].clear()


def test_a_table_that_may_not_be_read_holds_back_what_refers_to_it(site: Site) -> None:
    site.break_("GET", "/procurement/types", status(403))
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-2]")
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.say(
        """
        mappings: {CODE-1: {product: MSP-A, sync: true}, CODE-2: {product: MSP-B, sync: true}}
        products: {MSP-A: {type: Software}, MSP-B: {subcategory: Server}}
        """
    )
    plan = site.plan()
    assert (plan.code, plan.short) == (4, ["edit MSP-B"])
    assert {"table-unreadable", "connectwise-not-permitted"} <= set(plan.codes)
    assert "System > Table Setup" in plan.diagnostic("connectwise-not-permitted")["remedy"]

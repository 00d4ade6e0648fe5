"""The made-up MSP: the same for the same arguments, with what the demo and the starter mapping rely on."""

from __future__ import annotations

import json
import time
from datetime import date
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.parts import SOLD, running_month, window
from reconciler.sandbox.schema import RESOURCES
from reconciler.sandbox.seed import empty_world, small_msp
from tests.sandbox.api import Api

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.sandbox.world import World

TODAY = date(2026, 11, 22)


def everything(world: World) -> str:
    usage = {f"{year}-{month}": lines for (year, month), lines in world.usage.items()}
    return json.dumps([world.tables, world.tenants, usage, world.firewalls, world.licences])


def test_deterministic_for_its_arguments(msp: World) -> None:
    assert everything(small_msp(TODAY)) == everything(msp)
    assert everything(small_msp(TODAY, seed=2)) != everything(msp)


def test_size() -> None:
    assert len(small_msp(TODAY, catalog_size=120).tables["catalog"]) == 120
    started = time.perf_counter()
    assert len(small_msp(TODAY, catalog_size=100_000).tables["catalog"]) == 100_000
    assert time.perf_counter() - started < 10


@pytest.mark.parametrize(
    ("identifier", "price", "subcategory", "notes"),
    [
        (
            "MSP-ENDPOINT",
            4.2,
            "Endpoint",
            "Price agreed with sales in March.\n[sophos:main CDE-MSP, CIXA-MSP]",
        ),
        ("MSP-SERVER", 6.5, "Server", None),
        ("SOPHOS-MTR", 8.9, "MDR", "[sophos:main CIXAMTR-STD-MSP] do not change without asking billing"),
        ("MSP-GOLD", 12.9, "Bundles", "[sophos:main CIXAMTR-ADV-MSP]"),
        ("COST-EMAIL", 0.0, "Email", None),
        ("MSP-EMAIL-CRYPT", 1.1, "Email", "[sophos:main CEMA-PE-ADDON-MSP (sync off)]"),
        ("MSP-ENCRYPTION", 1.8, "Endpoint", None),
        ("MSP-MOBILE", 2.4, "Mobile", "[sophos:main CMA-MSP]"),
        ("MSP-LEGACY", 7.0, "Endpoint", "[sophos:main CW7-SUP-MSP]\nAsk Operations before selling."),
        ("MSP-FIREWALL", 39.0, "Firewall", None),
        ("LAB-NDR", 15.0, "Network", "[sophos:lab NDR-MSP]"),
    ],
)
def test_story_items(msp: World, identifier: str, price: float, subcategory: str, notes: str | None) -> None:
    row = msp.catalog_item(identifier)
    assert (row["price"], row["subcategory"]["name"], row.get("notes")) == (price, subcategory, notes)
    assert (row["productClass"], row["taxableFlag"], row["type"]["name"]) == (
        "Agreement",
        True,
        "Managed Service",
    )
    assert row["unitOfMeasure"]["name"] in ("User", "Device")


def test_other_items_of_the_story(msp: World) -> None:
    assert msp.catalog_item("COST-EMAIL")["billableOption"] == "DoNotBill"
    assert msp.catalog_item("MSP-STARTER-KIT")["productClass"] == "Bundle"
    assert msp.catalog_item("MSP-OLD-AV")["inactiveFlag"] is True
    assert msp.catalog_item("Sophos_Intercept_X_Advanced")["productClass"] == "Agreement"
    assert msp.catalog_item("Sophos_Central_Phish_Threat")["manufacturer"]["name"] == "Sophos"


def test_every_row_keeps_its_own_limits(msp: World) -> None:
    for name in ("catalog", "companies", "agreements", "additions"):
        fields = RESOURCES[name].fields
        for row in msp.rows(name):
            assert set(row) <= set(fields), row
            for key, value in row.items():
                maximum = fields[key].maximum
                assert maximum is None or value is None or len(value) <= maximum, (key, value)
    identifiers = [row["identifier"].lower() for row in msp.rows("catalog")]
    assert len(set(identifiers)) == len(identifiers)


def test_tenants(msp: World) -> None:
    kinds = [row["billingType"] for row in msp.tenants]
    assert (len(kinds), kinds.count("usage"), kinds.count("trial"), kinds.count("term")) == (36, 28, 3, 5)
    assert [row["name"] for row in msp.tenants if row["status"] == "suspended"] == ["Brackenwood Lettings"]
    assert [row["name"] for row in msp.tenants if "apiHost" not in row] == ["Eiderdown Interiors"]
    assert len({row["id"] for row in msp.tenants}) == 36


def test_agreements(msp: World) -> None:
    rows = list(msp.rows("agreements"))
    assert {row["type"]["name"] for row in rows} == {"Managed Security", "MSP", "Managed IT"}
    assert sum(row["currency"]["currencyCode"] == "GBP" for row in rows) == 2
    assert sum(row["billingCycle"]["name"] == "Quarterly" for row in rows) == 2
    assert sum("parentAgreement" in row for row in rows) == 2
    assert {row["agreementStatus"] for row in rows} == {"Active", "Expired", "Cancelled"}
    subcategories = [row["name"] for row in msp.rows("subcategories")]
    assert subcategories.count("Licensing") == 2


def test_usage_months_and_codes(msp: World) -> None:
    assert sorted(msp.usage) == [(2026, month) for month in (7, 8, 9, 10, 11)]
    for month, lines in msp.usage.items():
        assert {line["productCode"] for line in lines} == set(SOLD)
        first, last = window(month)
        assert {(line["billingStartDate"], line["billingEndDate"]) for line in lines} == {
            (str(first), str(last))
        }
        assert sum("accountId" not in line for line in lines) == 1
        assert sum(line["productCode"] == "NDR-MSP" for line in lines) == 2
        serials = [
            line["accountNumberOrSerialNumber"] for line in lines if line["productCode"] == "xg_email_std"
        ]
        assert len(set(serials)) == len(serials) == 7


def test_quantities_are_stable_with_small_changes(msp: World) -> None:
    def by_key(month: int) -> dict[tuple[str, str], int]:
        lines = msp.usage[(2026, month)]
        return {(line.get("accountId", ""), line["productCode"]): line["billableQuantity"] for line in lines}

    september, october = by_key(9), by_key(10)
    assert set(september) == set(october)
    changed = [abs(october[key] - september[key]) for key in october if october[key] != september[key]]
    assert 0 < len(changed) < len(october) / 2
    assert max(changed) <= 3


def test_windows_run_from_the_26th_to_the_25th() -> None:
    assert window((2026, 11)) == (date(2026, 10, 26), date(2026, 11, 25))
    assert window((2027, 1)) == (date(2026, 12, 26), date(2027, 1, 25))


def test_each_customer_has_one_active_agreement_of_its_type(msp: World) -> None:
    active = [row for row in msp.rows("agreements") if row["agreementStatus"] == "Active"]
    keys = [(row["company"]["id"], row["type"]["name"]) for row in active]
    assert len(set(keys)) == len(keys)


def test_a_company_shows_its_types_and_its_pricing_schedule(msp: World) -> None:
    """Names and shapes as in the OpenAPI document: references of a list have their links too."""
    found = (
        Api(msp)
        .get(
            "company/companies",
            conditions='identifier in ("FERNHILL","VINEGAR")',
            fields="identifier,types,pricingSchedule",
        )
        .json()
    )
    types = [[kind["name"] for kind in row["types"]] for row in found]
    assert ([row["identifier"] for row in found], types) == (["FERNHILL", "VINEGAR"], [["Customer"]] * 2)
    assert found[0]["types"][0]["_info"]["type_href"].endswith("/company/companies/types/1")
    assert "pricingSchedule" not in found[0]
    assert found[1]["pricingSchedule"] == {"id": 2, "name": "Yearly contracts"}


def test_the_recap_says_what_is_invoiced(msp: World) -> None:
    agreement = msp.agreements_of("FERNHILL")[0]["id"]
    [row] = Api(msp).get("finance/agreementrecap", conditions=f"id = {agreement}").json()
    lines = [line for line in msp.additions_of(agreement) if not line.get("cancelledDate")]
    expected = sum(line["quantity"] * line["unitPrice"] for line in lines)
    assert row["nextInvoiceAmount"] == pytest.approx(expected)
    assert float(row["lastInvoiceAmount"]) == pytest.approx(expected)
    assert (row["companyName"], row["unbilledPeriods"]) == ("Fernhill Surveyors", 0)


def test_the_unassigned_firewall(msp: World) -> None:
    [firewall] = [row for row in msp.firewalls if "billingTenant" not in row]
    [line] = [line for line in msp.usage[(2026, 10)] if "accountId" not in line]
    assert firewall["serialNumber"] == line["accountNumberOrSerialNumber"] == "SBX0000000099"


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 11, 25), (2026, 11)),
        (date(2026, 11, 26), (2026, 12)),
        (date(2026, 12, 26), (2027, 1)),
        (date(2028, 2, 29), (2028, 3)),
        (date(2027, 1, 31), (2027, 2)),
        (date(2027, 1, 1), (2027, 1)),
    ],
)
def test_any_day_makes_a_world(day: date, expected: tuple[int, int]) -> None:
    assert running_month(day) == expected
    world = small_msp(day, catalog_size=0)
    assert max(world.usage) == expected
    first, last = window(expected)
    assert first <= day <= last
    rows = Api(world).get("finance/agreements", pageSize=1000).json()
    assert all(row.get("nextInvoiceDate", "9999") > day.isoformat() for row in rows)


def test_builders_say_what_is_missing() -> None:
    world = empty_world(TODAY)
    look_ups: tuple[Callable[[], object], ...] = (
        lambda: world.catalog_item("NOPE"),
        lambda: world.tenant("NOPE"),
        lambda: world.add_agreement("NOPE"),
        lambda: world.add_catalog_item("X", subcategory="NOPE"),
    )
    for look_up in look_ups:
        with pytest.raises(KeyError, match="NOPE"):
            look_up()
    world.add_catalog_item("X", id=70)
    assert world.add_catalog_item("Y")["id"] == 71
    with pytest.raises(ValueError, match="70"):
        world.add_catalog_item("Z", id=70)


def test_rows_may_be_changed_in_place(world: World) -> None:
    api = Api(world)
    world.catalog_item("ALPHA")["notes"] = "changed by hand"
    world.addition(1)["quantity"] = 3.0
    assert api.get("procurement/catalog/1").json()["notes"] == "changed by hand"
    assert api.get("finance/agreements/1/additions/1").json()["extPrice"] == 12.6

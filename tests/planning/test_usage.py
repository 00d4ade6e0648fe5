"""Which month is shown, and what of the bill nothing carries."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support import Planned, Site

OCTOBER, NOVEMBER = (2026, 10), (2026, 11)


@pytest.fixture
def bill(site: Site) -> Site:
    """A customer with a mapped, an unmapped and an excluded product."""
    site.world.add_tenant("Alder Ltd")
    site.world.add_tenant("Birch Ltd")
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.say(
        """
        mappings:
          CODE-1: {product: MSP-A, sync: true}
          FREE: {exclude: In the contract}
        """
    )
    return site


def notes(plan: Planned) -> list[dict[str, Any]]:
    """The usage notes of a plan."""
    found: list[dict[str, Any]] = plan.json["usageNotes"]
    return found


def test_unmapped_and_excluded_usage_with_quantity_and_value(bill: Site) -> None:
    add = bill.world.add_usage_line
    add(OCTOBER, "Alder Ltd", "CODE-1", 9)
    add(OCTOBER, "Alder Ltd", "NEW", 2, unitPrice="1.25", productDescription="New thing - 1-9 USERS")
    add(OCTOBER, "Birch Ltd", "NEW", 1.5, unitPrice="1.25", actualQuantity=7)
    add(OCTOBER, "Birch Ltd", "NEW", 1, unitPrice="2.00", unitPriceCurrency="EUR")
    add(OCTOBER, "Alder Ltd", "FREE", 4, unitPrice="0.10")
    plan = bill.plan("--scope", "products")
    assert (plan.code, plan.ids) == (0, []), "usage is reported and never acted on"
    assert notes(plan) == [
        {
            "kind": "unmapped", "code": "NEW", "description": "New thing - 1-9 USERS", "quantity": "4.5",
            "customers": 2, "value": {"EUR": "2.00", "USD": "4.38"}, "serial": None,
            "detail": "Birch Ltd 2.5, Alder Ltd 2",
        },
        {
            "kind": "excluded", "code": "FREE", "quantity": "4", "customers": 1, "value": {"USD": "0.40"},
            "description": "FREE - 1-9 USERS - MSP Monthly", "serial": None, "detail": "In the contract",
        },
    ]  # fmt: skip


@pytest.mark.parametrize(("written", "said"), [("Code-1", 1), ("CODE-1", 0), ("COED-1", 1), ("CODE-2", 0)])
def test_a_code_that_is_spelled_alike_is_asked_about(bill: Site, written: str, said: int) -> None:
    bill.world.add_usage_line(OCTOBER, "Alder Ltd", "CODE-1", 9)
    bill.say(f"mappings:\n  {written}: {{product: MSP-A, sync: true}}\n")
    assert bill.plan().codes.count("code-misspelled") == said


@pytest.mark.parametrize(
    ("row", "word"),
    [("{product: MSP-A}", "does not say `sync`"), ("{product: MSP-A, sync: false}", "says sync: false")],
)
def test_a_row_without_sync_is_not_said_to_say_false(bill: Site, row: str, word: str) -> None:
    """Left out and refused are not the same: the first is more likely forgotten."""
    bill.world.add_usage_line(OCTOBER, "Alder Ltd", "CODE-1", 9)
    bill.say(f"mappings:\n  CODE-1: {row}\n")
    plan = bill.plan()
    (change,) = plan.changes
    assert change["action"] == "disable_sync"
    assert f"the row {word}" in change["reason"]
    assert [(n["kind"], n["code"], n["quantity"], n["detail"]) for n in notes(plan)] == [
        ("unsynced", "CODE-1", "9", f"its row {word}")
    ]
    assert plan.codes.count("sync-not-said") == ("not say" in word)
    assert "CODE-1  9 units at 1 customer" in bill.run("plan", str(bill.folder)).out
    bill.world.catalog_item("MSP-A")["notes"] = ""
    (change,) = bill.plan().changes
    assert ("the row does not say `sync`, which counts as false" in change["reason"]) is ("not say" in word)


def test_a_mapped_code_of_customers_without_a_row_is_listed_until_one_has_a_row(bill: Site) -> None:
    """Once it is mapped it is no unmapped usage any more, and nothing bills it all the same."""
    tenants = {name: bill.world.add_tenant(name)["id"] for name in ("Cedar Ltd", "Dogwood Ltd")}
    for name in ("Alder Ltd", "Cedar Ltd"):
        bill.world.add_usage_line(OCTOBER, name, "CODE-1", 9)
    row = "{company: X, agreement: Y, sync: %s}"
    mapped = "settings: {timeZone: UTC}\nmappings:\n  CODE-1: {product: MSP-A, sync: true}\ncustomers:\n  "
    bill.say(f"{mapped}{tenants['Dogwood Ltd']}: {row % 'true'}\n")
    found = [note for note in notes(bill.plan()) if note["kind"] == "unbilled"]
    assert [(n["code"], n["quantity"], n["customers"], n["detail"]) for n in found] == [
        ("CODE-1", "18", 2, "mapped to MSP-A")
    ]
    text = bill.run("plan", str(bill.folder)).out
    assert "only customers without a row use (no row follows them)" in text
    assert "CODE-1  18 units at 2 customers" in text
    bill.say(f"{mapped}{tenants['Cedar Ltd']}: {row % 'true'}\n")
    assert not [note for note in notes(bill.plan()) if note["kind"] == "unbilled"]


def test_each_unit_that_no_line_carries_stands_in_one_note(bill: Site) -> None:
    """One list adds up to the census: a customer's own note has every code of a customer that none counts."""
    world = bill.world
    names = ("Cedar Ltd", "Dogwood Ltd", "Elm Ltd")
    synced, unsynced, excluded = (world.add_tenant(name)["id"] for name in names)
    for name, units in (*zip(names, (1, 2, 4), strict=True), ("Alder Ltd", 8)):
        for code, times in (("NEW", 1), ("OFF", 10), ("FREE", 100)):
            world.add_usage_line(OCTOBER, name, code, units * times)
    bill.say(
        f"""
        settings: {{timeZone: UTC}}
        mappings:
          CODE-1: {{product: MSP-A, sync: true}}
          OFF: {{product: MSP-B, sync: false}}
          FREE: {{exclude: In the contract}}
        customers:
          {synced}: {{name: Cedar Ltd, company: X, agreement: Y, sync: true}}
          {unsynced}: {{name: Dogwood Ltd, company: X, agreement: Y, sync: false}}
          {excluded}: {{name: Elm Ltd, exclude: internal}}
        """
    )
    found = {(note["kind"], note["code"], note["quantity"]) for note in notes(bill.plan())}
    assert found == {
        ("unmapped", "NEW", "1"),
        ("unsynced", "OFF", "10"),
        ("excluded", "FREE", "100"),
        ("unsynced", "Dogwood Ltd", "222"),
        ("excluded", "Elm Ltd", "444"),
        ("customer", "Alder Ltd", "888"),
    }


def test_rows_of_customers_without_sync_are_named(bill: Site) -> None:
    tenant = bill.world.add_tenant("Cedar Ltd")["id"]
    bill.world.add_usage_line(OCTOBER, "Cedar Ltd", "CODE-1", 9)
    start = "mappings:\n  CODE-1: {product: MSP-A, sync: true}\nsettings: {timeZone: UTC}\n"
    row = "company: X, agreement: Y, name: Cedar Ltd"
    bill.say(f"{start}customers:\n  {tenant}: {{{row}}}\n")
    plan = bill.plan()
    said = plan.diagnostic("sync-not-said")
    assert said["message"].startswith(
        "1 row with usage on Sophos's bill does not say `sync`, which counts as"
    )
    assert said["message"].endswith("is billed: Cedar Ltd.")
    assert said["source"]["line"] == 6
    assert [(n["kind"], n["detail"]) for n in notes(plan)] == [
        ("unsynced", f"tenant {tenant}: its row does not say `sync`")
    ]
    for settled in (
        f"{start}defaults: {{customers: {{sync: false}}}}\ncustomers:\n  {tenant}: {{{row}}}\n",
        f"{start}customers:\n  {tenant}: {{{row}, sync: false}}\n",
    ):
        bill.say(settled)
        assert "sync-not-said" not in bill.plan().codes
        assert notes(bill.plan())[0]["detail"] == f"tenant {tenant}: its row says sync: false"


def test_an_exclusion_that_has_ended_excludes_nothing(bill: Site) -> None:
    bill.world.add_usage_line(OCTOBER, "Alder Ltd", "FREE", 4)
    for until, kind in (("2026-11-22", "excluded"), ("2026-11-21", "unmapped")):
        bill.say(
            f"""
            mappings:
              CODE-1: {{product: MSP-A, sync: true}}
              FREE: {{exclude: Pilot, until: {until}}}
            """
        )
        assert [note["kind"] for note in notes(bill.plan())] == [kind]


@pytest.mark.parametrize(
    ("firewall", "where"),
    [
        ({"billing_tenant": None}, "XGS 116, assigned to no customer in Sophos Central"),
        (
            {"billing_tenant": None, "tenant": "Alder Ltd"},
            "XGS 116, managed by Alder Ltd, its licence is assigned to no customer",
        ),
        ({"billing_tenant": "Birch Ltd"}, "XGS 116, billed to Birch Ltd"),
        (None, "not in the firewall licence list"),
    ],
)
def test_lines_without_a_customer_are_listed_by_serial_number(
    bill: Site, firewall: dict[str, Any] | None, where: str
) -> None:
    if firewall is not None:
        bill.world.add_firewall("SERIAL-1", **firewall)
    for serial in ("SERIAL-1", "SERIAL-2"):
        bill.world.add_usage_line(OCTOBER, None, "CODE-1", 1, accountNumberOrSerialNumber=serial)
    found = [(n["kind"], n["serial"], n["code"], n["quantity"], n["detail"]) for n in notes(bill.plan())]
    assert found == [
        ("unassigned", "SERIAL-1", "CODE-1", "1", where),
        ("unassigned", "SERIAL-2", "CODE-1", "1", "not in the firewall licence list"),
    ]


def test_a_running_month_is_never_chosen(bill: Site) -> None:
    for month in (OCTOBER, NOVEMBER):
        bill.world.add_usage_line(month, "Alder Ltd", "NEW", month[1])
    for day, shown in ((22, "2026-10"), (25, "2026-10"), (26, "2026-11")):
        bill.today = date(2026, 11, day)
        period = bill.plan().json["period"]
        assert (period["month"], period["closed"]) == (shown, True)


def test_a_running_month_can_be_asked_for_and_is_called_a_forecast(bill: Site) -> None:
    bill.world.add_usage_line(NOVEMBER, "Alder Ltd", "NEW", 3)
    plan = bill.plan("--period", "2026-11")
    assert (plan.json["period"]["closed"], notes(plan)[0]["quantity"]) == (False, "3")
    assert "still running: a forecast" in bill.run("plan", str(bill.folder), "--period", "2026-11").out


def test_a_month_is_closed_only_when_all_its_windows_are(bill: Site) -> None:
    bill.world.add_usage_line(OCTOBER, "Alder Ltd", "NEW", 3)
    bill.world.add_usage_line(OCTOBER, "Alder Ltd", "NEW", 3, billingEndDate="2026-11-22")
    assert bill.plan().json["period"] is None
    assert "usage-no-closed-month" in bill.plan().codes


def test_an_impossible_date_counts_as_the_calendar_months(bill: Site) -> None:
    bill.world.add_usage_line(
        OCTOBER, "Alder Ltd", "NEW", 3, billingStartDate="2026-10-01", billingEndDate="2026-10-32"
    )
    period = bill.plan().json["period"]
    assert (period["firstDay"], period["lastDay"]) == ("2026-10-01", "2026-10-31")


def test_no_data_is_not_zero(bill: Site) -> None:
    plan = bill.plan("--period", "2026-08")
    assert (plan.code, plan.json["period"], notes(plan)) == (0, None, [])
    assert "not the same as no usage" in plan.diagnostic("usage-no-data")["message"]


@pytest.mark.parametrize("period", ["2026-13", "26-10", "October"])
def test_a_month_that_is_none(bill: Site, period: str) -> None:
    said = bill.run("plan", str(bill.folder), "--period", period)
    assert (said.code, said.out) == (64, "")
    assert "YYYY-MM" in said.err
    assert bill.requests == []


def test_the_month_does_not_change_what_is_planned_for_products(bill: Site) -> None:
    bill.world.add_catalog_item("MSP-B", notes="[sophos:main GONE]")
    bill.world.add_usage_line(OCTOBER, "Alder Ltd", "GONE", 3)
    assert (
        bill.plan().ids == bill.plan("--period", "2026-08").ids == ["unmap_product:product/MSP-B/code/GONE"]
    )

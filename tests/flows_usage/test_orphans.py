"""`plan --orphans`: open lines of our products on all agreements that no customer row bills."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import AGREEMENTS, BUNDLES

if TYPE_CHECKING:
    from tests.flows_usage.books import Books
    from tests.support import Planned


@pytest.fixture
def site(books: Books) -> Books:
    """Alder is billed by its row; Birch has lines and no row."""
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(20, 20, 20), sv=(3, 3, 3))
    del books.rows["Birch"]
    books.world.add_catalog_item("BACKUP", price=9.0)
    books.line(2, "BACKUP", 5)
    return books.live()


def _orphans(plan: Planned) -> list[str]:
    return [d["message"] for d in plan.json["diagnostics"] if d["code"] == "orphan-line"]


def test_lines_without_a_row_are_named_with_their_money(site: Books) -> None:
    plan = site.plan("--orphans")
    said = _orphans(plan)
    assert len(said) == 2
    assert said[0].startswith('Birch (BIRCH): line #2 of MSP-EP (20, 80.00 EUR a month) on #2 "Managed"')
    assert "no customer row speaks of it. Last written by apirec on " in said[0]
    assert plan.diagnostic("orphan-lines")["message"] == (
        "2 agreements in force were looked at. No customer row bills 2 open lines (99.50 EUR a month) of our "
        "products."
    )


def test_nothing_more_is_written_than_without(site: Books) -> None:
    without, plan = site.plan(), site.plan("--orphans")
    assert plan.json["hash"] == without.json["hash"]
    assert plan.json["changes"] == without.json["changes"]
    assert plan.json["lines"] == without.json["lines"]
    assert (plan.code, "orphan-lines" in without.codes) == (without.code, False)
    assert (
        "orphan-line"
        in site.run("plan", str(site.folder), "--orphans").out
        + site.run("plan", str(site.folder), "--orphans").err
    )


def test_a_former_code_makes_it_ours_and_a_line_at_zero_or_ended_is_none(site: Books) -> None:
    del site.mapped["SV-MSP"]
    site.live()
    site.apply()
    site.world.addition(2)["quantity"] = 0
    (said,) = _orphans(site.plan("--orphans"))
    assert "#3 of MSP-SV" in said
    site.world.addition(3)["cancelledDate"] = "2026-11-30T00:00:00Z"
    plan = site.plan("--orphans")
    assert _orphans(plan) == []
    assert "Every open line of our products is billed" in plan.diagnostic("orphan-lines")["message"]


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("exclude: A friend of the house", "Birch is excluded: A friend of the house"),
        ("sync: false", "Birch has usage sync off"),
        ("agreement: Nowhere, sync: true", "no agreement could be chosen for Birch"),
    ],
)
def test_a_row_that_does_not_bill_them_is_named(site: Books, row: str, why: str) -> None:
    tenant = site.world.tenant("Birch")["id"]
    agreement = "" if "agreement" in row else "agreement: Managed, "
    site.rows["Birch"] = f"{tenant}: {{company: BIRCH, {agreement}{row}}}"
    site.live()
    said = _orphans(site.plan("--orphans"))
    assert len(said) == 2
    assert why in said[0]


def test_sums_are_per_currency(site: Books) -> None:
    site.world.agreement(2)["currency"] = {"id": 2, "currencyCode": "GBP"}
    site.customer("Cedar", ep=(5, 5, 5))
    del site.rows["Cedar"]
    text = site.live().plan("--orphans").diagnostic("orphan-lines")["message"]
    assert "(20.00 EUR and 99.50 GBP a month)" in text


def test_a_line_that_ends_in_the_plan_is_no_orphan(site: Books) -> None:
    other = site.world.add_agreement("ALDER", "Old")["id"]
    old = site.line(other, "MSP-EP", 12)
    site.world.addition(1)["quantity"] = 0
    site.rows["Alder"] = site.rows["Alder"].replace("sync: true", "sync: true, movedFrom: {agreement: Old}")
    plan = site.live().plan("--orphans")
    assert old in [one["line"] for line in plan.json["lines"] for one in line["takesOver"]]
    assert not [one for one in _orphans(plan) if "Alder" in one]


def test_without_any_customer_row(books: Books) -> None:
    books.customer("Birch", ep=(20, 20, 20))
    books.rows.clear()
    assert len(_orphans(books.live().plan("--orphans"))) == 1


def test_what_it_costs(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 10))
    for number in range(120):
        books.customer(f"Birch {number}", ep=(1, 1, 1))
        del books.rows[f"Birch {number}"]
    books.live().plan()
    books.forget()
    books.plan()
    before = books.asked("connectwise")
    books.forget()
    plan = books.plan("--orphans")
    asked = books.asked("connectwise")
    assert len(_orphans(plan)) == 120
    # the list of agreements and its empty end, the billing cycles, and a bundle for fifty agreements
    assert len(asked) - len(before) == 2 + 1 + 3
    assert (
        sum(one.endswith(AGREEMENTS) for one in asked) - sum(one.endswith(AGREEMENTS) for one in before) == 2
    )
    assert sum(BUNDLES in one for one in asked) - sum(BUNDLES in one for one in before) == 3


def test_lines_are_not_planned_with_the_scope_of_products(site: Books) -> None:
    said = site.run("plan", str(site.folder), "--orphans", "--scope", "products")
    assert (said.code, "--orphans" in said.err) == (64, True)

"""What each scope writes and reads, and how many requests a plan costs."""

from __future__ import annotations

from pathlib import Path
from time import perf_counter

import pytest

from tests.flows_usage.books import AGREEMENTS, BUNDLES, USAGE, Books, results, update, updates

MAPPING = "map_product:product/MSP-EM/code/EM-MSP"


@pytest.fixture
def pending(busy: Books) -> Books:
    """A product change beside the lines, and a line that waits for it."""
    busy.product("em", tagged=False)
    busy.customer("Dogwood", em=(7, 7, 8))
    return busy.live()


def test_everything_by_default(pending: Books) -> None:
    assert sorted(pending.plan().ids) == sorted(
        [MAPPING, update(1, "MSP-EP"), update(2, "MSP-EP"), update(3, "MSP-SV"), update(4, "MSP-EM")]
    )


def test_usage_scope_writes_no_product_and_says_which_lines_wait(pending: Books) -> None:
    plan = pending.plan("--scope", "usage")
    assert updates(plan) == plan.ids == [update(2, "MSP-EP"), update(1, "MSP-EP"), update(3, "MSP-SV")]
    (waiting,) = [line for line in plan.json["lines"] if line["product"] == "MSP-EM"]
    assert "product change pending: what is mapped to MSP-EM is not applied yet" in waiting["reason"]
    assert plan.code == 4
    pending.forget()
    applied = pending.apply(None, "--scope", "usage")
    assert (applied.code, set(results(applied).values())) == (4, {"applied"})
    assert all("/additions/" in path for path, _ in pending.patches)
    assert pending.notes("MSP-EM") == ""
    assert pending.quantity(5) == 7


def test_products_scope_writes_no_line_and_reads_no_agreement(pending: Books) -> None:
    pending.forget()
    plan = pending.plan("--scope", "products")
    assert (plan.code, plan.ids, plan.json["lines"]) == (0, [MAPPING], [])
    assert not [one for one in pending.asked("connectwise") if "/finance/" in one or BUNDLES in one]
    pending.forget()
    applied = pending.apply(None, "--scope", "products")
    assert (applied.code, results(applied)) == (0, {MAPPING: "applied"})
    assert not [one for one in pending.asked("connectwise") if "/finance/" in one or BUNDLES in one]
    assert len(pending.patches) == 1


def test_one_scope_after_the_other_is_the_whole(pending: Books) -> None:
    pending.apply(None, "--scope", "products")
    assert pending.apply(None, "--scope", "usage").code == 0
    assert pending.plan().ids == []


def test_usage_scope_in_shadow_writes_nothing(pending: Books) -> None:
    pending.shadow().forget()
    pending.apply(None, "--scope", "usage")
    assert pending.patches == []


def test_a_rename_that_is_not_applied_yet_holds_its_lines_in_usage_scope(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.mapped["EP-MSP"] = "{product: MSP-ENDPOINT, sync: true}"
    books.live("products: {MSP-ENDPOINT: {renamedFrom: MSP-EP}}\n")
    assert books.plan("--scope", "usage").ids == []
    assert books.apply(None, "--scope", "usage").code == 4
    assert books.patches == []
    assert books.apply().code == 0
    assert (books.item("MSP-ENDPOINT")["id"], books.quantity(1)) == (1, 12)
    assert books.plan().ids == []


def test_an_unknown_scope_is_a_usage_error(pending: Books) -> None:
    assert pending.run("plan", str(pending.folder), "--scope", "lines").code == 64


# --- requests


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """300 customers on 300 agreements with 1,500 lines; two of them change nothing we manage."""
    site = Books(Path(tmp_path_factory.mktemp("large")))
    site.product("em")
    for name in ("BACKUP", "SUPPORT"):
        site.world.add_catalog_item(name, price=10.0)
    for number in range(300):
        agreement = site.customer(f"Alder {number:03}", ep=(10, 10, 10), sv=(3, 3, 3), em=(7, 7, 7))
        site.line(agreement, "BACKUP", 1, by="jane")
        site.line(agreement, "SUPPORT", 2, by="jane")
    return site.live()


def test_a_plan_that_changes_nothing_costs_one_request_for_fifty_agreements(large: Books) -> None:
    large.forget()
    began = perf_counter()
    plan = large.plan()
    assert (plan.code, plan.ids, len(plan.json["lines"])) == (0, [], 900)
    asked = large.asked("connectwise")
    assert sum(BUNDLES in one for one in asked) == 300 // 50
    assert not [one for one in asked if one.endswith("/additions")]
    assert sum(one.endswith("/company/companies") for one in asked) <= 3
    assert len(asked) <= 300 // 50 + 12, asked
    assert len(large.asked("sophos")) <= 10
    assert perf_counter() - began < 20


def test_more_customers_cost_bundles_and_pages_only(large: Books, tmp_path: Path) -> None:
    small = Books(tmp_path)
    small.product("em")
    for number in range(100):
        small.customer(f"Alder {number:03}", ep=(10, 10, 10), sv=(3, 3, 3), em=(7, 7, 7))
    small.live().plan()
    large.forget()
    large.plan()
    more = len(large.asked("connectwise")) - len(small.asked("connectwise"))
    assert more <= (300 - 100) // 50 + 4


def test_a_site_without_customers_reads_no_agreement(books: Books) -> None:
    plan = books.live().plan()
    assert (plan.code, plan.json["lines"]) == (0, [])
    assert not [one for one in books.asked("connectwise") if AGREEMENTS in one or BUNDLES in one]
    assert not [one for one in books.asked("connectwise") if "agreementrecap" in one]
    assert sum(USAGE in one for one in books.asked("sophos")) == 2


def test_each_line_costs_a_look_and_a_write(busy: Books) -> None:
    busy.plan()
    busy.forget()
    busy.plan()
    planning = len(busy.asked("connectwise"))
    busy.forget()
    busy.apply()
    assert len(busy.asked("connectwise")) - planning <= 2 * 3 + 2

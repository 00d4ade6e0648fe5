"""A live site: exactly what the plan shows is written, once, in a safe order, and nothing beside it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import httpx

from tests.flows_usage.books import AGREEMENTS, Books, message, results, rows, update, updates
from tests.support import CATALOG, first, status

if TYPE_CHECKING:
    from tests.support import Planned, Send


def line_of(planned: Planned, key: str) -> dict[str, object]:
    (found,) = [line for line in planned.json["lines"] if line["key"] == key]
    return dict(found)


def _numbers(fields: dict[str, tuple[str, str]]) -> dict[str, tuple[float, ...]]:
    return {name: tuple(map(float, values)) for name, values in fields.items()}


def test_the_plan_shows_every_line_with_its_money(busy: Books) -> None:
    plan = busy.plan()
    assert plan.code == 0
    assert rows(plan) == [
        "Alder MSP-EP more 10→12 8.00 EUR",
        "Alder MSP-SV unchanged 3→3 0.00 EUR",
        "Birch MSP-EP less 20→18 -8.00 EUR",
        "Cedar MSP-SV more 4→5 6.50 EUR",
    ]
    (raised,) = [c for c in plan.changes if c["id"] == update(1, "MSP-EP")]
    assert raised["money"] == {"currency": "EUR", "before": "40.00", "after": "48.00", "delta": "8.00"}
    assert plan.fields(update(1, "MSP-EP")) == {"quantity": ("10", "12")}
    assert busy.plan("--detailed-exitcode").code == 2


def test_people_read_the_sum_and_each_line(busy: Books) -> None:
    said = busy.run("plan", str(busy.folder))
    assert said.out.startswith(
        "Sophos November 2026 (26 Oct–25 Nov, closed; read 27 Nov 10:00 UTC) → invoices from 1 Dec 2026\n"
    )
    assert "+6.50 EUR a month, before tax: 3 customers, first on invoices of 1 Dec 2026" in said.out
    assert "40.00 → 48.00 EUR  +8.00 EUR  12 = EP-MSP 12" in said.out
    assert "Plan: 3 lines to update." in said.out


def test_one_patch_for_each_changed_line_with_the_changed_fields_only(busy: Books) -> None:
    applied = busy.apply()
    assert (applied.code, set(results(applied).values())) == (0, {"applied"})
    assert sorted(busy.patches) == [
        ("/finance/agreements/1/additions/1", {"quantity": 12}),
        ("/finance/agreements/2/additions/3", {"quantity": 18}),
        ("/finance/agreements/3/additions/4", {"quantity": 5}),
    ]


def test_nothing_else_in_the_world_is_touched(busy: Books) -> None:
    busy.world.add_catalog_item("OTHER", price=9.0)
    stranger = busy.line(1, "OTHER", 7.0)
    before = deepcopy(busy.world.tables)

    busy.apply()

    for table, known in before.items():
        for number, row in known.items():
            now = busy.world.tables[table][number]
            if table == "additions" and number in (1, 3, 4):
                assert {**now, "quantity": row["quantity"], "_info": row["_info"]} == row
            else:
                assert now == row, f"{table} {number} was touched"
    assert {name: len(found) for name, found in busy.world.tables.items()} == {
        name: len(found) for name, found in before.items()
    }
    assert busy.quantity(stranger) == 7.0


def test_included_units_follow_the_quantity_and_go_with_it(books: Books) -> None:
    books.customer("Alder", ep=(4, 4, 12), more=", lines: {MSP-EP: {included: 10}}")
    books.customer("Birch", ep=(20, 20, 20), more=", lines: {MSP-EP: {included: 10}}")
    books.world.addition(1)["lessIncluded"] = 4.0
    books.live(settings=", guards: {lineChange: off}")
    plan = books.plan()
    assert _numbers(plan.fields(update(1, "MSP-EP"))) == {"quantity": (4, 12), "lessIncluded": (4, 10)}
    assert _numbers(plan.fields(update(2, "MSP-EP"))) == {"lessIncluded": (0, 10)}
    books.apply()
    assert sorted(books.patches) == [
        ("/finance/agreements/1/additions/1", {"quantity": 12, "lessIncluded": 10}),
        ("/finance/agreements/2/additions/2", {"lessIncluded": 10}),
    ]
    assert books.plan().ids == []


def test_the_second_plan_is_empty_and_a_second_apply_writes_nothing(busy: Books) -> None:
    busy.apply()
    assert (busy.plan().ids, busy.plan("--detailed-exitcode").code) == ([], 0)
    busy.forget()
    again = busy.apply()
    assert (again.code, again.json["outcomes"], busy.patches) == (0, [], [])


def test_an_unchanged_site_says_that_there_is_nothing_to_do(busy: Books) -> None:
    busy.apply()
    assert "Nothing to do" in busy.run("plan", str(busy.folder)).out


# --- order


def test_what_bills_less_comes_first_and_what_bills_more_last(busy: Books) -> None:
    busy.world.add_catalog_item("MSP-EM", notes="[sophos:main GONE]")
    busy.live().say((busy.folder / "mappings.yaml").read_text().replace("version: 1\n", ""))
    assert busy.plan().ids == [
        update(2, "MSP-EP"),
        "unmap_product:product/MSP-EM/code/GONE",
        update(1, "MSP-EP"),
        update(3, "MSP-SV"),
    ]
    busy.apply()
    assert [path for path, _ in busy.patches] == [
        "/finance/agreements/2/additions/3",
        f"{CATALOG}/3",
        "/finance/agreements/1/additions/1",
        "/finance/agreements/3/additions/4",
    ]


def _waiting(books: Books) -> Books:
    """A product whose mapping comes with the same plan; its lines bill less."""
    books.product("em", tagged=False)
    books.customer("Alder", ep=(10, 10, 9), em=(10, 10, 8))
    books.customer("Birch", em=(7, 7, 6))
    return books.live()


def test_a_line_waits_for_the_mapping_of_its_product(books: Books) -> None:
    _waiting(books)
    mapping = "map_product:product/MSP-EM/code/EM-MSP"
    ids = books.plan().ids
    assert ids[0] == update(1, "MSP-EP"), "it waits for nothing"
    assert ids.index(mapping) < ids.index(update(1, "MSP-EM"))
    books.apply()
    assert [path for path, _ in books.patches].index(f"{CATALOG}/3") == 1
    assert (books.quantity(2), books.quantity(3), books.plan().ids) == (8, 6, [])


def test_a_product_change_that_fails_leaves_its_lines_alone(books: Books) -> None:
    _waiting(books).break_("PATCH", f"{CATALOG}/3", status(400))
    applied = books.apply()
    assert applied.code == 4
    assert results(applied) == {
        update(1, "MSP-EP"): "applied",
        "map_product:product/MSP-EM/code/EM-MSP": "failed",
        update(1, "MSP-EM"): "not attempted",
        update(2, "MSP-EM"): "not attempted",
    }
    assert "because product/MSP-EM was not written" in message(applied, update(2, "MSP-EM"))
    assert (books.quantity(2), books.quantity(3)) == (10, 7)


def test_a_product_change_that_is_held_back_holds_its_lines(books: Books) -> None:
    _waiting(books)
    books.world.catalog_item("MSP-EM")["productClass"] = "Bundle"
    plan = books.plan()
    assert plan.code == 4
    assert updates(plan) == [update(1, "MSP-EP")]
    reason = line_of(plan, "agreement/2/product/MSP-EM")
    assert (reason["state"], "product change pending" in str(reason["reason"])) == ("needs a decision", True)
    assert books.apply().code == 4
    assert books.patches == [(f"{AGREEMENTS}/1/additions/1", {"quantity": 9})]


# --- the answer


def test_a_server_that_keeps_another_quantity_is_said(busy: Books) -> None:
    async def capped(request: httpx.Request, send: Send) -> httpx.Response:
        answer = await send(request)
        await answer.aread()
        busy.world.addition(1)["quantity"] = 11.0
        return httpx.Response(200, json={**answer.json(), "quantity": 11.0}, request=request)

    busy.break_("PATCH", "/additions/1", capped)
    applied = busy.apply()
    assert applied.code == 4
    assert results(applied)[update(1, "MSP-EP")] == "server kept"
    assert "quantity is 11 instead of 12" in message(applied, update(1, "MSP-EP"))
    assert results(applied)[update(3, "MSP-SV")] == "applied", "the others go on"


def test_two_decimals_that_the_server_rounds_are_no_change_every_night(books: Books) -> None:
    site = Books(books.root, quirks={"quantity-decimals": "rounded2"})
    site.customer("Alder", ep=(10, 10, 10.25))
    site.live()
    site.apply()
    assert site.plan().ids == []


def test_somebody_changes_the_line_between_plan_and_write(busy: Books) -> None:
    busy.break_("GET", "/additions/1", first(lambda: busy.world.addition(1).update(quantity=30.0)))
    applied = busy.apply()
    assert (applied.code, results(applied)[update(1, "MSP-EP")]) == (4, "failed")
    assert "quantity of line #1 is 30, the plan expected 10" in message(applied, update(1, "MSP-EP"))
    assert busy.quantity(1) == 30

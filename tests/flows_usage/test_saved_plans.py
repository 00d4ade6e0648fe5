"""`apply FILE` with lines: exactly what was reviewed, or nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows_usage.books import BUNDLES, MANY, Books, results, update, updates
from tests.support import URL, status

if TYPE_CHECKING:
    from collections.abc import Callable


def stale(applied: Any) -> str:
    """What moved, in one text."""
    return " | ".join(f"{one['id']}: {one['what']}" for one in applied.json["stale"])


def test_a_saved_plan_writes_its_lines_and_a_second_time_finds_them_done(busy: Books) -> None:
    file = busy.save()
    assert (busy.apply(file).code, len(busy.patches)) == (0, 3)
    busy.forget()
    again = busy.apply(file)
    assert (again.code, set(results(again).values()), busy.patches) == (0, {"already ok"}, [])


def test_what_was_half_done_is_finished(busy: Books) -> None:
    file = busy.save()
    busy.world.addition(1)["quantity"] = 12.0
    applied = busy.apply(file)
    assert (applied.code, results(applied)[update(1, "MSP-EP")]) == (0, "already ok")
    assert len(busy.patches) == 2
    assert busy.plan().ids == []


@pytest.mark.parametrize(
    ("meanwhile", "what"),
    [
        (
            lambda s: s.world.addition(1).update(quantity=11.0),
            "update_line:agreement/1/product/MSP-EP: quantity of line #1 is 11, the plan expected 10",
        ),
        (
            lambda s: s.world.addition(1).update(product={"id": 2, "identifier": "MSP-SV"}),
            "line #1 is of product MSP-SV now",
        ),
        (lambda s: s.world.tables["additions"].pop(4), "line #4 is no longer on agreement 3"),
    ],
)
def test_a_line_that_moved_stops_all_of_it(busy: Books, meanwhile: Callable[[Books], Any], what: str) -> None:
    file = busy.save()
    meanwhile(busy)
    busy.forget()
    applied = busy.apply(file)
    assert applied.code == 5
    assert what in stale(applied)
    assert (busy.patches, applied.json["outcomes"]) == ([], [])
    told = busy.apply_text(file)
    assert (told.code, "Nothing was written" in told.out) == (5, True)


def test_an_agreement_that_is_gone_stops_all_of_it(busy: Books) -> None:
    file = busy.save()
    for number in (1, 2):
        busy.world.tables["additions"].pop(number)
    busy.world.tables["agreements"].pop(1)
    busy.forget()
    applied = busy.apply(file)
    assert (applied.code, busy.patches) == (5, [])
    assert "agreement #1 is no longer there" in stale(applied)


def test_what_people_change_elsewhere_on_the_line_is_no_staleness(busy: Books) -> None:
    file = busy.save()
    busy.world.addition(1).update(invoiceDescription="Seats", unitCost=1.0)
    assert busy.apply(file).code == 0
    assert busy.world.addition(1)["unitCost"] == 1.0


def test_a_line_that_was_unchanged_in_the_plan_may_move(busy: Books) -> None:
    file = busy.save()
    busy.world.addition(2)["quantity"] = 9.0
    assert busy.apply(file).code == 0
    assert busy.quantity(2) == 9


def test_the_check_reads_lines_in_bundles(books: Books) -> None:
    for number in range(60):
        books.customer(f"Alder {number}", ep=(10, 10, 11))
    file = books.live(settings=MANY).save()
    books.world.addition(60)["quantity"] = 3.0
    books.forget()
    assert books.apply(file).code == 5
    assert sum(BUNDLES in one for one in books.asked("connectwise")) == 2
    assert len(books.asked("connectwise")) <= 8, (
        "and where the API is, agreements, cycles, company, recaps, product"
    )


def test_another_instance_is_refused(busy: Books) -> None:
    file = busy.save()
    busy.environ["CONNECTWISE_URL"] = URL.replace("127.0.0.1", "localhost")
    busy.forget()
    said = busy.apply_text(file)
    assert (said.code, busy.patches) == (1, [])
    assert "another-instance" in said.err


@pytest.mark.parametrize(
    "damage",
    [
        lambda plan: plan["changes"][0]["fields"][0].update(after="99"),
        lambda plan: plan["changes"][0]["target"].update(id=2),
        lambda plan: plan["changes"][0]["target"].update(agreement=1),
        lambda plan: plan["changes"][0]["money"].update(after="1.00"),
        lambda plan: plan["period"].update(closed=False),
        lambda plan: plan["period"].update(month="2026-12"),
        lambda plan: plan["changes"][0].update(blockedBy=["somebody"]),
    ],
)  # fmt: skip
def test_a_file_that_was_changed_is_refused(busy: Books, damage: Callable[[Any], Any]) -> None:
    file = busy.save()
    plan = json.loads(file.read_text(encoding="utf-8"))
    damage(plan)
    file.write_text(json.dumps(plan), encoding="utf-8")
    busy.forget()
    said = busy.apply_text(file)
    assert (said.code, busy.requests) == (1, [])
    assert "plan-damaged" in said.err


def test_lines_that_cannot_be_checked_stop_all_of_it(busy: Books) -> None:
    file = busy.save()
    busy.break_("POST", BUNDLES, status(500))
    busy.break_("GET", "/additions", status(500))
    busy.forget()
    said = busy.apply_text(file)
    assert (said.code, busy.patches) == (1, [])
    assert "unreachable" in said.err


def test_a_saved_plan_takes_no_scope(busy: Books) -> None:
    file = busy.save()
    busy.forget()
    said = busy.run("apply", str(file), "--yes", "--scope", "usage")
    assert (said.code, busy.requests) == (64, [])
    assert "plan --scope usage --out FILE" in said.err


def test_of_a_saved_plan_for_one_product_only_its_lines_are_shown_and_written(busy: Books) -> None:
    file = busy.save("--product", "MSP-SV")
    plan = busy.plan("--product", "MSP-SV")
    assert updates(plan) == [update(3, "MSP-SV")]
    assert {line["product"] for line in plan.json["lines"]} == {"MSP-SV"}
    shown = busy.run("show", str(file)).out
    assert "+6.50 EUR a month" in shown
    assert "Birch" not in shown
    busy.apply(file)
    assert busy.patches == [("/finance/agreements/3/additions/4", {"quantity": 5})]


def test_a_product_that_only_an_override_names_can_be_asked_for(books: Books) -> None:
    books.world.add_catalog_item("MSP-EDU", price=1.0)
    agreement = books.customer("Alder", ep=(None, 10, 12), more=", overrides: {EP-MSP: {product: MSP-EDU}}")
    books.line(agreement, "MSP-EDU", 10)
    assert updates(books.live().plan("--product", "MSP-EDU")) == [update(1, "MSP-EDU")]
    assert books.run("plan", str(books.folder), "--product", "MSP-EDX").code == 1


# --- plan --since


def test_a_commit_s_plan_writes_its_own_lines_and_leaves_the_month_s_alone(busy: Books) -> None:
    """Three lines wait for the month's own run; this commit lets Birch keep two units more."""
    base = busy.root / "base"
    busy.folder.rename(base)
    busy.folder.mkdir()
    rows = busy.rows["Birch"]
    busy.rows["Birch"] = rows.replace("sync: true", "sync: true, lines: {MSP-EP: {minimum: 19}}")
    busy.live()
    since = ("--since", str(base))
    said = busy.run("plan", str(busy.folder), *since)
    assert "This plan changes invoices by -4.00 EUR a month" in said.out
    assert "Waiting anyway, not part of this change: 2 lines, +14.50 EUR a month" in said.out
    assert "Plan: 1 line to update. 2 changes waiting anyway" in said.out
    shown = busy.run("plan", str(busy.folder), *since, "--format", "csv").out.splitlines()
    assert [row.split(",")[7] for row in shown[1:]] == ["no", "no", "yes", "no"]
    file = busy.save(*since)
    busy.forget()
    applied = busy.apply(file)
    assert (applied.code, results(applied)) == (0, {update(2, "MSP-EP"): "applied"})
    assert applied.json["leftAlone"] == [update(1, "MSP-EP"), update(3, "MSP-SV")]
    assert busy.patches == [("/finance/agreements/2/additions/3", {"quantity": 19})]
    assert updates(busy.plan()) == [update(1, "MSP-EP"), update(3, "MSP-SV")]


def test_a_line_of_this_change_brings_the_mapping_that_it_waits_for(books: Books) -> None:
    books.product("em", tagged=False)
    books.customer("Alder", em=(10, 10, 12))
    books.customer("Birch", em=(20, 20, 22), ep=(5, 5, 6))
    base = books.live().root / "base"
    books.folder.rename(base)
    books.folder.mkdir()
    books.rows["Alder"] = books.rows["Alder"].replace(
        "sync: true", "sync: true, lines: {MSP-EM: {minimum: 13}}"
    )
    plan = books.live().plan("--since", str(base))
    causes = {change["id"]: change["cause"] for change in plan.changes}
    assert causes == {
        "map_product:product/MSP-EM/code/EM-MSP": "this change",
        update(1, "MSP-EM"): "this change",
        update(2, "MSP-EM"): "waiting",
        update(2, "MSP-EP"): "waiting",
    }
    assert books.apply(books.save("--since", str(base))).code == 0
    assert [books.quantity(number) for number in (1, 2, 3)] == [13, 20, 5]
    assert books.notes("MSP-EM") == "[sophos:main EM-MSP]"

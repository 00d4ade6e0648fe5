"""Too much at once: run guards stop everything, row guards withhold a line and print the row that answers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import NOVEMBER, Books, results, rows, update, updates
from tests.support import status

if TYPE_CHECKING:
    from tests.support import Planned


def state(planned: Planned, key: str) -> str:
    (found,) = [line["state"] for line in planned.json["lines"] if line["key"] == key]
    return str(found)


# --- run guards


def _twenty(books: Books) -> Books:
    for number in range(20):
        books.customer(f"Alder {number:02}", ep=(10, 10, 11))
    return books


def _leaves(books: Books, *names: str) -> None:
    bill = books.world.usage[NOVEMBER]
    gone = {books.world.tenant(name)["id"] for name in names}
    books.world.usage[NOVEMBER] = [line for line in bill if line["accountId"] not in gone]


def test_a_feed_that_lacks_more_than_a_twentieth_of_the_tenants_stops_everything(books: Books) -> None:
    _twenty(books).product("em", tagged=False)
    books.live()
    _leaves(books, "Alder 00", "Alder 01")
    plan = books.plan()
    assert (plan.code, set(plan.short and [c["blockedBy"][0] for c in plan.changes])) == (
        3,
        {"guard-feed-incomplete"},
    )
    said = plan.diagnostic("guard-feed-incomplete")["message"]
    assert "Only 18 of the 20 tenants" in said
    assert "missing: Alder 00, Alder 01" in said
    books.forget()
    applied = books.apply()
    assert (applied.code, applied.json["outcomes"], books.patches) == (3, [], [])
    file = books.save()
    books.forget()
    assert (books.apply(file).code, books.patches) == (3, [])


def test_exactly_a_twentieth_is_let_through(books: Books) -> None:
    _twenty(books).live()
    _leaves(books, "Alder 00")
    plan = books.plan()
    assert (plan.code, len(updates(plan))) == (0, 19)


def test_customers_that_are_said_to_have_ended_are_not_missed(books: Books) -> None:
    for number in range(20):
        books.customer(
            f"Alder {number:02}", ep=(10, 10, 11), more=", ended: 2026-10-31" if number < 2 else ""
        )
    books.live()
    _leaves(books, "Alder 00", "Alder 01")
    assert "guard-feed-incomplete" not in books.plan().codes


def test_the_share_can_be_lowered_or_the_guard_be_off(books: Books) -> None:
    _twenty(books)
    for settings in ("{percent: 90}", "off"):
        books.live(settings=f", guards: {{feedTenants: {settings}}}")
        if settings == "{percent: 90}":
            _leaves(books, "Alder 00", "Alder 01")
        assert (books.plan().code, len(updates(books.plan()))) == (0, 18)


def _to_zero(books: Books, count: int) -> Books:
    for number in range(count):
        books.customer(f"Alder {number}", ep=(10, 10, 0), sv=(3, 3, 3))
    books.customer("Birch", sv=(4, 4, 5))
    return books


def test_one_product_at_zero_for_four_customers_stops_everything(books: Books) -> None:
    plan = _to_zero(books, 4).live().plan()
    assert (plan.code, plan.ids) == (3, [update(5, "MSP-SV") + " (held)"])
    said = plan.diagnostic("guard-product-to-zero")["message"]
    assert "MSP-EP would go to zero for 4 customers at once (Alder 0, Alder 1, Alder 2, Alder 3)" in said
    books.forget()
    assert (books.apply().code, books.patches) == (3, [])


def test_for_three_customers_each_line_is_asked_about(books: Books) -> None:
    plan = _to_zero(books, 3).live().plan()
    assert (plan.code, plan.ids) == (4, [update(4, "MSP-SV")])
    assert [state(plan, f"agreement/{number}/product/MSP-EP") for number in (1, 2, 3)] == ["withheld"] * 3


def test_the_product_guard_can_be_off(books: Books) -> None:
    _to_zero(books, 4).live(settings=", guards: {productToZero: off, lineToZero: off}")
    plan = books.plan()
    assert (plan.code, len(updates(plan))) == (0, 5)
    books.apply()
    assert {books.quantity(number) for number in (1, 3, 5, 7)} == {0}


def test_what_stops_a_run_is_said_first_to_people(books: Books) -> None:
    _to_zero(books, 4).live()
    said = books.run("plan", str(books.folder))
    assert said.code == 3
    assert "error [guard-product-to-zero]" in said.out
    assert "Nothing can be written yet." in said.out
    applied = books.apply_text()
    assert (applied.code, "guard-product-to-zero" in applied.out) == (3, True)


# --- row guards


def filled(row: str) -> str:
    """A printed row as a person completes it."""
    return row.replace("reason: …", "reason: new branch")


@pytest.mark.parametrize(
    ("before", "after", "why"),
    [
        (10, 0, "it goes to zero"),
        (20, 26, "it changes by 6 units, 30 % (limits: 5 units and 25 %)"),
        (20, 14, "it changes by 6 units, 30 % (limits: 5 units and 25 %)"),
        (200, 226, "it changes by 104.00 EUR a month (limit 100.00)"),
        (0, 6, "it changes by 6 units, 100 %"),
    ],
)
def test_a_big_change_is_withheld_and_the_printed_row_lets_exactly_it_through(
    books: Books, before: int, after: int, why: str
) -> None:
    books.customer("Alder", ep=(before, before, after), sv=(3, 3, 3))
    books.customer("Birch", ep=(20, 20, 18))
    plan = books.live().plan()
    assert (plan.code, updates(plan)) == (4, [update(2, "MSP-EP")])
    assert state(plan, "agreement/1/product/MSP-EP") == "withheld"
    said = books.run("plan", str(books.folder))
    assert (said.code, why in said.out) == (4, True)
    printed = re.search(r"under approvals: (\{customer: .*until: [0-9-]+\})", said.out)
    assert printed is not None, said.out
    assert (books.apply().code, books.quantity(1)) == (4, before)

    books.live(f"approvals:\n  - {filled(printed[1])}\n")

    answered = books.plan()
    assert (answered.code, updates(answered)) == (0, [update(1, "MSP-EP")])
    assert (books.apply().code, books.quantity(1), books.plan().ids) == (0, after, [])


def test_an_approval_does_not_cover_another_change(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 27))
    row = (
        "{customer: ALDER, product: MSP-EP, from: 20, upTo: 26, given: 2026-11-27, "
        "reason: Ann, until: 2026-12-01}"
    )
    assert books.live(f"approvals: [{row}]\n").plan().code == 4
    books.world.usage[NOVEMBER][0].update(billableQuantity=26)
    assert books.plan().code == 0
    books.world.addition(1)["quantity"] = 19.0
    assert books.plan().code == 4, "somebody changed the line since"


def test_the_printed_hold_keeps_the_line_as_it_is(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 40))
    said = books.live().run("plan", str(books.folder))
    printed = re.search(r"under holds: (\{customer: .*until: [0-9-]+\})", said.out)
    assert printed is not None
    plan = books.live(f"holds:\n  - {filled(printed[1])}\n").plan()
    assert (plan.code, plan.ids, rows(plan)) == (0, [], ["Alder MSP-EP unchanged 20→20 0.00 EUR"])


def test_a_line_changed_by_hand_is_asked_about_and_answered(books: Books) -> None:
    agreement = books.customer("Alder", ep=(None, 20, 22))
    line = books.line(agreement, "MSP-EP", 25, by="sampleadmin")
    plan = books.live().plan()
    assert (plan.code, plan.ids) == (4, [])
    said = books.run("plan", str(books.folder)).out
    assert "25 was set by sampleadmin on 2026-11-01; last month's bill gives 20" in said
    row = (
        "{customer: ALDER, product: MSP-EP, from: 25, upTo: 22, given: 2026-11-27, "
        "reason: Ann, until: 2026-12-01}"
    )
    assert books.live(f"approvals: [{row}]\n").apply().code == 0
    assert books.quantity(line) == 22


def test_row_guards_can_be_off(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 60), sv=(3, 3, 0))
    books.live(settings=", guards: {lineChange: off, lineToZero: off}")
    applied = books.apply()
    assert (applied.code, set(results(applied).values())) == (0, {"applied"})
    assert (books.quantity(1), books.quantity(2)) == (60, 0)


def test_a_withheld_line_stays_withheld_while_others_fail(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 60))
    books.customer("Birch", ep=(20, 20, 21))
    books.live().break_("PATCH", "/additions/2", status(400))
    applied = books.apply()
    assert (applied.code, results(applied)) == (4, {update(2, "MSP-EP"): "failed"})
    assert books.quantity(1) == 20


# --- a person's word that has ended


def _held(books: Books, until: str) -> Books:
    row = f"{{customer: ALDER, product: MSP-EP, quantity: 20, reason: Ann, until: {until}}}"
    return books.live(f"holds: [{row}]\n")


def test_a_hold_that_has_run_out_stops_everything_until_somebody_decides(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 22))
    books.customer("Birch", ep=(20, 20, 21))
    assert (_held(books, "2026-11-27").plan().code, updates(books.plan())) == (0, [update(2, "MSP-EP")])
    _held(books, "2026-11-26")
    for command in (("validate", str(books.folder)), ("plan", str(books.folder))):
        said = books.run(*command)
        assert (said.code, "error [expired]" in said.err, "mappings.yaml:" in said.err) == (1, True, True)
    assert (books.run("apply", str(books.folder), "--yes").code, books.writes) == (1, [])


def test_an_approval_that_is_used_up_stops_no_run_once_its_last_day_has_passed(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 64))
    books.customer("Birch", ep=(20, 20, 21))
    row = "{customer: ALDER, product: MSP-EP, from: 20, upTo: 64, given: 2026-11-27, reason: Ann, until: %s}"
    books.live(f"approvals: [{row % '2026-11-27'}]\n")
    assert books.apply().code == 0
    books.live(f"approvals: [{row % '2026-11-26'}]\n")
    assert books.run("validate", str(books.folder)).code == 0
    plan = books.plan()
    assert (plan.code, updates(plan), books.quantity(1)) == (0, [], 64)
    assert books.apply().code == 0


def test_a_base_whose_hold_has_run_out_still_tells_what_waits(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 22))
    books.customer("Birch", ep=(20, 20, 21))
    base = books.folder.with_name("base")
    base.mkdir()
    (base / "mappings.yaml").write_text((_held(books, "2026-11-26").folder / "mappings.yaml").read_text())
    plan = _held(books, "2026-12-31").plan("--since", str(base))
    assert (plan.code, [change["cause"] for change in plan.changes]) == (0, ["waiting"])

"""Open lines of the whole site that no customer row bills: every command counts and names them, and waits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.flows_usage.books import AGREEMENTS, BUNDLES, Books

if TYPE_CHECKING:
    from tests.support import Planned, Said


@pytest.fixture
def site(books: Books) -> Books:
    """Alder is billed by its row, in step; Birch has lines and no row, and a product of nobody's."""
    books.customer("Alder", ep=(12, 12, 12))
    books.customer("Birch", ep=(20, 20, 20), sv=(3, 3, 3))
    del books.rows["Birch"]
    books.world.add_catalog_item("BACKUP", price=9.0)
    books.line(2, "BACKUP", 5, by="jane")
    return books.live()


def apart(plan: Planned) -> list[dict[str, Any]]:
    """The open lines that the plan has no row of."""
    found: list[dict[str, Any]] = plan.json["census"]["apart"]
    return found


def accounts(said: Said) -> dict[str, int]:
    """Of the open lines, by account."""
    return {one["account"]: one["lines"] for one in said.json["census"]["lines"]["accounts"]}


def ready(site: Books, *options: str, date: str = "2026-12-01") -> Said:
    """`ready` for the invoices of a date."""
    return site.run("ready", "--invoice-date", date, "--dir", str(site.folder), *options)


LINES = "Lines: 3 = 1 in step + 2 unexplained; 147.50 EUR a month"
UNITS = "Units: 35 = 12 billed + 0 undecided + 23 no customer row"


def test_lines_without_a_row_are_named_with_their_money(site: Books) -> None:
    plan = site.plan()
    assert [
        (one["company"], one["companyName"], one["line"], one["product"], one["quantity"], one["account"])
        for one in apart(plan)
    ] == [
        ("BIRCH", "Birch", 2, "MSP-EP", "20", "unexplained"),
        ("BIRCH", "Birch", 3, "MSP-SV", "3", "unexplained"),
    ]
    assert [one["sales"]["before"] for one in apart(plan)] == ["80.00", "19.50"]
    assert {one["lastWriter"] for one in apart(plan)} == {"apirec"}
    assert all(one["reason"] and one["remedy"] for one in apart(plan))


def test_plan_apply_ready_and_show_print_both_identities_and_say_no(site: Books) -> None:
    plan_file = site.root / "plan.json"
    plan = site.run("plan", str(site.folder), "--out", str(plan_file))
    applied = site.run("apply", str(site.folder), "--yes")
    saved = site.run("apply", str(plan_file), "--yes")
    verdict = ready(site)
    for said in (plan, applied, saved, verdict):
        assert (said.code, LINES in said.out, UNITS in said.out) == (4, True, True), said.out
    assert "Exit code 4 because of 2 open lines unexplained." in plan.err
    assert "Nothing to do" not in plan.out + applied.out
    assert "MSP-EP #2: unexplained: " in verdict.out
    for form in ("text", "markdown"):
        shown = site.run("show", str(plan_file), "--format", form)
        assert (LINES in shown.out, UNITS in shown.out) == (True, True)
    table = site.run("show", str(plan_file), "--format", "csv").out
    assert (table.count(",unexplained,"), LINES in table) == (2, False), "lines alone, to be added up"
    scored = site.run("score", str(plan_file))
    assert (LINES in scored.out, UNITS in scored.out) == (True, True)


def test_the_json_of_apply_and_ready_has_the_census_of_the_plan(site: Books) -> None:
    census = site.plan().json["census"]
    assert site.apply().json["census"] == census
    assert ready(site, "--format", "json").json["census"] == census
    reasons = ready(site, "--format", "json").json["reasons"]
    assert [(one["kind"], one["customer"], one["line"]) for one in reasons] == [
        ("unexplained", "Birch", 2),
        ("unexplained", "Birch", 3),
    ]


def test_nothing_of_them_is_written(site: Books) -> None:
    before = [dict(site.world.addition(number)) for number in (2, 3, 4)]
    assert site.apply().code == 4
    assert site.apply(None, "--allow-waiting").code == 0
    assert [dict(site.world.addition(number)) for number in (2, 3, 4)] == before


def test_they_stop_the_invoice_that_bills_them_and_no_other(site: Books) -> None:
    site.world.agreement(2)["nextInvoiceDate"] = "2026-12-15T00:00:00Z"
    first = ready(site)
    assert (first.code, LINES in first.out) == (0, True)
    assert "Birch · Managed" in first.out.split("Not on this invoice")[1]
    assert site.plan().code == 4, "a plan is about every date"
    assert ready(site, date="2026-12-15").code == 4


@pytest.mark.parametrize(
    ("row", "account", "word"),
    [
        ("exclude: A friend of the house", "waits", None),
        ("exclude: A friend of the house, openLines: keep", "left", "exclude"),
        ("sync: false", "waits", None),
        ("sync: false, openLines: keep", "left", "sync: false"),
        ("agreement: Nowhere, sync: true", "waits", None),
    ],
)
def test_a_row_that_does_not_bill_them_is_named_and_a_word_settles_it(
    site: Books, row: str, account: str, word: str | None
) -> None:
    tenant = site.world.tenant("Birch")["id"]
    agreement = "" if "agreement" in row else "agreement: Managed, "
    site.rows["Birch"] = f"{tenant}: {{company: BIRCH, {agreement}{row}}}"
    plan = site.live().plan()
    found = [one for one in apart(plan) if one["company"] == "BIRCH"]
    assert [(one["account"], one["word"]) for one in found] == [(account, word)] * 2
    assert all(one["source"]["file"].endswith(".yaml") for one in found)
    settled = account == "left"
    assert (plan.code == 0, ready(site).code == 0) == (settled, settled)


def test_a_line_at_zero_is_left_and_one_that_has_ended_is_not_there(site: Books) -> None:
    site.world.addition(2)["quantity"] = 0
    assert [(one["account"], one["word"]) for one in apart(site.plan())] == [
        ("left", "0 units"),
        ("unexplained", None),
    ]
    site.world.addition(3)["cancelledDate"] = "2026-11-20T00:00:00Z"
    plan = site.plan()
    assert [one["line"] for one in apart(plan)] == [2]
    assert (plan.code, ready(site).code) == (0, 0)


def test_a_former_code_and_our_own_hand_make_a_line_ours(site: Books) -> None:
    del site.mapped["SV-MSP"]
    site.live().apply()
    site.line(2, "BACKUP", 7)
    assert [(one["line"], one["product"]) for one in apart(site.plan())] == [
        (2, "MSP-EP"),
        (3, "MSP-SV"),
        (5, "BACKUP"),
    ]


def test_money_is_summed_per_currency(site: Books) -> None:
    site.world.agreement(2)["currency"] = {"id": 2, "currencyCode": "GBP"}
    out = site.run("plan", str(site.folder)).out
    assert "99.50 GBP a month" in out
    assert "Lines: 3 = 1 in step + 2 unexplained; 48.00 EUR and 99.50 GBP a month" in out


def test_a_line_that_moves_has_the_account_of_its_row(books: Books) -> None:
    books.customer("Alder", ep=(None, 12, 12), more=", movedFrom: {agreement: Old}")
    old = books.line(books.world.add_agreement("ALDER", "Old")["id"], "MSP-EP", 12)
    plan = books.live().plan()
    assert [one["line"] for row in plan.json["lines"] for one in row["takesOver"]] == [old]
    assert (apart(plan), accounts(plan)) == ([], {"moves": 1})


def test_what_the_whole_site_costs(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 10))
    books.live().plan()
    books.forget()
    books.plan()
    before = books.asked("connectwise")
    for number in range(120):
        books.customer(f"Birch {number}", ep=(1, 1, 1))
        del books.rows[f"Birch {number}"]
    books.live()
    books.forget()
    assert accounts(books.plan()) == {"in step": 1, "unexplained": 120}
    asked = books.asked("connectwise")

    def more(what: str) -> int:
        return sum(what in one for one in asked) - sum(what in one for one in before)

    assert more(BUNDLES) <= 3, "a bundle for fifty agreements"
    assert more(AGREEMENTS) <= 1
    assert len(asked) - len(before) <= 4


def test_a_plan_of_products_alone_counts_no_line(site: Books) -> None:
    plan = site.plan("--scope", "products")
    assert (plan.code, plan.json["census"]) == (0, None)


def test_one_customer_s_plan_names_its_own_open_lines(site: Books) -> None:
    alone = site.plan("--customer", "ALDER")
    assert (alone.code, apart(alone)) == (0, [])
    birch = site.plan("--customer", "birch")
    assert (birch.code, [one["line"] for one in apart(birch)]) == (4, [2, 3])
    assert birch.json["census"]["lines"] == site.plan().json["census"]["lines"]

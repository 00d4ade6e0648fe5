"""`plan --since` where rows are removed while lines are open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import AGREEMENTS
from tests.support import Site, status

if TYPE_CHECKING:
    from tests.flows_usage.books import Books
    from tests.support import Planned

CODE = "row-removed-with-lines"


@pytest.fixture
def two(books: Books) -> Books:
    """Two customers with lines, and a base that has both."""
    books.customer("Alder", ep=(10, 10, 10), sv=(3, 3, 3))
    books.customer("Birch", ep=(20, 20, 20))
    return books


def _since(books: Books, *, extra: str = "", settings: str = "", **removed: list[str]) -> Planned:
    """The plan without these `rows` (of customers) and `mapped` (codes), over the base that has them."""
    books.live(extra, settings=settings)
    text = (books.folder / "mappings.yaml").read_text(encoding="utf-8")
    books.say(text.removeprefix("version: 1\n"), folder="base")
    for name in removed.get("rows", []):
        del books.rows[name]
    for code in removed.get("mapped", []):
        del books.mapped[code]
    books.live(extra, settings=settings)
    return books.plan("--since", str(books.root / "base"))


def _rows(plan: Planned) -> dict[str, str]:
    return {row["key"].partition("/")[0]: row["text"] for row in plan.json["removedRows"]}


def test_a_customer_with_open_lines_may_not_just_go(two: Books) -> None:
    plan = _since(two, rows=["Alder"])
    said = plan.diagnostic(CODE)
    assert said["severity"] == "error"
    assert said["message"] == (
        "Alder (ALDER): its row is removed, and it leaves 2 open lines (59.50 EUR a month): "
        "#1 MSP-EP 10 on agreement #1, #2 MSP-SV 3 on agreement #1."
    )
    assert "ended: DATE" in said["remedy"]
    assert said["source"]["file"].endswith("base/mappings.yaml")
    assert _rows(plan)["customers"].startswith("Alder was billed as ALDER; it leaves 2 open lines (59.50 EUR")
    assert plan.code == 4
    assert plan.ids == []


def test_a_line_at_zero_or_ended_is_left_to_itself(two: Books) -> None:
    two.world.addition(1)["quantity"] = 0
    two.world.addition(2)["cancelledDate"] = "2026-11-30T00:00:00Z"
    plan = _since(two, rows=["Alder"])
    assert CODE not in plan.codes
    assert _rows(plan) == {"customers": "Alder was billed as ALDER; no open line is left"}


def test_a_line_of_a_product_that_is_not_ours_is_not_asked_about(two: Books) -> None:
    two.customer("Cedar")
    two.world.add_catalog_item("BACKUP", price=9.0)
    two.line(3, "BACKUP", 5, by="jane")
    assert CODE not in _since(two, rows=["Cedar"]).codes


def test_another_row_that_speaks_of_the_lines_takes_them(two: Books) -> None:
    """The tenant was made anew in Sophos: another id, the same company and agreement."""
    tenant = two.world.add_tenant("Alder again")
    two.rows["Alder again"] = f"{tenant['id']}: {{company: ALDER, agreement: Managed, sync: true}}"
    assert CODE not in _since(two, rows=["Alder"]).codes


def test_a_row_that_speaks_of_another_agreement_is_asked_whether_the_seats_are_its_own(two: Books) -> None:
    two.world.add_agreement("ALDER", "Other")
    tenant = two.world.add_tenant("Alder again")
    two.rows["Alder again"] = f"{tenant['id']}: {{company: ALDER, agreement: Other, sync: true}}"
    plan = _since(two, rows=["Alder"])
    waiting = {account["account"]: account["lines"] for account in plan.json["census"]["lines"]["accounts"]}
    assert (plan.code, plan.ids) == (4, [])
    assert waiting["waits"] + waiting.get("unexplained", 0) == 2


def test_two_rows_of_one_company_do_not_claim_the_same_line(two: Books) -> None:
    other = two.world.add_agreement("ALDER", "Other")["id"]
    two.line(other, "MSP-EP", 7)
    tenant = two.world.add_tenant("Alder again")
    two.rows["Alder again"] = f"{tenant['id']}: {{company: ALDER, agreement: Other, sync: true}}"
    plan = _since(two, rows=["Alder", "Alder again"])
    messages = sorted(d["message"] for d in plan.json["diagnostics"] if d["code"] == CODE)
    assert len(messages) == 2
    assert "2 open lines (59.50 EUR a month): #1 MSP-EP 10 on agreement #1, #2 MSP-SV" in messages[0]
    assert "1 open line (28.00 EUR a month): #4 MSP-EP 7 on agreement #3" in messages[1]


def test_lines_that_cannot_be_read_are_not_taken_for_none(two: Books) -> None:
    two.quirks = {"bundles": "refused"}
    Site.__post_init__(two)
    two.break_("GET", f"{AGREEMENTS}/1/additions", status(400))
    plan = _since(two, rows=["Alder"])
    assert "the lines of agreement #1 could not be read" in _rows(plan)["customers"]
    assert plan.code == 4
    assert "the lines of agreement #1 could not be read" in plan.diagnostic(CODE)["message"]


def test_a_removed_mapping_says_that_its_lines_stay(two: Books) -> None:
    plan = _since(two, mapped=["EP-MSP"])
    assert _rows(plan)["mappings"] == (
        "was mapped to MSP-EP, sync on; 2 open lines (120.00 EUR a month) of MSP-EP stay as they are "
        "(onUnmap: keep)"
    )


def test_a_removed_mapping_says_that_its_lines_end(two: Books) -> None:
    guards = ", onUnmap: end, guards: {lineToZero: off, lineChange: off, productToZero: off}"
    plan = _since(two, mapped=["EP-MSP"], settings=guards)
    assert _rows(plan)["mappings"] == (
        "was mapped to MSP-EP, sync on; 2 open lines (120.00 EUR a month) of MSP-EP end in this plan "
        "(onUnmap: end)"
    )


def test_a_removed_mapping_whose_lines_wait_says_so(two: Books) -> None:
    plan = _since(two, mapped=["EP-MSP"], settings=", onUnmap: end")
    assert "0 end in this plan, 2 wait or stay (onUnmap: end)" in _rows(plan)["mappings"]


def test_a_removed_mapping_without_lines(two: Books) -> None:
    two.product("em")
    assert _rows(_since(two, mapped=["EM-MSP"]))["mappings"].endswith("no line of MSP-EM is open")


def test_one_of_two_codes_leaves_the_lines_to_the_other(two: Books) -> None:
    two.mapped["EX-MSP"] = "{product: MSP-EP, sync: true}"
    plan = _since(two, mapped=["EX-MSP"], extra="lines: {MSP-EP: {count: sum}}\n")
    assert _rows(plan)["mappings"].endswith("the lines of MSP-EP are billed for EP-MSP from now on")

"""A table that may not be read, or is not there, holds back what depends on it, and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import Books
from tests.support import Said, status

if TYPE_CHECKING:
    from pathlib import Path

CYCLES, COMPANIES, AGREEMENTS = "/finance/billingCycles", "/company/companies", "/finance/agreements"
RECAPS = "/finance/agreementrecap/"
RIGHTS = {
    CYCLES: "System > Table Setup: Inquire = All",
    COMPANIES: "Companies > Company Maintenance: Inquire = All",
    AGREEMENTS: "Finance > Agreements: Inquire = All",
}


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Alder is invoiced monthly, Birch by a cycle with a name of its own; a product is to be mapped."""
    books = Books(tmp_path)
    books.customer("Alder", ep=(10, 10, 12))
    agreement = books.customer("Birch", ep=(5, 5, 6))
    own = books.world.add_named("billingCycles", "Each month", billingOptions="Monthly")
    books.world.agreement(agreement)["billingCycle"] = {"id": own["id"], "name": own["name"]}
    books.product("em", tagged=False)
    return books.live()


def _ready(books: Books) -> Said:
    return books.run("ready", "--invoice-date", "2026-12-01", "--dir", str(books.folder))


def test_as_it_is_everything_is_written(books: Books) -> None:
    plan = books.plan()
    assert plan.code == 0
    assert len(plan.ids) == 3


@pytest.mark.parametrize("code", [403, 404])
def test_without_billing_cycles_only_the_agreements_of_another_name_wait(books: Books, code: int) -> None:
    """`Monthly` is one of ConnectWise's own options; what `Each month` is, nobody knows without the table."""
    books.break_("GET", CYCLES, status(code))
    plan = books.plan()
    assert plan.code == 4
    alder, birch = (line for line in plan.json["lines"] if line["product"] == "MSP-EP")
    assert (alder["state"], alder["quantity"]["after"]) == ("more", "12")
    assert birch["state"] == "needs a decision"
    assert (
        "how often the agreement is invoiced is not known: the billing cycles could not be read"
        in (birch["reason"])
    )
    (said,) = [d for d in plan.json["diagnostics"] if CYCLES in d["message"]]
    assert said["severity"] == "warning"
    assert "nothing is written to the lines of the others" in said["message"]
    assert code == 404 or RIGHTS[CYCLES] in said["remedy"]
    assert "map_product:product/MSP-EM/code/EM-MSP" in plan.ids
    ready = _ready(books)
    assert (ready.code, ready.out.splitlines()[0][:3]) == (4, "No:")
    applied = books.apply()
    assert applied.code == 4
    assert [books.quantity(number) for number in (1, 2)] == [12.0, 5.0]


def test_without_billing_cycles_one_table_of_another_name_is_read_all_the_same(books: Books) -> None:
    """The right is given table by table: a refusal of one says nothing of the others."""
    books.live("products:\n  MSP-EM: {type: Software, subcategory: Server}\n")
    books.break_("GET", CYCLES, status(403))
    plan = books.plan()
    assert "table-unreadable" not in plan.codes
    assert any(one.startswith("edit_product:product/MSP-EM") for one in plan.ids)


@pytest.mark.parametrize("path", [COMPANIES, AGREEMENTS])
@pytest.mark.parametrize("code", [403, 404])
def test_without_companies_or_agreements_no_line_is_counted_and_products_go_on(
    books: Books, path: str, code: int
) -> None:
    books.break_("GET", path, status(code))
    plan = books.plan()
    assert plan.code == 4
    assert plan.json["lines"] == []
    assert plan.ids == ["map_product:product/MSP-EM/code/EM-MSP"]
    unknown = plan.diagnostic("usage-unknown")
    assert unknown["message"].startswith("ConnectWise's agreements and companies could not be read.")
    (said,) = [d for d in plan.json["diagnostics"] if f"GET {path}" in d["message"]]
    assert code == 404 or RIGHTS[path] in said["remedy"]
    assert _ready(books).code == 4
    assert books.apply().code == 4
    assert [books.quantity(number) for number in (1, 2)] == [10.0, 5.0]
    assert books.notes("MSP-EM").endswith("[sophos:main EM-MSP]")


@pytest.mark.parametrize("code", [403, 404])
def test_without_recaps_it_is_said_and_lines_are_written(books: Books, code: int) -> None:
    books.break_("GET", RECAPS, status(code))
    plan = books.plan()
    assert len(plan.ids) == 3
    assert [d["severity"] for d in plan.json["diagnostics"] if "agreementrecap" in d["message"]] == [
        "warning"
    ]


@pytest.mark.parametrize("path", [CYCLES, COMPANIES, AGREEMENTS])
def test_what_may_go_well_in_the_next_run_is_no_lack_of_a_right(books: Books, path: str) -> None:
    books.break_("GET", path, status(500))
    said = books.run("plan", str(books.folder))
    assert (said.code, said.out) == (1, "")
    assert f"GET {path}" in said.err

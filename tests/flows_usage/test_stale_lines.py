"""What a saved plan of lines expects to find: agreements, terms, and no line that bills the same seats."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.diagnostics import ReconcilerError
from tests.flows_usage.books import BUNDLES, MANY, Books, update
from tests.flows_usage.line_flows import create, end, lines, move, stale_of, with_new_product
from tests.support import status

if TYPE_CHECKING:
    from collections.abc import Callable

    Meanwhile = Callable[[Books], Any]

START = "2026-12-01T00:00:00Z"
NEW, MORE, END = create(1, "MSP-EP"), update(2, "MSP-EP"), end(3, "MSP-SV")


@pytest.fixture
def three(books: Books) -> Books:
    """A line to create, one to raise and one to end."""
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch", ep=(20, 20, 22))
    books.customer("Cedar", sv=(4, 4, 4), more=", ended: 2026-11-15")
    return books.live()


def test_what_is_as_planned_fits(three: Books) -> None:
    planned = three.plan()
    assert sorted(planned.ids) == sorted([NEW, MORE, END])
    assert stale_of(three, planned) == []


def test_what_is_done_fits_whatever_was_invoiced_since(three: Books) -> None:
    planned = three.plan()
    assert three.apply().code == 0
    for number in (1, 2, 3):
        three.world.agreement(number)["nextInvoiceDate"] = "2027-01-01T00:00:00Z"
    assert stale_of(three, planned) == []


@pytest.mark.parametrize(("number", "change"), [(1, NEW), (2, MORE), (3, END)])
@pytest.mark.parametrize(
    ("meanwhile", "what"),
    [
        (
            lambda s, n: s.world.agreement(n).update(nextInvoiceDate="2027-01-01T00:00:00Z"),
            "is invoiced next on 2027-01-01, the plan expected 2026-12-01",
        ),
        (
            lambda s, n: s.world.agreement(n).pop("nextInvoiceDate"),
            "is invoiced next on no day, the plan expected 2026-12-01",
        ),
        (lambda s, n: s.world.tables["agreements"].pop(n), "is no longer there"),
        (lambda s, n: s.world.agreement(n).update(cancelledFlag=True), "is not in force on 2026-12-01"),
        (
            lambda s, n: s.world.agreement(n).update(noEndingDateFlag=False, endDate="2026-11-30T00:00:00Z"),
            "is not in force on 2026-12-01 any more",
        ),
    ],
)
def test_an_agreement_that_changed(
    three: Books, meanwhile: Callable[[Books, int], Any], what: str, number: int, change: str
) -> None:
    planned = three.plan()
    meanwhile(three, number)
    found = stale_of(three, planned)
    assert f"{change}: agreement #{number} {what}" in found[0]
    assert all(one.startswith(f"{change}: ") for one in found)


@pytest.mark.parametrize(
    ("meanwhile", "what"),
    [
        (
            lambda s: s.world.addition(1).update(unitPrice=5.0),
            f"{MORE}: unitPrice of line #1 is 5, the plan expected 4",
        ),
        (
            lambda s: s.world.addition(1).update(lessIncluded=2.0),
            f"{MORE}: lessIncluded of line #1 is 2, the plan expected 0",
        ),
        (
            lambda s: s.world.addition(1).update(cancelledDate=START),
            f"{MORE}: cancelledDate of line #1 is 2026-12-01, the plan expected not set",
        ),
        (
            lambda s: s.world.addition(2).update(quantity=5.0),
            f"{END}: quantity of line #2 is 5, the plan expected 4",
        ),
        (
            lambda s: s.world.addition(2).update(cancelledDate=START),
            f"{END}: cancelledDate of line #2 is 2026-12-01, the plan expected not set",
        ),
        (
            lambda s: s.world.tables["additions"].pop(2),
            f"{END}: line #2 is no longer on agreement 3",
        ),
        (
            lambda s: s.world.catalog_item("MSP-EP").update(identifier="MSP-E"),
            f"{NEW}: product MSP-EP is no longer in ConnectWise",
        ),
        (
            lambda s: s.world.add_catalog_item("msp-ep"),
            f"{NEW}: 2 products are called MSP-EP now",
        ),
        (
            lambda s: s.line(1, "MSP-EP", 5, effectiveDate=START),
            f"{NEW}: agreement #1 has a line of MSP-EP by now (#3, quantity 5, from 2026-12-01)",
        ),
        (
            lambda s: s.line(1, "MSP-EP", 0, effectiveDate="2027-01-01T00:00:00Z"),
            f"{NEW}: agreement #1 has a line of MSP-EP by now (#3, quantity 0, from 2027-01-01)",
        ),
        (
            lambda s: s.line(1, "MSP-EP", 5, cancelledDate="2026-11-30T00:00:00Z"),
            (
                f"{NEW}: line #3 of MSP-EP on agreement #1 was ended on 2026-11-30, and the plan did not see "
                "that: it may have been on purpose"
            ),
        ),
    ],
)
def test_what_moved_is_stale(three: Books, meanwhile: Meanwhile, what: str) -> None:
    planned = three.plan()
    meanwhile(three)
    found = stale_of(three, planned)
    assert what in found
    assert len([one for one in found if one.startswith(what.partition(": ")[0])]) == 1, "each thing once"


@pytest.mark.parametrize(
    "meanwhile",
    [
        lambda s: s.world.addition(1).update(invoiceDescription="Seats", unitCost=1.0),
        lambda s: s.line(1, "MSP-EP", 0, effectiveDate=START, cancelledDate=START),
        lambda s: s.line(1, "MSP-SV", 5),
        lambda s: s.line(2, "MSP-SV", 5),
        lambda s: s.world.addition(1).update(quantity=22.0),
        lambda s: s.world.addition(2).update(cancelledDate="2026-11-30T00:00:00Z"),
        lambda s: s.line(1, "MSP-EP", 12, effectiveDate=START, invoiceDescription="MSP-EP", by="anna"),
    ],
)
def test_what_does_not_matter_or_is_done_already_fits(three: Books, meanwhile: Meanwhile) -> None:
    planned = three.plan()
    meanwhile(three)
    assert stale_of(three, planned) == []


def test_the_check_is_a_handful_of_requests(books: Books) -> None:
    for number in range(60):
        books.customer(f"Alder {number}", ep=(None, 10, 12), sv=(5, 5, 6))
    planned = books.live(settings=MANY).plan()
    books.forget()
    assert stale_of(books, planned) == []
    asked = books.asked("connectwise")
    assert sum(BUNDLES in one for one in asked) == 2
    assert sum(one.endswith("/additions/count") for one in asked) == 60, "of the agreements with a new line"
    rest = [one for one in asked if not one.endswith("/additions/count") and BUNDLES not in one]
    assert len(rest) == 1 + 3 + 1 + 4 + 1 + 1, "API, products, cycles, agreements, recaps, companies"


def test_lines_that_cannot_be_read_are_an_error_and_not_stale(three: Books) -> None:
    planned = three.plan()
    three.break_("POST", BUNDLES, status(403))
    three.break_("GET", "/3/additions", status(400))
    with pytest.raises(ReconcilerError, match="agreement 3 could not be read"):
        stale_of(three, planned)


# --- billed twice


@pytest.fixture
def two_agreements(books: Books) -> Books:
    """A customer with another agreement beside the one that is billed."""
    books.customer("Alder", ep=(None, 10, 12))
    books.world.add_agreement("ALDER", "Extra")
    books.customer("Birch")
    return books.live()


def test_a_line_on_another_agreement_of_the_company_would_bill_the_seats_twice(two_agreements: Books) -> None:
    planned = two_agreements.plan()
    two_agreements.line(2, "MSP-EP", 7)
    (found,) = stale_of(two_agreements, planned)
    assert found == (
        f"{NEW}: line #1 of MSP-EP on agreement #2 has 7 units now, the plan expected no such line: "
        "its seats may be billed twice"
    )


def test_it_would_beside_the_new_line_that_is_done_as_well(two_agreements: Books) -> None:
    planned = two_agreements.plan()
    assert two_agreements.apply().code == 0
    assert stale_of(two_agreements, planned) == []
    two_agreements.line(2, "MSP-EP", 7)
    (found,) = stale_of(two_agreements, planned)
    assert "line #2 of MSP-EP on agreement #2" in found


@pytest.mark.parametrize(
    "fields",
    [
        {"quantity": 0},
        {"quantity": 7, "cancelledDate": "2026-11-30T00:00:00Z"},
    ],
)
def test_a_line_that_bills_nothing_there_does_not(two_agreements: Books, fields: dict[str, Any]) -> None:
    planned = two_agreements.plan()
    two_agreements.line(2, "MSP-EP", **fields)
    assert stale_of(two_agreements, planned) == []


def test_an_agreement_of_another_invoice_day_counts_by_its_own(two_agreements: Books) -> None:
    """As the planner sees it: what its next invoice does not bill any more is not open."""
    two_agreements.world.agreement(2)["nextInvoiceDate"] = "2027-01-01T00:00:00Z"
    planned = two_agreements.plan()
    number = two_agreements.line(2, "MSP-EP", 7, cancelledDate="2026-12-15T00:00:00Z")
    assert stale_of(two_agreements, planned) == []
    two_agreements.world.addition(number)["cancelledDate"] = "2027-01-15T00:00:00Z"
    assert len(stale_of(two_agreements, planned)) == 1


def moving(books: Books) -> Books:
    """The code of Alder's line belongs to another product now."""
    books.customer("Alder", ep=(10, 10, 10))
    books.customer("Birch")
    books.world.catalog_item("MSP-EP")["notes"] = "[sophos:main EP-MSP (former)]"
    books.world.catalog_item("MSP-SV")["notes"] = "[sophos:main EP-MSP]"
    books.mapped = {"EP-MSP": "{product: MSP-SV, sync: true}"}
    return books.live()


def test_the_line_that_the_plan_ends_is_none(books: Books) -> None:
    planned = moving(books).plan()
    assert planned.ids == [move(1, "MSP-EP", "line/1"), move(1, "MSP-SV")]
    assert stale_of(books, planned) == []


def test_a_move_that_is_half_done_fits_and_so_does_a_whole_one(books: Books) -> None:
    planned = moving(books).plan()
    books.world.addition(1)["cancelledDate"] = "2026-11-30T00:00:00Z"
    assert stale_of(books, planned) == []
    assert (books.apply().code, len(lines(books))) == (0, 2)
    assert stale_of(books, planned) == []


def test_another_line_of_the_former_product_is_one(books: Books) -> None:
    planned = moving(books).plan()
    books.line(1, "MSP-EP", 3)
    (found,) = stale_of(books, planned)
    assert found.startswith(f"{move(1, 'MSP-SV')}: line #2 of MSP-EP on agreement #1 has 3 units now")


def test_the_line_of_another_customer_s_child_agreement_is_none_unless_it_moves(books: Books) -> None:
    """It is not written by this plan, and the planner has seen it."""
    books.customer("Alder", ep=(None, 10, 12))
    child = books.customer("Birch", ep=(20, 20, 20))
    books.world.agreement(child)["parentAgreement"] = {"id": 1, "name": "Managed"}
    books.rows["Birch"] = books.rows["Birch"].replace("agreement: Managed", f"agreement: {{id: {child}}}")
    planned = books.live().plan()
    assert planned.ids == [NEW]
    assert stale_of(books, planned) == []
    books.world.addition(1)["quantity"] = 25.0
    (found,) = stale_of(books, planned)
    assert "line #1 of MSP-EP on agreement #2 has 25 units now, the plan expected 20" in found


def firewalls(books: Books, *serials: str) -> Books:
    """A customer with one line per firewall; those of November's bill."""
    books.customer("Alder")
    books.customer("Birch")
    for serial in serials:
        for month in ((2026, 10), (2026, 11)):
            books.world.add_usage_line(month, "Alder", "EP-MSP", 1, accountNumberOrSerialNumber=serial)
    return books.live("lines: {MSP-EP: {perSerial: true}}\n")


def test_the_line_of_another_firewall_is_none(books: Books) -> None:
    firewalls(books, "C0123", "C0456")
    books.line(1, "MSP-EP", 1, serialNumber="C0123")
    planned = books.plan()
    assert planned.ids == [create(1, "MSP-EP", "serial/C0456")]
    assert stale_of(books, planned) == []
    books.line(1, "MSP-EP", 1, serialNumber="C0456")
    assert "has a line of MSP-EP by now (#2" in stale_of(books, planned)[0]


def test_the_lines_of_two_firewalls_of_one_plan_are_none_to_each_other(books: Books) -> None:
    planned = firewalls(books, "C0123", "C0456").plan()
    assert len(planned.ids) == 2
    books.break_("POST", "/additions", status(400), skip=1)
    assert (books.apply().code, len(lines(books))) == (4, 1)
    books.mend()
    assert stale_of(books, planned) == []


# --- products that the same plan makes


def test_a_product_that_the_same_plan_creates_is_not_missing(books: Books) -> None:
    planned = with_new_product(books).plan()
    assert create(1, "MSP-EM") in planned.ids
    assert stale_of(books, planned) == []


def test_a_product_that_the_same_plan_renames_is_known_by_both_names(books: Books) -> None:
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch", ep=(20, 20, 22))
    books.mapped["EP-MSP"] = "{product: MSP-ENDPOINT, sync: true}"
    planned = books.live("products: {MSP-ENDPOINT: {renamedFrom: MSP-EP}}\n").plan()
    assert {create(1, "MSP-ENDPOINT"), update(2, "MSP-ENDPOINT")} <= set(planned.ids)
    assert stale_of(books, planned) == []
    books.line(1, "MSP-EP", 5)
    assert "agreement #1 has a line of MSP-ENDPOINT by now" in stale_of(books, planned)[0]

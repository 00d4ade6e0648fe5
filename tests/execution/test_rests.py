"""What a line's change rests on: every field that is read is signed, or said to decide nothing."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model import rests
from reconciler.model.billing import Agreement, Company, Line, Recap
from reconciler.model.fields import CATALOG_FIELDS
from reconciler.model.observed import CatalogItem
from reconciler.model.rests import RecordKind
from tests.flows_usage.books import Books, message, results
from tests.flows_usage.line_flows import create, end, move
from tests.support import first, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Applied

NEXT_YEAR = "2027-01-01T00:00:00Z"


# --- the one list


@pytest.mark.parametrize(
    ("record", "kind", "name"),
    [
        (Agreement, RecordKind.AGREEMENT, "agreement"),
        (Company, RecordKind.COMPANY, "company"),
        (Recap, RecordKind.RECAP, "recap"),
        (CatalogItem, RecordKind.PRODUCT, "product"),
    ],
)
def test_every_field_of_a_record_is_signed_or_decides_nothing(
    record: Any, kind: RecordKind, name: str
) -> None:
    signed = {rest.attribute for rest in rests.RESTS[kind]}
    nothing = rests.DECIDES_NOTHING[name]
    known = {one.name for one in fields(record)}
    catalog = {field.name for field in CATALOG_FIELDS} if record is CatalogItem else set()
    assert known - signed == set(nothing), (
        f"put them into reconciler/model/rests.py, with the reason: {record}"
    )
    assert signed - catalog <= known, "a list names a field that is not there"
    assert all(nothing.values())


def test_every_field_of_a_line_is_signed_or_decides_nothing() -> None:
    known, signed = {one.name for one in fields(Line)}, rests.line_attributes()
    assert known - signed == set(rests.DECIDES_NOTHING["line"])
    assert signed <= known


def test_every_field_of_a_product_is_signed_or_decides_nothing() -> None:
    known = {field.name for field in CATALOG_FIELDS}
    signed = {rest.attribute for rest in rests.OF_PRODUCT} - {"identifier", "notes"}
    assert known - signed == set(rests.CATALOG_DECIDES_NOTHING)
    assert signed <= known


# --- what apply FILE makes of it


@pytest.fixture
def three(tmp_path: Path) -> Books:
    """A line to create, one to raise and one to end, on an agreement each; one more agreement and company."""
    books = Books(tmp_path)
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch", ep=(20, 20, 22))
    books.customer("Cedar", ep=(4, 4, 4), more=", ended: 2026-11-15")
    books.world.add_company("OTHER", "Other")
    books.world.add_agreement("OTHER", "Other")
    return books.live()


CHANGES = {1: create(1, "MSP-EP"), 2: "update_line:agreement/2/product/MSP-EP", 3: end(3, "MSP-EP")}


def refused(books: Books, meanwhile: Callable[[Books], Any]) -> str:
    """What `apply FILE` calls stale of a reviewed plan, of which it writes nothing."""
    file = books.save()
    meanwhile(books)
    books.forget()
    applied: Applied = books.apply(file)
    assert (applied.code, books.writes, applied.json["outcomes"]) == (5, [], [])
    return "\n".join(f"{one['id']}: {one['what']}" for one in applied.json["stale"])


def reference(books: Books, table: str, wanted: int | str) -> dict[str, Any]:
    """A reference as the server stores it."""
    return dict(books.world.reference(table, wanted))


def _other_type(books: Books) -> dict[str, Any]:
    row = books.world.add_named("agreementTypes", "Projects")
    return {"id": row["id"], "name": "Projects"}


AGREEMENT: dict[str, tuple[Callable[[Books, dict[str, Any]], Any], str]] = {
    "another cycle": (
        lambda s, a: a.update(billingCycle=reference(s, "billingCycles", "Quarterly")),
        "is invoiced Quarterly, the plan expected Monthly",
    ),
    "another currency": (
        lambda s, a: a["currency"].update(currencyCode="USD"),
        "is in USD, the plan expected EUR",
    ),
    "another company": (
        lambda s, a: a.update(company=reference(s, "companies", "OTHER")),
        "belongs to the company with id 4, the plan expected {}",
    ),
    "a parent": (
        lambda s, a: a.update(parentAgreement=reference(s, "agreements", 4)),
        "has the parent agreement with id 4, the plan expected none",
    ),
    "another payer": (
        lambda s, a: a.update(billToCompany=reference(s, "companies", "OTHER")),
        "is billed to OTHER, the plan expected ",
    ),
    "one-time": (lambda s, a: a.update(oneTimeFlag=True), "is billed once: yes, the plan expected no"),
    "prorates": (lambda s, a: a.update(prorateFlag=True), "prorates: yes, the plan expected no"),
    "another period": (
        lambda s, a: a.update(periodType="Future"),
        "bills the period Future, the plan expected Current",
    ),
    "another next invoice": (
        lambda s, a: a.update(nextInvoiceDate=NEXT_YEAR),
        "is invoiced next on 2027-01-01, the plan expected 2026-12-01",
    ),
    "another billing start": (
        lambda s, a: a.update(billStartDate="2026-06-01T00:00:00Z"),
        "is billed from 2026-06-01, the plan expected 2025-01-01",
    ),
    "another start": (
        lambda s, a: a.update(startDate="2025-02-01T00:00:00Z"),
        "starts on 2025-02-01, the plan expected 2025-01-01",
    ),
    "an end": (
        lambda s, a: a.update(endDate=NEXT_YEAR, noEndingDateFlag=False),
        "ends on 2027-01-01, the plan expected no day",
    ),
    "cancelled": (
        lambda s, a: a.update(cancelledFlag=True, dateCancelled=NEXT_YEAR),
        "is cancelled: yes, the plan expected no",
    ),
    "cancelled on a day": (
        lambda s, a: a.update(cancelledFlag=True, dateCancelled=NEXT_YEAR),
        "is cancelled on 2027-01-01, the plan expected no day",
    ),
    "another name": (lambda s, a: a.update(name="Old"), "is called Old, the plan expected Managed"),
    "another type": (
        lambda s, a: a.update(type=_other_type(s)),
        "is of type Projects, the plan expected Managed Security",
    ),
}


def test_every_signed_value_of_an_agreement_has_its_case() -> None:
    said = [rest.says for rest in rests.OF_AGREEMENT]
    assert all(any(what.startswith(says) for _, what in AGREEMENT.values()) for says in said)


@pytest.mark.parametrize("number", [1, 2, 3], ids=["new", "more", "ends"])
@pytest.mark.parametrize(("meanwhile", "what"), AGREEMENT.values(), ids=AGREEMENT.keys())
def test_an_agreement_that_is_another_by_now(
    three: Books, meanwhile: Callable[[Books, dict[str, Any]], Any], what: str, number: int
) -> None:
    stale = refused(three, lambda s: meanwhile(s, s.world.agreement(number)))
    assert f"{CHANGES[number]}: agreement #{number} {what.format(number)}" in stale
    assert all(one.startswith(CHANGES[number]) for one in stale.splitlines()), "and no other change"


@pytest.mark.parametrize(
    ("meanwhile", "what"),
    [
        (lambda p: p.update(inactiveFlag=True), "is inactive: yes, the plan expected no"),
        (lambda p: p.update(productClass="Bundle"), "is of class Bundle, the plan expected Agreement"),
        (lambda p: p.update(notes="for Jane"), "has the tag nothing, the plan expected [EP-MSP]"),
        (lambda p: p.update(notes="[sophos:main EP-MSP"), "has the tag [sophos:, the plan expected [EP-MSP]"),
        (
            lambda p: p.update(notes="[sophos:lab EP-MSP]"),
            "has the tag [sophos:lab EP-MSP], the plan expected [EP-MSP]",
        ),
        (
            lambda p: p.update(notes="[sophos:main EP-MSP, SV-MSP]"),
            "has the tag [EP-MSP, SV-MSP], the plan expected [EP-MSP]",
        ),
        (
            lambda p: p.update(notes="[sophos:main EP-MSP (sync off)]"),
            "has the tag [EP-MSP (sync off)], the plan expected [EP-MSP]",
        ),
    ],
)
def test_a_product_that_is_another_by_now(
    three: Books, meanwhile: Callable[[dict[str, Any]], Any], what: str
) -> None:
    stale = refused(three, lambda s: meanwhile(s.item("MSP-EP")))
    for change in CHANGES.values():
        assert f"{change}: product MSP-EP (id 1) {what}" in stale


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"price": 4.5}, "has the price 4.5, the plan expected 4"),
        ({"taxableFlag": True}, "is taxable: yes, the plan expected no"),
        ({"billableOption": "NoCharge"}, "is billed as NoCharge, the plan expected "),
    ],
)
def test_what_a_new_line_takes_from_the_catalog_matters_to_new_lines_alone(
    three: Books, fields: dict[str, Any], what: str
) -> None:
    three.item("MSP-EP").setdefault("billableOption", "Billable")
    stale = refused(three, lambda s: s.item("MSP-EP").update(fields))
    (line,) = stale.splitlines()
    assert line.startswith(f"{CHANGES[1]}: product MSP-EP (id 1) {what}")


def test_a_price_that_a_row_gives_is_not_the_catalog_s(three: Books) -> None:
    three.live("lines: {MSP-EP: {whenNew: {unitPrice: 3.25}}}\n")
    file = three.save()
    three.item("MSP-EP")["price"] = 4.5
    assert three.apply(file).code == 0


@pytest.mark.parametrize("number", [1, 2, 3], ids=["new", "more", "ends"])
def test_an_older_invoice_that_is_left_out_by_now(three: Books, number: int) -> None:
    """A new number would change the invoices of all periods that wait; no date of the agreement shows it."""
    stale = refused(three, lambda s: s.world.tables["recaps"][number].update(unbilledPeriods=2))
    what = f"agreement #{number} has periods that are not invoiced yet: 2, the plan expected 0"
    assert stale == f"{CHANGES[number]}: {what}"


def test_a_recap_that_is_gone_says_nothing_any_more(three: Books) -> None:
    stale = refused(three, lambda s: s.world.tables["recaps"].pop(2))
    what = "agreement #2 has periods that are not invoiced yet: not said, the plan expected 0"
    assert stale == f"{CHANGES[2]}: {what}"


def test_the_period_that_has_begun_since_is_no_difference(three: Books) -> None:
    file = three.save()
    for recap in three.world.tables["recaps"].values():
        recap["unbilledPeriods"] = 1
    assert three.apply(file).code == 0


def test_where_no_recap_could_be_read_none_is_asked_for(three: Books) -> None:
    three.break_("GET", "/finance/agreementrecap", lambda request, send: status(403)(request, send))
    file = three.save()
    assert three.apply(file).code == 0


def test_a_company_that_is_deleted_or_renamed(three: Books) -> None:
    stale = refused(three, lambda s: s.world.company("BIRCH").update(deletedFlag=True))
    assert stale == f"{CHANGES[2]}: company BIRCH (id 2) is deleted: yes, the plan expected no"
    three.world.company("BIRCH")["deletedFlag"] = False
    stale = refused(three, lambda s: s.world.company("ALDER").update(identifier="ALDER2"))
    assert f"{CHANGES[1]}: company ALDER2 (id 1) is called ALDER2, the plan expected ALDER" in stale


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        (
            {"effectiveDate": NEXT_YEAR},
            "effectiveDate of line #1 is 2027-01-01, the plan expected 2025-01-01",
        ),
        ({"unitPrice": 5.0}, "unitPrice of line #1 is 5, the plan expected 4"),
        ({"lessIncluded": 2.0}, "lessIncluded of line #1 is 2, the plan expected 0"),
        ({"billCustomer": "NoCharge"}, "billCustomer of line #1 is NoCharge, the plan expected Billable"),
        ({"cancelledDate": NEXT_YEAR}, "cancelledDate of line #1 is 2027-01-01, the plan expected not set"),
        ({"serialNumber": "Unite"}, "serialNumber of line #1 is Unite, the plan expected not set"),
        ({"taxableFlag": True}, "taxableFlag of line #1 is True, the plan expected False"),
        ({"quantity": 21.0}, "quantity of line #1 is 21, the plan expected 20"),
    ],
)
def test_a_line_that_is_another_by_now(three: Books, fields: dict[str, Any], what: str) -> None:
    stale = refused(three, lambda s: s.world.addition(1).update(fields))
    assert stale == f"{CHANGES[2]}: {what}"


LATER = "2026-11-27T11:30:00Z"


@pytest.mark.parametrize("number", [1, 2], ids=["more", "ends"])
@pytest.mark.parametrize(
    "fields",
    [{}, {"invoiceDescription": "as agreed"}, {"unitCost": 2.5}],
    ids=["the same number again", "its text", "its cost"],
)
def test_a_line_that_a_person_wrote_since_is_theirs_though_no_number_differs(
    three: Books, fields: dict[str, Any], number: int
) -> None:
    """Who wrote it last, and when, is said: they had the last word, and have seen what the plan has not."""
    hand = {"updatedBy": "jane", "lastUpdated": LATER}
    stale = refused(three, lambda s: s.world.addition(number).update(fields, _info=hand))
    written = f"line #{number} was written by jane at {LATER}, after the plan was made (until then by {{}}"
    assert stale.startswith(f"{CHANGES[number + 1]}: {written.format('apirec at 2026-11-01T08:00:00Z')}")


def test_a_person_s_word_counts_again_however_often_they_had_it_before(three: Books) -> None:
    """Also where the plan knew of a person's hand and an approval let it in: this one came later."""
    for when in ("2026-10-01T08:00:00Z", LATER):
        three.world.addition(1)["_info"] = {"updatedBy": "jane", "lastUpdated": when}
        if when != LATER:
            file = three.save()
    (one,) = three.apply(file).json["stale"]
    assert one["what"].endswith("after the plan was made (until then by jane at 2026-10-01T08:00:00Z)")


@pytest.mark.parametrize("fields", [{}, {"quantity": 22.0}, {"unitCost": 2.5}])
def test_what_our_own_member_wrote_since_is_compared_value_by_value(
    three: Books, fields: dict[str, Any]
) -> None:
    file = three.save()
    info = {"updatedBy": " APIREC ", "lastUpdated": LATER}
    three.world.addition(1).update(fields, _info=info)
    assert three.apply(file).code == 0
    assert three.world.addition(1)["quantity"] == 22


def test_a_number_that_a_person_wrote_as_the_plan_wants_it_is_done(three: Books) -> None:
    file = three.save()
    hand = {"updatedBy": "jane", "lastUpdated": LATER}
    three.world.addition(1).update({"quantity": 22.0, "_info": hand})
    applied = three.apply(file)
    assert (applied.code, results(applied)[CHANGES[2]]) == (0, "already ok")
    assert three.world.addition(1)["_info"] == hand


def test_a_plan_that_was_cut_short_goes_on_and_a_line_that_a_person_took_back_since_stops_it(
    three: Books,
) -> None:
    """The same file, applied again after a part of it: what this tool wrote itself is no reason to stop."""
    file = three.save()
    three.break_("PATCH", "/finance/agreements/3/additions/2", _stop)
    assert three.apply(file).code == 4
    three.mend()
    written = dict(three.world.addition(1))
    assert written["quantity"] == 22
    hand = {"updatedBy": "jane", "lastUpdated": "2026-11-27T12:30:00Z"}
    three.world.addition(1).update(quantity=20.0, _info=hand)
    (one,) = three.apply(file).json["stale"]
    assert one["what"].startswith("line #1 was written by jane at 2026-11-27T12:30:00Z")
    assert three.world.addition(2).get("cancelledDate") is None
    three.world.addition(1).update(written)
    assert three.apply(file).code == 0
    assert three.world.addition(2)["cancelledDate"]


def test_a_person_who_writes_between_the_look_and_the_write_is_not_overwritten(three: Books) -> None:
    file = three.save()
    hand = {"updatedBy": "jane", "lastUpdated": LATER}
    late = first(lambda: three.world.addition(1).update(_info=hand))
    three.break_("GET", "/finance/agreements/2/additions/1", late, times=1)
    applied = three.apply(file)
    assert (applied.code, results(applied)[CHANGES[2]]) == (4, "failed")
    assert f"line #1 was written by jane at {LATER}" in message(applied, CHANGES[2])
    assert (three.world.addition(1)["quantity"], three.world.addition(1)["_info"]) == (20, hand)


def test_a_second_line_of_the_product_that_somebody_added(three: Books) -> None:
    stale = refused(three, lambda s: s.line(2, "MSP-EP", 5, by="anna"))
    what = "line #3 of MSP-EP on agreement #2 has 5 units now, the plan expected no such line"
    assert stale == f"{CHANGES[2]}: {what}: its seats may be billed twice"


def test_a_fixed_line_beside_it_that_changed(three: Books) -> None:
    three.rows["Birch"] = three.rows["Birch"].replace(
        "sync: true", "sync: true, lines: {MSP-EP: {line: 1, fixed: [3]}}"
    )
    three.line(2, "MSP-EP", 5)
    three.live()
    file = three.save()
    three.world.addition(3)["quantity"] = 6.0
    (one,) = three.apply(file).json["stale"]
    assert "line #3 of MSP-EP on agreement #2 has 6 units now, the plan expected 5" in one["what"]


def test_a_firewall_s_line_that_names_another_serial(tmp_path: Path) -> None:
    """Where the server keeps no serial number it stands in the text alone."""
    books = Books(tmp_path, quirks={"addition-serial": "derived"})
    books.customer("Alder")
    for month, units in (((2026, 10), 1), ((2026, 11), 2)):
        books.world.add_usage_line(month, "Alder", "EP-MSP", units, accountNumberOrSerialNumber="C0123")
    books.line(1, "MSP-EP", 1, invoiceDescription="Firewall C0123")
    books.live("lines: {MSP-EP: {perSerial: true}}\n")
    stale = refused(books, lambda s: s.world.addition(1).update(invoiceDescription="Firewall C0999"))
    assert "line #1 does not name firewall C0123 any more" in stale


def test_what_the_same_plan_does_to_the_product_is_no_difference_whether_it_is_done_or_not(
    tmp_path: Path,
) -> None:
    books = Books(tmp_path)
    books.customer("Alder", ep=(None, 10, 12))
    books.item("MSP-EP")["notes"] = "of Jane"
    books.mapped["EP-MSP"] = "{product: MSP-ENDPOINT, sync: true}"
    books.live("products: {MSP-ENDPOINT: {renamedFrom: MSP-EP, price: 5.00}}\n")
    file = books.save()
    for half_done in (
        {},
        {"notes": "of Jane\n[sophos:main EP-MSP]"},
        {"identifier": "MSP-ENDPOINT"},
    ):
        books.item(books.world.tables["catalog"][1]["identifier"]).update(half_done)
        books.break_("PATCH", "/catalog/1", _stop)
        assert books.apply(file).code == 4, "nothing is stale; its writes are refused here"
        books.mend()
    assert books.apply(file).code == 0
    assert [(line["quantity"], line["unitPrice"]) for line in books.world.additions_of(1)] == [(12, 5)]


async def _stop(request: Any, send: Any) -> Any:
    return await status(400)(request, send)


def test_the_old_line_of_a_move_rests_on_its_own_agreement(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.customer("Alder", ep=(10, 10, 10), more=", movedFrom: {agreement: {id: 1}}")
    new = books.world.add_agreement("ALDER", "New")["id"]
    books.rows["Alder"] = books.rows["Alder"].replace("agreement: Managed", "agreement: New", 1)
    books.live()
    assert books.plan().ids == [move(1, "MSP-EP", "line/1"), move(new, "MSP-EP")]
    stale = refused(books, lambda s: s.world.agreement(1)["currency"].update(currencyCode="USD"))
    assert stale == f"{move(1, 'MSP-EP', 'line/1')}: agreement #1 is in USD, the plan expected EUR"


def test_records_stand_in_a_plan_once(three: Books) -> None:
    three.customer("Dogwood", ep=(10, 10, 12), sv=(3, 3, 4))
    data = three.live().plan().json["restsOn"]
    assert set(data["agreements"]) == {"1", "2", "3", "5"}
    assert data["agreements"]["5"] == {
        "billTo": "DOGWOOD", "billingStart": "2025-01-01", "company": 5, "currency": "EUR",
        "cycle": "Monthly", "name": "Managed", "nextInvoice": "2026-12-01", "periodType": "Current",
        "start": "2025-01-01", "type": "Managed Security",
    }  # fmt: skip
    assert data["companies"]["5"] == {"identifier": "DOGWOOD"}
    assert data["products"] == {
        "1": {"class": "Agreement", "codes": "EP-MSP", "identifier": "MSP-EP", "price": "4"},
        "2": {"class": "Agreement", "codes": "SV-MSP", "identifier": "MSP-SV", "price": "6.5"},
    }
    assert data["recaps"] == {number: {"unbilledPeriods": 0} for number in ("1", "2", "3", "5")}

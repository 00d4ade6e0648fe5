"""Taking a run back: apply, roll back, apply that, and everything stands as before, or it is said why not."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.plan_text import sealed
from tests.flows_usage.books import Books, results, update, updates
from tests.flows_usage.journals import journal_of, newest, oldest, rolled_back, told
from tests.flows_usage.line_flows import additions, create, lines, with_new_product
from tests.support import COMPLETE, TODAY, lost_after, lost_before

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support import Planned

ALWAYS = ["rollback-then-sync"]
HAND = "2026-11-27T11:00:00Z"


CLOSED: dict[str, Any] = {
    "month": "2026-11",
    "title": "November 2026",
    "firstDay": "2026-10-26",
    "lastDay": "2026-11-25",
    "closed": True,
}
NEW_LINE: dict[str, Any] = {
    "id": create(1, "MSP-EP"),
    "action": "create_line",
    "target": {"type": "line", "identifier": "MSP-EP", "id": None, "agreement": 1, "part": None},
    "cause": None,
    "reason": "",
    "fields": [
        {"field": name, "before": None, "after": after}
        for name, after in (
            ("quantity", "1"),
            ("unitPrice", "1.00"),
            ("billCustomer", "Billable"),
            ("effectiveDate", "2026-12-01"),
        )
    ],
    "write": "agreement/1/product/MSP-EP/new",
    "dependsOn": [],
    "blockedBy": [],
    "precondition": {
        "id": None,
        "identifier": "MSP-EP",
        "mappedOn": [],
        "line": {
            "values": {},
            "written": None,
            "nextInvoice": "2026-12-01",
            "agreement": 1,
            "product": None,
            "company": None,
            "recap": None,
            "clearOf": {
                "agreements": [1],
                "products": [1],
                "codes": [],
                "beside": {},
                "companies": [],
                "over": [],
            },
        },
    },
    "source": None,
    "money": None,
}


def state(books: Books) -> dict[str, Any]:
    """Products and lines as the server keeps them, without who wrote them when."""
    kept: dict[str, Any] = {}
    for table in ("catalog", "additions"):
        for row in deepcopy(list(books.world.rows(table))):
            row.pop("_info", None)
            kept[f"{table} {row['id']}"] = {name: value for name, value in row.items() if value is not None}
    return kept


def said(planned: Planned, code: str) -> str:
    """The messages of one code."""
    return " | ".join(one["message"] for one in planned.json["diagnostics"] if one["code"] == code)


# --- as before


def test_what_a_run_changed_is_as_before(books: Books) -> None:
    books.product("em")
    books.customer("Alder", ep=(10, 10, 12), sv=(3, 3, 3))
    books.customer("Birch", ep=(20, 20, 18), em=(5, 5, 7))
    row = books.mapped["EM-MSP"]
    books.mapped["EM-MSP"] = row.replace("sync: true", "sync: false")
    books.live(
        "products:\n  MSP-EP: {price: 4.50, vendorSku: SKU-2, taxableFlag: true}\n"
        "lines:\n  MSP-EP: {always: {unitPrice: 4.25}, included: 2}\n"
    )
    before = state(books)
    assert books.apply().code == 0
    assert state(books) != before
    planned, file = rolled_back(books)
    assert (planned.code, planned.codes) == (0, ALWAYS)
    assert planned.json["period"] is None
    assert planned.json["rollbackOf"]["run"] in newest(books).name
    assert planned.json["summary"]["changes"] == 4
    shown = books.run("show", str(file)).out
    assert "Rollback of run" in shown
    assert "This plan changes invoices by" in shown
    applied = books.apply(file)
    assert (applied.code, set(results(applied).values())) == (0, {"applied"})
    assert state(books) == before
    assert rolled_back(books, oldest(books))[0].changes == [], "it is as before already"
    again, _ = rolled_back(books)
    assert len(again.changes) == 4, "a rollback has a journal too"


def test_after_a_rollback_the_next_sync_follows_the_yaml(busy: Books) -> None:
    busy.apply()
    planned, file = rolled_back(busy)
    assert "follows the YAML" in said(planned, "rollback-then-sync")
    busy.apply(file)
    assert len(updates(busy.plan())) == 3


def test_a_mapping_that_moved_moves_back(books: Books) -> None:
    books.world.add_catalog_item("MSP-NEW", price=1.0)
    books.mapped["EP-MSP"] = "{product: MSP-NEW, sync: true}"
    books.live()
    assert books.apply().code == 0
    planned, file = rolled_back(books)
    assert planned.short == ["unmap MSP-NEW EP-MSP", "map MSP-EP EP-MSP"]
    (mapping,) = [one for one in planned.changes if one["action"] == "map_product"]
    assert mapping["dependsOn"] == ["product/MSP-NEW"]
    assert books.apply(file).code == 0
    assert books.notes("MSP-EP") == "[sophos:main EP-MSP]"
    assert books.notes("MSP-NEW") == "[sophos:main EP-MSP (former)]"


def test_sync_that_was_turned_is_turned_back(books: Books) -> None:
    books.mapped["EP-MSP"] = "{product: MSP-EP, sync: false}"
    books.live()
    books.apply()
    assert books.notes("MSP-EP") == "[sophos:main EP-MSP (sync off)]"
    planned, file = rolled_back(books)
    assert planned.short == ["enable MSP-EP EP-MSP"]
    books.apply(file)
    assert books.notes("MSP-EP") == "[sophos:main EP-MSP]"


def test_a_rename_is_taken_back_before_its_lines(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.mapped["EP-MSP"] = "{product: MSP-EPX, sync: true}"
    books.live("products:\n  MSP-EPX: {renamedFrom: MSP-EP, price: 5.00}\n")
    before = state(books)
    assert books.apply().code == 0
    assert books.quantity(1) == 12
    planned, file = rolled_back(books)
    assert planned.fields("edit_product:product/MSP-EP")["identifier"] == ("MSP-EPX", "MSP-EP")
    assert updates(planned) == [update(1, "MSP-EP")]
    assert books.apply(file).code == 0
    after = state(books)
    assert after["catalog 1"] == before["catalog 1"]
    assert books.quantity(1) == 10


# --- lines that were created, ended and moved


def test_a_created_line_ends_before_its_first_day(books: Books) -> None:
    books.customer("Alder", ep=(None, 10, 12))
    books.live().apply()
    planned, file = rolled_back(books)
    assert planned.ids == ["end_line:agreement/1/product/MSP-EP/line/1"]
    assert planned.changes[0]["money"]["delta"] == "-48.00"
    assert books.apply(file).code == 0
    (line,) = lines(books)
    assert (line["quantity"], line["cancelledDate"], line["effectiveDate"]) == (
        0,
        "2026-12-01T00:00:00Z",
        "2026-12-01T00:00:00Z",
    )


def test_a_created_line_that_was_invoiced_ends_before_the_next_invoice(books: Books) -> None:
    books.customer("Alder", ep=(None, 10, 12))
    books.live().apply()
    books.world.find("agreements", id=1)["nextInvoiceDate"] = "2027-01-01T00:00:00Z"
    books.today = TODAY.replace(month=12, day=5)
    planned, file = rolled_back(books)
    assert planned.fields("end_line:agreement/1/product/MSP-EP/line/1") == {
        "cancelledDate": (None, "2026-12-31")
    }
    assert "line #1 of MSP-EP on agreement #1 (2026-12-01)" in said(planned, "rollback-invoiced")
    assert books.apply(file).code == 0, "no newer month is asked about"
    assert lines(books)[0]["quantity"] == 12


def test_a_created_line_of_a_lost_answer_is_found(books: Books) -> None:
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch")
    books.live()
    books.break_("POST", additions(1), lost_after)
    books.break_("GET", additions(1), lost_before, skip=2)
    assert set(results(books.apply()).values()) == {"unsure"}
    books.mend()
    planned, _ = rolled_back(books)
    assert planned.ids == ["end_line:agreement/1/product/MSP-EP/line/1"]
    books.line(1, "MSP-EP", 12, effectiveDate="2026-12-01T00:00:00Z")
    planned, _ = rolled_back(books)
    assert (planned.code, planned.ids) == (4, [])
    assert "#1, #2 begin on 2026-12-01" in said(planned, "rollback-impossible")


def test_an_ended_line_is_not_opened_again_and_that_is_said(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12), more=", ended: 2026-11-30")
    books.live().apply()
    assert lines(books)[0]["cancelledDate"] is not None
    planned, _ = rolled_back(books)
    assert (planned.code, planned.ids) == (4, [])
    assert "line #1 of MSP-EP on agreement #1 was ended by the run" in said(planned, "rollback-line-ended")


def test_a_move_stays_because_half_of_it_would_bill_nobody(books: Books) -> None:
    books.world.add_catalog_item("MSP-NEW", price=5.0, cost=2.0)
    books.customer("Alder", ep=(10, 10, 12))
    books.mapped["EP-MSP"] = "{product: MSP-NEW, sync: true}"
    books.live("products:\n  MSP-NEW: {replaces: [MSP-EP]}\n")
    assert books.apply().code == 0
    before = [dict(line) for line in lines(books)]
    planned, file = rolled_back(books)
    assert planned.code == 4
    assert planned.short == ["unmap MSP-NEW EP-MSP", "map MSP-EP EP-MSP"]
    assert "line #2 of MSP-NEW" in said(planned, "rollback-line-moved")
    assert "line #1 of MSP-EP" in said(planned, "rollback-line-ended")
    stay = said(planned, "rollback-moves-stay")
    assert "1 moved line of the run stays where the run put it" in stay
    assert "takes mappings back and moves no line" in stay
    assert books.apply(file).code == 4
    assert [dict(line) for line in lines(books)] == before


def test_a_created_product_stays_without_its_codes(books: Books) -> None:
    with_new_product(books).apply()
    planned, file = rolled_back(books)
    assert planned.ids == [
        "end_line:agreement/1/product/MSP-EM/line/1",
        "unmap_product:product/MSP-EM/code/EM-MSP",
    ]
    assert planned.code == 0
    assert "MSP-EM (id 3) was created by the run and stays" in said(planned, "rollback-product-stays")
    assert books.apply(file).code == 0
    assert books.notes("MSP-EM") == "[sophos:main EM-MSP (former)]"


# --- somebody was there since


def edited(books: Books) -> Books:
    """A run that changed three values of a product, and a line each of two customers."""
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(20, 20, 18))
    books.live("products:\n  MSP-EP: {price: 4.50, vendorSku: SKU-2}\n").apply()
    return books


def test_a_value_that_somebody_changed_is_left_and_said(books: Books) -> None:
    edited(books)
    books.item("MSP-EP").update(price=6.0, _info=books.world.info("jdoe", HAND))
    planned, file = rolled_back(books)
    assert planned.code == 4
    assert planned.fields("edit_product:product/MSP-EP") == {"vendorSku": ("SKU-2", None)}
    told_ = said(planned, "rollback-changed-since")
    assert "MSP-EP: price is 6.00, and the run wrote 4.50" in told_
    assert "last written by jdoe on 2026-11-27" in told_
    books.apply(file)
    assert books.item("MSP-EP")["price"] == 6.0


@pytest.mark.parametrize(
    ("meanwhile", "what"),
    [
        (
            {"product": {"id": 2, "identifier": "MSP-SV"}},
            "line #1 of MSP-SV on agreement #1: it is of MSP-SV now",
        ),
        ({"quantity": 15.0}, "line #1 of MSP-EP on agreement #1: quantity is 15, and the run wrote 12"),
        (
            {"cancelledDate": "2026-11-20T00:00:00Z"},
            "line #1 of MSP-EP on agreement #1: it ends on 2026-11-20",
        ),
    ],
)
def test_a_line_that_somebody_changed_is_left_and_said(
    books: Books, meanwhile: dict[str, Any], what: str
) -> None:
    edited(books)
    books.world.addition(1).update(**meanwhile, _info=books.world.info("jdoe", HAND))
    planned, file = rolled_back(books)
    assert planned.code == 4
    assert updates(planned) == [update(2, "MSP-EP")]
    assert what in said(planned, "rollback-changed-since")
    assert "last written by jdoe on 2026-11-27" in said(planned, "rollback-changed-since")
    books.apply(file)
    assert (books.quantity(1), books.quantity(2)) == (meanwhile.get("quantity", 12.0), 20)


def test_part_of_a_line_is_nobody_s_word(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.live("lines:\n  MSP-EP: {included: 2}\n").apply()
    books.world.addition(1)["lessIncluded"] = 5.0
    planned, _ = rolled_back(books)
    assert (planned.code, planned.ids) == (4, [])
    assert "lessIncluded is 5, and the run wrote 2" in said(planned, "rollback-changed-since")


def test_a_created_line_that_somebody_changed_is_left(books: Books) -> None:
    books.customer("Alder", ep=(None, 10, 12))
    books.live().apply()
    books.world.addition(1)["unitPrice"] = 3.0
    planned, _ = rolled_back(books)
    assert (planned.code, planned.ids) == (4, [])
    assert "unitPrice is 3, and the run wrote 4.00" in said(planned, "rollback-changed-since")


def test_a_code_that_is_elsewhere_by_now_does_not_come_back(books: Books) -> None:
    books.world.add_catalog_item("MSP-OTHER", price=1.0)
    books.mapped.pop("EP-MSP")
    books.live().apply()
    books.item("MSP-OTHER").update(notes="[sophos:main EP-MSP]", _info=books.world.info("jdoe", HAND))
    planned, _ = rolled_back(books)
    assert (planned.code, planned.ids) == (4, [])
    assert "EP-MSP is mapped to MSP-OTHER (id 3) now" in said(planned, "rollback-changed-since")


def test_a_code_that_was_on_two_products_comes_back_to_both(books: Books) -> None:
    books.world.add_catalog_item("MSP-TOO", price=1.0, notes="[sophos:main EP-MSP]")
    books.live().apply()
    assert "former" in books.notes("MSP-TOO")
    planned, file = rolled_back(books)
    assert planned.short == ["map MSP-TOO EP-MSP"]
    assert planned.changes[0]["precondition"]["mappedOn"] == [1]
    assert books.apply(file).code == 0
    assert books.notes("MSP-TOO") == "[sophos:main EP-MSP]"


@pytest.mark.parametrize(
    ("meanwhile", "code", "what"),
    [
        (
            lambda b: b.item("MSP-EP").update(notes="[sophos:main OTHER]"),
            "rollback-changed-since",
            "not mapped",
        ),
        (
            lambda b: b.item("MSP-EP").update(notes="[sophos:main EP-MSP (sync off)] [sophos:lab X]"),
            "rollback-changed-since",
            "its tag was changed by somebody else",
        ),
        (
            lambda b: b.item("MSP-EP").update(inactiveFlag=True),
            "rollback-impossible",
            "EP-MSP: the product is inactive",
        ),
        (lambda b: b.world.tables["catalog"].pop(1), "rollback-gone", "MSP-EP (id 1) is no longer"),
    ],
)
def test_what_stands_in_the_way_of_a_mapping_is_said(
    books: Books, meanwhile: Callable[[Books], Any], code: str, what: str
) -> None:
    books.mapped["EP-MSP"] = "{product: MSP-EP, sync: false}"
    books.live().apply()
    meanwhile(books)
    planned, _ = rolled_back(books)
    assert (planned.code, planned.ids) == (4, [])
    assert what in said(planned, code)


@pytest.mark.parametrize(
    ("meanwhile", "code", "what"),
    [
        (lambda b: b.world.tables["additions"].pop(1), "rollback-gone", "line #1 is no longer there"),
        (lambda b: b.world.tables["agreements"].pop(1), "rollback-gone", "agreement #1 is no longer"),
        (
            lambda b: b.world.find("agreements", id=1).update(nextInvoiceDate="2026-08-01T00:00:00Z"),
            "rollback-impossible",
            "periods are not invoiced yet",
        ),
        (
            lambda b: b.world.find("agreements", id=1).update(
                endDate="2026-11-28T00:00:00Z", noEndingDateFlag=False
            ),
            "rollback-impossible",
            "not in force on 2026-12-01",
        ),
    ],
)
def test_what_stands_in_the_way_of_a_line_is_said(
    books: Books, meanwhile: Callable[[Books], Any], code: str, what: str
) -> None:
    edited(books)
    meanwhile(books)
    planned, file = rolled_back(books)
    assert planned.code == 4
    assert what in said(planned, code)
    assert updates(planned) == [update(2, "MSP-EP")]
    assert set(results(books.apply(file)).values()) == {"applied"}


def test_texts_that_a_journal_does_not_keep_are_said(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.live("lines:\n  MSP-EP: {always: {invoiceDescription: Seats}}\n").apply()
    planned, file = rolled_back(books)
    assert planned.code == 4
    assert planned.fields(update(1, "MSP-EP")) == {"quantity": ("12", "10")}
    assert "the run changed invoiceDescription" in said(planned, "rollback-not-recorded")
    books.apply(file)
    assert books.world.addition(1)["invoiceDescription"] == "Seats"


def test_what_cannot_be_cleared_stays(books: Books) -> None:
    books.item("MSP-EP").pop("customerDescription", None)
    books.live("products:\n  MSP-EP: {" + COMPLETE + "}\n").apply()
    planned, file = rolled_back(books)
    refused = said(planned, "rollback-impossible")
    assert "fields/customerDescription: it cannot be cleared" in refused
    assert books.apply(file).code == 4
    assert books.item("MSP-EP")["customerDescription"] == "Made up per month"


# --- runs that did not end well, and other places


def test_a_run_that_was_cut_off_is_taken_back_as_far_as_it_went(busy: Books) -> None:
    busy.apply()
    path = journal_of(busy)
    content = path.read_bytes()
    whole = [at for at, row in enumerate(told(path)) if row.startswith("about-to-write")]
    path.write_bytes(b"\n".join(content.split(b"\n")[: whole[1] + 1]) + b'\n{"type":"outc')
    planned, _ = rolled_back(busy, path)
    assert len(updates(planned)) == 2
    assert "of 1 of its changes it is not known" in said(planned, "rollback-unfinished")
    assert planned.code == 0


def test_what_was_not_written_after_all_needs_nothing(busy: Books) -> None:
    busy.break_("PATCH", additions(2, 3), lost_before)
    busy.apply()
    busy.mend()
    planned, _ = rolled_back(busy)
    assert sorted(updates(planned)) == [update(1, "MSP-EP"), update(3, "MSP-SV")]


def test_a_rollback_reads_only_what_is_in_the_journal(busy: Books) -> None:
    busy.apply()
    busy.forget()
    rolled_back(busy)
    assert busy.asked("sophos") == []
    assert busy.patches == []
    assert len(busy.asked("connectwise")) <= 5


def test_another_site_is_refused(busy: Books) -> None:
    busy.apply()
    busy.environ["CONNECTWISE_URL"] = "http://localhost:1"
    busy.forget()
    said_ = busy.run("rollback", str(journal_of(busy)))
    assert (said_.code, "another-instance" in said_.err) == (1, True)
    assert [one for one in busy.asked("connectwise") if "finance" in one or "catalog" in one] == []


def test_somebody_between_the_rollback_and_its_apply_makes_it_stale(busy: Books) -> None:
    busy.apply()
    _, file = rolled_back(busy)
    busy.world.addition(1)["quantity"] = 13.0
    busy.forget()
    applied = busy.apply(file)
    assert (applied.code, busy.patches) == (5, [])


@pytest.mark.parametrize(
    ("damage", "what"),
    [
        (lambda d: d.update(period={**CLOSED}), "a rollback is of no month"),
        (lambda d: d["rollbackOf"].update(started="yesterday"), "rollbackOf/started"),
        (lambda d: d["changes"].append(NEW_LINE), "a rollback creates and moves nothing"),
        (lambda d: d.update(rollbackOf=None), "lines are written from a closed month only"),
    ],
)
def test_a_rollback_that_was_edited_and_signed_again_is_refused(
    busy: Books, damage: Callable[[dict[str, Any]], None], what: str
) -> None:
    busy.apply()
    _, file = rolled_back(busy)
    data = json.loads(file.read_text(encoding="utf-8"))
    damage(data)
    file.write_text("".join(sealed(data)), encoding="utf-8")
    said_ = busy.apply_text(file)
    assert (said_.code, "plan-unreadable" in said_.err) == (1, True)
    assert what in said_.err


def test_the_totals_of_a_rollback_are_those_of_its_lines(books: Books) -> None:
    """Lines that the run did not touch are not read: their money is in no sum."""
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(20, 20, 20))
    books.live().apply()
    (journal,) = (books.root / "journal").iterdir()
    text = books.run("rollback", str(journal)).out
    assert "The lines of this rollback alone, per month, before tax" in text
    assert "48.00 → 40.00" in text
    assert "All lines" not in text
    assert "Unchanged:" not in text

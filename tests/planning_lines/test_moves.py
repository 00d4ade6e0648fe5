"""One line takes over the seats of another: the old one ends the day before, and never are both billed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.change import Action, Change, Target
from reconciler.model.field_change import FieldChange
from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, expect

if TYPE_CHECKING:
    from reconciler.model.observed import UsageMonth
    from tests.planning_lines.books import Planned

OCTOBER = NOVEMBER.previous()
MORE = bill("tenant | code | units\nAlpha | EP | 22")
CUSTOMERS = ALPHA[ALPHA.index("customers:") :]
NEW = "mappings:\n  EP: {product: MSP-NEW, sync: true}\n" + CUSTOMERS
FORMER = {"MSP-OLD": "[sophos:main EP (former)]"}
OLD_LINE = "id | product | qty\n11 | MSP-OLD | 20"
MOVED = ["line 11 cancelledDate None→2026-11-30", "new MSP-NEW on 1: 22 × 4.50 from 2026-12-01"]


def moved(books: Books, **changed: Any) -> Any:
    return books.plan(**{"yaml": NEW, "bill": MORE, "others": FORMER, "lines": OLD_LINE, **changed})


def test_a_code_that_moved_takes_its_line_along(books: Books) -> None:
    """As after a run that was killed between the mapping and the lines: only the tag remembers the code."""
    planned = moved(books)
    expect(planned, "Alpha MSP-NEW no line moved 20→22 90.00→99.00 EUR")
    assert planned.writes == MOVED
    old, new = planned.plan.changes
    assert (old.action, new.action) == (Action.MOVE_LINE, Action.MOVE_LINE)
    assert (old.id, new.id) == (
        "move_line:agreement/1/product/MSP-OLD/line/11",
        "move_line:agreement/1/product/MSP-NEW",
    )
    assert old.write in new.depends_on, "the new line starts only once the old one ends"
    assert (old.money, new.money is not None) == (None, True), "one figure of money"
    assert "not billed by this plan" not in planned.reason, "the old line bills until then"
    (row,) = planned.plan.lines
    assert [(one.product, one.line_id) for one in row.takes_over] == [("MSP-OLD", 11)]


def test_a_code_that_this_plan_moves_takes_its_line_along_behind_the_mapping(books: Books) -> None:
    unmap = Change(
        id="unmap_product:product/MSP-OLD/code/EP",
        action=Action.UNMAP_PRODUCT,
        target=Target("MSP-OLD", 501),
        reason="r",
        fields=(FieldChange("sophos/EP", "sync on", None),),
        write="product/MSP-OLD",
    )
    mapping = Change(
        id="map_product:product/MSP-NEW/code/EP",
        action=Action.MAP_PRODUCT,
        target=Target("MSP-NEW", 101),
        reason="r",
        fields=(FieldChange("sophos/EP", None, "sync on"),),
        write="product/MSP-NEW",
        depends_on=("product/MSP-OLD",),
    )
    planned = moved(
        books,
        others={"MSP-OLD": "[sophos:main EP]"},
        notes={"MSP-NEW": ""},
        product_changes=(unmap, mapping),
    )
    assert planned.writes == MOVED
    old, new = planned.plan.changes
    assert set(old.depends_on) == {"product/MSP-OLD", "product/MSP-NEW"}
    assert set(new.depends_on) == {old.write, "product/MSP-NEW"}
    pending = moved(books, others={"MSP-OLD": "[sophos:main EP]"}, notes={"MSP-NEW": ""})
    assert pending.writes == [], "with usage alone, the mapping comes first"
    assert "product change pending" in pending.reason


def test_a_replaced_product_ends_where_its_successor_starts(books: Books) -> None:
    planned = moved(
        books,
        others={"MSP-OLD": "no tag at all"},
        yaml="products: {MSP-NEW: {replaces: [MSP-OLD]}}\n" + NEW,
    )
    assert planned.writes == MOVED


def test_without_tag_and_without_a_word_another_product_is_none_of_our_business(books: Books) -> None:
    lines = OLD_LINE.replace("| qty", "| qty | by").replace("| 20", "| 20 | jane")
    planned = moved(books, others={"MSP-OLD": "no tag at all"}, lines=lines)
    assert planned.writes == ["new MSP-NEW on 1: 22 × 4.50 from 2026-12-01"]
    assert 11 not in planned.accounts


def test_a_line_that_we_wrote_is_found_without_its_product_s_tag(books: Books) -> None:
    """Somebody cleaned the notes up, and then the code moved: nothing new is created beside the line."""
    planned = moved(books, others={"MSP-OLD": "no tag at all"})
    assert planned.writes == []
    assert planned.accounts == {11: "waits"}
    assert "line #11 of MSP-OLD (20): we wrote it" in planned.reason
    assert "`MSP-NEW: {replaces: [MSP-OLD]}`" in planned.reason


def test_seats_pass_to_a_line_that_is_there_already(books: Books) -> None:
    lines = OLD_LINE + "\n12 | MSP-NEW | 2"
    planned = moved(books, lines=lines)
    expect(planned, "Alpha MSP-NEW #12 more 2→22 99.00→99.00 EUR")
    assert planned.writes == ["line 11 cancelledDate None→2026-11-30", "line 12 quantity 2→22"]
    assert "takes over #11 of MSP-OLD (20)" in planned.reason
    end, more = planned.plan.changes
    assert end.write in more.depends_on


@pytest.mark.parametrize("free", ["20 | NoCharge | 4.50", "20 | DoNotBill | 4.50", "20 | Billable | 0"])
def test_units_that_were_free_are_not_billed_because_their_product_changed(books: Books, free: str) -> None:
    head = "id | product | qty | bills | price\n"
    for lines in (f"11 | MSP-OLD | {free}", f"11 | MSP-OLD | {free}\n12 | MSP-NEW | 2"):
        asked = moved(books, lines=head + lines)
        assert asked.writes == []
        assert "#11 of MSP-OLD" in asked.reason
        assert "bills nothing, and the line that takes over would" in asked.reason
    said = NEW.replace(
        "agreement: Managed", "agreement: Managed, lines: {MSP-NEW: {whenNew: {billCustomer: X}}}"
    )
    for word, per_unit in (("Billable", "4.50"), ("NoCharge", "4.50")):
        written = moved(books, lines=f"{head}11 | MSP-OLD | {free}", yaml=said.replace("X", word))
        assert written.writes == [
            "line 11 cancelledDate None→2026-11-30",
            f"new MSP-NEW on 1: 22 × {per_unit} from 2026-12-01",
        ]


def test_a_line_that_has_its_quantity_already_takes_over_all_the_same(books: Books) -> None:
    planned = moved(books, lines=OLD_LINE + "\n12 | MSP-NEW | 22")
    expect(planned, "Alpha MSP-NEW #12 moved 22→22 189.00→99.00 EUR")
    assert planned.writes == ["line 11 cancelledDate None→2026-11-30"]


def test_a_product_that_keeps_other_codes_shrinks_first(books: Books) -> None:
    """EP moves from MSP-ALL to MSP-NEW; MSP-ALL keeps MAIL, and its line loses EP's 20 units."""
    yaml = (
        "mappings:\n  EP: {product: MSP-NEW, sync: true}\n  MAIL: {product: MSP-ALL, sync: true}\n"
        + CUSTOMERS
    )
    usage = bill("tenant | code | units\nAlpha | EP | 3\nAlpha | MAIL | 6")
    planned = books.plan(
        yaml=yaml,
        bill=usage,
        last=bill("tenant | code | units\nAlpha | EP | 3\nAlpha | MAIL | 6", OCTOBER),
        notes={"MSP-ALL": "[sophos:main EP (former), MAIL]"},
        lines="id | product | qty\n11 | MSP-ALL | 9",
    )
    expect(
        planned,
        """
        Alpha MSP-ALL #11 less 9→6 40.50→27.00 EUR
        Alpha MSP-NEW no line new line ?→3 0.00→13.50 EUR
        """,
    )
    less, new = planned.plan.changes
    assert less.write in new.depends_on
    held = books.plan(
        yaml=yaml,
        bill=usage,
        last=bill("tenant | code | units\nAlpha | EP | 3\nAlpha | MAIL | 6", OCTOBER),
        notes={"MSP-ALL": "[sophos:main EP (former), MAIL]"},
        lines="id | product | qty | by\n11 | MSP-ALL | 12 | jane",
    )
    assert held.writes == [], "what loses the seats waits, and so must what gains them"
    assert "its seats may still be on line #11 of MSP-ALL (12 → 6)" in held.plan.lines[1].reason


# --- overrides


EDU = ALPHA + "    overrides: {EP: {product: MSP-EDU}}\n"
EDU = EDU.replace(
    "  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true}\n",
    "  <Alpha>:\n    name: Alpha\n    company: ALPHA\n    agreement: Managed\n    sync: true\n",
)


def test_an_override_that_is_added_moves_the_customers_line(books: Books) -> None:
    planned = books.plan(yaml=EDU, bill=MORE)
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "new MSP-EDU on 1: 22 × 4.50 from 2026-12-01",
    ]


def test_an_override_that_is_dropped_moves_it_back(books: Books) -> None:
    planned = books.plan(
        bill=MORE,
        others={"MSP-EDU": "[sophos:main EP (former)]"},
        lines="id | product | qty\n11 | MSP-EDU | 20",
    )
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "new MSP-EP on 1: 22 × 4.50 from 2026-12-01",
    ]


# --- other agreements

TWO = agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Old")
ON_OLD = "id | on | qty | price | by\n21 | 2 | 20 | 3.90 | {by}"
FROM_OLD = ALPHA.replace("agreement: Managed", "agreement: Managed, movedFrom: {agreement: Old}")


@pytest.mark.parametrize("by", ["apirec", "jane"], ids=["ours", "in step"])
def test_a_customer_that_moves_keeps_its_price(books: Books, by: str) -> None:
    planned = books.plan(yaml=FROM_OLD, bill=MORE, agreements=TWO, lines=ON_OLD.format(by=by))
    expect(planned, "Alpha MSP-EP no line moved 20→22 78.00→85.80 EUR")
    assert planned.writes == [
        "line 21 cancelledDate None→2026-11-30",
        "new MSP-EP on 1: 22 × 3.90 from 2026-12-01",
    ]
    assert "price from line #21" in planned.reason


def test_our_own_line_on_an_agreement_that_no_row_names_any_more_moves_along(books: Books) -> None:
    planned = books.plan(bill=MORE, agreements=TWO, lines=ON_OLD.format(by="apirec"))
    assert planned.states == ["Alpha MSP-EP moved"]


def test_somebody_elses_line_of_the_same_product_blocks_a_creation(books: Books) -> None:
    planned = books.plan(bill=MORE, agreements=TWO, lines=ON_OLD.format(by="jane"))
    assert planned.writes == []
    assert 'line #21 of MSP-EP (20) on #2 "Old"' in planned.reason
    assert "say `movedFrom`" in planned.reason
    assert "a new line of MSP-EP would bill them twice" in planned.reason


@pytest.mark.parametrize(("here", "there"), [("", "1"), ("2", "")], ids=["on a child", "on the parent"])
def test_a_twin_on_the_parent_or_a_child_blocks_a_creation(books: Books, here: str, there: str) -> None:
    planned = books.plan(
        bill=MORE,
        agreements=agreements(
            f"id | company | name | parent\n1 | ALPHA | Managed | {here}\n2 | ALPHA | Branch | {there}"
        ),
        lines=ON_OLD.format(by="apirec"),
        yaml=ALPHA.replace("agreement: Managed", "agreement: {id: 1}"),
    )
    assert planned.writes == []
    assert "line #21 of MSP-EP (20)" in planned.reason


def test_agreements_of_different_invoice_days_are_not_joined_by_guessing(books: Books) -> None:
    other = agreements("id | company | name | next\n1 | ALPHA | Managed |\n2 | ALPHA | Old | 2026-12-15")
    planned = books.plan(yaml=FROM_OLD, bill=MORE, agreements=other, lines=ON_OLD.format(by="apirec"))
    assert planned.writes == []
    assert "another next invoice (#2 on 2026-12-15; this one on 2026-12-01)" in planned.reason


def test_a_customer_whose_sync_is_off_keeps_its_lines(books: Books) -> None:
    """Beta is of the same company and not synced: its line on the other agreement is not Alpha's.

    That it is Beta's is said by its number, or by Beta's row; otherwise it is a question.
    """
    beta = "  <Beta>: {{name: Beta, company: ALPHA, nameDiffers: true, agreement: Old{}}}\n"
    theirs = bill("tenant | code | units\nAlpha | EP | 22\nBeta | EP | 20")
    named = beta.format(", lines: {MSP-EP: {line: 21}}")
    for usage, row in ((theirs, beta.format("")), (MORE, named)):
        planned = _with_beta(books, row, usage)
        assert planned.writes == ["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"]
    for row in (beta.format(""), beta.format(", openLines: keep")):
        planned = _with_beta(books, row, MORE)
        assert planned.writes == []
        assert "line #21 of MSP-EP (20)" in planned.reason
        assert "say `lines: {MSP-EP: {line: 21}}` in the row of Beta" in planned.reason
        assert "say `movedFrom: {agreement: {id: 2}}`" in planned.reason
    moved = ALPHA.replace("agreement: Managed,", "agreement: Managed, movedFrom: {agreement: {id: 2}},")
    assert len(_with_beta(books, beta.format(""), MORE, moved).writes) == 2


def _with_beta(books: Books, row: str, usage: UsageMonth, alpha: str = ALPHA) -> Planned:
    lines, tenants = ON_OLD.format(by="apirec"), "tenant\nAlpha\nBeta"
    return books.plan(yaml=alpha + row, bill=usage, agreements=TWO, lines=lines, tenants=tenants)


# --- what may not end unasked


@pytest.mark.parametrize(
    ("qty", "by", "allowed"),
    [("20", "jane", True), ("18", "jane", False), ("18", "apirec", True)],
    ids=["in step", "by hand", "ours"],
)
def test_a_number_that_somebody_set_is_asked_about(books: Books, qty: str, by: str, allowed: bool) -> None:
    lines = f"id | product | qty | by\n11 | MSP-OLD | {qty} | {by}"
    planned = moved(books, lines=lines)
    assert bool(planned.writes) is allowed
    if not allowed:
        row = "{customer: ALPHA, product: MSP-OLD, from: 18, upTo: 0, given: 2026-11-27, reason: …, until: …}"
        assert row in planned.reason
        assert "last month's bill gives 20" in planned.reason
        answer = "approvals:\n  - " + row.replace("…", "r", 1).replace("…", "2026-12-05")
        approved = moved(books, lines=lines, yaml=NEW + answer)
        assert approved.writes == MOVED
        assert approved.codes == []


def test_a_day_that_somebody_set_is_never_moved(books: Books) -> None:
    planned = moved(books, lines="id | product | qty | to\n11 | MSP-OLD | 20 | 2027-03-31")
    assert planned.writes == []
    assert "somebody ends it on 2027-03-31" in planned.reason


def test_a_protected_product_loses_no_line(books: Books) -> None:
    planned = moved(books, yaml=NEW + "protected: [MSP-OLD]\n")
    assert planned.writes == []
    assert "MSP-OLD is protected" in planned.reason


def test_far_fewer_seats_on_the_new_line_are_withheld(books: Books) -> None:
    """That its price changes was reviewed; that it loses seats was not."""
    few = bill("tenant | code | units\nAlpha | EP | 2")
    planned = moved(books, bill=few)
    expect(planned, "Alpha MSP-NEW no line withheld 20→2 90.00→9.00 EUR")
    assert planned.writes == [], "neither half is written"


def test_an_unattended_run_moves_nothing_unasked(books: Books) -> None:
    planned = moved(books, unattended=True)
    assert planned.states == ["Alpha MSP-NEW withheld"]
    assert planned.writes == []
    create = SETTINGS.replace("mode: live", "mode: live, newLines: create")
    for stands in (2, 22):
        lines = OLD_LINE + f"\n12 | MSP-NEW | {stands}"
        to_a_line = moved(books, unattended=True, lines=lines)
        assert to_a_line.writes == [], "nor to a line that is there"
        assert "seats move to it, and nobody reads this plan" in to_a_line.reason
        let_in = moved(books, unattended=True, lines=lines, settings=create)
        assert let_in.writes[0] == "line 11 cancelledDate None→2026-11-30"


def test_an_unattended_run_never_prints_an_approval_that_cannot_be_written(books: Books) -> None:
    """One that lets a number stay is refused by the configuration."""
    raised = books.plan(yaml=FOLLOW + ALPHA, fields=RAISED, unattended=True)
    assert raised.writes == []
    assert "approvals" not in raised.reason
    assert "price 4.50 → 4.75 (linePrice: follow)" in raised.reason
    assert "Apply a plan that a person has read" in raised.reason


def test_a_line_that_has_not_begun_ends_on_its_own_first_day_and_without_units(books: Books) -> None:
    """ConnectWise may bill a line once that ends on the day it begins."""
    planned = moved(books, lines="id | product | qty | from\n11 | MSP-OLD | 20 | 2026-12-01")
    assert planned.writes[0] == "line 11 cancelledDate None→2026-12-01, quantity 20→0"


def test_a_line_that_never_bills_is_no_line(books: Books) -> None:
    ended = (
        "id | product | qty | from | to\n11 | MSP-OLD | 0 | 2026-12-01 | 2026-12-01\n12 | MSP-NEW | 22 | |"
    )
    assert moved(books, lines=ended).writes == []


# --- prices that follow

FOLLOW = "products: {MSP-EP: {price: 4.75, linePrice: follow}}\n"
RAISED = {"MSP-EP": {"price": Decimal("4.75")}}


def test_a_price_is_raised_by_a_pair_of_lines(books: Books) -> None:
    planned = books.plan(yaml=FOLLOW + ALPHA, fields=RAISED)
    expect(planned, "Alpha MSP-EP no line moved 20→20 90.00→95.00 EUR")
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "new MSP-EP on 1: 20 × 4.75 from 2026-12-01",
    ]
    assert "price 4.50 → 4.75 (linePrice: follow)" in planned.reason


def test_a_price_that_differs_in_its_third_place_is_raised_as_well(books: Books) -> None:
    follow = FOLLOW.replace("4.75", "4.5012")
    planned = books.plan(yaml=follow + ALPHA, fields={"MSP-EP": {"price": Decimal("4.5012")}})
    assert planned.writes[1] == "new MSP-EP on 1: 20 × 4.5012 from 2026-12-01"
    assert "price 4.50 → 4.5012 (linePrice: follow)" in planned.reason


@pytest.mark.parametrize("free", ["20 | NoCharge | 4.50", "20 | Billable | 0"])
def test_a_line_that_bills_nothing_follows_no_price(books: Books, free: str) -> None:
    lines = "id | qty | bills | price\n11 | " + free
    assert books.plan(yaml=FOLLOW + ALPHA, fields=RAISED, lines=lines).writes == []


def test_a_line_of_a_quarterly_invoice_follows_no_price_of_an_unknown_time(books: Books) -> None:
    quarterly = agreements("id | company | next | cycle\n1 | ALPHA | 2027-01-01 | Quarterly")
    terms = "lines: {MSP-EP: {take: last}}\n"
    asked = books.plan(yaml=FOLLOW + ALPHA + terms, fields=RAISED, agreements=quarterly)
    assert asked.writes == []
    assert "which covers 3 months here" in asked.reason


def test_a_price_that_is_not_to_follow_stays(books: Books) -> None:
    assert books.plan(yaml="products: {MSP-EP: {price: 4.75}}\n" + ALPHA, fields=RAISED).writes == []
    own = ALPHA.replace(
        "agreement: Managed", "agreement: Managed, lines: {MSP-EP: {whenNew: {unitPrice: 4.50}}}"
    )
    assert books.plan(yaml=FOLLOW + own, fields=RAISED).writes == []


def test_a_changed_catalog_price_names_the_lines_that_keep_theirs(books: Books) -> None:
    edit = Change(
        id="edit_product:product/MSP-EP",
        action=Action.EDIT_PRODUCT,
        target=Target("MSP-EP", 101),
        reason="r",
        fields=(FieldChange("price", "4.50", "4.75"),),
        write="product/MSP-EP",
    )
    planned = books.plan(product_changes=(edit,))
    assert "1 open line of the mapped customers, 20 units, keep" in planned.said("price-kept")
    assert "1 × 4.50 EUR" in planned.said("price-kept")
    fine = books.plan(product_changes=(edit,), lines="id | qty | price\n11 | 20 | 0.0375")
    assert "1 × 0.0375 EUR" in fine.said("price-kept")
    automatic = books.plan(product_changes=(edit,), fields={"MSP-EP": {"autoUpdateUnitPriceFlag": True}})
    assert "may reprice 1 open line" in automatic.said("price-reprices-lines")
    assert "up to +5.00 EUR" in automatic.said("price-reprices-lines")
    new = books.plan(product_changes=(edit,), lines="", bill=MORE)
    assert new.writes == ["new MSP-EP on 1: 22 × 4.75 from 2026-12-01"], "a new line has the new price"
    assert new.plan.changes[0].depends_on == ("product/MSP-EP",)


# --- codes that are mapped nowhere any more

GONE = {"MSP-OLD": "[sophos:main OLD (former)]"}
BESIDE = "id | product | qty | by\n11 | MSP-EP | 20 | apirec\n12 | MSP-OLD | 7 | {by}"


def test_lines_of_unmapped_codes_stay_and_are_said(books: Books) -> None:
    planned = books.plan(others=GONE, lines=BESIDE.format(by="apirec"))
    assert planned.writes == []
    assert planned.accounts[12] == "left (onUnmap: keep)"
    assert "OLD is mapped nowhere any more" in planned.apart(12)


def test_each_code_of_a_line_that_stays_has_its_own_reason(books: Books) -> None:
    rows = "mappings:\n  EP: {product: MSP-EP, sync: false}\n  AID: {product: MSP-EP, sync: false}\n"
    pilot = ALPHA.replace("mappings:\n  EP: {product: MSP-EP, sync: true}\n", rows).replace(
        "agreement: Managed", "agreement: Managed, overrides: {AID: {exclude: a pilot}}"
    )
    notes = {"MSP-EP": "[sophos:main AID (sync off), EP (sync off)]"}
    pilot += "lines: {MSP-EP: {count: sum}}\n"
    asked = books.plan(yaml=pilot, notes=notes)
    assert asked.accounts[11] == "waits"
    assert "AID is excluded for Alpha: a pilot, and it bills on" in asked.apart(11)
    off = books.plan(yaml=pilot.replace(", overrides: {AID: {exclude: a pilot}}", ""), notes=notes)
    assert off.accounts[11] == "left (sync: false)"
    assert "usage sync is off for AID" in off.apart(11)
    lost = books.plan(yaml=ALPHA.replace("agreement: Managed", "agreement: Manged"))
    assert lost.accounts[11] == "waits"
    assert "no agreement could be chosen for Alpha" in lost.apart(11)


def test_on_unmap_end_asks_and_then_ends_them(books: Books) -> None:
    settings = SETTINGS.replace("mode: live", "mode: live, onUnmap: end")
    asked = books.plan(others=GONE, lines=BESIDE.format(by="apirec"), settings=settings)
    assert asked.rows[-1] == "Alpha MSP-OLD #12 withheld 7→0 31.50→0.00 EUR"
    answer = (
        "approvals: [{customer: ALPHA, product: MSP-OLD, from: 7, upTo: 0, given: 2026-11-27, "
        "reason: r, until: 2026-12-05}]"
    )
    for by in ("apirec", "jane"):
        approved = books.plan(others=GONE, lines=BESIDE.format(by=by), settings=settings, yaml=ALPHA + answer)
        assert approved.writes == ["line 12 cancelledDate None→2026-11-30"], by
    by_hand = books.plan(others=GONE, lines=BESIDE.format(by="jane"), settings=settings)
    assert "set by jane" in by_hand.plan.lines[-1].reason
    assert by_hand.writes == []


# --- a customer that has left


def test_a_customer_that_has_left_ends_line_by_line(books: Books) -> None:
    yaml = ALPHA.replace("agreement: Managed", "ended: 2026-11-30, agreement: Managed")
    planned = books.plan(yaml=yaml, bill=MORE)
    expect(planned, "Alpha MSP-EP #11 ends 20→0 90.00→0.00 EUR")
    assert planned.writes == ["line 11 cancelledDate None→2026-11-30"], (
        "its own word, and no guard asks again"
    )
    (change,) = planned.plan.changes
    assert change.id == "end_line:agreement/1/product/MSP-EP"
    later = books.plan(yaml=yaml.replace("2026-11-30", "2026-12-31"), bill=MORE)
    assert later.writes == ["line 11 quantity 20→22"], "until then it is billed"
    done = books.plan(yaml=yaml, bill=MORE, lines="id | qty | to\n11 | 20 | 2026-11-30")
    assert (done.rows, done.writes) == ([], [])


def test_a_day_after_the_end_that_somebody_set_stays(books: Books) -> None:
    yaml = ALPHA.replace("agreement: Managed", "ended: 2026-11-30, agreement: Managed")
    planned = books.plan(yaml=yaml, lines="id | qty | to\n11 | 20 | 2026-12-31")
    assert planned.writes == []
    assert "ends on 2026-12-31 already" in planned.reason


def test_a_customer_that_comes_back_gets_a_new_line(books: Books) -> None:
    left = {"bill": MORE, "lines": "id | qty | to | price\n11 | 20 | 2026-10-31 | 3.90"}
    asked = books.plan(**left)
    assert (asked.states, asked.writes) == (["Alpha MSP-EP needs a decision"], [])
    again = books.plan(**left, yaml=ALPHA.replace("agreement: M", "restart: [11], agreement: M"))
    assert again.writes == ["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"]


def test_a_move_that_died_between_its_halves_is_finished_at_the_same_price(books: Books) -> None:
    planned = books.plan(
        yaml=FROM_OLD,
        bill=MORE,
        agreements=TWO,
        lines="id | on | qty | price | to\n21 | 2 | 20 | 3.90 | 2026-11-30",
    )
    assert planned.writes == ["new MSP-EP on 1: 22 × 3.90 from 2026-12-01"]
    assert "not billed by this plan" not in planned.reason, "line #21 bills November"


def test_a_price_that_was_half_raised_is_raised(books: Books) -> None:
    planned = books.plan(yaml=FOLLOW + ALPHA, fields=RAISED, lines="id | qty | to\n11 | 20 | 2026-11-30")
    assert planned.writes == ["new MSP-EP on 1: 20 × 4.75 from 2026-12-01"]


def test_a_line_on_a_child_never_ends_for_its_parents_unasked(books: Books) -> None:
    family = agreements("id | company | name | parent\n1 | ALPHA | Managed |\n2 | ALPHA | Branch | 1")
    planned = moved(books, agreements=family, lines="id | on | product | qty\n11 | 2 | MSP-OLD | 20")
    assert planned.writes == []
    assert "line #11 of MSP-OLD (20) on #2" in planned.reason
    told = NEW.replace("agreement: Managed", "agreement: Managed, movedFrom: {agreement: Branch}")
    said = moved(books, yaml=told, agreements=family, lines="id | on | product | qty\n11 | 2 | MSP-OLD | 20")
    assert len(said.writes) == 2


def test_an_end_needs_an_invoice_to_end_before(books: Books) -> None:
    yaml = ALPHA.replace("agreement: Managed", "ended: 2026-11-20, agreement: Managed")
    planned = books.plan(yaml=yaml, agreements=agreements("id | company | next\n1 | ALPHA | none"))
    assert (planned.states, planned.writes) == (["Alpha MSP-EP needs a decision"], [])
    assert "it is not known from which invoice on" in planned.reason


def test_a_protected_customer_never_ends(books: Books) -> None:
    yaml = ALPHA.replace("agreement: Managed", "ended: 2026-11-30, agreement: Managed")
    planned = books.plan(yaml=yaml + "protected: [customer/ALPHA]\n")
    assert planned.writes == []
    assert "customer/ALPHA is protected" in planned.reason

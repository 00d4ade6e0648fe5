"""What is said of lines besides their quantities, and never written."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from decimal import Decimal

import pytest

from reconciler.model.billing import Recap
from reconciler.model.change import Action, Change, Target
from reconciler.model.diagnostics import Severity
from reconciler.model.field_change import FieldChange
from reconciler.model.months import Month
from reconciler.planning.usage.notes import usage_notes
from tests.planning_lines.books import ALPHA, NOVEMBER, Books, agreements, bill

MORE = bill("tenant | code | units\nAlpha | EP | 25")
DECEMBER = Month(2026, 12)
#: ADD is mapped to MSP-EP in the same plan.
MAPS_ADD = Change(
    id="map_product:product/MSP-EP/code/ADD",
    action=Action.MAP_PRODUCT,
    target=Target("MSP-EP", 101),
    reason="",
    fields=(FieldChange("sophos/ADD", None, "sync on"),),
    write="product/MSP-EP",
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Endpoint protection, 20 users", True),
        ("20x Endpoint", False),
        ("Endpoint 2020", False),
        ("Endpoint 20.5", False),
        ("(20)", True),
        ("Endpoint, 120 users", False),
        ("Up to 20.", True),
        ("", False),
    ],
)
def test_a_text_that_names_the_old_quantity(books: Books, text: str, said: bool) -> None:
    planned = books.plan(bill=MORE, lines=f"id | qty | text\n11 | 20 | {text}")
    assert ("text-has-quantity" in planned.codes) is said
    if said:
        where = "Alpha, Managed (#1), MSP-EP, line #11: the invoice text says 20"
        assert planned.said("text-has-quantity").startswith(where)


def test_seats_that_are_free_at_sophos_and_billed(books: Books) -> None:
    free = bill("tenant | code | units | price\nAlpha | EP | 20 | 0.00")
    assert "billed 90.00 EUR" in books.plan(bill=free).said("free-at-sophos")
    unbilled = books.plan(bill=free, lines="id | qty | bills\n11 | 20 | NoCharge")
    assert "free-at-sophos" not in unbilled.codes


def test_a_line_at_zero_for_two_months_may_be_ended(books: Books) -> None:
    other = bill("tenant | code | units\nAlpha | OTHER | 1")
    planned = books.plan(bill=other, last=other, lines="id | qty\n11 | 0")
    assert "end the line in ConnectWise" in planned.said("zero-for-months")
    once = books.plan(bill=other, lines="id | qty\n11 | 0")
    assert "zero-for-months" not in once.codes


def test_an_invoice_that_was_made_early_leaves_a_difference(books: Books) -> None:
    """Sophos closes on the 25th; the December invoice was made on 1 December, before this run."""
    planned = books.plan(
        bill=MORE,
        today=date(2026, 12, 2),
        agreements=agreements("id | company | next\n1 | ALPHA | 2027-01-01"),
        recaps={1: Recap(1, last_invoice=date(2026, 12, 1), last_amount=Decimal("90.00"))},
    )
    said = planned.said("invoice-exists")
    assert "too late for the invoice of 2026-12-01" in said
    assert "22.50 EUR of it stays to correct" in said
    assert planned.writes == ["line 11 quantity 20→25"]


LATE = {
    "today": date(2026, 12, 28),
    "agreements": agreements("id | company | next\n1 | ALPHA | 2027-01-01"),
    "recaps": {1: Recap(1, last_invoice=date(2026, 12, 1))},
}


def test_a_correction_for_last_month_is_listed_with_its_amount_and_not_written(books: Books) -> None:
    """November was billed as 20 on 1 December; Sophos now says 17 for November, and 21 for December."""
    planned = books.plan(
        bill=bill("tenant | code | units\nAlpha | EP | 21", DECEMBER),
        last=bill("tenant | code | units\nAlpha | EP | 17", NOVEMBER),
        lines="id | qty | written\n11 | 20 | 2026-11-28",
        **LATE,
    )
    assert planned.said("correction-by-hand").startswith(
        "Alpha, Managed (#1), MSP-EP, line #11: the invoice of 2026-12-01 had 20, and Sophos's bill of that "
        "month gives 17 by the rows as they are now (17 = EP 17): -13.50 EUR. Sophos has corrected its bill, "
        "or a row has changed since. It is not written."
    )
    assert planned.diagnostic("correction-by-hand").severity is Severity.WARNING
    assert planned.writes == ["line 11 quantity 20→21"]


@pytest.mark.parametrize(
    ("terms", "notes", "own"),
    [
        ("{blocksOf: 40}", "", r"`blocksOf: 40` \(\S*a.yaml:\d+\)"),
        ("{minimum: 25}", "", r"`minimum: 25` \(\S*a.yaml:\d+\)"),
        ("{maximum: 15}", "", r"`maximum: 15` \(\S*a.yaml:\d+\)"),
        ("{count: sum}", "", r"`count: sum` \(\S*a.yaml:\d+\)"),
        ("{count: sum}", "[sophos:main EP]", "the mapping of ADD, which is new"),
    ],
    ids=["blocks", "minimum", "maximum", "count", "mapping"],
)
def test_a_number_that_the_rows_changed_is_not_laid_at_sophos_door(
    books: Books, terms: str, notes: str, own: str
) -> None:
    """November was billed as 20 on 1 December, Sophos says 20 still, and a row has been changed since."""
    several = "count" in terms
    mapped = "  EP: {product: MSP-EP, sync: true}\n"
    more = mapped + "  ADD: {product: MSP-EP, sync: true}\n" if several else mapped
    added = "\nAlpha | ADD | " + ("4" if notes else "20") if several else ""
    planned = books.plan(
        yaml=ALPHA.replace(mapped, more) + f"lines: {{MSP-EP: {terms}}}\n",
        notes={"MSP-EP": notes} if notes else {},
        product_changes=(MAPS_ADD,) if notes else (),
        bill=bill("tenant | code | units\nAlpha | EP | 21" + added, DECEMBER),
        last=bill("tenant | code | units\nAlpha | EP | 20" + added, NOVEMBER),
        lines="id | qty | written\n11 | 20 | 2026-11-28",
        **LATE,
    )
    said = planned.said("correction-by-hand")
    assert re.search(f"It is 20 without {own}", said), said
    assert "the rows have changed since, and not Sophos's bill" in said
    assert planned.diagnostic("correction-by-hand").severity is Severity.NOTICE


@pytest.mark.parametrize(
    ("units", "line"),
    [
        ("20", "11 | 20 | 2026-11-28 | apirec"),  # as billed
        ("17", "11 | 21 | 2026-12-27 | apirec"),  # already written for December
        ("17", "11 | 20 | 2026-11-28 | jane"),  # a person's number: asked about as such
    ],
)
def test_what_is_no_correction(books: Books, units: str, line: str) -> None:
    planned = books.plan(
        bill=bill("tenant | code | units\nAlpha | EP | 21", DECEMBER),
        last=bill(f"tenant | code | units\nAlpha | EP | {units}", NOVEMBER),
        lines=f"id | qty | written | by\n{line}",
        **LATE,
    )
    assert "correction-by-hand" not in planned.codes


@pytest.mark.parametrize(("until", "said"), [("2026-12-27", True), ("2026-12-28", False)])
def test_thirty_days_ahead_an_end_is_said(books: Books, until: str, said: bool) -> None:
    yaml = ALPHA.replace("customers:", f"  X: {{exclude: Included elsewhere, until: {until}}}\ncustomers:")
    assert ("ends-soon" in books.plan(yaml=yaml).codes) is said


@pytest.mark.parametrize(("until", "noted"), [("2026-11-26", ["unmapped NEW 7"]), ("2026-11-27", [])])
def test_usage_of_an_exclusion_that_has_ended_is_listed_as_unmapped(
    books: Books, until: str, noted: list[str]
) -> None:
    row = f"agreement: Managed, overrides: {{NEW: {{exclude: Pilot, until: {until}}}}}"
    own = ALPHA.replace("agreement: Managed", row)
    used = replace(books, yaml=own, bill=bill("tenant | code | units\nAlpha | NEW | 7"))
    desired = used.desired()
    notes = usage_notes(desired, used.bill, used.observed(desired), used.today)
    assert [f"{note.kind} {note.code} {note.quantity}" for note in notes] == noted

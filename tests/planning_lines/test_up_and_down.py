"""Quantities that move: up, down, several times, not at all, to zero and back."""

from __future__ import annotations

from decimal import Decimal

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, customers, expect

OCTOBER = NOVEMBER.previous()


@pytest.mark.parametrize(
    ("units", "row", "write"),
    [
        ("25", "Alpha MSP-EP #11 more 20→25 90.00→112.50 EUR", "line 11 quantity 20→25"),
        ("17", "Alpha MSP-EP #11 less 20→17 90.00→76.50 EUR", "line 11 quantity 20→17"),
        ("20", "Alpha MSP-EP #11 unchanged 20→20 90.00→90.00 EUR", None),
    ],
    ids=["up", "down", "same"],
)
def test_up_and_down_for_a_whole_month(books: Books, units: str, row: str, write: str | None) -> None:
    planned = books.plan(bill=bill(f"tenant | code | units\nAlpha | EP | {units}"))
    expect(planned, row)
    assert planned.writes == ([write] if write else [])
    assert planned.codes == []


def test_a_change_says_line_quantity_reason_money_and_place(books: Books) -> None:
    planned = books.plan(bill=bill("tenant | code | units\nAlpha | EP | 25"))
    (change,) = planned.plan.changes
    assert change.id == "update_line:agreement/1/product/MSP-EP"
    assert change.write == "agreement/1/line/11"
    assert (change.target.id, change.target.agreement, change.expected_identifier) == (11, 1, "MSP-EP")
    assert change.reason == "Alpha: 25 = EP 25"
    assert change.money is not None
    assert change.money.delta == Decimal("22.50")
    assert change.source is not None
    assert (change.source.file.endswith("a.yaml"), change.source.line) == (True, 8)
    (row,) = planned.plan.lines
    assert row.key == change.id.removeprefix("update_line:")
    assert row.cost is not None
    assert (row.cost.before, row.cost.after) == (Decimal(40), Decimal(50))
    assert (row.feed, str(row.first_invoice)) == ({"USD": Decimal("50.00")}, "2026-12-01")


def test_several_changes_in_one_month_are_the_sum_of_windows_that_overlap(books: Books) -> None:
    planned = books.plan(
        bill=bill(
            """
            tenant | code | units | from       | to
            Alpha  | EP   | 20    | 2026-10-26 | 2026-11-25
            Alpha  | EP   | 3     | 2026-11-10 | 2026-11-25
            Alpha  | EP   | 1     | 2026-11-20 | 2026-11-25
            """
        )
    )
    expect(planned, "Alpha MSP-EP #11 more 20→24 90.00→108.00 EUR")


def test_somebody_has_already_written_the_same_units(books: Books) -> None:
    """Not last month's number and not ours, yet the right one: nothing to do, nothing to ask."""
    planned = books.plan(
        bill=bill("tenant | code | units\nAlpha | EP | 25"), lines="id | qty | by\n11 | 25 | jane"
    )
    expect(planned, "Alpha MSP-EP #11 unchanged 25→25 112.50→112.50 EUR")


ZERO = """
tenant | code  | units
Alpha  | OTHER | 1
"""


@pytest.mark.parametrize(
    ("policy", "row"),
    [
        ("zero", "Alpha MSP-EP #11 to zero 4→0 18.00→0.00 EUR"),
        ("keep", "Alpha MSP-EP #11 not counted 4→4 18.00→18.00 EUR"),
        ("end", "Alpha MSP-EP #11 ends 4→0 18.00→0.00 EUR"),
    ],
)
def test_a_tenant_on_the_bill_without_the_product_has_no_usage(books: Books, policy: str, row: str) -> None:
    settings = SETTINGS.replace(
        "mode: live", f"mode: live, onZeroUsage: {policy}, guards: {{lineToZero: off}}"
    )
    planned = books.plan(bill=bill(ZERO), lines="id | qty\n11 | 4", settings=settings)
    expect(planned, row)
    written = {"zero": ["line 11 quantity 4→0"], "end": ["line 11 cancelledDate None→2026-11-30"]}
    assert planned.writes == written.get(policy, [])


def test_a_zero_is_withheld_until_an_approval_names_it(books: Books) -> None:
    withheld = books.plan(bill=bill(ZERO), lines="id | qty\n11 | 4")
    expect(withheld, "Alpha MSP-EP #11 withheld 4→0 18.00→0.00 EUR")
    assert (
        "{customer: ALPHA, product: MSP-EP, from: 4, upTo: 0, given: 2026-11-27, reason: …, until: …}"
        in withheld.reason
    )
    approval = (
        "approvals:\n  - {customer: ALPHA, product: MSP-EP, from: 4, upTo: 0, given: 2026-11-27, "
        "reason: r, until: 2026-12-05}"
    )
    approved = books.plan(bill=bill(ZERO), lines="id | qty\n11 | 4", yaml=ALPHA + approval)
    expect(approved, "Alpha MSP-EP #11 to zero 4→0 18.00→0.00 EUR")


def test_no_usage_and_no_line_is_not_worth_a_row(books: Books) -> None:
    assert books.plan(bill=bill(ZERO), lines="").rows == []


def test_trial_becomes_monthly(books: Books) -> None:
    """On trial nothing is billed; in the month after, the first bill goes onto the line that stands at 0."""
    trial = books.plan(
        tenants="tenant | type\nAlpha | trial", bill=bill("tenant | code | units\nBeta | EP | 1")
    )
    expect(trial, "Alpha MSP-EP #11 not counted 20→20 90.00→90.00 EUR")
    assert "billed as trial" in trial.said("billed-without-usage")
    assert "90.00 EUR a month" in trial.said("billed-without-usage")
    monthly = books.plan(
        last=bill("tenant | code | units\nBeta | EP | 1", OCTOBER),
        bill=bill("tenant | code | units\nAlpha | EP | 4\nBeta | EP | 1"),
        lines="id | qty\n11 | 0",
    )
    expect(monthly, "Alpha MSP-EP #11 more 0→4 0.00→18.00 EUR")


def test_a_vanished_tenant_that_has_ended_is_not_missed(books: Books) -> None:
    yaml = ALPHA.replace("sync: true}\n", "sync: true, ended: 2026-11-15}\n").replace(
        "MSP-EP, sync: true, ended: 2026-11-15", "MSP-EP, sync: true"
    )
    planned = books.plan(tenants="tenant\nBeta", yaml=yaml, bill=bill("tenant | code | units\nBeta | EP | 1"))
    expect(planned, "Alpha MSP-EP #11 ends 20→0 90.00→0.00 EUR")
    assert planned.writes == ["line 11 cancelledDate None→2026-11-30"]
    assert planned.codes == []


def test_nothing_at_all_on_the_bill_is_no_zero(books: Books) -> None:
    """Listed and active, and not one line on the bill: said with its monthly value, written never."""
    planned = books.plan(
        yaml=ALPHA.replace("customers:\n", customers(["Beta"])),
        bill=bill("tenant | code | units\nBeta | EP | 3"),
        last=bill("tenant | code | units\nBeta | EP | 3", OCTOBER),
        agreements=agreements("id | company\n1 | ALPHA\n2 | BETA"),
        lines="id | on | qty\n11 | 1 | 20\n21 | 2 | 3",
    )
    expect(
        planned,
        """
        Alpha MSP-EP #11 not counted 20→20 90.00→90.00 EUR
        Beta MSP-EP #21 unchanged 3→3 13.50→13.50 EUR
        """,
    )
    assert "90.00 EUR a month" in planned.said("billed-without-usage")


def test_a_returned_tenant_is_asked_about_unless_the_line_is_ours(books: Books) -> None:
    last = bill("tenant | code | units\nBeta | EP | 3", OCTOBER)
    now = bill("tenant | code | units\nAlpha | EP | 22\nBeta | EP | 3")
    ours = books.plan(last=last, bill=now)
    expect(ours, "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR")
    theirs = books.plan(last=last, bill=now, lines="id | qty | by\n11 | 20 | jane")
    expect(theirs, "Alpha MSP-EP #11 needs a decision 20→22 90.00→99.00 EUR")
    assert "20 was set by jane on 2026-10-27" in theirs.reason
    assert "is not known" in theirs.reason


def test_an_upgrade_in_mid_month_puts_both_codes_on_one_bill(books: Books) -> None:
    yaml = """
mappings:
  CIXA-MSP: {product: MSP-EP, sync: true}
  CIXAMTR-ADV-MSP: {product: MSP-MDR, sync: true}
""" + ALPHA[ALPHA.index("customers:") :]
    planned = books.plan(
        yaml=yaml,
        last=bill("tenant | code | units\nAlpha | CIXA-MSP | 40", OCTOBER),
        bill=bill("tenant | code | units\nAlpha | CIXA-MSP | 40\nAlpha | CIXAMTR-ADV-MSP | 40"),
        lines="id | product | qty | price\n11 | MSP-EP | 40 | 4.50\n12 | MSP-MDR | 37 | 1.00",
    )
    expect(
        planned,
        """
        Alpha MSP-EP #11 unchanged 40→40 180.00→180.00 EUR
        Alpha MSP-MDR #12 more 37→40 37.00→40.00 EUR
        """,
    )
    assert "CIXA-MSP 40 + CIXAMTR-ADV-MSP 40 on one bill" in planned.said("two-tiers")

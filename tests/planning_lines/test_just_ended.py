"""A line that ended the day before: whose seats it billed decides what is unbilled, and whose terms go on."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, agreements, bill

if TYPE_CHECKING:
    from reconciler.model.billing import Agreement
    from reconciler.model.lines import PlannedLine
    from tests.planning_lines.books import Books

    Where = tuple[Agreement, ...]

OCTOBER = NOVEMBER.previous()
USAGE = "tenant | code | units\nAlpha | EP | 20"
FORMER = {"MSP-OLD": "[sophos:main EP (former)]"}
OF_TWO = """
mappings:
  EP: {product: MSP-EP, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: {id: 1}, sync: true}
  <Second>: {name: Second, company: SECOND, nameDiffers: true, agreement: {id: 2}, sync: true}
"""
BOTH = "tenant | code | units\nAlpha | EP | 20\nSecond | EP | 20"
THEIRS = agreements("id | company\n1 | ALPHA\n2 | SECOND")
CHILD = agreements("id | company | parent\n1 | ALPHA\n2 | SECOND | 1")
OTHER = agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Other")
LEAVES = """
mappings:
  EP: {product: MSP-EP, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true, overrides: {EP: {product: MSP-EDU}}}
  <Second>: {name: Second, company: ALPHA, nameDiffers: true, agreement: Managed, sync: true}
"""
OF_THREE = """
mappings:
  EP: {product: MSP-ONE, sync: true}
  MAIL: {product: MSP-TWO, sync: true}
  EDR: {product: MSP-THREE, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true}
"""
ONCE = {"MSP-OLD": "[sophos:main EP (former), MAIL (former), EDR (former)]"}
THREE = "tenant | code | units\nAlpha | EP | 20\nAlpha | MAIL | 6\nAlpha | EDR | 5"
NOTHING = Decimal(0)
WHOLE = Decimal("90.00")


def unbilled(row: PlannedLine) -> Decimal:
    """What a new line says that its first day leaves unbilled, in its row and in its reason."""
    assert row.state.value == "new line"
    assert ("not billed by this plan" in row.reason) == (row.not_billed is not None)
    return NOTHING if row.not_billed is None else row.not_billed.amount


@pytest.mark.parametrize(
    ("line", "amount"),
    [
        ("20 | apirec", NOTHING),
        ("7 | apirec", NOTHING),
        ("20 | jane", NOTHING),
        ("7 | jane", WHOLE),
        ("0 | apirec", WHOLE),
    ],
    ids=["ours", "ours at another number", "its number", "a person's at another number", "without units"],
)
def test_only_units_of_these_seats_were_billed_until_now(books: Books, line: str, amount: Decimal) -> None:
    """An earlier run ended the line that it moved; whatever a person ended has the number of the seats."""
    planned = books.plan(
        yaml=ALPHA, bill=bill(USAGE), last=bill(USAGE, OCTOBER), others=FORMER,
        lines=f"id | product | to | qty | by\n11 | MSP-OLD | 2026-11-30 | {line}",
    )  # fmt: skip
    (row,) = planned.plan.lines
    assert unbilled(row) == amount


@pytest.mark.parametrize("runs", ["", ", ended: 2026-11-30"], ids=["ended before", "ends in this plan"])
@pytest.mark.parametrize("where", [THEIRS, CHILD, OTHER], ids=["another", "a child's", "the same company"])
def test_another_customer_s_line_that_ends_hides_nothing(books: Books, where: Where, runs: str) -> None:
    """Its row speaks of its place, whatever its number, and whether it ended before or ends now."""
    yaml = OF_TWO.replace("{id: 2}, sync: true", f"{{id: 2}}, sync: true{runs}")
    if where is OTHER:
        yaml = yaml.replace("company: SECOND", "company: ALPHA")
    planned = books.plan(
        yaml=yaml, agreements=where, bill=bill(USAGE), last=bill(BOTH, OCTOBER),
        lines="id | on | qty | price | to\n11 | 2 | 20 | 3.90 | " + ("" if runs else "2026-11-30"),
    )  # fmt: skip
    row = next(row for row in planned.plan.lines if row.customer == "Alpha")
    assert unbilled(row) == WHOLE
    assert row.price_source == "catalog", "the terms of another customer's line are not this one's"


@pytest.mark.parametrize(
    ("word", "line", "amount", "source"),
    [
        ("{company: SECOND}", "7 | apirec", NOTHING, "line #11"),
        ("{agreement: {id: 2}}", "7 | apirec", NOTHING, "line #11"),
        ("{company: SECOND}", "20 | jane", NOTHING, "line #11"),
        ("{company: SECOND}", "7 | jane", WHOLE, "catalog"),
        ("{company: SECOND}", "0 | apirec", WHOLE, "catalog"),
        ("", "20 | apirec", WHOLE, "catalog"),
    ],
    ids=["ours", "by its agreement", "its number", "a person's", "without units", "nobody says so"],
)
def test_a_move_from_another_company_goes_on_where_it_stopped(
    books: Books, word: str, line: str, amount: Decimal, source: str
) -> None:
    """The run that ended the old line died before it created the new one, which takes its terms over."""
    moved = f"agreement: {{id: 1}}, movedFrom: {word}" if word else "agreement: {id: 1}"
    planned = books.plan(
        yaml=ALPHA.replace("agreement: Managed", moved), agreements=THEIRS, bill=bill(USAGE),
        last=bill(USAGE, OCTOBER),
        lines=f"id | on | price | to | qty | by\n11 | 2 | 3.90 | 2026-11-30 | {line}",
    )  # fmt: skip
    (row,) = planned.plan.lines
    assert unbilled(row) == amount
    assert row.price_source == source


@pytest.mark.parametrize(("units", "amount"), [("20", NOTHING), ("0", WHOLE)])
def test_a_renewed_agreement_billed_what_its_line_had(books: Books, units: str, amount: Decimal) -> None:
    renewed = agreements(
        "id | company | from | to\n1 | ALPHA | 2025-12-01 | 2026-11-30\n2 | ALPHA | 2026-12-01"
    )
    planned = books.plan(
        yaml=ALPHA, agreements=renewed, bill=bill(USAGE), last=bill(USAGE, OCTOBER),
        lines=f"id | on | qty\n11 | 1 | {units}",
    )  # fmt: skip
    (row,) = planned.plan.lines
    assert unbilled(row) == amount


@pytest.mark.parametrize(("serial", "amount"), [("FW-1", NOTHING), ("FW-2", Decimal("4.50"))])
def test_a_firewall_s_line_billed_no_other_firewall(books: Books, serial: str, amount: Decimal) -> None:
    usage = "tenant | code | units | serial\nAlpha | EP | 1 | FW-1"
    back = ALPHA.replace("agreement: Managed", "agreement: Managed, restart: [11]")
    planned = books.plan(
        yaml=back + "lines: {MSP-EP: {perSerial: true}}\n", bill=bill(usage), last=bill(usage, OCTOBER),
        lines=f"id | qty | to | serial\n11 | 1 | 2026-11-30 | {serial}",
    )  # fmt: skip
    (row,) = planned.plan.lines
    assert unbilled(row) == amount


@pytest.mark.parametrize(
    ("stands", "uses", "amount", "said"),
    [
        (29, 20, NOTHING, ""),
        (29, 132, Decimal("504.00"), "November 2026, 112 × 4.50 = 504.00"),
        (14, 132, Decimal("571.50"), "November 2026, 127 × 4.50 = 571.50"),
    ],
    ids=["all of them", "it has grown", "a few of them"],
)
def test_a_line_that_goes_on_hides_the_units_that_it_gives_up(
    books: Books, stands: int, uses: int, amount: Decimal, said: str
) -> None:
    """Second's nine stay where they are; what stood beside them was billed until the new line's first day."""
    before = stands - 9
    planned = books.plan(
        yaml=LEAVES,
        settings=SETTINGS.replace("mode: live", "mode: live, guards: {lineChange: off}"),
        bill=bill(f"tenant | code | units\nAlpha | EP | {uses}\nSecond | EP | 9"),
        last=bill(f"tenant | code | units\nAlpha | EP | {before}\nSecond | EP | 9", OCTOBER),
        lines=f"id | qty\n11 | {stands}",
    )
    row = next(row for row in planned.plan.lines if row.product == "MSP-EDU")
    assert unbilled(row) == amount
    assert said in row.reason
    new = f"new MSP-EDU on 1: {uses} × 4.50 from 2026-12-01"
    assert planned.writes == [new, f"line 11 quantity {stands}→9"]


def test_two_new_lines_share_the_units_that_one_line_gives_up(books: Books) -> None:
    """Both may have been on the line that ends: beside the first one's 20 it billed six units, not eleven."""
    planned = books.plan(
        yaml=OF_THREE, others=ONCE, lines="id | product | qty\n11 | MSP-OLD | 26",
        bill=bill(THREE), last=bill("tenant | code | units\nAlpha | EP | 20\nAlpha | MAIL | 6", OCTOBER),
    )  # fmt: skip
    rows = {row.product: row for row in planned.plan.lines}
    assert sum(row.not_billed.amount for row in rows.values() if row.not_billed) == Decimal("22.50")

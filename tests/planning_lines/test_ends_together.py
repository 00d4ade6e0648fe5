"""A line that ends or has no usage while another one bills the same seats: one figure of money."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from reconciler.planning.plan import make_plan, only_products
from tests.planning_lines.books import (
    ALPHA,
    NOVEMBER,
    SETTINGS,
    TODAY,
    Books,
    agreements,
    bill,
    expect,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.change import Change

OCTOBER = NOVEMBER.previous()
NOTHING = bill("tenant | code | units\nAlpha | OTHER | 1")
NEW = ALPHA.replace("MSP-EP", "MSP-NEW")
LEFT = NEW.replace("agreement: Managed", "agreement: Managed, ended: 2026-11-10")
FORMER = {"MSP-OLD": "[sophos:main EP (former)]"}
TWO = "id | product | qty | from | to\n11 | MSP-OLD | 20 | |\n12 | MSP-NEW | 5 | {} | {}"
END = SETTINGS.replace("live", "live, onZeroUsage: end, guards: {lineToZero: off}")


def money(changes: Iterable[Change]) -> list[tuple[Decimal, Decimal]]:
    return [(c.money.before, c.money.after) for c in changes if c.money is not None]


@pytest.mark.parametrize("why", ["ended", "onZeroUsage"])
def test_lines_that_end_together_are_one_figure_of_money(books: Books, why: str) -> None:
    if why == "ended":
        planned = books.plan(yaml=LEFT, others=FORMER, lines=TWO.format("", ""))
    else:
        planned = books.plan(yaml=NEW, settings=END, bill=NOTHING, others=FORMER, lines=TWO.format("", ""))
    expect(planned, "Alpha MSP-NEW #12 ends 5→0 112.50→0.00 EUR")
    assert money(planned.plan.changes) == [(Decimal("112.50"), Decimal(0))]
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "line 12 cancelledDate None→2026-11-30",
    ]
    assert "with it ends #11 of MSP-OLD (20)" in planned.reason


@pytest.mark.parametrize("product", ["MSP-NEW", "MSP-OLD", "MSP-OLDER"])
def test_lines_that_end_together_stand_together_in_the_part_of_one_product(
    books: Books, product: str
) -> None:
    """`--product`: MSP-NEW's row has the money of both lines, and so both end."""
    older = {**FORMER, "MSP-OLDER": FORMER["MSP-OLD"]}
    lines = "id | product | qty\n11 | MSP-OLD | 20\n12 | MSP-OLDER | 5"
    left = replace(books, yaml=LEFT, others=older, lines=lines)
    desired = left.desired()
    plan = make_plan(
        desired,
        left.observed(desired),
        today=TODAY,
        site="s",
        tool="t",
        config_hash="h",
        month=left.bill,
        previous=left.last,
    )
    part = only_products(plan, [product])
    assert [change.target.id for change in part.changes] == [11, 12]
    assert money(part.changes) == [(Decimal("112.50"), Decimal(0))]


def test_each_of_them_has_a_last_day_of_its_own(books: Books) -> None:
    planned = books.plan(yaml=LEFT, others=FORMER, lines=TWO.format("2026-12-01", ""))
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "line 12 cancelledDate None→2026-12-01, quantity 5→0",
    ]


def test_a_line_that_ends_anyhow_does_not_hide_another_one(books: Books) -> None:
    planned = books.plan(yaml=LEFT, others=FORMER, lines=TWO.format("", "2026-12-31"))
    assert planned.writes == []
    assert "#11 of MSP-OLD bills the same seats: end it in ConnectWise as well" in planned.reason


def test_no_line_is_created_at_zero_for_the_sake_of_its_price(books: Books) -> None:
    """What goes to zero is asked about, and what is protected never does, whatever its price follows."""
    follow = "products: {MSP-EP: {price: 4.75, linePrice: follow}}\n" + ALPHA
    rise = {"MSP-EP": {"price": Decimal("4.75")}}
    books.bill, books.last = NOTHING, bill("tenant | code | units\nAlpha | EP | 4", OCTOBER)
    planned = books.plan(yaml=follow, fields=rise, lines="id | qty\n11 | 4")
    expect(planned, "Alpha MSP-EP #11 withheld 4→0 18.00→0.00 EUR")
    kept = books.plan(yaml=follow + "protected: [MSP-EP]\n", fields=rise, lines="id | qty\n11 | 4")
    assert kept.writes == []
    assert "MSP-EP is protected" in kept.reason
    ends = books.plan(yaml=follow, fields=rise, lines="id | qty\n11 | 4", settings=END)
    assert ends.writes == ["line 11 cancelledDate None→2026-11-30"]


NO_DAY = agreements("id | company | next\n1 | ALPHA | none")


@pytest.mark.parametrize("own", ["20", "none"])
def test_without_an_invoice_to_end_before_no_line_ends(books: Books, own: str) -> None:
    """Neither for a line that has the seats' number already, nor for a customer that has left."""
    lines = "id | product | qty\n11 | MSP-OLD | 20" + (f"\n12 | MSP-NEW | {own}" if own != "none" else "")
    planned = books.plan(yaml=NEW if own != "none" else LEFT, agreements=NO_DAY, others=FORMER, lines=lines)
    assert planned.writes == []
    assert planned.states == ["Alpha MSP-NEW needs a decision"]
    assert "no next invoice date" in planned.reason


def test_what_is_kept_without_usage_keeps_the_old_line_as_well(books: Books) -> None:
    keep = SETTINGS.replace("live", "live, onZeroUsage: keep, guards: {lineToZero: off}")
    planned = books.plan(
        yaml=NEW, settings=keep, bill=NOTHING, others=FORMER, lines="id | product | qty\n11 | MSP-OLD | 20"
    )
    assert planned.states == ["Alpha MSP-NEW not counted"]
    assert planned.writes == []
    assert "#11 of MSP-OLD (20) stays" in planned.reason


@pytest.mark.parametrize(
    ("lines", "answer"),
    [
        ("11 | 2 | 12 | 3.90 | 0\n12 | 3 | 8 | 5.00 | 0", "whenNew: {unitPrice: 4.00}"),
        ("11 | 2 | 12 | 4.50 | 2\n12 | 3 | 8 | 4.50 | 3", "included: 5"),
    ],
    ids=["prices", "included units"],
)
def test_lines_of_other_terms_do_not_become_one_unasked(books: Books, lines: str, answer: str) -> None:
    books.agreements = agreements(
        "id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Old\n3 | ALPHA | Older"
    )
    books.lines = "id | on | qty | price | incl\n" + lines
    asked = books.plan()
    assert asked.writes == []
    assert "#11 (12 × " in asked.reason
    assert answer.split(":")[0] in asked.reason
    said = ALPHA.replace("agreement: Managed", f"agreement: Managed, lines: {{MSP-EP: {{{answer}}}}}")
    assert len(books.plan(yaml=said).writes) == 3

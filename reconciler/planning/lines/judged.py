"""A line as it was judged, and against what."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import LineState
from reconciler.planning.allocation.writers import writer_text
from reconciler.planning.customers.agreements import day_that_counts, invoice_problem
from reconciler.planning.lines.dates import last_day
from reconciler.planning.lines.rows import with_money
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Billing, Line
    from reconciler.model.desired import Customer, Settings
    from reconciler.model.lines import PlannedLine
    from reconciler.model.months import Month
    from reconciler.planning.allocation.allocation import Allocation
    from reconciler.planning.allocation.open_lines import Open, OpenLines
    from reconciler.planning.lines.answers import Answers
    from reconciler.planning.lines.new_lines import NewLine
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.cells import Cell, Place


@dataclass(frozen=True, slots=True)
class Ground:
    """What every line is judged against: `managed` are the places that rows speak of, `usage` the month.

    `closed` is the last day of the month's billing windows, `closed_before` that of the month before where
    its bill is known. `without_company` are the rows that name no company, by the record id of the one that
    is called like their customer.
    """

    billing: Billing
    settings: Settings
    answers: Answers
    open_lines: OpenLines
    allocation: Allocation
    managed: frozenset[Place]
    products: Products
    usage: Month
    today: date
    closed: date
    closed_before: date | None = None
    without_company: Mapping[int, Customer] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """A line's row in the plan, with what it was judged by and what is to be written.

    `expected` is what last month's bill gives under the same rules, None where that is not known. `by_hand`
    says that the line's present quantity is a person's word, `settled` that a row says itself what happens,
    so that no guard of one line asks again. `new` is the line that is created, `ends` are those that end for
    it, or with it. `word` is the word that leaves a line as it is although no number is known for it. A
    `doubled` line is a second one of another, and ends without units.
    """

    row: PlannedLine
    cell: Cell
    line: Line | None = None
    expected: Decimal | None = None
    by_hand: bool = False
    settled: bool = False
    new: NewLine | None = None
    ends: tuple[Open, ...] = ()
    word: str = ""
    doubled: bool = False

    def with_row(self, row: PlannedLine) -> Judged:
        """The same line with another row; quicker than `replace`."""
        return Judged(
            row,
            self.cell,
            self.line,
            self.expected,
            self.by_hand,
            self.settled,
            self.new,
            self.ends,
            self.word,
            self.doubled,
        )


def decide(row: PlannedLine, reason: str) -> PlannedLine:
    """The row of a line that waits for a person."""
    return row.but(state=LineState.NEEDS_DECISION, reason=reason)


def end_line(one: Judged, ground: Ground) -> Judged:
    """The row of a line that ends, so that nothing is billed from its agreement's next invoice on."""
    line, row, agreement = one.line, one.row, one.cell.agreement
    if line is None or agreement is None:
        raise ValueError("only a line can end")
    if line.cancelled is not None:
        return replace(one, row=row.but(reason=f"{row.reason}; the line ends on {line.cancelled} already"))
    problem, remedy = invoice_problem(
        agreement, ground.billing.recaps.get(agreement.id), "last", ground.today
    )
    if problem:
        said = f"{row.reason}, and it is not known from which invoice on: {problem}. {remedy}"
        return replace(one, row=decide(row, said), ends=())
    day = day_that_counts(agreement, ground.today)
    row = row.but(state=LineState.ENDS, ends=last_day(line, day), after=ZERO, included_after=ZERO)
    return replace(one, row=with_money(row, line, line, agreement))


def cannot_be_written(cell: Cell, agreement: Agreement, ground: Ground) -> str:
    """Why nothing may be written to the agreement now, and what to do; nothing where it may."""
    currency = ground.settings.currency
    if currency and agreement.currency and identifier_key(currency) != identifier_key(agreement.currency):
        return f"the agreement is in {agreement.currency}, and settings.currency says {currency}"
    recap = ground.billing.recaps.get(agreement.id)
    problem, remedy = invoice_problem(agreement, recap, cell.terms.take, ground.today)
    return f"{problem}. {remedy}" if problem else ""


def opened_again(line: Line, last: date) -> str:
    """That somebody wrote a line after the day that a row's `ended` names: it may have been opened again."""
    return (
        f"the customer ended on {last}, and line #{line.id} was written by {writer_text(line)}, after "
        f"that day. If it shall end all the same, say `ended: {line.last_updated[:10]}` or end it in "
        "ConnectWise; if the customer is back, take `ended` out"
    )

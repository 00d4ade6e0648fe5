"""The days of agreement lines: when a new one starts, when one ends, and what that leaves unbilled."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from reconciler.model.field_change import FieldChange
from reconciler.model.line_fields import CANCELLED, QUANTITY
from reconciler.model.money import plain
from reconciler.model.months import Month
from reconciler.planning.customers.agreements import day_that_counts, months_of_cycle, shifted

if TYPE_CHECKING:
    from reconciler.model.billing import Agreement, Line, Recap

#: The value of `start` under a customer that asks for the period that runs.
PERIOD_START = "periodStart"


@dataclass(frozen=True)
class Start:
    """The first billed day of a new line, and the reason for it in words."""

    day: date
    reason: str


def start_of_new_line(agreement: Agreement, recap: Recap | None, wish: str | None, today: date) -> Start:
    """The day on which a new line starts: that of the next invoice.

    A customer may wish for the first day of the period that runs. Only an agreement that prorates gives it,
    and only while that period is not invoiced: no date is ever written into an invoiced one.
    """
    day = day_that_counts(agreement, today)
    if wish != PERIOD_START or agreement.next_invoice is None:
        return next_invoice(agreement, today)
    if not agreement.prorate:
        return Start(day, "starts with the next invoice: `start: periodStart` is for agreements that prorate")
    first = shifted(agreement.next_invoice, -months_of_cycle(agreement))
    if recap is None or recap.last_invoice is None:
        return Start(day, f"whether the period from {first} is invoiced is not known; it starts after it")
    if recap.last_invoice >= first:
        return Start(
            day, f"the period from {first} is invoiced already ({recap.last_invoice}); it starts after it"
        )
    return Start(
        max(first, agreement.bill_start or first),
        "starts with the period that runs, which is not invoiced yet and prorates",
    )


def next_invoice(agreement: Agreement, today: date) -> Start:
    """With the next invoice, or where billing starts after it."""
    day = day_that_counts(agreement, today)
    if agreement.next_invoice is not None and day > agreement.next_invoice:
        return Start(day, "starts where the agreement's billing does")
    return Start(day, "starts with the next invoice")


def ending(line: Line, last: date) -> tuple[FieldChange, ...]:
    """What ends a line with this last day.

    One that ends on its own first day has not begun yet. ConnectWise may bill such a line once, and so its
    quantity goes to zero with it.
    """
    before = None if line.cancelled is None else line.cancelled.isoformat()
    found = [FieldChange(CANCELLED.name, before, last.isoformat())]
    if line.effective is not None and last <= line.effective and line.quantity:
        found.append(FieldChange(QUANTITY.name, plain(line.quantity), "0"))
    return tuple(found)


def last_day(line: Line, day: date) -> date:
    """The last day of a line that shall bill nothing from the day on."""
    before = day - timedelta(days=1)
    return before if line.effective is None else max(before, line.effective)


def unbilled_months(usage: Month, start: date) -> tuple[Month, ...]:
    """The months with usage, from the plan's own on, that lie before the month in which a new line starts."""
    found = []
    month = usage
    while month < Month.of(start):
        found.append(month)
        month = month.next()
    return tuple(found)

"""Periods, and what an addition comes to in one of them: the arithmetic behind invoices and recaps.

An agreement that does not prorate bills an addition whole in every period whose first day it is in force on,
and not at all in others. One that does bills the days of the period (cloud.im, 66000488153: price by days
left over days of the period). An addition billed for a first part of a period that is invoiced already is
not made up for on a later invoice: nobody has published how ConnectWise does that.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from reconciler.sandbox.world import Row, World

_MONTHS = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
_WEEKS = {"Weekly": 1, "BiWeekly": 2}
_DAY = timedelta(days=1)
_SMALLEST = [Decimal(1).scaleb(-places) for places in range(5)]


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period by its first day and the first day of the one after it."""

    first: date
    following: date

    @property
    def last(self) -> date:
        return self.following - _DAY

    @property
    def days(self) -> int:
        return (self.following - self.first).days


class Share(NamedTuple):
    """What of an addition a period bills: its units, the days of the period they count for, and the money."""

    quantity: Decimal
    days: int
    amount: Decimal


def day_of(text: str | None) -> date | None:
    """The calendar day of a stored date; None where there is none."""
    return date.fromisoformat(text[:10]) if text else None


def cycle_of(world: World, agreement: Row) -> str:
    """The `billingOptions` of the agreement's cycle ("" without one): Monthly, Quarterly, NotRecurring, …"""
    cycle: Row = agreement.get("billingCycle") or {}
    known: Row = world.tables["billingCycles"].get(cycle.get("id", -1), cycle)
    return str(known.get("billingOptions") or known.get("name") or "")


def anchor_of(agreement: Row, first: date, earlier: int = 0) -> int:
    """The day of the month on which the agreement's periods begin, where a month is long enough.

    The 28th of February may stand for the 31st: the day of the billing start, or the one that the invoice
    before went by (`earlier`), holds as long as `first` agrees with it.
    """
    start = day_of(agreement.get("billStartDate"))
    for wanted in (earlier, start.day if start is not None else 0):
        if wanted and min(wanted, _length(first.year, first.month)) == first.day:
            return wanted
    return first.day


def period_from(first: date, cycle: str, anchor: int) -> Period | None:
    """The period of this cycle that begins on `first`; None for a cycle that does not recur."""
    if cycle in _WEEKS:
        return Period(first, first + timedelta(weeks=_WEEKS[cycle]))
    if cycle not in _MONTHS:
        return None
    month = first.year * 12 + first.month - 1 + _MONTHS[cycle]
    year, number = month // 12, month % 12 + 1
    return Period(first, date(year, number, min(anchor, _length(year, number))))


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def share_of(agreement: Row, addition: Row, period: Period, *, last_day_bills: bool) -> Share | None:
    """What the period bills of an addition; None for one that is not billable or not billed in it.

    `last_day_bills` says whether an addition is billed on its cancelledDate (quirk cancelled-day). Where the
    cancelledDate is the effectiveDate, that one day decides whether it is ever billed.
    """
    if addition["billCustomer"] != "Billable":
        return None
    days = _days(addition, period, last_day_bills=last_day_bills)
    if days < period.days and not agreement.get("prorateFlag"):
        begins = day_of(addition.get("effectiveDate"))
        days = 0 if begins is not None and begins > period.first else days and period.days
    if days == 0:
        return None
    quantity, included, price = (
        Decimal(str(addition.get(name) or 0)) for name in ("quantity", "lessIncluded", "unitPrice")
    )
    units = max(Decimal(0), quantity - included)
    amount = units * price
    if days < period.days:
        amount = amount * days / period.days
    places = (agreement.get("currency") or {}).get("numberOfDecimals", 2)
    return Share(units, days, amount.quantize(_SMALLEST[places], ROUND_HALF_UP))


def _days(addition: Row, period: Period, *, last_day_bills: bool) -> int:
    """How many days of the period the addition is in force on; never below zero."""
    begins, ended = day_of(addition.get("effectiveDate")), day_of(addition.get("cancelledDate"))
    start = period.first if begins is None else max(begins, period.first)
    stop = period.following
    if ended is not None and ended < stop:
        stop = ended + _DAY if last_day_bills else ended
    return max(0, (stop - start).days)


def billed(world: World, agreement: Row, day: date, *, last_day_bills: bool = True) -> float:
    """What the agreement's additions come to in the period that begins on `day`, before tax.

    An agreement that does not recur is looked at on that one day.
    """
    period = period_from(day, cycle_of(world, agreement), anchor_of(agreement, day))
    period = period or Period(day, day + _DAY)
    shares = (
        share_of(agreement, row, period, last_day_bills=last_day_bills)
        for row in world.additions_of(agreement["id"])
    )
    return float(sum((share.amount for share in shares if share is not None), Decimal(0)))

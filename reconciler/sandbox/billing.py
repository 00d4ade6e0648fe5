"""Periods, and what an addition comes to in one of them: the arithmetic behind invoices and recaps.

An agreement that does not prorate bills an addition whole in every period that it is in force in. One that
prorates bills days (cloud.im, 66000488153: price by days left over days of the period), and makes up on its
next invoice for an addition that began inside a period that was invoiced without it (Sync365's knowledge
base, "How prorate works for licenses"). Nothing that was invoiced is ever charged back.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from reconciler.sandbox.world import Row, World

_MONTHS = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
_WEEKS = {"Weekly": 1, "BiWeekly": 2}
_DAY = timedelta(days=1)
_SMALLEST = [Decimal(1).scaleb(-places) for places in range(5)]


@dataclass(frozen=True, slots=True)
class Period:
    """A billing period by its first day and the first day of the one after it.

    `whole` is how many days a full period has here; a first one that the calendar cuts short has fewer.
    """

    first: date
    following: date
    whole: int

    @property
    def last(self) -> date:
        return self.following - _DAY

    @property
    def days(self) -> int:
        return (self.following - self.first).days


@dataclass(frozen=True, slots=True)
class Schedule:
    """How an agreement's periods follow each other: by the calendar, or from its anchor day on.

    By the calendar (`invoicingCycle` CalendarYear) they begin on the first of a month whatever the billing
    start, and quarters in January, April, July and October: the first period may be short.
    """

    cycle: str
    anchor: int
    by_calendar: bool

    def period(self, first: date) -> Period | None:
        """The period that begins on `first`; None for a cycle that does not recur."""
        if self.cycle in _WEEKS:
            weeks = timedelta(weeks=_WEEKS[self.cycle])
            return Period(first, first + weeks, weeks.days)
        if self.cycle not in _MONTHS:
            return None
        if self.by_calendar:
            begins, following = self._calendar(first)
            return Period(first, following, (following - begins).days)
        following = self._anchored(_number(first) + _MONTHS[self.cycle])
        return Period(first, following, (following - first).days)

    def before(self, following: date) -> Period | None:
        """The full period that ends on the day before `following`."""
        if self.cycle in _WEEKS:
            return self.period(following - timedelta(weeks=_WEEKS[self.cycle]))
        if self.cycle not in _MONTHS:
            return None
        if self.by_calendar:
            first = self._calendar(following - _DAY)[0]
        else:
            first = self._anchored(_number(following) - _MONTHS[self.cycle])
        return Period(first, following, (following - first).days)

    def _calendar(self, day: date) -> tuple[date, date]:
        months = _MONTHS[self.cycle]
        number = _number(day) // months * months
        return _first_of(number), _first_of(number + months)

    def _anchored(self, number: int) -> date:
        year, month = number // 12, number % 12 + 1
        return date(year, month, min(self.anchor, _length(year, month)))


@dataclass(frozen=True, slots=True)
class Rules:
    """What the quirks say about invoices.

    `last_day_bills`: an addition is billed on its cancelledDate (cancelled-day). `mid_period_whole`: one that
    begins inside a period is billed whole by an agreement that does not prorate (mid-period-start).
    """

    last_day_bills: bool = True
    mid_period_whole: bool = True

    @classmethod
    def of(cls, quirks: Mapping[str, str]) -> Rules:
        return cls(quirks["cancelled-day"] == "last-billed", quirks["mid-period-start"] == "whole")


class Share(NamedTuple):
    """What of an addition an invoice bills for a period: units, days of so many, and the money.

    `begins` is its first billed day where its start is why it is billed in part.
    """

    period: Period
    quantity: Decimal
    days: int
    of_days: int
    amount: Decimal
    begins: date | None = None


def day_of(text: str | None) -> date | None:
    """The calendar day of a stored date; None where there is none."""
    return date.fromisoformat(text[:10]) if text else None


def cycle_of(world: World, agreement: Row) -> str:
    """The `billingOptions` of the agreement's cycle ("" without one): Monthly, Quarterly, NotRecurring, …"""
    cycle: Row = agreement.get("billingCycle") or {}
    known: Row = world.tables["billingCycles"].get(cycle.get("id", -1), cycle)
    return str(known.get("billingOptions") or known.get("name") or "")


def schedule_of(world: World, agreement: Row, first: date) -> Schedule:
    """The schedule of an agreement one of whose periods begins on `first`."""
    by_calendar = agreement.get("invoicingCycle") != "ContractYear"
    anchor = first.day if by_calendar else _anchor(world, agreement, first)
    return Schedule(cycle_of(world, agreement), anchor, by_calendar)


def _anchor(world: World, agreement: Row, first: date) -> int:
    """The day of the month on which periods begin, where a month is long enough and no calendar rules.

    The 28th of February may stand for the 31st: the day that the invoice before went by, or that of the
    billing start, holds as long as `first` agrees with it.
    """
    made = invoices_of(world, agreement["id"])
    start = day_of(agreement.get("billStartDate"))
    for wanted in (made[-1]["anchorDay"] if made else 0, start.day if start is not None else 0):
        if wanted and min(wanted, _length(first.year, first.month)) == first.day:
            return int(wanted)
    return first.day


def invoices_of(world: World, agreement_id: int) -> list[Row]:
    """The invoices of an agreement that bill a period, in the order they were made."""
    rows = (row for row in world.rows("invoices") if row["agreementId"] == agreement_id)
    return [row for row in rows if row["lastDay"] is not None]


def _number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _first_of(number: int) -> date:
    return date(number // 12, number % 12 + 1, 1)


def _length(year: int, month: int) -> int:
    return calendar.monthrange(year, month)[1]


def shares_of(world: World, agreement: Row, addition: Row, period: Period, rules: Rules) -> list[Share]:
    """What the invoice of a period bills of an addition: what it makes up for, and the period itself."""
    if addition["billCustomer"] != "Billable":
        return []
    found = list(made_up(world, agreement, addition, period.first, rules))
    share = _share(agreement, addition, period, rules)
    return found if share is None else [*found, share]


def _share(agreement: Row, addition: Row, period: Period, rules: Rules) -> Share | None:
    """What the period itself bills of an addition; None for one that is not billed in it.

    Where the cancelledDate is the effectiveDate, that one day decides whether it is ever billed.
    """
    begins, stop = _in_force(addition, period, rules)
    days = (stop - begins).days
    if days <= 0:
        return None
    if agreement.get("prorateFlag"):
        by_start = begins > period.first or period.days < period.whole
        return _priced(agreement, addition, period, days, begins if by_start else None)
    if begins > period.first and not rules.mid_period_whole:
        return None
    whole = Period(period.first, period.following, period.days)
    return _priced(agreement, addition, whole, period.days, None)


def _priced(agreement: Row, addition: Row, period: Period, days: int, begins: date | None) -> Share:
    quantity, included, price = (
        Decimal(str(addition.get(name) or 0)) for name in ("quantity", "lessIncluded", "unitPrice")
    )
    units = max(Decimal(0), quantity - included)
    amount = units * price
    if days < period.whole:
        amount = amount * days / period.whole
    places = (agreement.get("currency") or {}).get("numberOfDecimals", 2)
    return Share(period, units, days, period.whole, amount.quantize(_SMALLEST[places], ROUND_HALF_UP), begins)


def _in_force(addition: Row, period: Period, rules: Rules) -> tuple[date, date]:
    """The first day of the period on which the addition is in force, and the first on which no longer."""
    begins, ended = day_of(addition.get("effectiveDate")), day_of(addition.get("cancelledDate"))
    start = period.first if begins is None else max(begins, period.first)
    stop = period.following
    if ended is not None and ended < stop:
        stop = ended + _DAY if rules.last_day_bills else ended
    return start, stop


def made_up(world: World, agreement: Row, addition: Row, before: date, rules: Rules) -> Iterator[Share]:
    """What earlier periods owe of an addition that was not there, or began later, when they were invoiced."""
    begins = day_of(addition.get("effectiveDate"))
    if begins is None or begins >= before or not agreement.get("prorateFlag"):
        return
    for period, billed_from in reversed(list(_earlier(world, agreement, addition, begins, before))):
        start, stop = _in_force(addition, period, rules)
        stop = stop if billed_from is None else min(stop, billed_from)
        if stop > start:
            yield _priced(agreement, addition, period, (stop - start).days, start)


def _earlier(
    world: World, agreement: Row, addition: Row, begins: date, before: date
) -> Iterator[tuple[Period, date | None]]:
    """The periods before a day, newest first, and from which day on each has billed the addition, if any."""
    number, following = addition["id"], before
    made = invoices_of(world, agreement["id"])
    repaid = {
        (entry["additionId"], entry["firstDay"]): entry["begins"]
        for row in world.rows("invoices")
        for entry in row["madeUp"]
        if row["agreementId"] == agreement["id"]
    }
    for row in reversed(made):
        first, last = date.fromisoformat(row["firstDay"][:10]), date.fromisoformat(row["lastDay"][:10])
        seen = row["seen"].get(number)
        following = first
        yield (
            Period(first, last + _DAY, row["wholeDays"]),
            _earliest(repaid.get((number, row["firstDay"])), seen),
        )
    # Of the invoices before the first one on record, all that is known is when the last one was made.
    ours = (row for row in world.rows("invoices") if row["agreementId"] == agreement["id"])
    recap = world.tables["recaps"].get(agreement["id"], {})
    last_invoice = day_of(next((row["recapBefore"] for row in ours), recap).get("lastInvoiceDate"))
    schedule = schedule_of(world, agreement, following)
    if last_invoice is None or (begins <= last_invoice and world.entered.get(number, begins) <= last_invoice):
        return
    while following > begins and (period := schedule.before(following)) is not None:
        following = period.first
        yield period, _earliest(repaid.get((number, f"{period.first}T00:00:00Z")))


def _earliest(*days: str | None) -> date | None:
    known = [date.fromisoformat(text[:10]) for text in days if text is not None]
    return min(known, default=None)


def billed(world: World, agreement: Row, day: date, rules: Rules | None = None) -> float:
    """What the agreement's additions come to on the invoice of the period that begins on `day`, before tax.

    An agreement that does not recur is looked at on that one day.
    """
    period = schedule_of(world, agreement, day).period(day) or Period(day, day + _DAY, 1)
    shares = (
        share
        for row in world.additions_of(agreement["id"])
        for share in shares_of(world, agreement, row, period, rules or Rules())
    )
    return float(sum((share.amount for share in shares), Decimal(0)))

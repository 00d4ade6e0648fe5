"""Which agreement a customer is billed on, chosen as of the day that counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import TYPE_CHECKING

from reconciler.model.billing import CYCLES, UNREAD_CYCLE
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, warning
from reconciler.model.identifiers import identifier_key, name_key
from reconciler.model.money import money_text
from reconciler.model.months import Month

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Recap
    from reconciler.model.desired import AgreementSelector, Origin

RENEWAL_DAYS = 60
#: Months that one invoice of a billing cycle covers. Shorter cycles than a month are not here.
CYCLE_MONTHS = {"Monthly": 1, "BiMonthly": 2, "Quarterly": 3, "SemiAnnual": 6, "Yearly": 12}
#: How many agreements a message names.
_NAMED = 5
_MONTHLY = "Monthly"
#: More periods than this are not counted one by one.
MOST_PERIODS = 60
#: Ways to make one number of a cycle's months, and the longest cycle for which that many bills are read.
TAKEN = ("highest", "average")
LONGEST_TAKEN = 3


@dataclass(frozen=True)
class Choice:
    """The agreement, or a code, what is wrong and what to do."""

    agreement: Agreement | None
    code: str = ""
    problem: str = ""
    remedy: str = ""


def day_that_counts(agreement: Agreement, today: date) -> date:
    """The day a new line would start: the next invoice date, never before the billing start.

    Today where the agreement names no next invoice date.
    """
    return agreement.next_day or today


def choose_agreement(selector: AgreementSelector, of_company: Iterable[Agreement], today: date) -> Choice:
    """The one agreement of a company that the selector names and that is in force on the day that counts.

    An agreement that ends and its renewal may both be in force on their own next invoice dates: the one
    that is in force on the earlier of them carries the next invoice. A child agreement is meant only where
    it is named, by its name or id: a type or the same name on the parent means the parent.
    """
    agreements = sorted(of_company, key=lambda a: a.id)
    named = [a for a in agreements if is_named(a, selector)]
    candidates = _in_force([a for a in named if not never_recurs(a)], today)
    if selector.id is None and any(a.parent_id is None for a in candidates):
        candidates = [a for a in candidates if a.parent_id is None]
    if len(candidates) > 1:
        first = min(day_that_counts(a, today) for a in candidates)
        candidates = [a for a in candidates if a.in_force(first)]
    if len(candidates) == 1:
        return Choice(candidates[0])
    if candidates:
        return Choice(
            None,
            "agreement-ambiguous",
            f"{len(candidates)} agreements match {selector_text(selector)}: {_listed(candidates, today)}",
            "Name the one that counts by its id: agreement: {id: …}.",
        )
    if named:
        return Choice(
            None,
            "agreement-not-in-force",
            f"no agreement that matches {selector_text(selector)} can be billed: {_listed(named, today)}",
            "Renew it in ConnectWise, or name the agreement that follows it.",
        )
    others = f"; the company has {_listed(agreements, today)}" if agreements else "; the company has none"
    return Choice(
        None,
        "agreement-not-found",
        f"no agreement matches {selector_text(selector)}{others}",
        "Correct the name, type or id of the agreement.",
    )


def _in_force(agreements: list[Agreement], today: date) -> list[Agreement]:
    """Those in force on their own day; one that is not invoiced any more is judged on the others' day."""
    dated = [a for a in agreements if a.next_invoice is not None and a.in_force(day_that_counts(a, today))]
    other_day = min((day_that_counts(a, today) for a in dated), default=today)
    undated = [a for a in agreements if a.next_invoice is None and a.in_force(other_day)]
    return sorted([*dated, *undated], key=lambda a: a.id)


def is_named(agreement: Agreement, selector: AgreementSelector) -> bool:
    """Whether a selector speaks of the agreement, in force or not."""
    if selector.id is not None:
        return agreement.id == selector.id
    if selector.name is not None:
        return name_key(agreement.name) == name_key(selector.name)
    return name_key(agreement.type_name) == name_key(selector.type or "") and agreement.parent_id is None


def is_origin(origin: Origin, agreement: Agreement, company: int | None) -> bool:
    """Whether a row's `movedFrom` speaks of the agreement; `company` is where its customer is billed now.

    A name or a type alone is one of the customer's own company.
    """
    if origin.company is not None and origin.company.key not in (
        agreement.company_key,
        f"#{agreement.company_id}",
    ):
        return False
    if origin.agreement is None:
        return True
    by_id = origin.agreement.id is not None or origin.company is not None
    return is_named(agreement, origin.agreement) and (by_id or company == agreement.company_id)


def never_recurs(agreement: Agreement) -> bool:
    """Whether it is invoiced once, so that no month's usage belongs on it."""
    return agreement.one_time or agreement.cycle == "NotRecurring"


def selector_text(selector: AgreementSelector) -> str:
    """As the row writes it: `"Managed Security"`, `id 1234`, `type MSP`."""
    if selector.id is not None:
        return f"id {selector.id}"
    return f'"{selector.name}"' if selector.name is not None else f"type {selector.type}"


def _listed(agreements: Iterable[Agreement], today: date) -> str:
    return "; ".join(describe(agreement, today) for agreement in agreements)


def describe(agreement: Agreement, today: date) -> str:
    """An agreement with what tells it from others: id, type, dates, state on its day, and parent."""
    dates = f"{agreement.start or '?'} to {agreement.end or 'open'}"
    parts = [f'#{agreement.id} "{agreement.name.strip()}"', f"type {agreement.type_name.strip()}", dates]
    day = day_that_counts(agreement, today)
    if agreement.cancelled:
        parts.append(f"cancelled {agreement.cancelled_on or ''}".strip())
    elif agreement.end is not None and agreement.end < day:
        parts.append("expired" if agreement.end < today else f"ends before {day}")
    elif agreement.start is not None and agreement.start > day:
        parts.append("not begun")
    if agreement.one_time:
        parts.append("one-time")
    elif agreement.cycle == "NotRecurring":
        parts.append("not recurring")
    if agreement.parent_id is not None:
        parts.append(f"child of #{agreement.parent_id} {agreement.parent_name}".strip())
    return ", ".join(parts)


def months_of_cycle(agreement: Agreement) -> int:
    """How many months one invoice covers; 1 where that is not known, and for cycles below a month."""
    return CYCLE_MONTHS.get(agreement.cycle, 1)


def months_taken(agreement: Agreement | None, take: str | None) -> int:
    """From how many months' bills a line's quantity is made: those of the cycle where `take` says so."""
    months = 1 if agreement is None else months_of_cycle(agreement)
    return months if take in TAKEN and months <= LONGEST_TAKEN else 1


def invoice_problem(
    agreement: Agreement, recap: Recap | None, take: str | None, today: date
) -> tuple[str, str]:
    """Why a quantity cannot be written now although the agreement is the right one, and what to do."""
    if agreement.next_invoice is None:
        return (
            "the agreement has no next invoice date, so it is not known which invoice would show it",
            "Set the next invoice date in ConnectWise",
        )
    problem, remedy = overdue(agreement, recap, today)
    return (problem, remedy) if problem else _cycle_problem(agreement.cycle, take)


def overdue(agreement: Agreement, recap: Recap | None, today: date) -> tuple[str, str]:
    """That several periods wait for their invoices, and what to do; two empty texts where none do."""
    unbilled = unbilled_periods(agreement, recap, today)
    if unbilled <= 1:
        return "", ""
    late = agreement.next_invoice is not None and agreement.next_invoice < today
    since = f"the agreement is not invoiced since {agreement.next_invoice}: " if late else ""
    many = f"at least {unbilled}" if unbilled == MOST_PERIODS else str(unbilled)
    shown = f"{since}{many} periods are not invoiced yet{_invoices(agreement, recap)}"
    return (
        f"{shown}; a new quantity would change all of them",
        "Make the older invoices first, or set the agreement's next invoice date in ConnectWise",
    )


def _invoices(agreement: Agreement, recap: Recap | None) -> str:
    """The last and the next invoice as ConnectWise sums them up, as far as it says; in brackets."""
    if recap is None:
        return ""
    known = [
        _invoice("last invoice", recap.last_invoice, recap.last_amount, agreement.currency),
        _invoice("next invoice", recap.next_invoice, recap.next_amount, agreement.currency),
    ]
    shown = ", ".join(filter(None, known))
    return f" ({shown})" if shown else ""


def _invoice(which: str, day: date | None, amount: Decimal | None, currency: str) -> str:
    """`last invoice 2026-09-01: 1,200.00 EUR`; nothing where neither is known."""
    money = "" if amount is None else f"{money_text(amount)} {currency}".strip()
    if day is None:
        return money and f"{which}: {money}"
    return f"{which} {day}" + (f": {money}" if money else "")


def _cycle_problem(cycle: str, take: str | None) -> tuple[str, str]:
    if cycle == _MONTHLY:
        return "", ""
    if cycle == UNREAD_CYCLE:
        return (
            "how often the agreement is invoiced is not known: the billing cycles could not be read",
            "See the message about that request",
        )
    if not cycle:
        return (
            "ConnectWise does not say how often the agreement is invoiced",
            "Give the agreement a billing cycle in ConnectWise",
        )
    if cycle not in CYCLES:
        return (
            f"the agreement's billing cycle {cycle!r} is none that is known",
            "Give the agreement one of ConnectWise's own billing cycles, or bill this product on another one",
        )
    if cycle not in CYCLE_MONTHS:
        return (
            f"the agreement is invoiced {cycle.lower()}, more often than Sophos bills",
            "Bill this product on a monthly agreement",
        )
    months = CYCLE_MONTHS[cycle]
    if take == "last" or (take in TAKEN and months <= LONGEST_TAKEN):
        return "", ""
    if take in TAKEN:
        limit = f"`take: {take}` is worked out for at most {LONGEST_TAKEN} months, not for {months}"
        return (
            f"the agreement is invoiced {cycle.lower()}, and {limit}",
            "Say `take: last` under lines: the newest closed month counts then",
        )
    known = "`take: last`, the newest closed month"
    if months <= LONGEST_TAKEN:
        known += f"; or `highest` or `average` of its {months} months"
    return (
        f"the agreement is invoiced {cycle.lower()}, and a month's usage is not that cycle's",
        f"Say under lines which month counts: {known}",
    )


def unbilled_periods(agreement: Agreement, recap: Recap | None, today: date) -> int:
    """How many periods wait for their invoice: what the recap says, and never fewer than the date says.

    A next invoice date that lies several periods back means as many invoices, whatever a recap sums up.
    """
    by_date, day = 0, agreement.next_invoice
    while day is not None and by_date < MOST_PERIODS and _later(agreement, day, by_date) <= today:
        by_date += 1
    told = recap.unbilled_periods if recap is not None else None
    if told is None:
        return by_date
    return max(told, by_date) if by_date > 1 else told


def _later(agreement: Agreement, day: date, invoices: int) -> date:
    return shifted(day, invoices * months_of_cycle(agreement))


def unchecked_periods(agreements: Iterable[Agreement], recaps: Mapping[int, Recap]) -> list[Diagnostic]:
    """The agreements of which ConnectWise does not say how many periods wait for their invoice."""
    by_id = {agreement.id: agreement for agreement in agreements}
    unchecked = [
        f"#{number} {by_id[number].company_identifier.strip()}"
        for number in sorted(by_id)
        if number not in recaps or recaps[number].unbilled_periods is None
    ]
    if not unchecked:
        return []
    shown = ", ".join(unchecked[:_NAMED]) + (", …" if unchecked[_NAMED:] else "")
    return [
        warning(
            "unbilled-periods-unknown",
            "ConnectWise's agreement recaps do not say how many periods of "
            f"{number_of(len(unchecked), 'agreement')} ({shown}) wait for their invoice. They are counted "
            "from the next invoice date, which does not show an older invoice that was left out.",
            "Look at these agreements' invoices before the next ones are made, and at what the API member "
            "may read of agreement invoicing.",
        )
    ]


def shifted(day: date, months: int) -> date:
    """The same day so many months later, or earlier; the last day of a shorter month."""
    month = Month.of(day)
    for _ in range(abs(months)):
        month = month.next() if months > 0 else month.previous()
    return date(month.year, month.month, min(day.day, month.last_day.day))


def renewal_warning(agreement: Agreement, others: Iterable[Agreement], today: date) -> str:
    """What to say of an agreement that ends within 60 days, and what follows it; nothing for others."""
    last = last_day_of(agreement)
    if last is None or last > today + timedelta(days=RENEWAL_DAYS):
        return ""
    followers = [
        f"#{other.id}"
        for other in sorted(others, key=lambda a: a.id)
        if other.id != agreement.id
        and identifier_key(other.type_name) == identifier_key(agreement.type_name)
        and other.parent_id == agreement.parent_id
        and other.in_force(last + timedelta(days=1))
    ]
    then = f"; {' and '.join(followers)} of its type is in force after it" if followers else ""
    return f"{describe(agreement, today)} ends on {last}{then}"


def last_day_of(agreement: Agreement) -> date | None:
    """The last day on which it runs; None while it has no end."""
    ends = [agreement.end] if agreement.end is not None else []
    if agreement.cancelled and agreement.cancelled_on is not None:
        ends.append(agreement.cancelled_on - timedelta(days=1))
    return min(ends, default=None)

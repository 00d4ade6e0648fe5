"""What is worth saying about lines besides their quantities: nothing here changes what is written."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import date, timedelta
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import ALL_USAGE, Diagnostic, error, notice, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.money import cents, plain, to_places
from reconciler.model.verdict import sums
from reconciler.planning.customers.agreements import describe
from reconciler.planning.lines.corrections import about, correction, invoice_exists
from reconciler.planning.lines.rows import billed
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable
    from decimal import Decimal

    from reconciler.model.billing import Line
    from reconciler.model.desired import Desired
    from reconciler.model.diagnostics import Location
    from reconciler.model.months import Month
    from reconciler.planning.customers.party import Party
    from reconciler.planning.lines.judged import Ground, Judged

#: From this many lines on, another member's hand looks like another sync.
_MANY = 3
SOON_DAYS = 30


def remarks(
    judged: list[Judged], ground: Ground, *, windows: tuple[date, date | None], closed: bool
) -> tuple[list[Judged], list[Diagnostic]]:
    """The lines with what is to be done by hand, and everything to say of them.

    `windows` are the last days of this and the previous month's bill. `judged` is used up: a large plan's
    rows do not fit into memory twice.
    """
    found = _other_writers(judged, ground)
    for number, one in enumerate(judged):
        if one.line is None:
            continue
        found += _text_with_quantity(one, one.line)
        found += _free_at_sophos(one, one.line)
        found += _billed_elsewhere(one, one.line, ground)
        found += _zero_for_months(one, one.line)
        works = (
            (invoice_exists(one, ground, windows[0]), correction(one, one.line, ground, windows))
            if closed
            else ()
        )
        for work in filter(None, works):
            found.append(about(work, one, ground))
            judged[number] = one.with_row(one.row.but(by_hand=work))
    return judged, found


def _zero_for_months(one: Judged, line: Line) -> list[Diagnostic]:
    """A line that is at zero and was last month too: the bill gives no reason to keep it."""
    if line.quantity != 0 or one.row.after != 0 or one.expected != 0:
        return []
    return [
        notice(
            "zero-for-months",
            f"{_place(one)}: no usage this month nor the last, and the line is at zero.",
            "If that is for good, end the line in ConnectWise by a date.",
            **_where(one),
        )
    ]


def _place(one: Judged) -> str:
    row = one.row
    return f"{row.customer}, {row.agreement} (#{row.agreement_id}), {row.product}, line #{row.line_id}"


def _where(one: Judged) -> dict[str, object]:
    return {"location": one.row.source, "subject": one.row.key}


def _text_with_quantity(one: Judged, line: Line) -> list[Diagnostic]:
    """The invoice's text says a number of its own, which stays behind when the quantity moves."""
    row, text = one.row, line.invoice_description.strip()
    if row.state not in {*WRITTEN, LineState.WITHHELD} or row.before is None or row.before == row.after:
        return []
    if any(one_field.field == "invoiceDescription" for one_field in row.declared):
        return []
    number = re.escape(plain(row.before))
    if not re.search(rf"(?<![\w.,]){number}(?![\w]|[.,]\d)", text):
        return []
    return [
        warning(
            "text-has-quantity",
            f"{_place(one)}: the invoice text says {plain(row.before)} ({text!r}), and the quantity becomes "
            f"{plain(row.after or ZERO)}.",
            "Take the number out of the line's invoice text in ConnectWise.",
            **_where(one),
        )
    ]


def _free_at_sophos(one: Judged, line: Line) -> list[Diagnostic]:
    feed = [usage for feeding in one.cell.feedings for usage in feeding.lines if usage.billable > 0]
    charged = billed(line.quantity, line.less_included, line)
    if not feed or charged <= 0 or any(usage.unit_price != 0 for usage in feed):
        return []
    return [
        warning(
            "free-at-sophos",
            f"{_place(one)}: Sophos's price is 0 (not for resale?), and the customer is billed "
            f"{_money(one, charged)} an invoice.",
            "If it is meant, nothing; otherwise exclude the customer, or set the line to NoCharge.",
            **_where(one),
        )
    ]


def _billed_elsewhere(one: Judged, line: Line, ground: Ground) -> list[Diagnostic]:
    if line.quantity == 0 and not one.row.after:
        return []
    return [
        warning(
            "billed-twice",
            f"{_place(one)}: the same product is also billed by line #{other.line.id} "
            f"({plain(other.line.quantity)}) on {describe(other.agreement, ground.today)}.",
            "If these are the same seats, end one of the two lines.",
            **_where(one),
        )
        for other in ground.allocation.twins(one.cell)
    ]


def _money(one: Judged, amount: Decimal) -> str:
    sales = one.row.sales
    return f"{cents(amount)}" if sales is None else f"{to_places(amount, sales.places):f} {sales.currency}"


def _other_writers(judged: Iterable[Judged], ground: Ground) -> list[Diagnostic]:
    """One member, not us, whose hand is on many lines: most likely another sync that is still on."""
    ours = identifier_key(ground.settings.connectwise_member or "")
    counts = Counter(one.row.last_writer for one in judged if one.by_hand and one.row.last_writer)
    return [
        warning(
            "another-writer",
            f"{count} lines were last written by {writer} and wait for a decision.",
            "If that is another sync (Sophos's own, for example), switch it off for these agreements; two "
            "writers undo each other.",
        )
        for writer, count in sorted(counts.items())
        if count >= _MANY and identifier_key(writer) != ours
    ]


def silent_customers(parties: Iterable[Party], judged: Iterable[Judged]) -> list[Diagnostic]:
    """Customers that the bill does not speak for, or not as before, with what they are billed."""
    lines: dict[str, list[Judged]] = defaultdict(list)
    for one in judged:
        for tenant in one.row.tenants:
            lines[tenant].append(one)
    found = []
    for party in parties:
        own = lines.get(party.row.tenant_id, [])
        if not (party.silent or party.asks) or party.row.ended is not None:
            continue
        money = _billed_now(own)
        if not money and not own:
            continue
        if party.asks:
            found.append(_asked_about(party, money))
            continue
        found.append(
            warning(
                "billed-without-usage",
                f"{party.name} ({party.company}): {party.silent}. Its lines stay as they are"
                f"{f', and bill {money} a month' if money else ''}.",
                _TERM_REMEDY if party.term and money else _SILENT_REMEDY,
                location=party.row.location,
                subject=party.subject,
            )
        )
    return found


def _asked_about(party: Party, money: str) -> Diagnostic:
    """A customer with usage on the bill whose tenant has become another since."""
    return warning(
        "tenant-changed",
        f"{party.name} ({party.company}): {party.asks}. Sophos's bill still has usage of it, which counts; "
        "a line that would change waits for an approval"
        f"{f'. Its lines bill {money} a month' if money else ''}.",
        _TERM_REMEDY if party.term and money else _SILENT_REMEDY,
        location=party.row.location,
        subject=party.subject,
    )


_SILENT_REMEDY = (
    "If the customer has left, give the row `ended: DATE`; otherwise settle it with a hold or `exclude`."
)
_TERM_REMEDY = (
    "If the term licence is invoiced by itself, end these lines in ConnectWise and give the row `ended: "
    "DATE` or `exclude` with the reason. If these lines are what bills it, keep their quantities with holds."
)


def _billed_now(judged: Iterable[Judged]) -> str:
    amounts = sums(one.row.sales for one in judged)
    return " and ".join(f"{amount.before:f} {amount.currency}" for amount in amounts if amount.before)


def ending_soon(desired: Desired, today: date) -> list[Diagnostic]:
    """Exclusions, pilots and holds whose last day is within 30 days."""
    return [
        notice(
            "ends-soon",
            f"{what} ends on {until}.",
            remedy,
            location=place,
        )
        for what, until, place, remedy in _dated(desired)
        if until is not None and today <= until <= today + timedelta(days=SOON_DAYS)
    ]


_IS_BILLED_AGAIN = "Decide before then what follows: it is without effect from the next day on."
_IS_INVALID = (
    "Take it out by then, or give it a later day: from the next day on the folder is not valid (`expired`), "
    "and nothing is planned for anyone."
)


def _dated(desired: Desired) -> Iterable[tuple[str, date | None, Location, str]]:
    """What ends, when, where it stands, and what to do about it."""
    for row in desired.rows:
        if row.exclude is not None:
            said = f"The exclusion of {row.code} ({row.exclude})"
            yield said, row.until, row.location, _IS_BILLED_AGAIN
    for customer in desired.customers:
        name = customer.name or customer.tenant_id
        if customer.exclude is not None:
            said = f"The exclusion of {name} ({customer.exclude})"
            yield said, customer.until, customer.location, _IS_BILLED_AGAIN
        for one in customer.overrides:
            if one.exclude is not None:
                said = f"The exclusion of {one.code} for {name} ({one.exclude})"
                yield said, one.until, one.location, _IS_BILLED_AGAIN
    for hold in desired.holds:
        what = f"The hold of {hold.product} for {hold.customer} at {plain(hold.quantity)} ({hold.reason})"
        yield what, hold.until, hold.location, _IS_INVALID


def no_usage(what: str, *, failed: bool = True) -> Diagnostic:
    """Said where nothing can be counted for anyone; `failed` is for what a request could not bring."""
    remedy = "Name another month with --period, or leave it out for the newest closed one."
    if failed:
        remedy = "See the message about the request that failed, or name another month with --period."
    return error("usage-unknown", f"{what}. No line is counted for anyone.", remedy, subject=ALL_USAGE)


def no_usage_data(month: Month) -> str:
    """That Sophos has no bill of a month that may have one."""
    return f"Sophos has no usage data for {month.title}, which is not the same as no usage"


def not_begun(month: Month, today: date) -> str:
    """That a month has no bill yet; nothing where it may have one (windows begin a month earlier)."""
    return f"{month.title} has not begun" if month.previous().first_day > today else ""

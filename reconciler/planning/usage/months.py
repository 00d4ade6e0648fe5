"""Which Sophos month counts, and what of its usage no line will carry."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import ALL_USAGE, Diagnostic, error, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import cents, plain
from reconciler.model.plan import Period
from reconciler.model.usage_notes import UsageNote
from reconciler.planning.usage.cells import excludes

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.desired import Desired
    from reconciler.model.observed import FirewallLicence, Observed, UsageLine, UsageMonth


def period_of(month: UsageMonth, today: date) -> Period | None:
    """The month with its windows, and whether they have all ended before today; None without data.

    A window whose date does not exist in the calendar (Sophos's own sample has a 31 April) counts as the
    calendar month's.
    """
    if not month.lines:
        return None
    first = min(line.window_start or month.month.first_day for line in month.lines)
    last = max(line.window_end or month.month.last_day for line in month.lines)
    return Period(str(month.month), month.month.title, first.isoformat(), last.isoformat(), last < today)


def newest_closed(months: Iterable[UsageMonth], today: date) -> UsageMonth | None:
    """The newest month whose billing windows have all ended."""
    closed = [month for month in months if (period := period_of(month, today)) is not None and period.closed]
    return max(closed, key=lambda month: month.month, default=None)


def unclear_months(months: Iterable[UsageMonth], chosen: UsageMonth | None, today: date) -> list[Diagnostic]:
    """Newer months that are over for most of their lines and not for all: an older one must not stand in.

    One odd window would otherwise have last month's quantities written over this month's.
    """
    found = []
    for month in months:
        period = period_of(month, today)
        if period is None or period.closed or (chosen is not None and month.month <= chosen.month):
            continue
        ends = Counter(line.window_end or month.month.last_day for line in month.lines or ())
        usual = ends.most_common(1)[0][0]
        if usual >= today:
            continue  # it simply still runs
        later = sum(count for end, count in ends.items() if end >= today)
        odd = next(line for line in month.lines or () if (line.window_end or month.month.last_day) >= today)
        found.append(
            error(
                "usage-windows-differ",
                f"Sophos's bill for {month.month.title} ended on {usual} for most lines, and {later} of its "
                f"lines end on {period.last_day} or have no real date (the first: {odd.product_code}, "
                f"{odd.assigned_name or odd.tenant_id or odd.account_or_serial}). Whether the month is "
                "closed is not clear, so no line is counted for anyone.",
                "Look at these lines in Sophos Central and have them corrected; the month counts as closed "
                "once all of its windows have ended.",
                subject=ALL_USAGE,
            )
        )
    return found


@dataclass
class _Tally:
    quantity: Decimal = Decimal(0)
    customers: set[str] = field(default_factory=set)
    value: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    description: str = ""

    def add(self, line: UsageLine) -> None:
        self.quantity += line.billable
        if line.tenant_id is not None:
            self.customers.add(line.tenant_id)
        if line.unit_price is not None:
            self.value[line.currency or "?"] += line.billable * line.unit_price
        self.description = self.description or line.description

    def note(self, kind: str, code: str, *, serial: str | None = None, detail: str = "") -> UsageNote:
        return UsageNote(
            kind=kind,
            code=code,
            description=self.description,
            quantity=plain(self.quantity),
            customers=len(self.customers),
            value={currency: str(cents(amount)) for currency, amount in self.value.items()},
            serial=serial,
            detail=detail,
        )


def usage_notes(
    desired: Desired, month: UsageMonth | None, observed: Observed, today: date
) -> tuple[UsageNote, ...]:
    """Usage without a mapping, deliberately excluded, or without a customer; quantities and feed values.

    A line without a tenant (a firewall that is assigned to no customer) is listed by its serial number,
    whether its code is mapped or not, unless a customer's row names the serial. An exclusion that has ended
    is none.
    """
    if month is None or month.lines is None:
        return ()
    rows = {code: row for row in desired.rows for code in row.codes}
    claimed = {identifier_key(serial) for customer in desired.customers for serial in customer.firewalls}
    overridden = {
        (customer.tenant_id, override.code)
        for customer in desired.customers
        for override in customer.overrides
        if override.targets or excludes(override, today)
    }
    unmapped: dict[str, _Tally] = defaultdict(_Tally)
    excluded: dict[str, _Tally] = defaultdict(_Tally)
    unassigned: dict[tuple[str, str], _Tally] = defaultdict(_Tally)
    for line in month.lines:
        row = rows.get(line.product_code)
        if line.tenant_id is None and identifier_key(line.account_or_serial) in claimed and row:
            continue
        if line.tenant_id is None:
            unassigned[line.account_or_serial, line.product_code].add(line)
        elif (line.tenant_id, line.product_code) in overridden:
            continue  # the customer's own rule speaks for it: on its line, or among what is excluded
        elif row is None or (row.until is not None and row.until < today):
            unmapped[line.product_code].add(line)
        elif row.exclude is not None:
            excluded[line.product_code].add(line)
    notes = [tally.note("unmapped", code) for code, tally in sorted(unmapped.items())]
    notes += [
        tally.note("unassigned", code, serial=serial, detail=_whereabouts(serial, observed))
        for (serial, code), tally in sorted(unassigned.items())
    ]
    notes += [
        tally.note("excluded", code, detail=rows[code].exclude or "")
        for code, tally in sorted(excluded.items())
    ]
    return tuple(notes)


def misspelled_codes(desired: Desired, month: UsageMonth) -> list[Diagnostic]:
    """Rows of which Sophos bills nobody anything, beside usage that no row names and that is spelled alike.

    Sophos's codes are compared letter by letter, capitals included.
    """
    billed = {line.product_code for line in month.lines or ()}
    codes = {code for row in desired.rows for code in row.codes}
    loose = sorted(billed - codes)
    found = []
    for row in desired.rows:
        near = [code for code in loose if _is_a_slip(row.code, code)]
        if near and billed.isdisjoint(row.codes):
            found.append(
                warning(
                    "code-misspelled",
                    f"Sophos bills nobody {row.code}, and {near[0]}, which no row names, is on its bill.",
                    f"If {near[0]} is meant, correct the row's code: it is compared letter by letter.",
                    location=row.location,
                    subject=f"code/{row.code}",
                )
            )
    return found


def _is_a_slip(one: str, other: str) -> bool:
    """Capitals, or two letters in the wrong order; a letter more, less or different makes another product."""
    left, right = one.casefold(), other.casefold()
    if left == right:
        return True
    differing = [place for place, (a, b) in enumerate(zip(left, right, strict=False)) if a != b]
    return (
        len(left) == len(right)
        and len(differing) == 2
        and differing[1] == differing[0] + 1
        and sorted(left) == sorted(right)
    )


def _whereabouts(serial: str, observed: Observed) -> str:
    """What the firewall licence list knows of a serial number."""
    if observed.firewalls is None:
        return "the firewall licence list could not be read"
    found = next((f for f in observed.firewalls if f.serial == serial), None)
    if found is None:
        return "not in the firewall licence list"
    names = {tenant.id: tenant.show_as or tenant.name for tenant in observed.tenants or ()}
    return _describe(found, names)


def _describe(firewall: FirewallLicence, names: dict[str, str]) -> str:
    if firewall.billing_tenant_id:
        return (
            f"{firewall.model}, billed to {names.get(firewall.billing_tenant_id, firewall.billing_tenant_id)}"
        )
    if firewall.tenant_id:
        return (
            f"{firewall.model}, managed by {names.get(firewall.tenant_id, firewall.tenant_id)}, "
            "its licence is assigned to no customer"
        )
    return f"{firewall.model}, assigned to no customer in Sophos Central"

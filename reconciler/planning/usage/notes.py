"""Usage that no line will carry, and rows that more likely are a slip than a wish."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import cents, plain
from reconciler.model.usage_notes import UsageNote
from reconciler.planning.usage.cells import excludes

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from reconciler.model.desired import Desired, Row
    from reconciler.model.observed import FirewallLicence, Observed, UsageLine, UsageMonth

#: How many rows a message names.
_NAMED = 5


@dataclass
class _Tally:
    quantity: Decimal = Decimal(0)
    customers: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    value: dict[str, Decimal] = field(default_factory=lambda: defaultdict(Decimal))
    description: str = ""

    def add(self, line: UsageLine) -> None:
        self.quantity += line.billable
        if line.tenant_id is not None:
            self.customers[line.tenant_id] += line.billable
        if line.unit_price is not None:
            self.value[line.currency or "?"] += line.billable * line.unit_price
        self.description = self.description or line.description

    def whose(self, observed: Observed) -> str:
        """`Birch 10, Alder 3`: its customers with their units, the biggest first."""
        names = _names(observed)
        units = ((names.get(tenant, tenant), number) for tenant, number in self.customers.items() if number)
        listed = sorted(units, key=lambda one: (-one[1], one[0].casefold()))
        return ", ".join(f"{name} {plain(number)}" for name, number in listed)

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
    desired: Desired,
    month: UsageMonth | None,
    observed: Observed,
    today: date,
    noted: Collection[str] = frozenset(),
) -> tuple[UsageNote, ...]:
    """Usage that no line carries, by code; quantities and feed values.

    It has no mapping, or one whose sync is off, or whose customers have no row; it is deliberately excluded;
    or it has no customer. A line without a tenant (a firewall that is assigned to no customer) is listed by
    its serial number, whether its code is mapped or not, unless a customer's row names the serial. An
    exclusion that has ended is none. The units of `noted` tenants stand in a note of their own.
    """
    lines = () if month is None else month.lines or ()
    rows = {code: row for row in desired.rows for code in row.codes}
    claimed = {identifier_key(serial) for customer in desired.customers for serial in customer.firewalls}
    named = {customer.tenant_id for customer in desired.customers}
    overrides = [(c.tenant_id, override) for c in desired.customers for override in c.overrides]
    pilots = {(tenant, override.code) for tenant, override in overrides if excludes(override, today)}
    own_way = {(tenant, override.code) for tenant, override in overrides if override.targets}
    tallies = [defaultdict[str, _Tally](_Tally) for _ in range(4)]
    unmapped, excluded, unsynced, strangers = tallies
    unassigned: dict[tuple[str, str], _Tally] = defaultdict(_Tally)
    counted: set[str] = set()
    for line in lines:
        row = rows.get(line.product_code)
        if line.tenant_id is None and identifier_key(line.account_or_serial) in claimed and row:
            continue
        place = line.tenant_id, line.product_code
        if line.tenant_id is None:
            unassigned[line.account_or_serial, line.product_code].add(line)
        elif line.tenant_id in noted:
            if row is not None and row.sync and line.tenant_id in named:
                counted.add(row.code)
            elif row is not None and row.sync and named:
                strangers[line.product_code].add(line)
        elif place in pilots:
            continue  # the customer's own row speaks for it, among what is excluded
        elif row is not None and row.exclude is None and not row.sync:
            unsynced[line.product_code].add(line)
        elif place in own_way:  # it is on the customer's own line
            counted.add(line.product_code if row is None else row.code)
        elif row is None or (row.until is not None and row.until < today):
            unmapped[line.product_code].add(line)
        elif row.exclude is not None:
            excluded[line.product_code].add(line)
        else:
            counted.add(row.code)
    loose = {code: tally for code, tally in strangers.items() if rows[code].code not in counted}
    found = [one.note("unmapped", code, detail=one.whose(observed)) for code, one in sorted(unmapped.items())]
    found += [
        tally.note("unassigned", code, serial=serial, detail=_whereabouts(serial, observed))
        for (serial, code), tally in sorted(unassigned.items())
    ]
    return (*found, *_of_codes(rows, loose, unsynced, excluded))


def _of_codes(
    rows: Mapping[str, Row],
    strangers: Mapping[str, _Tally],
    unsynced: Mapping[str, _Tally],
    excluded: Mapping[str, _Tally],
) -> list[UsageNote]:
    """The notes of codes that have a row, by what it says."""
    notes = [
        tally.note("unbilled", code, detail=f"mapped to {', '.join(map(str, rows[code].targets))}")
        for code, tally in sorted(strangers.items())
    ]
    notes += [
        one.note("unsynced", code, detail=_sync_off(rows[code])) for code, one in sorted(unsynced.items())
    ]
    notes += [
        tally.note("excluded", code, detail=rows[code].exclude or "")
        for code, tally in sorted(excluded.items())
    ]
    return notes


def _sync_off(row: Row) -> str:
    return "its row says sync: false" if row.sync_said else "its row does not say `sync`"


def rows_without_sync(desired: Desired, month: UsageMonth) -> list[Diagnostic]:
    """Rows with usage on the bill that do not say `sync`: more likely forgotten than meant."""
    codes = {line.product_code for line in month.lines or ()}
    tenants = {line.tenant_id for line in month.lines or ()}
    unsaid = [
        (row.code, row.location)
        for row in desired.rows
        if row.exclude is None and not row.sync_said and not codes.isdisjoint(row.codes)
    ]
    unsaid += [
        (customer.name or customer.tenant_id, customer.location)
        for customer in desired.customers
        if customer.exclude is None and not customer.sync_said and customer.tenant_id in tenants
    ]
    if not unsaid:
        return []
    named = ", ".join(name for name, _ in unsaid[:_NAMED]) + (", …" if len(unsaid) > _NAMED else "")
    return [
        warning(
            "sync-not-said",
            f"{number_of(len(unsaid), 'row')} with usage on Sophos's bill {'do' if unsaid[1:] else 'does'} "
            f"not say `sync`, which counts as false, so that nothing of it is billed: {named}.",
            "Write sync: true where it is to be billed, and sync: false where it is not (for all customers "
            "at once under defaults.customers).",
            location=unsaid[0][1],
        )
    ]


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
    return _describe(found, _names(observed))


def _names(observed: Observed) -> dict[str, str]:
    return {tenant.id: tenant.show_as or tenant.name for tenant in observed.tenants or ()}


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

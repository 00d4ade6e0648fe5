"""Usage of mapped products that no line carries because of whose it is: no row, excluded, not synced."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ALL_USAGE, Diagnostic, error, warning
from reconciler.model.money import cents, plain
from reconciler.model.usage_notes import UsageNote
from reconciler.planning.customers.parties import is_excluded, shown_name
from reconciler.planning.lines.rows import feed_value
from reconciler.planning.usage.cells import excludes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from reconciler.model.desired import Customer, Desired, Row
    from reconciler.model.months import Month
    from reconciler.model.observed import Tenant, UsageLine
    from reconciler.planning.customers.likely import Likely
    from reconciler.planning.customers.party import Party
    from reconciler.planning.usage.bills import Bills


#: How many tenants a message names; all of them are among the notes.
_NAMED = 5


def tenant_notes(
    desired: Desired, bills: Bills, tenants: Iterable[Tenant], today: date, likely: Likely
) -> tuple[UsageNote, ...]:
    """Usage that no line has because of whose it is.

    Tenants without a row come with all of it and the row to paste, customers that are not synced or excluded
    with all of it as well; excluded products of others with what would have been billed.
    """
    by_id = {tenant.id: tenant for tenant in tenants}
    rows = {customer.tenant_id: customer for customer in desired.customers}
    mapped = {code: row for row in desired.rows if row.sync for code in row.codes}
    notes: list[tuple[tuple[str, ...], UsageNote]] = []
    for tenant_id, codes in bills.by_tenant.items():
        customer, tenant = rows.get(tenant_id), by_id.get(tenant_id)
        if customer is None:
            lines = [line for own in codes.values() for line in own]
            row = likely.row(tenant_id)
            name = (tenant.show_as or tenant.name if tenant is not None else "") or tenant_id
            notes.append(((name, tenant_id), _note("customer", name, lines, f"under customers: {row}")))
            continue
        name = shown_name(customer, tenant)
        if _is_left_out(customer, today):
            lines = [line for some in codes.values() for line in some]
            excluded = is_excluded(customer, today)
            why = customer.exclude if excluded else _sync_off(customer)
            kind = "excluded" if excluded else "unsynced"
            notes.append(((name, tenant_id), _note(kind, name, lines, f"tenant {tenant_id}: {why}")))
            continue
        own = {code: lines for code, lines in codes.items() if _would_bill(code, mapped, customer)}
        for code, why in _pilots(customer, mapped, today).items():
            if code in own:
                note = _note("excluded", code, own[code], f"{name}: {why}")
                notes.append(((name, tenant_id, code), note))
    return tuple(note for _, note in sorted(notes, key=lambda pair: pair[0]))


def noted_whole(desired: Desired, bills: Bills, today: date) -> frozenset[str]:
    """The tenants of which one note of `tenant_notes` has every unit."""
    counted = {row.tenant_id for row in desired.customers if not _is_left_out(row, today)}
    return frozenset(bills.by_tenant.keys() - counted)


def nobody_is_billed(
    desired: Desired, bills: Bills, tenants: Iterable[Tenant], likely: Likely
) -> tuple[Diagnostic, ...]:
    """An error where mapped products have usage and no customer has a row: a lost file, or none yet."""
    synced = {code for row in desired.rows if row.sync and row.exclude is None for code in row.codes}
    names = {tenant.id: tenant.show_as or tenant.name for tenant in tenants}
    found: dict[str, Decimal] = {}
    for tenant, codes in bills.by_tenant.items():
        lines = [line for code in synced & codes.keys() for line in codes[code]]
        if any(line.billable for line in lines):
            found[tenant] = sum((line.billable for line in lines), Decimal(0))
    if not found:
        return ()
    largest = sorted(found, key=lambda tenant: (-found[tenant], names.get(tenant, tenant)))
    shown = ", ".join(f"{names.get(one, one)} ({one}, {plain(found[one])})" for one in largest[:_NAMED])
    more = f" and {len(largest) - _NAMED} more" if len(largest) > _NAMED else ""
    have = "has" if len(found) == 1 else "have"
    return (
        error(
            "customers-missing",
            f"Nobody is billed: there is no row under `customers`, and "
            f"{number_of(len(found), 'Sophos tenant')} {have} usage of mapped products: {shown}{more}.",
            "Was a file lost? Then bring it back. Otherwise give each a row under `customers`, with "
            f"`exclude` where it is not to be billed: {'; '.join(map(likely.row, largest[:_NAMED]))}{more}",
            subject=ALL_USAGE,
        ),
    )


def _is_left_out(customer: Customer, today: date) -> bool:
    return not customer.sync or is_excluded(customer, today)


def _sync_off(customer: Customer) -> str:
    if customer.sync_said:
        return "its row says sync: false"
    return "its row does not say `sync`"


def _would_bill(code: str, mapped: Mapping[str, Row], customer: Customer) -> bool:
    return code in mapped or any(one.code == code and one.targets for one in customer.overrides)


def _pilots(customer: Customer, mapped: Mapping[str, Row], today: date) -> dict[str, str]:
    """The codes that the customer's own overrides take out today, those of the same row included."""
    found = {}
    for override in customer.overrides:
        if excludes(override, today):
            row = mapped.get(override.code)
            for code in row.codes if row is not None else (override.code,):
                found[code] = override.exclude or ""
    return found


def _note(kind: str, code: str, lines: Sequence[UsageLine], detail: str) -> UsageNote:
    return UsageNote(
        kind=kind,
        code=code,
        description=", ".join(sorted({line.product_code for line in lines})),
        quantity=plain(sum((line.billable for line in lines), Decimal(0))),
        customers=1,
        value={currency: str(cents(amount)) for currency, amount in feed_value(lines).items()},
        detail=detail,
    )


def usage_after_end(parties: Iterable[Party], bills: Bills, month: Month, today: date) -> list[Diagnostic]:
    """Customers that are said to have ended and that Sophos bills for days after that.

    A window that is over by the last day is the bill of the time before it, whenever that comes.
    """
    found = []
    for party in parties:
        if party.row.ended is None or party.row.ended >= today:
            continue
        units: dict[str, Decimal] = defaultdict(Decimal)
        last = party.row.ended
        for code, lines in bills.of(party.row.tenant_id).items():
            for line in lines:
                until = line.window_end or month.last_day
                if until > party.row.ended and line.billable:
                    units[code] += line.billable
                    last = max(last, until)
        if not units:
            continue
        shown = ", ".join(f"{code} {plain(number)}" for code, number in sorted(units.items()))
        found.append(
            warning(
                "usage-after-end",
                f"{party.name} ({party.company}) ended on {party.row.ended}, and Sophos still bills {shown}, "
                f"until {last}.",
                "Cancel it at Sophos if that is not done, or take `ended` back.",
                location=party.row.location,
                subject=party.subject,
            )
        )
    return found

"""What of Sophos's answers nobody can read or knows: lines of the bill, and words about customers."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.counts import noun_of, number_of
from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.planning.customers.parties import BILLING_TYPES, STATUSES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.model.desired import Desired, UnknownGuard
    from reconciler.model.observed import Tenant, UnreadableLine
    from reconciler.planning.usage.bills import Bills

GUARD_UNKNOWN = "guard-unknown-values"
#: How many customers or order lines a message names.
_NAMED = 5


def unreadable_lines(desired: Desired, bills: Bills, names: Mapping[str, str]) -> list[Diagnostic]:
    """Lines of the bill that cannot be counted, each customer's and those of nobody that can be named.

    They are an error where the customer is billed, or might be: nothing is written for it until then.
    """
    title = bills.month.month.title
    rows = {customer.tenant_id: customer for customer in desired.customers}
    found = []
    for tenant, odd in sorted(bills.unreadable.items()):
        row = rows.get(tenant)
        name = (row.name if row is not None else None) or names.get(tenant) or odd[0].name or tenant
        billed = row is not None and row.sync and row.exclude is None
        found.append(
            (error if billed else warning)(
                "usage-line-unreadable",
                f"{name}: {_lines(odd)} of Sophos's bill of {title} cannot be counted. "
                f"{'Nothing is written for this customer.' if billed else 'It is not billed by any row.'}",
                _REMEDY,
                location=None if row is None else row.location,
                subject=f"customer/{tenant}",
            )
        )
    known = {id(line) for odd in bills.unreadable.values() for line in odd}
    strays = [line for line in bills.month.unreadable if id(line) not in known]
    found += [
        error(
            "usage-line-unreadable",
            f"{_lines([line])} of Sophos's bill of {title} cannot be counted, and whose it is cannot be read "
            f"either{f'; the bill calls the customer {line.name}' if line.name else ''}. It counts for "
            "nobody.",
            _REMEDY,
            subject=f"usage-line/{line.order}",
        )
        for line in strays
    ]
    return found


_REMEDY = "Look at the line in Sophos Central and have it corrected, or give the quantity with a hold."


def _lines(odd: Sequence[UnreadableLine]) -> str:
    shown = ", ".join(
        f"{line.order} ({', '.join(filter(None, (line.product_code, line.problem)))})"
        for line in odd[:_NAMED]
    )
    return f"{noun_of(len(odd), 'order line')} {shown}{', …' if odd[_NAMED:] else ''}"


def unknown_values(tenants: Iterable[Tenant], names: Mapping[str, str]) -> list[Diagnostic]:
    """Words about customers that this program does not know, each said once; their bill counts."""
    found = []
    for (field, value), ids in sorted(_unknown(tenants).items()):
        shown = ", ".join(sorted(names.get(one, one) for one in ids)[:_NAMED])
        shown += ", …" if ids[_NAMED:] else ""
        found.append(
            warning(
                "sophos-value-unknown",
                f"Sophos says `{field}: {value}` of {number_of(len(ids), 'customer')} ({shown}), which this "
                "program does not know. They are billed by what is on the bill.",
                "Look them up in Sophos Central. If they should not be billed by the month, exclude them.",
            )
        )
    return found


def unknown_guard(tenants: Sequence[Tenant], bills: Bills, limit: UnknownGuard | None) -> list[Diagnostic]:
    """More customers at once than a few odd ones: what Sophos answers has changed its form or its words."""
    if limit is None:
        return []
    unknown = {one for ids in _unknown(tenants).values() for one in ids}
    strays = sum(line.tenant_id is None for line in bills.month.unreadable)
    count = len(unknown | bills.unreadable.keys()) + strays
    there = max(len(tenants), len(bills.tenants))
    if count <= limit.customers or count * 100 <= limit.percent * there:
        return []
    said = []
    if unknown:
        of = f"{len(unknown)} of {number_of(there, 'customer')}"
        said.append(f"{of} carry a value that this program does not know")
    if bills.month.unreadable:
        said.append(f"{number_of(len(bills.month.unreadable), 'line')} of Sophos's bill cannot be counted")
    return [
        error(
            GUARD_UNKNOWN,
            f"{' and '.join(said)}. Nothing is written for anyone.",
            "Has Sophos changed its API? Look at the messages about them, and at a newer version of this "
            "program. If it is right, raise settings.guards.unknownValues in a reviewed change.",
        )
    ]


def _unknown(tenants: Iterable[Tenant]) -> dict[tuple[str, str], list[str]]:
    """The tenants by field and value, for values that are not known."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for tenant in tenants:
        if tenant.billing_type not in BILLING_TYPES:
            found["billingType", tenant.billing_type].append(tenant.id)
        if tenant.status not in STATUSES:
            found["status", tenant.status].append(tenant.id)
    return found

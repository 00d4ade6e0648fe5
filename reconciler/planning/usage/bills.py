"""A month's bill by tenant and code, with the firewalls that customers' rows claim."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, warning

if TYPE_CHECKING:
    from collections.abc import Mapping, Set

    from reconciler.model.desired import Customer, Desired
    from reconciler.model.observed import UnreadableLine, UsageLine, UsageMonth


@dataclass(frozen=True)
class Bills:
    """One month's bill by tenant and code; a firewall counts for the customer that names its serial.

    `unreadable` are the order lines of each tenant that cannot be counted.
    """

    month: UsageMonth
    by_tenant: Mapping[str, Mapping[str, list[UsageLine]]]
    unreadable: Mapping[str, list[UnreadableLine]] = field(default_factory=dict)

    @property
    def tenants(self) -> Set[str]:
        """The tenants with any line on the bill, also one that cannot be counted."""
        return self.by_tenant.keys() | self.unreadable.keys()

    def units(self, tenant_id: str) -> Decimal:
        """The billable units of one tenant, of every product."""
        return sum((line.billable for own in self.of(tenant_id).values() for line in own), Decimal(0))

    def of(self, tenant_id: str) -> Mapping[str, list[UsageLine]]:
        """One tenant's lines by code."""
        return self.by_tenant.get(tenant_id, {})

    def problem(self, tenant_id: str) -> str:
        """Why no number of the tenant is complete; nothing where all its lines can be read."""
        odd = self.unreadable.get(tenant_id, ())
        if not odd:
            return ""
        shown = ", ".join(f"{line.order} ({line.problem})" for line in odd)
        return f"Sophos's bill of {self.month.month.title} has a line of it that cannot be counted: {shown}"


def claimed_serials(desired: Desired) -> dict[str, Customer]:
    """The row that lists each firewall, by its serial number without case."""
    return {
        serial.strip().casefold(): customer for customer in desired.customers for serial in customer.firewalls
    }


def sort_bill(month: UsageMonth, desired: Desired) -> Bills:
    """The month by tenant and code. Serial numbers compare without case."""
    serials = {serial: row.tenant_id for serial, row in claimed_serials(desired).items()}
    found: dict[str, dict[str, list[UsageLine]]] = defaultdict(lambda: defaultdict(list))
    for line in month.lines or ():
        tenant = line.tenant_id or serials.get(line.account_or_serial.strip().casefold())
        if tenant is not None:
            found[tenant][line.product_code].append(line)
    unreadable: dict[str, list[UnreadableLine]] = defaultdict(list)
    for odd in month.unreadable:
        tenant = odd.tenant_id or serials.get(odd.account_or_serial.strip().casefold())
        if tenant is not None:
            unreadable[tenant].append(odd)
    return Bills(month, found, unreadable)


def claimed_elsewhere(desired: Desired, bills: Bills, names: Mapping[str, str]) -> list[Diagnostic]:
    """Firewalls that one customer's row lists and that Sophos bills to another tenant."""
    claims = claimed_serials(desired)
    found: dict[tuple[str, str], Diagnostic] = {}
    for line in bills.month.lines or () if claims else ():
        serial, tenant = line.account_or_serial.strip(), line.tenant_id
        row = claims.get(serial.casefold())
        if row is None or tenant is None or tenant == row.tenant_id:
            continue
        claimant = row.name or names.get(row.tenant_id) or row.tenant_id
        other = names.get(tenant) or tenant
        found[serial.casefold(), tenant] = warning(
            "firewall-claimed-elsewhere",
            f"The row of {claimant} lists the firewall {serial}, and Sophos bills it to {other}. It counts "
            f"for {other}.",
            "Take it off the row, or assign it to the other tenant in Sophos Central.",
            location=row.location,
            subject=f"customer/{row.tenant_id}",
        )
    return [found[key] for key in sorted(found)]

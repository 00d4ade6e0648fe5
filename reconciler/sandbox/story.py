"""What happens at the made-up MSP between one month's run and the next."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from reconciler.sandbox.invoicing import make_invoices
from reconciler.sandbox.parts import midnight

if TYPE_CHECKING:
    from reconciler.sandbox.site import Site


def december(site: Site, *, renews: str, leaves: str) -> None:
    """The invoices of 1 December are made, and Sophos bills for December what it billed for November.

    The agreement of the company `renews` ends on 31 December, and one that follows it is there. The tenant
    `leaves` is gone by then.
    """
    world, first = site.world, date(2026, 12, 1)
    make_invoices(site, first)
    world.usage[2026, 12] = []
    for line in list(world.usage[2026, 11]):
        tenant = line.get("accountId")
        if tenant is None or world.tenant(tenant)["name"] != leaves:
            world.add_usage_line(
                (2026, 12),
                tenant,
                line["productCode"],
                line["billableQuantity"],
                accountNumberOrSerialNumber=line["accountNumberOrSerialNumber"],
            )
    gone = world.tenant(leaves)
    world.tenants.remove(gone)
    old = next(one for one in world.agreements_of(renews) if one["agreementStatus"] == "Active")
    old |= {"endDate": midnight(date(2026, 12, 31)), "noEndingDateFlag": False}
    world.add_agreement(
        renews,
        old["name"],
        type=old["type"],
        startDate=midnight(date(2027, 1, 1)),
        billStartDate=midnight(date(2027, 1, 1)),
        nextInvoiceDate=midnight(date(2027, 1, 1)),
    )

"""A made-up MSP of any size: its customers, their agreements and lines, and the Sophos bills for them.

Every customer has one tenant, one company, one agreement and the same number of lines, each fed by one
Sophos product. The same size gives the same books, and `folders.customers` the configuration for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast, overload

from benchmarks.folders import AGREEMENT, MEMBER, OWNER, code, company, identifier, quantity, tenant_id
from reconciler.sandbox.parts import month_before, running_month, usage_line, window
from reconciler.sandbox.seed import empty_world

if TYPE_CHECKING:
    from datetime import date

    from benchmarks.folders import Size
    from reconciler.sandbox.world import World

    Line = dict[str, Any]

CLOSED_MONTHS = 3


def world(today: date, size: Size) -> World:
    """Both systems as `folders.customers` wants them, but that one unit is missing on `changed` lines."""
    made = empty_world(today)
    info = made.info(MEMBER)
    products = [
        made.add_catalog_item(
            identifier(n), price=n + 1.5, cost=1.0, notes=f"[sophos:{OWNER} {code(n)}]"
        )["id"]
        for n in range(size.lines_each)
    ]  # fmt: skip
    changed = size.changed
    bill: list[Line] = []
    month = running_month(today)
    for customer in range(size.customers):
        tenant = made.add_tenant(f"Customer {customer}", tenant_id=tenant_id(customer))
        made.add_company(company(customer), f"Customer {customer}", _info=info)
        agreement = made.add_agreement(customer + 1, AGREEMENT, _info=info)
        for product, number in enumerate(products):
            units = quantity(customer, product)
            bill.append(usage_line(month, tenant, code(product), units, len(bill) + 1, made.company_name))
            made.add_addition(agreement["id"], number, units - (changed > 0), _info=info)
            changed -= changed > 0
    for back in range(CLOSED_MONTHS + 1):
        of_month = month_before(month, back)
        made.usage[of_month] = cast("list[Line]", _Bill(bill, of_month))
    return made


class _Bill(Sequence["Line"]):
    """One month's bill over lines that all months share, so that a distributor's fits into memory."""

    def __init__(self, lines: list[Line], month: tuple[int, int]) -> None:
        first, last = window(month)
        self._lines = lines
        self._own = {
            "billingStartDate": first.isoformat(),
            "billingEndDate": last.isoformat(),
            "orderNumber": f"ORD-{month[0]}{month[1]:02d}",
        }

    def __len__(self) -> int:
        return len(self._lines)

    @overload
    def __getitem__(self, index: int) -> Line: ...
    @overload
    def __getitem__(self, index: slice) -> list[Line]: ...
    def __getitem__(self, index: int | slice) -> Line | list[Line]:
        if isinstance(index, slice):
            return [{**line, **self._own} for line in self._lines[index]]
        return {**self._lines[index], **self._own}

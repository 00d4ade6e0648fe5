"""What people have said about lines with a date on it: holds and approvals."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from reconciler.model.desired import Approval, Customer, Desired, Hold
    from reconciler.model.lines import PlannedLine
    from reconciler.planning.cells import Cell
    from reconciler.planning.managed import Products


class Answers:
    """Holds and approvals that count today, found by customer and product.

    A customer is named by its company (as its row writes it, or by its identifier) or by its tenant id.
    """

    def __init__(self, desired: Desired, products: Products, today: date) -> None:
        self._products = products
        self._holds: dict[tuple[str, str], Hold] = {}
        self._approvals: dict[tuple[str, str], list[Approval]] = defaultdict(list)
        self._company_keys = _company_keys(desired.customers)
        self._held_cells: dict[tuple[str, str], set[int | None]] = defaultdict(set)
        for hold in desired.holds:
            if hold.until >= today:
                self._holds[self._key(hold.customer, hold.product)] = hold
        for approval in desired.approvals:
            if approval.until >= today:
                self._approvals[self._key(approval.customer, approval.product)].append(approval)

    def _key(self, customer: str, product: str) -> tuple[str, str]:
        return identifier_key(customer), self._products.key(identifier_key(product))

    def _names(self, company: str, tenants: Iterable[str]) -> list[str]:
        """Narrow names first: a tenant's own hold stands over its company's."""
        found = list(tenants)
        found += [key for tenant in tenants for key in self._company_keys.get(tenant, ())]
        return list(dict.fromkeys([*found, identifier_key(company)]))

    def learn(self, cells: Iterable[Cell]) -> None:
        """Remember which agreements each hold speaks of, so that one that fits two is asked about."""
        for cell in cells:
            place = cell.agreement.id if cell.agreement is not None else None
            for name in self._names(cell.company, cell.tenants) if self._holds else ():
                if (name, cell.product.key) in self._holds:
                    self._held_cells[name, cell.product.key].add(place)

    def hold(self, cell: Cell) -> tuple[Hold | None, str]:
        """The hold on a line, or why it is not clear which line it means."""
        for name in self._names(cell.company, cell.tenants) if self._holds else ():
            hold = self._holds.get((name, cell.product.key))
            if hold is None:
                continue
            if len(cell.tenants) > 1 and name in cell.tenants:
                return None, (
                    f"the hold for {hold.customer} ({hold.location}) names one of the tenants that share this "
                    f"line ({', '.join(cell.names())}); name the company ({cell.company}) and the quantity of "
                    "the whole line instead"
                )
            if len(self._held_cells[name, cell.product.key]) > 1:
                return None, (
                    f"the hold for {hold.customer} ({hold.location}) fits lines on several agreements; "
                    "name the Sophos tenant id instead"
                )
            return hold, ""
        return None, ""

    def approval(self, row: PlannedLine) -> Approval | None:
        """The approval that lets this very change through: from this quantity, and not beyond its bound."""
        product = self._products.key(identifier_key(row.product))
        for name in self._names(row.company, row.tenants):
            for one in self._approvals.get((name, product), ()):
                low, high = sorted((one.before, one.up_to))
                if one.before == row.before and row.after is not None and low <= row.after <= high:
                    return one
        return None


def _company_keys(customers: Iterable[Customer]) -> Mapping[str, tuple[str, ...]]:
    """The names under which a customer's company may be written, by tenant."""
    return {row.tenant_id: (row.company.key,) for row in customers if row.company is not None}

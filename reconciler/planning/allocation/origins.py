"""Companies at which the customers of a wanted line may have been billed until now, beside their own."""

from __future__ import annotations

from collections import defaultdict
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.planning.customers.names import Called, Names

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.billing import Billing
    from reconciler.model.desired import Customer, Desired
    from reconciler.model.identifiers import Selector
    from reconciler.model.observed import Tenant
    from reconciler.planning.customers.party import Party
    from reconciler.planning.usage.cells import Cell

_NOWHERE: frozenset[int] = frozenset()


class Origins:
    """What speaks for it that a customer was billed as another company: a word, Git, or its name.

    The word is the row's `movedFrom`. Git is the row of the configuration that this one replaces, where that
    is known. The name speaks where it goes with that company better than with the row's own.
    """

    def __init__(self, billing: Billing, tenants: Iterable[Tenant], base: Desired | None) -> None:
        self._billing = billing
        self._tenants = {tenant.id: tenant for tenant in tenants}
        rows = () if base is None else base.customers
        self._rows_before = {row.tenant_id: row for row in rows}
        self._found: dict[str, frozenset[int]] = {}
        self._company_of = {agreement.id: agreement.company_id for agreement in billing.agreements}

    def of(self, cell: Cell) -> frozenset[int]:
        """The companies, by record id, of everybody who feeds a wanted line."""
        found = [self.of_party(feeding.party) for feeding in cell.feedings]
        return found[0] if len(found) == 1 else _NOWHERE.union(*found)

    def of_party(self, party: Party) -> frozenset[int]:
        """The companies of one customer."""
        tenant = party.row.tenant_id
        found = self._found.get(tenant)
        if found is None:
            own = {agreement.company_id for agreement in party.agreements}
            found = frozenset((self._by_word(party.row) | self._by_git(tenant) | self._by_name(party)) - own)
            self._found[tenant] = found
        return found

    def _by_word(self, row: Customer) -> set[int]:
        origin = row.moved_from
        if origin is None:
            return set()
        found = self._ids(origin.company)
        if origin.agreement is not None and origin.agreement.id in self._company_of:
            found.add(self._company_of[origin.agreement.id])
        return found

    def _by_git(self, tenant: str) -> set[int]:
        row = self._rows_before.get(tenant)
        return set() if row is None else self._ids(row.company)

    def _by_name(self, party: Party) -> set[int]:
        tenant = self._tenants.get(party.row.tenant_id)
        names = {party.row.name or ""} if tenant is None else {tenant.name, tenant.show_as}
        closer = self._names.closer({name for name in names if name.strip()}, _called(party))
        return {number for called in closer for number in self._live[called]}

    def _ids(self, company: Selector | None) -> set[int]:
        return set() if company is None else self._by_key.get(company.key, set())

    @cached_property
    def _by_key(self) -> dict[str, set[int]]:
        """The record ids of companies by their id and by their identifier, as rows name them."""
        found: dict[str, set[int]] = defaultdict(set)
        for company in self._billing.companies:
            found[company.key].add(company.id)
            found[f"#{company.id}"].add(company.id)
        for agreement in self._billing.agreements:
            found[identifier_key(agreement.company_identifier)].add(agreement.company_id)
            found[f"#{agreement.company_id}"].add(agreement.company_id)
        return found

    @cached_property
    def _live(self) -> dict[Called, set[int]]:
        """The record ids of the companies that have agreements, by what they are called."""
        found: dict[Called, set[int]] = defaultdict(set)
        for agreement in self._billing.agreements:
            called = Called(agreement.company_identifier.strip(), agreement.company_name.strip())
            found[called].add(agreement.company_id)
        return found

    @cached_property
    def _names(self) -> Names:
        return Names(self._live, (tenant.show_as or tenant.name for tenant in self._tenants.values()))


def _called(party: Party) -> Called:
    return Called(party.company, party.company_name)

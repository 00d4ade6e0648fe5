"""Which ConnectWise company a Sophos customer is that no row gives one: proposed to people, never used."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.model.approving import yaml_text
from reconciler.model.identifiers import identifier_key
from reconciler.planning.customers.companies import Companies
from reconciler.planning.customers.names import Called, Names

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from reconciler.model.billing import Billing
    from reconciler.model.desired import Customer
    from reconciler.model.observed import Tenant

_NOBODY = Called("", "")


class Likely:
    """The companies that no row names, to tell which of them is called like a Sophos customer."""

    def __init__(
        self, rows: Iterable[Customer], tenants: Iterable[Tenant], billing: Billing | None, today: date
    ) -> None:
        self._rows = tuple(rows)
        self._tenants = {tenant.id: tenant for tenant in tenants}
        self._agreements = () if billing is None else billing.agreements
        self._today = today
        taken = {row.company.key for row in self._rows if row.company is not None}
        live = {} if billing is None else Companies(billing).live
        self._free = {
            called: number
            for number, called in live.items()
            if taken.isdisjoint((identifier_key(called.identifier), f"#{number}"))
        }

    @cached_property
    def _names(self) -> Names:
        return Names(self._free, (tenant.show_as or tenant.name for tenant in self._tenants.values()))

    def row(self, tenant_id: str) -> str:
        """The row that bills a tenant, as YAML to be pasted; what is not known in it is left open."""
        tenant = self._tenants.get(tenant_id)
        name = "" if tenant is None else tenant.show_as or tenant.name
        company = self._company({name})
        said = [f"name: {yaml_text(name)}"] if name else []
        said.append(f"company: {yaml_text(company.identifier) if company is not None else '…'}")
        agreement = "" if company is None else self._only_agreement(self._free[company])
        said.append(f"agreement: {yaml_text(agreement) if agreement else '…'}")
        return f"{tenant_id}: {{{', '.join(said)}, sync: true}}"

    def without_company(self) -> Mapping[int, Customer]:
        """Rows that name no company, by the record id of the one that is called like their customer."""
        found: dict[int, Customer] = {}
        for row in self._rows:
            if row.company is not None:
                continue
            tenant = self._tenants.get(row.tenant_id)
            names = {row.name or ""} if tenant is None else {row.name or "", tenant.name, tenant.show_as}
            company = self._company(names - {""})
            if company is not None:
                found.setdefault(self._free[company], row)
        return found

    def _company(self, names: set[str]) -> Called | None:
        """The one company that fits these names best, and well; None where none does."""
        return self._names.better(names, _NOBODY) if any(name.strip() for name in names) else None

    def _only_agreement(self, company: int) -> str:
        """The name of the company's one agreement that may bill; nothing where it has several."""
        names = [
            one.name.strip()
            for one in self._agreements
            if one.company_id == company
            and not (one.cancelled or one.one_time)
            and (one.end is None or one.end >= self._today)
        ]
        return names[0] if len(names) == 1 else ""

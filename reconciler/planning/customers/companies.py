"""The ConnectWise companies that customers are billed as, and what they say against it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error, notice, warning
from reconciler.model.identifiers import Id, identifier_key, told_apart
from reconciler.planning.customers.names import Called, Fit, Names
from reconciler.planning.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.billing import Agreement, Billing, Company
    from reconciler.model.desired import Customer
    from reconciler.model.observed import Tenant
    from reconciler.planning.customers.party import Party

#: What MSPs call the type of the companies that they bill; types are rows of a set-up table.
CUSTOMER_TYPES = frozenset({identifier_key("Customer"), identifier_key("Client")})


class Companies:
    """Companies and their agreements, as rows name them: by identifier or by record id."""

    def __init__(self, billing: Billing) -> None:
        self._agreements: dict[str, list[Agreement]] = defaultdict(list)
        for agreement in billing.agreements:
            self._agreements[identifier_key(agreement.company_identifier)].append(agreement)
            self._agreements[f"#{agreement.company_id}"].append(agreement)
        self._companies: dict[str, Company] = {}
        # A live company comes last, so that it stands over a deleted one of the same identifier.
        for company in sorted(billing.companies, key=lambda one: (not one.deleted, one.id)):
            self._companies[company.key] = self._companies[f"#{company.id}"] = company
        gone = {company.id for company in billing.companies if company.deleted}
        live = {one.id: Called(one.identifier, one.name) for one in billing.companies if not one.deleted}
        for agreement in billing.agreements:
            if agreement.company_id not in gone:
                called = Called(agreement.company_identifier, agreement.company_name)
                live.setdefault(agreement.company_id, called)
        #: Every company that was read and is not deleted, by record id.
        self.live = live

    @cached_property
    def names(self) -> Names:
        """What the live companies are called."""
        return Names(self.live.values(), ())

    def agreements(self, row: Customer) -> tuple[Agreement, ...]:
        """All agreements of the row's company; none of a deleted one that had the identifier before it."""
        if row.company is None:
            return ()
        company = self.company(row)
        key = row.company.key if company is None else f"#{company.id}"
        return tuple(sorted(self._agreements.get(key, []), key=lambda one: one.id))

    def company(self, row: Customer) -> Company | None:
        """The row's company, where it was read."""
        return self._companies.get(row.company.key) if row.company is not None else None


@dataclass(frozen=True)
class Judge:
    """What it takes to say whether a row's company can be its tenant's: all names, and all rows.

    `rows` are by the identifier of their company, as it compares: the last of each. `strays` are the tenants
    that no row names.
    """

    names: Names
    rows: dict[str, Customer]
    strays: tuple[Tenant, ...]

    @classmethod
    def of(cls, companies: Companies, tenants: Sequence[Tenant], rows: Sequence[Customer]) -> Judge:
        """From everything that was read."""
        names = Names(companies.live.values(), (one.show_as or one.name for one in tenants))
        of_company: dict[str, Customer] = {}
        for row in rows:
            if row.company is not None:
                company = companies.company(row)
                of_company[row.company.key if company is None else company.key] = row
        named = {row.tenant_id for row in rows}
        return cls(names, of_company, tuple(tenant for tenant in tenants if tenant.id not in named))

    def check(self, party: Party, called: Called, tenant: Tenant | None) -> list[Diagnostic]:
        """What is wrong with a company that is called otherwise than its tenant; the party then waits."""
        own = {party.row.name or ""} if tenant is None else {tenant.name, tenant.show_as}
        own = {name for name in own if name.strip()}
        if party.row.name_differs or party.wrong or not own:
            return []
        better = self.names.better(own, called)
        if better is None and self.names.fit(own, called) is not Fit.DIFFERENT:
            return []
        shown = party.name if tenant is None else tenant.show_as or tenant.name
        party.wrong = f"its company is {called.shown}, and the Sophos customer is called {shown}"
        return [
            error(
                "company-name-differs",
                f"{party.name}: the row bills the Sophos customer {shown} as the company {called.shown}."
                f"{self._about(better, party.row)} Nothing is written for it.",
                "Is it somebody else's company, or were two rows swapped? Then correct `company`. If it is "
                "right, say `nameDiffers: true` in the row (in answers.yaml if `settings.homes` is fixed).",
                location=party.row.location,
                subject=party.subject,
            )
        ]

    def _about(self, better: Called | None, row: Customer) -> str:
        """Which company is called like the tenant, and which row has it."""
        if better is None:
            return " Their names have nothing in common."
        said = f" The company {better.shown} is called more like it"
        other = self.rows.get(identifier_key(better.identifier))
        if other is None or other is row:
            return f"{said}."
        return f"{said}, and {other.name or other.tenant_id} has that one ({other.location})."


def about_company(party: Party, company: Company) -> list[Diagnostic]:
    """What a company that can be billed says of being billed: its types, and its pricing schedule."""
    found = []
    where = {"location": party.row.location, "subject": party.subject}
    if company.types and CUSTOMER_TYPES.isdisjoint(map(identifier_key, company.types)):
        found.append(
            warning(
                "company-not-customer",
                f"{party.name} ({party.company}): ConnectWise has the company as {_listed(company.types)}, "
                "and neither as Customer nor as Client.",
                "Is another company meant? Then correct the row; otherwise give the company that type in "
                "ConnectWise, unless yours has another name.",
                **where,
            )
        )
    if company.pricing_schedule:
        found.append(
            notice(
                "pricing-schedule",
                f"{party.name} ({party.company}): the company has the pricing schedule "
                f'"{company.pricing_schedule}". ConnectWise may put another price on the invoice than the '
                "line's, by which amounts are worked out here.",
                "Compare an invoice with its lines before you trust the amounts.",
                **where,
            )
        )
    return found


def no_company(
    party: Party, company: Company | None, agreements: Sequence[Agreement], companies: Companies
) -> Diagnostic:
    """Why nothing can be billed to the row's company: it is gone, deleted, unseen, or has no agreement."""
    named = f"id {party.row.company.value}" if isinstance(party.row.company, Id) else party.company
    left = f"agreement {_listed([f'#{one.id}' for one in agreements])}" if agreements else ""
    remedy = "Correct the company of the row; its record id stays the same when it is renamed."
    if company is None and left:
        code = "company-unread"
        said = f"ConnectWise shows its {left} and not the company, so that it may be deleted"
        remedy = "Let the API member read every company (Companies > Company Maintenance: Inquire = All)."
    elif company is None:
        code = "company-not-found"
        said = "ConnectWise has no such company; it may have been merged into another"
        remedy = _nearest(party, companies) + remedy
    elif company.deleted:
        code = "company-deleted"
        said = f"{company.name} (id {company.id}) is deleted in ConnectWise"
        said += f"; its {left} is still there" if left else ""
    else:
        code = "agreement-not-found"
        said = f"{company.name} (id {company.id}) has no agreement"
        remedy = "Create its agreement in ConnectWise, or correct the company of the row."
    return error(
        code,
        f"{party.name} ({named}): {said}. Nothing is written for it.",
        remedy,
        location=party.row.location,
        subject=party.subject,
    )


def _nearest(party: Party, companies: Companies) -> str:
    """Which company of those that were read is meant: by its identifier, or by the customer's own name."""
    written = "" if isinstance(party.row.company, Id) else party.company
    known = companies.live.values()
    likely = nearest(written, [one.identifier for one in known]) if written else ()
    found = [one for one in known if one.identifier in likely]
    if not found:
        named = companies.names.better({party.name}, Called(party.company, ""))
        found = [named] if named is not None else []
    shown = [replace(one, identifier=told_apart(written, one.identifier)[1]).shown for one in found]
    return f"Did you mean {' or '.join(shown)}? " if shown else ""


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))

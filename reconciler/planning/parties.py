"""Customers brought together with their Sophos tenant, ConnectWise company and agreements."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.model.identifiers import Id, identifier_key
from reconciler.planning.agreements import choose_agreement, renewal_warning

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.billing import Agreement, Billing
    from reconciler.model.desired import AgreementSelector, Customer
    from reconciler.model.observed import Tenant

#: ConnectWise cuts company names after this many characters.
COMPANY_NAME_LIMIT = 50


@dataclass
class Party:
    """One customer that is synced. `agreement` is None where none could be chosen (a diagnostic says why).

    `silent` says why the bill cannot speak for the customer (its tenant is gone, suspended or no longer
    monthly); nothing is written for it then.
    """

    row: Customer
    name: str
    company: str
    agreements: tuple[Agreement, ...]
    agreement: Agreement | None = None
    silent: str = ""
    chosen: dict[AgreementSelector, Agreement | None] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Its natural key in diagnostics."""
        return f"customer/{self.row.tenant_id}"


def find_parties(
    customers: Iterable[Customer],
    tenants: Iterable[Tenant],
    billing: Billing,
    today: date,
) -> tuple[list[Party], list[Diagnostic]]:
    """Every customer whose usage is synced, and what is wrong with finding it."""
    by_tenant = {tenant.id: tenant for tenant in tenants}
    parties: list[Party] = []
    diagnostics: list[Diagnostic] = []
    for row in customers:
        if not row.sync or row.exclude is not None or row.company is None:
            continue
        party, problems = _party(row, by_tenant.get(row.tenant_id), billing, today)
        parties.append(party)
        diagnostics += problems
    return parties, diagnostics


def _party(
    row: Customer, tenant: Tenant | None, billing: Billing, today: date
) -> tuple[Party, list[Diagnostic]]:
    agreements = tuple(a for a in billing.agreements if _is_company(a, row))
    name = row.name or (tenant.show_as or tenant.name if tenant is not None else row.tenant_id)
    identifier = agreements[0].company_identifier if agreements else str(row.company)
    party = Party(row, name, identifier, agreements)
    problems = _tenant_problems(party, tenant)
    if not agreements:
        problems.append(_no_agreement(party, billing))
    elif row.agreement is not None:
        party.agreement = choose(party, row.agreement, today, problems)
    return party, problems


def choose(
    party: Party, selector: AgreementSelector, today: date, problems: list[Diagnostic]
) -> Agreement | None:
    """The customer's agreement for a selector, chosen once; problems are said once."""
    if selector in party.chosen:
        return party.chosen[selector]
    choice = choose_agreement(selector, party.agreements, today)
    party.chosen[selector] = choice.agreement
    if choice.agreement is None:
        problems.append(
            error(
                choice.code,
                f"{party.name} ({party.company}): {choice.problem}. Nothing is written for it.",
                choice.remedy,
                location=party.row.location,
                subject=party.subject,
            )
        )
        return None
    ending = renewal_warning(choice.agreement, today)
    if ending:
        problems.append(
            warning(
                "agreement-ends-soon",
                f"{party.name} ({party.company}): {ending}.",
                "Renew it in ConnectWise before its last invoice.",
                location=party.row.location,
            )
        )
    return choice.agreement


def _is_company(agreement: Agreement, row: Customer) -> bool:
    if isinstance(row.company, Id):
        return agreement.company_id == row.company.value
    return row.company is not None and identifier_key(agreement.company_identifier) == row.company.key


def _tenant_problems(party: Party, tenant: Tenant | None) -> list[Diagnostic]:
    where = {"location": party.row.location, "subject": party.subject}
    if tenant is None:
        party.silent = "its tenant is no longer listed by Sophos"
        return [
            error(
                "tenant-gone",
                f"{party.name}: Sophos lists no tenant {party.row.tenant_id}. Its lines stay as they are.",
                "If the customer has left, give the row `ended: DATE`; otherwise correct the tenant id.",
                **where,
            )
        ]
    if party.row.name is not None and not _same_name(party.row.name, tenant):
        party.silent = "its row and its tenant have different names"
        return [
            error(
                "tenant-name-differs",
                f"The row says {party.row.name}; that Sophos customer is called "
                f"{tenant.show_as or tenant.name}. Nothing is written for it.",
                "Was the id pasted under the wrong name? Correct the one that is wrong.",
                **where,
            )
        ]
    if tenant.status not in ("", "active"):
        party.silent = f"its tenant is {tenant.status}"
    elif tenant.billing_type not in ("", "usage"):
        party.silent = f"its tenant is billed as {tenant.billing_type}, not monthly"
    if party.silent:
        return [
            warning(
                "tenant-not-billed-monthly",
                f"{party.name}: {party.silent}. Its lines stay as they are.",
                "Settle it with a hold, `ended` or `exclude`.",
                location=party.row.location,
            )
        ]
    return []


def _same_name(name: str, tenant: Tenant) -> bool:
    wanted = identifier_key(name)[:COMPANY_NAME_LIMIT].rstrip()
    shown = (tenant.show_as, tenant.name)
    return any(wanted == identifier_key(one)[:COMPANY_NAME_LIMIT].rstrip() for one in shown if one)


def _no_agreement(party: Party, billing: Billing) -> Diagnostic:
    company = next(
        (
            c
            for c in billing.companies
            if (isinstance(party.row.company, Id) and c.id == party.row.company.value)
            or (party.row.company is not None and c.key == party.row.company.key)
        ),
        None,
    )
    if company is None:
        code, said = (
            "company-not-found",
            "ConnectWise has no such company; it may have been merged into another",
        )
    elif company.deleted:
        code, said = "company-deleted", f"{company.name} (id {company.id}) is deleted in ConnectWise"
    else:
        code, said = "agreement-not-found", f"{company.name} (id {company.id}) has no agreement"
    return error(
        code,
        f"{party.name} ({party.row.company}): {said}. Nothing is written for it.",
        "Correct the company of the row; its record id stays the same when it is renamed.",
        location=party.row.location,
        subject=party.subject,
    )

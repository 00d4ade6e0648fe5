"""Customers brought together with their Sophos tenant, ConnectWise company and agreements."""

from __future__ import annotations

import unicodedata
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error, notice, warning
from reconciler.model.identifiers import Name, identifier_key, name_key, told_apart
from reconciler.model.lines import MONTHS_TO_ASK
from reconciler.planning.customers.agreements import choose_agreement, day_that_counts, renewal_warning
from reconciler.planning.customers.companies import Companies, Judge, about_company, no_company
from reconciler.planning.customers.names import Called, Fit, fit
from reconciler.planning.customers.party import Party
from reconciler.planning.suggest import nearest

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from datetime import date

    from reconciler.model.billing import Agreement, Billing
    from reconciler.model.desired import AgreementSelector, Customer
    from reconciler.model.observed import Tenant

#: ConnectWise cuts company names after this many characters.
COMPANY_NAME_LIMIT = 50
NOTHING_ON_THE_BILL = "Sophos lists it and has nothing at all on its bill"
#: What Sophos calls a customer whose licences were bought for a term and not by the month.
TERM = "term"
#: What is known of a tenant; `inactive` is listed by one client in use and has not been seen.
BILLING_TYPES = frozenset({"", "usage", "trial", TERM})
STATUSES = frozenset({"", "active", "suspended", "inactive"})


def is_excluded(row: Customer, today: date) -> bool:
    """Whether the row's exclusion counts today; its last day is `until`."""
    return row.exclude is not None and (row.until is None or today <= row.until)


def find_parties(
    customers: Iterable[Customer],
    tenants: Iterable[Tenant],
    billing: Billing,
    today: date,
    *,
    on_the_bill: Collection[str],
) -> tuple[list[Party], list[Diagnostic]]:
    """Every customer whose usage is synced, and what is wrong with finding it.

    `on_the_bill` are the tenants with any line on the month's bill. How many units those are billed for is
    the bill's to say; what their tenants are today decides only whether a person is asked.
    """
    tenants, customers = tuple(tenants), tuple(customers)
    by_tenant = {tenant.id: tenant for tenant in tenants}
    companies = Companies(billing)
    judge = Judge.of(companies, tenants, customers)
    parties: list[Party] = []
    diagnostics: list[Diagnostic] = []
    for row in sorted(customers, key=lambda one: one.tenant_id):
        if not row.sync or is_excluded(row, today):
            continue
        if row.company is None:
            diagnostics.append(_billed_nowhere(row, by_tenant.get(row.tenant_id)))
            continue
        party, problems = _party(row, by_tenant, companies, today, judge)
        if row.tenant_id in on_the_bill:
            party.silent, party.asks = "", party.silent
        elif not (party.silent or party.wrong):
            party.silent = NOTHING_ON_THE_BILL
        parties.append(party)
        diagnostics += problems
    return parties, diagnostics


def count_months_without_usage(
    parties: Iterable[Party], now: Collection[str], before: Collection[str] | None, *, closed: bool
) -> None:
    """Say at each silent party for how long nothing of it has been on the bill.

    `now` and `before` are the tenants on this and last month's bill; None is a bill that is not known. A
    month that still runs (not `closed`) does not count: its bill is not complete.
    """
    for party in parties:
        tenant = party.row.tenant_id
        if not party.silent or party.row.ended is not None or tenant in now:
            continue
        party.months_without_usage = int(closed) + (before is not None and tenant not in before)
        if party.months_without_usage >= MONTHS_TO_ASK:
            party.silent += "" if party.silent == NOTHING_ON_THE_BILL else "; nothing of it is on the bill"
            party.silent += ", for at least two months"


def ended_parties(parties: Iterable[Party], today: date) -> frozenset[str]:
    """The tenants of customers that end, by their row's word, before their agreement's next invoice."""
    return frozenset(
        party.row.tenant_id
        for party in parties
        if party.row.ended is not None
        and party.agreement is not None
        and party.row.ended < day_that_counts(party.agreement, today)
    )


def unsynced_parties(
    customers: Iterable[Customer], tenants: Iterable[Tenant], billing: Billing, today: date
) -> list[Party]:
    """Customers that are not synced or excluded: for lines that they share, or that are theirs."""
    by_tenant = {tenant.id: tenant for tenant in tenants}
    companies = Companies(billing)
    found = []
    for row in sorted(customers, key=lambda one: one.tenant_id):
        excluded = is_excluded(row, today)
        if (row.sync and not excluded) or row.company is None:
            continue
        party, _ = _party(row, by_tenant, companies, today)
        party.silent, party.unsynced, party.excluded = "", True, excluded
        found.append(party)
    return found


def shown_name(row: Customer, tenant: Tenant | None) -> str:
    """The customer's name for people: the row's own, else Sophos's."""
    return row.name or (tenant.show_as or tenant.name if tenant is not None else "") or row.tenant_id


def _billed_nowhere(row: Customer, tenant: Tenant | None) -> Diagnostic:
    return error(
        "customer-billed-nowhere",
        f"{shown_name(row, tenant)}: its exclusion ended on {row.until}, and the row names no company. Its "
        "usage is billed nowhere.",
        "Give the row `company` and `agreement`, or a later `until`.",
        location=row.location,
        subject=f"customer/{row.tenant_id}",
    )


def _party(
    row: Customer,
    by_tenant: Mapping[str, Tenant],
    companies: Companies,
    today: date,
    judge: Judge | None = None,
) -> tuple[Party, list[Diagnostic]]:
    """A row's customer. Without `judge` it is not asked whether the company can be the tenant's."""
    tenant = by_tenant.get(row.tenant_id)
    agreements = companies.agreements(row)
    identifier = agreements[0].company_identifier.strip() if agreements else str(row.company).strip()
    party = Party(row, shown_name(row, tenant), identifier, agreements)
    problems = _tenant_problems(party, tenant, () if judge is None else judge.strays)
    company = companies.company(row)
    if company is None or company.deleted or not agreements:
        party.agreements = ()
        problems.append(no_company(party, company, agreements, companies))
        return party, problems
    party.company_name = company.name or agreements[0].company_name
    if judge is not None:
        problems += judge.check(party, Called(party.company, party.company_name), tenant)
    problems += about_company(party, company)
    if isinstance(row.company, Name) and row.company.text.strip() != identifier:
        problems.append(_spelled_otherwise(party, row.company))
    if row.agreement is not None:
        party.agreement = choose(party, row.agreement, today, problems)
    else:
        problems.append(_no_selector(party))
    return party, problems


def _spelled_otherwise(party: Party, written: Name) -> Diagnostic:
    own, theirs = told_apart(written.text.strip(), party.company)
    return warning(
        "identifier-differs",
        f"{party.name}: the company {own} is written {theirs!r} in ConnectWise.",
        "Write it the same way; the two count as one company.",
        location=party.row.location,
        subject=party.subject,
    )


def _no_selector(party: Party) -> Diagnostic:
    return error(
        "customer-billed-nowhere",
        f"{party.name} ({party.company}): the row names no agreement. Nothing is written for it.",
        "Give the row `agreement`, or set one under `defaults.customers`.",
        location=party.row.location,
        subject=party.subject,
    )


def choose(
    party: Party, selector: AgreementSelector, today: date, problems: list[Diagnostic]
) -> Agreement | None:
    """The customer's agreement for a selector, chosen once; problems are said once."""
    if selector in party.chosen:
        return party.chosen[selector]
    if not party.agreements:
        return None
    choice = choose_agreement(selector, party.agreements, today)
    known = choice.agreement in party.chosen.values()
    party.chosen[selector] = choice.agreement
    where = {"location": party.row.location, "subject": party.subject}
    if choice.agreement is None:
        said = f"{party.name} ({party.company}): {choice.problem}. Nothing is written for it."
        problems.append(error(choice.code, said, choice.remedy, **where))
        return None
    if known:
        return choice.agreement
    ending = renewal_warning(choice.agreement, party.agreements, today)
    if ending:
        problems.append(
            warning(
                "agreement-ends-soon",
                f"{party.name} ({party.company}): {ending}.",
                "Renew it in ConnectWise before its last invoice, with its lines on the agreement that "
                "follows.",
                **where,
            )
        )
    payer = identifier_key(choice.agreement.bill_to)
    if payer and payer not in map(identifier_key, (party.company, choice.agreement.company_name)):
        problems.append(
            notice(
                "agreement-billed-to-another",
                f'{party.name} ({party.company}): the agreement #{choice.agreement.id} "'
                f'{choice.agreement.name.strip()}" is invoiced to {choice.agreement.bill_to.strip()}.',
                "Nothing to do if that company pays for it.",
                **where,
            )
        )
    return choice.agreement


def _tenant_problems(party: Party, tenant: Tenant | None, strays: Iterable[Tenant]) -> list[Diagnostic]:
    """What the tenant itself says. A customer that is said to have ended is not missed.

    `strays` are the tenants that no row names: one of them may be meant.
    """
    where = {"location": party.row.location, "subject": party.subject}
    if tenant is None:
        party.silent = "its tenant is no longer listed by Sophos"
        if party.row.ended is not None:
            return []
        return [
            error(
                "tenant-gone",
                f"{party.name}: Sophos lists no tenant {party.row.tenant_id}. Its lines stay as they are, or "
                "wait for an approval where the bill still has usage of it.",
                f"{_meant(party.row, strays)}If the customer has left, give the row `ended: DATE`; "
                "otherwise correct the tenant id.",
                **where,
            )
        ]
    if party.row.name is not None and not _same_name(party.row.name, tenant):
        written, shown = told_apart(party.row.name, tenant.show_as or tenant.name)
        party.wrong = f"the row says {written}, and that Sophos customer is called {shown}"
        return [
            error(
                "tenant-name-differs",
                f"The row says {written}; that Sophos customer is called {shown}. Nothing is written for it.",
                "Was the id pasted under the wrong name? Correct the one that is wrong.",
                **where,
            )
        ]
    if tenant.status in STATUSES - {"", "active"}:
        party.silent = f"its tenant is {tenant.status}"
    elif tenant.billing_type == TERM:
        party.term = True
        party.silent = (
            "its tenant is billed as term, not monthly: the same seats may be billed twice, by the term "
            "licence and by lines that are still open"
        )
    elif tenant.billing_type in BILLING_TYPES - {"", "usage"}:
        party.silent = f"its tenant is billed as {tenant.billing_type}, not monthly"
    return []


def _meant(row: Customer, strays: Iterable[Tenant]) -> str:
    """Which tenant's id was mistyped: one that resembles it, or whose name the row has."""
    known = {tenant.id: tenant for tenant in strays}
    found = list(nearest(row.tenant_id, known))
    if not found and row.name:
        of_name = [one.id for one in known.values() if fit(row.name, one.show_as or one.name) is Fit.SAME]
        found = of_name if len(of_name) == 1 else []
    shown = [f"{one} ({known[one].show_as or known[one].name})" for one in found]
    return f"Did you mean {' or '.join(shown)}? " if shown else ""


def _same_name(name: str, tenant: Tenant) -> bool:
    """Whether they are the same, or one is the other as ConnectWise cuts it.

    Two long names that differ only behind the cut are two customers.
    """
    return any(
        name_key(one) == name_key(other)
        for shown in (tenant.show_as, tenant.name)
        if shown.strip()
        for one, other in ((name, shown), (_cut(name), shown), (name, _cut(shown)))
    )


def _cut(name: str) -> str:
    return unicodedata.normalize("NFC", name).strip()[:COMPANY_NAME_LIMIT]

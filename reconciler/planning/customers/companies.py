"""The ConnectWise companies that customers are billed as, and what they say against it."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error, notice, warning
from reconciler.model.identifiers import Id, identifier_key

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.billing import Agreement, Billing, Company
    from reconciler.model.desired import Customer
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


def no_company(party: Party, company: Company | None, agreements: Sequence[Agreement]) -> Diagnostic:
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


def _listed(words: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(words[:-1]), words[-1])))

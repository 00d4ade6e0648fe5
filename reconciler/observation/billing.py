"""What ConnectWise bills by: every agreement that may bill and its open lines, in few requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.connectwise.additions import read_lines
from reconciler.connectwise.agreements import may_bill, read_every_agreement
from reconciler.connectwise.companies import read_companies
from reconciler.connectwise.recaps import read_recaps
from reconciler.model.billing import Billing, Company
from reconciler.model.diagnostics import Diagnostic, ReconcilerError, Severity
from reconciler.model.identifiers import Id, identifier_key
from reconciler.observation.together import together

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from reconciler.connectwise.client import Client
    from reconciler.model.billing import Agreement, Recap
    from reconciler.model.desired import Customer


async def read_billing(
    client: Client, customers: Iterable[Customer], *, since: date, today: date
) -> tuple[Billing, tuple[Diagnostic, ...]]:
    """Every agreement of every company, with the open lines of those that may still be billed.

    Of the companies that customers name, lines and recaps are read of every agreement that may be billed on
    `since` or later: what ended lately says what a renewal goes on with. Of all others, those that may be
    billed today or later. The named companies are read as well: an agreement does not say that its company is
    deleted, or what it is. An agreement whose lines cannot be read is absent from `lines` and an error about
    `agreement/ID`; recaps that cannot be read are a warning too, and then there are none. Raises
    ReconcilerError for everything else, also where only the companies may not be read: without them a deleted
    customer would go on being billed.
    """
    identifiers, ids = _named(customers)
    listed = asyncio.Event()

    async def on_agreements() -> tuple[Billing, tuple[Diagnostic, ...]]:
        try:
            agreements = await read_every_agreement(client)
        finally:
            listed.set()
        own = {agreement.id for agreement in _own(agreements, identifiers, ids)}
        wanted = [
            agreement.id
            for agreement in agreements
            if may_bill(agreement, since if agreement.id in own else today)
        ]
        read = await read_lines(client, wanted, since=since)
        # After the lines, which need the same permission: a refusal here must not stop them.
        recaps, unread = await _recaps(client, wanted)
        # What may be billed there has no account, so that no invoice is right for certain.
        failed = (replace(one, severity=Severity.ERROR) for one in read.failed.values())
        return Billing(agreements, (), read.lines, recaps), (*failed, *unread)

    async def of_companies() -> tuple[Company, ...]:
        # Lines wait for the agreements, and nothing waits for the companies: they go second.
        await listed.wait()
        return await read_companies(client, identifiers, ids)

    billing: Billing
    companies: tuple[Company, ...]
    (billing, said), companies = await together(on_agreements(), of_companies())
    # A server that minds capitals finds an agreement by its company's identifier and not the company.
    named = {agreement.company_id for agreement in _own(billing.agreements, identifiers, ids)}
    companies += await read_companies(client, (), named - {company.id for company in companies})
    return replace(billing, companies=companies), said


async def _recaps(
    client: Client, agreement_ids: Collection[int]
) -> tuple[dict[int, Recap], tuple[Diagnostic, ...]]:
    try:
        return await read_recaps(client, agreement_ids), ()
    except ReconcilerError as failed:
        return {}, tuple(replace(one, severity=Severity.WARNING) for one in failed.diagnostics)


def _own(
    agreements: Iterable[Agreement], identifiers: Iterable[str], ids: Collection[int]
) -> list[Agreement]:
    """Those of the companies that are named."""
    keys = {identifier_key(one) for one in identifiers}
    return [
        one for one in agreements if one.company_id in ids or identifier_key(one.company_identifier) in keys
    ]


def _named(customers: Iterable[Customer]) -> tuple[list[str], set[int]]:
    """The companies that customers name, by identifier (each once, sorted) and by record id."""
    names: dict[str, str] = {}
    ids: set[int] = set()
    for customer in customers:
        if customer.company is None:
            continue
        if isinstance(customer.company, Id):
            ids.add(customer.company.value)
        else:
            names.setdefault(customer.company.key, customer.company.text)
    return [names[key] for key in sorted(names)], ids

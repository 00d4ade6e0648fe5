"""Reads what a configuration needs, everything that is independent at the same time."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from reconciler.connectwise import catalog, setup_tables
from reconciler.connectwise.client import may_be_done_without
from reconciler.connectwise.lookup import read_any_of
from reconciler.connectwise.rows import WrongTypeError, setup_entry
from reconciler.model.diagnostics import Diagnostic, ReconcilerError, Severity
from reconciler.model.fields import Table
from reconciler.model.identifiers import identifier_key
from reconciler.model.observed import Feed, Instance, Observed
from reconciler.observation.billing import read_billing
from reconciler.observation.together import together
from reconciler.sophos import firewalls, tenants, usage

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterable
    from datetime import date

    from reconciler.connectwise.client import Client as ConnectWise
    from reconciler.model.billing import Billing
    from reconciler.model.months import Month
    from reconciler.model.observed import CatalogEntry, CatalogItem, CustomField, SetupEntry, UsageMonth
    from reconciler.observation.needs import Needs
    from reconciler.sophos.client import Client as Sophos

T = TypeVar("T")


async def observe(
    connectwise: ConnectWise, feed: Coroutine[Any, Any, Feed], needs: Needs, *, since: date, today: date
) -> Observed:
    """Everything a plan needs. Raises ReconcilerError where what is wanted from ConnectWise cannot be read.

    `feed` is `read_feed`, or a frozen one. Lines are read that may still be billed today or later; of the
    configuration's customers those that may have been billed since `since`.
    """
    items, tables, told, billing = await together(
        _products(connectwise, needs),
        _tables(connectwise, needs),
        feed,
        _billing(connectwise, needs, since, today),
    )
    sophos: Feed = told
    found = {item.key for item in items}
    missing = {key: name for key, name in needs.identifiers.items() if key not in found | needs.former}
    similar, definitions = await together(
        _similar(connectwise, list(missing.values())), _custom_fields(connectwise, needs, items)
    )
    # A server that minds capitals did not find these; creating them would double them.
    spelled_otherwise = [one.id for one in similar if identifier_key(one.identifier) in missing]
    items += tuple(await catalog.items_by_ids(connectwise, spelled_otherwise))
    return Observed(
        instance=Instance(connectwise.host, connectwise.company, sophos.partner),
        items=items,
        similar=similar,
        tables=tables[0],
        custom_fields=definitions,
        tenants=sophos.tenants,
        usage=sophos.usage,
        firewalls=sophos.firewalls,
        usage_read_at=sophos.read_at,
        billing=billing[0],
        diagnostics=(*tables[1], *billing[1], *connectwise.unread.values(), *sophos.diagnostics),
    )


async def _products(connectwise: ConnectWise, needs: Needs) -> tuple[CatalogItem, ...]:
    groups = await together(
        *(catalog.items_with_marker(connectwise, place) for place in needs.marker_places),
        catalog.items_by_identifiers(connectwise, sorted(needs.identifiers.values())),
        catalog.items_by_ids(connectwise, sorted(needs.ids)),
    )
    by_id = {item.id: item for group in groups for item in group}
    return tuple(by_id[key] for key in sorted(by_id))


async def _tables(
    connectwise: ConnectWise, needs: Needs
) -> tuple[dict[Table, tuple[SetupEntry, ...]], list[Diagnostic]]:
    wanted = sorted(needs.tables)
    reads = [_attempt(setup_tables.read_table(connectwise, table)) for table in wanted]
    if needs.companies or needs.company_ids:
        wanted.append(Table.COMPANIES)
        reads.append(_attempt(_vendors(connectwise, needs)))
    answers = await together(*reads)
    tables = {
        table: tuple(entries)
        for table, (entries, _) in zip(wanted, answers, strict=True)
        if entries is not None
    }
    return tables, [diagnostic for _, problems in answers for diagnostic in problems]


async def _vendors(connectwise: ConnectWise, needs: Needs) -> list[SetupEntry]:
    by_name, by_id = await together(
        setup_tables.vendors_by_identifiers(connectwise, sorted(needs.companies)),
        read_any_of(
            connectwise,
            setup_tables.COMPANIES,
            "id",
            [str(one) for one in sorted(needs.company_ids)],
            (("fields", "id,identifier,deletedFlag"),),
            also="deletedFlag=false",
        ),
    )
    try:
        entries = [*by_name, *(setup_entry(row, "identifier") for row in by_id)]
    except WrongTypeError as wrong:
        raise connectwise.bad_answer("GET", setup_tables.COMPANIES, str(wrong)) from None
    return list({entry.id: entry for entry in entries}.values())


async def _attempt(read: Coroutine[Any, Any, T]) -> tuple[T | None, tuple[Diagnostic, ...]]:
    """The answer, or None and the reason as warnings: what depends on it says so itself."""
    try:
        return await read, ()
    except ReconcilerError as failed:
        return None, tuple(replace(d, severity=Severity.WARNING) for d in failed.diagnostics)


async def read_feed(sophos: Sophos, months: Iterable[Month], *, read_at: str) -> Feed:
    """The bills of these months, the tenants and the firewalls.

    They only inform a plan about products: a failure to read one of them is a warning here, and whatever
    is counted from it is held back by the planner.
    """
    answers = await together(
        _attempt(tenants.read_tenants(sophos)),
        _attempt(firewalls.read_firewalls(sophos)),
        *(_attempt(usage.read_usage(sophos, month)) for month in months),
    )
    (tenant_list, _), (firewall_list, _), *bills = answers
    read: list[UsageMonth] = [bill for bill, _ in bills if bill is not None]
    return Feed(
        partner=sophos.partner_id,
        read_at=read_at,
        tenants=tenant_list,
        firewalls=firewall_list,
        usage=tuple(read),
        diagnostics=tuple(problem for _, problems in answers for problem in problems),
    )


async def _billing(
    connectwise: ConnectWise, needs: Needs, since: date, today: date
) -> tuple[Billing | None, tuple[Diagnostic, ...]]:
    """What the customers are billed by, where there are any.

    None and a warning where the API member may not read it: no line is counted then, and products are
    planned all the same.
    """
    if not needs.customers:
        return None, ()
    try:
        return await read_billing(connectwise, needs.customers, since=since, today=today)
    except ReconcilerError as failed:
        if not may_be_done_without(failed):
            raise
        return None, tuple(replace(one, severity=Severity.WARNING) for one in failed.diagnostics)


async def _similar(connectwise: ConnectWise, missing: list[str]) -> tuple[CatalogEntry, ...]:
    return tuple(await catalog.similar_items(connectwise, missing)) if missing else ()


async def _custom_fields(
    connectwise: ConnectWise, needs: Needs, items: tuple[CatalogItem, ...]
) -> dict[str, CustomField]:
    """The definitions that any product shows; a product is read for them only where none is at hand."""
    if not needs.custom_fields:
        return {}
    shown: Iterable[CustomField] = items[0].custom_fields if items else ()
    if not items:
        shown = await catalog.custom_field_definitions(connectwise)
    return {identifier_key(field.caption): field for field in shown}

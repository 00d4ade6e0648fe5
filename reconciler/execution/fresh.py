"""What the changes of lines rest on, read again before the first write.

A creation, an end and a move rest on lists: on which agreements there are beside the line's own, which lines
stand on them, and which products carry the codes. For these the lists are read by what is named in them, so
that what the plan did not know is found as well, and compared with the number that the server counts. All
other changes rest on records that the plan names, which are read by their ids.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING

from reconciler.connectwise import additions, catalog
from reconciler.connectwise.agreements import agreements_by_ids, read_agreements
from reconciler.connectwise.companies import read_companies
from reconciler.connectwise.recaps import read_recaps
from reconciler.model.change import Action
from reconciler.model.diagnostics import ReconcilerError, Severity
from reconciler.model.fields import IDENTIFIER
from reconciler.model.identifiers import identifier_key
from reconciler.model.rests import COMPANY_ID

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence

    from reconciler.connectwise.client import Client
    from reconciler.model.billing import Agreement, Company, Line, Recap
    from reconciler.model.change import Change
    from reconciler.model.observed import CatalogItem
    from reconciler.model.product_state import MarkerPlace

#: Before any line; servers refuse or misread dates far outside of what their databases hold.
_ALWAYS = date(1900, 1, 1)


def rests_on_lists(change: Change) -> bool:
    """Whether a change starts, ends or moves a line, or brings a code onto a product.

    What is missing from a list then leads to a second line, or a second product with the code. So it does
    for a line that gets seats of customers who come from another company.
    """
    if change.target.agreement is None:
        return change.action in (Action.MAP_PRODUCT, Action.CREATE_PRODUCT)
    comes = change.basis is not None and bool(change.basis.companies)
    return comes or change.action is not Action.UPDATE_LINE


@dataclass(frozen=True)
class Names:
    """What products are called now: ids by identifier (as it compares), and what this plan makes of them.

    `created` are the identifiers of products that it creates, `renamed` gives the id of those that it gives
    an identifier.
    """

    ids: Mapping[str, tuple[int, ...]]
    created: frozenset[str]
    renamed: Mapping[str, int]

    def of(self, key: str) -> tuple[int, ...]:
        """The ids of the products that are called so, now or once this plan's renames are written."""
        found = self.ids.get(key, ())
        return (*found, self.renamed[key]) if key in self.renamed and not found else found


@dataclass(frozen=True)
class There:
    """What is there now.

    `agreements` by id, `lines` and `recaps` by agreement id; `companies` and `products` by id. `marked` are
    all products that carry a tag, read where a change rests on that list. `around` are the agreements of a
    company, their parents and their children, by the company's id. `own` are the lines that the plan changes
    or ends, and those of its new ones that are done already.
    """

    names: Names
    agreements: Mapping[int, Agreement]
    lines: Mapping[int, Sequence[Line]]
    companies: Mapping[int, Company]
    recaps: Mapping[int, Recap]
    products: Mapping[int, CatalogItem]
    marked: Sequence[CatalogItem]
    around: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    own: frozenset[int] = frozenset()


async def read_there(
    client: Client,
    changes: Sequence[Change],
    of_products: Sequence[Change],
    marked: Sequence[CatalogItem],
) -> There:
    """The records of these changes of lines. Raises ReconcilerError where something cannot be read.

    Raises ListShort where a list stays shorter than the server counts.
    """
    names = await _names(client, changes, of_products)
    closely = [change for change in changes if rests_on_lists(change)]
    listed, around = await _companies_agreements(client, closely)
    wanted = {number for change in changes for number in _agreements(change)}
    agreements = {**listed, **await agreements_by_ids(client, wanted - listed.keys())}
    counted = {change.target.agreement for change in closely} | listed.keys()
    lines = await _lines(client, (wanted | listed.keys()) & agreements.keys(), counted)
    companies = await read_companies(
        client, (), {agreements[n].company_id for n in wanted & agreements.keys()}
    )
    recaps = await read_recaps(
        client, {c.basis.recap.id for c in changes if c.basis is not None and c.basis.recap is not None}
    )
    ids = {c.basis.product.id for c in changes if c.basis is not None and c.basis.product is not None}
    known = {item.id: item for item in marked}
    products = {item.id: item for item in await catalog.items_by_ids(client, ids - known.keys())}
    return There(
        names,
        agreements,
        lines,
        {company.id: company for company in companies},
        recaps,
        {**products, **known},
        marked,
        around,
    )


async def read_marked(client: Client, changes: Iterable[Change], place: MarkerPlace) -> list[CatalogItem]:
    """All products that carry a tag, where a change rests on that list."""
    if not any(map(rests_on_lists, changes)):
        return []
    with client.counts.compared():
        return await catalog.items_with_marker(client, place.custom_field)


async def _companies_agreements(
    client: Client, changes: Sequence[Change]
) -> tuple[dict[int, Agreement], dict[int, tuple[int, ...]]]:
    """The agreements of these changes' companies and of those that customers come from, with their families.

    By their ids, and the ids by company.
    """
    bases = [change.basis for change in changes if change.basis is not None]
    own = (basis.agreement.get(COMPANY_ID.name) for basis in bases if basis.agreement is not None)
    companies = {number for number in own if number is not None}
    companies |= {number for basis in bases for number in basis.companies}
    if not companies:
        return {}, {}
    with client.counts.compared():
        found = await read_agreements(client, (), companies, family_since=_ALWAYS)
    by_id = {agreement.id: agreement for agreement in found}
    around: dict[int, set[int]] = defaultdict(set)
    for agreement in found:
        around[agreement.company_id].add(agreement.id)
        parent = by_id.get(agreement.parent_id or 0)
        if parent is not None:
            around[agreement.company_id].add(parent.id)
            around[parent.company_id].add(agreement.id)
    return by_id, {number: tuple(sorted(around[number])) for number in companies}


async def _lines(
    client: Client, agreements: Collection[int], counted: Collection[int | None]
) -> dict[int, tuple[Line, ...]]:
    """All lines of these agreements; those of the counted ones are compared with their number."""
    with client.counts.compared():
        closely = await additions.read_lines(client, [n for n in agreements if n in counted], since=_ALWAYS)
    others = await additions.read_lines(client, [n for n in agreements if n not in counted], since=_ALWAYS)
    for failed in (*closely.failed.values(), *others.failed.values()):
        raise ReconcilerError(replace(failed, severity=Severity.ERROR))
    return {**closely.lines, **others.lines}


def _agreements(change: Change) -> set[int]:
    beside = () if change.basis is None else change.basis.agreements
    return {number for number in (change.target.agreement, *beside) if number is not None}


async def _names(client: Client, changes: Iterable[Change], of_products: Sequence[Change]) -> Names:
    wanted = {change.target.identifier for change in changes if change.starts_line}
    ids: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for item in await catalog.items_by_identifiers(client, wanted) if wanted else ():
        ids[item.key] = (*ids[item.key], item.id)
    created = {c.target.identifier for c in of_products if c.action is Action.CREATE_PRODUCT}
    renamed = {
        identifier_key(str(one.after)): change.target.id
        for change in of_products
        if change.target.id is not None
        for one in change.fields
        if one.field == IDENTIFIER.name
    }
    return Names(dict(ids), frozenset(map(identifier_key, created)), renamed)

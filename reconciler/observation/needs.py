"""What has to be read before a plan can be made: a pure function of the configuration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.fields import FIELDS_BY_NAME, Table
from reconciler.model.identifiers import Id, Name, identifier_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.desired import Customer, Desired, Product
    from reconciler.model.identifiers import Selector


@dataclass
class Needs:
    """Products by identifier (by their comparison key, as written) and by id, set-up tables, companies.

    `former` are the keys of identifiers that are only named as what a product was called before, or as one
    that was replaced: usually not there any more, and nothing to look for resemblances of. `wanted` are those
    that a row or an entry names. `marker_places` are where tags are looked for:
    None is the notes, a text the custom field of that caption. `customers` are those whose lines are planned.
    """

    identifiers: dict[str, str] = field(default_factory=dict)
    former: set[str] = field(default_factory=set)
    wanted: set[str] = field(default_factory=set)
    ids: set[int] = field(default_factory=set)
    tables: set[Table] = field(default_factory=set)
    companies: set[str] = field(default_factory=set)
    company_ids: set[int] = field(default_factory=set)
    custom_fields: bool = False
    marker_places: set[str | None] = field(default_factory=set)
    customers: list[Customer] = field(default_factory=list)


def needs_of(configurations: Iterable[Desired], *, lines: bool = True) -> Needs:
    """What these configurations (the head's, and the base's with `--since`) name.

    Without `lines` nothing is read of agreements.
    """
    needs = Needs()
    for desired in configurations:
        needs.marker_places.add(desired.settings.marker_custom_field)
        needs.custom_fields |= desired.settings.marker_custom_field is not None
        for row in desired.rows:
            for selector in row.targets:
                _add_product(needs, selector)
        for product in desired.products:
            _add_declared(needs, product)
        _add_customers_products(needs, desired)
        if lines:
            needs.customers += desired.customers
    needs.former -= needs.wanted
    return needs


def _add_customers_products(needs: Needs, desired: Desired) -> None:
    for customer in desired.customers:
        for override in customer.overrides:
            for selector in override.targets:
                _add_product(needs, selector)


def _add_product(needs: Needs, selector: Selector) -> None:
    if isinstance(selector, Id):
        needs.ids.add(selector.value)
    else:
        needs.identifiers.setdefault(selector.key, selector.text.strip())
        needs.wanted.add(selector.key)


def _add_declared(needs: Needs, product: Product) -> None:
    _add_product(needs, Name(product.identifier))
    for former in (product.renamed_from, *product.replaces):
        if former is not None:
            needs.identifiers.setdefault(identifier_key(former), former.strip())
            needs.former.add(identifier_key(former))
    needs.custom_fields |= bool(product.custom_fields)
    for name, value in product.fields.items():
        table = FIELDS_BY_NAME[name].table
        if table is None or value is None:
            continue
        if table is not Table.COMPANIES:
            needs.tables.add(table)
        elif isinstance(value, Id):
            needs.company_ids.add(value.value)
        elif isinstance(value, Name):
            needs.companies.add(value.text)

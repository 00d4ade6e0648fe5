"""A plan narrowed to what `--product` and `--customer` name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.identifiers import identifier_key
from reconciler.planning.plan import customer_keys, only_customers, only_products
from reconciler.planning.suggest import did_you_mean

if TYPE_CHECKING:
    from reconciler.model.census import LineApart
    from reconciler.model.desired import Desired
    from reconciler.model.plan import Plan


def narrowed(made: Plan, desired: Desired, products: tuple[str, ...], customers: tuple[str, ...]) -> Plan:
    """The part of a plan that is about these; all of it where none are named.

    Raises ReconcilerError for a name that nothing knows: a slip of the hand must not read as "nothing to do".
    """
    if products or customers:
        keys = [f"product/{identifier_key(name)}" for name in products]
        keys += [f"customer/{identifier_key(name)}" for name in customers]
        made = replace(made, narrowed_to=tuple(sorted(set(keys))))
    if products:
        made = only_products(made, _known_products(products, desired, made))
    if customers:
        made = only_customers(made, _known_customers(customers, made))
    return _apart_only(made, products, customers)


def _apart_only(made: Plan, products: tuple[str, ...], customers: tuple[str, ...]) -> Plan:
    """The plan with those of its open lines without a row that these name; its totals are of the site."""
    if made.census is None or not (products or customers):
        return made
    of_products, of_customers = (set(map(identifier_key, names)) for names in (products, customers))
    kept = tuple(
        line
        for line in made.census.apart
        if (not of_products or identifier_key(line.product) in of_products)
        and (not of_customers or of_customers & _company_keys(line))
    )
    return replace(made, census=replace(made.census, apart=kept, narrowed=True))


def _apart(made: Plan) -> tuple[LineApart, ...]:
    return () if made.census is None else made.census.apart


def _company_keys(line: LineApart) -> set[str]:
    """By what the customer of an open line without a row can be named."""
    return {identifier_key(name) for name in (line.company, line.company_name)}


def _known_customers(names: tuple[str, ...], made: Plan) -> tuple[str, ...]:
    """The names of `--customer`, each of a customer that has a line. Raises ReconcilerError for others."""
    apart = _apart(made)
    keys = {key for line in made.lines for key in customer_keys(line)}
    keys |= {key for line in apart for key in _company_keys(line)}
    for name in names:
        if identifier_key(name) not in keys:
            known = {line.company for line in made.lines} | {line.company for line in apart}
            raise ReconcilerError(
                error(
                    "customer-unknown",
                    f"--customer {name}: the plan counts no line of such a customer.",
                    did_you_mean(name, known) or "Write a company identifier, a tenant id or a name.",
                )
            )
    return names


def _known_products(names: tuple[str, ...], desired: Desired, made: Plan) -> tuple[str, ...]:
    """The names of `--product`, each of a product that the mappings or the plan know.

    Raises ReconcilerError for others: a slip of the hand must not read as "nothing to do".
    """
    known = {str(selector) for row in desired.rows for selector in row.targets}
    known |= {product.identifier for product in desired.products}
    known |= {change.target.identifier for change in made.changes} | {line.product for line in made.lines}
    known |= {line.product for line in _apart(made)}
    keys = {identifier_key(name) for name in known}
    unknown = [name for name in names if identifier_key(name) not in keys]
    if unknown:
        raise ReconcilerError(
            error(
                "product-unknown",
                f"--product {unknown[0]}: neither the mappings nor the plan know it.",
                did_you_mean(unknown[0], known) or "Write a ConnectWise identifier of the mappings.",
            )
        )
    return names

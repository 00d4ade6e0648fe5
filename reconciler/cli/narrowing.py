"""A plan narrowed to what `--product` and `--customer` name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.identifiers import identifier_key
from reconciler.planning.plan import customer_keys, only_customers, only_products
from reconciler.planning.suggest import did_you_mean

if TYPE_CHECKING:
    from reconciler.model.desired import Desired
    from reconciler.model.plan import Plan


def narrowed(made: Plan, desired: Desired, products: tuple[str, ...], customers: tuple[str, ...]) -> Plan:
    """The part of a plan that is about these; all of it where none are named.

    Raises ReconcilerError for a name that nothing knows: a slip of the hand must not read as "nothing to do".
    """
    if products:
        made = only_products(made, _known_products(products, desired, made))
    if customers:
        made = only_customers(made, _known_customers(customers, made))
    return made


def _known_customers(names: tuple[str, ...], made: Plan) -> tuple[str, ...]:
    """The names of `--customer`, each of a customer that has a line. Raises ReconcilerError for others."""
    keys = {key for line in made.lines for key in customer_keys(line)}
    for name in names:
        if identifier_key(name) not in keys:
            known = {line.company for line in made.lines}
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

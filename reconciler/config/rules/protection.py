"""Rules about what is protected: nothing in the files takes it away."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.wording import show
from reconciler.model.diagnostics import error
from reconciler.model.identifiers import Id

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.config.rules.facts import Facts
    from reconciler.model.desired import Customer, Protected
    from reconciler.model.diagnostics import Location

_REMEDY = "If that is meant, take {} off the protected list in a reviewed change first."


def protected_customers(facts: Facts) -> None:
    """A protected company has a row, and the row bills it: without one its lines would follow nothing.

    Of products this is a plan's to say: the tag on them is known there.
    """
    if not facts.complete:
        return
    rows: dict[str, list[Customer]] = {}
    for customer in facts.desired.customers:
        if customer.company is not None:
            rows.setdefault(customer.company.key, []).append(customer)
    by_id = any(isinstance(c.company, Id) for c in facts.desired.customers)
    for guard in facts.desired.protected:
        if guard.kind != "customer" or not guard.key:
            continue
        own = rows.get(guard.key, [])
        if not own and not by_id:  # a company that is named by its id may be this one
            _say(facts, guard, "no row under `customers` bills it", guard.location)
        for row in own:
            for what, place in _taken(row):
                _say(facts, guard, what, place)


def _taken(row: Customer) -> Iterator[tuple[str, Location]]:
    if row.exclude is not None:
        yield "its row excludes it", row.location
    elif not row.sync:
        yield "its row has usage sync off", row.location
    for override in row.overrides:
        if override.exclude is not None:
            yield f"its row excludes {show(override.code)}", override.location


def _say(facts: Facts, guard: Protected, what: str, place: Location) -> None:
    facts.say(
        error(
            "protected-customer",
            f"{guard.text} is protected, and {what}.",
            _REMEDY.format(guard.text),
            location=place,
        )
    )


RULES = (protected_customers,)

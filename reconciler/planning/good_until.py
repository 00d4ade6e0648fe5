"""The last day on which what a plan was made of still says the same: words with an end have not ended."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.plan_guards import GoodUntil

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date

    from reconciler.model.desired import Desired
    from reconciler.model.diagnostics import Location


def good_until(desired: Desired, today: date) -> GoodUntil | None:
    """The word of the configuration that ends first, of those in force; None where none ends."""
    in_force = [(day, what, str(place)) for day, what, place in _with_an_end(desired) if day >= today]
    return GoodUntil(*min(in_force)) if in_force else None


def _with_an_end(desired: Desired) -> Iterator[tuple[date, str, Location]]:
    """Every word that says until when it holds."""
    for hold in desired.holds:
        yield hold.until, f"the hold for {hold.customer}, {hold.product}", hold.location
    for approval in desired.approvals:
        yield (
            approval.until,
            f"the approval for {approval.customer}, {approval.product}",
            approval.location,
        )
    for row in desired.rows:
        if row.exclude is not None and row.until is not None:
            yield row.until, f"the exclusion of {row.code}", row.location
    for customer in desired.customers:
        name = customer.name or customer.tenant_id
        if customer.exclude is not None and customer.until is not None:
            yield customer.until, f"the exclusion of {name}", customer.location
        for override in customer.overrides:
            if override.exclude is not None and override.until is not None:
                yield override.until, f"the exclusion of {override.code} for {name}", override.location

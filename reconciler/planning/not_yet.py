"""What a configuration states and this release does not act on: said, so that nobody counts on it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.desired import RunChangeGuard
from reconciler.model.diagnostics import Diagnostic, notice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.desired import Desired
    from reconciler.model.diagnostics import Location


_DEFAULT_RUN_CHANGE = RunChangeGuard(Decimal(10), Decimal(5), 20)
_DEFAULT_PLAN_AGE = 7


def not_acted_on(desired: Desired) -> list[Diagnostic]:
    """One notice for each key that has no effect yet, at the first place that states it."""
    first: dict[str, Location] = {}
    for key, location in _stated(desired):
        first.setdefault(key, location)
    return [
        notice(
            "not-acted-on",
            f"`{key}` is checked and kept, and has no effect in this release.",
            "Do not count on it yet; docs/usage.md says what is written and what is only reported.",
            location=location,
        )
        for key, location in first.items()
    ]


def _stated(desired: Desired) -> Iterator[tuple[str, Location]]:
    settings = desired.settings
    if settings.guards.run_change != _DEFAULT_RUN_CHANGE:
        yield "settings.guards.runChange", settings.location
    if settings.guards.max_plan_age_days != _DEFAULT_PLAN_AGE:
        yield "settings.guards.planAge", settings.location

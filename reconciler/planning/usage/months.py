"""Which Sophos month counts."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import ALL_USAGE, Diagnostic, error
from reconciler.model.plan import Period

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.observed import UsageMonth


def period_of(month: UsageMonth, today: date) -> Period | None:
    """The month with its windows, and whether they have all ended before today; None without data.

    A window whose date does not exist in the calendar (Sophos's own sample has a 31 April) counts as the
    calendar month's.
    """
    if not month.lines:
        return None
    first = min(line.window_start or month.month.first_day for line in month.lines)
    last = max(line.window_end or month.month.last_day for line in month.lines)
    return Period(str(month.month), month.month.title, first.isoformat(), last.isoformat(), last < today)


def newest_closed(months: Iterable[UsageMonth], today: date) -> UsageMonth | None:
    """The newest month whose billing windows have all ended."""
    closed = [month for month in months if (period := period_of(month, today)) is not None and period.closed]
    return max(closed, key=lambda month: month.month, default=None)


def unclear_months(months: Iterable[UsageMonth], chosen: UsageMonth | None, today: date) -> list[Diagnostic]:
    """Newer months that are over for most of their lines and not for all: an older one must not stand in.

    One odd window would otherwise have last month's quantities written over this month's.
    """
    found = []
    for month in months:
        period = period_of(month, today)
        if period is None or period.closed or (chosen is not None and month.month <= chosen.month):
            continue
        ends = Counter(line.window_end or month.month.last_day for line in month.lines or ())
        usual = ends.most_common(1)[0][0]
        if usual >= today:
            continue  # it simply still runs
        later = sum(count for end, count in ends.items() if end >= today)
        odd = next(line for line in month.lines or () if (line.window_end or month.month.last_day) >= today)
        found.append(
            error(
                "usage-windows-differ",
                f"Sophos's bill for {month.month.title} ended on {usual} for most lines, and {later} of its "
                f"lines end on {period.last_day} or have no real date (the first: {odd.product_code}, "
                f"{odd.assigned_name or odd.tenant_id or odd.account_or_serial}). Whether the month is "
                "closed is not clear, so no line is counted for anyone.",
                "Look at these lines in Sophos Central and have them corrected; the month counts as closed "
                "once all of its windows have ended.",
                subject=ALL_USAGE,
            )
        )
    return found

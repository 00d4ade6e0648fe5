"""The months as they are counted, and what every line of a plan is judged against."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.planning.allocation.allocation import allocate
from reconciler.planning.allocation.open_lines import OpenLines
from reconciler.planning.allocation.why_not import Rules
from reconciler.planning.allocation.writers import is_ours
from reconciler.planning.customers.parties import is_excluded
from reconciler.planning.lines.answers import Answers
from reconciler.planning.lines.before import Expected
from reconciler.planning.lines.judged import Ground
from reconciler.planning.usage.cells import excludes
from reconciler.planning.usage.feed import last_window_day
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Billing
    from reconciler.model.desired import Desired, Settings
    from reconciler.model.months import Month
    from reconciler.model.observed import UsageMonth
    from reconciler.planning.allocation.origins import Origins
    from reconciler.planning.customers.likely import Likely
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.bills import Bills
    from reconciler.planning.usage.cells import Cells


@dataclass(frozen=True)
class Months:
    """The months as they are counted."""

    today: date
    now: UsageMonth
    previous: UsageMonth | None
    closed: bool
    bills: Bills
    older: Mapping[Month, Bills]
    unattended: bool = False

    @property
    def windows(self) -> tuple[date, date | None]:
        """The last days of this and the previous month's billing windows."""
        known = self.previous is not None and self.previous.lines
        return last_window_day(self.now), last_window_day(self.previous) if known and self.previous else None

    @property
    def before(self) -> Bills | None:
        """Last month's bill, where it is known."""
        return self.older.get(self.now.month.previous())

    @property
    def on_last_bill(self) -> Collection[str] | None:
        """The tenants on last month's bill; None where it is not known."""
        return self.before.tenants if self.before is not None and self.before.month.lines else None


def ground_of(
    desired: Desired,
    billing: Billing,
    products: Products,
    cells: Cells,
    months: Months,
    origins: Origins,
    likely: Likely,
) -> Ground:
    """What every line of a plan is judged against, with the place of each open line."""
    today = months.today
    answers = Answers(desired, products, billing, today)
    answers.learn(cells.cells)
    open_lines = OpenLines(billing, today)
    expected = Expected(desired, products, months.before, open_lines)
    rules = Rules(
        desired.settings,
        expected.of,
        answers.lets_end,
        desired.protected,
        today,
        months.windows[0],
        _units_of_strangers(desired, months),
        months.on_last_bill,
        _products_by_our_hand(billing, desired.settings),
    )
    allocation = allocate(cells, open_lines, products, rules, origins)
    month = months.now.month
    return Ground(
        billing,
        desired.settings,
        answers,
        open_lines,
        allocation,
        cells.managed,
        products,
        month,
        today,
        *months.windows,
        likely.without_company(),
    )


def _products_by_our_hand(billing: Billing, settings: Settings) -> frozenset[int]:
    """The products, by record id, of which our member wrote some line last."""
    return frozenset(
        line.product_id for lines in billing.lines.values() for line in lines if is_ours(line, settings)
    )


def _units_of_strangers(desired: Desired, months: Months) -> dict[str, set[Decimal]]:
    """The units, this month and last, of tenants for which no synced row bills a code, by code."""
    synced = {row.tenant_id for row in desired.customers if row.sync and not is_excluded(row, months.today)}
    left_out = {
        (row.tenant_id, override.code)
        for row in desired.customers
        for override in row.overrides
        if excludes(override, months.today)
    }
    found: dict[str, set[Decimal]] = defaultdict(set)
    for bills in filter(None, (months.bills, months.before)):
        for tenant, codes in bills.by_tenant.items():
            for code, lines in codes.items():
                if tenant in synced and (tenant, code) not in left_out:
                    continue
                found[code].add(sum((line.billable for line in lines), ZERO))
    return found

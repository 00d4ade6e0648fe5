"""What the bill as a whole says before any line is counted: replaced codes, the same seats twice."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from datetime import date

    from reconciler.model.desired import Desired, Row
    from reconciler.model.observed import UsageMonth

_LEAST_TENANTS = 2
_SHARE = Decimal("0.9")

#: Tiers of one protection: a seat is in one of them (codes seen in live use; ISCPP, CentralOps, MSPByte).
TIERS = (
    ("CIXA-MSP", "CIXAXDR", "CIXAMTR-STD-MSP", "CIXAMTR-ADV-MSP"),
    ("SVRCLOUDADV-MSP", "SVRCIXAXDR", "SVRCIXAMTR-STD-MSP", "SVRCIXAMTR-ADV-MSP"),
)

Counts = dict[str, dict[str, Decimal]]


def units_by_code(month: UsageMonth | None, only: Collection[str] | None = None) -> Counts:
    """Billable units per code and tenant; of these codes only where they are given."""
    found: Counts = defaultdict(lambda: defaultdict(Decimal))
    for line in (month.lines or ()) if month is not None else ():
        if line.tenant_id is not None and (only is None or line.product_code in only):
            found[line.product_code][line.tenant_id] += line.billable
    return found


def last_window_day(month: UsageMonth) -> date:
    """The last day of the month's billing windows."""
    ends = (line.window_end or month.month.last_day for line in month.lines or ())
    return max(ends, default=month.month.last_day)


def replaced_codes(desired: Desired, now: UsageMonth, before: UsageMonth | None) -> dict[str, Diagnostic]:
    """Rows whose code is gone everywhere while a new one has its counts, by the row's code.

    One question, not many zeroes.
    """
    new = units_by_code(now)
    gone = [
        row
        for row in desired.rows
        if row.sync and not any(any(new.get(code, {}).values()) for code in row.codes)
    ]
    if not gone:
        return {}
    old = units_by_code(before)
    known = {code for row in desired.rows for code in row.codes}
    found = {}
    for row in gone:
        had: dict[str, Decimal] = defaultdict(Decimal)
        for code in row.codes:
            for tenant, units in old.get(code, {}).items():
                had[tenant] += units
        had = {tenant: units for tenant, units in had.items() if units}
        if len(had) < _LEAST_TENANTS:
            continue
        successor = _successor(had, new, known, old)
        if successor is not None:
            same = sum(new[successor].get(tenant) == units for tenant, units in had.items())
            found[row.code] = _replaced(row, successor, same, len(had))
    return found


def _replaced(row: Row, successor: str, same: int, of: int) -> Diagnostic:
    names = ", ".join((*row.also_known_as, successor))
    return error(
        "code-replaced",
        f"{row.code} is gone at all of its {number_of(of, 'customer')}, and {successor} is new at {same} of "
        "them with equal counts. Is it the same product? Its lines stay as they are.",
        f"If so, add it to the row: {row.code}: {{…, alsoKnownAs: [{names}]}}. If not, give it "
        "a row of its own.",
        location=row.location,
        subject=f"code/{row.code}",
    )


def _successor(had: Mapping[str, Decimal], new: Counts, known: set[str], old: Counts) -> str | None:
    for code, tenants in sorted(new.items()):
        if code in known or any(old.get(code, {}).values()):
            continue
        same = sum(tenants.get(tenant) == units for tenant, units in had.items())
        if same >= _SHARE * len(had):
            return code
    return None


def seats_in_two_tiers(
    now: UsageMonth, before: UsageMonth | None, names: Mapping[str, str]
) -> list[Diagnostic]:
    """Tenants that were upgraded in mid-month: both codes on one bill, one of them new."""
    if before is None or not before.lines:
        return []
    codes = {code for tiers in TIERS for code in tiers}
    old, new = units_by_code(before, codes), units_by_code(now, codes)
    found = []
    for tiers in TIERS:
        for tenant in sorted({tenant for code in tiers for tenant in new.get(code, {})}):
            present = [code for code in tiers if new.get(code, {}).get(tenant)]
            fresh = [code for code in present if not old.get(code, {}).get(tenant)]
            if not fresh or len(fresh) == len(present):
                continue
            counts = " + ".join(f"{code} {plain(new[code][tenant])}" for code in present)
            found.append(
                warning(
                    "two-tiers",
                    f"{names.get(tenant, tenant)}: the same seats in two tiers? {counts} on one bill, "
                    f"{', '.join(fresh)} for the first time. Billed as Sophos bills.",
                    "Nothing to do if the seats are different ones; otherwise hold the old product's line.",
                    subject=f"customer/{tenant}",
                )
            )
    return found

"""What the bill as a whole says before any line is counted: replaced codes, the same seats twice."""

from __future__ import annotations

from collections import defaultdict
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.desired import Desired
    from reconciler.model.observed import UsageMonth

_LEAST_TENANTS = 2
_SHARE = Decimal("0.9")

#: Tiers of one protection: a seat is in one of them (codes seen in live use; ISCPP, CentralOps, MSPByte).
TIERS = (
    ("CIXA-MSP", "CIXAXDR", "CIXAMTR-STD-MSP", "CIXAMTR-ADV-MSP"),
    ("SVRCLOUDADV-MSP", "SVRCIXAXDR", "SVRCIXAMTR-STD-MSP", "SVRCIXAMTR-ADV-MSP"),
)

Counts = dict[str, dict[str, Decimal]]


def units_by_code(month: UsageMonth | None) -> Counts:
    """Units per code and tenant."""
    found: Counts = defaultdict(lambda: defaultdict(Decimal))
    for line in (month.lines or ()) if month is not None else ():
        if line.tenant_id is not None:
            found[line.product_code][line.tenant_id] += line.billable
    return found


def replaced_codes(desired: Desired, now: UsageMonth, before: UsageMonth | None) -> list[Diagnostic]:
    """Codes that are gone everywhere while a new one has their counts: one question, not many zeroes."""
    old, new = units_by_code(before), units_by_code(now)
    known = {code for row in desired.rows for code in row.codes}
    found = []
    for row in desired.rows:
        for code in row.codes:
            had = {tenant: units for tenant, units in old.get(code, {}).items() if units}
            if len(had) < _LEAST_TENANTS or any(new.get(code, {}).values()):
                continue
            successor = _successor(had, new, known, old)
            if successor is None:
                continue
            same = sum(new[successor].get(tenant) == units for tenant, units in had.items())
            found += [
                error(
                    "code-replaced",
                    f"{code} is gone at all of its {len(had)} customers, and {successor} is new at {same} of "
                    "them with equal counts. Is it the same product? Its lines stay as they are.",
                    f"If so: {row.code}: {{…, alsoKnownAs: [{successor}]}}.",
                    location=row.location,
                    subject=f"lines/{target.key}",
                )
                for target in row.targets
            ]
    return found


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
    old, new = units_by_code(before), units_by_code(now)
    found = []
    for tiers in TIERS:
        for tenant in sorted({tenant for code in tiers for tenant in new.get(code, {})}):
            present = [code for code in tiers if new.get(code, {}).get(tenant)]
            fresh = [code for code in present if not old.get(code, {}).get(tenant)]
            if len(present) < 2 or not fresh or len(fresh) == len(present) or before is None:
                continue
            counts = " + ".join(f"{code} {plain(new[code][tenant])}" for code in present)
            found.append(
                warning(
                    "two-tiers",
                    f"{names.get(tenant, tenant)}: the same seats in two tiers? {counts} on one bill, "
                    f"{', '.join(fresh)} for the first time. Billed as Sophos bills.",
                    "Nothing to do if the seats are different ones; otherwise hold the old product's line.",
                )
            )
    return found

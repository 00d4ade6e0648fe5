"""The state of every Sophos product: what the *Configure usage sync* page shows, as rows."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.change import MAPPING_PREFIX, product_key
from reconciler.model.money import plain

if TYPE_CHECKING:
    from reconciler.model.change import Change
    from reconciler.model.desired import Desired, Row
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.observed import UsageLine, UsageMonth
    from reconciler.model.plan import Plan


@dataclass(frozen=True)
class ProductStatus:
    """One Sophos product: its row, its usage this period, and whether ConnectWise is as the row says."""

    code: str
    name: str
    products: tuple[str, ...]
    sync: str
    usage: str
    state: str
    changes: tuple[Change, ...] = field(default=())


def product_statuses(desired: Desired, plan: Plan, month: UsageMonth | None) -> list[ProductStatus]:
    """One per product code that a row names or the bill has, by code."""
    lines: dict[str, list[UsageLine]] = defaultdict(list)
    for line in (month.lines or ()) if month is not None else ():
        lines[line.product_code].append(line)
    rows = {code: row for row in desired.rows for code in row.codes}
    changes: dict[str, list[Change]] = defaultdict(list)
    for change in plan.changes:
        for one in change.fields:
            if one.field.startswith(MAPPING_PREFIX):
                changes[one.field.removeprefix(MAPPING_PREFIX)].append(change)
    codes = sorted({*rows, *lines, *changes})
    return [
        _status(code, rows.get(code), lines.get(code, []), tuple(changes.get(code, ())), plan)
        for code in codes
    ]


def _status(
    code: str, row: Row | None, lines: list[UsageLine], changes: tuple[Change, ...], plan: Plan
) -> ProductStatus:
    return ProductStatus(
        code=code,
        name=_name(lines),
        products=() if row is None else tuple(str(selector) for selector in row.targets),
        sync="" if row is None or row.exclude is not None else ("on" if row.sync else "off"),
        usage=plain(sum((line.billable for line in lines), Decimal(0))),
        state=_state(row, lines, changes, plan),
        changes=changes,
    )


def _is_about(diagnostic: Diagnostic, targets: set[str]) -> bool:
    """An error without a subject stops everything; a product named by its id has its row's place instead."""
    return diagnostic.subject is None or diagnostic.subject.casefold() in targets


def _name(lines: list[UsageLine]) -> str:
    """The bill's text without the price band and the billing cycle behind it, which change with volume."""
    return lines[0].description.split(" - ", 1)[0].strip() if lines else ""


def _state(row: Row | None, lines: list[UsageLine], changes: tuple[Change, ...], plan: Plan) -> str:
    if row is None:
        return "to be unmapped" if changes else ("not mapped" if lines else "not used")
    blocked = any(change.blocked for change in changes)
    targets = {product_key(str(selector)).casefold() for selector in row.targets}
    errors = sorted(
        {
            d.code
            for d in plan.diagnostics
            if d.severity == "error" and (_is_about(d, targets) or d.location == row.location)
        }
    )
    if errors or blocked:
        return f"blocked: {', '.join(errors) or 'see plan'}"
    if row.exclude is not None:
        ended = row.until is not None and row.until.isoformat() < plan.today
        return f"exclusion ended: {row.exclude}" if ended else f"excluded: {row.exclude}"
    return "to be applied" if changes else "in step"

"""What feeds each agreement line: the units of every tenant that is mapped to it, this month and last."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, error
from reconciler.planning.parties import Party, choose
from reconciler.planning.quantities import Terms, code_usage, merge_terms

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Agreement
    from reconciler.model.desired import AgreementSelector, Desired, Override, Row
    from reconciler.model.identifiers import Selector
    from reconciler.model.observed import UsageLine, UsageMonth


@dataclass(frozen=True)
class Bills:
    """One month's bill by tenant and code; a firewall counts for the customer that names its serial."""

    month: UsageMonth
    by_tenant: Mapping[str, Mapping[str, list[UsageLine]]]

    def of(self, tenant_id: str) -> Mapping[str, list[UsageLine]]:
        """One tenant's lines by code."""
        return self.by_tenant.get(tenant_id, {})


def sort_bill(month: UsageMonth, desired: Desired) -> Bills:
    """The month by tenant and code."""
    serials = {serial: customer.tenant_id for customer in desired.customers for serial in customer.firewalls}
    found: dict[str, dict[str, list[UsageLine]]] = defaultdict(lambda: defaultdict(list))
    for line in month.lines or ():
        tenant = line.tenant_id or serials.get(line.account_or_serial)
        if tenant is not None:
            found[tenant][line.product_code].append(line)
    return Bills(month, found)


@dataclass
class Feeding:
    """One tenant's share of a line: its units per code, this month and the month before.

    `before` is None where the month before is not known. `lines` are this month's, for their value.
    """

    party: Party
    now: dict[str, Decimal] = field(default_factory=dict)
    before: dict[str, Decimal] | None = field(default_factory=dict)
    lines: list[UsageLine] = field(default_factory=list)
    problem: str = ""


@dataclass
class Cell:
    """One product on one agreement, and what feeds it."""

    agreement: Agreement
    product: Selector
    terms: Terms
    feedings: list[Feeding]
    disagreement: str = ""


def collect_cells(
    parties: Iterable[Party], desired: Desired, now: Bills, before: Bills | None, today: date
) -> tuple[list[Cell], list[Diagnostic]]:
    """Every (agreement, product) that a customer's Sophos products are billed on."""
    own_terms = {terms.product.key: terms for terms in desired.lines}
    cells: dict[tuple[int, str], Cell] = {}
    diagnostics: list[Diagnostic] = []
    for party in parties:
        customer_terms = {terms.product.key: terms for terms in party.row.lines}
        for (agreement, key), (product, codes) in _routes(party, desired, today, diagnostics).items():
            terms = merge_terms(own_terms.get(key), customer_terms.get(key))
            cell = cells.get((agreement.id, key))
            if cell is None:
                cell = cells[agreement.id, key] = Cell(agreement, product, terms, [])
            elif _values(cell.terms) != _values(terms):
                cell.disagreement = f"{cell.feedings[0].party.name} and {party.name} state different terms"
            cell.feedings.append(_feed(party, codes, terms, now, before))
    return [cells[key] for key in sorted(cells)], diagnostics


def _values(terms: Terms) -> tuple[object, ...]:
    return (
        terms.count, terms.quantity, terms.blocks_of, terms.minimum, terms.maximum, terms.included,
        terms.take, terms.line, terms.fixed,
    )  # fmt: skip


def _routes(
    party: Party, desired: Desired, today: date, diagnostics: list[Diagnostic]
) -> dict[tuple[Agreement, str], tuple[Selector, dict[str, tuple[str, ...]]]]:
    """Where each Sophos product of a customer goes: (agreement, product key) → product and its codes.

    A code and those that Sophos replaced it by are one, under the row's own code.
    """
    overrides = {override.code: override for override in party.row.overrides}
    routes: dict[tuple[Agreement, str], tuple[Selector, dict[str, tuple[str, ...]]]] = {}
    for row in desired.rows:
        override = overrides.get(row.code)
        if not _is_billed(row, override):
            continue
        agreement = _agreement(party, override, today, diagnostics)
        if agreement is None:
            continue
        for product in (override.targets if override is not None else ()) or row.targets:
            _, codes = routes.setdefault((agreement, product.key), (product, {}))
            codes[row.code] = row.codes
    return routes


def _is_billed(row: Row, override: Override | None) -> bool:
    if override is not None and override.exclude is not None:
        return False
    if override is not None and override.targets:
        return row.sync or row.exclude is not None
    return row.exclude is None and row.sync


def _agreement(
    party: Party, override: Override | None, today: date, diagnostics: list[Diagnostic]
) -> Agreement | None:
    selector: AgreementSelector | None = override.agreement if override is not None else None
    if selector is None:
        return party.agreement
    return choose(party, selector, today, diagnostics)


def _feed(
    party: Party, codes: Mapping[str, tuple[str, ...]], terms: Terms, now: Bills, before: Bills | None
) -> Feeding:
    feeding = Feeding(party)
    bill = now.of(party.row.tenant_id)
    for code, names in codes.items():
        lines = [line for name in names for line in bill.get(name, ())]
        feeding.lines += lines
        counted = code_usage(lines, terms.quantity, now.month.month)
        feeding.now[code] = counted.quantity
        feeding.problem = feeding.problem or (counted.problem and f"{code}: {counted.problem}")
    if not bill and not party.silent:
        party.silent = "Sophos lists it and has nothing at all on its bill"
    feeding.before = _previous(party, codes, terms, before)
    return feeding


def _previous(
    party: Party, codes: Mapping[str, tuple[str, ...]], terms: Terms, before: Bills | None
) -> dict[str, Decimal] | None:
    if before is None or before.month.lines is None:
        return None
    bill = before.of(party.row.tenant_id)
    found = {}
    for code, names in codes.items():
        lines = [line for name in names for line in bill.get(name, ())]
        counted = code_usage(lines, terms.quantity, before.month.month)
        if counted.problem:
            return None
        found[code] = counted.quantity
    return found


def frozen_products(desired: Desired) -> dict[str, Diagnostic]:
    """Products of which some codes are synced and others are not: their number would be a part of one."""
    on: dict[str, list[str]] = defaultdict(list)
    off: dict[str, list[Row]] = defaultdict(list)
    labels: dict[str, str] = {}
    for row in desired.rows:
        for target in row.targets:
            labels[target.key] = str(target)
            if row.sync:
                on[target.key].append(row.code)
            else:
                off[target.key].append(row)
    return {
        key: error(
            "product-frozen",
            f"{labels[key]}: usage sync is off for {', '.join(row.code for row in rows)} and on for "
            f"{', '.join(on[key])}. A part of its number would be wrong, so its lines stay as they are.",
            "Turn both on or off, or map them to different products.",
            location=rows[0].location,
            subject=f"lines/{key}",
        )
        for key, rows in off.items()
        if on[key]
    }

"""The usage half of a plan: every line of every customer, and the changes that are to be written."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, Severity, error, warning
from reconciler.model.fields import to_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN, LineState, PlannedLine
from reconciler.model.money import cents, plain
from reconciler.model.plan import MAPPING_PREFIX, Action, Change, FieldChange, Target, UsageNote
from reconciler.planning.cells import collect_cells, frozen_products, sort_bill
from reconciler.planning.feed import replaced_codes, seats_in_two_tiers
from reconciler.planning.guards import feed_guard, product_guard, withhold
from reconciler.planning.lines import Ground, feed_value, plan_cell
from reconciler.planning.parties import find_parties

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.desired import Desired
    from reconciler.model.observed import CatalogItem, Observed, UsageMonth
    from reconciler.planning.cells import Cell
    from reconciler.planning.parties import Party

_MANY = 3


@dataclass(frozen=True)
class LinePlan:
    """What usage means for the agreement lines."""

    lines: tuple[PlannedLine, ...] = ()
    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[UsageNote, ...] = ()


def plan_lines(
    desired: Desired,
    observed: Observed,
    product_changes: Iterable[Change],
    *,
    today: date,
    month: UsageMonth | None,
    previous: UsageMonth | None,
    closed: bool,
) -> LinePlan:
    """Every line that the customers' usage is billed on.

    `closed` says that the month's billing windows have all ended: a running month is a forecast, planned
    and not written. Without a complete feed nothing is planned for anyone, and that is said.
    """
    if not desired.customers:
        return LinePlan()
    if month is None or month.lines is None or observed.tenants is None or observed.billing is None:
        return LinePlan(diagnostics=(_nothing_known(month, observed),))
    parties, diagnostics = find_parties(desired.customers, observed.tenants, observed.billing, today)
    before = sort_bill(previous, desired) if previous is not None else None
    cells, problems = collect_cells(parties, desired, sort_bill(month, desired), before, today)
    diagnostics += problems
    stops = [*frozen_products(desired).values(), *replaced_codes(desired, month, previous)]
    products = _Products(observed, product_changes)
    ground = Ground(observed.billing, desired.settings, desired.holds, desired.approvals, today)
    obstacles = {d.subject: d for d in stops}
    lines = [plan_cell(cell, *_readiness(cell, products, obstacles), ground) for cell in cells]
    lines = [_in_mode(line, parties, desired, closed=closed) for line in lines]
    lines = withhold(lines, desired.settings.guards, ground.approval)
    diagnostics += [*stops, *feed_guard(month, previous, desired.settings.guards)]
    diagnostics += product_guard(lines, desired.settings.guards)
    names = {tenant.id: tenant.show_as or tenant.name for tenant in observed.tenants}
    diagnostics += seats_in_two_tiers(month, previous, names)
    diagnostics += _other_writers(lines)
    return LinePlan(
        lines=tuple(sorted(lines, key=lambda line: (line.customer, line.key))),
        changes=tuple(_change(line, products) for line in lines if _is_written(line)),
        diagnostics=tuple(diagnostics),
        notes=_without_row(month, desired, names),
    )


def _nothing_known(month: UsageMonth | None, observed: Observed) -> Diagnostic:
    if observed.billing is None:
        what = "ConnectWise's agreements could not be read"
    elif observed.tenants is None:
        what = "Sophos's customers could not be read"
    elif month is None:
        what = "Sophos has no closed month of usage"
    else:
        what = f"Sophos has no usage data for {month.month.title}, which is not the same as no usage"
    return error(
        "usage-unknown",
        f"{what}. No line is counted for anyone.",
        "See the message about the request that failed, or name another month with --period.",
        subject="usage",
    )


class _Products:
    """The managed products as they are, and which of them the same plan still changes."""

    def __init__(self, observed: Observed, changes: Iterable[Change]) -> None:
        self._by_key = {item.key: item for item in observed.items}
        self._by_id = {f"#{item.id}": item for item in observed.items}
        self._pending: dict[str, list[Change]] = defaultdict(list)
        for change in changes:
            if change.action is Action.CREATE_PRODUCT or _is_mapping(change):
                self._pending[identifier_key(change.target.identifier)].append(change)
        self._renamed = {
            identifier_key(change.target.identifier): change.target.id
            for change in changes
            if change.target.id is not None
        }

    def item(self, key: str) -> CatalogItem | None:
        """The product of a selector's key, under its old identifier too while a rename is planned."""
        found = self._by_id.get(key) or self._by_key.get(key)
        if found is None and key in self._renamed:
            return self._by_id.get(f"#{self._renamed[key]}")
        return found

    def pending(self, key: str) -> list[Change]:
        """The product's own changes in this plan."""
        item = self.item(key)
        return self._pending.get(key, []) or (self._pending.get(item.key, []) if item is not None else [])


def _is_mapping(change: Change) -> bool:
    return any(one.field.startswith(MAPPING_PREFIX) for one in change.fields)


def _readiness(
    cell: Cell, products: _Products, obstacles: dict[str | None, Diagnostic]
) -> tuple[CatalogItem | None, str]:
    key = cell.product.key
    item = products.item(key)
    stop = obstacles.get(f"lines/{key}")
    if stop is not None:
        return item, stop.message
    if any(change.blocked for change in products.pending(key)):
        return item, f"a change of {cell.product} is held back"
    if item is None:
        return None, f"{cell.product} is not in ConnectWise yet; its lines follow in the next plan"
    return item, ""


def _in_mode(line: PlannedLine, parties: list[Party], desired: Desired, *, closed: bool) -> PlannedLine:
    modes = {p.row.mode or desired.settings.mode for p in parties if p.row.tenant_id in line.tenants}
    return replace(line, shadow=modes != {"live"} or not closed)


def _is_written(line: PlannedLine) -> bool:
    return line.state in WRITTEN and not line.shadow and line.line_id is not None


def _change(line: PlannedLine, products: _Products) -> Change:
    fields = []
    if line.after != line.before:
        fields.append(FieldChange("quantity", _text(line.before), _text(line.after)))
    if line.included_after != line.included_before:
        fields.append(
            FieldChange("lessIncluded", to_plan(line.included_before), to_plan(line.included_after))
        )
    target = Target(line.product, line.line_id, line.agreement_id)
    waits = sorted({change.write for change in products.pending(identifier_key(line.product))})
    return Change(
        id=f"{Action.UPDATE_LINE.value}:{target.key}",
        action=Action.UPDATE_LINE,
        target=target,
        reason=f"{line.customer}: {line.reason}",
        fields=tuple(fields),
        write=f"agreement/{line.agreement_id}/line/{line.line_id}",
        depends_on=tuple(waits),
        expected_identifier=line.product,
        source=line.source,
        money=line.sales,
    )


def _text(number: object) -> str | None:
    from decimal import Decimal

    return plain(number) if isinstance(number, Decimal) else None


def _other_writers(lines: Iterable[PlannedLine]) -> list[Diagnostic]:
    """One member, not us, whose hand is on many lines: most likely another sync that is still on."""
    counts = Counter(
        line.last_writer
        for line in lines
        if line.state is LineState.NEEDS_DECISION and line.last_writer and line.before != line.after
    )
    return [
        warning(
            "another-writer",
            f"{count} lines were last written by {writer} with numbers that are not last month's.",
            "If that is another sync (Sophos's own, for example), switch it off for these agreements; two "
            "writers undo each other.",
        )
        for writer, count in sorted(counts.items())
        if count >= _MANY
    ]


def _without_row(month: UsageMonth, desired: Desired, names: dict[str, str]) -> tuple[UsageNote, ...]:
    """Tenants with usage that no row under `customers` names, each with its value."""
    known = {customer.tenant_id for customer in desired.customers}
    by_tenant = defaultdict(list)
    for line in month.lines or ():
        if line.tenant_id is not None and line.tenant_id not in known:
            by_tenant[line.tenant_id].append(line)
    notes = []
    for tenant, lines in sorted(by_tenant.items(), key=lambda pair: names.get(pair[0], pair[0])):
        codes = sorted({line.product_code for line in lines})
        notes.append(
            UsageNote(
                kind="customer",
                code=names.get(tenant, tenant),
                description=", ".join(codes),
                quantity=plain(sum((line.billable for line in lines), start=type(lines[0].billable)(0))),
                customers=1,
                value={currency: str(cents(amount)) for currency, amount in feed_value(lines).items()},
                detail=f"tenant {tenant}",
            )
        )
    return tuple(notes)


def has_stopping_guard(diagnostics: Iterable[Diagnostic], codes: frozenset[str]) -> bool:
    """Whether a run guard stops everything."""
    return any(d.severity is Severity.ERROR and d.code in codes for d in diagnostics)

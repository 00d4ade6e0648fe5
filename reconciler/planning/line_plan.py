"""The usage half of a plan: every line of every customer, and the changes that are to be written."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.change import RAISES
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.lines import WRITTEN, LineState, PlannedLine
from reconciler.model.plan_guards import Answer, Answered
from reconciler.planning.accounts.census import Accounts
from reconciler.planning.accounts.lines import account_lines, count_lines, left_lines
from reconciler.planning.accounts.units import account_units, total_units
from reconciler.planning.allocation.origins import Origins
from reconciler.planning.customers.agreements import unchecked_periods
from reconciler.planning.customers.likely import Likely
from reconciler.planning.customers.parties import (
    count_months_without_usage,
    ended_parties,
    find_parties,
    is_excluded,
    unsynced_parties,
)
from reconciler.planning.ground import Months, ground_of
from reconciler.planning.lines.before import frozen_products
from reconciler.planning.lines.doubled import end_doubled
from reconciler.planning.lines.guards import (
    RUN_GUARDS,
    Allowed,
    feed_guard,
    feed_not_checked,
    product_guard,
    withhold,
)
from reconciler.planning.lines.judging import plan_cell
from reconciler.planning.lines.prices import price_remarks
from reconciler.planning.lines.remarks import (
    ending_soon,
    no_usage,
    no_usage_data,
    not_begun,
    remarks,
    silent_customers,
)
from reconciler.planning.lines.requests import is_written, requests
from reconciler.planning.lines.serials import with_silent_serials
from reconciler.planning.lines.tenant_notes import (
    nobody_is_billed,
    noted_whole,
    tenant_notes,
    usage_after_end,
)
from reconciler.planning.products.managed import Products
from reconciler.planning.seats.moved_serials import link_serials
from reconciler.planning.seats.shifts import link_shifts
from reconciler.planning.usage.bills import claimed_elsewhere, sort_bill
from reconciler.planning.usage.cells import collect_cells
from reconciler.planning.usage.cycles import months_back
from reconciler.planning.usage.feed import replaced_codes, seats_in_two_tiers
from reconciler.planning.usage.odd_feed import unknown_guard, unknown_values, unreadable_lines

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable
    from datetime import date

    from reconciler.model.billing import Billing
    from reconciler.model.change import Change
    from reconciler.model.desired import Desired
    from reconciler.model.observed import Observed, Tenant, UsageMonth
    from reconciler.model.usage_notes import UsageNote
    from reconciler.planning.accounts.lines import LeftLines
    from reconciler.planning.lines.judged import Ground, Judged
    from reconciler.planning.seats.shifts import Linked
    from reconciler.planning.usage.cells import Cell


@dataclass(frozen=True)
class LinePlan:
    """What usage means for the agreement lines. `together` is as in `model.plan.Plan`.

    `noted` are the tenants of which one of the `notes` has every unit. `accounts` are those of every open
    line and unit; None where nothing was counted.
    """

    lines: tuple[PlannedLine, ...] = ()
    changes: tuple[Change, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    notes: tuple[UsageNote, ...] = ()
    noted: frozenset[str] = frozenset()
    together: tuple[tuple[str, str], ...] = ()
    answers: tuple[Answer, ...] = ()
    accounts: Accounts | None = None


def plan_lines(
    desired: Desired,
    observed: Observed,
    product_changes: Iterable[Change],
    *,
    today: date,
    month: UsageMonth | None,
    previous: UsageMonth | None,
    closed: bool,
    unattended: bool = False,
    base: Desired | None = None,
) -> LinePlan:
    """Every line that the customers' usage is billed on.

    `product_changes` are those of the same plan, with what holds them back; those that are not to be written
    with it (usage alone is applied) are left out. `today` is the site's day. `closed` says that the month's
    billing windows have all ended: a running month is a forecast, planned and not written. `unattended`
    says that nobody reads the plan before it is written. `base` is the configuration that the desired one
    replaces, where it is known. Without a complete feed nothing is planned for anyone, and that is said.
    """
    if not desired.customers:
        return _without_customers(desired, observed, month, today)
    soon = ending_soon(desired, today)
    if not (month and month.lines) or observed.tenants is None or observed.billing is None:
        answered = observed.tenants is not None and observed.billing is not None
        unknown = no_usage(_unknown(month, observed, today), failed=not answered)
        return LinePlan(diagnostics=(unknown, *soon))
    before = month.month.previous()
    older = {} if previous is None else {before: sort_bill(previous, desired)}
    if months_back([desired]) > 1:
        older |= {one.month: sort_bill(one, desired) for one in observed.usage if one.month < before}
    months = Months(today, month, previous, closed, sort_bill(month, desired), older, unattended)
    products = Products(desired, observed, product_changes, base)
    likely = Likely(desired.customers, observed.tenants, observed.billing, today)
    planned = _plan((desired, base), observed.tenants, observed.billing, products, months, likely)
    notes = tenant_notes(desired, months.bills, observed.tenants, today, likely)
    noted = noted_whole(desired, months.bills, today)
    return replace(planned, diagnostics=(*planned.diagnostics, *soon), notes=notes, noted=noted)


def _without_customers(
    desired: Desired, observed: Observed, month: UsageMonth | None, today: date
) -> LinePlan:
    if month is None:
        return LinePlan()
    bills, tenants = sort_bill(month, desired), observed.tenants or ()
    likely = Likely((), tenants, observed.billing, today)
    said = nobody_is_billed(desired, bills, tenants, likely)
    if not said:
        return LinePlan()
    notes = tenant_notes(desired, bills, tenants, today, likely)
    return LinePlan(diagnostics=said, notes=notes, noted=noted_whole(desired, bills, today))


def _unknown(month: UsageMonth | None, observed: Observed, today: date) -> str:
    if observed.billing is None:
        return "ConnectWise's agreements and companies could not be read"
    if observed.tenants is None:
        return "Sophos's customers could not be read"
    if month is None:
        return "Sophos has no closed month of usage"
    if month.lines is None:
        return not_begun(month.month, today) or no_usage_data(month.month)
    return f"Sophos's bill for {month.month.title} has no line at all, which is not the same as no usage"


def _plan(
    configurations: tuple[Desired, Desired | None],
    tenants: Iterable[Tenant],
    billing: Billing,
    products: Products,
    months: Months,
    likely: Likely,
) -> LinePlan:
    desired = configurations[0]
    tenants, settings, today = tuple(tenants), desired.settings, months.today
    parties, diagnostics = find_parties(
        desired.customers, tenants, billing, today, on_the_bill=months.bills.tenants
    )
    count_months_without_usage(parties, months.bills.tenants, months.on_last_bill, closed=months.closed)
    beside = unsynced_parties(desired.customers, tenants, billing, today)
    found = collect_cells([*parties, *beside], desired, products, (months.bills, months.older), today)
    cells = replace(found, cells=with_silent_serials(found.cells, billing, today))
    diagnostics += cells.diagnostics
    frozen = frozen_products(desired, products)
    replaced = replaced_codes(desired, months.now, months.previous)
    _park(cells.cells, frozen, replaced)
    origins = Origins(billing, tenants, configurations[1])
    ground = ground_of(desired, billing, products, cells, months, origins, likely)
    left = left_lines(parties, beside, configurations, ground)
    judged = [one for cell in cells.cells if (one := plan_cell(cell, ground)) is not None]
    judged += [*(row for _, row in left.ending), *end_doubled(cells.cells, ground)]
    windows = months.windows
    if months.closed:
        judged = [_on_its_invoice(one, windows[0]) for one in judged]
    judged = _finished(judged, desired, ground, months)
    names = {tenant.id: tenant.show_as or tenant.name for tenant in tenants}
    linked = link_serials(link_shifts(judged, ground), months.bills, names)
    judged = linked.judged
    answered = [c.tenant_id for c in desired.customers if c.ended is not None or is_excluded(c, today)]
    diagnostics += [*frozen.values(), *replaced.values()]
    guards: list[Diagnostic] = []
    if months.previous is None or not months.previous.lines:
        last = months.now.month.previous().title
        guards.append(feed_not_checked(last, settings.guards, closed=months.closed))
    if months.closed:  # a forecast writes nothing, and a running month lacks tenants by nature
        guards += feed_guard(months.now, months.previous, settings.guards, answered=answered, names=names)
        guards += unknown_guard(tenants, months.bills, settings.guards.unknown_values)
        unsaid = [one.row for one in judged if not one.settled]
        guards += product_guard(unsaid, settings.guards, ground.answers.approval)
    diagnostics += guards
    diagnostics += ground.answers.without_effect(one.row for one in judged)
    diagnostics += silent_customers(parties, judged)
    diagnostics += usage_after_end(parties, months.bills, months.now.month, today)
    diagnostics += unreadable_lines(desired, months.bills, names)
    diagnostics += unknown_values(tenants, names)
    diagnostics += claimed_elsewhere(desired, months.bills, names)
    diagnostics += seats_in_two_tiers(months.now, months.previous, names)
    judged, said = remarks(judged, ground, windows=windows, closed=months.closed)
    used = (cell.agreement for cell in cells.cells if cell.agreement is not None)
    diagnostics += said + unchecked_periods(used, billing.recaps)
    diagnostics += price_remarks(products, billing, today)
    stopped = tuple(sorted(d.id for d in guards if d.code in RUN_GUARDS and d.severity is Severity.ERROR))
    judged.sort(key=lambda one: (one.row.customer, one.row.tenants, one.row.key))
    accounts = _accounts(judged, left, ground, (desired, tenants, ended_parties(parties, today)), months)
    return replace(_line_plan(judged, linked, ground, stopped, diagnostics), accounts=accounts)


def _accounts(
    judged: list[Judged],
    left: LeftLines,
    ground: Ground,
    of_whom: tuple[Desired, Iterable[Tenant], Collection[str]],
    months: Months,
) -> Accounts:
    """The account of every open line and of every unit on the month's bill, and how many were read."""
    desired, tenants, ended = of_whom
    lines, without_row = account_lines(judged, ground.allocation, left, ground)
    return Accounts(
        lines=tuple(lines),
        units=tuple(account_units(months.now, desired, tenants, judged, months.today, ended=ended)),
        apart=tuple(without_row),
        line_total=count_lines(ground),
        unit_total=total_units(months.now),
    )


def _line_plan(
    judged: list[Judged],
    linked: Linked,
    ground: Ground,
    stopped: tuple[str, ...],
    diagnostics: Iterable[Diagnostic],
) -> LinePlan:
    """The rows, and the requests of those that are written; `stopped` is what holds all of them back."""
    changes = {
        one.row.key: [
            _after(change, linked.after.get(one.row.key, ())) for change in requests(one, ground, stopped)
        ]
        for one in judged
        if is_written(one)
    }
    return LinePlan(
        lines=tuple(one.row for one in judged),
        changes=tuple(change for own in changes.values() for change in own),
        diagnostics=tuple(diagnostics),
        together=tuple(
            (changes[one][0].write, changes[other][0].write)
            for one, other in linked.pairs
            if changes.get(one) and changes.get(other)
        ),
        answers=tuple(answer for one in judged if (answer := _answer(one, ground)) is not None),
    )


def _answer(one: Judged, ground: Ground) -> Answer | None:
    """What has said yes to the change of a written line already."""
    row = one.row
    if row.state not in WRITTEN or row.shadow:
        return None
    approval = ground.answers.approval(row)
    if approval is not None:
        return Answer(row.key, Answered.APPROVAL, approval.before, approval.up_to)
    if row.held:
        return Answer(row.key, Answered.HOLD)
    return Answer(row.key, Answered.ROW) if one.settled else None


def _after(change: Change, losers: tuple[str, ...]) -> Change:
    """What starts or raises a line waits for the requests that take its seats off others."""
    if not losers or change.stage != RAISES:
        return change
    return replace(change, depends_on=tuple(sorted({*change.depends_on, *losers})))


def _park(cells: Iterable[Cell], frozen: dict[str, Diagnostic], replaced: dict[str, Diagnostic]) -> None:
    """Lines whose number waits for an answer that is asked for once, not line by line."""
    for cell in cells:
        asked = [code for code in sorted(replaced) if any(code in f.now for f in cell.feedings)]
        if cell.product.key in frozen:
            cell.parked = "frozen: usage sync is off for a part of its codes"
        elif asked:
            cell.parked = f"waits for the question whether {', '.join(asked)} was replaced"


def _on_its_invoice(one: Judged, window: date) -> Judged:
    """A month's number never goes onto an invoice that is dated before the month's usage ended."""
    row = one.row
    if row.state not in WRITTEN or row.first_invoice is None or row.first_invoice > window:
        return one
    reason = (
        f"the invoice of {row.first_invoice} is not made yet, and this usage runs to {window}: it belongs on "
        "a later invoice. Make that invoice first"
    )
    return replace(one, row=row.but(state=LineState.NEEDS_DECISION, reason=reason))


def _finished(judged: list[Judged], desired: Desired, ground: Ground, months: Months) -> list[Judged]:
    """The lines in their mode, and what is over a limit withheld.

    `judged` is used up: a large plan's rows do not fit into memory twice.
    """
    modes = {c.tenant_id: c.mode or desired.settings.mode for c in desired.customers}
    for number, one in enumerate(judged):
        if not months.closed or {modes[t] for t in one.row.tenants} != {"live"}:
            judged[number] = one.with_row(one.row.but(shadow=True))
    asks = months.unattended and desired.settings.new_lines == "ask"
    settled = {id(one.row) for one in judged if one.settled}
    allowed = Allowed(ground.answers.approval, settled, ground.answers.given)
    protected = {(one.kind, one.key): one.text for one in desired.protected}
    own = (one.row for one in judged)
    rows = withhold(own, desired.settings.guards, allowed, protected, new_lines_ask=asks)
    said = map(ground.answers.with_refusal, rows)
    return [one if one.row is row else one.with_row(row) for one, row in zip(judged, said, strict=True)]

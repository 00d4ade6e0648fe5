"""Desired and observed, side by side, become a plan."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.model.causes import with_causes
from reconciler.model.census_check import CENSUS_OPEN
from reconciler.model.change import OF_LINES, Action, Cause, Change
from reconciler.model.diagnostics import Diagnostic, Severity, error, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.months import Month
from reconciler.model.plan import Plan
from reconciler.model.plan_guards import PlanGuards
from reconciler.model.verdict import held_back, is_held_back, names_of, requests_of
from reconciler.planning.accounts.census import census_of
from reconciler.planning.accounts.removed_rows import removed_rows
from reconciler.planning.good_until import good_until
from reconciler.planning.line_plan import LinePlan, plan_lines
from reconciler.planning.lines.remarks import no_usage, no_usage_data, not_begun
from reconciler.planning.order import arrange
from reconciler.planning.products.changes import Home, Scene, product_changes
from reconciler.planning.products.targets import find_targets
from reconciler.planning.run_guards import bypassed_guards, run_guards
from reconciler.planning.suggest import did_you_mean
from reconciler.planning.usage.months import period_of, unclear_months
from reconciler.planning.usage.notes import misspelled_codes, rows_without_sync, usage_notes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.desired import Desired
    from reconciler.model.lines import PlannedLine
    from reconciler.model.observed import Observed, UsageMonth
    from reconciler.planning.accounts.census import Accounts
    from reconciler.planning.products.targets import Target


class Scope(StrEnum):
    """What a plan is to write: products and their mappings, quantities of lines, or both."""

    ALL = "all"
    PRODUCTS = "products"
    USAGE = "usage"


_TEXT_FIELDS = frozenset({"Text", "TextArea"})
_MAP, _UNMAP = Action.MAP_PRODUCT, Action.UNMAP_PRODUCT
_BY_SEVERITY = {Severity.ERROR: 0, Severity.WARNING: 1, Severity.NOTICE: 2}


def make_plan(
    desired: Desired,
    observed: Observed,
    *,
    today: date,
    site: str,
    tool: str,
    config_hash: str,
    config_diagnostics: Iterable[Diagnostic] = (),
    month: UsageMonth | None,
    previous: UsageMonth | None = None,
    unread: Sequence[Month] = (),
    scope: Scope = Scope.ALL,
    unattended: bool = False,
    base: Desired | None = None,
) -> Plan:
    """What has to happen so that ConnectWise is as the configuration says.

    `today` is the site's day; `month` the Sophos month whose usage counts, None where there is none;
    `previous` the one before. With an `unread` month no line is counted. `scope` and `unattended` write less.
    `base` is the configuration that the desired one replaces, where it is known.
    """
    targets, diagnostics = find_targets(desired, observed)
    changes, problems = _of_products(targets, Scene(desired, observed, _homes(targets)))
    diagnostics += [*_marker_field(desired, observed), *problems, *config_diagnostics, *observed.diagnostics]
    diagnostics += _about_usage(desired, month, observed, unread, today)
    unusable = _unusable_homes(targets, diagnostics)
    period = None if month is None else period_of(month, today)
    unclear = unclear_months(observed.usage, month, today)
    usage = _not_counted(desired, scope, unclear, unread) or plan_lines(
        desired,
        observed,
        _kept(arrange(changes, diagnostics, unusable), scope),
        today=today,
        month=month,
        previous=previous,
        closed=period is not None and period.closed,
        unattended=unattended,
        base=base,
    )
    diagnostics += usage.diagnostics
    made = Plan(
        tool=tool,
        site=site,
        owner=desired.settings.owner,
        marker_custom_field=desired.settings.marker_custom_field,
        member=desired.settings.connectwise_member,
        instance=observed.instance.to_json(),
        today=today.isoformat(),
        period=period,
        usage_read_at=observed.usage_read_at,
        config_hash=config_hash,
        changes=arrange([*_kept(changes, scope), *usage.changes], diagnostics, unusable),
        lines=usage.lines,
        diagnostics=tuple(sorted(_once(diagnostics), key=_order_of)),
        usage_notes=(*usage_notes(desired, month, observed, today, usage.noted), *usage.notes),
        together=usage.together,
        guards=_guards(desired, usage, targets, today),
    )
    return _counted(made, usage.accounts)


def _not_counted(
    desired: Desired, scope: Scope, unclear: Sequence[Diagnostic], unread: Sequence[Month]
) -> LinePlan | None:
    """The lines of a plan that counts none: of products alone, or with a month that is not clear."""
    if scope is Scope.PRODUCTS:
        return LinePlan()
    if not desired.customers or not (unread or unclear):
        return None
    return LinePlan(diagnostics=(*unclear, *([_cannot_count(unread)] if unread else ())))


def _counted(made: Plan, accounts: Accounts | None) -> Plan:
    """The plan with its census; the changes of rows that something holds back wait."""
    if accounts is None:
        return made
    held = held_back(made)
    rows = {line.key for line in made.lines if is_held_back(line, held)} if held else set()
    return replace(made, census=census_of(accounts, rows))


def _guards(desired: Desired, usage: LinePlan, targets: Sequence[Target], today: date) -> PlanGuards:
    protected = tuple(sorted({f"{one.kind}/{one.key}" for one in desired.protected}))
    until = good_until(desired, today)
    return PlanGuards(desired.settings.guards, protected, usage.answers, len(targets), until)


def guarded(plan: Plan, *, saved: bool = False) -> Plan:
    """The plan with its own changes held back where a guard of the whole run stops them.

    A `saved` plan is stopped as well where it writes what a guard of one line holds back. It is judged from
    the plan alone: what it writes now, compared with the lines that it holds.
    """
    found = [*(bypassed_guards(plan) if saved else ()), *run_guards(plan)]
    if not found:
        return plan
    stopped = {diagnostic.id for diagnostic in found}
    changes = tuple(
        change
        if change.cause is Cause.WAITING
        else replace(change, blocked_by=tuple(sorted({*change.blocked_by, *stopped})))
        for change in plan.changes
    )
    return _with(replace(plan, changes=changes), found)


def _kept(changes: Sequence[Change], scope: Scope) -> Sequence[Change]:
    """The changes of products that are to be written.

    With usage alone, lines whose product still changes wait for a run that writes the change.
    """
    return () if scope is Scope.USAGE else changes


def _of_products(targets: Iterable[Target], scene: Scene) -> tuple[list[Change], list[Diagnostic]]:
    changes: list[Change] = []
    diagnostics: list[Diagnostic] = []
    for target in targets:
        own, problems = product_changes(target, scene)
        changes += own
        diagnostics += problems
    return changes, diagnostics


def of_named_month(plan: Plan, today: date) -> Plan:
    """The plan of a month that somebody named, which says so where it may be too old to be written."""
    if plan.period is None or not plan.period.closed or not plan.lines:
        return plan
    newer = Month.parse(plan.period.month).next()
    usual = min(date.fromisoformat(plan.period.last_day).day, newer.last_day.day)
    if today <= newer.first_day.replace(day=usual):
        return plan
    said = warning(
        "older-month",
        f"Apply writes the newest closed month only. {newer.title} has closed if its windows end as those of "
        f"{plan.period.title} do, and then apply refuses the changes of lines in this plan (exit code 5).",
        "Leave --period out to plan what can be applied.",
    )
    return replace(plan, diagnostics=tuple(sorted((*plan.diagnostics, said), key=_order_of)))


def _cannot_count(unread: Sequence[Month]) -> Diagnostic:
    titles = " and ".join(month.title for month in sorted(unread))
    return no_usage(f"Sophos's usage of {titles} could not be read")


def since(plan: Plan, base: Plan, desired: Desired, base_desired: Desired, observed: Observed) -> Plan:
    """The plan with each change's cause, and the rows that the base commit had and this one has not.

    `observed` is what both were made from.
    """
    changes = with_causes(plan.changes, base.changes)
    removed, problems = removed_rows(plan, desired, base_desired, observed)
    return replace(_with(plan, problems), changes=changes, removed_rows=removed)


def _with(plan: Plan, said: Iterable[Diagnostic]) -> Plan:
    diagnostics = _once([*plan.diagnostics, *said])
    return replace(plan, diagnostics=tuple(sorted(diagnostics, key=_order_of)))


def only_customers(plan: Plan, names: Iterable[str]) -> Plan:
    """The lines of these customers (by company identifier, tenant id or name), with what they wait for."""
    wanted = {identifier_key(name) for name in names}
    lines = [line for line in plan.lines if wanted & customer_keys(line)]
    return _with_what_they_need(plan, _writes_of(plan, lines), lines)


def _writes_of(plan: Plan, lines: Iterable[PlannedLine]) -> set[str]:
    """The requests that these rows are written by."""
    own = {name for line in lines for name in requests_of(line)}
    return {c.write for c in plan.changes if c.action in OF_LINES and own & {*names_of(c.target)}}


def customer_keys(line: PlannedLine) -> set[str]:
    """By what a line's customer can be named."""
    return {identifier_key(name) for name in (line.company, line.customer, *line.tenants)}


def only_products(plan: Plan, identifiers: Iterable[str]) -> Plan:
    """The part of a plan that is about these products, with whatever their changes wait for.

    A code that leaves one of them takes its new products along: a move is never torn, because its usage
    would then be billed nowhere.
    """
    wanted = {identifier_key(identifier) for identifier in identifiers}
    kept = {c.write for c in plan.changes if identifier_key(c.target.identifier) in wanted}
    lines = [line for line in plan.lines if identifier_key(line.product) in wanted]
    return _with_what_they_need(plan, kept | _writes_of(plan, lines), lines)


def _with_what_they_need(plan: Plan, kept: set[str], lines: Iterable[PlannedLine]) -> Plan:
    """The plan with these lines and requests, whatever they wait for, and no move torn.

    A line that ends or shrinks for another one takes that one along, and the rows of both stand in the plan.
    What one row says of several lines is written whole: its money is that of all of them.
    """
    kept = set(kept)
    of_lines = {c.write for c in plan.changes if c.action in OF_LINES}
    of_rows = _writes_by_row(plan)
    while True:
        needed = {write for c in plan.changes if c.write in kept for write in c.depends_on}
        left = {c.fields[0].field for c in plan.changes if c.write in kept and c.action is _UNMAP}
        needed |= {c.write for c in plan.changes if c.action is _MAP and c.fields[0].field in left}
        seats = kept & of_lines
        needed |= {c.write for c in plan.changes if c.action in OF_LINES and seats & {*c.depends_on}}
        for group in (*plan.together, *of_rows):
            if not kept.isdisjoint(group):
                needed.update(group)
        if needed <= kept:
            break
        kept |= needed
    changes = tuple(c for c in plan.changes if c.write in kept)
    written = {name for c in changes if c.action in OF_LINES for name in names_of(c.target)}
    own = {line.key for line in lines}
    shown = tuple(line for line in plan.lines if line.key in own or written & {*requests_of(line)})
    return replace(plan, changes=changes, lines=shown)


def _writes_by_row(plan: Plan) -> list[set[str]]:
    """The requests of each row that several lines are written by."""
    by_name: dict[str, set[str]] = {}
    for change in plan.changes:
        if change.action in OF_LINES:
            for name in names_of(change.target):
                by_name.setdefault(name, set()).add(change.write)
    rows = [line for line in plan.lines if line.takes_over]
    return [{write for name in requests_of(line) for write in by_name.get(name, ())} for line in rows]


def _homes(targets: list[Target]) -> dict[str, tuple[Home, ...]]:
    homes: dict[str, list[Home]] = {}
    for target in targets:
        if target.item is not None:
            for code in target.mapped:
                homes.setdefault(code, []).append(Home(target.label, target.item.id))
    return {code: tuple(found) for code, found in homes.items()}


def _unusable_homes(targets: list[Target], diagnostics: list[Diagnostic]) -> dict[str, tuple[str, ...]]:
    """Per code, the errors of wanted products for which no change can be computed."""
    errors: dict[str, list[str]] = {}
    for diagnostic in diagnostics:
        if diagnostic.severity is Severity.ERROR and diagnostic.subject is not None:
            errors.setdefault(diagnostic.subject, []).append(diagnostic.id)
    found: dict[str, list[str]] = {}
    for target in targets:
        if not target.usable:
            for code in target.codes:
                found.setdefault(code, []).extend(errors.get(target.key, []))
    return {code: tuple(ids) for code, ids in found.items()}


def _marker_field(desired: Desired, observed: Observed) -> list[Diagnostic]:
    """Tags in a custom field need that field; without it every product would look unmapped."""
    caption = desired.settings.marker_custom_field
    if caption is None:
        return []
    definition = observed.custom_fields.get(identifier_key(caption))
    if definition is None:
        known = [field.caption for field in observed.custom_fields.values()]
        return [
            error(
                "marker-field-unknown",
                f"settings.marker: ConnectWise products have no custom field {caption!r}. "
                "Nothing is written.",
                f"{did_you_mean(caption, known)}Create it as a text field under System > Setup Tables > "
                "Custom Fields, or leave settings.marker out: tags then stand in the notes.",
                location=desired.settings.location,
            )
        ]
    if definition.type not in _TEXT_FIELDS:
        return [
            error(
                "marker-field-type",
                f"settings.marker: {caption} is a {definition.type} field and cannot hold a tag. Nothing is "
                "written.",
                "Name a custom field of type Text or TextArea.",
                location=desired.settings.location,
            )
        ]
    return []


def _about_usage(
    desired: Desired, month: UsageMonth | None, observed: Observed, unread: Sequence[Month], today: date
) -> list[Diagnostic]:
    found: list[Diagnostic] = []
    if unread:
        return found
    if month is None and observed.usage:
        found.append(
            warning(
                "usage-no-closed-month",
                "Sophos has no closed month of usage, so unmapped usage cannot be shown.",
                "Bills are usually complete towards the end of a month; try again then, or name a month "
                "with --period.",
            )
        )
    if month is not None:
        found += misspelled_codes(desired, month)
        found += rows_without_sync(desired, month)
    if month is not None and month.lines is None:
        found.append(
            warning(
                "usage-no-data",
                f"{not_begun(month.month, today) or no_usage_data(month.month)}.",
                "Choose another month with --period.",
            )
        )
    return found


def _once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    return list(dict.fromkeys(diagnostics))


def _order_of(diagnostic: Diagnostic) -> tuple[bool, int, str, int, str, str]:
    place = diagnostic.location
    return (
        diagnostic.code != CENSUS_OPEN,
        _BY_SEVERITY[diagnostic.severity],
        place.file if place else "",
        place.line if place else 0,
        diagnostic.code,
        diagnostic.message,
    )

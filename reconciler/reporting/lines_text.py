"""What a plan does to invoices, on the terminal: in invoice words, the biggest change first."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.counts import number_of
from reconciler.model.unsettled import unsettled
from reconciler.model.verdict import LineGroups, count_customers, group_lines, sums, totals
from reconciler.reporting.census_words import rows_title
from reconciler.reporting.changes_text import print_apart, print_changes, print_kinds, print_not_billed
from reconciler.reporting.decisions_text import apart_from_stopped, print_decisions
from reconciler.reporting.line_words import day_text, money_list, signed, step_text
from reconciler.reporting.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from rich.console import Console

    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan


def print_lines(console: Console, plan: Plan) -> None:
    """The lines of a plan: verdict, money by kind, decisions, changes, what is not billed, and totals.

    Prints nothing where the plan counts no line.
    """
    if not plan.lines:
        return
    groups = group_lines(plan)
    forecast = plan.period is not None and not plan.period.closed
    console.print(Text(verdict_line(groups, unsettled(plan).counts, forecast=forecast), style="bold"))
    for more in _more_lines(groups):
        console.print(Text(more))
    print_kinds(console, groups.moving, "This plan" if groups.written else "It would be")
    decisions, stopped, title = apart_from_stopped(plan, groups)
    print_decisions(console, plan, decisions)
    print_kinds(console, stopped, "It would be")
    print_changes(console, title, stopped)
    print_changes(console, "What changes on invoices", groups.written)
    why_not = "a forecast" if forecast else "mode shadow"
    print_changes(console, f"What would change on invoices ({why_not}: no line is written)", groups.shadow)
    print_not_billed(console, groups.moving)
    print_apart(console, groups.apart)
    if plan.rollback_of is not None:
        _print_totals(console, groups, "The lines of this rollback alone, per month, before tax")
        return
    _print_totals(console, groups, f"{rows_title(plan.lines)}, per month, before tax")
    console.print(Text(_unchanged_line(groups)))


# --- the verdict


def verdict_line(groups: LineGroups, left: Sequence[str] = (), *, forecast: bool = False) -> str:
    """The first line: what waits for a person, and what invoices change by, per currency.

    `left` is what people have to settle. `forecast` says that the month is still running.
    """
    decisions = f"{', '.join(left)}. " if left else ""
    if groups.written:
        return f"{decisions}This plan changes invoices by {_effect(groups.written)}."
    if groups.shadow and forecast:
        return (
            f"{decisions}A forecast: the month is still running, and nothing of this is written. As it "
            f"stands, invoices would change by {_effect(groups.shadow)}."
        )
    if groups.shadow:
        return (
            f"{decisions}Mode shadow: no line is written. Live, this plan would change invoices by "
            f"{_effect(groups.shadow)}."
        )
    return f"{decisions}This plan changes no invoice."


def _more_lines(groups: LineGroups) -> Iterable[str]:
    lines = groups.moving
    if lines:
        cost = money_list(sums(line.cost for line in lines))
        yield f"Our cost (unit cost of the lines): {cost or 'no change'} a month."
    periods = Counter(line.period_type for line in lines if line.period_type)
    if periods:
        listed = ", ".join(f"{name} ({number_of(count, 'line')})" for name, count in sorted(periods.items()))
        yield f"Service period that those invoices cover, by the agreements: {listed}."
    if groups.written and groups.shadow:
        yield (
            f"Mode shadow at {number_of(count_customers(groups.shadow), 'customer')}: nothing of theirs is "
            f"written (it would be {_effect(groups.shadow)})."
        )
    if groups.waiting:
        yield (
            f"Waiting anyway, not part of this change: {number_of(len(groups.waiting), 'line')}, "
            f"{_effect(groups.waiting)}."
        )


def _effect(lines: Sequence[PlannedLine]) -> str:
    """`+500.00 EUR a month, before tax: 4 customers, first on invoices of 1 Dec 2026`."""
    amounts = sums(line.sales for line in lines)
    nothing = signed(amounts[0].delta, amounts[0].places) if amounts else "0.00"
    customers = number_of(count_customers(lines), "customer")
    text = f"{money_list(amounts) or nothing} a month, before tax: {customers}"
    days = sorted({line.first_invoice for line in lines if line.first_invoice is not None})
    if days:
        shown = day_text(days[0]) + ("" if len(days) == 1 else f" to {day_text(days[-1])}")
        text += f", first on invoices of {shown}"
    unknown = sum(line.sales is None for line in lines)
    return text + (f"; the money of {number_of(unknown, 'line')} is not known" if unknown else "")


# --- the totals


def _print_totals(console: Console, groups: LineGroups, title: str) -> None:
    if groups.shadow and not groups.written:
        title += " (as they would be in live mode)"
    rows = [
        (
            name,
            step_text(amount),
            signed(amount.delta, amount.places),
            amount.currency,
        )
        for name, kind in (("Sales", "sales"), ("Cost", "cost"))
        for amount in totals(groups, kind)
    ]
    console.print(Text(f"\n{title}", style="bold"))
    if rows:
        print_table(console, ("", ">Now → new", ">Change", "Currency"), rows)


def _unchanged_line(groups: LineGroups) -> str:
    lines = [line for line in groups.unchanged if line.line_id is not None]
    held = Counter(line.held for line in lines)[True]
    on_hold = f", {held} of them on hold" if held else ""
    customers = number_of(count_customers(lines), "customer")
    return f"Unchanged: {number_of(len(lines), 'line')} of {customers}{on_hold}."

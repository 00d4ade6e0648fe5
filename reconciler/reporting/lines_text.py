"""What a plan does to invoices, on the terminal: in invoice words, the biggest change first."""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.lines import Amount, LineState, PlannedLine
from reconciler.model.money import USUAL_PLACES, money_text, plain, price, to_places
from reconciler.model.verdict import (
    LineGroups,
    billed_units,
    count_customers,
    group_lines,
    held_back,
    is_held_back,
    rounded,
    sums,
    totals,
)
from reconciler.reporting.clean import clean
from reconciler.reporting.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date
    from decimal import Decimal

    from rich.console import Console

    from reconciler.model.diagnostics import Diagnostic, Location
    from reconciler.model.plan import Plan

MOST_DECISIONS = 5
_PLAIN_YAML = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
_NOT_WRITTEN = "reported; this version does not write it"
_APART = {
    LineState.NEW_LINE: f"new line ({_NOT_WRITTEN})",
    LineState.ENDS: f"ends ({_NOT_WRITTEN})",
    LineState.MOVES: f"moved ({_NOT_WRITTEN})",
    LineState.NOT_COUNTED: "stays as it is, without Sophos usage",
}


def print_lines(console: Console, plan: Plan) -> None:
    """The lines of a plan: verdict, decisions, changes, what is not billed, and totals.

    Prints nothing where the plan counts no line.
    """
    if not plan.lines:
        return
    groups = group_lines(plan)
    forecast = plan.period is not None and not plan.period.closed
    console.print(Text(verdict_line(groups, forecast=forecast), style="bold"))
    for more in _more_lines(groups):
        console.print(Text(more))
    _print_decisions(console, plan, groups)
    _print_changes(console, "What changes on invoices", groups.written)
    why_not = "a forecast" if forecast else "mode shadow"
    _print_changes(console, f"What would change on invoices ({why_not}: no line is written)", groups.shadow)
    _print_apart(console, groups.apart)
    _print_totals(console, groups)
    console.print(Text(_unchanged_line(groups)))


def line_summary(plan: Plan) -> str:
    """One sentence: the counts and the money."""
    if not plan.lines:
        return "No agreement line is counted."
    groups = group_lines(plan)
    counts = [
        (len(groups.written), "to change"),
        (len(groups.shadow), "in shadow"),
        (len(groups.decisions), "to decide"),
        (len(groups.apart), "not written"),
        (len(groups.waiting), "waiting anyway"),
        (len(groups.unchanged), "unchanged"),
    ]
    listed = ", ".join(f"{count} {what}" for count, what in counts if count)
    money = money_list(sums(line.sales for line in groups.written))
    effect = f"invoices change by {money} a month" if money else "no invoice changes"
    return f"Lines: {listed}; {effect}."


# --- the verdict


def verdict_line(groups: LineGroups, *, forecast: bool = False) -> str:
    """The first line: what waits for a person, and what invoices change by, per currency.

    `forecast` says that the month is still running.
    """
    waiting = len(groups.decisions)
    decisions = f"{waiting} decision{'' if waiting == 1 else 's'}. " if waiting else ""
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
        listed = ", ".join(f"{name} ({_number(count, 'line')})" for name, count in sorted(periods.items()))
        yield f"Service period that those invoices cover, by the agreements: {listed}."
    if groups.written and groups.shadow:
        yield (
            f"Mode shadow at {_number(count_customers(groups.shadow), 'customer')}: nothing of theirs is "
            f"written (it would be {_effect(groups.shadow)})."
        )
    if groups.waiting:
        yield (
            f"Waiting anyway, not part of this change: {_number(len(groups.waiting), 'line')}, "
            f"{_effect(groups.waiting)}."
        )


def _effect(lines: Sequence[PlannedLine]) -> str:
    """`+500.00 EUR a month, before tax: 4 customers, first on invoices of 1 Dec 2026`."""
    amounts = sums(line.sales for line in lines)
    nothing = signed(amounts[0].delta, amounts[0].places) if amounts else "0.00"
    text = (
        f"{money_list(amounts) or nothing} a month, before tax: {_number(count_customers(lines), 'customer')}"
    )
    days = sorted({line.first_invoice for line in lines if line.first_invoice is not None})
    if days:
        shown = day_text(days[0]) + ("" if len(days) == 1 else f" to {day_text(days[-1])}")
        text += f", first on invoices of {shown}"
    unknown = sum(line.sales is None for line in lines)
    return text + (f"; the money of {_number(unknown, 'line')} is not known" if unknown else "")


def money_list(amounts: Iterable[Amount]) -> str:
    """The changes per currency, `+500.00 EUR and -3.00 USD`; nothing where none changes."""
    return " and ".join(
        f"{signed(one.delta, one.places)} {clean(one.currency)}" for one in amounts if one.delta
    )


def signed(amount: Decimal, places: int = USUAL_PLACES) -> str:
    """An amount that always shows its sign: `+500.00`, `-22.00`, `0.00`."""
    shown = to_places(amount, places)
    return money_text(abs(shown), places) if not shown else f"{shown:+,f}"


def step_text(amount: Amount) -> str:
    """`90.00 → 99.00` of an amount that is rounded, in the decimals of its currency."""
    return f"{money_text(amount.before, amount.places)} → {money_text(amount.after, amount.places)}"


def day_text(day: date) -> str:
    """A day as people write it: `1 Dec 2026`."""
    return f"{day.day} {day:%b} {day.year}"


def _number(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


# --- decisions


def _print_decisions(console: Console, plan: Plan, groups: LineGroups) -> None:
    if not groups.decisions:
        return
    held = held_back(plan)
    spoken = {problem.subject: problem for problem in plan.diagnostics if problem.subject}
    console.print(Text("\nPlease decide (nothing of this is written)", style="bold red"))
    ordered = biggest_first(groups.decisions)
    for number, line in enumerate(ordered[:MOST_DECISIONS], 1):
        blocked_by = is_held_back(line, held)
        console.print(Text(f"  {number}. {_title(line)}"))
        console.print(Text(f"     {_what(line, blocked_by)}"))
        for answer in answers(line, spoken.get(line.key), plan.today, held_back=bool(blocked_by)):
            console.print(Text(f"     → {answer}", style="dim"))
    left = len(ordered) - MOST_DECISIONS
    if left > 0:
        console.print(Text(f"  … and {left} more: all of them stand in --format csv, xlsx and json."))


def _title(line: PlannedLine) -> str:
    number = f" (line #{line.line_id})" if line.line_id is not None else ""
    parts = [place(line), f"{clean(line.product)}{number}", source_text(line.source)]
    return ", ".join(part for part in parts if part)


def _what(line: PlannedLine, blocked_by: tuple[str, ...]) -> str:
    if blocked_by:
        return f"{line.state.value}, held back by {clean(', '.join(blocked_by))}{_stake(line)}"
    return f"{line.state.value}: {clean(line.reason)}{_stake(line)}"


def _stake(line: PlannedLine) -> str:
    """` [38 → 64, +117.00 EUR a month]`, where the plan knows what it would be."""
    known = line.before is not None and line.after is not None and line.before != line.after
    parts = [change_text(line.before, line.after)] if known else []
    if line.sales is not None and rounded(line.sales).delta:
        parts.append(f"{money_list([rounded(line.sales)])} a month")
    return f" [{', '.join(parts)}]" if parts else ""


def answers(
    line: PlannedLine, problem: Diagnostic | None, today: str, *, held_back: bool = False
) -> list[str]:
    """What to do: the problem's own remedy, then the rows that answer, ready to be pasted."""
    found = [clean(problem.remedy)] if problem is not None and problem.remedy else []
    if held_back:
        return found or ["settle what holds it back, then plan again"]
    until = today if line.first_invoice is None else line.first_invoice.isoformat()
    who = f"customer: {_yaml(line.company or line.customer)}, product: {_yaml(line.product)}"
    if line.state is LineState.WITHHELD and line.before is not None and line.after is not None:
        found.append(
            f"to let it through, under approvals: {{{who}, from: {plain(line.before)}, "
            f"upTo: {plain(line.after)}, reason: …, until: {until}}}"
        )
    if line.before is not None:
        found.append(
            f"to keep it as it is, under holds: {{{who}, quantity: {plain(line.before)}, reason: …, "
            f"until: {until}}}"
        )
    return found or ["settle it in ConnectWise or in the customer's row, then plan again"]


def _yaml(text: str) -> str:
    """A text as a value of a YAML row, quoted where it has to be."""
    return clean(text if _PLAIN_YAML.fullmatch(text) else json.dumps(text, ensure_ascii=False))


# --- changes


def _print_changes(console: Console, title: str, lines: Sequence[PlannedLine]) -> None:
    if not lines:
        return
    console.print(Text(f"\n{title}", style="bold"))
    header = (
        "Customer · agreement",
        "Product",
        ">Quantity",
        ">Billed",
        ">Price",
        ">Now → new",
        ">Per month",
        "Why",
    )
    print_table(console, header, [_change_row(line) for line in biggest_first(lines)])


def _change_row(line: PlannedLine) -> tuple[str, ...]:
    billed = change_text(
        billed_units(line.before, line.included_before, line.billed_until_now),
        billed_units(line.after, line.included_after, line.bill_customer),
    )
    if line.bill_customer != "Billable":
        billed = f"{billed} ({line.bill_customer or 'not billable'})"
    product = line.product if line.line_id is None else f"{line.product} #{line.line_id}"
    return (
        f"{line.customer} · {line.agreement}",
        product,
        change_text(line.before, line.after),
        billed,
        price_text(line.unit_price, USUAL_PLACES if line.sales is None else line.sales.places),
        *_money_cells(line.sales),
        why(line),
    )


def _money_cells(amount: Amount | None) -> tuple[str, str]:
    if amount is None:
        return "?", "?"
    shown = rounded(amount)
    return (
        f"{step_text(shown)} {shown.currency}",
        f"{signed(shown.delta, shown.places)} {shown.currency}",
    )


def biggest_first(lines: Iterable[PlannedLine]) -> list[PlannedLine]:
    """By the absolute change of money, then by customer; lines whose money is not known come last."""
    return sorted(
        lines,
        key=lambda line: (
            line.sales is None,
            0 if line.sales is None else -abs(rounded(line.sales).delta),
            line.customer.casefold(),
            line.key,
        ),
    )


def why(line: PlannedLine) -> str:
    """The parts of the quantity and the reason, each once; a hold is said."""
    parts = "" if line.parts in line.reason else line.parts
    reason = "" if line.reason in parts else line.reason
    return "; ".join(text for text in ("on hold" if line.held else "", parts, reason) if text)


def change_text(before: Decimal | None, after: Decimal | None) -> str:
    """`38 → 64`, or one number where nothing changes; `?` where it is not known."""
    old, new = ("?" if number is None else plain(number) for number in (before, after))
    return old if old == new else f"{old} → {new}"


def price_text(number: Decimal, places: int = USUAL_PLACES) -> str:
    """A price with its currency's decimals, or with as many as it has."""
    return f"{price(number, places):,f}"


def place(line: PlannedLine) -> str:
    """`Safelog · Managed Security`, cleaned."""
    return clean(f"{line.customer} · {line.agreement}" if line.agreement else line.customer)


def source_text(source: Location | None) -> str:
    """`mappings/customers.yaml:14`, or nothing."""
    return "" if source is None or not source.file else f"{clean(source.file)}:{source.line}"


# --- what is not written, and the totals


def _print_apart(console: Console, lines: Sequence[PlannedLine]) -> None:
    if not lines:
        return
    console.print(Text("\nNot billed, or not written by this plan", style="bold"))
    rows = [
        (
            f"{line.customer} · {line.agreement}",
            line.product if line.line_id is None else f"{line.product} #{line.line_id}",
            _APART.get(line.state, line.state.value),
            change_text(line.before, line.after)
            if line.line_id is not None
            else change_text(line.after, line.after),
            apart_money(line),
            why(line),
        )
        for line in sorted(lines, key=lambda one: (one.state.value, one.customer.casefold(), one.key))
    ]
    print_table(console, ("Customer · agreement", "Product", "What", ">Quantity", ">Amount", "Why"), rows)


def apart_money(line: PlannedLine) -> str:
    """What is at stake: the invoice's amount where it is known, else the value at Sophos."""
    amount = None if line.sales is None else rounded(line.sales)
    if amount is not None and amount.delta and line.state is not LineState.NOT_COUNTED:
        return f"{signed(amount.delta, amount.places)} {amount.currency} a month"
    if amount is not None and amount.before:
        return f"{money_text(amount.before, amount.places)} {amount.currency} billed a month"
    return feed_text(line.feed) or "?"


def feed_text(feed: Mapping[str, Decimal]) -> str:
    """The value at Sophos's feed price, per currency: `≈ USD 96.00 at Sophos`."""
    shown = " + ".join(f"{clean(currency)} {money_text(amount)}" for currency, amount in sorted(feed.items()))
    return f"≈ {shown} at Sophos" if shown else ""


def _print_totals(console: Console, groups: LineGroups) -> None:
    title = "All lines, per month, before tax"
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
    if rows:
        console.print(Text(f"\n{title}", style="bold"))
        print_table(console, ("", ">Now → new", ">Change", "Currency"), rows)


def _unchanged_line(groups: LineGroups) -> str:
    lines = [line for line in groups.unchanged if line.line_id is not None]
    held = Counter(line.held for line in lines)[True]
    on_hold = f", {held} of them on hold" if held else ""
    return (
        f"Unchanged: {_number(len(lines), 'line')} of {_number(count_customers(lines), 'customer')}{on_hold}."
    )

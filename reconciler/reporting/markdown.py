"""A plan as GitHub shows it: verdict and money first, then decisions, changes, and what is not billed."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.change import MAPPING_PREFIX, Action
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Severity
from reconciler.model.lines import LineState, PlannedLine
from reconciler.model.money import money_text
from reconciler.model.remedies import Remedies, reason_alone
from reconciler.model.unsettled import count_causes, unsettled
from reconciler.model.verdict import (
    LineGroups,
    count_customers,
    group_lines,
    held_back,
    is_held_back,
    sums,
    totals,
)
from reconciler.reporting.census_markdown import identity_rows, lines_apart
from reconciler.reporting.census_words import rows_title
from reconciler.reporting.changes_text import (
    CHANGE_COLUMNS,
    change_cells,
    kind_rows,
    months_text,
    prices_line,
    unbilled_text,
)
from reconciler.reporting.decisions_text import MOST_DECISIONS, apart_from_stopped, causes_first, stake_text
from reconciler.reporting.line_words import (
    biggest_first,
    day_text,
    feed_text,
    money_list,
    place,
    product_text,
    source_text,
    subject_text,
)
from reconciler.reporting.markdown_text import code, md, table
from reconciler.reporting.plan_text import period_line, summary_line
from reconciler.reporting.values import mapping_text, value_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.change import Change
    from reconciler.model.diagnostics import Diagnostic
    from reconciler.model.plan import Plan
    from reconciler.model.usage_notes import UsageNote

#: GitHub's limits: characters of a comment, bytes of a step summary.
COMMENT, SUMMARY = 65_536, 1_000_000
#: How many rows a section may have, tried in this order until the whole fits.
_STEPS = (10_000, 1_000, 300, 100, 40, 15, 5, 0)
_TAKES_AWAY = frozenset({LineState.ENDS, LineState.TO_ZERO})


def markdown(plan: Plan, *, limit: int = SUMMARY, subject: str = "this plan") -> str:
    """The whole plan within so many UTF-8 bytes.

    Where it is too long, ordinary rows are cut and counted; what takes something away, waits for a decision
    or is held back never is. `subject` is what changes the invoices: `this pull request`, `this plan`.
    """
    for most in _STEPS:
        text = "\n".join(_lines_of(plan, subject, most)).rstrip() + "\n"
        if len(text.encode()) <= limit:
            return text
    groups = group_lines(plan)
    taken = sum(line.state in _TAKES_AWAY for line in (*groups.written, *groups.shadow))
    return (
        f"## {_verdict(plan, groups, subject)}\n\n**The plan is too long to be shown here:** "
        f"{', '.join((number_of(taken, 'line') + ' to zero or to an end', *unsettled(plan).counts))}, "
        f"{number_of(len(plan.blocked), 'change')} held back. Do not approve it before you have read these "
        "in the spreadsheet.\n" + "".join(f"\n{row}" for row in identity_rows(plan.census))
    ).rstrip() + "\n"


def _lines_of(plan: Plan, subject: str, most: int) -> Iterable[str]:
    groups = group_lines(plan)
    yield f"## {_verdict(plan, groups, subject)}"
    yield _about(plan, groups)
    yield ""
    yield from _money(groups)
    yield from _census(plan)
    yield from _stops(plan)
    yield from _decisions(plan, groups, most)
    yield from _rows_now(plan, groups)
    yield from lines_apart(plan.census, most)
    yield from _changes("What changes on invoices", groups.written, most)
    yield from _changes("What would change on invoices (nothing of this is written)", groups.shadow, most)
    yield from _products(plan, most)
    yield from _removed(plan)
    yield from _not_billed(plan, groups, most)
    yield from _waiting(plan, groups)
    yield from _how_to_answer(plan, groups)
    yield from _for_engineers(plan, most)


# --- above the fold


def _verdict(plan: Plan, groups: LineGroups, subject: str) -> str:
    stopped = any(d.severity is Severity.ERROR and d.subject is None for d in plan.diagnostics)
    left = unsettled(plan).counts
    sign = "🔴" if stopped else "🟡" if left or plan.blocked else "🟢" if plan.ready else "⚪"
    parts = []
    if stopped:
        parts.append("nothing can be written")
    parts += left
    money = money_list(sums(line.sales for line in groups.written))
    if money:
        parts.append(f"{subject} changes invoices by **{md(money)} a month**")
    elif groups.written or plan.ready:
        parts.append(f"{subject} changes no amount on invoices")
    elif groups.shadow:
        parts.append("mode shadow: no line is written")
    else:
        parts.append(f"{subject} changes nothing")
    return f"{sign} {' · '.join(parts)}"


def _about(plan: Plan, groups: LineGroups) -> str:
    text = f"**{md(period_line(plan.period, plan.usage_read_at))}**"
    days = sorted({line.first_invoice for line in groups.moving if line.first_invoice is not None})
    if days:
        shown = day_text(days[0]) + ("" if len(days) == 1 else f" to {day_text(days[-1])}")
        text += f" → **invoices dated {shown}**"
    if plan.lines:
        every = count_customers(plan.lines)
        text += f" · {count_customers(groups.moving)} of {number_of(every, 'customer')} · before tax"
    return text


def _money(groups: LineGroups) -> Iterable[str]:
    lines = groups.moving
    if not lines:
        return
    yield from table(("", ">Customers", ">Now", ">New", ">Per month", "Currency"), kind_rows(lines))
    cost = money_list(sums(line.cost for line in lines))
    yield ""
    yield f"Our cost (unit cost of the lines): {md(cost or 'no change')} a month. {prices_line(lines)}"
    yield ""


def _census(plan: Plan) -> Iterable[str]:
    rows = identity_rows(plan.census)
    if rows:
        yield from rows
        yield ""


def _rows_now(plan: Plan, groups: LineGroups) -> Iterable[str]:
    """What the rows have, so that it adds up to the identity with the other open lines."""
    if plan.census is None or plan.rollback_of is not None:
        return
    amounts = totals(groups, "sales")
    bill = " and ".join(f"{money_text(one.before, one.places)} {one.currency}" for one in amounts)
    yield f"{md(rows_title(plan.lines))}" + (f", {md(bill)} a month as they stand." if bill else ".")
    yield ""


def _stops(plan: Plan) -> Iterable[str]:
    """Problems of everything or of a row, each with what to do; those of a line stand with the line."""
    of_lines = {line.key for line in plan.lines}
    errors = [d for d in plan.diagnostics if d.severity is Severity.ERROR and d.subject not in of_lines]
    if not errors:
        return
    yield "### Problems"
    for problem in errors:
        yield f"- {_said(problem)}"
    yield ""


def _said(problem: Diagnostic) -> str:
    where = "" if problem.location is None else f" ({md(source_text(problem.location))})"
    remedy = f" → {md(problem.remedy)}" if problem.remedy else ""
    return f"**{problem.code}** {md(problem.message)}{where}{remedy}"


def _decisions(plan: Plan, groups: LineGroups, most: int) -> Iterable[str]:
    """The biggest with their answers; all others by name, because none of them may be overlooked."""
    decisions, stopped, title = apart_from_stopped(plan, groups)
    yield from _stopped(stopped, title, most)
    if not decisions:
        return
    held = held_back(plan)
    remedies = Remedies(plan)
    causes = causes_first(decisions)
    yield "### Please decide"
    for number, (line, waiting) in enumerate(causes[:MOST_DECISIONS], 1):
        blocked_by = is_held_back(line, held)
        what = f"held back by {', '.join(blocked_by)}" if blocked_by else reason_alone(line)
        source = source_text(line.source)
        yield (
            f"{number}. **{md(place(line))}, {md(subject_text(line))} – nothing is written.** "
            f"{md(what + stake_text(line))}" + (f" ({md(source)})" if source else "")
        )
        if most:
            for answer in remedies.of(line):
                yield f"   → {md(answer)}"
        for one in waiting:
            yield f"   - then also: {md(place(one))}, {md(subject_text(one))}{md(stake_text(one))}"
    rest = [line for cause, waiting in causes[MOST_DECISIONS:] for line in (cause, *waiting)]
    if rest:
        names = "; ".join(f"{md(place(line))} {md(subject_text(line))}" for line in rest)
        yield f"\n… and {len(rest)} more: {names}."
    yield ""


def _stopped(lines: Sequence[PlannedLine], title: str, most: int) -> Iterable[str]:
    """What a guard of the whole run keeps from being written: the biggest in full, the others by name."""
    if not lines:
        return
    ordered = biggest_first(lines)
    yield f"### {md(title)}"
    yield from table(("", ">Customers", ">Now", ">New", ">Per month", "Currency"), kind_rows(lines))
    yield ""
    if most:
        yield from table(CHANGE_COLUMNS, map(change_cells, ordered[:most]))
    if ordered[most:]:
        names = "; ".join(f"{md(place(line))} {md(subject_text(line))}" for line in ordered[most:])
        yield f"\n… and {len(ordered[most:])} more: {names}."
    yield ""


def _changes(title: str, lines: Sequence[PlannedLine], most: int) -> Iterable[str]:
    if not lines:
        return
    ordered = biggest_first(lines)
    kept = [line for line in ordered if line.state in _TAKES_AWAY]
    ordinary = [line for line in ordered if line.state not in _TAKES_AWAY][:most]
    shown = {id(line) for line in (*kept, *ordinary)}
    yield f"### {title}"
    yield from table(CHANGE_COLUMNS, (change_cells(line) for line in ordered if id(line) in shown))
    left = [line for line in ordered if id(line) not in shown]
    if left:
        money = money_list(sums(line.sales for line in left)) or "0.00"
        yield f"\n… and {number_of(len(left), 'more line')}, together {md(money)}: in the spreadsheet."
    yield ""


# --- products, and what is not billed


def _products(plan: Plan, most: int) -> Iterable[str]:
    changes = [change for change in plan.own if change.target.agreement is None]
    if not changes:
        return
    yield "### Products"
    ordinary = 0
    for change in changes:
        if not change.blocked and change.action.value != "unmap_product":
            ordinary += 1
            if ordinary > most:
                continue
        yield f"- {_product(change)}"
    if ordinary > most:
        yield f"- … and {ordinary - most} more"
    yield ""


def _product(change: Change) -> str:
    verb = change.action.value.replace("_", " ").removesuffix(" product")
    shown = f"**{md(change.target.identifier)}**: {verb}"
    first = change.fields[0]
    if first.field.startswith(MAPPING_PREFIX):
        shown += f" {md(mapping_text(first))}"
    elif change.action is Action.EDIT_PRODUCT:
        values = (f"{one.field} {value_text(one.before)} → {value_text(one.after)}" for one in change.fields)
        shown += f" {md(', '.join(values))}"
    elif change.action is Action.CREATE_PRODUCT:
        values = (f"{one.field} {value_text(one.after)}" for one in change.fields if one.after is not None)
        shown += f" with {md(', '.join(values))}"
    held = f" – **held back** by {md(', '.join(change.blocked_by))}" if change.blocked else ""
    return f"{shown} ({md(change.reason)}){held}"


def _removed(plan: Plan) -> Iterable[str]:
    if not plan.removed_rows:
        return
    yield "### Rows removed"
    yield from (f"- {md(row.key)}: {md(row.text)}" for row in plan.removed_rows)
    yield ""


#: What a note of usage that nothing bills is about, by its kind. Exclusions are somebody's decision.
_UNBILLED_USAGE = {
    "unmapped": "no mapping: {note.code}",
    "unassigned": "firewall {note.serial} without a customer: {note.code}",
    "customer": "no row for the customer: {note.code}",
    "unbilled": "{note.detail}, and no customer with a row has it: {note.code}",
    "unsynced": "sync is off, {note.detail}: {note.code}",
}


def _usage(note: UsageNote) -> str:
    value = " + ".join(f"{currency} {amount}" for currency, amount in sorted(note.value.items()))
    what = _UNBILLED_USAGE[note.kind].format(note=note)
    return f"- Sophos usage, {md(what)}, {number_of(Decimal(note.quantity), 'unit')}" + (
        f" (≈ {md(value)} at Sophos)" if value else ""
    )


def _not_billed(plan: Plan, groups: LineGroups, most: int) -> Iterable[str]:
    rows = [
        f"- {md(place(line))}, {md(product_text(line))} starts "
        f"{'' if line.starts is None else day_text(line.starts)}: **{md(months_text(line.not_billed))}, "
        f"{md(unbilled_text(line, line.not_billed))}, is not invoiced.**"
        for line in groups.moving
        if line.not_billed is not None
    ]
    rows += [_usage(note) for note in plan.usage_notes if note.kind in _UNBILLED_USAGE]
    rows += [
        f"- {md(place(line))}, {md(product_text(line))}: {md(line.reason)} ({md(feed_text(line.feed))})"
        for line in groups.apart
        if line.feed
    ]
    if not rows:
        return
    yield "### Not billed, or followed by no row"
    yield from rows[:most]
    if len(rows) > most:
        yield f"- … and {len(rows) - most} more"
    yield ""


# --- below


def _waiting(plan: Plan, groups: LineGroups) -> Iterable[str]:
    if not plan.waiting:
        return
    money = money_list(sums(line.sales for line in groups.waiting)) or "0.00"
    yield (
        f"⏳ Waiting anyway, **not** part of this: {number_of(len(plan.waiting), 'change')}, "
        f"{number_of(count_customers(groups.waiting), 'customer')}, {md(money)} a month."
    )
    yield ""


def _how_to_answer(plan: Plan, groups: LineGroups) -> Iterable[str]:
    count = count_customers(groups.written)
    if not count:
        return
    stay = (
        f"; the {number_of(count_causes(groups.decisions), 'decision')} above stay untouched"
        if groups.decisions
        else ""
    )
    written = (
        f"{'this' if count == 1 else 'these'} {number_of(count, 'customer')} {'is' if count == 1 else 'are'}"
    )
    products = sum(change.target.agreement is None for change in plan.own if not change.blocked)
    too = f", and {number_of(products, 'change')} of products" if products else ""
    yield (
        f"**Approve** = exactly {written} written{too}{stay}. **Not OK?** "
        "Comment on the row; to keep a line as it is, add a `hold`."
    )
    yield ""


def _for_engineers(plan: Plan, most: int) -> Iterable[str]:
    remarks = [d for d in plan.diagnostics if d.severity is not Severity.ERROR]
    yield f"<details><summary>For engineers: {md(summary_line(plan))}</summary>"
    yield ""
    yield f"- plan {code(plan.hash)}, mappings {code(plan.config_hash)}, {md(plan.tool)}"
    yield from (f"- {code(change.id)}" for change in plan.ready[:most])
    if len(plan.ready) > most:
        yield f"- … and {number_of(len(plan.ready) - most, 'more request')}"
    yield from (f"- {problem.severity.value}: {_said(problem)}" for problem in remarks[:most])
    if len(remarks) > most:
        yield f"- … and {number_of(len(remarks) - most, 'more remark')}"
    yield ""
    yield "</details>"

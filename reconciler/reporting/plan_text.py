"""A plan on the terminal: changes by product, what is held back, what no line bills."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.census_check import CENSUS_OPEN
from reconciler.model.change import CUSTOM_FIELD_PREFIX, MAPPING_PREFIX, Action, Change
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Severity
from reconciler.model.unsettled import unsettled
from reconciler.reporting.by_hand_text import print_invoices_that_exist
from reconciler.reporting.census_text import print_identities, print_lines_apart
from reconciler.reporting.clean import clean
from reconciler.reporting.diagnostics import print_diagnostics
from reconciler.reporting.line_words import day_text
from reconciler.reporting.lines_text import print_lines
from reconciler.reporting.values import field_title, mapping_text, value_text

if TYPE_CHECKING:
    from collections.abc import Container, Iterable, Sequence

    from rich.console import Console

    from reconciler.model.plan import Period, Plan
    from reconciler.model.usage_notes import UsageNote

_SIGNS: dict[Action, tuple[str, str, str]] = {
    Action.CREATE_PRODUCT: ("+", "create", "green"),
    Action.EDIT_PRODUCT: ("~", "edit", "yellow"),
    Action.MAP_PRODUCT: ("+", "map", "green"),
    Action.UNMAP_PRODUCT: ("-", "unmap", "red"),
    Action.ENABLE_SYNC: ("+", "enable sync", "green"),
    Action.DISABLE_SYNC: ("-", "disable sync", "red"),
}
_VERB_WIDTH = 14
_COUNTED = {
    Action.CREATE_PRODUCT: "to create",
    Action.EDIT_PRODUCT: "to edit",
    Action.MAP_PRODUCT: "to map",
    Action.UNMAP_PRODUCT: "to unmap",
    Action.ENABLE_SYNC: "sync on",
    Action.DISABLE_SYNC: "sync off",
}
_LINES_COUNTED = {
    Action.CREATE_LINE: "to add",
    Action.MOVE_LINE: "to move",
    Action.END_LINE: "to end",
    Action.UPDATE_LINE: "to update",
}


def print_plan(console: Console, plan: Plan) -> None:
    """The whole plan; one line where there is nothing to do."""
    invoices = min((line.first_invoice for line in plan.lines if line.first_invoice), default=None)
    first = _title(plan)
    if invoices is not None:
        first += f" → invoices from {day_text(invoices)}"
    console.print(Text(first, style="bold"))
    faults = [problem for problem in plan.diagnostics if problem.code == CENSUS_OPEN]
    print_diagnostics(console, faults)
    mine = [c for c in plan.own if c.target.agreement is None]
    _print_changes(console, [c for c in mine if not c.blocked])
    _print_held(console, [c for c in mine if c.blocked])
    if plan.removed_rows:
        console.print(Text("\nRows removed by this change", style="bold"))
        for row in plan.removed_rows:
            console.print(Text(f"  {clean(row.key)}  {clean(row.text)}"))
    if plan.lines:
        console.print()
        print_lines(console, plan)
    print_lines_apart(console, plan.census)
    others = [problem for problem in plan.diagnostics if problem.code != CENSUS_OPEN]
    if others:
        console.print()
        print_diagnostics(console, others)
    print_invoices_that_exist(console, plan)
    _print_usage_notes(console, plan.usage_notes)
    console.print()
    print_identities(console, plan.census)
    console.print(Text(summary_line(plan), style="bold"))


def print_summary(console: Console, plan: Plan) -> None:
    """The month and the counts, for a plan that has been read before."""
    console.print(Text(_title(plan, with_reading=False), style="bold"))
    print_identities(console, plan.census)
    console.print(Text(summary_line(plan)))


def _title(plan: Plan, *, with_reading: bool = True) -> str:
    """The month that it is of, or the run that it takes back."""
    if plan.rollback_of is not None:
        return f"Rollback of run {clean(plan.rollback_of.run)} of {_moment(plan.rollback_of.started)}"
    return period_line(plan.period, plan.usage_read_at if with_reading else None)


def period_line(period: Period | None, read_at: str | None = None) -> str:
    """`Sophos October 2026 (26 Sep–25 Oct, closed; read 12 Nov 09:00 UTC)`."""
    if period is None:
        return "Sophos usage: no month to show"
    state = "closed" if period.closed else "still running: a forecast"
    if read_at is not None:
        state += f"; read {_moment(read_at)}"
    return f"Sophos {period.title} ({_day(period.first_day)}–{_day(period.last_day)}, {state})"


def _moment(iso: str) -> str:
    from datetime import datetime

    moment = datetime.fromisoformat(iso)
    return f"{moment.day} {moment:%b %H:%M} {moment.tzname() or ''}".strip()


def _day(iso: str) -> str:
    from datetime import date

    day = date.fromisoformat(iso)
    return f"{day.day} {day:%b}"


#: Said where no line or row says more.


def summary_line(plan: Plan) -> str:
    """The counts, in the order of the run."""
    ready, held, waiting = plan.ready, len(plan.blocked), len(plan.waiting)
    counts = [
        f"{count} {what}"
        for action, what in _COUNTED.items()
        if (count := sum(c.action is action for c in ready))
    ]
    counts += _line_counts(ready, {line.key for line in plan.lines if line.is_repriced})
    nothing = "Nothing to do: ConnectWise is as the mappings say."
    if plan.rollback_of is not None:
        nothing = "Nothing to restore."
    if waiting:
        nothing = "Nothing is written by this change."
    parts = [f"Plan: {', '.join(counts)}." if counts else nothing]
    left = unsettled(plan).counts
    if left:
        parts[0] = parts[0] if counts else "Nothing is written until somebody decides."
        parts += [f"{count}." for count in left]
    problems = sum(d.severity is Severity.ERROR for d in plan.diagnostics)
    if held:
        parts[0] = parts[0] if counts or left else "Nothing can be written yet."
        parts.append(f"{number_of(held, 'change')} held back.")
    if problems:
        parts.append(f"{number_of(problems, 'problem')} to settle.")
        parts[0] = parts[0] if counts else "Nothing can be written yet."
    if waiting:
        parts.append(f"{number_of(waiting, 'change')} waiting anyway, not part of this change.")
    return " ".join(parts)


def _line_counts(ready: Sequence[Change], repriced: Container[str]) -> list[str]:
    """`3 lines to add`, `2 to move`, `1 to end`, `8 to update`: the first says what is counted.

    A move is two requests and counts once: by the line that starts, or by the one that ends where no other
    request comes after it. One whose line is `repriced` (by key) goes nowhere, and is counted apart.
    """
    needed = {write for change in ready if change.target.agreement is not None for write in change.depends_on}
    found: list[str] = []
    for action, what in _LINES_COUNTED.items():
        own = [c for c in ready if c.action is action]
        if action is Action.MOVE_LINE:
            own = [c for c in own if c.starts_line or c.write not in needed]
        at_new_price = sum(c.starts_line and c.target.key in repriced for c in own)
        for count, said in ((len(own) - at_new_price, what), (at_new_price, "to a new price")):
            if count:
                found.append(f"{count} {said}" if found else f"{number_of(count, 'line')} {said}")
    return found


def _print_changes(console: Console, changes: Iterable[Change]) -> None:
    shown = None
    for change in changes:
        if change.target.key != shown:
            shown = change.target.key
            console.print()
            console.print(_heading(change))
        for line in _lines(change):
            console.print(line)


def _heading(change: Change) -> Text:
    known = f"id {change.target.id}" if change.target.id is not None else "new"
    heading = Text(clean(change.target.identifier), style="bold")
    heading.append(f" ({known})", style="not bold dim")
    return heading


def _lines(change: Change) -> Iterable[Text]:
    sign, verb, style = _SIGNS[change.action]
    start = Text("  ")
    start.append(f"{sign} {verb:{_VERB_WIDTH}}", style=style)
    reason = clean(change.reason)
    place = f"  {clean(change.source.file)}:{change.source.line}" if change.source else ""
    if change.fields and change.fields[0].field.startswith(MAPPING_PREFIX):
        start.append(mapping_text(change.fields[0]))
        start.append(f"   {reason}{place}", style="dim")
        yield start
        return
    start.append(f"{reason}{place}", style="dim")
    yield start
    width = max(len(field_title(f.field)) for f in change.fields)
    for field in change.fields:
        line = Text(f"      {field_title(field.field):{width}}  ")
        if change.action is not Action.CREATE_PRODUCT:
            line.append(f"{value_text(field.before)} → ")
        line.append(value_text(field.after))
        if field.field.startswith(CUSTOM_FIELD_PREFIX):
            line.append("  (custom field)", style="dim")
        yield line


def _print_held(console: Console, changes: list[Change]) -> None:
    if not changes:
        return
    console.print(Text("\nHeld back, nothing of this is written", style="bold red"))
    for change in changes:
        _, verb, _ = _SIGNS[change.action]
        what = "" if not change.fields[0].field.startswith(MAPPING_PREFIX) else mapping_text(change.fields[0])
        codes = ", ".join(sorted({reason.split(":", 1)[0] for reason in change.blocked_by}))
        console.print(
            Text(f"  {clean(change.target.identifier)}: {verb} {what}".rstrip() + f"   see {codes}")
        )


_KINDS = {
    "unmapped": "Sophos usage with no mapping (no row follows it)",
    "unassigned": "Sophos usage without a customer (assign the firewall in Sophos Central)",
    "customer": "Sophos customers with usage and no row under customers (no row follows them)",
    "unbilled": "Mapped Sophos products that only customers without a row use (no row follows them)",
    "unsynced": "Usage sync is off (nothing of this is counted or written)",
    "excluded": "Deliberately not billed",
}


#: Standing lists are cut after this many; what nobody has decided about never is.
_MOST = 8
_NEVER_CUT = frozenset({"unmapped", "unassigned", "unbilled"})


def _print_usage_notes(console: Console, notes: tuple[UsageNote, ...]) -> None:
    for kind, title in _KINDS.items():
        of_kind = [note for note in notes if note.kind == kind]
        if not of_kind:
            continue
        console.print(Text(f"\n{title}", style="bold"))
        shown = of_kind if kind in _NEVER_CUT else of_kind[:_MOST]
        names = [clean(note.serial or note.code) for note in shown]
        width = max(len(name) for name in names)
        for name, note in zip(names, shown, strict=True):
            console.print(Text(f"  {name:{width}}  {_usage_text(note)}"))
        if len(shown) < len(of_kind):
            console.print(Text(f"  … and {len(of_kind) - len(shown)} more: --format xlsx and json have all"))


def _usage_text(note: UsageNote) -> str:
    parts = [number_of(Decimal(note.quantity), "unit")]
    if note.kind == "customer":
        parts += [clean(note.description), clean(note.detail)]
    elif note.kind != "unassigned":
        parts[0] += f" at {number_of(note.customers, 'customer')}"
    else:
        parts.append(clean(note.code))
    for currency, amount in sorted(note.value.items()):
        parts.append(f"≈ {currency} {amount} at Sophos")
    if note.kind == "unmapped":
        parts += [clean(text) for text in (note.detail, note.description) if text]
    elif note.kind != "customer" and (note.detail or note.description):
        parts.append(clean(note.detail or note.description))
    return " · ".join(parts)

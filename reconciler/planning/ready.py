"""May invoices of a date be made? By a plan: yes and until when, or no and why."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

from reconciler.model.change import OF_LINES
from reconciler.model.diagnostics import Severity
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import LineState, PlannedLine
from reconciler.model.money import USUAL_PLACES, cents, plain, price
from reconciler.model.months import Month
from reconciler.model.remedies import Remedies, reason_alone
from reconciler.model.verdict import (
    LineGroups,
    Ready,
    Reason,
    ReasonKind,
    count_customers,
    customer_key,
    group_lines,
    held_back,
    is_held_back,
    needs_person,
)
from reconciler.planning.ready_census import (
    about_identities,
    about_open,
    company_key,
    left_on,
    open_on,
)
from reconciler.planning.ready_elsewhere import elsewhere
from reconciler.planning.ready_usage import about_usage

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.model.plan import Period, Plan

_AGAIN = "Ask again after that."
_OF_EVERYBODY = frozenset({ReasonKind.USAGE, ReasonKind.MONTH, ReasonKind.SHADOW})
_SILENT = (
    "If the customer has left, give its row `ended: DATE`; otherwise settle it with a hold or `exclude`."
)
#: Lines that start or end; the others are changed where they stand.
_STARTS_OR_ENDS = frozenset({LineState.NEW_LINE, LineState.ENDS, LineState.MOVES})


def ready(
    plan: Plan, invoice_date: date, *, shadow: bool = False, next_window_end: date | None = None
) -> Ready:
    """Whether invoices of `invoice_date` may be made.

    `plan` covers everything (products and usage, no filter) and is as of today. `shadow` says that the site
    is in shadow mode, where a plan without any line would not show it. `next_window_end` is the last day of
    the billing window that runs now, where Sophos already says it; otherwise it is taken to be a month
    after the last one.

    Lines of agreements that are invoiced on another day decide nothing; a line whose agreement has no next
    invoice date is taken to be on this invoice. An open line that the plan has no row of counts like the
    others: where it waits for a person, or nothing explains it, invoices of its date have to wait.
    """
    mine = [line for line in plan.lines if line.first_invoice in (None, invoice_date)]
    apart = open_on(plan, invoice_date)
    following = next_window_end or (_following(plan.period) if plan.period is not None else None)
    reasons = [
        *_about_month(plan, invoice_date, following),
        *_about_nothing(plan, mine, invoice_date),
        *_about_shadow(mine, shadow),
        *_about_products(plan),
        *about_identities(plan),
    ]
    about_lines = _about_lines(plan, mine)
    reasons += _about_problems(plan, mine, about_lines)
    unready = {customer_key(line) for line, _ in about_lines} | {company_key(line) for line in apart}
    unready |= {customer_key(line) for line in mine if line.shadow}
    customers = unready | {customer_key(line) for line in mine if _has_line(line)}
    customers |= {company_key(line) for line in left_on(plan, invoice_date)}
    concerns_all = any(reason.kind in _OF_EVERYBODY and not reason.customer for reason in reasons)
    until, why = (None, "")
    if not reasons and not about_lines and not apart:
        until, why = _holds(plan, invoice_date, following)
    return Ready(
        invoice_date=invoice_date,
        today=plan.today,
        month="" if plan.period is None else plan.period.month,
        customers=len(customers),
        customers_ready=0 if concerns_all else len(customers - unready),
        reasons=(*reasons, *(reason for _, reason in about_lines), *about_open(plan, apart)),
        remarks=(*_remarks(mine), *about_usage(plan)),
        elsewhere=elsewhere(plan, invoice_date, _pending(group_lines(plan))),
        holds_until=until,
        holds_why=why,
        census=plan.census,
    )


# --- the month


def _following(period: Period) -> date:
    """The end of the window after this one: the same day of the next month, or its last day."""
    last = date.fromisoformat(period.last_day)
    of_last = Month.of(last)
    following = of_last.next()
    if last == of_last.last_day:
        return following.last_day
    return min(following.first_day + timedelta(days=last.day - 1), following.last_day)


def _about_month(plan: Plan, invoice_date: date, following: date | None) -> list[Reason]:
    period = plan.period
    if period is None or following is None:
        return [
            Reason(
                ReasonKind.USAGE,
                "Sophos's usage could not be read, or no month of it has closed.",
                "See the plan's messages, and ask again once it can be read.",
            )
        ]
    last, today = date.fromisoformat(period.last_day), date.fromisoformat(plan.today)
    if not period.closed:
        return [
            Reason(
                ReasonKind.MONTH,
                f"Sophos {period.title} still runs, until {_day(last)}: its numbers are a forecast.",
                _AGAIN,
            )
        ]
    if last >= invoice_date:
        return [
            Reason(
                ReasonKind.MONTH,
                f"Sophos {period.title} ended on {_day(last)}, which is not before {_day(invoice_date)}: it "
                "belongs to a later invoice.",
                "Check the invoice date.",
            )
        ]
    if following < today:
        return [
            Reason(
                ReasonKind.MONTH,
                f"The plan is of Sophos {period.title}, and the window after it ended on {_day(following)}.",
                "Plan the newest closed month.",
            )
        ]
    if following < invoice_date:
        return [
            Reason(
                ReasonKind.MONTH,
                f"Sophos {period.title} is not the month of this invoice: the window that runs now ends on "
                f"{_day(following)}, before {_day(invoice_date)}.",
                _AGAIN,
            )
        ]
    return []


def _holds(plan: Plan, invoice_date: date, following: date | None) -> tuple[date | None, str]:
    """The earlier of the two days that have not passed yet."""
    today = date.fromisoformat(plan.today)
    days = [(invoice_date, "the invoice date")]
    if following is not None:
        days.append((following, "then Sophos's next billing window ends, and quantities follow it"))
    return min((day for day in days if day[0] >= today), default=(today, "today"))


# --- the whole site


def _about_nothing(plan: Plan, mine: list[PlannedLine], invoice_date: date) -> list[Reason]:
    if mine:
        return []
    if not plan.lines and plan.census is None:
        return [
            Reason(
                ReasonKind.USAGE,
                "The plan counts no agreement line, so nothing is known about any invoice.",
                "Plan usage too (without --scope products), with rows under `customers`.",
            )
        ]
    others = () if plan.census is None else plan.census.apart
    found = {line.first_invoice for line in plan.lines} | {line.next_invoice for line in others}
    days = sorted(day for day in found if day is not None)
    if not days or invoice_date in days:  # nothing is billed by a row, and every line has its account
        return []
    shown = ", ".join(_day(day) for day in days[:3])
    return [
        Reason(
            ReasonKind.USAGE,
            f"No agreement is invoiced on {_day(invoice_date)}; the next invoices are of {shown}.",
            "Check the invoice date.",
        )
    ]


def _about_shadow(mine: list[PlannedLine], shadow: bool) -> list[Reason]:
    of_customers = {customer_key(line): line for line in mine if line.shadow}
    if not shadow and not of_customers:
        return []
    everybody = shadow or len(of_customers) == count_customers(mine)
    message = "Mode shadow: nothing is written, so the lines are as people left them."
    remedy = "Compare with `reconciler score`, then set `mode: live` in review."
    if everybody:
        return [Reason(ReasonKind.SHADOW, message, remedy)]
    return [
        Reason(
            ReasonKind.SHADOW,
            message,
            remedy,
            customer=line.customer,
            company=line.company,
            company_name=line.company_name,
        )
        for _, line in sorted(of_customers.items())
    ]


def _about_products(plan: Plan) -> list[Reason]:
    """One reason for each product with changes that are not written yet."""
    found: dict[str, Reason] = {}
    for change in plan.changes:
        if change.action in OF_LINES:
            continue
        held = ", held back" if change.blocked else ""
        found.setdefault(
            identifier_key(change.target.identifier),
            Reason(
                ReasonKind.PRODUCTS,
                f"A change of product {change.target.identifier} is pending{held}: {change.reason}",
                "Apply the plan, or take the change out of the configuration.",
                product=change.target.identifier,
                source=change.source,
            ),
        )
    return list(found.values())


def _about_problems(
    plan: Plan, mine: list[PlannedLine], about_lines: list[tuple[PlannedLine, Reason]]
) -> list[Reason]:
    """Errors, but for those of a line that is spoken of already, or that is invoiced on another day."""
    here = {line.key for line in mine}
    left_out = {line.key for line in plan.lines if line.key not in here}
    left_out |= {line.key for line, _ in about_lines}
    return [
        Reason(
            ReasonKind.PROBLEM,
            f"[{problem.code}] {problem.message}",
            problem.remedy,
            source=problem.location,
        )
        for problem in plan.diagnostics
        if problem.severity is Severity.ERROR and problem.subject not in left_out
    ]


# --- lines


def _has_line(line: PlannedLine) -> bool:
    """Whether a row has a line on the invoice, or is to get one."""
    return line.line_id is not None or line.starts is not None or bool(line.takes_over)


def _about_lines(plan: Plan, mine: list[PlannedLine]) -> list[tuple[PlannedLine, Reason]]:
    """What each line of this invoice still needs, by customer."""
    groups, held, remedies = group_lines(plan), held_back(plan), Remedies(plan)
    here = {id(line) for line in mine}
    found = [
        (line, _reason(line, is_held_back(line, held), remedies))
        for line in _pending(groups)
        if id(line) in here
    ]
    found.sort(key=lambda one: (one[0].customer.casefold(), one[0].agreement.casefold(), one[0].key))
    return found


def _pending(groups: LineGroups) -> Iterable[PlannedLine]:
    yield from groups.written
    yield from groups.waiting
    yield from groups.decisions
    yield from (line for line in (*groups.apart, *groups.unchanged) if needs_person(line))


def _reason(line: PlannedLine, held: tuple[str, ...], remedies: Remedies) -> Reason:
    if held:
        joined = "; it is" if line.state in _STARTS_OR_ENDS else " is"
        kind, message = ReasonKind.DECISION, f"{_change(line)}{joined} held back: {', '.join(held)}"
        remedy = _one_of(remedies.of(line))
    elif line.billed_without_usage:
        kind, message = ReasonKind.DECISION, f"billed without Sophos usage: {line.reason}{_bills(line)}"
        remedy = _SILENT
    elif line.state in (LineState.NEEDS_DECISION, LineState.WITHHELD):
        kind, message = ReasonKind.DECISION, f"{line.state.value}: {reason_alone(line)}"
        remedy = _one_of(remedies.of(line))
    elif line.state in _STARTS_OR_ENDS:
        kind, message, remedy = ReasonKind.LINES, _change(line), "Apply the plan."
    else:
        kind, message = ReasonKind.WRITE, f"{_change(line)} still has to be written"
        remedy = "Apply the plan."
    return _about(line, kind, message, remedy)


def _one_of(answers: list[str]) -> str:
    """The answers in one sentence: each is enough."""
    text = "; or ".join(answer.rstrip(".") for answer in answers)
    end = "" if text.endswith("}") else "."  # nothing behind a row that is to be pasted
    return f"{text[:1].upper()}{text[1:]}{end}"


def _about(line: PlannedLine, kind: ReasonKind, message: str, remedy: str) -> Reason:
    return Reason(
        kind,
        message,
        remedy,
        customer=line.customer,
        agreement=line.agreement,
        product=line.product,
        line_id=line.line_id,
        source=line.source,
        company=line.company,
        company_name=line.company_name,
    )


def _change(line: PlannedLine) -> str:
    """What is to be written: `a line has to be created: 12 × 4.50, first billed on 1 Dec 2026`."""
    before, after = line.before, line.after
    if line.state is LineState.ENDS:
        last = "" if line.ends is None else f" on {_day(line.ends)}"
        return f"{_lines(line)} to end{last}"
    if line.state is LineState.NEW_LINE:
        return f"a line has to be created: {_new(line)}"
    if line.is_repriced:
        return f"a line has to follow at another price: {_old(line)} → {_new(line)}"
    if line.state is LineState.MOVES:
        new = _new(line) if line.starts is not None else f"line #{line.line_id}"
        return f"a line has to move: {_old(line)} → {new}"
    if line.state is LineState.TERMS or before is None or after is None:
        return "the change of its terms"
    return f"{plain(before)} → {plain(after)}"


def _lines(line: PlannedLine) -> str:
    several = len(line.takes_over) + (line.line_id is not None) > 1
    own = "" if line.line_id is None or not line.takes_over else f"#{line.line_id} {line.product}"
    named = " and ".join(filter(None, (own, _old(line))))
    if several:
        return f"the lines {named} have"
    return f"the line {named} has" if named else "the line has"


def _old(line: PlannedLine) -> str:
    return " and ".join(f"#{old.line_id} {old.product} ({plain(old.quantity)})" for old in line.takes_over)


def _new(line: PlannedLine) -> str:
    """`12 × 4.50, first billed on 1 Dec 2026`, and in a move the product in front."""
    units = "?" if line.after is None else plain(line.after)
    places = USUAL_PLACES if line.sales is None else line.sales.places
    name = f"{line.product} " if line.takes_over else ""
    first = "" if line.starts is None else f", first billed on {_day(line.starts)}"
    return f"{name}{units} × {price(line.unit_price, places):f}{first}"


def _remarks(mine: list[PlannedLine]) -> list[Reason]:
    return [
        _about(line, ReasonKind.LINES, f"billed without Sophos usage: {line.reason}{_bills(line)}", _SILENT)
        for line in mine
        if line.state is LineState.NOT_COUNTED and line.line_id is not None and not line.billed_without_usage
    ]


def _bills(line: PlannedLine) -> str:
    if line.sales is None:
        return ""
    return f". It bills {cents(line.sales.before)} {line.sales.currency} a month"


def _day(day: date) -> str:
    return f"{day.day} {day:%b} {day.year}"

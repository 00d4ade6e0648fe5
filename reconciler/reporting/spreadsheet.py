"""A plan as a table for the person who checks it: CSV, or a workbook."""

from __future__ import annotations

from collections import Counter
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.lines import Amount, LineState, PlannedLine
from reconciler.model.money import USUAL_PLACES, cents, plain, price, to_places
from reconciler.model.remedies import Remedies, reason_alone
from reconciler.model.unsettled import unsettled
from reconciler.model.verdict import (
    billed_units,
    count_customers,
    group_lines,
    held_back,
    is_held_back,
    open_apart,
    rounded,
    sums,
    totals,
)
from reconciler.reporting.census_rows import account_rows, apart_row
from reconciler.reporting.census_words import apart_account
from reconciler.reporting.changes_text import months_text
from reconciler.reporting.line_words import billed_product, old_line_text, places_of, source_text, why
from reconciler.reporting.lines_text import verdict_line
from reconciler.reporting.number_forms import CHANGE, DAY, MONEY, PRICE, UNITS
from reconciler.reporting.sheets import Column, Table, Value, csv_table, workbook_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.plan import Plan
    from reconciler.model.usage_notes import UsageNote


def csv_text(plan: Plan, *, separator: str = ",", bom: bool = False) -> str:
    """The plan's lines as CSV, one row for each line, changed or not; `sheets.csv_table` says the form.

    Nothing but lines is in it, so that its rows can be counted and added up. Raises ValueError for another
    separator than a comma, a semicolon or a tab.
    """
    return csv_table(lines_table(plan), separator=separator, bom=bom)


_LINES = (
    Column("Customer", 30), Column("Company", 16), Column("Company name", 30), Column("Agreement", 26),
    Column("Product", 24),
    Column("Line", 9, "0"), Column("What happens", 18), Column("Written by this plan", 12),
    Column("Starts", 12, DAY), Column("Ends", 12, DAY), Column("Takes over", 30),
    Column("Quantity now", 10, UNITS), Column("Quantity new", 10, UNITS),
    Column("Included now", 10, UNITS), Column("Included new", 10, UNITS),
    Column("Billed now", 10, UNITS), Column("Billed new", 10, UNITS),
    Column("Price", 10, PRICE), Column("Price from", 16), Column("Billing", 12), Column("Currency", 9),
    Column("Sales now", 12, MONEY), Column("Sales new", 12, MONEY), Column("Change per month", 12, CHANGE),
    Column("Cost now", 12, MONEY), Column("Cost new", 12, MONEY), Column("Not billed", 12, MONEY),
    Column("At Sophos", 12, MONEY), Column("Sophos currency", 9),
    Column("Why", 60), Column("Terms from", 30), Column("First invoice", 12, DAY),
    Column("Invoiced period", 12), Column("On hold", 8),
    Column("Mode shadow", 8), Column("Last written by", 16), Column("Last written", 20), Column("Row", 30),
)  # fmt: skip


def lines_table(plan: Plan) -> Table:
    """One row for each line, by customer; open lines that the plan has no row of are among them."""
    written = {id(line) for line in group_lines(plan).written}
    rows = [
        (
            (line.customer.casefold(), line.agreement.casefold(), line.key),
            _line_row(line, id(line) in written),
        )
        for line in plan.lines
    ]
    for line in () if plan.census is None else plan.census.apart:
        row = apart_row(line)
        place = ((line.company_name or line.company).casefold(), line.agreement.casefold(), line.key)
        rows.append((place, tuple(row.get(column.title) for column in _LINES)))
    rows.sort(key=lambda entry: entry[0])
    return Table("Lines", _LINES, tuple(row for _, row in rows))


def _line_row(line: PlannedLine, written: bool) -> tuple[Value, ...]:
    sales = None if line.sales is None else rounded(line.sales)
    cost = None if line.cost is None else rounded(line.cost)
    known = sales or cost
    return (
        line.customer, line.company, line.company_name, line.agreement, billed_product(line), line.line_id,
        line.state.value, "yes" if written else "no", line.starts, _own_end(line), _taken_over(line),
        line.units_now, line.after, line.included_before, line.included_after,
        _billed_now(line),
        billed_units(line.after, line.included_after, line.bill_customer),
        price(line.unit_price, USUAL_PLACES if known is None else known.places), line.price_source,
        line.bill_customer,
        "" if known is None else known.currency,
        *_three(sales), *_three(cost)[:2], _not_billed(line), *_feed(line.feed),
        why(line), line.decided_by, line.first_invoice, line.period_type,
        "yes" if line.held else "no",
        "yes" if line.shadow else "no", line.last_writer, line.last_written, source_text(line.source),
    )  # fmt: skip


def _own_end(line: PlannedLine) -> date | None:
    """The last day of the row's line; of one that takes others over, those end then, and it goes on."""
    return None if line.takes_over and line.state is not LineState.ENDS else line.ends


def _taken_over(line: PlannedLine) -> str:
    last = "" if _own_end(line) == line.ends else f", ends {line.ends}"
    return "; ".join(f"{old_line_text(old, line)} ({plain(old.quantity)}{last})" for old in line.takes_over)


def _billed_now(line: PlannedLine) -> Decimal | None:
    """Empty for lines that are taken over, whose included units are not known one by one."""
    if line.takes_over:
        return None
    return billed_units(line.before, line.included_before, line.billed_until_now)


def _not_billed(line: PlannedLine) -> Decimal | None:
    return None if line.not_billed is None else to_places(line.not_billed.amount, places_of(line))


def _three(amount: Amount | None) -> tuple[Value, Value, Value]:
    return (None, None, None) if amount is None else (amount.before, amount.after, amount.delta)


def _feed(feed: Mapping[str, Decimal]) -> tuple[Value, str]:
    """The feed's value and currency; a value in several currencies is a text, because it has no sum."""
    if len(feed) > 1:
        return "; ".join(f"{cents(feed[currency])} {currency}" for currency in sorted(feed)), "several"
    return next(((cents(value), currency) for currency, value in feed.items()), (None, ""))


_PROBLEMS = (
    Column("Kind", 18), Column("Code", 24), Column("Customer", 30), Column("Company", 16),
    Column("Company name", 30), Column("Agreement", 26),
    Column("Product", 24), Column("Line", 9, "0"), Column("What", 80), Column("What to do", 60),
    Column("Row", 30),
)  # fmt: skip


def problems_table(plan: Plan) -> Table:
    """What waits for a person, then every message of the plan."""
    held, rows = held_back(plan), []
    remedies = Remedies(plan)
    for line in group_lines(plan).decisions:
        blocked_by = is_held_back(line, held)
        what = f"held back by {', '.join(blocked_by)}" if blocked_by else reason_alone(line)
        to_do = "; ".join(remedies.of(line))
        rows.append(
            (line.state.value, "", line.customer, line.company, line.company_name, line.agreement,
             line.product, line.line_id, what, to_do, source_text(line.source))
        )  # fmt: skip
    rows += [
        (apart_account(line), "", line.company_name or line.company, line.company, line.company_name,
         line.agreement, line.product, line.line_id, line.reason, line.remedy, source_text(line.source))
        for line in open_apart(plan)
    ]  # fmt: skip
    rows += [
        (problem.severity.value, problem.code, "", "", "", "", "", None, problem.message, problem.remedy,
         source_text(problem.location))
        for problem in plan.diagnostics
    ]  # fmt: skip
    return Table("Problems", _PROBLEMS, tuple(rows))


_NOT_BILLED = (
    Column("Kind", 30), Column("Customer", 30), Column("Company", 16), Column("Company name", 30),
    Column("Agreement", 26), Column("Product or Sophos code", 26),
    Column("Line or serial number", 20), Column("Quantity", 10, UNITS), Column("Customers", 10, "0"),
    Column("Billed now", 12, MONEY), Column("Not billed", 12, MONEY), Column("Currency", 9),
    Column("Months", 24), Column("At Sophos", 12, MONEY),
    Column("Sophos currency", 9), Column("Why", 60), Column("Row", 30),
)  # fmt: skip
_KINDS = {
    "unmapped": "Sophos usage with no mapping",
    "unassigned": "Sophos usage without a customer",
    "unbilled": "mapped Sophos usage of customers with no row only",
    "unsynced": "usage sync is off",
    "excluded": "deliberately not billed",
    "customer": "Sophos customer with no row",
}


def not_billed_table(plan: Plan) -> Table:
    """What new lines leave unbilled, lines that no number is known for, and usage that no line carries."""
    groups = group_lines(plan)
    late = [line for line in groups.moving if line.not_billed is not None]
    apart = sorted(
        (*late, *groups.apart), key=lambda one: (one.state.value, one.customer.casefold(), one.key)
    )
    rows = [*(_apart_row(line) for line in apart), *(_note_row(note) for note in plan.usage_notes)]
    return Table("Not billed", _NOT_BILLED, tuple(rows))


def _apart_row(line: PlannedLine) -> tuple[Value, ...]:
    billed = None if line.sales is None else rounded(line.sales)
    unbilled = line.not_billed
    return (
        line.state.value if unbilled is None else "before the new line's first day",
        line.customer, line.company, line.company_name, line.agreement, line.product, line.line_id,
        line.after, 1,
        None if billed is None else billed.before, _not_billed(line),
        "" if billed is None else billed.currency,
        "" if unbilled is None else months_text(unbilled),
        *_feed(line.feed), why(line), source_text(line.source),
    )  # fmt: skip


def _note_row(note: UsageNote) -> tuple[Value, ...]:
    value = {currency: Decimal(amount) for currency, amount in note.value.items()}
    about = "; ".join(text for text in (note.detail, note.description) if text)
    return (
        _KINDS.get(note.kind, note.kind), "", "", "", "", note.code, note.serial, Decimal(note.quantity),
        note.customers, None, None, "", "", *_feed(value), about, "",
    )  # fmt: skip


_SUMMARY = (
    Column("What", 44), Column("Text", 60), Column("Count", 10, "0"), Column("Currency", 9),
    Column("Now", 14, MONEY), Column("New", 14, MONEY), Column("Change per month", 14, CHANGE),
)  # fmt: skip


def summary_table(plan: Plan) -> Table:
    """The verdict, the money per currency, the counts, and which plan it is."""
    groups, period = group_lines(plan), plan.period
    counts = Counter(line.state for line in plan.lines)
    rows: list[tuple[Value, ...]] = [("Verdict", verdict_line(groups, unsettled(plan).counts), *[None] * 5)]
    rows += _money_rows("Sales of what changes", sums(line.sales for line in groups.moving))
    rows += _money_rows("Cost of what changes", sums(line.cost for line in groups.moving))
    rows += _money_rows("Sales of all lines with a row", totals(groups, "sales"))
    rows += _money_rows("Cost of all lines with a row", totals(groups, "cost"))
    rows += [
        (f"Lines: {state.value}", None, counts[state], *[None] * 4) for state in LineState if counts[state]
    ]
    rows += [("Customers", None, count_customers(plan.lines), *[None] * 4)]
    rows += [("Lines in mode shadow: not written", None, len(groups.shadow), *[None] * 4)] * bool(
        groups.shadow
    )
    rows += [(*row, None, None) for row in account_rows(plan.census)]
    facts = [
        ("Sophos month", "" if period is None else period.title),
        ("Windows", "" if period is None else f"{period.first_day} to {period.last_day}"),
        ("Month", "" if period is None else ("closed" if period.closed else "still running: a forecast")),
        ("Planned on", plan.today),
        ("Site", plan.site),
        ("Planned by", plan.tool),
        ("Plan", plan.hash),
    ]
    rows += [(what, text, *[None] * 5) for what, text in facts]
    return Table("Summary", _SUMMARY, tuple(rows))


def _money_rows(what: str, amounts: Iterable[Amount]) -> list[tuple[Value, ...]]:
    return [(what, None, None, one.currency, *_three(one)) for one in amounts]


# --- the workbook


def xlsx_bytes(plan: Plan) -> bytes:
    """A workbook with the sheets Lines, Problems, Not billed, Summary; the same bytes for the same plan."""
    tables = (lines_table(plan), problems_table(plan), not_billed_table(plan), summary_table(plan))
    return workbook_bytes(tables, date.fromisoformat(plan.today))

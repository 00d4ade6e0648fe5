"""A plan as a table for the person who checks it: CSV, or a workbook.

Numbers are numbers, and no text can become a formula. In a workbook every text cell is of text type. A CSV
has no types: a text that a spreadsheet could take for a formula gets an apostrophe in front, and a text that
would do so after a separator other than the file's own (a program that guesses the separator wrongly) gets
one there. Characters that steer or hide are left out.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.lines import Amount, LineState, PlannedLine
from reconciler.model.money import USUAL_PLACES, cents, price
from reconciler.model.verdict import (
    billed_units,
    count_customers,
    group_lines,
    held_back,
    is_held_back,
    rounded,
    sums,
    totals,
)
from reconciler.reporting.lines_text import answers, source_text, verdict_line, why
from reconciler.reporting.number_forms import CHANGE, DAY, MONEY, PRICE, UNITS, cell_form, number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from reconciler.model.plan import Plan
    from reconciler.model.usage_notes import UsageNote

Value = str | Decimal | int | date | None

SEPARATORS = (",", ";", "\t")
BOM = "\ufeff"
#: What starts a formula in a spreadsheet program, the full-width forms included.
FORMULA_STARTS = frozenset("=+-@\uff1d\uff0b\uff0d\uff20")
_LEFT_OUT = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})
_LONGEST = 32_767  # characters in a cell (Excel specifications and limits)


@dataclass(frozen=True)
class Column:
    """A column: its title, how its numbers look in a workbook, and its width in characters."""

    title: str
    width: int = 14
    form: str = ""


@dataclass(frozen=True)
class Table:
    """A sheet: columns and rows of values."""

    name: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Value, ...], ...]


# --- CSV


def csv_text(plan: Plan, *, separator: str = ",", bom: bool = False) -> str:
    """The plan's lines as CSV (RFC 4180), one row for each line, changed or not.

    `separator` is `,`, `;` or a tab. With `;` numbers have a decimal comma, because the programs that split
    at `;` by themselves (German, Portuguese, French and other settings) read `4.50` as text or as a date;
    with the others a point. Days are `YYYY-MM-DD`. `bom` puts a byte order mark in front, by which Excel
    recognises UTF-8. Raises ValueError for another separator.
    """
    return csv_table(lines_table(plan), separator=separator, bom=bom)


def csv_table(table: Table, *, separator: str = ",", bom: bool = False) -> str:
    """Any table as `csv_text` writes it."""
    if separator not in SEPARATORS:
        raise ValueError(f"{separator!r} separates no columns; use a comma, a semicolon or a tab")
    out = io.StringIO()
    writer = csv.writer(out, delimiter=separator, lineterminator="\r\n")
    writer.writerow([column.title for column in table.columns])
    for row in table.rows:
        writer.writerow(
            [_csv_value(value, column, separator) for value, column in zip(row, table.columns, strict=True)]
        )
    return (BOM if bom else "") + out.getvalue()


def _csv_value(value: Value, column: Column, separator: str) -> str:
    match value:
        case None:
            return ""
        case Decimal():
            shown = number_text(value, column.form)
            return shown.replace(".", ",") if separator == ";" else shown
        case int():
            return str(value)
        case date():
            return value.isoformat()
        case _:
            return _harmless(value, separator)


def text_value(text: str) -> str:
    """A text on one line, without characters that steer or hide, and no longer than a cell."""
    if text.isprintable():  # most are, and a plan has many
        return text[:_LONGEST]
    spaced = re.sub(r"[\t\r\n]+", " ", text)
    return "".join(c for c in spaced if _is_shown(c))[:_LONGEST]


def _is_shown(character: str) -> bool:
    """Whether a cell may hold it; U+FFFE and U+FFFF (of every plane) are no characters, in XML neither."""
    return unicodedata.category(character) not in _LEFT_OUT and ord(character) & 0xFFFE != 0xFFFE


_AFTER_OTHERS = {
    separator: re.compile(
        rf"([{re.escape(''.join(one for one in SEPARATORS if one != separator))}][\s\"']*)"
        rf"([{re.escape(''.join(sorted(FORMULA_STARTS)))}])"
    )
    for separator in SEPARATORS
}


def _harmless(text: str, separator: str) -> str:
    shown = _AFTER_OTHERS[separator].sub(r"\1'\2", text_value(text))
    return f"'{shown}" if starts_formula(shown) else shown


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet program could take the text for a formula, blanks in front or not."""
    return text.lstrip()[:1] in FORMULA_STARTS and bool(text.strip())


# --- the tables

_LINES = (
    Column("Customer", 30), Column("Company", 16), Column("Agreement", 26), Column("Product", 24),
    Column("Line", 9, "0"), Column("What happens", 18), Column("Written by this plan", 12),
    Column("Quantity now", 10, UNITS), Column("Quantity new", 10, UNITS),
    Column("Included now", 10, UNITS), Column("Included new", 10, UNITS),
    Column("Billed now", 10, UNITS), Column("Billed new", 10, UNITS),
    Column("Price", 10, PRICE), Column("Billing", 12), Column("Currency", 9),
    Column("Sales now", 12, MONEY), Column("Sales new", 12, MONEY), Column("Change per month", 12, CHANGE),
    Column("Cost now", 12, MONEY), Column("Cost new", 12, MONEY),
    Column("At Sophos", 12, MONEY), Column("Sophos currency", 9),
    Column("Why", 60), Column("Terms from", 30), Column("First invoice", 12, DAY),
    Column("Invoiced period", 12), Column("On hold", 8),
    Column("Mode shadow", 8), Column("Last written by", 16), Column("Last written", 20), Column("Row", 30),
)  # fmt: skip


def lines_table(plan: Plan) -> Table:
    """One row for each line, by customer."""
    written = {id(line) for line in group_lines(plan).written}
    ordered = sorted(
        plan.lines, key=lambda line: (line.customer.casefold(), line.agreement.casefold(), line.key)
    )
    return Table("Lines", _LINES, tuple(_line_row(line, id(line) in written) for line in ordered))


def _line_row(line: PlannedLine, written: bool) -> tuple[Value, ...]:
    sales = None if line.sales is None else rounded(line.sales)
    cost = None if line.cost is None else rounded(line.cost)
    known = sales or cost
    return (
        line.customer, line.company, line.agreement, line.product, line.line_id, line.state.value,
        "yes" if written else "no",
        line.before, line.after, line.included_before, line.included_after,
        billed_units(line.before, line.included_before, line.billed_until_now),
        billed_units(line.after, line.included_after, line.bill_customer),
        price(line.unit_price, USUAL_PLACES if known is None else known.places), line.bill_customer,
        "" if known is None else known.currency,
        *_three(sales), *_three(cost)[:2], *_feed(line.feed),
        why(line), line.decided_by, line.first_invoice, line.period_type,
        "yes" if line.held else "no",
        "yes" if line.shadow else "no", line.last_writer, line.last_written, source_text(line.source),
    )  # fmt: skip


def _three(amount: Amount | None) -> tuple[Value, Value, Value]:
    return (None, None, None) if amount is None else (amount.before, amount.after, amount.delta)


def _feed(feed: dict[str, Decimal]) -> tuple[Value, str]:
    """The feed's value and currency; a value in several currencies is a text, because it has no sum."""
    if len(feed) > 1:
        return "; ".join(f"{cents(feed[currency])} {currency}" for currency in sorted(feed)), "several"
    return next(((cents(value), currency) for currency, value in feed.items()), (None, ""))


_PROBLEMS = (
    Column("Kind", 18), Column("Code", 24), Column("Customer", 30), Column("Agreement", 26),
    Column("Product", 24), Column("Line", 9, "0"), Column("What", 80), Column("What to do", 60),
    Column("Row", 30),
)  # fmt: skip


def problems_table(plan: Plan) -> Table:
    """What waits for a person, then every message of the plan."""
    held, rows = held_back(plan), []
    spoken = {problem.subject: problem for problem in plan.diagnostics if problem.subject}
    for line in group_lines(plan).decisions:
        blocked_by = is_held_back(line, held)
        what = f"held back by {', '.join(blocked_by)}" if blocked_by else line.reason
        to_do = "; ".join(answers(line, spoken.get(line.key), plan.today, held_back=bool(blocked_by)))
        rows.append(
            (line.state.value, "", line.customer, line.agreement, line.product, line.line_id, what, to_do,
             source_text(line.source))
        )  # fmt: skip
    rows += [
        (problem.severity.value, problem.code, "", "", "", None, problem.message, problem.remedy,
         source_text(problem.location))
        for problem in plan.diagnostics
    ]  # fmt: skip
    return Table("Problems", _PROBLEMS, tuple(rows))


_NOT_BILLED = (
    Column("Kind", 30), Column("Customer", 30), Column("Agreement", 26), Column("Product or Sophos code", 26),
    Column("Line or serial number", 20), Column("Quantity", 10, UNITS), Column("Customers", 10, "0"),
    Column("Billed now", 12, MONEY), Column("Currency", 9), Column("At Sophos", 12, MONEY),
    Column("Sophos currency", 9), Column("Why", 60), Column("Row", 30),
)  # fmt: skip
_KINDS = {
    "unmapped": "Sophos usage with no mapping",
    "unassigned": "Sophos usage without a customer",
    "excluded": "deliberately not billed",
    "customer": "Sophos customer with no row",
}


def not_billed_table(plan: Plan) -> Table:
    """Lines that this plan does not write, and usage that no line carries."""
    apart = sorted(
        group_lines(plan).apart, key=lambda line: (line.state.value, line.customer.casefold(), line.key)
    )
    rows = [*(_apart_row(line) for line in apart), *(_note_row(note) for note in plan.usage_notes)]
    return Table("Not billed", _NOT_BILLED, tuple(rows))


def _apart_row(line: PlannedLine) -> tuple[Value, ...]:
    billed = None if line.sales is None else rounded(line.sales)
    return (
        line.state.value, line.customer, line.agreement, line.product, line.line_id, line.after, 1,
        None if billed is None else billed.before, "" if billed is None else billed.currency,
        *_feed(line.feed), why(line), source_text(line.source),
    )  # fmt: skip


def _note_row(note: UsageNote) -> tuple[Value, ...]:
    value = {currency: Decimal(amount) for currency, amount in note.value.items()}
    about = "; ".join(text for text in (note.detail, note.description) if text)
    return (
        _KINDS.get(note.kind, note.kind), "", "", note.code, note.serial, Decimal(note.quantity),
        note.customers, None, "", *_feed(value), about, "",
    )  # fmt: skip


_SUMMARY = (
    Column("What", 44), Column("Text", 60), Column("Count", 10, "0"), Column("Currency", 9),
    Column("Now", 14, MONEY), Column("New", 14, MONEY), Column("Change per month", 14, CHANGE),
)  # fmt: skip


def summary_table(plan: Plan) -> Table:
    """The verdict, the money per currency, the counts, and which plan it is."""
    groups, period = group_lines(plan), plan.period
    counts = Counter(line.state for line in plan.lines)
    rows: list[tuple[Value, ...]] = [("Verdict", verdict_line(groups), *[None] * 5)]
    rows += _money_rows("Sales of what changes", sums(line.sales for line in groups.moving))
    rows += _money_rows("Cost of what changes", sums(line.cost for line in groups.moving))
    rows += _money_rows("Sales of all lines", totals(groups, "sales"))
    rows += _money_rows("Cost of all lines", totals(groups, "cost"))
    rows += [
        (f"Lines: {state.value}", None, counts[state], *[None] * 4) for state in LineState if counts[state]
    ]
    rows += [("Customers", None, count_customers(plan.lines), *[None] * 4)]
    rows += [("Lines in mode shadow: not written", None, len(groups.shadow), *[None] * 4)] * bool(
        groups.shadow
    )
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


def workbook_bytes(tables: Sequence[Table], day: date) -> bytes:
    """A workbook of these tables that says it was made on `day`."""
    from openpyxl import Workbook  # a fifth of a second that other commands need not wait for

    book = Workbook(write_only=True)
    book.properties.creator = "reconciler"
    book.properties.created = datetime(day.year, day.month, day.day)  # noqa: DTZ001  # the format has no zone
    for table in tables:
        _write_sheet(book.create_sheet(table.name), table)
    raw = io.BytesIO()
    book.save(raw)
    return _settled(raw, book, day)


def _write_sheet(sheet: Any, table: Table) -> None:
    from openpyxl.cell import WriteOnlyCell
    from openpyxl.styles import Alignment, Font
    from openpyxl.utils import get_column_letter

    sheet.freeze_panes = "A2"
    sheet.auto_filter.ref = f"A1:{get_column_letter(len(table.columns))}{len(table.rows) + 1}"
    for number, column in enumerate(table.columns, 1):
        sheet.column_dimensions[get_column_letter(number)].width = column.width
    header = [WriteOnlyCell(sheet, column.title) for column in table.columns]
    for cell in header:
        cell.font, cell.alignment = Font(bold=True), Alignment(wrap_text=True, vertical="top")
    sheet.append(header)
    cells = [_Cells(sheet, column) for column in table.columns]
    for row in table.rows:
        sheet.append([own.holding(value) for own, value in zip(cells, row, strict=True)])


class _Cells:
    """A column's cells. Each row is written as it is appended, so that one cell of a kind serves all rows."""

    def __init__(self, sheet: Any, column: Column) -> None:
        from openpyxl.cell import WriteOnlyCell

        self._form = column.form
        self._new: Callable[[], Any] = lambda: WriteOnlyCell(sheet)
        self._numbers: dict[str, Any] = {}
        self._text: Any = WriteOnlyCell(sheet)
        self._quoted: Any = WriteOnlyCell(sheet)
        self._quoted.quotePrefix = True

    def holding(self, value: Value) -> Any:
        """A cell of the value's own type; a text is one whatever it looks like, and stays one when edited."""
        if not isinstance(value, str):
            return None if value is None else self._number(value)
        shown = text_value(value)
        if not shown:
            return None
        cell = self._quoted if starts_formula(shown) else self._text
        cell.value = shown
        cell.data_type = "s"
        return cell

    def _number(self, value: Value) -> Any:
        form = cell_form(value, self._form)
        cell = self._numbers.get(form)
        if cell is None:  # a cell's style is written once, at the end: each form needs its own
            cell = self._numbers[form] = self._new()
            cell.number_format = form or "General"
        cell.value = value
        return cell


def _settled(raw: io.BytesIO, book: Any, day: date) -> bytes:
    """The archive with the plan's day in place of the moment of writing, so that bytes can be compared."""
    from openpyxl.xml.functions import tostring

    book.properties.modified = book.properties.created
    out = io.BytesIO()
    with zipfile.ZipFile(raw) as source, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as target:
        for name in source.namelist():
            content = source.read(name)
            if name == "docProps/core.xml":
                content = tostring(book.properties.to_tree())
            entry = zipfile.ZipInfo(name, (max(day.year, 1980), day.month, day.day, 0, 0, 0))
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 0
            target.writestr(entry, content)
    return out.getvalue()

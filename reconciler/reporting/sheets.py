"""Tables as CSV, or as a workbook.

Numbers are numbers, and no text can become a formula. In a workbook every text cell is of text type. A CSV
has no types: a text that a spreadsheet could take for a formula gets an apostrophe in front, and a text that
would do so after a separator other than the file's own (a program that guesses the separator wrongly) gets
one there. Characters that steer or hide are left out, and what would command a runner that prints the file
is broken.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
import zipfile
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.reporting.clean import Inert, begins_a_command
from reconciler.reporting.number_forms import cell_form, number_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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


def csv_table(table: Table, *, separator: str = ",", bom: bool = False) -> str:
    """The table as CSV (RFC 4180).

    `separator` is `,`, `;` or a tab. With `;` numbers have a decimal comma, because the programs that split
    at `;` by themselves (German, Portuguese, French and other settings) read `4.50` as text or as a date;
    with the others a point. Days are `YYYY-MM-DD`. `bom` puts a byte order mark in front, by which Excel
    recognises UTF-8. Raises ValueError for another separator.
    """
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
    if starts_formula(shown) or begins_a_command(shown):
        shown = f"'{shown}"
    return Inert()(shown)


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet program could take the text for a formula, blanks in front or not."""
    return text.lstrip()[:1] in FORMULA_STARTS and bool(text.strip())


# --- the workbook


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

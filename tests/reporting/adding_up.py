"""What each form of a plan comes to: open lines, units and money, read as a person reads it."""

from __future__ import annotations

import csv
import html
import io
import re
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from openpyxl import load_workbook

from reconciler.reporting.markdown import markdown
from reconciler.reporting.plan_text import print_plan
from reconciler.reporting.spreadsheet import csv_text, xlsx_bytes
from tests.reporting.made import printed

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.plan import Plan

_MONEY = re.compile(r"(-?[\d,]+(?:\.\d+)?) ([A-Z]{3}|\?)")
_ROWS = re.compile(r"^All lines with a row: ([\d,]+) open lines?, (\S+) units?(.*)$", re.MULTILINE)
_GROUP = re.compile(
    r"^\W*([\d,]+) lines? (?:unexplained|waiting for a decision|left: .*?), (\S+) units?"
    r"(?:, ((?:\S+ \S+ and )*\S+ \S+) a month)?\W*$",
    re.MULTILINE,
)
_SALES = re.compile(r"^Sales +(\S+) → \S+ +\S+ +(\S+)$", re.MULTILINE)
_LINES = re.compile(r"^(?:- )?Lines: ([\d,]+) = [^;\n]*(?:; (.*) a month)?$", re.MULTILINE)


@dataclass(frozen=True)
class Sum:
    """Open lines, their units and what they bill a month, per currency; nothing of no money."""

    lines: int
    units: Decimal
    money: Mapping[str, Decimal]


def of_identity(plan: Plan) -> Sum:
    """What the identity of lines says in the JSON of the plan."""
    said = plan.to_json()["census"]["lines"]
    money = [entry for part in said["accounts"] for entry in part["money"].items()]
    units = sum(Decimal(part["units"]) for part in said["accounts"])
    assert said["total"] == sum(part["lines"] for part in said["accounts"])
    return Sum(said["total"], Decimal(units), _money((amount, name) for name, amount in money))


def of_json(plan: Plan) -> Sum:
    """By the rows of the JSON, with the lines that they take over, and by the lines apart."""
    document = plan.to_json()
    ids: list[int] = []
    units, money = Decimal(0), []
    for row in document["lines"]:
        own = [] if row["line"] is None else [(row["line"], row["quantity"]["before"])]
        held = [*own, *((old["line"], old["quantity"]) for old in row["takesOver"])]
        ids += [number for number, _ in held]
        units += sum(Decimal(quantity) for _, quantity in held)
        if row["sales"] is not None:
            money.append((row["sales"]["before"], row["sales"]["currency"]))
    for line in document["census"]["apart"]:
        ids.append(line["line"])
        units += Decimal(line["quantity"])
        if line["sales"] is not None:
            money.append((line["sales"]["before"], line["sales"]["currency"]))
    assert len(ids) == len(set(ids)), "a line stands in two places"
    return Sum(len(ids), units, _money(money))


def of_csv(plan: Plan) -> Sum:
    """By the columns Line, Takes over, Quantity now and Sales now of the CSV."""
    return _of_table(csv.DictReader(io.StringIO(csv_text(plan), newline="")))


def of_xlsx(plan: Plan) -> Sum:
    """By the same columns of the workbook's sheet Lines."""
    sheet: Any = load_workbook(io.BytesIO(xlsx_bytes(plan)))["Lines"]
    head, *rows = sheet.iter_rows(values_only=True)
    return _of_table(dict(zip(head, row, strict=True)) for row in rows)


def of_text(plan: Plan) -> Sum:
    """By the total of the rows and the titles of the other open lines on the terminal."""
    return of_printed(printed(lambda console: print_plan(console, plan)))


def of_printed(text: str) -> Sum:
    """The same of a text that a command has printed."""
    rows = _ROWS.search(text)
    after = "" if rows is None else text[rows.end() :].split("\nUnchanged:")[0]
    return _of_titles(text, [] if rows is None else [rows], _SALES.findall(after))


def of_markdown(plan: Plan) -> Sum:
    """The same of Markdown."""
    text = re.sub(r"\\\\(.)", r"\1", html.unescape(markdown(plan)).replace("\u200b", ""))
    rows = _ROWS.search(text)
    return _of_titles(text, [] if rows is None else [rows], [] if rows is None else _MONEY.findall(rows[3]))


def said_in(text: str) -> Sum | None:
    """What the sentence of the identity says; None where none stands there. It has no units."""
    found = _LINES.search(text)
    if found is None:
        return None
    return Sum(_count(found[1]), Decimal(0), _money(_MONEY.findall(found[2] or "")))


def _of_titles(text: str, rows: list[re.Match[str]], money: list[tuple[str, str]]) -> Sum:
    found = [*rows, *_GROUP.finditer(text)]
    named = [amount for one in _GROUP.finditer(text) for amount in _MONEY.findall(one[3] or "")]
    units = sum(Decimal(one[2].replace(",", "")) for one in found)
    return Sum(sum(_count(one[1]) for one in found), Decimal(units), _money([*money, *named]))


def _of_table(rows: Iterable[Mapping[str, Any]]) -> Sum:
    lines, units, money = 0, Decimal(0), []
    for row in rows:
        lines += bool(row["Line"]) + len(re.findall(r"#\d+ ", row["Takes over"] or ""))
        units += Decimal(str(row["Quantity now"] or 0))
        if row["Sales now"] not in (None, ""):
            money.append((str(row["Sales now"]), row["Currency"]))
    return Sum(lines, units, _money(money))


def _count(text: str) -> int:
    return int(text.replace(",", ""))


def _money(amounts: Iterable[tuple[str, str]]) -> dict[str, Decimal]:
    found: dict[str, Decimal] = defaultdict(Decimal)
    for amount, currency in amounts:
        found[currency] += Decimal(amount.replace(",", "")).quantize(Decimal("0.01"))
    return {currency: amount for currency, amount in found.items() if amount}

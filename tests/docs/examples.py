"""Examples on the pages about billing: the books that one gives, and what its plan says in the same words.

An example (a block `text example`) belongs to the YAML before it. `Sophos`, `Line`, `Agreement`, `Product`
and `Run` give the books, `Plan`, `Without a row`, `Why`, `Says` and `Written` what the plan
has to say of them. What is not
said is usual: one monthly agreement #1 "Managed" that is invoiced next on 1 December 2026, a catalog price of
4.50.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.billing import Recap
from reconciler.model.money import plain
from reconciler.reporting.census_words import apart_account
from tests.docs.pages import Block, blocks
from tests.planning_lines.books import NOVEMBER, Books, agreements, bill

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.model.census import LineApart
    from reconciler.model.change import Change
    from reconciler.model.lines import Amount, PlannedLine

_USAGE = re.compile(
    r"(?P<code>[A-Za-z_-]+) (?P<units>[\d.-]+)"
    r"(?: \((?P<first>\d+)–(?P<last>\d+)\))?(?: of firewall (?P<serial>\w+))?"
)
_LINE = re.compile(
    r"#(?P<id>\d+): (?P<qty>\d+) × (?P<price>[\d.]+)(?: of (?P<product>[A-Z-]+))?(?: on #(?P<on>\d+))?"
    r"(?:, firewall (?P<serial>\w+))?(?:, (?P<incl>\d+) included)?(?:, from (?P<from>\d+ \w+ \d+))?"
    r"(?:, ends (?P<to>\d+ \w+ \d+))?(?:, last written by (?P<by>\w+)(?: on (?P<written>\d+ \w+ \d+))?)?"
)
#: `MSP-OLD: 4.75`, `MSP-OLD`, `MSP-OLD, was mapped to CIXA-MSP`; the last two of products that no row names.
_PRODUCT = re.compile(r"(?P<name>[A-Z-]+)(?:: (?P<price>[\d.]+))?(?:, was mapped to (?P<codes>[A-Z, -]+))?")
#: Each thing that an `Agreement` row says, after its number and name, and the column of `books.agreements`.
_AGREEMENT = {
    "cycle": re.compile(r"Weekly|Monthly|BiMonthly|Quarterly|Yearly"),
    "flags": re.compile(r"prorates?"),
    "next": re.compile(r"next invoice (.+)"),
    "to": re.compile(r"until (.+)"),
    "from": re.compile(r"from (.+)"),
    "currency": re.compile(r"in ([A-Z]{3})"),
    "parent": re.compile(r"child of #(\d+)"),
}
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_LAST_INVOICE = re.compile(r"last invoice (.+)")


@dataclass(frozen=True)
class Example:
    """An example with the YAML that it belongs to."""

    yaml: str
    block: Block

    def __str__(self) -> str:
        return str(self.block)

    @property
    def rows(self) -> list[tuple[str, str]]:
        """Label and text of each row."""
        parts = (line.partition("  ") for line in self.block.text.splitlines())
        return [(label, text.strip()) for label, _, text in parts]

    def all(self, label: str) -> list[str]:
        """The rows of one label."""
        return [text for found, text in self.rows if found == label]

    @property
    def product(self) -> str:
        """The product that is meant where a row names none: the first of the YAML."""
        found = re.search(r"product: \[?([A-Z-]+)", self.yaml)
        assert found is not None, f"{self}: its YAML names no product"
        return found[1]

    def books(self, folder: Path) -> Books:
        """The books that it gives."""
        months = {label: text for label, text in self.rows if label.startswith("Sophos")}
        october = NOVEMBER.previous()
        september = october.previous()
        agreed, recaps = _agreements(self.all("Agreement") or ["Monthly"])
        products = [found for text in self.all("Product") if (found := _PRODUCT.fullmatch(text))]
        assert len(products) == len(self.all("Product")), f"{self}: a row is no product"
        return Books(
            folder,
            settings="version: 1\n",
            yaml=self.yaml,
            bill=bill(_month(months["Sophos November"])),
            last=bill(_month(months.get("Sophos October", "nothing")), october),
            older=(bill(_month(months.get("Sophos September", "nothing")), september),),
            agreements=agreements(agreed),
            recaps=recaps,
            lines=_lines(self.all("Line"), self.product),
            fields={one["name"]: {"price": Decimal(one["price"])} for one in products if one["price"]},
            others={one["name"]: _tag(one["codes"]) for one in products if not one["price"]},
            unattended="unattended" in self.all("Run"),
            closed="the month still runs" not in self.all("Run"),
        )


def examples(page: Path) -> Iterator[Example]:
    """Each example of a page."""
    yaml = ""
    for block in blocks(page):
        if block.info == "yaml":
            yaml = block.text
        elif block.info == "text example":
            yield Example(yaml, block)


def _iso(text: str) -> str:
    """`1 Dec 2026` as ISO writes it."""
    day, month, year = text.split()
    return date(int(year), _MONTHS.index(month) + 1, int(day)).isoformat()


def shown_day(day: date) -> str:
    """`1 Dec 2026`."""
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def _month(text: str) -> str:
    rows = ["tenant | code | units | from | to | serial"]
    rows.append("Rowan | CIXA-MSP | 1 | | |")  # the bill has others, too
    for found in _USAGE.finditer(text if text != "nothing" else ""):
        days = [f"2026-11-{int(found[key]):02}" if found[key] else "" for key in ("first", "last")]
        rows.append(" | ".join(("Hawthorn", found["code"], found["units"], *days, found["serial"] or "")))
    return "\n".join(rows)


def _agreements(texts: list[str]) -> tuple[str, dict[int, Recap]]:
    """The table of `books.agreements`, and the recaps of those whose last invoice is said."""
    columns = list(_AGREEMENT)
    rows, recaps = [" | ".join(["id", "company", "name", *columns])], {}
    for text in texts:
        head, *parts = text.split(", ") if text.startswith("#") else ["#1 Managed", *text.split(", ")]
        number, _, name = head.removeprefix("#").partition(" ")
        values = dict.fromkeys(columns, "")
        for part in parts:
            last = _LAST_INVOICE.fullmatch(part)
            if last is not None:
                recaps[int(number)] = Recap(int(number), last_invoice=date.fromisoformat(_iso(last[1])))
                continue
            column, found = _part_of_agreement(part)
            value = found[1] if found.re.groups else found[0].removesuffix("s")
            values[column] = _iso(value) if column in ("from", "to", "next") else value
        rows.append(" | ".join([number, "HAWTHORN", name, *values.values()]))
    return "\n".join(rows), recaps


def _part_of_agreement(text: str) -> tuple[str, re.Match[str]]:
    for column, pattern in _AGREEMENT.items():
        found = pattern.fullmatch(text)
        if found is not None:
            return column, found
    raise AssertionError(f"{text!r} says nothing of an agreement")


def _lines(texts: list[str], only_product: str) -> str:
    keys = ("id", "qty", "price", "product", "incl", "by", "written", "on", "from", "to", "serial")
    found = [" | ".join(keys)]
    for text in texts:
        line = _LINE.fullmatch(text)
        assert line is not None, f"{text!r} is no line"
        cells = {key: line[key] or "" for key in keys}
        cells["product"] = cells["product"] or only_product
        cells |= {key: _iso(cells[key]) for key in ("from", "to", "written") if cells[key]}
        found.append(" | ".join(cells.values()))
    return "\n".join(found)


def _tag(codes: str | None) -> str:
    return "" if not codes else f"[sophos:main {', '.join(f'{code} (former)' for code in codes.split(', '))}]"


def shown(line: PlannedLine, only_product: str) -> str:
    """What the plan says of a line: `#11 more, 20 → 22, 90.00 → 99.00 EUR`.

    `new line 22 × 4.50 from 1 Dec 2026, …` where one is created, before it the last day of those that end.
    """
    ends = [f"#{old.line_id}" for old in line.takes_over]
    if line.ends is not None and line.takes_over:
        last = f"{' and '.join(ends)} {'ends' if len(ends) == 1 else 'end'} {shown_day(line.ends)}, "
    else:
        last = ""
    if line.starts is not None and line.state.value in ("new line", "moved"):
        return last + _created(line, only_product) + _money(line.sales)
    number = "no line" if line.line_id is None else f"#{line.line_id}"
    after = line.after if line.line_id is not None or last else None
    units = _step("?" if line.before is None else plain(line.before), "?" if after is None else plain(after))
    day = f" {shown_day(line.ends)}" if line.ends is not None and not last else ""
    return f"{last}{number} {line.state.value}{day}, {units}{_money(line.sales)}"


def shown_apart(line: LineApart) -> str:
    """An open line that no row speaks of: `#12 left: onUnmap: keep, 7, 31.50 EUR`."""
    return f"#{line.line_id} {apart_account(line)}, {plain(line.quantity)}{_money(line.sales)}"


def _created(line: PlannedLine, only_product: str) -> str:
    units = "?" if line.after is None else plain(line.after)
    text = f"new line {units} × {line.unit_price}"
    text += f" of {line.product}" if line.product != only_product else ""
    text += f" on #{line.agreement_id}" if line.agreement_id != 1 else ""
    text += f" for firewall {line.serial}" if line.serial else ""
    return text + (f" from {shown_day(line.starts)}" if line.starts is not None else "")


def _step(before: str, after: str) -> str:
    return before if before == after else f"{before} → {after}"


def _money(amount: Amount | None) -> str:
    if amount is None:
        return ""
    data = amount.to_json()
    return f", {_step(data['before'], data['after'])} {data['currency']}"


def written(change: Change) -> str:
    """What one request writes: `#11 cancelledDate 2026-11-30`, `new line of MSP-NEW`."""
    if change.starts_line:
        return f"new line of {change.target.identifier}"
    return f"#{change.target.id} " + ", ".join(f"{one.field} {_value(one.after)}" for one in change.fields)


def _value(value: Any) -> str:
    return "none" if value is None else str(value)

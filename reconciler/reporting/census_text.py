"""A plan's census on the terminal: the open lines that no row has, and both identities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.census import OPEN_LINES
from reconciler.model.counts import number_of
from reconciler.model.money import plain
from reconciler.reporting.census_words import (
    apart_groups,
    apart_money,
    apart_place,
    apart_product,
    apart_sum,
    apart_title,
    apart_written,
    by_reason,
    identities,
)
from reconciler.reporting.clean import clean
from reconciler.reporting.line_words import source_text
from reconciler.reporting.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from reconciler.model.census import Census, LineApart

TITLE = "Other open lines"
#: Lines that a word leaves are cut after so many, by word; what is open only where there are many.
MOST_LEFT, MOST_OPEN = 8, 50
_COLUMNS = ("  Company · agreement", "Product", ">Quantity", ">A month", "Last written by", "Row")


def print_identities(console: Console, census: Census | None) -> None:
    """Both identities; nothing where no line was counted."""
    for text in identities(census):
        console.print(Text(text, style="bold"))


def print_lines_apart(console: Console, census: Census | None) -> None:
    """The open lines that no row has: what nothing explains, what waits, what a word leaves."""
    groups = [] if census is None else apart_groups(census)
    if not groups:
        return
    console.print(Text(f"\n{TITLE} (nothing is written to them)", style="bold"))
    for account, word, lines in groups:
        is_open = account in OPEN_LINES
        title = apart_title(account, word, lines)
        console.print(Text(f"  {title}", style="bold red" if is_open else ""))
        shown = lines[: MOST_OPEN if is_open else MOST_LEFT]
        if is_open:
            _print_open(console, shown)
        else:
            print_table(console, (*_COLUMNS, "Why"), [(*_cells(line), line.reason) for line in shown])
        rest = lines[len(shown) :]
        if rest:
            money = apart_sum(rest)
            more = number_of(len(rest), "more line") + (f", together {money} a month" if money else "")
            console.print(Text(f"  … and {more}: all of them stand in --format xlsx, csv and json"))


def _print_open(console: Console, lines: Sequence[LineApart]) -> None:
    """By the reason, which many may have: said once, with what to do."""
    for reason, remedy, several in by_reason(lines):
        console.print(Text(f"  {clean(reason)}"))
        if remedy:
            console.print(Text(f"  → {clean(remedy)}", style="dim"))
        print_table(console, _COLUMNS, [_cells(line) for line in several])


def _cells(line: LineApart) -> tuple[str, ...]:
    return (
        f"  {apart_place(line)}",
        apart_product(line),
        plain(line.quantity),
        apart_money(line),
        apart_written(line),
        source_text(line.source),
    )

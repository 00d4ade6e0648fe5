"""A plan's census as GitHub shows it: both identities, and the open lines that no row has."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.census import OPEN_LINES
from reconciler.model.counts import number_of
from reconciler.model.money import plain
from reconciler.reporting.census_text import MOST_LEFT, MOST_OPEN, TITLE
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
from reconciler.reporting.line_words import source_text
from reconciler.reporting.markdown_text import md, table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from reconciler.model.census import Census, LineApart

_COLUMNS = ("Company · agreement", "Product", ">Quantity", ">A month", "Last written by", "Row")
#: How many open lines are named where the whole would be too long otherwise.
_FEWEST_OPEN = 5


def identity_rows(census: Census | None) -> list[str]:
    """Both identities as a list; nothing where no line was counted."""
    return [f"- {md(text)}" for text in identities(census)]


def lines_apart(census: Census | None, most: int) -> Iterable[str]:
    """The open lines that no row has. `most` cuts them further where the whole is too long."""
    groups = [] if census is None else apart_groups(census)
    is_open = [group for group in groups if group[0] in OPEN_LINES]
    left = [group for group in groups if group[0] not in OPEN_LINES]
    if is_open:
        yield f"### {TITLE}"
        for account, word, lines in is_open:
            limit = MOST_OPEN if most else _FEWEST_OPEN
            yield from _group(f"**{md(apart_title(account, word, lines))}**", lines, limit)
    if left:
        count = sum(len(lines) for _, _, lines in left)
        yield f"<details><summary>{TITLE}, left as they are: {number_of(count, 'line')}</summary>"
        yield ""
        for account, word, lines in left:
            yield from _group(md(apart_title(account, word, lines)), lines, min(most, MOST_LEFT))
        yield "</details>"
        yield ""


def _group(title: str, lines: Sequence[LineApart], most: int) -> Iterable[str]:
    yield title
    yield ""
    shown, rest = lines[:most], lines[most:]
    for reason, remedy, several in by_reason(shown):
        yield md(reason) + (f" → {md(remedy)}" if remedy else "")
        yield ""
        yield from table(_COLUMNS, map(_cells, several))
        yield ""
    if rest:
        money = apart_sum(rest)
        together = f", together {md(money)} a month" if money else ""
        yield f"… and {number_of(len(rest), 'more line')}{together}: in the spreadsheet."
        yield ""


def _cells(line: LineApart) -> tuple[str, ...]:
    return (
        apart_place(line),
        apart_product(line),
        plain(line.quantity),
        apart_money(line),
        apart_written(line),
        source_text(line.source),
    )

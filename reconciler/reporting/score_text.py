"""An old plan against what people did since, for people, for scripts and as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.counts import number_of
from reconciler.model.money import plain
from reconciler.model.score import Match, Score, ScoreRow, Tally
from reconciler.model.verdict import rounded
from reconciler.reporting.census_text import print_identities
from reconciler.reporting.clean import clean
from reconciler.reporting.json_text import json_text
from reconciler.reporting.line_words import money_list, signed, source_text
from reconciler.reporting.number_forms import CHANGE, MONEY
from reconciler.reporting.sheets import Column, Table, csv_table
from reconciler.reporting.tables import print_table

if TYPE_CHECKING:
    from decimal import Decimal

    from rich.console import Console

    from reconciler.model.lines import Amount

_TITLES = {
    Match.AGREED: "as Sophos's bill says",
    Match.ANOTHER: "another number stands there: a person's, or a later plan's",
    Match.UNTOUCHED: "nobody changed, although the bill did",
    Match.ENDED: "the line has ended since: by a person, or a later plan moved it",
    Match.GONE: "the line is gone",
    Match.NOT_COMPARED: "not compared (the plan had no number, or there was no line)",
}
#: Categories whose rows people look at; the others are counted.
_SHOWN = frozenset({Match.ANOTHER, Match.UNTOUCHED, Match.ENDED, Match.GONE})


def print_score(console: Console, score: Score) -> None:
    """The verdict, the rows that differ by customer, the totals by category, and the plan's identities."""
    console.print(Text(score_line(score), style="bold"))
    rows = [row for row in score.rows if row.match in _SHOWN or (row.match is Match.AGREED and row.differs)]
    if rows:
        console.print()
        header = (
            "Customer · agreement", "Product", ">Was", ">Sophos's bill", ">This tool", ">Line now",
            "What happened", "Which differs", ">Per month", "Last written by", "How counted", "Row",
        )  # fmt: skip
        print_table(console, header, [_row(row) for row in rows])
    console.print()
    console.print(Text("Totals", style="bold"))
    tallies = [tally for tally in score.tallies() if tally.lines]
    print_table(
        console,
        ("", ">Lines", ">Customers", ">Bill changed", "Invoiced against the bill, per month"),
        [_tally(tally) for tally in tallies],
    )
    if score.census is not None:
        console.print(Text(f"\nLines and units by the plan of {score.planned}", style="bold"))
        print_identities(console, score.census)


def score_line(score: Score) -> str:
    """The verdict in one sentence."""
    compared = [row for row in score.rows if row.match is not Match.NOT_COMPARED]
    agreed = sum(row.match is Match.AGREED for row in compared)
    money = money_list(
        [a for tally in score.tallies() if tally.match is not Match.AGREED for a in tally.money]
    )
    month = f", Sophos {score.month}" if score.month else ""
    stand = "stands" if len(compared) == 1 else "stand"
    lines = number_of(len(compared), "line")
    verdict = f"Plan of {score.planned}{month}: {agreed} of {lines} {stand} as Sophos's bill says"
    return f"{verdict}; the others are invoiced {money} a month against it." if money else f"{verdict}."


def score_json(score: Score) -> str:
    """The form of `--format json`."""
    return json_text(score.to_json())


_COLUMNS = tuple(
    Column(title, form=form)
    for title, form in (
        ("Customer", ""), ("Company", ""), ("Company name", ""), ("Agreement", ""), ("Product", ""),
        ("Line", "0"), ("What happened", ""),
        ("Quantity was", "General"), ("Sophos's bill", "General"), ("This tool", "General"),
        ("Line now", "General"), ("Which differs", ""), ("Currency", ""), ("By the bill", MONEY),
        ("Invoiced now", MONEY), ("Difference per month", CHANGE),
        ("Last written by", ""), ("How counted", ""), ("Row", ""),
    )
)  # fmt: skip


def score_table(score: Score) -> Table:
    """One row for each line, compared or not."""
    rows = []
    for row in score.rows:
        money = None if row.money is None else rounded(row.money)
        rows.append(
            (
                row.customer, row.company, row.company_name, row.agreement, row.product, row.line_id,
                row.match.value, row.was, row.bill,
                row.tool, row.line, ", ".join(row.differs), "" if money is None else money.currency,
                None if money is None else money.before, None if money is None else money.after,
                None if money is None else money.delta, row.writer, row.explained, source_text(row.source),
            )
        )  # fmt: skip
    return Table("Score", _COLUMNS, tuple(rows))


def score_csv(score: Score, *, separator: str = ",", bom: bool = False) -> str:
    """The rows as CSV, as `sheets.csv_table` writes them."""
    return csv_table(score_table(score), separator=separator, bom=bom)


def _row(row: ScoreRow) -> tuple[str, ...]:
    return (
        f"{row.who} · {row.agreement}",
        row.product if row.line_id is None else f"{row.product} #{row.line_id}",
        *(_number(number) for number in (row.was, row.bill, row.tool, row.line)),
        row.match.value,
        ", ".join(row.differs),
        "" if row.money is None else _difference(rounded(row.money)),
        row.writer,
        row.explained,
        source_text(row.source),
    )


def _difference(money: Amount) -> str:
    return f"{signed(money.delta, money.places)} {money.currency}"


def _number(number: Decimal | None) -> str:
    return "?" if number is None else plain(number)


def _tally(tally: Tally) -> tuple[str, ...]:
    return (
        _TITLES[tally.match],
        str(tally.lines),
        str(tally.customers),
        str(tally.wanted_change),
        clean(money_list(tally.money)),
    )

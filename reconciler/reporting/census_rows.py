"""A plan's census as rows of the tables that `spreadsheet` makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.census import LineAccount, UnitAccount
from reconciler.model.verdict import rounded
from reconciler.reporting.census_words import (
    account_text,
    apart_account,
    identities,
    unit_account_text,
)
from reconciler.reporting.line_words import source_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from decimal import Decimal

    from reconciler.model.census import Census, LineApart
    from reconciler.reporting.sheets import Value

_LINES, _UNITS = "Open lines", "Units on the bill"


def apart_row(line: LineApart) -> dict[str, Value]:
    """An open line without a row, by the titles of the columns of lines."""
    money = None if line.sales is None else rounded(line.sales)
    known: dict[str, Value] = {} if money is None else {
        "Currency": money.currency, "Sales now": money.before, "Sales new": money.after,
        "Change per month": money.delta,
    }  # fmt: skip
    return {
        "Customer": line.company_name or line.company, "Company": line.company,
        "Company name": line.company_name, "Agreement": line.agreement,
        "Product": line.product, "Line": line.line_id, "What happens": apart_account(line),
        "Written by this plan": "no", "Quantity now": line.quantity, "Quantity new": line.quantity, **known,
        "Why": why_and_remedy(line), "First invoice": line.next_invoice, "On hold": "no",
        "Mode shadow": "no", "Last written by": line.last_writer, "Last written": line.last_written,
        "Row": source_text(line.source),
    }  # fmt: skip


def why_and_remedy(line: LineApart) -> str:
    """The reason and what to do, in one cell."""
    return f"{line.reason} → {line.remedy}" if line.remedy else line.reason


def account_rows(census: Census | None) -> Iterator[tuple[Value, ...]]:
    """Rows of the summary: What, Text, Count, Currency, Now; a sentence and its accounts, each with money."""
    if census is None:
        return
    of_lines, of_units = identities(census)
    yield _LINES, of_lines, census.line_total, "", None
    for account in LineAccount:
        parts = [part for part in census.lines if part.account is account]
        for part in parts:
            name = f"{_LINES}: {account_text(account)}"
            yield from _money_rows(name, part.word, part.lines, part.money)
        if not parts and account is LineAccount.UNEXPLAINED:
            yield f"{_LINES}: {account_text(account)}", "", 0, "", None
    yield _UNITS, of_units, census.unit_total, "", None
    for units in census.units:
        name = f"{_UNITS}: {unit_account_text(units.account, units.word)}"
        yield from _money_rows(name, units.word, units.units, units.value)
    if not any(units.account is UnitAccount.UNDECIDED for units in census.units):
        yield f"{_UNITS}: {unit_account_text(UnitAccount.UNDECIDED)}", "", 0, "", None


def _money_rows(
    name: str, word: str, count: Decimal | int, money: Mapping[str, Decimal]
) -> Iterator[tuple[Value, ...]]:
    """One row for each currency; the count stands in the first."""
    amounts: list[tuple[str, Decimal | None]] = [*sorted(money.items())] or [("", None)]
    for number, (currency, amount) in enumerate(amounts):
        yield name, word, count if number == 0 else None, currency, amount

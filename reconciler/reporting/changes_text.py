"""What changes on invoices: by kind, line by line, and what the days of new lines leave unbilled."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.counts import number_of
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import Amount, LineState, NotBilled, PlannedLine
from reconciler.model.money import money_text, plain, to_places
from reconciler.model.months import Month
from reconciler.model.verdict import billed_units, count_customers, rounded, sums
from reconciler.reporting.line_words import (
    FEWER_FOR_MORE,
    MORE_FOR_LESS,
    NEW_PRICE,
    biggest_first,
    change_text,
    feed_text,
    kind_text,
    places_of,
    price_text,
    product_text,
    signed,
    step_text,
    what_text,
    why,
)
from reconciler.reporting.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from rich.console import Console

#: In this order; a line is of the kind that `kind_text` names.
_KINDS = (
    "new line", "moved", NEW_PRICE, "ends", "more", MORE_FOR_LESS, "less", FEWER_FOR_MORE, "to zero", "terms",
)  # fmt: skip


# --- by kind


def print_kinds(console: Console, lines: Sequence[PlannedLine], title: str) -> None:
    """One row for each kind and currency, and a total in which each customer counts once."""
    if not lines:
        return
    console.print()
    header = (title, ">Customers", ">Now", ">New", ">Per month", "Currency")
    print_table(console, header, list(kind_rows(lines)))
    console.print(Text(prices_line(lines)))


def kind_rows(lines: Sequence[PlannedLine]) -> Iterable[tuple[str, ...]]:
    """Kind, customers, money now and new, the difference, currency; the total comes last."""
    of_kind: dict[str, list[PlannedLine]] = defaultdict(list)
    for line in lines:
        of_kind[kind_text(line)].append(line)
    for name in _KINDS:
        yield from _kind_rows(name, of_kind[name])
    yield from _kind_rows("Together", lines)


def _kind_rows(name: str, lines: Sequence[PlannedLine]) -> Iterable[tuple[str, ...]]:
    by_currency: dict[str, list[PlannedLine]] = defaultdict(list)
    for line in lines:
        by_currency["" if line.sales is None else line.sales.currency].append(line)
    for currency, own in sorted(by_currency.items()):
        customers = str(count_customers(own))
        total = next(iter(sums(line.sales for line in own)), None)
        if total is None:
            yield name, customers, "?", "?", "?", "?"
            continue
        now, new = (_or_dash(amount, total.places) for amount in (total.before, total.after))
        yield name, customers, now, new, signed(total.delta, total.places), currency


def _or_dash(amount: Decimal, places: int) -> str:
    return money_text(amount, places) if amount else "–"


def prices_line(lines: Iterable[PlannedLine]) -> str:
    """Whether anybody pays another price for what is billed already."""
    count = sum(map(_has_another_price, lines))
    said = f"{number_of(count, 'line')} with another price" if count else "unchanged"
    return f"Prices of existing lines: {said}."


def _has_another_price(line: PlannedLine) -> bool:
    """By a declaration, or because its product's line ends and the new one does not go on with the price."""
    if any(one.field == "unitPrice" for one in line.declared):
        return True
    own = identifier_key(line.product)
    follows = any(identifier_key(old.product) == own for old in line.takes_over)
    return line.starts is not None and follows and not line.price_source.startswith("line #")


# --- line by line


#: What `change_cells` gives, by column; `>` puts it to the right.
CHANGE_COLUMNS = (
    "Customer · agreement", "Product", "What", ">Quantity", ">Billed", ">Price", ">Now → new", ">Per month",
    "Why",
)  # fmt: skip


def print_changes(console: Console, title: str, lines: Sequence[PlannedLine]) -> None:
    """One row for each line, the biggest change first."""
    if not lines:
        return
    console.print(Text(f"\n{title}", style="bold"))
    print_table(console, CHANGE_COLUMNS, [change_cells(line) for line in biggest_first(lines)])


def _why_and_by_what(line: PlannedLine) -> str:
    """How the quantity came about, and the rows whose terms decided it."""
    return f"{why(line)} [{line.decided_by}]" if line.decided_by else why(line)


def change_cells(line: PlannedLine) -> tuple[str, ...]:
    """Customer, product, what happens, quantity, billed units, price, money now and new, difference, why."""
    prorates = " (prorates)" if line.prorates else ""
    source = f" ({line.price_source})" if line.price_source else ""
    return (
        f"{line.who} · {line.agreement}{prorates}",
        product_text(line),
        what_text(line),
        _after_only(line.after) if line.state is LineState.NEW_LINE else change_text(line.before, line.after),
        _billed(line),
        f"{price_text(line.unit_price, places_of(line))}{source}",
        *_money_cells(line.sales),
        _why_and_by_what(line),
    )


def _after_only(after: Decimal | None) -> str:
    return change_text(after, after)


def _billed(line: PlannedLine) -> str:
    """The billed units; those of lines that are taken over are not known one by one."""
    after = billed_units(line.after, line.included_after, line.bill_customer)
    shown = _after_only(after)
    if not line.takes_over and line.state is not LineState.NEW_LINE:
        before = billed_units(line.before, line.included_before, line.billed_until_now)
        shown = change_text(before, after)
    if line.bill_customer != "Billable":
        shown = f"{shown} ({line.bill_customer or 'not billable'})"
    return shown


def _money_cells(amount: Amount | None) -> tuple[str, str]:
    if amount is None:
        return "?", "?"
    shown = rounded(amount)
    return (
        f"{step_text(shown)} {shown.currency}",
        f"{signed(shown.delta, shown.places)} {shown.currency}",
    )


# --- what is not billed


def print_not_billed(console: Console, lines: Iterable[PlannedLine]) -> None:
    """What the first days of new lines leave without an invoice, and the sum per currency."""
    found = [(line, line.not_billed) for line in biggest_first(lines) if line.not_billed is not None]
    if not found:
        return
    console.print(Text("\nNot billed by this plan (usage from before a new line's first day)", style="bold"))
    rows = [
        (
            f"{line.who} · {line.agreement}",
            product_text(line),
            months_text(unbilled),
            unbilled_text(line, unbilled),
        )
        for line, unbilled in found
    ]
    amounts = sums(not_billed_amount(line) for line, _ in found)
    together = " and ".join(f"{money_text(one.after, one.places)} {one.currency}" for one in amounts)
    rows.append(("Together", "", "", together))
    print_table(console, ("Customer · agreement", "Product", "Months", ">Amount"), rows)


def months_text(unbilled: NotBilled) -> str:
    """`November 2026 and December 2026`."""
    return " and ".join(Month.parse(month).title for month in unbilled.months)


def not_billed_amount(line: PlannedLine) -> Amount | None:
    """What stays unbilled, from nothing to all of it, in the line's currency."""
    if line.not_billed is None or line.sales is None:
        return None
    return Amount(line.sales.currency, line.not_billed.amount * 0, line.not_billed.amount, line.sales.places)


def unbilled_text(line: PlannedLine, unbilled: NotBilled) -> str:
    """`200 × 4.50 = 900.00 EUR`, the amount alone where that is not how it is made."""
    places, currency = places_of(line), "?" if line.sales is None else line.sales.currency
    shown = f"{money_text(unbilled.amount, places)} {currency}"
    units = billed_units(line.after, line.included_after, line.bill_customer)
    months = len(unbilled.months)
    if units is None:
        return shown
    if to_places(units * line.unit_price * months, places) != to_places(unbilled.amount, places):
        return shown
    often = f"{months} × " if months > 1 else ""
    return f"{often}{plain(units)} × {price_text(line.unit_price, places)} = {shown}"


def print_apart(console: Console, lines: Sequence[PlannedLine]) -> None:
    """The lines that no number is known for."""
    if not lines:
        return
    console.print(Text("\nNot billed, or not written by this plan", style="bold"))
    rows = [
        (
            f"{line.who} · {line.agreement}",
            product_text(line),
            "stays as it is, without Sophos usage" if line.line_id is not None else line.state.value,
            change_text(line.before, line.after)
            if line.line_id is not None
            else change_text(line.after, line.after),
            apart_money(line),
            why(line),
        )
        for line in sorted(lines, key=lambda one: (one.state.value, one.customer.casefold(), one.key))
    ]
    print_table(console, ("Customer · agreement", "Product", "What", ">Quantity", ">Amount", "Why"), rows)


def apart_money(line: PlannedLine) -> str:
    """What is at stake: the invoice's amount where it is known, else the value at Sophos."""
    amount = None if line.sales is None else rounded(line.sales)
    if amount is not None and amount.before:
        return f"{money_text(amount.before, amount.places)} {amount.currency} billed a month"
    return feed_text(line.feed) or "?"

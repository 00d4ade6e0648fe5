"""Whether invoices may be made, for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.counts import number_of
from reconciler.reporting.census_text import print_identities
from reconciler.reporting.clean import clean
from reconciler.reporting.json_text import json_text
from reconciler.reporting.line_words import day_text, source_text
from reconciler.reporting.tables import print_table

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

    from reconciler.model.verdict import Ready, Reason


#: A remedy that is longer is not repeated for the next customer.
_LONG = 80


def print_ready(console: Console, ready: Ready) -> None:
    """The verdict first, then the reasons by customer, remarks, what is on another day, both identities."""
    console.print(Text(ready_line(ready), style="bold green" if ready.yes else "bold red"))
    said: dict[str, str] = {}
    _print_reasons(console, [reason for reason in ready.reasons if not reason.customer], said)
    for customer, reasons in by_customer(ready.reasons).items():
        console.print(Text(f"\n{clean(customer)}", style="bold"))
        _print_reasons(console, reasons, said)
    if ready.remarks:
        console.print(Text("\nWorth a look, nothing waits for it", style="bold"))
        _print_reasons(console, [reason for reason in ready.remarks if not reason.customer], said)
        for customer, reasons in by_customer(ready.remarks).items():
            console.print(Text(f"  {clean(customer)}"))
            _print_reasons(console, reasons, said)
    if ready.elsewhere:
        console.print(Text("\nNot on this invoice", style="bold"))
        rows = [
            (
                f"{one.who} · {one.agreement}",
                day_text(one.next_invoice),
                str(one.lines),
                str(one.pending),
            )
            for one in ready.elsewhere
        ]
        print_table(console, ("Customer · agreement", "Next invoice", ">Lines", ">Pending"), rows)
    if ready.census is not None:
        console.print()
        print_identities(console, ready.census)


def ready_line(ready: Ready) -> str:
    """The verdict in one sentence, with the day until which a yes holds."""
    day = day_text(ready.invoice_date)
    them = "is" if ready.customers == 1 else "are"
    whose = f"{number_of(ready.customers, 'customer')} with lines on this invoice"
    count = f"{ready.customers_ready} of {whose} {them} ready"
    if not ready.yes:
        return f"No: invoices of {day} have to wait. {count}."
    until = ""
    if ready.holds_until is not None:
        until = f" This holds through {day_text(ready.holds_until)} ({ready.holds_why})."
    return f"Yes: invoices of {day} may be made. {count}.{until}"


def ready_json(ready: Ready) -> str:
    """The form of `--format json`."""
    return json_text(ready.to_json())


def by_customer(reasons: Iterable[Reason]) -> dict[str, list[Reason]]:
    """The reasons of each customer, by its name and company; those that concern all are left out."""
    found: dict[str, list[Reason]] = {}
    for reason in reasons:
        if reason.customer:
            found.setdefault(reason.who, []).append(reason)
    return dict(sorted(found.items(), key=lambda one: one[0].casefold()))


def _print_reasons(console: Console, reasons: Iterable[Reason], said: dict[str, str]) -> None:
    """Each reason with what to do; one that several in a row share is said with the last of them.

    `said` has what was told before, by whose: a long remedy is told once, and then refers to that one.
    """
    several = list(reasons)
    for number, reason in enumerate(several, 1):
        console.print(Text(f"  - {_where(reason)}{clean(reason.message)}"))
        following = several[number].remedy if number < len(several) else ""
        if reason.remedy and reason.remedy != following:
            first = said.setdefault(reason.remedy, reason.who)
            again = len(reason.remedy) > _LONG and first and first != reason.who
            text = f"as for {first}" if again else reason.remedy
            console.print(Text(f"    → {clean(text)}", style="dim"))


def _where(reason: Reason) -> str:
    """`Managed Security, MSP-GOLD #5512, customers.yaml:14: `, as far as it is about a line."""
    number = f" #{reason.line_id}" if reason.line_id is not None else ""
    product = f"{clean(reason.product)}{number}" if reason.product and reason.customer else ""
    parts = [clean(reason.agreement), product, source_text(reason.source)]
    shown = ", ".join(part for part in parts if part)
    return f"{shown}: " if shown else ""

"""What is left to be done by hand once a plan is applied: the next plan no longer shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.by_hand import together
from reconciler.model.verdict import by_hand
from reconciler.reporting.clean import clean
from reconciler.reporting.line_words import place, subject_text

if TYPE_CHECKING:
    from rich.console import Console

    from reconciler.model.plan import Plan


def print_by_hand(console: Console, plan: Plan) -> None:
    """One line each, with the customer and the money; nothing where nothing is left."""
    found = by_hand(plan)
    if not found:
        return
    console.print(Text("To be done by hand, because no run writes it", style="bold"))
    for line, work in found:
        console.print(Text(f"  - {place(line)}, {subject_text(line)}: {clean(work.text)}"))
    for text in together(work for _, work in found):
        console.print(Text(f"  {clean(text)}"))


def print_invoices_that_exist(console: Console, plan: Plan) -> None:
    """What the invoices that were made lack or have too much, in all; each line's message has its own."""
    works = [line.by_hand for line in plan.lines if line.by_hand is not None]
    for text in together(works):
        console.print(Text(clean(text), style="bold"))

"""How an apply went, on the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.counts import number_of
from reconciler.model.outcome import DONE, Outcome, Result
from reconciler.reporting.clean import clean
from reconciler.reporting.written_words import count_once

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

    from reconciler.reporting.written_words import Words

_STYLES = {
    Result.APPLIED: ("✓", "green"),
    Result.ALREADY_OK: ("=", "green"),
    Result.TAKEN_BACK: ("=", "green"),
    Result.SERVER_KEPT: ("!", "yellow"),
    Result.FAILED: ("✗", "bold red"),
    Result.UNSURE: ("?", "bold red"),
    Result.NOT_ATTEMPTED: ("·", "yellow"),
}


def print_outcome(console: Console, outcome: Outcome, causes: dict[str, str], words: Words) -> None:
    """One change, in words and by its id, and what became of it.

    Of a cause that was told before (by the first change) no more is told.
    """
    sign, style = _STYLES[outcome.result]
    line = Text("  ")
    line.append(f"{sign} {outcome.result.value:14}", style=style)
    line.append(words.of(outcome.change))
    line.append(f"  {clean(outcome.change.id)}", style="dim")
    first = causes.setdefault(outcome.cause, outcome.change.id) if outcome.cause else outcome.change.id
    message = outcome.message if first == outcome.change.id else f"for the same reason as {first}"
    if message:
        line.append(f"  {clean(message)}", style="dim" if outcome.result in DONE else "")
    console.print(line)


def repeated_causes(outcomes: Sequence[Outcome]) -> list[str]:
    """Each reason that several changes have, once, and for how many: `8 changes for one reason: …`."""
    first: dict[str, Outcome] = {}
    for outcome in outcomes:
        first.setdefault(outcome.cause, outcome)
    counts = Counter(outcome.cause for outcome in outcomes if outcome.cause)
    return [
        f"{number_of(count, 'change')} for one reason: {clean(first[cause].message)}"
        for cause, count in counts.items()
        if count > 1
    ]


def left_alone(count: int) -> str:
    """What an apply of `plan --since` did not touch."""
    were = "was" if count == 1 else "were"
    return f"{number_of(count, 'change')} waiting anyway {were} left alone, not part of this change."


def outcome_summary(outcomes: Sequence[Outcome], words: Words) -> str:
    """`9 applied, 1 failed.`, what invoices change by, and what to do where something is left.

    A move is one change, and two steps.
    """
    once = count_once(outcomes)
    counts = Counter(outcome.result for outcome in once)
    listed = ", ".join(f"{counts[result]} {result.value}" for result in Result if counts[result])
    listed += f" in {len(outcomes)} steps" if len(once) < len(outcomes) else ""
    money = words.money(outcomes)
    changed = f" Invoices change by {money} a month." if money else ""
    left = sum(count for result, count in counts.items() if result not in DONE)
    more = " Plan again to see what is left." if left else ""
    if left and left == counts[Result.NOT_ATTEMPTED]:
        more = " Plan again to see what is left; running apply again finishes it."
    return f"{listed or 'Nothing to do'}.{changed}{more}"

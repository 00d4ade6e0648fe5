"""How an apply went, on the terminal."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from rich.text import Text

from reconciler.model.outcome import DONE, Outcome, Result
from reconciler.reporting.clean import clean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console

_STYLES = {
    Result.APPLIED: ("✓", "green"),
    Result.ALREADY_OK: ("=", "green"),
    Result.SERVER_KEPT: ("!", "yellow"),
    Result.FAILED: ("✗", "bold red"),
    Result.UNSURE: ("?", "bold red"),
    Result.NOT_ATTEMPTED: ("·", "yellow"),
}


def print_outcome(console: Console, outcome: Outcome) -> None:
    """One change and what became of it."""
    sign, style = _STYLES[outcome.result]
    line = Text("  ")
    line.append(f"{sign} {outcome.result.value:14}", style=style)
    line.append(clean(outcome.change.id))
    if outcome.message:
        line.append(f"  {clean(outcome.message)}", style="dim" if outcome.result in DONE else "")
    console.print(line)


def left_alone(count: int) -> str:
    """What an apply of `plan --since` did not touch."""
    were = "1 change waiting anyway was" if count == 1 else f"{count} changes waiting anyway were"
    return f"{were} left alone, not part of this change."


def outcome_summary(outcomes: Sequence[Outcome]) -> str:
    """`9 applied, 1 failed.`, and what to do where something is left."""
    counts = Counter(outcome.result for outcome in outcomes)
    listed = ", ".join(f"{counts[result]} {result.value}" for result in Result if counts[result])
    left = sum(count for result, count in counts.items() if result not in DONE)
    more = " Plan again to see what is left." if left else ""
    if left and left == counts[Result.NOT_ATTEMPTED]:
        more = " Plan again to see what is left; running apply again finishes it."
    return f"{listed or 'Nothing to do'}.{more}"

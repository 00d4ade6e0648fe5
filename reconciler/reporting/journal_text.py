"""A journal on the terminal and as JSON: what was written, what may have been, and what was not."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from reconciler.model.by_hand import together
from reconciler.model.counts import number_of
from reconciler.model.outcome import Result
from reconciler.reporting.clean import clean
from reconciler.reporting.json_text import json_text
from reconciler.reporting.values import field_title, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rich.console import Console

    from reconciler.model.journal import Journal, Written

#: What `show` says where the run ended before it knew.
NOT_KNOWN = "not known"
_SIGNS = {Result.APPLIED: "✓", Result.TAKEN_BACK: "=", Result.SERVER_KEPT: "!", Result.FAILED: "✗"}


def print_journal(console: Console, journal: Journal) -> None:
    """The whole journal, and in its last line whether the run came to its end."""
    head = journal.head
    console.print(Text(f"Journal of {run_text(journal)}", style="bold"))
    console.print(
        Text(
            f"{clean(head.instance['connectwiseCompany'])} on {clean(head.instance['connectwiseHost'])}, "
            f"plan {clean(head.plan_hash)}"
        )
    )
    by = [f"by {clean(head.actor)}"] if head.actor else []
    by += [f"commit {clean(head.commit)}"] if head.commit else []
    if by:
        console.print(Text(f"Run {', '.join(by)}" if head.actor else f"Of {by[0]}"))
    sure = [one for one in journal.written if one.sure]
    unsure = [one for one in journal.written if not one.sure and one.may_be_there]
    _print_written(console, "Written", sure)
    _print_written(console, "May have been written: look at it in ConnectWise", unsure)
    not_written = [(one.change.id, one.result) for one in journal.written if not one.may_be_there]
    rest = [(key, result.value) for key, result in [*not_written, *journal.others] if result is not None]
    if rest:
        console.print(Text("\nNot written", style="bold"))
        for key, result in rest:
            console.print(Text(f"  · {result:14}{clean(key)}"))
    if journal.by_hand:
        console.print(Text("\nTo be done by hand, because no run writes it", style="bold"))
        for work in journal.by_hand:
            line = "a new line" if work.line is None else f"line #{work.line}"
            where = f"agreement #{work.agreement}, {clean(work.product)}, {line}"
            console.print(Text(f"  - {where}: {clean(work.text)}"))
        for text in together(journal.by_hand):
            console.print(Text(f"  {clean(text)}"))
    console.print()
    console.print(Text(f"{_counts(journal)} {ending_text(journal)}", style="bold"))


def run_text(journal: Journal) -> str:
    """`run 3f… of 27 Nov 2026 10:00 UTC, mappings`."""
    head = journal.head
    moment = datetime.fromisoformat(head.started)
    day = f"{moment.day} {moment:%b %Y %H:%M} {moment.tzname() or ''}".strip()
    return f"run {clean(head.run)} of {day}, {clean(head.site)}"


def ending_text(journal: Journal) -> str:
    """Whether the run came to its end, and what to do where it did not."""
    if journal.ended and not journal.interrupted:
        return "The run ended."
    if journal.ended:
        unsure = sum(one.may_be_there and not one.sure for one in journal.written)
        if not unsure:
            return "The run was interrupted and stopped in order."
        return (
            f"The run was interrupted, and of {number_of(unsure, 'change')} it is not known whether "
            f"{'it was' if unsure == 1 else 'they were'} written. Plan again to see what is left."
        )
    cut = " Its last line is not whole." if journal.cut_off else ""
    return (
        f"The run did not come to its end: it was killed, or its journal could not be written.{cut} "
        "Plan again to see what is left."
    )


def _print_written(console: Console, title: str, written: Sequence[Written]) -> None:
    if not written:
        return
    console.print(Text(f"\n{title}", style="bold"))
    for one in written:
        sign = _SIGNS.get(one.result, "?") if one.result is not None else "?"
        result = NOT_KNOWN if one.result is None else one.result.value
        console.print(Text(f"  {sign} {result:14}{clean(one.change.id)}{_record_text(one)}"))
        for line in _values(one):
            console.print(Text(f"      {line}"))


def _record_text(one: Written) -> str:
    number = one.record or one.change.target.id
    kind = "product id " if one.change.target.agreement is None else "line #"
    return "" if number is None else f"  ({kind}{number})"


def _values(one: Written) -> Iterator[str]:
    created = one.change.target.id is None
    for field in one.change.fields:
        before = "" if created else f"{value_text(field.before)} → "
        yield f"{clean(field_title(field.field))}  {before}{value_text(field.after)}"
    for name in one.withheld:
        yield f"{clean(field_title(name))}  changed; a journal keeps no such text"


def _counts(journal: Journal) -> str:
    results: list[Any] = [NOT_KNOWN if one.result is None else one.result.value for one in journal.written]
    results += [result.value for _, result in journal.others]
    counts = Counter(results)
    order = [*(result.value for result in Result), NOT_KNOWN]
    listed = ", ".join(f"{counts[name]} {name}" for name in order if counts[name])
    return f"{listed or 'Nothing was sent'}."


def journal_json(journal: Journal) -> str:
    """The journal as one document."""
    document = {
        "start": journal.head.to_json(),
        "ended": journal.ended,
        "interrupted": journal.interrupted,
        "cutOff": journal.cut_off,
        "changes": [
            {
                "id": one.change.id,
                "action": one.change.action.value,
                "target": one.change.target.to_json(),
                "fields": [field.to_json() for field in one.change.fields],
                "withheld": list(one.withheld),
                "result": None if one.result is None else one.result.value,
                "record": one.record,
                "mayBeThere": one.may_be_there,
            }
            for one in journal.written
        ],
        "byHand": [work.to_json() for work in journal.by_hand],
        "notSent": [{"id": key, "result": result.value} for key, result in journal.others],
    }
    return json_text(document)

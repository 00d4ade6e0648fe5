"""How a fresh plan compares with the reviewed ones, for people and for scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.text import Text

from reconciler.model.rests import RecordKind, differences
from reconciler.model.within import Kind
from reconciler.reporting.clean import clean
from reconciler.reporting.values import field_title, value_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import Console

    from reconciler.model.change import Change
    from reconciler.model.within import Told, Within

_TITLES = {
    Kind.FOLLOWED: "Written with another number of units than was reviewed",
    Kind.LEFT: "Left alone",
    Kind.UNDECIDED: "Reviewed, and not written: it waits",
}
_KEPT = ("id", "action", "target", "fields", "money", "precondition")


def within_json(within: Within) -> dict[str, Any]:
    """The form of `apply --format json`."""
    return {
        "reviewed": [plan.hash for plan in within.reviewed],
        **{kind.value: [_told_json(one) for one in within.told if one.kind is kind] for kind in Kind},
        "done": [change.id for change in within.done],
    }


def _told_json(told: Told) -> dict[str, Any]:
    now = None if told.kind is Kind.UNDECIDED else _change_json(told.change)
    reviewed = None if told.reviewed is None else _change_json(told.reviewed)
    return {"id": told.change.id, "why": told.why, "planned": now, "reviewed": reviewed}


def _change_json(change: Change) -> dict[str, Any]:
    every = change.to_json()
    return {name: every[name] for name in _KEPT}


def print_within(console: Console, within: Within) -> None:
    """What is not simply written as it was reviewed; refusals come last, where they are seen."""
    for kind, title in _TITLES.items():
        _print(console, title, [one for one in within.told if one.kind is kind])
    if within.done:
        console.print(Text("\nReviewed, and nothing left to do", style="bold"))
        for change in within.done:
            console.print(Text(f"  {clean(change.id)}"))
    if within.refused:
        title = "Not as it was reviewed. Nothing was written"
        _print(console, title, within.refused, style="bold red")
        console.print("Plan again and have that reviewed.")


def _print(console: Console, title: str, told: list[Told] | tuple[Told, ...], style: str = "bold") -> None:
    if not told:
        return
    console.print(Text(f"\n{title}", style=style))
    for one in told:
        console.print(Text(f"  {clean(one.change.id)}: {clean(one.why)}"))
        if one.kind is not Kind.UNDECIDED:
            for line in _values(one):
                console.print(Text(f"      {line}"))


_OWN = {RecordKind.AGREEMENT: "its agreement", RecordKind.COMPANY: "its company"}


def _values(told: Told) -> Iterator[str]:
    """Each value on both sides, where they differ or nothing was reviewed."""
    there = _steps(told.reviewed)
    for name, now in _steps(told.change).items():
        if told.reviewed is None:
            yield f"{name}: {now}"
        elif there.get(name) != now:
            yield f"{name}: reviewed {there.get(name, 'nothing')}, now {now}"
    if told.reviewed is not None:
        yield from _other_records(told.reviewed, told.change)


def _other_records(reviewed: Change, change: Change) -> Iterator[str]:
    """What of the agreement and its company was reviewed otherwise; `plan` there is the reviewed one."""
    if reviewed.basis is None or change.basis is None:
        return
    for (kind, then), (_, now) in zip(reviewed.basis.records(), change.basis.records(), strict=True):
        if kind is not RecordKind.PRODUCT and then is not None and now is not None:
            for what in differences(kind, then, now):
                yield f"{_OWN[kind]} {what}"


def _steps(change: Change | None) -> dict[str, str]:
    """What it writes, and of a line that exists the terms that its money rests on."""
    if change is None:
        return {}
    found = {
        field_title(one.field): value_text(one.after)
        if one.before is None
        else f"{value_text(one.before)} → {value_text(one.after)}"
        for one in change.fields
    }
    terms = () if change.basis is None else change.basis.values
    return {**{f"{name} (as it stands)": value_text(value) for name, value in terms}, **found}

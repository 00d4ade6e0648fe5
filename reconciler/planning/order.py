"""Changes become requests in an order that is safe to stop after any step."""

from __future__ import annotations

from dataclasses import replace
from graphlib import CycleError, TopologicalSorter
from typing import TYPE_CHECKING

from reconciler.model.change import MAPPING_PREFIX, Action, Change, move_ends
from reconciler.model.diagnostics import Diagnostic, Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_ADDING = frozenset({Action.MAP_PRODUCT})
_TAKING = frozenset({Action.UNMAP_PRODUCT})
#: What the request of a product's unmappings has behind its name where it is one of its own.
_UNMAPPING = "/unmap"


def arrange(
    changes: Iterable[Change],
    diagnostics: Iterable[Diagnostic],
    unusable_homes: Mapping[str, tuple[str, ...]],
) -> tuple[Change, ...]:
    """The changes in the order of the run, with what each waits for and what holds it back.

    A product's changes are one request, except where codes move in a circle: then its unmappings are a
    request of their own. A code is mapped to its new product only after it is off the old one, and is
    taken off only if every product that shall have it can have it: `unusable_homes` names, per code, the
    wanted products for which no change can be computed.
    """
    linked = _link(list(changes))
    held = _hold(linked, list(diagnostics), unusable_homes)
    return _sort(held)


def _code(change: Change) -> str:
    return change.fields[0].field.removeprefix(MAPPING_PREFIX)


def _link(changes: list[Change]) -> list[Change]:
    linked = _with_dependencies(changes)
    circle = _circle(linked)
    while circle:
        changes = [
            replace(change, write=change.write + _UNMAPPING)
            if change.write in circle and change.action in _TAKING
            else change
            for change in changes
        ]
        linked = _with_dependencies(changes)
        circle = _circle(linked)
    return linked


def _with_dependencies(changes: list[Change]) -> list[Change]:
    leaving: dict[str, set[str]] = {}
    for change in changes:
        if change.action in _TAKING:
            leaving.setdefault(_code(change), set()).add(change.write)
    return [
        replace(change, depends_on=tuple(sorted(leaving.get(_code(change), set()) - {change.write})))
        if change.action in _ADDING
        else change
        for change in changes
    ]


def _graph(changes: list[Change]) -> dict[str, set[str]]:
    graph: dict[str, set[str]] = {}
    for change in changes:
        graph.setdefault(change.write, set()).update(change.depends_on)
    return graph


def _circle(changes: list[Change]) -> set[str]:
    """Requests that wait for each other, or nothing."""
    try:
        TopologicalSorter(_graph(changes)).prepare()
    except CycleError as found:
        return set(found.args[1])
    return set()


def _hold(
    changes: list[Change], diagnostics: list[Diagnostic], unusable_homes: Mapping[str, tuple[str, ...]]
) -> list[Change]:
    """Put into `blocked_by` whatever holds a change back, and whatever follows from that."""
    reasons: dict[str, set[str]] = {change.write: set() for change in changes}
    for change in changes:
        reasons[change.write] |= {
            d.id
            for d in diagnostics
            if d.severity is Severity.ERROR
            and d.subject in (None, change.target.key, change.write.removesuffix(_UNMAPPING))
        }
        if change.action in _TAKING:
            reasons[change.write] |= set(unusable_homes.get(_code(change), ()))
    followers = _followers(changes)
    open_ends = [write for write in reasons if reasons[write]]
    while open_ends:
        write = open_ends.pop()
        for follower in followers.get(write, ()):
            if not reasons[write] <= reasons[follower]:
                reasons[follower] |= reasons[write]
                open_ends.append(follower)
    return [replace(change, blocked_by=tuple(sorted(reasons[change.write]))) for change in changes]


def _followers(changes: list[Change]) -> dict[str, set[str]]:
    """Per request, the requests that cannot happen without it.

    A request needs those it waits for; and a code is not taken off its old product if it cannot go onto
    its new one, nor a line ended if the one that bills its seats cannot be written: its usage would then be
    billed nowhere.
    """
    followers: dict[str, set[str]] = {}
    taking: dict[str, set[str]] = {}
    for change in changes:
        for needed in change.depends_on:
            followers.setdefault(needed, set()).add(change.write)
        if change.action in _TAKING:
            taking.setdefault(_code(change), set()).add(change.write)
    for change in changes:
        if change.action in _ADDING:
            followers.setdefault(change.write, set()).update(taking.get(_code(change), ()))
    for starting, ends in move_ends(changes).items():
        followers.setdefault(starting, set()).update(ends)
    return followers


def _sort(changes: list[Change]) -> tuple[Change, ...]:
    graph = _graph(changes)
    stage: dict[str, int] = {}
    for change in changes:
        stage[change.write] = max(stage.get(change.write, 0), change.stage)
    sorter = TopologicalSorter(graph)
    sorter.prepare()
    rank: dict[str, int] = {}
    ready = list(sorter.get_ready())
    while ready:
        ready.sort(key=lambda write: (stage[write], write))
        write = ready.pop(0)
        rank[write] = len(rank)
        sorter.done(write)
        ready += sorter.get_ready()
    return tuple(sorted(changes, key=lambda c: (rank[c.write], c.stage, c.id)))

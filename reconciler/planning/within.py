"""What of a fresh plan was reviewed: `apply DIR --within FILE` writes that, and nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from reconciler.model.causes import needed_with
from reconciler.model.change import Action, Cause, Change, move_ends
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ALL_USAGE, Severity
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import LESS_INCLUDED, QUANTITY
from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.money import parse_decimal, plain
from reconciler.model.plan import canonical
from reconciler.model.rests import NEXT_INVOICE, RecordKind, differences
from reconciler.model.within import Kind, Told, Within
from reconciler.planning.plan import Scope

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping, Sequence
    from decimal import Decimal

    from reconciler.model.desired import LineChangeGuard
    from reconciler.model.field_change import FieldChange
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

#: What usage moves by itself; everything else of a line was somebody's decision.
_COUNTED = frozenset({QUANTITY.name, LESS_INCLUDED.name})
_BY_USAGE = "only usage moved it, and the run that writes usage writes it"
_WAITED = "the reviewed plan left it alone as well"
_NOT_REVIEWED = "it is in no reviewed plan"
_OTHER_VALUES = "the reviewed plan has it with other values"
_IS_HELD = "it is held back now"
_WAS_HELD = "the reviewed plan held it back, and nothing holds it back any more"


@dataclass(frozen=True)
class _Known:
    """One change of a reviewed plan."""

    change: Change
    of_this_month: bool

    @property
    def approved(self) -> bool:
        """Whether the review said that it is written: neither held back nor waiting."""
        return not self.change.blocked and self.change.cause is not Cause.WAITING

    @property
    def is_decided(self) -> bool:
        """Whether a row of the reviewed commit gave its number, for the month that is planned now."""
        return self.of_this_month and self.change.cause is Cause.THIS_CHANGE


def compare(
    fresh: Plan, reviewed: Sequence[Plan], *, limit: LineChangeGuard | None, scope: Scope = Scope.ALL
) -> Within:
    """Which changes of the fresh plan were reviewed, in any of the others (the newest one last).

    A change with the reviewed values is written. A quantity that only usage moved is left alone. Everything
    else refuses the whole run: a change of a product or mapping, a line that starts, moves or ends, a field
    that `always` declares, and a quantity that a reviewed commit changed, where they are in no reviewed plan
    or have other values there. What is held back stays so and refuses nothing; where it was reviewed to be
    written, it is undecided. `limit` is how far the
    quantity of a reviewed line may follow usage; None is without limit. The plans are of one instance and
    owner; months may differ.
    """
    known = _known(fresh, reviewed, scope)
    movers = _movers(fresh.changes)
    judged = [
        _judged(change, known.get(change.id, ()), movers, limit)
        for change in fresh.changes
        if not change.blocked
    ]
    said = [told for told in judged if told is not None]
    refused = [told for told in said if told.kind is Kind.REFUSED]
    waiting = {told.change.id: told for told in said if told.kind is Kind.LEFT}
    marked = tuple(_marked(change, waiting) for change in fresh.changes)
    for needed, why in needed_with(marked):
        if needed.id in waiting:
            told = waiting.pop(needed.id)
            why = f"{why}, and it was not reviewed with these values"
            refused.append(replace(told, kind=Kind.REFUSED, why=why))
    absent = _absent(fresh, known)
    undecided = _undecided(absent, fresh)
    still = {told.change.id for told in undecided}
    undecided += _held_back(fresh, known)
    return Within(
        fresh=fresh,
        reviewed=tuple(reviewed),
        plan=replace(fresh, changes=tuple(_marked(change, waiting) for change in fresh.changes)),
        refused=tuple(refused),
        followed=tuple(told for told in said if told.kind is Kind.FOLLOWED),
        left=tuple(waiting.values()),
        done=tuple(change for change in absent if change.id not in still),
        undecided=tuple(undecided),
    )


def _known(fresh: Plan, reviewed: Iterable[Plan], scope: Scope) -> dict[str, list[_Known]]:
    known: dict[str, list[_Known]] = defaultdict(list)
    for plan in reviewed:
        same_month = plan.period == fresh.period
        for change in plan.changes:
            of_line = change.target.agreement is not None
            if scope is Scope.ALL or of_line is (scope is Scope.USAGE):
                known[change.id].append(_Known(change, same_month))
    return known


def _marked(change: Change, waiting: Mapping[str, object]) -> Change:
    return replace(change, cause=Cause.WAITING if change.id in waiting else Cause.THIS_CHANGE)


def _movers(changes: Iterable[Change]) -> frozenset[str]:
    """The requests of moves, also of those whose seats another existing line takes."""
    pairs = move_ends(changes)
    return frozenset(pairs) | {end for ends in pairs.values() for end in ends}


def _judged(
    change: Change, known: Sequence[_Known], movers: Collection[str], limit: LineChangeGuard | None
) -> Told | None:
    """What is said of one change; nothing where it is written as it was reviewed."""
    newest = known[-1].change if known else None
    fitting = [one for one in reversed(known) if not _structural(change, one.change)]
    same = [one for one in fitting if not _counted(change, one.change)]
    if any(one.approved for one in same):
        return None
    by_usage = _is_count(change, movers)
    reviewed = next((one.change for one in fitting if one.approved), None)
    if reviewed is not None and not by_usage:
        too_far = _too_far(change, reviewed, limit)
        if too_far:
            return Told(Kind.REFUSED, change, too_far, reviewed)
        return Told(Kind.FOLLOWED, change, "its number of units followed usage", reviewed)
    if any(one.change.cause is Cause.WAITING for one in same):
        return Told(Kind.LEFT, change, _WAITED, newest)
    decided = any(one.approved and one.is_decided for one in known)
    if by_usage and not decided:
        return Told(Kind.LEFT, change, _BY_USAGE, newest)
    if newest is None:
        return Told(Kind.REFUSED, change, _NOT_REVIEWED)
    return Told(Kind.REFUSED, change, _WAS_HELD if same else _OTHER_VALUES, newest)


def _is_count(change: Change, movers: Collection[str]) -> bool:
    """Whether it is a quantity alone, of a line that takes no other line's seats over."""
    counted = all(one.field in _COUNTED for one in change.fields)
    return change.action is Action.UPDATE_LINE and counted and change.write not in movers


def _structural(change: Change, reviewed: Change) -> list[str]:
    """What of a change was not reviewed so, its number of units aside.

    Fields that were reviewed and are not left to do are done already. Of a line the terms count as well that
    its money rests on.
    """
    here, there = change.target, reviewed.target
    found = []
    # the product that a reviewed plan creates is there once an earlier run has created it
    created_since = there.id is None and there.agreement is None
    if (here.agreement, here.part) != (there.agreement, there.part) or (
        here.id != there.id and not created_since
    ):
        found.append("target")
    if identifier_key(here.identifier) != identifier_key(there.identifier):
        found.append("identifier")
    written = {one.field: one for one in reviewed.fields}
    found += [
        one.field
        for one in change.fields
        if one.field not in _COUNTED and not _same(one, written.get(one.field))
    ]
    if change.basis is not None and reviewed.basis is not None and not change.starts_line:
        expected = dict(reviewed.basis.values)
        found += [
            name
            for name, value in change.basis.values
            if name not in _COUNTED and name in expected and expected[name] != value
        ]
    return [*found, *_other_records(change, reviewed)]


def _other_records(change: Change, reviewed: Change) -> list[str]:
    """What of the agreement and its company was reviewed otherwise; the next invoice moves by itself."""
    here, there = change.basis, reviewed.basis
    if here is None or there is None:
        return []
    pairs = (
        (RecordKind.AGREEMENT, there.agreement, here.agreement),
        (RecordKind.COMPANY, there.company, here.company),
    )
    return [
        what
        for kind, then, now in pairs
        if then is not None and now is not None
        for what in differences(kind, then, now)
        if not what.startswith(NEXT_INVOICE.says)
    ]


def _counted(change: Change, reviewed: Change) -> list[str]:
    """The numbers of units that are others than were reviewed."""
    written = {one.field: one for one in reviewed.fields}
    return [
        one.field for one in change.fields if one.field in _COUNTED and not _same(one, written.get(one.field))
    ]


def _same(one: FieldChange, other: FieldChange | None) -> bool:
    return other is not None and canonical(one.to_json()) == canonical(other.to_json())


def _too_far(change: Change, reviewed: Change, limit: LineChangeGuard | None) -> str:
    """Why the units may not follow usage so far unasked; empty where they may."""
    now, then = _units(change), _units(reviewed)
    if limit is None or now is None or then is None or now == then:
        return ""
    were, are = ("was" if then == 1 else "were"), ("is" if now == 1 else "are")
    reviewed_as = f"{number_of(then, 'unit')} {were} reviewed and {plain(now)} {are}"
    moved = abs(now - then)
    if moved > limit.units and moved * 100 > limit.percent * then:
        return (
            f"{reviewed_as} to be written, more than a line may "
            f"change unasked ({number_of(limit.units, 'unit')} and {plain(limit.percent)} %)"
        )
    money = (
        None if change.money is None or reviewed.money is None else change.money.after - reviewed.money.after
    )
    if money is not None and abs(money) > limit.money:
        return (
            f"{reviewed_as} to be written, and the month's amount "
            f"is {plain(abs(money))} further than a line may change unasked ({plain(limit.money)})"
        )
    return ""


def _units(change: Change) -> Decimal | None:
    after = next((one.after for one in change.fields if one.field == QUANTITY.name), None)
    return None if after is None else parse_decimal(after)


def _absent(fresh: Plan, known: Mapping[str, Sequence[_Known]]) -> list[Change]:
    """What was reviewed to be written and is not in the fresh plan."""
    present = {change.id for change in fresh.changes}
    newest = ((key, [one.change for one in ones if one.approved]) for key, ones in known.items())
    return [changes[-1] for key, changes in newest if changes and key not in present]


def _undecided(absent: Iterable[Change], fresh: Plan) -> list[Told]:
    """Those of which the fresh plan does not show that they are done: it could not say what is to happen."""
    lines = {line.key: line for line in fresh.lines}
    errors: dict[str | None, str] = {}
    for one in fresh.diagnostics:
        if one.severity is Severity.ERROR:
            errors.setdefault(one.subject, f"{one.id}: {one.message}")
    found = []
    for change in absent:
        of_line = change.target.agreement is not None
        subjects = (None, change.target.key, *((ALL_USAGE,) if of_line else ()))
        why = next((errors[subject] for subject in subjects if subject in errors), "")
        if not why and of_line:
            why = _open(change, lines.get(change.target.key))
        if why:
            found.append(Told(Kind.UNDECIDED, change, why, change))
    return found


def _held_back(fresh: Plan, known: Mapping[str, Sequence[_Known]]) -> list[Told]:
    """What was reviewed to be written, and waits for something that was not in its way then."""
    return [
        Told(Kind.UNDECIDED, change, f"{_IS_HELD} by {', '.join(change.blocked_by)}", approved[-1])
        for change in fresh.changes
        if change.blocked and (approved := [one.change for one in known.get(change.id, ()) if one.approved])
    ]


def _open(change: Change, line: PlannedLine | None) -> str:
    """Why a line's change is not known to be done, by its row in the fresh plan; what ended has none."""
    if line is None:
        goes_on = change.starts_line or change.action is Action.UPDATE_LINE
        return "no row speaks of this line any more" if goes_on else ""
    if line.state not in WRITTEN and line.state is not LineState.UNCHANGED:
        return f"{line.state.value}: {line.reason}"
    return "its mode is shadow" if line.shadow else ""

"""What a run writes, in words: whose line, how many units, and what that does to invoices."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.change import MAPPING_PREFIX, Action, Change
from reconciler.model.lines import LineState
from reconciler.model.money import plain
from reconciler.model.outcome import DONE, Outcome, Result
from reconciler.model.verdict import names_of, requests_of, rounded, sums
from reconciler.reporting.clean import clean
from reconciler.reporting.line_words import change_text, day_text, money_list, old_line_text, place
from reconciler.reporting.values import mapping_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.model.lines import OldLine, PlannedLine
    from reconciler.model.plan import Plan

_VERBS = {
    Action.CREATE_PRODUCT: "create",
    Action.EDIT_PRODUCT: "edit",
    Action.MAP_PRODUCT: "map",
    Action.UNMAP_PRODUCT: "unmap",
    Action.ENABLE_SYNC: "enable sync",
    Action.DISABLE_SYNC: "disable sync",
}


class Words:
    """The words for each change of a plan."""

    def __init__(self, plan: Plan) -> None:
        self._rows = {name: line for line in plan.lines for name in requests_of(line)}
        self._lines = plan.lines

    def of(self, change: Change) -> str:
        """`Safelog (SAFE) · Managed, MSP-GOLD #12: 38 → 64, +117.00 EUR a month`, `MSP-GOLD: map CEMA-MSP`.

        Of a line without a row only its product and number.
        """
        if change.target.agreement is None:
            return _of_product(change)
        row = next((self._rows[name] for name in names_of(change.target) if name in self._rows), None)
        if row is None:
            number = "" if change.target.id is None else f" #{change.target.id}"
            return clean(f"{change.target.identifier}{number}")
        old = next((old for old in row.takes_over if old.line_id == change.target.id), None)
        return f"{place(row)}, {_of_old(old, row) if old is not None else _of_line(row, change)}"

    def money(self, outcomes: Sequence[Outcome]) -> str:
        """What invoices change by a month with what is done of these, per currency; "" for nothing."""
        results = {name: one.result for one in outcomes for name in names_of(one.change.target)}
        done = []
        for line in self._lines:
            of_line = [results[name] for name in requests_of(line) if name in results]
            if Result.APPLIED in of_line and {Result.APPLIED, Result.ALREADY_OK}.issuperset(of_line):
                done.append(line.sales)
        return money_list(sums(done))


def count_once(outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes with each move once: by the line that starts; by the one that ends where that failed."""
    needed = {write for one in outcomes for write in one.change.depends_on if _moves(one)}
    failed = {one.change.write for one in outcomes if _moves(one) and one.result not in DONE}
    counted = []
    for one in outcomes:
        follows = one.result is Result.NOT_ATTEMPTED and failed.intersection(one.change.depends_on)
        if _moves(one) and (follows or (one.change.write in needed and one.result in DONE)):
            continue
        counted.append(one)
    return counted


def _moves(one: Outcome) -> bool:
    return one.change.action is Action.MOVE_LINE


def _of_product(change: Change) -> str:
    field = change.fields[0] if change.fields else None
    mapped = field is not None and field.field.startswith(MAPPING_PREFIX)
    what = f" {mapping_text(field)}" if mapped and field is not None else ""
    return f"{clean(change.target.identifier)}: {_VERBS[change.action]}{what}"


def _of_old(old: OldLine, row: PlannedLine) -> str:
    last = "" if row.ends is None else f" {day_text(row.ends)}"
    return f"{old_line_text(old, row)} ({plain(old.quantity)}): ends{last}{_of_end(row)}"


def _of_end(row: PlannedLine) -> str:
    """The money of lines that end stands with them where nothing takes over, and they are one."""
    follows = row.starts is not None or row.line_id is not None
    return "" if follows or len(row.takes_over) > 1 else _money(row)


def _of_line(row: PlannedLine, change: Change) -> str:
    number = "" if row.line_id is None else f" #{row.line_id}"
    serial = f" ({row.serial})" if row.serial else ""
    product = clean(f"{row.product}{number}{serial}")
    units = change_text(row.after, row.after)
    if change.starts_line:
        from_ = "" if row.starts is None else f" from {day_text(row.starts)}"
        return f"{product}: new line{from_}, {units}{_money(row)}"
    if row.state is LineState.ENDS:
        last = "" if row.ends is None else f" {day_text(row.ends)}"
        return f"{product}: ends{last}{_money(row)}"
    return f"{product}: {change_text(row.before, row.after)}{_money(row)}"


def _money(row: PlannedLine) -> str:
    if row.sales is None:
        return ""
    said = money_list([rounded(row.sales)])
    return f", {said} a month" if said else ""

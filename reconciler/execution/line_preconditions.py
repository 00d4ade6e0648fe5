"""Whether the lines of a saved plan still fit what is there, and the agreements that they are billed on.

Read for all changes before the first write: agreements by id, lines in bundles by their agreements, and the
products of new lines by identifier.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from reconciler.connectwise import additions, catalog
from reconciler.connectwise.agreements import read_dates
from reconciler.execution.lines import stale_line
from reconciler.execution.new_lines import described, first_day, in_the_way, not_as_wanted
from reconciler.execution.state import Stale
from reconciler.model.change import Action
from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ReconcilerError, Severity
from reconciler.model.fields import IDENTIFIER
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_state import holds
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from reconciler.connectwise.client import Client
    from reconciler.model.billing import Agreement, Line
    from reconciler.model.change import Change

#: Before any line; servers refuse or misread dates far outside of what their databases hold.
_ALWAYS = date(1900, 1, 1)


@dataclass(frozen=True)
class _Names:
    """What products are called now: ids by identifier (as it compares), and what this plan makes of them.

    `created` are the identifiers of products that it creates, `renamed` gives the id of those that it gives
    an identifier.
    """

    ids: Mapping[str, tuple[int, ...]]
    created: frozenset[str]
    renamed: Mapping[str, int]

    def of(self, key: str) -> tuple[int, ...]:
        """The ids of the products that are called so, now or once this plan's renames are written."""
        found = self.ids.get(key, ())
        return (*found, self.renamed[key]) if key in self.renamed and not found else found


@dataclass(frozen=True)
class _There:
    """What is there: agreements and lines by agreement id, and which lines this plan writes itself.

    `own` are the lines that the plan changes or ends, and those of its new ones that are done already.
    """

    agreements: Mapping[int, Agreement]
    lines: Mapping[int, Sequence[Line]]
    own: frozenset[int]


async def stale_lines(
    client: Client, changes: Sequence[Change], of_products: Sequence[Change]
) -> list[Stale]:
    """Every change of a line that no longer fits; `of_products` are the same plan's changes of products.

    A change that is done already does fit, whatever has been invoiced since. Raises ReconcilerError where
    something cannot be read.
    """
    if not changes:
        return []
    names = await _names(client, changes, of_products)
    wanted = {number for change in changes for number in _agreements(change)}
    dates = await read_dates(client, wanted)
    read = await additions.read_lines(client, wanted & dates.keys(), since=_ALWAYS)
    for failed in read.failed.values():
        raise ReconcilerError(replace(failed, severity=Severity.ERROR))
    done = {change.id: line for change in changes for line in _done(change, names, read.lines)}
    targets = {change.target.id for change in changes if change.target.id is not None}
    own = frozenset(targets | {line.id for line in done.values()})
    there = _There(dates, read.lines, own)
    found: list[Stale] = []
    for change in changes:
        if change.starts_line:
            said = _stale_creation(change, names, there, is_done=change.id in done)
        else:
            said = _stale_change(change, names.renamed, there)
        found += [Stale(change, what) for what in said]
    return found


def _agreements(change: Change) -> set[int]:
    beside = () if change.basis is None else change.basis.agreements
    return {number for number in (change.target.agreement, *beside) if number is not None}


async def _names(client: Client, changes: Iterable[Change], of_products: Sequence[Change]) -> _Names:
    wanted = {change.target.identifier for change in changes if change.starts_line}
    ids: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for item in await catalog.items_by_identifiers(client, wanted) if wanted else ():
        ids[item.key] = (*ids[item.key], item.id)
    created = {c.target.identifier for c in of_products if c.action is Action.CREATE_PRODUCT}
    renamed = {
        identifier_key(str(one.after)): change.target.id
        for change in of_products
        if change.target.id is not None
        for one in change.fields
        if one.field == IDENTIFIER.name
    }
    return _Names(dict(ids), frozenset(map(identifier_key, created)), renamed)


def _own_lines(change: Change, names: _Names, lines: Mapping[int, Sequence[Line]]) -> list[Line]:
    """The open lines that may be the one that is to be created."""
    products = names.of(identifier_key(change.target.identifier))
    here = lines.get(change.target.agreement or 0, ())
    return in_the_way(change, [line for line in here if line.product_id in products])


def _done(change: Change, names: _Names, lines: Mapping[int, Sequence[Line]]) -> list[Line]:
    """The line of a creation that is there already, exactly as wanted; none of any other change."""
    if not change.starts_line:
        return []
    own = _own_lines(change, names, lines)
    return own if len(own) == 1 and not not_as_wanted(change, own[0]) else []


def _stale_change(change: Change, renamed: Mapping[str, int], there: _There) -> list[str]:
    agreement, number = change.target.agreement, change.target.id
    line = next((one for one in there.lines.get(agreement or 0, ()) if one.id == number), None)
    if line is None:
        gone = [] if agreement in there.agreements else [f"agreement #{agreement} is no longer there"]
        return [*gone, f"line #{number} is no longer on agreement {agreement}"]
    product = renamed.get(identifier_key(change.expected_identifier or ""))
    former = {line.product_key} if product == line.product_id else set()
    found = [what for _, what in stale_line(line, [change], former)]
    if not all(holds(line, one.field, one.after) for one in change.fields):
        found += _stale_agreement(change, there)
    return found


def _stale_creation(change: Change, names: _Names, there: _There, *, is_done: bool) -> list[str]:
    key = identifier_key(change.target.identifier)
    products = names.of(key)
    found = []
    if not products and key not in names.created:
        found.append(f"product {change.target.identifier} is no longer in ConnectWise")
    if len(products) > 1:
        found.append(f"{len(products)} products are called {change.target.identifier} now")
    if not is_done:
        found += _stale_agreement(change, there)
    own = _own_lines(change, names, there.lines)
    if own and not is_done:
        shown = described(own)
        found.append(
            f"agreement #{change.target.agreement} has a line of {change.target.identifier} by now ({shown})"
        )
    return [*found, *_doubled(change, there, {line.id for line in own})]


def _stale_agreement(change: Change, there: _There) -> list[str]:
    """What has become of the agreement; one that is invoiced on another day bills another period."""
    agreement = there.agreements.get(change.target.agreement or 0)
    if agreement is None:
        return [f"agreement #{change.target.agreement} is no longer there"]
    expected = None if change.basis is None else change.basis.next_invoice
    now = agreement.next_invoice
    if change.basis is not None and (now.isoformat() if now is not None else None) != expected:
        shown = f"{now or 'no day'}, the plan expected {expected or 'no day'}"
        return [f"agreement #{agreement.id} is invoiced next on {shown}"]
    day = first_day(change) if change.starts_line else _next_day(agreement)
    if day is not None and not agreement.in_force(day):
        return [f"agreement #{agreement.id} is not in force on {day} any more"]
    return []


def _next_day(agreement: Agreement) -> date | None:
    """The day from which the next invoice bills."""
    if agreement.next_invoice is None:
        return None
    return max(agreement.next_invoice, agreement.bill_start or agreement.next_invoice)


def _doubled(change: Change, there: _There, told: set[int]) -> list[str]:
    """Open lines that would bill the new line's seats a second time and that the plan does not know of."""
    basis = change.basis
    if basis is None:
        return []
    beside = dict(basis.beside)
    found = []
    for number in basis.agreements:
        agreement = there.agreements.get(number)
        if agreement is None:
            continue  # what is not there any more bills nothing
        day = first_day(change)
        if number != change.target.agreement:
            day = _next_day(agreement) or day
        for line in there.lines.get(number, ()):
            known = line.id in there.own or line.id in told or beside.get(line.id) == plain(line.quantity)
            if line.product_id in basis.products and line.quantity and line.may_bill(day) and not known:
                found.append(_rival(line, beside.get(line.id)))
    return found


def _rival(line: Line, expected: str | None) -> str:
    what = (
        f"line #{line.id} of {line.product_identifier.strip()} on agreement #{line.agreement_id} has "
        f"{number_of(line.quantity, 'unit')} now"
    )
    return f"{what}, the plan expected {expected or 'no such line'}: its seats may be billed twice"

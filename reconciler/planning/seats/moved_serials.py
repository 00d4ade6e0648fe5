"""Firewalls that Sophos bills to another customer than before: both lines name each other."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.money import plain
from reconciler.planning.lines.judged import Judged, decide
from reconciler.planning.lines.requests import write_of
from reconciler.planning.seats.shifts import Linked
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence, Set

    from reconciler.planning.usage.bills import Bills

_GAINING = frozenset({LineState.NEW_LINE, LineState.MORE, LineState.MOVES})


def link_serials(linked: Linked, bills: Bills, names: Mapping[str, str]) -> Linked:
    """Bring the line that bills a firewall from now on together with the one that billed it until now.

    Where each firewall has a line of its own. The new one waits until the old one is written: the firewall
    would be billed to both customers.
    """
    losing: dict[str, list[Judged]] = defaultdict(list)
    gaining: dict[str, list[Judged]] = defaultdict(list)
    for one in linked.judged:
        serial = one.cell.serial.casefold()
        if serial and any(feeding.lines for feeding in one.cell.feedings):
            gaining[serial].append(one)
        elif serial and one.line is not None and one.line.quantity:
            losing[serial].append(one)
    if not losing:
        return linked
    billed_to = _billed_to(bills, losing.keys())
    after, judged = dict(linked.after), []
    for one in linked.judged:
        serial = one.cell.serial.casefold()
        if any(one is loser for loser in losing.get(serial, ())):
            others = (names.get(tenant, tenant) for tenant in billed_to.get(serial, ()))
            judged.append(_says_where(one, gaining.get(serial, ()), others))
            continue
        losers = losing.get(serial, []) if any(one is gainer for gainer in gaining.get(serial, ())) else []
        if losers:
            one = _says_whence(one, losers)
            if one.row.state in _GAINING and not one.row.shadow:
                writes = {_write(loser) for loser in losers}
                after[one.row.key] = tuple(sorted({*after.get(one.row.key, ()), *writes}))
        judged.append(one)
    return Linked(judged, after, linked.pairs)


def _billed_to(bills: Bills, serials: Set[str]) -> dict[str, list[str]]:
    """The tenants that the month's bill gives each of these firewalls to."""
    found: dict[str, list[str]] = defaultdict(list)
    for tenant, codes in bills.by_tenant.items():
        for line in (line for lines in codes.values() for line in lines):
            serial = line.account_or_serial.strip().casefold()
            if serial in serials and tenant not in found[serial]:
                found[serial].append(tenant)
    return found


def _says_where(one: Judged, gainers: Sequence[Judged], others: Iterable[str]) -> Judged:
    """The line that loses its firewall, with the customer that Sophos bills it to."""
    shown = [f"{gainer.row.customer} ({_shown(gainer)})" for gainer in gainers] or sorted(others)
    if not shown:
        return one
    said = f"Sophos bills firewall {one.cell.serial} to {' and '.join(shown)}"
    return one.with_row(one.row.but(reason=f"{one.row.reason}; {said}"))


def _says_whence(one: Judged, losers: Sequence[Judged]) -> Judged:
    """The line that gets a firewall, with what bills it until now; it waits where that one does."""
    shown = " and ".join(f"{loser.row.customer} on {_shown(loser)}" for loser in losers)
    row = one.row.but(reason=f"{one.row.reason}; until now firewall {one.cell.serial} is billed to {shown}")
    stuck = [one.row for one in losers if one.row.state not in WRITTEN or one.row.shadow > row.shadow]
    if not stuck or row.state not in _GAINING:
        return one.with_row(row)
    said = f"{row.reason}. That line is not written now, and both would bill it: settle that one first"
    return replace(one, row=decide(row, said).but(waits_for=stuck[0].key), new=None)


def _shown(one: Judged) -> str:
    row = one.row
    if row.line_id is None:
        return f"a new line on agreement #{row.agreement_id}"
    return f"line #{row.line_id} ({plain(row.before or ZERO)}) of agreement #{row.agreement_id}"


def _write(one: Judged) -> str:
    """The request that takes the firewall off its line."""
    if one.line is None or one.cell.agreement is None:
        raise ValueError("only a line loses a firewall")
    return write_of(one.cell.agreement.id, one.line.id)

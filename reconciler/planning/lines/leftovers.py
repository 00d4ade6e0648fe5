"""Open lines of managed products that no wanted line has to do with: said, or ended as declared."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, warning
from reconciler.model.lines import LineState
from reconciler.model.money import money_text, plain
from reconciler.planning.customers.agreements import describe
from reconciler.planning.lines.judged import (
    Judged,
    decide,
    end_line,
    is_ours,
    opened_again,
    taken_by_hand,
    writer_text,
)
from reconciler.planning.lines.rows import billed, row_of, with_line
from reconciler.planning.usage.cells import Cell, Feeding, excludes
from reconciler.planning.usage.quantities import Terms

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.desired import Desired
    from reconciler.planning.customers.party import Party
    from reconciler.planning.lines.judged import Ground
    from reconciler.planning.lines.open_lines import Open
    from reconciler.planning.products.managed import Managed


def left_over(
    left: Iterable[Open],
    parties: Iterable[Party],
    beside: Iterable[Party],
    desired: Desired,
    ground: Ground,
) -> tuple[list[Judged], list[Diagnostic]]:
    """What becomes of these lines: with `onUnmap: end` those whose codes are mapped nowhere end.

    `beside` are customers that are not synced or excluded: a line may be theirs where others have left.
    """
    of_company, others = _by_company(parties), _by_company(beside)
    judged: list[Judged] = []
    said: list[Diagnostic] = []
    for one in left:
        product = ground.products.of_item(one.line.product_id)
        owners = of_company.get(one.agreement.company_id, [])
        if product is None or not owners:
            continue
        gone = _all_left(one, [*owners, *others.get(one.agreement.company_id, [])])
        why, nowhere = _why(one, owners, desired, ground)
        if gone or (nowhere and ground.settings.on_unmap == "end"):
            reason = gone or f"{why}; onUnmap: end"
            judged.append(_ends(one, product, owners, reason, ground, settled=bool(gone)))
        else:
            said.append(_stays(one, product, owners, why, ground.today))
    return judged, said


def _by_company(parties: Iterable[Party]) -> dict[int, list[Party]]:
    found: dict[int, list[Party]] = {}
    for party in parties:
        for number in {agreement.company_id for agreement in party.agreements}:
            found.setdefault(number, []).append(party)
    return found


def _why(one: Open, owners: list[Party], desired: Desired, ground: Ground) -> tuple[str, bool]:
    """Why no wanted line has to do with it, and whether its codes are mapped nowhere any more."""
    codes = sorted(ground.products.carried(one.line.product_id))
    listed = ", ".join(codes) or "its product"
    pilots = {
        override.code: override.exclude
        for party in owners
        for override in party.row.overrides
        if override.code in codes and excludes(override, ground.today)
    }
    off = [row.code for row in desired.rows if row.code in codes and row.targets and not row.sync]
    said = [f"{code} is excluded for the customer: {reason}" for code, reason in sorted(pilots.items())]
    said += [f"usage sync is off for {code}" for code in off if code not in pilots]
    if said:
        return "; ".join(said), False
    reasons = [row.exclude for row in desired.rows if row.exclude is not None and set(row.codes) & set(codes)]
    wanted = {code for row in desired.rows if row.targets for code in row.codes}
    wanted |= {o.code for party in owners for o in party.row.overrides if o.targets}
    if reasons and not wanted & set(codes):
        return f"{listed} is excluded: {reasons[0]}", True
    if not wanted & set(codes):
        return f"{listed} is mapped nowhere any more", True
    if any(party.agreement is None and not party.unsynced for party in owners):
        return "no agreement could be chosen for the customer's row, see there", False
    return "no row of the customer speaks of it", False


def _all_left(one: Open, owners: list[Party]) -> str:
    """That every customer of the company has left, by the word of its row; nothing where one goes on."""
    days = [party.row.ended for party in owners]
    if any(day is None or day >= one.day for day in days):
        return ""
    return f"the customer ended on {_last_day(owners)}"


def _last_day(owners: list[Party]) -> date:
    """The last of the days on which these customers ended."""
    return max(party.row.ended for party in owners if party.row.ended is not None)


def _ends(
    one: Open, product: Managed, owners: list[Party], why: str, ground: Ground, *, settled: bool
) -> Judged:
    """The row of a line that nothing feeds any more: it ends, unless it is a person's word."""
    cell = Cell(one.agreement, product, Terms(), [Feeding(party, {}, None) for party in owners])
    row = with_line(row_of(cell), one.line, one.agreement).but(left_over=True, reason=why)
    judged = Judged(row, cell, one.line, settled=settled)
    if product.stop:
        return replace(judged, row=decide(row, product.stop))
    ended = end_line(judged, ground)
    if settled and taken_by_hand(one.line, ground.settings, _last_day(owners)):
        return replace(ended, row=decide(ended.row, opened_again(one.line, _last_day(owners))))
    approved = ground.answers.approval(ended.row) is not None
    if ended.row.state is LineState.ENDS and not (settled or is_ours(one.line, ground.settings) or approved):
        asked = ended.row.but(given=ground.answers.given(ended.row))
        refused = ground.answers.why_not_approved(asked)
        reason = (
            f"{why}, and its quantity was set by {writer_text(one.line)}. Let it end with an approval, or "
            "end it in ConnectWise"
        )
        reason = "; ".join(filter(None, (reason, refused)))
        return replace(ended, row=decide(asked, reason), by_hand=True)
    return ended


def _stays(one: Open, product: Managed, owners: list[Party], why: str, today: date) -> Diagnostic:
    line, party = one.line, owners[0]
    money = money_text(billed(line.quantity, line.less_included, line), one.agreement.currency_places)
    return warning(
        "line-left",
        f"{party.name}: line #{line.id} of {product.label} ({plain(line.quantity)}, {money} "
        f"{one.agreement.currency or '?'} an invoice) on {describe(one.agreement, today)} stays as it is: "
        f"{why}.",
        "If nobody is to be billed for it, end it in ConnectWise by a date, or set `onUnmap: end`; otherwise "
        "bring back the row that speaks of it.",
        location=party.row.location,
        subject=f"agreement/{one.agreement.id}/line/{line.id}",
    )

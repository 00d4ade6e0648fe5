"""What earlier runs left to be done by hand: said again until the line's next invoice has passed.

Once it is written ConnectWise shows nothing of it. The journals do; where they are lost, a reminder is lost,
and nothing that is written rests on it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.verdict import Reason, ReasonKind, by_hand

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from reconciler.model.by_hand import ByHand
    from reconciler.model.journal import Journal
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

_REMEDY = "Settle it by hand (agreement adjustment, credit memo or an invoice of its own), or leave it."


def recorded(folder: Path) -> Iterator[Journal]:
    """The journals in a folder that can be read, the oldest first."""
    from reconciler.cli.files import read_journal
    from reconciler.model.diagnostics import ReconcilerError

    for path in sorted(folder.glob("*.ndjson")):
        try:
            yield read_journal(path)
        except ReconcilerError:  # `show` says what is wrong with it; it is no reason to refuse an invoice
            continue


def left_by_hand(plan: Plan, journals: Iterable[Journal]) -> tuple[Reason, ...]:
    """What the plan leaves to people, and what runs on its instance left whose next invoice is to come."""
    works: dict[tuple[object, ...], ByHand] = {}
    for journal in journals:
        if journal.head.instance == plan.instance and journal.head.owner == plan.owner:
            works |= {_key(work): work for work in journal.by_hand if _is_to_come(work, plan.today)}
    works |= {_key(work): work for _, work in by_hand(plan)}
    return tuple(_reason(work, _line_of(work, plan)) for work in works.values())


def _key(work: ByHand) -> tuple[object, ...]:
    """What makes two of them one: a later run counts its own number."""
    return work.work, work.agreement, work.product, work.invoice, work.months


def _is_to_come(work: ByHand, today: str) -> bool:
    return work.until is None or work.until.isoformat() >= today


def _line_of(work: ByHand, plan: Plan) -> PlannedLine | None:
    """The plan's row of the line; of one that was created since, that of its product on the agreement."""
    here = [line for line in plan.lines if line.agreement_id == work.agreement]
    own = (line for line in here if work.line is not None and line.line_id == work.line)
    return next(own, next((line for line in here if line.product == work.product), None))


def _reason(work: ByHand, line: PlannedLine | None) -> Reason:
    message = f"to be done by hand: {work.text}"
    if line is None:
        place = f"#{work.agreement}"
        return Reason(ReasonKind.LINES, message, _REMEDY, agreement=place, product=work.product)
    return Reason(
        ReasonKind.LINES,
        message,
        _REMEDY,
        customer=line.customer,
        agreement=line.agreement,
        product=work.product,
        line_id=line.line_id,
        source=line.source,
        company=line.company,
        company_name=line.company_name,
    )

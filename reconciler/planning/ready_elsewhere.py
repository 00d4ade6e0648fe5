"""What is invoiced on another day than the one that `ready` is asked about."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.model.verdict import Elsewhere, open_apart
from reconciler.planning.ready_census import Names

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan


def elsewhere(plan: Plan, invoice_date: date, pending: Iterable[PlannedLine]) -> tuple[Elsewhere, ...]:
    """The agreements of other invoice dates, with what is `pending` on them."""
    found: dict[tuple[date, str, str], list[Elsewhere]] = {}
    for line in (*_rows(plan, {id(line) for line in pending}), *_open_lines(plan)):
        if line.next_invoice != invoice_date:
            where = f"{line.agreement_id or line.agreement}"
            found.setdefault((line.next_invoice, line.customer.casefold(), where), []).append(line)
    return tuple(
        replace(lines[0], lines=len(lines), pending=sum(line.pending for line in lines))
        for _, lines in sorted(found.items(), key=lambda entry: entry[0])
    )


def _rows(plan: Plan, pending: set[int]) -> Iterable[Elsewhere]:
    for line in plan.lines:
        if line.first_invoice is not None:
            yield Elsewhere(
                customer=line.customer,
                agreement=line.agreement,
                agreement_id=line.agreement_id,
                next_invoice=line.first_invoice,
                lines=1,
                pending=int(id(line) in pending),
                company=line.company,
                company_name=line.company_name,
            )


def _open_lines(plan: Plan) -> Iterable[Elsewhere]:
    """The agreement of each open line without a row that has an invoice date, with that line pending."""
    names = Names(plan)
    for line in open_apart(plan):
        if line.next_invoice is not None:
            yield Elsewhere(
                **names.of(line),
                agreement=line.agreement,
                agreement_id=line.agreement_id,
                next_invoice=line.next_invoice,
                lines=1,
                pending=1,
            )

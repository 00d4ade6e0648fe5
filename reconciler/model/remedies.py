"""What a person can do about a line that waits: its own problem's remedy, and the rows that answer it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

from reconciler.model.approving import an_approval_helps, open_row, yaml_text
from reconciler.model.diagnostics import Severity
from reconciler.model.money import plain
from reconciler.model.verdict import held_back, is_held_back

if TYPE_CHECKING:
    from reconciler.model.lines import PlannedLine
    from reconciler.model.plan import Plan

_SETTLE_FIRST = "settle what holds it back, then plan again"
_SETTLE = "settle it in ConnectWise or in the customer's row, then plan again"


class Remedies:
    """The remedies of a plan's lines; what a warning or a notice about a line says is no answer to it."""

    def __init__(self, plan: Plan) -> None:
        errors = [one for one in plan.diagnostics if one.severity is Severity.ERROR and one.remedy]
        self._by_id = {one.id: one.remedy for one in errors}
        self._by_subject = {one.subject: one.remedy for one in errors if one.subject}
        self._held = held_back(plan)
        self._today = plan.today

    def of(self, line: PlannedLine) -> list[str]:
        """What to do about a line: what holds it back, else its own problem, then the rows to be pasted."""
        blocked_by = is_held_back(line, self._held)
        if blocked_by:
            found = dict.fromkeys(self._of_cause(one) for one in blocked_by)
            return [one for one in found if one] or [_SETTLE_FIRST]
        own = self._by_subject.get(line.key)
        return [*([own] if own else []), *answer_rows(line, self._today)] or [_SETTLE]

    def _of_cause(self, cause: str) -> str:
        """The remedy of what holds a line back; of what stops the whole run it stands there once, for all."""
        remedy = self._by_id.get(cause, "")
        return (
            f"settle {cause}, which stops the whole run, then plan again"
            if remedy and ":" not in cause
            else remedy
        )


def answer_rows(line: PlannedLine, today: str) -> list[str]:
    """The rows that answer a line, ready to be pasted: an approval, and a hold where one keeps it."""
    found = []
    until = today if line.first_invoice is None else line.first_invoice.isoformat()
    who = f"customer: {yaml_text(line.company or line.customer)}, product: {yaml_text(line.product)}"
    before = stands_at(line)
    if before is not None and line.after is not None and an_approval_helps(line):
        found.append(
            f"to let it through, under approvals: {{{who}, from: {plain(before)}, "
            f"upTo: {plain(line.after)}, given: {line.given}, reason: …, until: {until}}}"
        )
    if line.before is not None and _a_hold_helps(line):
        found.append(
            f"to keep it as it is, under holds: {{{who}, quantity: {plain(line.before)}, reason: …, "
            f"until: {until}}}"
        )
    return found


def reason_alone(line: PlannedLine) -> str:
    """Why a line waits, without the approval that stands among its answers as well."""
    if not an_approval_helps(line):
        return line.reason
    reason, row = line.reason, open_row(line)
    for how in ("through", "in"):
        reason = reason.replace(f". To let it {how}, add under approvals: {row}", "")
    return reason


def stands_at(line: PlannedLine) -> Decimal | None:
    """The quantity that an approval starts from: 0 where there is no line yet."""
    return Decimal(0) if line.before is None and line.starts is not None else line.before


def _a_hold_helps(line: PlannedLine) -> bool:
    """A hold keeps the line of a product: there has to be one, that a row speaks of, and no other like it."""
    return line.line_id is not None and not line.left_over and not line.serial

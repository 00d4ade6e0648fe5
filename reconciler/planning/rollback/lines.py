"""Agreement lines of a run, as they were before it.

A line that was changed gets its values back, one that was created ends before it bills anything more. What
was ended stays ended: how to re-open a line is not documented.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reconciler.model.change import Action, Basis, Change, Target
from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.model.field_change import FieldChange
from reconciler.model.fields import from_plan
from reconciler.model.identifiers import identifier_key
from reconciler.model.line_fields import (
    ATTRIBUTES,
    EFFECTIVE,
    LESS_INCLUDED,
    LINE_FIELDS_BY_NAME,
    QUANTITY,
)
from reconciler.model.line_state import holds, line_plan_value
from reconciler.model.lines import LineState, PlannedLine
from reconciler.model.rests import LastWrite, Signed, sign_agreement
from reconciler.model.value_check import number_of, value_problems
from reconciler.planning.customers.agreements import day_that_counts, invoice_problem, months_of_cycle
from reconciler.planning.lines.dates import ending, last_day
from reconciler.planning.lines.requests import terms_of, write_of
from reconciler.planning.lines.rows import with_line, with_money
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from typing import Any

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.journal import Journal, Written
    from reconciler.model.present import Present

#: What decides the money of a line that the run created; where one of them differs now, somebody means it.
_MONEY = (QUANTITY.name, LESS_INCLUDED.name, "unitPrice", "billCustomer")
#: Said of a line that the run moved seats to.
MOVED = "rollback-line-moved"
_COUNTED = (QUANTITY.name, LESS_INCLUDED.name)


@dataclass
class LineRollback:
    """Changes, their rows for reports, and problems."""

    changes: list[Change] = field(default_factory=list)
    listed: list[PlannedLine] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    @property
    def rows(self) -> tuple[PlannedLine, ...]:
        """As a plan holds them."""
        return tuple(self.listed)


@dataclass(frozen=True)
class _Case:
    """One line of the run as it is now."""

    one: Written
    line: Line
    agreement: Agreement
    run: str
    day: date
    label: str
    waits: tuple[str, ...]

    @property
    def key(self) -> str:
        return self.one.change.target.key

    @property
    def name(self) -> str:
        product = self.line.product_identifier.strip()
        return f"line #{self.line.id} of {product} on agreement #{self.agreement.id}"


def roll_back_lines(
    journal: Journal, present: Present, today: date, renamed: Mapping[int, tuple[str, str]]
) -> LineRollback:
    """What gives the run's lines their former values, or ends what it created.

    `renamed` gives the identifier and the request of products that the same plan renames. A line of which any
    value is neither the former one nor the run's is left as it is: part of it would be nobody's word.
    """
    found = LineRollback()
    invoiced: list[str] = []
    created = {one.record for one in journal.written if one.change.starts_line} - {None}
    for one in journal.written:
        agreement_id = one.change.target.agreement
        if agreement_id is None or not one.may_be_there:
            continue
        if one.change.target.id in created:
            continue  # created twice by two runs and taken back: its creation is what is judged
        agreement = present.agreements.get(agreement_id)
        if agreement is None:
            found.diagnostics.append(_gone(one, f"agreement #{agreement_id} is no longer in ConnectWise"))
            continue
        line = _line(one, present.lines.get(agreement_id, ()), found)
        if line is None:
            continue
        label, write = renamed.get(line.product_id, (line.product_identifier.strip(), ""))
        day = day_that_counts(agreement, today)
        case = _Case(one, line, agreement, journal.head.run, day, label, (write,) if write else ())
        _roll_back(case, found, today)
        then = one.next_invoice
        if (
            then is not None
            and agreement.next_invoice is not None
            and agreement.next_invoice.isoformat() > then
        ):
            invoiced.append(f"{case.name} ({then})")
    if invoiced:
        found.diagnostics.append(_invoiced(invoiced))
    return found


def _line(one: Written, lines: Sequence[Line], found: LineRollback) -> Line | None:
    """The line as it is now; None where there is none, which is said unless it may never have been there."""
    number = one.change.target.id or one.record
    if number is not None:
        line = next((each for each in lines if each.id == number), None)
        if line is None:
            found.diagnostics.append(_gone(one, f"line #{number} is no longer there"))
        return line
    day = next((each.after for each in one.change.fields if each.field == EFFECTIVE.name), None)
    alike = [
        each
        for each in lines
        if each.product_key == identifier_key(one.change.target.identifier)
        and each.effective is not None
        and each.effective.isoformat() == day
        and (not one.change.target.part or each.bears(one.change.target.part.partition("/")[2]))
    ]
    if len(alike) > 1:
        listed = ", ".join(f"#{each.id}" for each in alike)
        found.diagnostics.append(
            error(
                "rollback-impossible",
                f"{one.change.target.key}: which line the run created is not known: {listed} begin on {day}.",
                "End the right one in ConnectWise.",
                subject=one.change.target.key,
            )
        )
    return alike[0] if len(alike) == 1 else None


def _roll_back(case: _Case, found: LineRollback, today: date) -> None:
    change = case.one.change
    if change.action is Action.MOVE_LINE:
        found.diagnostics += _moved(case)
    elif change.action is Action.END_LINE:
        if case.line.cancelled is not None:
            found.diagnostics.append(_ended(case))
    elif change.action is Action.CREATE_LINE:
        _end_created(case, found, today)
    else:
        _restore(case, found, today)


def _end_created(case: _Case, found: LineRollback, today: date) -> None:
    """A line that the run created ends before the next invoice; one that has not begun bills nothing."""
    line = case.line
    if line.cancelled is not None:
        return
    fields = [one for one in case.one.change.fields if one.field in _MONEY]
    if _said(case, fields, found) or _not_writable(case, found, today):
        return
    last = last_day(line, case.day)
    row = _row(case, LineState.ENDS).but(left_over=True, ends=last, after=ZERO, included_after=ZERO)
    target = Target(case.label, line.id, case.agreement.id, f"line/{line.id}")
    _add(
        case, Action.END_LINE, target, ending(line, last), with_money(row, line, line, case.agreement), found
    )


def _restore(case: _Case, found: LineRollback, today: date) -> None:
    """The former values of a line that the run changed."""
    line = case.line
    fields = case.one.change.fields
    back = [
        FieldChange(one.field, line_plan_value(line, one.field), one.before)
        for one in fields
        if not holds(line, one.field, one.before)
    ]
    found.diagnostics += [_not_kept(case, name) for name in case.one.withheld]
    if not back or _said(case, [one for one in fields if not holds(line, one.field, one.before)], found):
        return
    if line.cancelled is not None and line.cancelled < case.day:
        found.diagnostics.append(_changed(case, f"it ends on {line.cancelled}"))
        return
    problems = [what for one in back for what in _refused(one)]
    if problems:
        found.diagnostics.append(_impossible(case, problems[0]))
        return
    if _not_writable(case, found, today):
        return
    values: dict[str, Any] = {
        ATTRIBUTES[one.field]: from_plan(LINE_FIELDS_BY_NAME[one.field], one.after) for one in back
    }
    then = replace(line, **values)
    row = _row(case, _state(line, then)).but(
        after=then.quantity,
        included_after=then.less_included,
        declared=tuple(one for one in back if one.field not in _COUNTED),
    )
    part = case.one.change.target.part
    target = Target(case.label, line.id, case.agreement.id, part)
    row = with_money(row, line, then, case.agreement).but(serial=part.removeprefix("serial/"))
    _add(case, Action.UPDATE_LINE, target, tuple(back), row, found)


def _add(
    case: _Case,
    action: Action,
    target: Target,
    fields: tuple[FieldChange, ...],
    row: PlannedLine,
    found: LineRollback,
) -> None:
    found.listed.append(row)
    found.changes.append(
        Change(
            id=f"{action.value}:{target.key}",
            action=action,
            target=target,
            reason=row.reason,
            fields=fields,
            write=write_of(case.agreement.id, case.line.id),
            depends_on=case.waits,
            expected_identifier=case.label,
            money=row.sales,
            basis=Basis(
                terms_of(case.line, fields),
                agreement=sign_agreement(case.agreement),
                product=Signed(case.line.product_id),
                written=LastWrite.of(case.line),
            ),
        )
    )


def _row(case: _Case, state: LineState) -> PlannedLine:
    agreement = case.agreement
    row = PlannedLine(
        customer=agreement.company_name.strip() or agreement.company_identifier,
        tenants=(),
        company=agreement.company_identifier,
        company_name=agreement.company_name.strip(),
        agreement_id=agreement.id,
        agreement=agreement.name.strip(),
        product=case.label,
        line_id=None,
        state=state,
        reason=f"as before run {case.run}",
        first_invoice=agreement.next_invoice,
        period_type=agreement.period_type,
        prorates=agreement.prorate,
        cycle_months=months_of_cycle(agreement),
    )
    return with_line(row, case.line, agreement)


def _state(line: Line, then: Line) -> LineState:
    if then.quantity == line.quantity:
        return LineState.TERMS
    if not then.quantity:
        return LineState.TO_ZERO
    return LineState.MORE if then.quantity > line.quantity else LineState.LESS


def _refused(one: FieldChange) -> list[str]:
    number = number_of(one.after)
    if one.field in _COUNTED and (number is None or number < 0):
        return [f"{one.field} was {one.after}"]
    return list(value_problems(LINE_FIELDS_BY_NAME[one.field], one))


def _said(case: _Case, fields: Sequence[FieldChange], found: LineRollback) -> bool:
    """Whether the line is of another product by now, or a value not what the run wrote; then that is said."""
    line, known = case.line, identifier_key(case.one.change.target.identifier)
    moved = [] if line.product_key == known else [f"it is of {line.product_identifier.strip()} now"]
    moved += [
        f"{one.field} is {line_plan_value(case.line, one.field)}, and the run wrote {one.after}"
        for one in fields
        if not holds(case.line, one.field, one.after)
    ]
    if moved:
        found.diagnostics.append(_changed(case, "; ".join(moved)))
    return bool(moved)


def _not_writable(case: _Case, found: LineRollback, today: date) -> bool:
    problem, remedy = invoice_problem(case.agreement, None, "last", today)
    if not problem and not case.agreement.in_force(case.day):
        problem, remedy = f"the agreement is not in force on {case.day}", "Renew it in ConnectWise"
    if problem:
        found.diagnostics.append(_impossible(case, problem, f"{remedy}, then make the rollback again."))
    return bool(problem)


# --- what is said


def _changed(case: _Case, what: str) -> Diagnostic:
    line = case.line
    who = f"{line.updated_by.strip() or 'somebody'} on {line.last_updated[:10] or '?'}"
    return error(
        "rollback-changed-since",
        f"{case.name}: {what}. It was changed since (last written by {who}) and is left as it is.",
        "Decide which is right, and set it in ConnectWise or with a hold.",
        subject=case.key,
    )


def _impossible(case: _Case, what: str, remedy: str = "Set it in ConnectWise by hand.") -> Diagnostic:
    said = f"{case.name}: what stood before cannot be written: {what}."
    return error("rollback-impossible", said, remedy, subject=case.key)


def _not_kept(case: _Case, name: str) -> Diagnostic:
    return error(
        "rollback-not-recorded",
        f"{case.name}: the run changed {name}, and a journal does not keep such texts.",
        "Take the former text from an older invoice.",
        subject=case.key,
    )


def _ended(case: _Case) -> Diagnostic:
    return error(
        "rollback-line-ended",
        f"{case.name} was ended by the run (last day {case.line.cancelled}) and cannot be re-opened: how is "
        "not documented.",
        f"Revert the mappings: their next plan creates a new line, or asks for `restart: [{case.line.id}]`.",
        subject=case.key,
    )


def _moved(case: _Case) -> list[Diagnostic]:
    if case.line.cancelled is not None:
        return [_ended(case)]
    if not case.one.change.starts_line:
        return []
    return [
        error(
            MOVED,
            f"{case.name} bills the seats of a line that the run ended for it, and is left as it is: ended "
            "alone, its seats would be on no line.",
            "Revert the mappings: their next plan ends it on the day before a new line of the former product "
            "or agreement starts.",
            subject=case.key,
        )
    ]


def _gone(one: Written, what: str) -> Diagnostic:
    said = f"{one.change.target.key}: {what}."
    return error("rollback-gone", said, "Nothing of it can be restored.", subject=one.change.target.key)


def _invoiced(lines: Sequence[str]) -> Diagnostic:
    return warning(
        "rollback-invoiced",
        "Invoiced since the run, with what it wrote unless somebody changed that first (line, invoice date): "
        f"{', '.join(lines)}.",
        "A rollback changes the next invoice. Correct those that are made in ConnectWise.",
    )

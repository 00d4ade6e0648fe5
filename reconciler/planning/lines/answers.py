"""What people have said about lines with a date on it: holds and approvals."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.approving import given_text
from reconciler.model.diagnostics import Diagnostic, notice, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import WRITTEN, LineState
from reconciler.model.moments import moment, moment_text
from reconciler.model.money import plain
from reconciler.planning.customers.agreements import day_that_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import date

    from reconciler.model.billing import Billing, Line
    from reconciler.model.desired import Approval, Customer, Desired, Hold
    from reconciler.model.lines import PlannedLine
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.cells import Cell

    #: Approvals by customer and product.
    _ByLine = Mapping[tuple[str, str], list[Approval]]


class Answers:
    """Holds and approvals that count today, found by customer and product.

    A customer is named by its company (as its row writes it, or by its identifier) or by its tenant id. An
    approval covers a change only while the lines of it were last written at or before its `given`: what is
    written afterwards, by us or by a person, has used it up.
    """

    def __init__(self, desired: Desired, products: Products, billing: Billing, today: date) -> None:
        self._products = products
        self._billing = billing
        self._holds: dict[tuple[str, str], Hold] = {}
        self._approvals: dict[tuple[str, str], list[Approval]] = defaultdict(list)
        self._ended: dict[tuple[str, str], list[Approval]] = defaultdict(list)
        self._company_keys = _company_keys(desired.customers)
        self._held_cells: dict[tuple[str, str], set[int | None]] = defaultdict(set)
        self._approved_cells: dict[int, set[int]] = defaultdict(set)
        self._lines: dict[int, list[Line]] = {}
        self._unknown: set[int] = set()
        self._used: set[int] = set()
        self._stale: dict[int, Line] = {}
        self._today = today
        for hold in desired.holds:
            if hold.until >= today:
                self._holds[self._key(hold.customer, hold.product)] = hold
        for approval in desired.approvals:
            there = self._approvals if approval.until >= today else self._ended
            there[self._key(approval.customer, approval.product)].append(approval)

    def _key(self, customer: str, product: str) -> tuple[str, str]:
        return identifier_key(customer), self._products.key(identifier_key(product))

    def _names(self, company: str, tenants: Iterable[str]) -> list[str]:
        """Narrow names first: a tenant's own hold stands over its company's."""
        found = list(tenants)
        found += [key for tenant in tenants for key in self._company_keys.get(tenant, ())]
        return list(dict.fromkeys([*found, identifier_key(company)]))

    def learn(self, cells: Iterable[Cell]) -> None:
        """Remember which agreements each answer speaks of, so that one that fits two is asked about.

        An approval fits where a line of its product in force stands at the quantity that it names.
        """
        for cell in cells:
            place = cell.agreement.id if cell.agreement is not None else None
            for name in self._names(cell.company, cell.tenants) if self._holds or self._approvals else ():
                key = name, cell.product.key
                if key in self._holds:
                    self._held_cells[key].add(place)
                for approval in self._approvals.get(key, ()):
                    lines = self._in_force(cell)
                    if lines is None:
                        self._unknown.add(id(approval))
                        continue
                    self._lines.setdefault(id(approval), []).extend(lines)
                    fits = any(line.quantity == approval.before for line in lines)
                    if cell.agreement is not None and (fits or (not lines and approval.before == 0)):
                        self._approved_cells[id(approval)].add(cell.agreement.id)

    def _in_force(self, cell: Cell) -> list[Line] | None:
        """The product's lines in force; None where they are not known, which is said elsewhere."""
        agreement, item = cell.agreement, cell.product.item
        if agreement is None or agreement.id not in self._billing.lines:
            return None
        if item is None:
            return []
        day = day_that_counts(agreement, self._today)
        lines = self._billing.lines[agreement.id]
        return [line for line in lines if line.product_id == item.id and line.in_force(day)]

    # --- holds

    def hold(self, cell: Cell) -> tuple[Hold | None, str]:
        """The hold on a line, or why it is not clear which line it means."""
        for name in self._names(cell.company, cell.tenants) if self._holds else ():
            hold = self._holds.get((name, cell.product.key))
            if hold is None:
                continue
            if len(cell.tenants) > 1 and name in cell.tenants:
                return None, (
                    f"the hold for {hold.customer} ({hold.location}) names one of the tenants that share "
                    f"this line ({', '.join(cell.names())}); name the company ({cell.company}) and the "
                    "quantity of the whole line instead"
                )
            if len(self._held_cells[name, cell.product.key]) > 1:
                return None, (
                    f"the hold for {hold.customer} ({hold.location}) fits lines on several agreements; "
                    "name the Sophos tenant id instead"
                )
            return hold, ""
        return None, ""

    # --- approvals

    def approval(self, row: PlannedLine) -> Approval | None:
        """The approval that lets this very change through: from this quantity, and not beyond its bound.

        One that fits lines on several agreements lets none of them through, and so does one that is used up.
        """
        if not self._approvals:
            return None
        found = self._naming(row, self._approvals)
        return next((a for a in found if not self._fits_several(a) and self._since(a, row) is None), None)

    def lets_end(self, cell: Cell, one: Open, product: str) -> Approval | None:
        """The approval that lets a line of another product go from its quantity to nothing."""
        key = self._products.key(identifier_key(product))
        for name in self._names(cell.company, cell.tenants):
            for approval in self._approvals.get((name, key), ()):
                if approval.before != one.line.quantity or approval.up_to != 0:
                    continue
                if _written_after(approval, [one.line]) is None:
                    self._used.add(id(approval))
                    return approval
                self._stale[id(approval)] = one.line
        return None

    def why_not_approved(self, row: PlannedLine) -> str:
        """Why no approval is taken for a change that one names; nothing where none does."""
        found = self._naming(row, self._approvals)
        if not found:
            return self._why_no_more(row)
        approval = found[0]
        name = f"the approval for {approval.customer} ({approval.location})"
        if self._fits_several(approval):
            return (
                f"{name} fits lines on several agreements and lets none through; name the Sophos tenant id "
                "instead"
            )
        line = self._since(approval, row)
        return "" if line is None else f"{name} is used up: {_since_text(line, approval)}"

    def with_refusal(self, row: PlannedLine) -> PlannedLine:
        """A withheld line that says why the approval which names its change is not taken."""
        refused = self.why_not_approved(row) if row.state is LineState.WITHHELD else ""
        return row.but(reason=f"{row.reason}. But {refused}") if refused else row

    def _why_no_more(self, row: PlannedLine) -> str:
        """That an approval would let the change through, and that its last day has passed."""
        for one in self._naming(row, self._ended):
            if self._since(one, row) is None:
                return f"the approval for {one.customer} ({one.location}) ended on {one.until}"
        return ""

    def given(self, row: PlannedLine) -> str:
        """What an approval of the row's change says as `given`, so that it covers it."""
        return given_text((line.last_updated for line in self._lines_of(row)), self._today)

    def _naming(self, row: PlannedLine, among: _ByLine) -> list[Approval]:
        """The approvals that name the row's change, whether they cover it or not."""
        before, after = row.before or 0, row.after
        if not among or after is None or before == after:
            return []
        return [
            approval
            for approval in self._speaking_of(row, among)
            if approval.before == before
            and min(approval.before, approval.up_to) <= after <= max(approval.before, approval.up_to)
        ]

    def _speaking_of(self, row: PlannedLine, among: _ByLine) -> list[Approval]:
        """The approvals of the row's customer and product."""
        product = self._products.key(identifier_key(row.product))
        names = self._names(row.company, row.tenants)
        return [approval for name in names for approval in among.get((name, product), ())]

    def _since(self, approval: Approval, row: PlannedLine) -> Line | None:
        """A line of the row's change that was written after the approval was given."""
        return _written_after(approval, self._lines_of(row))

    def _lines_of(self, row: PlannedLine) -> list[Line]:
        """The lines that a row's change is about: its own and those that end for it.

        Of a line that is created, every line of its product on the agreement: one of them may be what an
        approval has let in before.
        """
        here = self._billing.lines.get(row.agreement_id or 0, ())
        if row.line_id is not None:
            found = [line for line in here if line.id == row.line_id]
        else:
            key = self._products.key(identifier_key(row.product))
            found = [line for line in here if f"#{line.product_id}" == key]
        for old in row.takes_over:
            there = self._billing.lines.get(old.agreement_id, ())
            found += [line for line in there if line.id == old.line_id]
        return found

    def _fits_several(self, approval: Approval) -> bool:
        return len(self._approved_cells.get(id(approval), ())) > 1

    # --- what does nothing

    def without_effect(self, rows: Iterable[PlannedLine]) -> list[Diagnostic]:
        """Answers that count today and do nothing: used already, for nothing, or for a line that waits.

        `rows` are the plan's, as they are judged; `learn` has seen all cells.
        """
        holds = [_idle_hold(hold) for key, hold in self._holds.items() if key not in self._held_cells]
        if not self._approvals:
            return holds
        spoken: dict[int, list[PlannedLine]] = defaultdict(list)
        for row in rows:
            for approval in self._speaking_of(row, self._approvals):
                spoken[id(approval)].append(row)
            taken = self.approval(row) if row.state in WRITTEN else None
            if taken is not None:
                self._used.add(id(taken))
        found = [
            self._idle(approval, spoken[id(approval)])
            for approvals in self._approvals.values()
            for approval in approvals
            if id(approval) not in self._unknown | self._used
        ]
        return holds + [diagnostic for diagnostic in found if diagnostic is not None]

    def _idle(self, approval: Approval, rows: list[PlannedLine]) -> Diagnostic | None:
        """Why an approval does nothing; None where its line stays at its `from` and waits for the bill."""
        name = f"The approval of {approval.product} for {approval.customer} from {plain(approval.before)}"
        name += f" to {plain(approval.up_to)}"
        fitting = [row for row in rows if (row.before or 0) == approval.before]
        stale = self._stale.get(id(approval))
        for row in fitting:
            stale = stale or self._since(approval, row)
        if stale is not None:
            message = f"{name} is used up: {_since_text(stale, approval)}. It lets nothing through."
            again = given_text([stale.last_updated], self._today)
            remedy = f"If it is meant anew, say `given: {again}`; otherwise take it out."
            return notice(_IDLE, message, remedy, location=approval.location)
        if self._fits_several(approval):
            message = f"{name} lets nothing through: it fits lines on several agreements."
            return notice(_IDLE, message, "Name the Sophos tenant id instead.", location=approval.location)
        waiting = next((row for row in fitting if row.state not in WRITTEN | {LineState.UNCHANGED}), None)
        if waiting is not None:
            return notice(
                _IDLE,
                f"{name} lets nothing through: {_waiting_text(waiting)}.",
                "Settle that first, or take it out.",
                location=approval.location,
            )
        return None if fitting else _fits_none(approval, name, self._lines.get(id(approval)))


def _written_after(approval: Approval, lines: Iterable[Line]) -> Line | None:
    """The line that was written last after the approval was given; one that does not say when counts."""
    late = [line for line in lines if (when := moment(line.last_updated)) is None or when > approval.given]
    return max(late, key=lambda line: (line.last_updated, line.id), default=None)


def _since_text(line: Line, approval: Approval) -> str:
    return (
        f"line #{line.id} was written by {line.updated_by.strip() or 'somebody'} on "
        f"{line.last_updated or '?'}, after it was given ({moment_text(approval.given)})"
    )


def _waiting_text(row: PlannedLine) -> str:
    line = "its line" if row.line_id is None else f"line #{row.line_id}"
    if row.state is LineState.WITHHELD and row.after is not None:
        return f"{line} would go to {plain(row.after)}"
    if row.state is LineState.NOT_COUNTED:
        return f"{line} is not counted ({row.reason})"
    return f"{line} waits for another answer, which the plan names"


def _idle_hold(hold: Hold) -> Diagnostic:
    return warning(
        "hold-without-effect",
        f"The hold of {hold.product} for {hold.customer} at {plain(hold.quantity)} ({hold.reason}) fits no "
        f"line: {_NOT_BILLED}",
        "Correct its customer or product, or take it out.",
        location=hold.location,
    )


def _fits_none(approval: Approval, name: str, lines: list[Line] | None) -> Diagnostic:
    """`lines` are those in force that the approval's customer and product fit; None where nothing does."""
    least, most = sorted((approval.before, approval.up_to))
    used = [line for line in lines or () if least <= line.quantity <= most]
    if used:
        message = f"{name} is used up: {_standing(used)}. It lets nothing else through."
        return notice(_IDLE, message, _MAY_STAY, location=approval.location)
    if lines is None:
        why = _NOT_BILLED
    elif not lines:
        why = "no line of the product is in force there."
    else:
        why = f"{_standing(lines)}, and not at {plain(approval.before)}."
    return notice(
        _IDLE,
        f"{name} fits no line: {why}",
        "Correct its customer, product or `from`, or take it out.",
        location=approval.location,
    )


def _standing(lines: Iterable[Line]) -> str:
    return " and ".join(f"line #{line.id} stands at {plain(line.quantity)}" for line in lines)


_IDLE = "approval-without-effect"
_MAY_STAY = "Nothing to do: it may stay, or be taken out."
_NOT_BILLED = "no customer of that name whose usage sync is on is billed this product."


def _company_keys(customers: Iterable[Customer]) -> Mapping[str, tuple[str, ...]]:
    """The names under which a customer's company may be written, by tenant."""
    return {row.tenant_id: (row.company.key,) for row in customers if row.company is not None}

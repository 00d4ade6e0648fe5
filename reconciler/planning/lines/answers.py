"""What people have said about lines with a date on it: holds and approvals."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.model.diagnostics import Diagnostic, notice, warning
from reconciler.model.identifiers import identifier_key
from reconciler.model.lines import LineState
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


class Answers:
    """Holds and approvals that count today, found by customer and product.

    A customer is named by its company (as its row writes it, or by its identifier) or by its tenant id.
    """

    def __init__(self, desired: Desired, products: Products, today: date) -> None:
        self._products = products
        self._holds: dict[tuple[str, str], Hold] = {}
        self._approvals: dict[tuple[str, str], list[Approval]] = defaultdict(list)
        self._company_keys = _company_keys(desired.customers)
        self._held_cells: dict[tuple[str, str], set[int | None]] = defaultdict(set)
        self._approved_cells: dict[int, set[int]] = defaultdict(set)
        self._lines: dict[int, list[Line]] = {}
        self._unknown: set[int] = set()
        self._used: set[int] = set()
        self._uncounted: dict[int, tuple[Approval, PlannedLine]] = {}
        self._today = today
        for hold in desired.holds:
            if hold.until >= today:
                self._holds[self._key(hold.customer, hold.product)] = hold
        for approval in desired.approvals:
            if approval.until >= today:
                self._approvals[self._key(approval.customer, approval.product)].append(approval)

    def _key(self, customer: str, product: str) -> tuple[str, str]:
        return identifier_key(customer), self._products.key(identifier_key(product))

    def _names(self, company: str, tenants: Iterable[str]) -> list[str]:
        """Narrow names first: a tenant's own hold stands over its company's."""
        found = list(tenants)
        found += [key for tenant in tenants for key in self._company_keys.get(tenant, ())]
        return list(dict.fromkeys([*found, identifier_key(company)]))

    def learn(self, cells: Iterable[Cell], billing: Billing) -> None:
        """Remember which agreements each answer speaks of, so that one that fits two is asked about.

        An approval fits where a line of its product in force stands at the quantity that it names.
        """
        for cell in cells:
            place = cell.agreement.id if cell.agreement is not None else None
            for name in self._names(cell.company, cell.tenants) if self._holds or self._approvals else ():
                key = name, cell.product.key
                if key in self._holds:
                    self._held_cells[key].add(place)
                for one in self._approvals.get(key, ()):
                    lines = self._in_force(cell, billing)
                    if lines is None:
                        self._unknown.add(id(one))
                        continue
                    self._lines.setdefault(id(one), []).extend(lines)
                    fits = any(line.quantity == one.before for line in lines)
                    if cell.agreement is not None and (fits or (not lines and one.before == 0)):
                        self._approved_cells[id(one)].add(cell.agreement.id)

    def _in_force(self, cell: Cell, billing: Billing) -> list[Line] | None:
        """The product's lines in force; None where they are not known, which is told elsewhere."""
        agreement, item = cell.agreement, cell.product.item
        if agreement is None or agreement.id not in billing.lines:
            return None
        if item is None:
            return []
        day = day_that_counts(agreement, self._today)
        lines = billing.lines[agreement.id]
        return [line for line in lines if line.product_id == item.id and line.in_force(day)]

    def without_effect(self, rows: Iterable[PlannedLine]) -> list[Diagnostic]:
        """Answers that count today and that no line asks for: used already, or written for something else.

        So are approvals of a line that no number was counted for. `learn` has been told all cells.
        """
        for row in rows:
            if row.state is LineState.NOT_COUNTED:
                self._learn_uncounted(row)
        holds = [_idle_hold(hold) for key, hold in self._holds.items() if key not in self._held_cells]
        return (
            holds
            + [
                _idle_approval(one, self._lines.get(id(one)))
                for approvals in self._approvals.values()
                for one in approvals
                if id(one) not in self._unknown | self._used and id(one) not in self._approved_cells
            ]
            + [_uncounted(one, row) for one, row in self._uncounted.values()]
        )

    def _learn_uncounted(self, row: PlannedLine) -> None:
        product = self._products.key(identifier_key(row.product))
        for name in self._names(row.company, row.tenants) if self._approvals else ():
            for one in self._approvals.get((name, product), ()):
                if one.before == (row.before or 0):
                    self._uncounted[id(one)] = one, row

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

    def approval(self, row: PlannedLine) -> Approval | None:
        """The approval that lets this very change through: from this quantity, and not beyond its bound.

        One that fits lines on several agreements lets none of them through.
        """
        found = [one for one in self._approvals_for(row) if not self._fits_several(one)]
        self._used.update(id(one) for one in found)
        return next(iter(found), None)

    def lets_end(self, cell: Cell, one: Open, product: str) -> Approval | None:
        """The approval that lets a line of another product go from its quantity to nothing."""
        key = self._products.key(identifier_key(product))
        found = [
            approval
            for name in self._names(cell.company, cell.tenants)
            for approval in self._approvals.get((name, key), ())
            if approval.before == one.line.quantity and approval.up_to == 0
        ]
        self._used.update(id(one) for one in found)
        return next(iter(found), None)

    def unclear_approval(self, row: PlannedLine) -> str:
        """Why no approval is taken for a change that one names."""
        found = self._approvals_for(row)
        if not found or not all(map(self._fits_several, found)):
            return ""
        return (
            f"the approval for {found[0].customer} ({found[0].location}) fits lines on several agreements "
            "and lets none through; name the Sophos tenant id instead"
        )

    def _approvals_for(self, row: PlannedLine) -> list[Approval]:
        if not self._approvals:
            return []
        product = self._products.key(identifier_key(row.product))
        return [
            one
            for name in self._names(row.company, row.tenants)
            for one in self._approvals.get((name, product), ())
            if one.before == (row.before or 0)
            and row.after is not None
            and min(one.before, one.up_to) <= row.after <= max(one.before, one.up_to)
        ]

    def _fits_several(self, one: Approval) -> bool:
        return len(self._approved_cells.get(id(one), ())) > 1


def _idle_hold(hold: Hold) -> Diagnostic:
    return warning(
        "hold-without-effect",
        f"The hold of {hold.product} for {hold.customer} at {plain(hold.quantity)} ({hold.reason}) fits no "
        f"line: {_NOT_BILLED}",
        "Correct its customer or product, or take it out.",
        location=hold.location,
    )


def _idle_approval(one: Approval, lines: list[Line] | None) -> Diagnostic:
    """`lines` are those in force that the approval's customer and product fit; None where nothing does."""
    name = f"The approval of {one.product} for {one.customer} from {plain(one.before)} to {plain(one.up_to)}"
    least, most = sorted((one.before, one.up_to))
    used = [line for line in lines or () if least <= line.quantity <= most]
    if used:
        said = f"{name} is used up: {_standing(used)}. It lets nothing else through."
        return notice(_IDLE, said, "Nothing to do; take it out when convenient.", location=one.location)
    if lines is None:
        why = _NOT_BILLED
    elif not lines:
        why = "no line of the product is in force there."
    else:
        why = f"{_standing(lines)}, and not at {plain(one.before)}."
    return notice(
        _IDLE,
        f"{name} fits no line: {why}",
        "Correct its customer, product or `from`, or take it out.",
        location=one.location,
    )


def _uncounted(one: Approval, row: PlannedLine) -> Diagnostic:
    name = f"The approval of {one.product} for {one.customer} from {plain(one.before)} to {plain(one.up_to)}"
    return notice(
        _IDLE,
        f"{name} lets nothing in: no number is counted for that line ({row.reason}).",
        "Give the quantity with a hold, or settle what the reason says.",
        location=one.location,
    )


def _standing(lines: Iterable[Line]) -> str:
    return " and ".join(f"line #{line.id} stands at {plain(line.quantity)}" for line in lines)


_IDLE = "approval-without-effect"
_NOT_BILLED = "no customer of that name whose usage sync is on is billed this product."


def _company_keys(customers: Iterable[Customer]) -> Mapping[str, tuple[str, ...]]:
    """The names under which a customer's company may be written, by tenant."""
    return {row.tenant_id: (row.company.key,) for row in customers if row.company is not None}

"""Lines that nothing speaks of any more, and whose seats a wanted line bills: the old one ends for it.

A seat is never on two lines. Before a line is created or raised, every open line around its agreement is
looked at: of the same product, of one that it replaces, and of one that its codes are or were mapped to. Such
a line ends where the wanted one starts, if that is certain; otherwise nothing is written, and both are named.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING

from reconciler.model.approving import given_text
from reconciler.model.identifiers import identifier_key
from reconciler.model.money import plain
from reconciler.planning.customers.agreements import day_that_counts, describe, is_named
from reconciler.planning.lines.judged import is_ours, taken_by_hand, writer_text
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.desired import Approval, Protected, Settings
    from reconciler.planning.lines.open_lines import Open, OpenLines
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.cells import Cell, Cells


#: A wanted line: its agreement, its product's key, and its firewall's serial number.
Wanted = tuple[int, str, str]


def wanted_place(cell: Cell) -> Wanted:
    """The place of a wanted line, the same whoever feeds it."""
    return (0 if cell.agreement is None else cell.agreement.id), cell.product.key, cell.serial


@dataclass(frozen=True)
class Claimed:
    """An open line that bills a wanted line's seats until now.

    It is a `twin` where it is of the same product, on another agreement; `told` says that the customer's row
    names that agreement (`movedFrom`). `why_not` says why it may not end unasked.
    """

    open: Open
    twin: bool
    told: bool
    why_not: str


@dataclass(frozen=True)
class Takeover:
    """What a wanted line takes over: lines that end for it. With a `problem` some cannot end unasked.

    `unsaid`: no row says why one of them is there no more; only that it was ours.
    """

    lines: tuple[Open, ...] = ()
    problem: str = ""
    unsaid: bool = False

    @property
    def units(self) -> Decimal:
        """How many units the lines bill."""
        return sum((one.line.quantity for one in self.lines), ZERO)


NOTHING = Takeover()


@dataclass(frozen=True)
class Rules:
    """By what it is judged whether a line may end unasked.

    `expected` gives, for a line of another product, what last month's bill gives for it; `approved` finds the
    approval that lets a line (by company, tenants and product label) go from its quantity to zero. `closed`
    is the last day of the month that is counted.
    """

    settings: Settings
    expected: Callable[[Cell, Open], Decimal | None]
    approved: Callable[[Cell, Open, str], Approval | None]
    protected: tuple[Protected, ...]
    today: date
    closed: date


@dataclass
class Takeovers:
    """Every left-over line by the wanted line that bills its seats now; each is in one place.

    `left` are those that no wanted line has to do with. Where several wanted lines bill the seats of one,
    `shared` names it for each of the others (by its place), with the place that it is with.
    """

    rules: Rules
    by_cell: dict[int, list[Claimed]] = field(default_factory=dict)
    left: list[Open] = field(default_factory=list)
    shared: dict[Wanted, list[tuple[Open, Wanted]]] = field(default_factory=dict)

    def of(self, cell: Cell, line: Line | None) -> Takeover:
        """What a cell takes over. Beside a line of its own, a twin that is not ours stays, and is said."""
        every = self.by_cell.get(id(cell))
        if every is None:
            return NOTHING
        beside = line is not None
        claimed = [one for one in every if not (beside and one.twin and not one.told and one.why_not)]
        problems = "; ".join(
            f"{shown(one.open, cell, self.rules.today)}: {why}"
            for one in claimed
            if (why := one.why_not or self._opened_again(cell, one, line))
        )
        said = f"these seats are billed until now by {problems}" if problems else ""
        unsaid = any(one.twin and not one.told for one in claimed)
        return Takeover(tuple(one.open for one in claimed), said, unsaid)

    def _opened_again(self, cell: Cell, one: Claimed, line: Line | None) -> str:
        """Why a line does not end for one that is there: somebody wrote it since, and has perhaps opened it.

        A line is created within a month before its first day.
        """
        old, rules = one.open.line, self.rules
        if line is None or rules.approved(cell, one.open, old.product_identifier.strip()) is not None:
            return ""
        made = date.min if line.effective is None else line.effective - timedelta(days=31)
        if not taken_by_hand(old, rules.settings, made):
            return ""
        return (
            f"it was written by {writer_text(old)}, and line #{line.id} was there by then: it may have been "
            f"opened again. To let it end, add under approvals: {_answer(cell, one.open, rules)}"
        )

    def twins(self, cell: Cell) -> list[Open]:
        """Open lines of the same product on other agreements, that no row speaks of and that do not end."""
        return [
            one.open for one in self.by_cell.get(id(cell), ()) if one.twin and not one.told and one.why_not
        ]


def find_takeovers(cells: Cells, open_lines: OpenLines, products: Products, rules: Rules) -> Takeovers:
    """Bring the open lines that no row speaks of together with the wanted lines.

    A line goes to the wanted one that is nearest: with units on the bill, of its own product, on its own
    agreement.
    """
    spoken_of = cells.managed | cells.beside
    near = _Neighbours(cells.cells)
    result = Takeovers(rules)
    for one in open_lines.every():
        if one.place in spoken_of or not one.line.quantity:
            continue
        if products.of_item(one.line.product_id) is None:
            continue
        wanted = [
            (_nearness(cell, one, relation), number, cell)
            for number, cell in enumerate(near.of(one.agreement))
            if (relation := _relation(cell, one, products, rules.today)) is not None
        ]
        if not wanted:
            result.left.append(one)
            continue
        _, _, cell = min(wanted, key=lambda found: found[:2])
        result.by_cell.setdefault(id(cell), []).append(_claimed(cell, one, products, rules))
        for _, _, other in wanted:
            if other is not cell:
                result.shared.setdefault(wanted_place(other), []).append((one, wanted_place(cell)))
    return result


class _Neighbours:
    """The wanted lines around an agreement: of its company, of its parent, of its children."""

    def __init__(self, cells: Iterable[Cell]) -> None:
        self._of_company: dict[int, list[Cell]] = defaultdict(list)
        self._of_agreement: dict[int, list[Cell]] = defaultdict(list)
        self._of_parent: dict[int, list[Cell]] = defaultdict(list)
        for cell in cells:
            if cell.agreement is None:
                continue
            self._of_company[cell.agreement.company_id].append(cell)
            self._of_agreement[cell.agreement.id].append(cell)
            if cell.agreement.parent_id is not None:
                self._of_parent[cell.agreement.parent_id].append(cell)

    def of(self, agreement: Agreement) -> list[Cell]:
        """Each once."""
        found = [*self._of_company.get(agreement.company_id, ()), *self._of_parent.get(agreement.id, ())]
        if agreement.parent_id is not None:
            found += self._of_agreement.get(agreement.parent_id, ())
        return list({id(cell): cell for cell in found}.values())


def _side_by_side(agreement: Agreement, one: Open, today: date) -> bool:
    """Whether both agreements run at once; one that follows the other bills other months."""
    day = day_that_counts(agreement, today)
    return one.agreement.in_force(day) and agreement.in_force(one.day)


def _relation(cell: Cell, one: Open, products: Products, today: date) -> str | None:
    """What makes the line bill the cell's seats; None where nothing does."""
    item, number = cell.product.item, one.line.product_id
    if cell.agreement is None or not _side_by_side(cell.agreement, one, today):
        return None
    if item is not None and number == item.id:
        return "same" if one.agreement.id != cell.agreement.id else None
    if number in products.replaced(cell.product):
        return "replaced"
    return "code" if products.carried(number) & cell.every_code else None


def _nearness(cell: Cell, one: Open, relation: str) -> tuple[bool, ...]:
    """Smallest first: with units on the bill, of the same product, on the same agreement."""
    here = cell.agreement is not None and cell.agreement.id == one.agreement.id
    uses = any(any(feeding.now.values()) for feeding in cell.feedings)
    return not uses, relation != "same", not here


def _claimed(cell: Cell, one: Open, products: Products, rules: Rules) -> Claimed:
    item, agreement = cell.product.item, one.agreement
    twin = item is not None and one.line.product_id == item.id
    origins = [feeding.party.row.moved_from for feeding in cell.feedings]
    told = any(origin is not None and is_named(agreement, origin) for origin in origins)
    return Claimed(one, twin, told, _why_not(cell, one, products, rules, twin=twin, told=told))


def _why_not(cell: Cell, one: Open, products: Products, rules: Rules, *, twin: bool, told: bool) -> str:
    """Why the line may not end unasked; nothing where it may (`twin` and `told` as in `Claimed`)."""
    line, agreement = one.line, one.agreement
    if cell.agreement is None or agreement.company_id != cell.agreement.company_id:
        return "it is on an agreement of another company: end it in ConnectWise, or exclude one of the two"
    if line.cancelled is not None:
        return f"somebody ends it on {line.cancelled}: take that date back or bring it forward in ConnectWise"
    guard = _protected(one, products, rules.protected)
    label = line.product_identifier.strip()
    if guard or rules.approved(cell, one, label) is not None:
        return guard
    ours = is_ours(line, rules.settings)
    if _are_family(cell.agreement, agreement) and not told:
        return "correct the agreement of the row, end that line, or say `movedFrom`"
    if ours:
        return ""
    if twin and not told:
        return (
            "correct the agreement of the row, or end that line; if the customer has moved from there, say "
            "`movedFrom`"
        )
    expected = rules.expected(cell, one)
    who = writer_text(line)
    if taken_by_hand(line, rules.settings, rules.closed):
        who += f", after the month had closed on {rules.closed}"
    elif expected is not None and expected == line.quantity:
        return ""
    would = "what last month's bill gives for it is not known"
    if expected is not None:
        would = f"last month's bill gives {plain(expected)}"
    answer = _answer(cell, one, rules)
    return f"its quantity was set by {who}, and {would}. To let it end, add under approvals: {answer}"


def _answer(cell: Cell, one: Open, rules: Rules) -> str:
    """The approval that lets the line end, as YAML."""
    line = one.line
    return (
        f"{{customer: {cell.company}, product: {line.product_identifier.strip()}, from: "
        f"{plain(line.quantity)}, upTo: 0, given: {given_text([line.last_updated], rules.today)}, reason: …, "
        "until: …}"
    )


def _are_family(one: Agreement, other: Agreement) -> bool:
    """Parent and child, or children of one parent: each may well bill the same product."""
    if one.id == other.id:
        return False
    siblings = one.parent_id is not None and one.parent_id == other.parent_id
    return siblings or one.id == other.parent_id or other.id == one.parent_id


def _protected(one: Open, products: Products, protected: Iterable[Protected]) -> str:
    managed = products.of_item(one.line.product_id)
    names = {identifier_key(one.line.product_identifier)}
    if managed is not None:
        names.add(identifier_key(managed.label))
    found = next((p for p in protected if p.kind == "product" and p.key in names), None)
    if found is None:
        return ""
    return f"{found.text} is protected: take it off the protected list in a reviewed change, if that is meant"


def shown(one: Open, cell: Cell, today: date) -> str:
    """`line #12 of MSP-OLD (20)`, and its agreement where that is another one."""
    text = f"line #{one.line.id} of {one.line.product_identifier.strip()} ({plain(one.line.quantity)})"
    if cell.agreement is not None and one.agreement.id != cell.agreement.id:
        text += f" on {describe(one.agreement, today)}"
    return text

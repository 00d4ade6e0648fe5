"""Which wanted line bills the seats of each open line at whose place no row speaks.

A seat is never on two lines. Every open line of the site that may bill seats of ours is brought together with
the wanted lines: by its product, by a product that replaces it, by a code that its product ever had, by a row
that says where its customer was before, by our own hand, and by its number. Where that is certain, the old
line ends and the wanted one starts. Otherwise nothing is written for these seats, and both lines are named.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from reconciler.planning.allocation.evidence import Evidence, fitting_numbers, same_company, side_by_side
from reconciler.planning.allocation.why_not import Rules, approval_to_end, or_theirs, why_not
from reconciler.planning.allocation.writers import is_ours, taken_by_hand, writer_text
from reconciler.planning.customers.agreements import describe, is_origin
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.desired import Customer, Settings
    from reconciler.planning.allocation.open_lines import Open, OpenLines
    from reconciler.planning.allocation.origins import Origins
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.cells import Cell, Cells, Wanted


class Relation(StrEnum):
    """What makes an open line bill the seats of a wanted one, the strongest first."""

    TWIN = "its product"
    REPLACED = "a product that it replaces"
    CODE = "a code that both have had"
    OUR_HAND = "our hand"  # written last by our member, and nothing says what feeds its product


_STRENGTH = {relation: number for number, relation in enumerate(Relation)}


@dataclass(frozen=True)
class Claim:
    """An open line that may bill a wanted line's seats until now.

    `told` says that the customer's row names its place (`movedFrom`), `elsewhere` that it is another
    company's, `fits` that it has the units which the wanted line needs beyond its own. `why_not` says why it
    may not end unasked. `who` is the wanted line with those of its customers
    that were billed there.
    """

    open: Open
    who: Cell
    relation: Relation
    told: bool
    elsewhere: bool
    why_not: str
    fits: bool = False

    @property
    def is_twin(self) -> bool:
        """Whether it is of the wanted line's own product."""
        return self.relation is Relation.TWIN

    @property
    def only_without_line(self) -> bool:
        """Whether a wanted line that has a line of its own has nothing to do with it."""
        return bool(self.why_not) and self.is_twin and not (self.told or self.elsewhere or self.fits)


@dataclass(frozen=True)
class Takeover:
    """What a wanted line takes over: lines that end for it. With a `problem` some cannot end unasked.

    `unsaid`: no row says why one of them is there no more; only that it was ours. `tenants` may have been
    billed by them.
    """

    lines: tuple[Open, ...] = ()
    problem: str = ""
    unsaid: bool = False
    tenants: frozenset[str] = frozenset()

    @property
    def units(self) -> Decimal:
        """How many units the lines bill."""
        return sum((old.line.quantity for old in self.lines), ZERO)


NOTHING = Takeover()


class Needed(StrEnum):
    """What it takes that an open line is taken for one of another company's seats."""

    WORD = "a row's word"
    ORIGIN = "a row's word, or where its customers come from"
    SIGN = "its number, or where its customers come from"
    ANY = "a sign, or our hand"


@dataclass
class Allocation:
    """Every open line that concerns us, by whoever speaks of it; each is in exactly one place.

    `spoken` are the lines at places of wanted lines, `beside` those at places of customers that are excluded
    or not synced (`theirs` are the ids of those that are surely such a customer's), `left` those that no
    wanted line and no row has to do with. Where several wanted lines bill
    the seats of a claimed line, `shared` names it for each of the others (by its place), with the place that
    it is with.
    """

    evidence: Evidence
    claims: dict[Wanted, list[Claim]] = field(default_factory=dict)
    spoken: list[Open] = field(default_factory=list)
    beside: list[Open] = field(default_factory=list)
    theirs: set[int] = field(default_factory=set)
    left: list[Open] = field(default_factory=list)
    shared: dict[Wanted, list[tuple[Open, Wanted]]] = field(default_factory=dict)

    def of(self, cell: Cell, line: Line | None) -> Takeover:
        """What a wanted line takes over. Beside a line of its own, a twin that is not ours stays."""
        every = self.claims.get(cell.wanted)
        if every is None:
            return NOTHING
        claims = [claim for claim in every if line is None or not claim.only_without_line]
        problems = "; ".join(
            f"{shown(claim.open, cell, self.evidence.rules.today)}: {why}"
            for claim in claims
            if (why := claim.why_not or self._opened_again(cell, claim, line))
        )
        problem = f"these seats are billed until now by {problems}" if problems else ""
        unsaid = any(claim.is_twin and not claim.told for claim in claims)
        tenants = frozenset(tenant for claim in claims for tenant in claim.who.tenants)
        return Takeover(tuple(claim.open for claim in claims), problem, unsaid, tenants)

    def _opened_again(self, cell: Cell, claim: Claim, line: Line | None) -> str:
        """Why a line does not end for one that is there: somebody wrote it since, and has perhaps opened it.

        A line is created within a month before its first day.
        """
        old, rules = claim.open.line, self.evidence.rules
        if line is None or rules.approved(cell, claim.open, old.product_identifier.strip()) is not None:
            return ""
        made = date.min if line.effective is None else line.effective - timedelta(days=31)
        carries_the_rest = line.quantity not in fitting_numbers(cell)
        in_step = (carries_the_rest or claim.elsewhere) and rules.expected(
            claim.who, claim.open
        ) == old.quantity
        if not taken_by_hand(old, rules.settings, rules.closed if in_step else made):
            return ""
        return (
            f"it was written by {writer_text(old)}, and line #{line.id} was there by then: it may have been "
            f"opened again. To let it end, add under approvals: {approval_to_end(cell, claim.open, rules)}"
        )

    def twins(self, cell: Cell) -> list[Open]:
        """Open lines of the same product on other agreements, that no row speaks of and that do not end."""
        claims = self.claims.get(cell.wanted, ())
        return [claim.open for claim in claims if claim.only_without_line]

    def claim_elsewhere(self, line: Open, *, evidence: Needed) -> bool:
        """Give the line to a wanted line of another company whose seats it may bill; whether there is one."""
        bids = _elsewhere(line, self.evidence, evidence)
        if bids:
            _claim(line, bids, self)
        return bool(bids)

    def claimed(self) -> Iterable[tuple[Wanted, Claim]]:
        """Every claim, with the place of its wanted line."""
        for place, claims in self.claims.items():
            for claim in claims:
                yield place, claim


def allocate(
    cells: Cells, open_lines: OpenLines, products: Products, rules: Rules, origins: Origins
) -> Allocation:
    """Give every open line that concerns us its place: at a row, with the nearest wanted line, or left.

    A line concerns us where its product is, was or is to be fed by a Sophos code, or replaced by one that is,
    and where our own member wrote it last. One of a product of which it wrote other lines is asked about
    where it may bill our seats. The nearest wanted line is one with units on the bill, of the line's own
    product, on its own agreement.
    """
    managed = cells.managed
    near = _Neighbours(cells.cells)
    result = Allocation(Evidence(cells.cells, open_lines, products, rules, origins))
    for line in open_lines.every():
        if line.place in managed:
            result.spoken.append(line)
            continue
        known = concerns(line, products, rules.settings)
        if not known and line.line.product_id not in rules.by_our_hand:
            continue
        if known and line.place in cells.beside and _is_theirs(line, cells.beside[line.place]):
            result.theirs.add(line.line.id)
            result.beside.append(line)
            continue
        bids = _around(line, near, result.evidence)
        if line.place in cells.beside and not any(result.evidence.needs(bid.cell) for bid in bids):
            result.beside.append(line)
            continue
        if bids:
            bids += _elsewhere(line, result.evidence, Needed.ORIGIN)
            _claim(line, bids, result, cells.beside.get(line.place))
        elif known:
            result.left.append(line)
    return result


def concerns(line: Open, products: Products, settings: Settings) -> bool:
    """Whether a line at no row's place concerns us: by its product, or because our member wrote it last."""
    return products.of_item(line.line.product_id) is not None or is_ours(line.line, settings)


def _is_theirs(line: Open, cell: Cell) -> bool:
    """Whether a line is of customers that are not synced: their row names it, or it has their number."""
    named = {*cell.terms.fixed, cell.terms.line}
    return line.line.id in named or line.line.quantity in fitting_numbers(cell)


@dataclass(frozen=True)
class _Bid:
    cell: Cell
    relation: Relation
    told: bool
    elsewhere: bool


def _around(line: Open, near: _Neighbours, evidence: Evidence) -> list[_Bid]:
    """The wanted lines of the line's company, its parent's and its children's that may bill its seats."""
    bids = []
    if not line.line.quantity:
        return []
    for cell in near.of(line.agreement):
        relation = _relation(cell, line, evidence)
        if relation is None and same_company(cell, line) and evidence.may_be_ours(cell, line):
            relation = Relation.OUR_HAND
        if relation is not None:
            bids.append(_Bid(cell, relation, is_told(cell, line.agreement), elsewhere=False))
    return bids


def _elsewhere(line: Open, evidence: Evidence, needed: Needed) -> list[_Bid]:
    """The wanted lines of other companies that need more than their own line, and whose seats this may bill.

    It does where a row says that its customer comes from there, or its name or Git does; where its number is
    theirs; and where we wrote it ourselves for somebody.
    """
    bids = []
    if needed is Needed.ANY and evidence.moved_from(line.agreement):
        needed = Needed.SIGN  # it was written for the customer who was billed there
    by_our_hand = needed is Needed.ANY and evidence.rules.is_ours(line.line)
    for cell in evidence.may_be_billed_by(line, by_our_hand=by_our_hand):
        told = is_told(cell, line.agreement)
        relation = _relation(cell, line, evidence)
        if relation is None or same_company(cell, line):
            continue
        if told or (needed is not Needed.WORD and _is_seen(cell, line, evidence, needed)):
            bids.append(_Bid(cell, relation, told, elsewhere=True))
    return bids


def _is_seen(cell: Cell, line: Open, evidence: Evidence, needed: Needed) -> bool:
    """Whether as much as is needed speaks for it that another company's line is of a wanted line's seats."""
    if not line.line.quantity:
        return False
    return (
        evidence.comes_from(cell, line)
        or (needed in (Needed.SIGN, Needed.ANY) and evidence.has_its_number(cell, line))
        or (needed is Needed.ANY and evidence.may_be_by_our_hand(cell, line))
    )


def _claim(line: Open, bids: Sequence[_Bid], result: Allocation, beside: Cell | None = None) -> None:
    """Give the line to the nearest wanted line, and tell the others of it.

    Of several firewalls with a line of their own only the one that it names has to do with it. `beside` is
    what customers that are not synced use at its place: the line may be theirs.
    """
    named = [bid for bid in bids if bid.cell.serial and line.line.bears(bid.cell.serial)]
    bids = named or bids
    number = min(range(len(bids)), key=lambda place: (*_nearness(bids[place], line), place))
    bid = bids[number]
    place, who = bid.cell.wanted, _who_was_there(bid, line)
    reason = why_not(
        who, line, result.evidence.products, result.evidence.rules,
        twin=bid.relation is Relation.TWIN, told=bid.told, elsewhere=bid.elsewhere,
        by_our_hand=bid.relation is Relation.OUR_HAND, moved=result.evidence.moved_from(line.agreement),
    )  # fmt: skip
    if beside is not None and not bid.told:
        reason = or_theirs(line, beside)
    fits = result.evidence.has_its_number(bid.cell, line)
    claim = Claim(line, who, bid.relation, bid.told, bid.elsewhere, reason, fits)
    result.claims.setdefault(place, []).append(claim)
    for other in bids:
        if other is not bid:
            result.shared.setdefault(other.cell.wanted, []).append((line, place))


def _who_was_there(bid: _Bid, line: Open) -> Cell:
    """The wanted line with those of its customers alone whose rows say that they were billed there."""
    if not bid.told:
        return bid.cell
    told = [feeding for feeding in bid.cell.feedings if _says(feeding.party.row, bid.cell, line.agreement)]
    return replace(bid.cell, feedings=told)


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
        return list({cell.wanted: cell for cell in found}.values())


def _relation(cell: Cell, line: Open, evidence: Evidence) -> Relation | None:
    """What makes the line bill the cell's seats; None where nothing does."""
    item, number, products = cell.product.item, line.line.product_id, evidence.products
    if cell.agreement is None or not side_by_side(cell.agreement, line, evidence.rules.today):
        return None
    if item is not None and number == item.id:
        return Relation.TWIN if line.agreement.id != cell.agreement.id else None
    if number in products.replaced(cell.product):
        return Relation.REPLACED
    return Relation.CODE if products.carried(number) & cell.every_code else None


def _nearness(bid: _Bid, line: Open) -> tuple[bool | int, ...]:
    """Smallest first: told by a row, with units on the bill, by the strongest relation, on its agreement."""
    cell = bid.cell
    here = cell.agreement is not None and cell.agreement.id == line.agreement.id
    uses = any(any(feeding.now.values()) for feeding in cell.feedings)
    return not uses, not bid.told if bid.elsewhere else False, _STRENGTH[bid.relation], not here


def is_told(cell: Cell, agreement: Agreement) -> bool:
    """Whether a row that feeds the cell says that its customer was billed on that agreement."""
    return any(_says(feeding.party.row, cell, agreement) for feeding in cell.feedings)


def _says(row: Customer, cell: Cell, agreement: Agreement) -> bool:
    company = None if cell.agreement is None else cell.agreement.company_id
    return row.moved_from is not None and is_origin(row.moved_from, agreement, company)


def shown(line: Open, cell: Cell, today: date) -> str:
    """`line #12 of MSP-OLD (20)`, with its agreement, and its company where that is another one."""
    text = line.text
    if cell.agreement is None or line.agreement.id == cell.agreement.id:
        return text
    if line.agreement.company_id != cell.agreement.company_id:
        text += f" of {line.company_text}"
    return f"{text} on {describe(line.agreement, today)}"

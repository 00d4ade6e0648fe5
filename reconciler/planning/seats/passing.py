"""Which line may bill, until now, seats that another one is to bill from now on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING

from reconciler.model.lines import LineState
from reconciler.planning.allocation.evidence import fitting_numbers, was_billed_before
from reconciler.planning.allocation.writers import is_ours
from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.lines.whose_line import of_this_cell
from reconciler.planning.usage.cycles import quantity_before, quantity_now
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from reconciler.model.billing import Line
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.lines.judged import Ground, Judged
    from reconciler.planning.usage.cells import Cell, Feeding

#: A code of a tenant.
Seat = tuple[str, str]
_NONE: frozenset[Seat] = frozenset()
#: Of so many seats it is tried which of them make a line's number.
_MOST_SEATS = 6


@dataclass(frozen=True, slots=True)
class Side:
    """A judged line with its seats.

    `stands` are the units of its open lines, or where it has none, of the lines that end for it; None where
    there is neither. `own` are the numbers that last
    month's and this month's bill give it. `gains` are seats that may not be on it yet. `holds`: seats of
    others may be on it, for no part of its own seats explains its number. `lines` are the units of each of
    its open lines. `rest` are units of others that would explain its number as well, where only a part of its
    own seats does. `ours`: our member wrote each of its lines last, so that their number is no person's.
    """

    judged: Judged
    stands: Decimal | None
    own: frozenset[Decimal]
    gains: frozenset[Seat]
    holds: bool
    lines: tuple[Decimal, ...] = ()
    rest: frozenset[Decimal] = frozenset()
    ours: bool = False

    @classmethod
    def of(cls, judged: Judged, ground: Ground) -> Side:
        """What is known of a line's seats."""
        cell, row = judged.cell, judged.row
        in_step = row.state is LineState.UNCHANGED and not row.held
        if judged.doubled or (in_step and not judged.ends):
            return cls(judged, row.before, frozenset(), _NONE, holds=False)
        if row.left_over:
            stands = None if judged.line is None else judged.line.quantity
            return cls(judged, stands, frozenset(), _NONE, holds=bool(stands))
        lines = [line for line in _in_force(cell, ground) if line.id not in cell.terms.fixed]
        fixed = _on_fixed_lines(cell, ground)
        billed = _there(cell, _units(lines) + fixed) if len(lines) == 1 else None  # of several nobody knows
        gains = frozenset(_gained(cell, billed or _NONE))
        lines = lines or [end.line for end in judged.ends if end.line.quantity > 0]
        stands = _units(lines) if lines else None
        own = frozenset(number - fixed for number in _numbers(cell))
        there = _NONE if stands is None else _there(cell, stands + fixed)
        holds = bool(stands) and there is None
        in_part = stands and there is not None and len(there) < len(list(_seats(cell)))
        rest = frozenset(_rest(cell, stands + fixed)) if stands and in_part else frozenset()
        each, ours = tuple(line.quantity for line in lines), all(is_ours(x, ground.settings) for x in lines)
        return cls(judged, stands, own, gains, holds, each, rest, ours)

    @property
    def surplus(self) -> set[Decimal]:
        """The units by which it may stand above its own: of several open lines each one, or all together.

        What none of its own seats explain was perhaps somebody else's altogether, where no person has set it,
        or where it ends.
        """
        if self.stands is None:
            return set()
        every = {self.stands, *self.lines}
        whole = (
            every
            if self.ours or self.judged.line is None
            else {*self.lines}
            if len(self.lines) > 1
            else set()
        )
        return whole | {units - own for units in every for own in self.own}

    @property
    def wants(self) -> frozenset[Seat]:
        """The seats that it is counted from."""
        return frozenset(_seats(self.judged.cell))

    def is_beside(self, old: Open) -> bool:
        """Whether an old line is of its own product, beside its own line: that one may be of other seats."""
        item = self.judged.cell.product.item
        if item is None or self.judged.line is None or old.agreement.company_id not in self.companies:
            return False
        return old.line.product_id == item.id

    @property
    def companies(self) -> frozenset[int]:
        """The companies that it is billed to, by record id; its customers' where no agreement is chosen."""
        cell = self.judged.cell
        if cell.agreement is not None:
            return frozenset({cell.agreement.company_id})
        return frozenset(a.company_id for feeding in cell.feedings for a in feeding.party.agreements)


def _in_force(cell: Cell, ground: Ground) -> list[Line]:
    """The lines of the cell that are in force on the day that counts."""
    agreement, item = cell.agreement, cell.product.item
    if agreement is None or item is None:
        return []
    day = day_that_counts(agreement, ground.today)
    lines = ground.billing.lines.get(agreement.id, ())
    of_product = [line for line in lines if line.product_id == item.id and line.in_force(day)]
    return of_this_cell(of_product, cell.serial)


def _units(lines: Iterable[Line]) -> Decimal:
    return sum((line.quantity for line in lines), ZERO)


def _on_fixed_lines(cell: Cell, ground: Ground) -> Decimal:
    fixed = [line for line in _in_force(cell, ground) if line.id in cell.terms.fixed]
    return sum((line.quantity for line in fixed if line.quantity > 0), ZERO)


def _numbers(cell: Cell) -> Iterator[Decimal]:
    """What last month's and this month's bill give for the line."""
    for found in (quantity_before(cell), quantity_now(cell)[0]):
        if found is not None:
            yield found.quantity


def _seats(cell: Cell) -> Iterator[Seat]:
    for feeding in cell.feedings:
        for code in feeding.now:
            yield feeding.party.row.tenant_id, code


def _there(cell: Cell, stands: Decimal) -> frozenset[Seat] | None:
    """The seats of a line that explain its number by one of the bills, the most first; None where none do.

    Seats that have been on no bill before are on no line yet.
    """
    every = list(_seats(cell))
    if stands in _numbers(cell):
        return frozenset(every)
    for size in range(len(every) - 1, -1, -1) if len(every) <= _MOST_SEATS else ():
        for seats in combinations(every, size):
            if stands in _numbers(_of_seats(cell, frozenset(seats))):
                return frozenset(seats)
    return None


def _rest(cell: Cell, stands: Decimal) -> Iterator[Decimal]:
    """The units that are missing to a line's number beside each part of its own seats."""
    every = list(_seats(cell))
    for size in range(len(every)):
        for seats in combinations(every, size):
            for number in _numbers(_of_seats(cell, frozenset(seats))):
                if number < stands:
                    yield stands - number


def _of_seats(cell: Cell, seats: frozenset[Seat]) -> Cell:
    """The cell as if these were all of its seats."""
    return replace(cell, feedings=[_part(feeding, seats) for feeding in cell.feedings])


def _part(feeding: Feeding, seats: frozenset[Seat]) -> Feeding:
    def of(units: dict[str, Decimal]) -> dict[str, Decimal]:
        tenant = feeding.party.row.tenant_id
        return {code: number for code, number in units.items() if (tenant, code) in seats}

    before = None if feeding.before is None else of(feeding.before)
    months = tuple(
        month if month.units is None else replace(month, units=of(month.units)) for month in feeding.months
    )
    return replace(feeding, now=of(feeding.now), before=before, months=months)


def _gained(cell: Cell, there: frozenset[Seat]) -> Iterator[Seat]:
    """The seats with units that may not be on the line yet; `there` are those that explain its number.

    Of these it has the units of last month, and not those that have come since.
    """
    for feeding in cell.feedings:
        for code, units in feeding.now.items():
            seat = feeding.party.row.tenant_id, code
            before = None if feeding.before is None else feeding.before.get(code, ZERO)
            has_units = bool(units) or bool(feeding.problem)
            if has_units and (seat not in there or before is None or units > before):
                yield seat


class Passing:
    """The lines that may hold seats of others, by where those others are looked for."""

    def __init__(self, sides: list[Side], ground: Ground) -> None:
        self._sides = sides
        self._ground = ground
        self._of_company: dict[int, list[int]] = defaultdict(list)
        self._by_product: dict[int, list[int]] = defaultdict(list)
        self._of_tenant: dict[str, list[int]] = defaultdict(list)
        for number, side in enumerate(sides):
            item = side.judged.cell.product.item
            for company in side.companies if side.holds or side.rest else ():
                self._of_company[company].append(number)
            if side.holds and item is not None:
                self._by_product[item.id].append(number)
            for feeding in side.judged.cell.feedings:
                if _lost(feeding):
                    self._of_tenant[feeding.party.row.tenant_id].append(number)

    def to(self, number: int) -> list[tuple[int, bool]]:
        """The lines that may bill seats which a line gains, and whether the seats themselves say so."""
        gainer = self._sides[number]
        found: dict[int, bool] = {}
        for loser in (*self._at_home(gainer), *self._where_from(gainer), *self._under_another_code(gainer)):
            found[loser] = True
        for loser in self._by_number(gainer):
            found.setdefault(loser, False)
        found.pop(number, None)
        return sorted(found.items())

    def _at_home(self, gainer: Side) -> Iterator[int]:
        """Lines of the same company."""
        for company in gainer.companies:
            for number in self._of_company.get(company, ()):
                if self._passes(self._sides[number], gainer, gainer.gains):
                    yield number

    def _where_from(self, gainer: Side) -> Iterator[int]:
        """Lines of a company that a customer of the line comes from."""
        origins = self._ground.allocation.evidence.origins
        for feeding in gainer.judged.cell.feedings:
            tenant = feeding.party.row.tenant_id
            seats = frozenset(seat for seat in gainer.gains if seat[0] == tenant)
            for company in origins.of_party(feeding.party) if seats else ():
                for number in self._of_company.get(company, ()):
                    if self._passes(self._sides[number], gainer, seats):
                        yield number

    def _passes(self, loser: Side, gainer: Side, seats: frozenset[Seat]) -> bool:
        """Whether one of these seats may be on the loser, which is not counted from it."""
        losing, gaining = loser.judged.cell, gainer.judged.cell
        if losing.product.item is None:
            return False
        same = losing.product.key == gaining.product.key and losing.agreement is gaining.agreement
        carried = self._ground.products.carried(losing.product.item.id)
        if same or not carried & gaining.every_code:
            return False
        aliases = carried & gaining.every_code - {code for _, code in gainer.wants}
        found = frozenset(seat for seat in seats - loser.wants if aliases or seat[1] in carried)
        if not found or loser.holds:
            return bool(found)
        parts = [found, *(frozenset({seat}) for seat in found)]
        return any(number in loser.rest for part in parts for number in _numbers(_of_seats(gaining, part)))

    def _under_another_code(self, gainer: Side) -> Iterator[int]:
        """Lines of the same company from which a tenant has gone with as many units as it has here anew."""
        for feeding in gainer.judged.cell.feedings:
            tenant = feeding.party.row.tenant_id
            came = _came(feeding)
            for number in self._of_tenant.get(tenant, ()) if came else ():
                side = self._sides[number]
                if side.stands and any(
                    _lost(other) == came
                    for other in side.judged.cell.feedings
                    if other.party.row.tenant_id == tenant
                ):
                    yield number

    def _by_number(self, gainer: Side) -> Iterator[int]:
        """Lines of other companies that stand above their own by as many units as are missing here.

        Equal numbers alone are chance: a tenant that was on no bill before has left no line, and a line of
        one tenant is not another one's.
        """
        cell, evidence = gainer.judged.cell, self._ground.allocation.evidence
        if cell.agreement is None or not self._by_product or not gainer.gains:
            return
        rivals = evidence.products.rivals(cell.product, cell.every_code) & self._by_product.keys()
        numbers = _missing(gainer) if rivals and was_billed_before(cell, evidence.rules) else frozenset()
        for item in sorted(rivals) if numbers else ():
            for number in self._by_product[item]:
                loser = self._sides[number]
                if not loser.companies & gainer.companies and loser.surplus & numbers:
                    yield number


def _missing(gainer: Side) -> frozenset[Decimal]:
    """The units that a line is created or raised from zero for, or by which it is below its tenants' own."""
    cell = gainer.judged.cell
    if not gainer.stands:
        alone = [replace(cell, feedings=[feeding]) for feeding in cell.feedings]
        return fitting_numbers(cell).union(*map(fitting_numbers, alone))
    if gainer.stands in gainer.own:
        return frozenset()
    if len(cell.feedings) == 1:  # one that holds nothing of its own lacks all
        return fitting_numbers(cell) if gainer.holds and gainer.ours else frozenset()
    return frozenset(own - gainer.stands for own in gainer.own if own > gainer.stands)


def _came(feeding: Feeding) -> Decimal:
    """The units of codes that the tenant has anew."""
    before = feeding.before
    if before is None:
        return ZERO
    return sum((units for code, units in feeding.now.items() if not before.get(code)), ZERO)


def _lost(feeding: Feeding) -> Decimal:
    """The units by which the tenant's codes have become fewer."""
    if not feeding.before:
        return ZERO
    return _fewer((units - feeding.now.get(code, ZERO)) for code, units in feeding.before.items())


def _fewer(differences: Iterable[Decimal]) -> Decimal:
    return sum((units for units in differences if units > 0), ZERO)

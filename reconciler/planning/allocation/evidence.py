"""What speaks for it that an open line bills the seats of a wanted line that does not bill them yet."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.planning.customers.agreements import day_that_counts, is_origin
from reconciler.planning.usage.cycles import quantity_before, quantity_now
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Line
    from reconciler.model.desired import Customer, Origin
    from reconciler.planning.allocation.open_lines import Open, OpenLines
    from reconciler.planning.allocation.origins import Origins
    from reconciler.planning.allocation.why_not import Rules
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.cells import Cell, Place, Wanted


def side_by_side(agreement: Agreement, line: Open, today: date) -> bool:
    """Whether both agreements run at once; one that follows the other bills other months."""
    day = day_that_counts(agreement, today)
    return line.agreement.in_force(day) and agreement.in_force(line.day)


def same_company(cell: Cell, line: Open) -> bool:
    """Whether the line is on an agreement of the cell's company."""
    return cell.agreement is not None and cell.agreement.company_id == line.agreement.company_id


def fitting_numbers(cell: Cell) -> frozenset[Decimal]:
    """The quantities that this and last month's bill give a wanted line; zero is none."""
    now, _ = quantity_now(cell)
    return frozenset(found.quantity for found in (now, quantity_before(cell)) if found and found.quantity)


def was_billed_before(cell: Cell, rules: Rules) -> bool:
    """Whether the cell's tenants had its codes on last month's bill, or may have had them."""
    for feeding in cell.feedings:
        tenant = feeding.party.row.tenant_id
        if feeding.before is None:
            if rules.on_last_bill is None or tenant in rules.on_last_bill:
                return True
        elif any(feeding.before.values()):
            return True
    return False


class Evidence:
    """The wanted lines that need more than the lines at their places bill, by what may bill it."""

    def __init__(
        self,
        cells: Sequence[Cell],
        open_lines: OpenLines,
        products: Products,
        rules: Rules,
        origins: Origins,
    ) -> None:
        self.rules = rules
        self.products = products
        self.origins = origins
        there: dict[Place, list[Line]] = defaultdict(list)
        for line in open_lines.every():
            if line.line.in_force(line.day):
                there[line.place].append(line.line)
        self._bare: set[Place] = set()
        self._words: dict[str, tuple[Customer, Origin, int]] = {}
        self._units: dict[Wanted, frozenset[Decimal]] = {}
        self._by_product: dict[int, list[Cell]] = defaultdict(list)
        self._with_word: dict[int, dict[int, Cell]] = defaultdict(dict)
        self._by_origin: dict[tuple[int, int], dict[int, Cell]] = defaultdict(dict)
        self._by_number: dict[tuple[int, Decimal], dict[int, Cell]] = defaultdict(dict)
        rivals: dict[tuple[str, frozenset[str]], frozenset[int]] = {}
        for order, cell in enumerate(cells):
            if cell.agreement is None:
                continue
            self._remember_words(cell, cell.agreement)
            if not any(any(feeding.now.values()) for feeding in cell.feedings):
                continue
            place = cell.agreement.id, cell.product.key
            units = missing_numbers(cell, _units_there(cell, there.get(place)))
            if units is None:
                continue
            key = cell.product.key, cell.every_code
            if key not in rivals:
                rivals[key] = products.rivals(cell.product, cell.every_code)
            self._units[cell.wanted] = units
            self._learn(order, cell, rivals[key], units)
            if place not in there:
                self._bare.add(place)
                for number in rivals[key]:
                    self._by_product[number].append(cell)

    def _remember_words(self, cell: Cell, agreement: Agreement) -> None:
        for feeding in cell.feedings:
            row = feeding.party.row
            if row.moved_from is not None:
                self._words[row.tenant_id] = row, row.moved_from, agreement.company_id

    def _learn(self, order: int, cell: Cell, rivals: Iterable[int], units: Iterable[Decimal]) -> None:
        has_word = any(feeding.party.row.moved_from is not None for feeding in cell.feedings)
        companies = self.origins.of(cell)
        for number in rivals:
            if has_word:
                self._with_word[number][order] = cell
            for company in companies:
                self._by_origin[number, company][order] = cell
            for quantity in units:
                self._by_number[number, quantity][order] = cell

    def may_be_billed_by(self, line: Open, *, by_our_hand: bool) -> Iterable[Cell]:
        """The wanted lines whose seats this line may bill.

        Those of its number, those of customers that come from its company, and those whose row says where
        they were billed; `by_our_hand` all of its product that have no line. A site has thousands of each, of
        which few have to do with each other.
        """
        number = line.line.product_id
        found = {
            **self._with_word.get(number, {}),
            **self._by_origin.get((number, line.agreement.company_id), {}),
            **self._by_number.get((number, line.line.quantity), {}),
        }
        near = [found[order] for order in sorted(found)]
        if not by_our_hand:
            return near
        known = {id(cell) for cell in near}
        return [*near, *(cell for cell in self._by_product.get(number, ()) if id(cell) not in known)]

    def moved_from(self, agreement: Agreement) -> list[Customer]:
        """The rows which say that their customers were billed on the agreement."""
        return [row for row, word, company in self._words.values() if is_origin(word, agreement, company)]

    def may_be_ours(self, cell: Cell, line: Open) -> bool:
        """Whether a line whose product has lost its tag, and is of our hand, may be of these seats."""
        if not self._is_bare(cell) or self.products.of_item(line.line.product_id) is not None:
            return False
        if cell.agreement is None or not side_by_side(cell.agreement, line, self.rules.today):
            return False
        return line.line.product_id in self.rules.by_our_hand and was_billed_before(cell, self.rules)

    def needs(self, cell: Cell) -> bool:
        """Whether a wanted line needs other units than those of the lines at its place."""
        return cell.wanted in self._units

    def _is_bare(self, cell: Cell) -> bool:
        return cell.agreement is not None and (cell.agreement.id, cell.product.key) in self._bare

    def comes_from(self, cell: Cell, line: Open) -> bool:
        """Whether a customer of the wanted line, who was billed last month, comes from the line's company."""
        return line.agreement.company_id in self.origins.of(cell) and was_billed_before(cell, self.rules)

    def has_its_number(self, cell: Cell, line: Open) -> bool:
        """Whether the wanted line needs the line's number, and no tenant without a synced row has it."""
        if line.line.quantity not in self._units.get(cell.wanted, ()):
            return False
        codes = self.products.carried(line.line.product_id)
        return not any(line.line.quantity in self.rules.of_strangers.get(code, ()) for code in codes)

    def may_be_by_our_hand(self, cell: Cell, line: Open) -> bool:
        """Whether our member wrote the line last, and the wanted one has none and was billed last month."""
        return self.rules.is_ours(line.line) and self._is_bare(cell) and was_billed_before(cell, self.rules)


def _units_there(cell: Cell, lines: Sequence[Line] | None) -> Decimal | None:
    """The units of the lines at a wanted line's place; of a firewall those of its own, or of all."""
    if lines is None:
        return None
    own = [line for line in lines if line.bears(cell.serial)] if cell.serial else lines
    if not own and any(line.serial_number.strip() for line in lines):
        return None
    return sum((line.quantity for line in own or lines if line.quantity > 0), ZERO)


def missing_numbers(cell: Cell, there: Decimal | None) -> frozenset[Decimal] | None:
    """The units that a wanted line needs beyond those at its place, by this and last month's bill.

    `there` are the units of the lines at its place, None where there is none. None where they are what one
    of the bills gives; an empty set where there are more. Of several customers each one alone may be missing.
    """
    if there is None:
        return fitting_numbers(cell)
    now, _ = quantity_now(cell)
    if now is not None and there == now.quantity:
        return None  # most lines by far
    numbers = fitting_numbers(cell)
    if there in numbers:
        return None
    missing = frozenset(number - there for number in numbers if number > there)
    if not missing or len(cell.feedings) == 1:
        return missing
    alone = (fitting_numbers(replace(cell, feedings=[feeding])) for feeding in cell.feedings)
    return missing.union(number for own in alone for number in own if number <= max(missing))

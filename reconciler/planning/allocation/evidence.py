"""What speaks for it that an open line bills the seats of a wanted line that has none yet."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.usage.cycles import quantity_before, quantity_now

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Agreement, Line
    from reconciler.planning.allocation.open_lines import Open, OpenLines
    from reconciler.planning.allocation.why_not import Rules
    from reconciler.planning.products.managed import Products
    from reconciler.planning.usage.cells import Cell


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
    """The wanted lines that have no line yet, by the products whose lines may bill their seats."""

    def __init__(
        self, cells: Sequence[Cell], open_lines: OpenLines, products: Products, rules: Rules
    ) -> None:
        self.rules = rules
        self.products = products
        covered = {line.place for line in open_lines.every() if line.line.in_force(line.day)}
        self._bare = [
            cell
            for cell in cells
            if cell.agreement is not None
            and (cell.agreement.id, cell.product.key) not in covered
            and any(any(feeding.now.values()) for feeding in cell.feedings)
        ]
        self._places = {(cell.agreement.id, cell.product.key) for cell in self._bare if cell.agreement}
        self._by_product: dict[int, list[Cell]] = defaultdict(list)
        self._with_word: dict[int, dict[int, Cell]] = defaultdict(dict)
        self._by_number: dict[tuple[int, Decimal], dict[int, Cell]] = defaultdict(dict)
        rivals: dict[tuple[str, frozenset[str]], frozenset[int]] = {}
        for order, cell in enumerate(self._bare):
            has_word = any(feeding.party.row.moved_from is not None for feeding in cell.feedings)
            units = fitting_numbers(cell)
            key = cell.product.key, cell.every_code
            if key not in rivals:
                rivals[key] = products.rivals(cell.product, cell.every_code)
            for number in rivals[key]:
                self._by_product[number].append(cell)
                if has_word:
                    self._with_word[number][order] = cell
                for quantity in units:
                    self._by_number[number, quantity][order] = cell

    def without_line(self, line: Line, *, by_our_hand: bool) -> Iterable[Cell]:
        """The wanted lines without a line whose seats this line may bill.

        Those of its number, and those whose row says where they were billed; `by_our_hand` all of its
        product. A site has thousands of either, of which few have to do with each other.
        """
        number = line.product_id
        if by_our_hand:
            return self._by_product.get(number, ())
        found = {**self._with_word.get(number, {}), **self._by_number.get((number, line.quantity), {})}
        return [found[order] for order in sorted(found)]

    def may_be_ours(self, cell: Cell, line: Open) -> bool:
        """Whether a line that our member wrote last may be of these seats, whatever its product says."""
        if cell.agreement is None or (cell.agreement.id, cell.product.key) not in self._places:
            return False
        if not self.rules.is_ours(line.line) or not side_by_side(cell.agreement, line, self.rules.today):
            return False
        if line.line.quantity in fitting_numbers(cell):
            return True
        return self.products.of_item(line.line.product_id) is None and was_billed_before(cell, self.rules)

    def may_be_elsewhere(self, cell: Cell, line: Open, *, only_by_number: bool) -> bool:
        """Whether another company's line may be of these seats.

        Its number is theirs this month or last, and no tenant without a synced row has that number; or our
        member wrote it last, and they were on last month's bill.
        """
        if not line.line.quantity:
            return False
        if self.rules.is_ours(line.line) and was_billed_before(cell, self.rules) and not only_by_number:
            return True
        if line.line.quantity not in fitting_numbers(cell):
            return False
        codes = self.products.carried(line.line.product_id)
        return not any(line.line.quantity in self.rules.of_strangers.get(code, ()) for code in codes)

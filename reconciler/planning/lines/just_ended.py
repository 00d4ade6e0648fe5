"""Lines that billed the seats of a wanted line through the day before it starts, and are over.

That a line of a fitting product ended on that day says nothing yet: it may have been another customer's.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

from reconciler.planning.allocation.allocation import is_told
from reconciler.planning.allocation.evidence import fitting_numbers, same_company
from reconciler.planning.allocation.writers import is_ours

if TYPE_CHECKING:
    from datetime import date

    from reconciler.model.billing import Agreement, Line
    from reconciler.planning.allocation.open_lines import Open
    from reconciler.planning.lines.judged import Ground
    from reconciler.planning.usage.cells import Cell


def just_ended(cell: Cell, agreement: Agreement, ground: Ground) -> list[Open]:
    """Lines of the cell's seats that a run or a person ended on the day before the next invoice.

    They are around its agreement, or at the company where a row says that its customer was billed.
    """
    rivals = ground.products.rivals(cell.product, cell.every_code)
    return [
        one
        for one in ground.open_lines.just_ended(agreement, told_agreements(cell, ground))
        if one.line.product_id in rivals and _is_of(cell, one, ground)
    ]


def billed_until(cell: Cell, agreement: Agreement, start: date, ground: Ground) -> bool:
    """Whether units of these seats were billed through the day before `start`, by lines that are over.

    Of an agreement that this one renews, the lines of its last day count.
    """
    item = cell.product.item
    if any(_bills(one.line, cell) for one in just_ended(cell, agreement, ground)):
        return True
    if item is None:
        return False
    renewed = ground.open_lines.predecessors(agreement, item.id, still_on=start - timedelta(days=1))
    return any(_bills(line, cell) for line in renewed)


def told_agreements(cell: Cell, ground: Ground) -> list[Agreement]:
    """The agreements of other companies at which a row says that the cell's customers were billed."""
    companies = ground.allocation.evidence.origins.of(cell)
    every = (one for company in sorted(companies) for one in ground.open_lines.agreements_of(company))
    return [agreement for agreement in every if is_told(cell, agreement)]


def _is_of(cell: Cell, one: Open, ground: Ground) -> bool:
    """Whether a line was of the cell's seats: at its own place, or, where no row speaks of it, by a sign.

    The sign is our hand, for a run ends what it moves; the number of this or last month's bill is one as
    well, and the only one for a line of another company that no row names.
    """
    if one.place in ground.managed:
        return cell.agreement is not None and one.place == (cell.agreement.id, cell.product.key)
    if not one.line.quantity:
        return False
    ours = is_ours(one.line, ground.settings) and (same_company(cell, one) or is_told(cell, one.agreement))
    return ours or _has_number(cell, one.line)


def _has_number(cell: Cell, line: Line) -> bool:
    """Whether a line has the number of the cell, or of one of the customers who feed it."""
    alone = (replace(cell, feedings=[feeding]) for feeding in cell.feedings)
    return any(line.quantity in fitting_numbers(one) for one in (cell, *alone))


def _bills(line: Line, cell: Cell) -> bool:
    """Whether it billed units of the cell's seats at all; a firewall's own line bills no other one's."""
    item = cell.product.item
    others = bool(cell.serial) and item is not None and line.product_id == item.id
    return bool(line.quantity) and not line.never_bills and (not others or line.bears(cell.serial))

"""One line that stands there twice, because two runs created it at the same moment.

Each run looks again after it has created a line, and ends its own where another one was first. Where a server
shows writes late, or a run was cut off before it could look, both stay open until the next plan sees them.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from reconciler.planning.allocation.writers import is_ours
from reconciler.planning.customers.agreements import day_that_counts
from reconciler.planning.lines.judged import Judged, decide, end_line
from reconciler.planning.lines.rows import row_of, with_line
from reconciler.planning.lines.whose_line import of_this_cell
from reconciler.planning.usage.cycles import quantity_before, quantity_now
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from reconciler.model.billing import Line
    from reconciler.model.desired import Settings
    from reconciler.planning.lines.judged import Ground
    from reconciler.planning.usage.cells import Cell


def doubled(cell: Cell, lines: Iterable[Line], day: date, settings: Settings) -> tuple[Line, ...]:
    """Of a cell's lines those that are a second one of the first, by id.

    They are alike in everything and our member wrote each of them last. Lines that differ are a question. So
    are those of which a row names one, those that a person wrote, and those that share what is on the bill.
    """
    terms = cell.terms
    current = sorted((line for line in lines if line.in_force(day)), key=lambda line: line.id)
    rest = [line for line in current if line.id not in terms.fixed]
    if len(rest) < 2 or terms.line is not None or not all(is_ours(line, settings) for line in rest):
        return ()
    first, *later = rest
    if not all(_alike(first, line) for line in later) or _is_shared(cell, rest):
        return ()
    return tuple(later)


def _is_shared(cell: Cell, lines: Sequence[Line]) -> bool:
    """Whether the lines together, and not one of them, are what a month's bill gives."""
    together = sum((line.quantity for line in lines), ZERO)
    counted = (quantity_now(cell)[0], quantity_before(cell))
    return bool(together) and any(one is not None and one.quantity == together for one in counted)


def _alike(one: Line, other: Line) -> bool:
    return replace(one, id=other.id, last_updated=other.last_updated, updated_by=other.updated_by) == other


def end_doubled(cells: Iterable[Cell], ground: Ground) -> list[Judged]:
    """The rows of second lines: each ends, without units, so that no invoice bills it again."""
    return [judged for cell in cells for judged in _of_cell(cell, ground)]


def _of_cell(cell: Cell, ground: Ground) -> list[Judged]:
    agreement, item = cell.agreement, cell.product.item
    if agreement is None or item is None:
        return []
    of_product = [one for one in ground.billing.lines.get(agreement.id, ()) if one.product_id == item.id]
    if len(of_product) < 2:
        return []
    lines = of_this_cell(of_product, cell.serial)
    found = []
    for line in doubled(cell, lines, day_that_counts(agreement, ground.today), ground.settings):
        reason = f"two runs created it at the same moment: line #{line.id} is another one in everything alike"
        # by the line and not by its firewall, which is the first line's
        row = with_line(row_of(cell), line, agreement).but(left_over=True, serial="", reason=reason)
        judged = Judged(row, cell, line, settled=True, doubled=True)
        if cell.product.stop:
            found.append(replace(judged, row=decide(row, cell.product.stop)))
            continue
        ended = end_line(judged, ground)
        if line.cancelled is not None:  # such a day is somebody's word, and is not moved
            said = f"{reason}; it ends on {line.cancelled} already. End one of the two in ConnectWise"
            ended = replace(ended, row=decide(row, said))
        found.append(ended)
    return found

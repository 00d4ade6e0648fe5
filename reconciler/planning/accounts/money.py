"""What an open line bills a month."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.verdict import rounded
from reconciler.planning.lines.rows import amount, billed

if TYPE_CHECKING:
    from reconciler.model.lines import Amount
    from reconciler.planning.allocation.open_lines import Open


def monthly(line: Open) -> Amount:
    """What the line bills a month, before tax, in its currency's decimals; the same before and after."""
    bills = billed(line.line.quantity, line.line.less_included, line.line)
    return rounded(amount(line.agreement, bills, bills))

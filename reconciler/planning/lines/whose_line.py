"""Which line of an agreement carries a product on the day that counts, or why that is not clear."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from reconciler.model.money import USUAL_PLACES, plain, price
from reconciler.planning.allocation.allocation import NOTHING, Takeover
from reconciler.planning.usage.quantities import ZERO

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date
    from decimal import Decimal

    from reconciler.model.billing import Line
    from reconciler.planning.usage.quantities import Terms


@dataclass(frozen=True, slots=True)
class Found:
    """The line that follows Sophos, the units on fixed lines beside it, or why it is not clear.

    `open` are all lines of the product that are in force, `other` those that have ended or not begun; `take`
    are lines elsewhere whose seats it bills.
    """

    line: Line | None = None
    fixed: Decimal = ZERO
    problem: str = ""
    open: tuple[Line, ...] = ()
    other: tuple[Line, ...] = ()
    take: Takeover = NOTHING


def find_line(terms: Terms, of_product: Iterable[Line], day: date, places: int = USUAL_PLACES) -> Found:
    """The line of a product that is in force on the day: one that ends and its follower are a sequence.

    `places` are the decimals of the agreement's currency, for what is said of prices.
    """
    lines = sorted(of_product, key=lambda line: line.id)
    current = tuple(line for line in lines if line.in_force(day))
    other = tuple(line for line in lines if not line.in_force(day))
    fixed = [line for line in current if line.id in terms.fixed]
    rest = [line for line in current if line.id not in terms.fixed]
    # a credit that stays bills nobody's seats: the others are not raised by it
    units = sum((line.quantity for line in fixed if line.quantity > 0), ZERO)
    problem = _odd_ends(lines, current) or _unclear(terms, fixed, rest, places)
    line = None if problem or not rest else rest[0]
    return Found(line, units, problem, current, other)


def _odd_ends(lines: Iterable[Line], current: Sequence[Line]) -> str:
    """Lines whose last day lies before their first one may be billed all the same: both are named."""
    odd = [line for line in lines if line.has_odd_end]
    if not odd:
        return ""
    shown = " and ".join(
        f"line #{line.id} ({plain(line.quantity)}) begins on {line.effective or '?'} and "
        f"ends on {line.cancelled}"
        for line in odd
    )
    beside = "".join(f", beside line #{line.id} ({plain(line.quantity)})" for line in current)
    return (
        f"{shown}{beside}, so that it cannot be said whether it is billed. In ConnectWise take that last day "
        "back, or set the line to 0 units"
    )


def _unclear(terms: Terms, fixed: Sequence[Line], rest: Sequence[Line], places: int) -> str:
    missing = sorted(set(terms.fixed) - {line.id for line in fixed})
    if missing:
        return f"fixed line {ids(missing)} is not an open line of this product here"
    if terms.line is not None:
        others = [line.id for line in rest if line.id != terms.line]
        if len(others) == len(rest):
            return f"line #{terms.line} is not an open line of this product here"
        if others:
            return (
                f"line {ids(others)} is open beside #{terms.line}; name it under the customer's `fixed`, or "
                "end it"
            )
    elif len(rest) > 1:
        shown = " and ".join(
            f"#{line.id} ({plain(line.quantity)} × {price(line.unit_price, places):f})" for line in rest
        )
        together = plain(sum((line.quantity for line in rest), ZERO))
        return (
            f"{len(rest)} open lines, {shown}, together {together}. Which one shall follow Sophos? "
            "Name it under the customer's lines: {line: …, fixed: […]}"
        )
    return ""


def of_this_cell(lines: Iterable[Line], serial: str) -> list[Line]:
    """The lines of one firewall, where each has a line of its own; otherwise all of them."""
    return [line for line in lines if not serial or line.bears(serial)]


def ids(numbers: Iterable[int]) -> str:
    """Record ids for people: `#5512, #5513`."""
    return ", ".join(f"#{number}" for number in numbers)

"""Money and quantities are Decimals; two places at the edge, and strings in JSON."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import lru_cache

_CENT = Decimal("0.01")


def cents(amount: Decimal) -> Decimal:
    """The amount with two places, half up, as invoices round."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP)


def plain(number: Decimal) -> str:
    """A quantity as people write it: `20`, `12.5`; never `2E+1`."""
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def money_text(amount: Decimal) -> str:
    """An amount with thousands separators and two places: `48,210.40`."""
    return f"{cents(amount):,.2f}"


def parse_decimal(value: object) -> Decimal | None:
    """A finite Decimal from a JSON number or numeric string; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        return None
    return _finite(str(value))


@lru_cache(maxsize=10_000)
def _finite(text: str) -> Decimal | None:
    """Kept, because a large site has the same few numbers in hundreds of thousands of places."""
    try:
        number = Decimal(text.strip())
    except InvalidOperation:
        return None
    return number if number.is_finite() else None

"""Money and quantities are Decimals; two places at the edge, and strings in JSON."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

_CENT = Decimal("0.01")
#: More digits than any product of two numbers that `parse_decimal` lets in has.
_WIDE = Context(prec=60)
_INTEGER_DIGITS = 15
#: Floating-point noise such as 5.551115123125783e-17 is a number still.
_PLACES = 40


def cents(amount: Decimal) -> Decimal:
    """The amount with two places, half up, as invoices round."""
    return amount.quantize(_CENT, rounding=ROUND_HALF_UP, context=_WIDE)


def plain(number: Decimal) -> str:
    """A quantity as people write it: `20`, `12.5`; never `2E+1`."""
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def money_text(amount: Decimal) -> str:
    """An amount with thousands separators and two places: `48,210.40`."""
    return f"{cents(amount):,.2f}"


def parse_decimal(value: object) -> Decimal | None:
    """A finite Decimal from a JSON number or numeric string; None for anything else.

    None as well for a number with more than 15 digits before the point or 40 behind it: nothing that is
    counted or paid has them, and arithmetic would fail on it later.
    """
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal | float):
        return None
    return _finite(str(value))


@lru_cache(maxsize=10_000)
def _finite(text: str) -> Decimal | None:
    """Kept, because a large site has the same few numbers in hundreds of thousands of places."""
    try:
        number = Decimal(text.strip())
    except ArithmeticError:
        return None
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int) or not -_PLACES <= exponent <= _INTEGER_DIGITS:
        return None
    return number if number.adjusted() < _INTEGER_DIGITS or not number else None

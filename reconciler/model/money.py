"""Money and quantities are Decimals; the currency's places at the edge, and strings in JSON."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal
from functools import lru_cache

#: The decimals of most currencies, and of one whose own are not known.
USUAL_PLACES = 2
#: ISO 4217 knows currencies with none (ISK, JPY) up to four decimals (CLF, UYW).
MOST_PLACES = 4
#: More digits than any product of two numbers that `parse_decimal` lets in has.
_WIDE = Context(prec=60)
_INTEGER_DIGITS = 15
#: Floating-point noise such as 5.551115123125783e-17 is a number still.
_PLACES = 40


def to_places(amount: Decimal, places: int) -> Decimal:
    """The amount with so many decimals, half up, as invoices round."""
    return amount.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP, context=_WIDE)


def cents(amount: Decimal) -> Decimal:
    """The amount with two places: for what has no currency of its own, or whose decimals are not known."""
    return to_places(amount, USUAL_PLACES)


def price(number: Decimal, places: int = USUAL_PLACES) -> Decimal:
    """A price with its currency's decimals, or with as many more as it has: `4.50`, `0.0375`, `450`."""
    shown = to_places(number, places)
    return shown if shown == number else number.normalize()


def plain(number: Decimal) -> str:
    """A quantity as people write it: `20`, `12.5`; never `2E+1`."""
    text = format(number.normalize(), "f")
    return "0" if text == "-0" else text


def money_text(amount: Decimal, places: int = USUAL_PLACES) -> str:
    """An amount with thousands separators and its currency's decimals: `48,210.40`."""
    return f"{to_places(amount, places):,f}"


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


@lru_cache(maxsize=10_000)
def number(text: str) -> Decimal:
    """The number of a plan file, of which the schema was checked; kept for the same reason."""
    return Decimal(text)


def number_or_none(text: str | None) -> Decimal | None:
    """The number of a plan file, where it has one."""
    return None if text is None else number(text)

"""How many there are of something, as people write it."""

from __future__ import annotations

from decimal import Decimal

from reconciler.model.money import plain


def number_of(count: int | Decimal, noun: str) -> str:
    """`1 line`, `3 lines`, `0.5 units`; the noun is one that takes an s."""
    shown = plain(count) if isinstance(count, Decimal) else str(count)
    return f"{shown} {noun_of(count, noun)}"


def noun_of(count: int | Decimal, noun: str) -> str:
    """`line` of one, `lines` of any other number."""
    return noun if count == 1 else f"{noun}s"

"""Condition strings of ConnectWise's query language, in pieces that fit into a URL."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import quote

from reconciler.model.identifiers import is_safe_in_conditions

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


def literal(text: str) -> str:
    """The text as a literal in double quotes.

    Raises ValueError for characters that cannot be sent safely: how quotes are escaped is undocumented,
    and brackets and percent signs are wildcards of `like` (Developer Guide, "Conditions").
    """
    if not is_safe_in_conditions(text):
        raise ValueError(f"{text!r} cannot stand in a ConnectWise condition; name the record by its id")
    return f'"{text}"'


def encoded_length(text: str) -> int:
    """How many characters the text takes in a URL, as `transport.session.build_query` encodes it."""
    return len(quote(text, safe=",/():"))


def any_of(field: str, values: Sequence[str], budget: int) -> list[list[str]]:
    """The values (ready literals) in chunks, each of which fits as `field in (…)` into the budget.

    The budget is in percent-encoded characters. Raises ValueError for a value that does not fit at all.
    """
    return _fit(values, budget - encoded_length(f"{field} in ()"), encoded_length(","))


def any_equal(field: str, values: Sequence[str], budget: int) -> list[str]:
    """The same as `field = x or field = y`, in parentheses, for servers that refuse `in`."""
    return any_true([f"{field} = {value}" for value in values], budget)


def any_true(terms: Sequence[str], budget: int) -> list[str]:
    """`(a or b or …)`, as many as needed to keep each within the budget."""
    return [f"({' or '.join(part)})" for part in _fit(terms, budget - 2, encoded_length(" or "))]


def _fit(values: Iterable[str], budget: int, separator: int) -> list[list[str]]:
    chunks: list[list[str]] = []
    used = budget + 1
    for value in values:
        length = encoded_length(value)
        if length > budget:
            raise ValueError(f"{value[:80]!r} is too long for a ConnectWise condition")
        if used + separator + length > budget:
            chunks.append([])
            used = length
        else:
            used += separator + length
        chunks[-1].append(value)
    return chunks

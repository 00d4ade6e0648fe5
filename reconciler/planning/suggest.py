"""Did you mean: which known names resemble one that was not found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key, told_apart

if TYPE_CHECKING:
    from collections.abc import Iterable

_LEAST_SIMILARITY = 70
_TYPO_DISTANCE = 2
_LEAST_LENGTH = 5


def suggestions(name: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """The known names that look most like it, best first."""
    from rapidfuzz import fuzz, process

    found = process.extract(
        name,
        sorted(set(known)),
        scorer=fuzz.WRatio,
        processor=identifier_key,
        limit=most,
        score_cutoff=_LEAST_SIMILARITY,
    )
    return tuple(match[0] for match in found)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A sentence with the suggestions, or nothing; one that looks the same shows what differs."""
    found = [told_apart(name, one)[1] for one in suggestions(name, known)]
    return f"Did you mean {' or '.join(found)}? " if found else ""


def nearest(key: str, known: Iterable[str], *, most: int = 3) -> tuple[str, ...]:
    """The known keys from which it differs by a slip of the hand, also in digits; best first."""
    from rapidfuzz.distance import OSA

    wanted = identifier_key(key)
    if len(wanted) < _LEAST_LENGTH:
        return ()
    ranked = []
    for one in sorted(set(known)):
        distance = OSA.distance(wanted, identifier_key(one), score_cutoff=_TYPO_DISTANCE)
        if 0 < distance <= _TYPO_DISTANCE:
            ranked.append((distance, one))
    return tuple(one for _, one in sorted(ranked)[:most])


def looks_like_a_typo(one: str, other: str) -> bool:
    """Whether the two differ by a slip of the hand: at most two letters, and not only in digits.

    `MSP-MDR-1` and `MSP-MDR-2` are siblings, not typos.
    """
    from rapidfuzz.distance import Levenshtein

    left, right = identifier_key(one), identifier_key(other)
    if left == right or min(len(left), len(right)) < _LEAST_LENGTH:
        return False
    if Levenshtein.distance(left, right, score_cutoff=_TYPO_DISTANCE) > _TYPO_DISTANCE:
        return False
    letters = str.maketrans("", "", "0123456789")
    return left.translate(letters) != right.translate(letters)

"""How problems are worded: what stands in a file is shown escaped and short, and near misses are offered."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_SHOWN = 60
_CUTOFF = 70.0

#: Never shown as they are, and never accepted: control characters, characters without width, and marks
#: that reorder the text around them, so that a reviewer reads something else than what is loaded. The
#: marks of right-to-left text without that power (U+200E, U+200F) and joiners may stand in free texts.
HIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2028-\u202e\u2060-\u2069\ud800-\udfff\ufeff\ufff9-\ufffb]"
)


def show(value: object) -> str:
    """A text from a file inside quotes: cut to a line's length, everything unprintable escaped."""
    text = str(value)
    cut = text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
    return '"' + "".join(c if c.isprintable() and c != '"' else _escaped(c) for c in cut) + '"'


def _escaped(char: str) -> str:
    if char == '"':
        return '\\"'
    return {"\n": "\\n", "\t": "\\t", "\r": "\\r"}.get(char, f"\\u{ord(char):04x}")


def subject_of(path: tuple[str | int, ...]) -> str | None:
    """What a path is about, in the plan's own terms: `product/MSP-GOLD`, `code/CEMA-MSP`."""
    kinds = {"mappings": "code", "products": "product", "lines": "product", "customers": "customer"}
    kind = kinds.get(str(path[0])) if len(path) > 1 else None
    if kind is None:
        return None
    return f"{kind}/{str(path[1]).lower() if kind == 'customer' else path[1]}"


def code_point(char: str) -> str:
    """As character tables name it: `U+202E`."""
    return f"U+{ord(char):04X}"


def near(text: str, known: Iterable[str]) -> str | None:
    """The known text that was probably meant, if one is close enough."""
    from rapidfuzz import fuzz, process  # only a file with a mistake needs it

    choices = {candidate.casefold(): candidate for candidate in sorted(known)}
    found = process.extractOne(text.casefold(), list(choices), scorer=fuzz.ratio, score_cutoff=_CUTOFF)
    return choices[found[0]] if found else None


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """`Did you mean "…"?`, or nothing where nothing is near."""
    found = near(text, known)
    return f"Did you mean {show(found)}?" if found and found != text else ""


def either(texts: Iterable[str]) -> str:
    """`a, b or c`."""
    listed = list(texts)
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}" if listed else ""


def sentences(*parts: str) -> str:
    """The parts that are not empty, as one text."""
    return " ".join(part for part in parts if part)

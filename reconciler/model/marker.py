"""The tag in a product's internal notes that says which Sophos products feed it.

`[sophos:OWNER CODE, CODE (sync off), CODE (former)]`: codes sorted, characters outside `A-Z a-z 0-9 _ . -`
percent-encoded. A former code was mapped here once: a line of the product that is still open may bill its
units, and nothing else would remember that. People may write whatever they like around it; every other
character is kept.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_TAG = re.compile(r"\[sophos:([^\]\[]*)\]")
_BODY = re.compile(r"(?P<owner>[A-Za-z0-9_.-]+) (?P<codes>\S.*)")
_ENTRY = re.compile(r"(?P<code>(?:[A-Za-z0-9_.-]|%[0-9A-F]{2})+)(?: \((?P<state>sync off|former)\))?")
_OPENING = "[sophos:"
#: What is left of a tag that cannot be read, up to its line's end: its owner, and whatever follows.
_PIECE = re.compile(r"\[sophos:(?P<owner>\S*)(?P<rest>[^\]\[\n]*)")
_LOOSE_CODE = re.compile(r"(?:[A-Za-z0-9_.-]|%[0-9A-F]{2})+")


@dataclass(frozen=True)
class Marker:
    """One owner's tag: each Sophos product code and whether its usage sync is on, and the former codes."""

    owner: str
    codes: Mapping[str, bool]
    former: frozenset[str] = frozenset()

    def __str__(self) -> str:
        return f"{_OPENING}{self.owner} {self.entries(former=True)}]"

    def entries(self, *, former: bool) -> str:
        """What stands in the tag behind its owner: `CODE, CODE (sync off)`, with or without former codes."""
        states = {code: "" if sync else " (sync off)" for code, sync in self.codes.items()}
        if former:
            states |= {code: " (former)" for code in self.former if code not in self.codes}
        return ", ".join(
            quote(code, safe="").replace("~", "%7E") + state for code, state in sorted(states.items())
        )


@dataclass(frozen=True)
class Tags:
    """What a text holds: well-formed tags, and pieces that look like a tag and cannot be read.

    `salvaged` are words of such pieces that may be codes. They are good for asking, never for writing.
    """

    markers: tuple[Marker, ...]
    unreadable: tuple[str, ...]
    salvaged: frozenset[str] = frozenset()

    @property
    def every_code(self) -> frozenset[str]:
        """Every code of any owner, former ones and those of damaged tags as well: it fed the product once."""
        known = {code for marker in self.markers for code in (*marker.codes, *marker.former)}
        return frozenset(known | self.salvaged)

    def of(self, owner: str) -> tuple[Marker, ...]:
        """The tags of one owner; more than one is a question for people."""
        return tuple(marker for marker in self.markers if marker.owner == owner)

    def of_others(self, owner: str) -> tuple[Marker, ...]:
        """The tags of other owners."""
        return tuple(marker for marker in self.markers if marker.owner != owner)


def read(text: str) -> Tags:
    """The tags in a text. Text without a tag gives none; what a broken one says is never taken for a tag."""
    markers, unreadable = [], []
    for found in _TAG.finditer(text):
        marker = _parse(found[1])
        if marker is None:
            unreadable.append(found[0])
        else:
            markers.append(marker)
    if text.count(_OPENING) > len(markers) + len(unreadable):
        unreadable.append(_OPENING)
    return Tags(tuple(markers), tuple(unreadable), _salvaged(text) if unreadable else frozenset())


def _salvaged(text: str) -> frozenset[str]:
    """The words that follow an owner's name in a damaged tag, where they may be codes."""
    words = [word for piece in _PIECE.finditer(text) for word in re.split(r"[\s,;()]+", piece["rest"])]
    return frozenset(unquote(word) for word in words if _LOOSE_CODE.fullmatch(word))


def _parse(body: str) -> Marker | None:
    found = _BODY.fullmatch(body)
    if not found:
        return None
    codes: dict[str, bool] = {}
    former: set[str] = set()
    for entry in found["codes"].split(", "):
        match = _ENTRY.fullmatch(entry)
        if not match:
            return None
        code = unquote(match["code"])
        if code in codes or code in former:
            return None
        if match["state"] == "former":
            former.add(code)
        else:
            codes[code] = match["state"] is None
    return Marker(found["owner"], codes, frozenset(former))


def write(text: str, owner: str, codes: Mapping[str, bool], former: Iterable[str] = ()) -> str:
    """The text with the owner's tag set to these codes (none: taken out), all else as it was.

    A new tag goes on a line of its own at the end; taking out a tag at the end takes that line break
    along.
    """
    own = Marker(owner, codes, frozenset(former) - codes.keys())
    tag = str(own) if own.codes or own.former else ""
    for found in _TAG.finditer(text):
        marker = _parse(found[1])
        if marker is None or marker.owner != owner:
            continue
        before, after = text[: found.start()], text[found.end() :]
        if not tag and not after and before[-1:] in ("\n", " "):
            before = before[:-1]
        return before + tag + after
    if not tag:
        return text
    return f"{text}\n{tag}" if text else tag


def without(text: str, owner: str) -> str:
    """What people wrote, with blanks folded: for comparing that a write left it alone."""
    return " ".join(write(text, owner, {}).split())

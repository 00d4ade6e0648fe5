"""A file that was right, spoiled by somebody or something: as bytes, and as JSON that is signed again."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Iterator

#: What is put into a text: parts of YAML, JSON and Unicode that mean something to a parser or a terminal.
_TEXTS = (
    "", "\x00", "\x1b[2J", "\u202e", "\ufeff", "\u2028", "\t", "\r", "\n", "---\n", "...\n", "<<: *a",
    "&a ", "*a",
    "!!python/object/apply:os.system [id]", "!x", "? ", "- ", ": ", ", ", "{", "}", "[", "]", '"', "'",
    "|", ">", "#", "%", "@", "`", "null", "true", "~", "4,50", "1e999", "-0", "NaN", "0x1F", "9" * 400,
    "[" * 3000, "{" * 400,
    '{"a":' * 3000, "2026-02-30", "9999-12-31", "\\ud800", "$(id)", "::error::x", "=1+1", "\n  ",
)  # fmt: skip
PIECES = (*(text.encode() for text in _TEXTS), b"\xff\xfe", b"\xc3", b"\x80", b"\xed\xa0\x80")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 10**30, 1.5, 1e308, float("nan"), float("inf"), "", " ", "\ud800", "\x1b[2J",
    "\u202e", "9" * 400, "-0", "1e5", "0001-01-01", "9999-12-31", "2026-02-30", "x" * 70_000, [], {}, [[]],
    [None], {"id": True}, "<script>", "=1+1", "::error::x", "../../x", "\n",
)  # fmt: skip
#: A place as a share of the whole, how much is taken out there, and what is put in.
CUTS = st.lists(
    st.tuples(st.floats(0, 1), st.integers(0, 40), st.sampled_from(PIECES)), min_size=1, max_size=4
)
#: A place among all values of a document, and what becomes of it.
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1, exclude_max=True),
        st.sampled_from(("set", "remove", "repeat", "move", "add")),
        st.sampled_from(VALUES),
    ),
    min_size=1,
    max_size=3,
)


def cut(content: bytes, cuts: list[tuple[float, int, bytes]]) -> bytes:
    """The content with these cuts made, one after the other."""
    for place, length, piece in cuts:
        start = int(place * len(content))
        content = content[:start] + piece + content[start + length :]
    return content


def edited(document: Any, edits: list[tuple[float, str, Any]]) -> Any:
    """A copy of the document with these edits made, one after the other."""
    document = deepcopy(document)
    for place, what, value in edits:
        places = list(_places(document))
        if places:
            _edit(*places[int(place * len(places))], what, deepcopy(value), places)
    return document


def dumped(document: Any) -> bytes:
    """As JSON, with what Python writes and other programs do not (NaN, half characters)."""
    return json.dumps(document).encode()


def _places(document: Any) -> Iterator[tuple[Any, Any]]:
    """Each container with each of its keys."""
    inside: Any = ()
    if isinstance(document, dict):
        inside = document.items()
    elif isinstance(document, list):
        inside = enumerate(document)
    for key, value in inside:
        yield document, key
        yield from _places(value)


def _edit(container: Any, key: Any, what: str, value: Any, places: list[tuple[Any, Any]]) -> None:
    if what == "set":
        container[key] = value
    elif what == "remove":
        del container[key]
    elif what == "repeat" and isinstance(container, list):
        container.append(deepcopy(container[key]))
    elif what == "move":
        other, at = places[(len(places) * 7) // 11]
        container[key] = deepcopy(other[at])
    elif isinstance(container, dict):
        container[value if isinstance(value, str) else "more"] = value

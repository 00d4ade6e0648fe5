"""A JSON document taken apart while it is read, so that none of any size is in memory as a whole."""

from __future__ import annotations

import re
from codecs import getincrementaldecoder
from json import JSONDecodeError, JSONDecoder
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

#: The way to a value: the keys of the objects around it.
Path = tuple[str, ...]

_BLANKS = re.compile(r"[ \t\n\r]*")


class TooLargeError(ValueError):
    """More has to be in memory at once than such a document has."""


class JsonStream:
    """The values of a document: `objects` are gone into, and of `lists` each member comes by itself.

    What else there is comes whole. All that is no member of a list may have `most` characters together, and
    so may each member.
    """

    def __init__(
        self, chunks: Iterator[bytes], objects: Collection[Path], lists: Collection[Path], most: int
    ) -> None:
        self._chunks = chunks
        self._objects, self._lists, self._most = objects, lists, most
        self._decoder = getincrementaldecoder("utf-8")()
        self._decode = JSONDecoder().raw_decode
        self._text, self._at = "", 0
        self._ended = False
        self._kept = 0

    def events(self) -> Iterator[tuple[Path, bool, Any]]:
        """Each value with its place, and whether it is a member of that list.

        An object that is gone into comes first as `{}`, and such a list as `[]`. Raises ValueError for what
        is no JSON, RecursionError for what is too deep, TooLargeError.
        """
        yield from self._walk(())
        if self._peek():
            raise JSONDecodeError("something follows", self._text, self._at)

    def _walk(self, path: Path) -> Iterator[tuple[Path, bool, Any]]:
        first = self._peek()
        if first == "{" and path in self._objects:
            yield path, False, {}
            yield from self._members(path)
        elif first == "[" and path in self._lists:
            yield path, False, []
            yield from self._items(path)
        else:
            yield path, False, self._value(kept=True)

    def _members(self, path: Path) -> Iterator[tuple[Path, bool, Any]]:
        self._at += 1
        keys: set[str] = set()
        if self._peek() == "}":
            self._at += 1
            return
        while True:
            key = self._value(kept=True)
            if not isinstance(key, str) or key in keys:
                raise JSONDecodeError("a key is none, or is there twice", self._text, self._at)
            keys.add(key)
            self._one_of(":")
            yield from self._walk((*path, key))
            if self._one_of(",}") == "}":
                return

    def _items(self, path: Path) -> Iterator[tuple[Path, bool, Any]]:
        self._at += 1
        if self._peek() == "]":
            self._at += 1
            return
        while True:
            yield path, True, self._value(kept=False)
            if self._one_of(",]") == "]":
                return

    def _one_of(self, expected: str) -> str:
        found = self._peek()
        if not found or found not in expected:
            raise JSONDecodeError(f"one of {expected} is missing", self._text, self._at)
        self._at += 1
        return found

    def _peek(self) -> str:
        """The next character that is no blank; nothing at the end."""
        while True:
            blanks = _BLANKS.match(self._text, self._at)
            self._at = self._at if blanks is None else blanks.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _value(self, *, kept: bool) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except JSONDecodeError:
                if not self._more():
                    raise
                continue
            # a number at the end may go on
            if end < len(self._text) or not self._more():
                break
        self._kept += (end - self._at) if kept else 0
        if self._kept > self._most:
            raise TooLargeError
        self._at = end
        return value

    def _more(self) -> bool:
        """Take up as much again as there is, so that a long value is looked at a few times only."""
        if self._ended:
            return False
        rest = self._text[self._at :]
        if len(rest) > self._most:
            raise TooLargeError
        pieces, length = [rest], 0
        while length <= len(rest) and not self._ended:
            chunk = next(self._chunks, b"")
            self._ended = not chunk
            pieces.append(self._decoder.decode(chunk, final=self._ended))
            length += len(pieces[-1])
        self._text, self._at = "".join(pieces), 0
        return length > 0

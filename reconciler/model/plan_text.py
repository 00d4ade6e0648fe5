"""A plan file's text: written piece by piece, and closed by the hash of everything above it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from reconciler.model.inert_json import inert

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from reconciler.model.json_stream import Path

#: Lists that may have a member for each line of a site; each member has a line of the file to itself.
LISTS: frozenset[Path] = frozenset(
    {("changes",), ("diagnostics",), ("lines",), ("usageNotes",), ("census", "apart"), ("removedRows",)}
)
#: The records that changes rest on, of which each has a line as well.
TABLES = ("agreements", "products", "companies", "recaps")
#: Objects whose members are written, and read, one by one.
OBJECTS: frozenset[Path] = frozenset(
    {(), ("census",), ("restsOn",), *(("restsOn", table) for table in TABLES)}
)
#: What the hash does not cover, below it: the hash itself, and when Sophos was asked for what was read, which
#: is another moment each time, for the same plan.
BELOW = ("hash", "usageReadAt")

_HASH = re.compile(rb'"hash":"(sha256:[0-9a-f]{64})",\n"usageReadAt":(?:null|"[^"\n]{1,64}")\}\n\Z')
#: Longer than the lines that this finds.
_TAIL = 512


def sealed(document: Mapping[str, Any], know: Callable[[str], None] = lambda _: None) -> Iterator[str]:
    """The text of a document, which has no hash yet; `know` is told the hash before the text is at its end.

    The members of `LISTS` may come from iterators: each is a line, and none is kept.
    """
    digest = hashlib.sha256()
    above = {key: value for key, value in document.items() if key not in BELOW}
    for piece in _object(above, ()):
        digest.update(piece.encode())
        yield piece
    digest.update(b",\n")
    told = f"sha256:{digest.hexdigest()}"
    know(told)
    yield f',\n"hash":{_dumped(told)},\n"usageReadAt":{_dumped(document.get("usageReadAt"))}}}\n'


def _object(members: Mapping[str, Any], path: Path) -> Iterator[str]:
    """An object with a line for each member; the outermost one is left open."""
    start = "{\n"
    for key, value in members.items():
        yield f"{start}{_dumped(key)}:"
        start = ",\n"
        below = (*path, key)
        if below in OBJECTS and isinstance(value, dict):
            yield from _object(value, below)
        elif below in LISTS and isinstance(value, Iterable) and not isinstance(value, str | dict):
            yield from _list(value)
        else:
            yield _dumped(value)
    if path:
        yield "{}" if start == "{\n" else "\n}"


def _list(members: Any) -> Iterator[str]:
    start = "[\n"
    for member in members:
        yield start + _dumped(member)
        start = ",\n"
    yield "[]" if start == "[\n" else "\n]"


def _dumped(value: Any) -> str:
    return inert(json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")))


class Seal:
    """Looks at a file's bytes as they go by: whether the hash at its end is that of everything above."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._tail = b""

    def passing(self, chunks: Iterator[bytes]) -> Iterator[bytes]:
        """The same chunks."""
        for chunk in chunks:
            self._tail += chunk
            self._digest.update(self._tail[:-_TAIL])
            self._tail = self._tail[-_TAIL:]
            yield chunk

    @property
    def hash(self) -> str | None:
        """The hash that the file has at its end; None where it has none, or not that of what stands above."""
        found = _HASH.search(self._tail)
        if found is None:
            return None
        above = self._digest.copy()
        above.update(self._tail[: found.start()])
        told = found[1].decode()
        return told if told == f"sha256:{above.hexdigest()}" else None

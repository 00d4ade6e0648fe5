"""Short forms for flows about journals and what takes a run back."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tests.support import Planned

if TYPE_CHECKING:
    from pathlib import Path

    from tests.flows_usage.books import Books


def journal_of(books: Books) -> Path:
    """The one journal that is there."""
    (found,) = (books.root / "journal").iterdir()
    return found


def newest(books: Books) -> Path:
    """The journal that was begun last."""
    return max((books.root / "journal").iterdir(), key=lambda path: path.stat().st_mtime_ns)


def oldest(books: Books) -> Path:
    """The journal that was begun first."""
    return min((books.root / "journal").iterdir(), key=lambda path: path.stat().st_mtime_ns)


def rows_of(path: Path) -> list[dict[str, Any]]:
    """Its whole lines."""
    whole = path.read_bytes().rpartition(b"\n")[0]
    return [json.loads(line) for line in whole.split(b"\n")]


def told(path: Path) -> list[str]:
    """`start`, `about-to-write update_line:…`, `outcome update_line:… applied`, `end`."""
    return [
        " ".join(str(row[key]) for key in ("type", "id", "result") if row.get(key) is not None)
        for row in rows_of(path)
    ]


def rolled_back(books: Books, journal: Path | None = None) -> tuple[Planned, Path]:
    """The plan that takes a run back, and its file."""
    out = books.root / "back.json"
    said = books.run("rollback", str(journal or newest(books)), "--out", str(out), "--format", "json")
    assert said.out, said.err
    return Planned(said.code, said.out, said.err), out

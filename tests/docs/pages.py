"""The documentation as tests read it: pages, their fenced blocks and their tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_ROW = re.compile(r"^\| `(?P<key>[^`]+)` \|(?P<rest>.*)\|$", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A fenced block: `info` is what stands after the fence, for instance `yaml` or `text demo`."""

    page: Path
    line: int
    info: str
    text: str

    def __str__(self) -> str:
        return f"{self.page.relative_to(ROOT).as_posix()}:{self.line}"


def read(page: Path) -> str:
    """A page's text."""
    return page.read_text(encoding="utf-8")


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = read(page)
    return [
        Block(page, text.count("\n", 0, found.start()) + 1, found["info"].strip(), found["text"])
        for found in _FENCE.finditer(text)
    ]


def prose(page: Path) -> str:
    """A page's text without its fenced blocks."""
    return _FENCE.sub("", read(page))


def table_keys(page: Path) -> dict[str, str]:
    """Rows of the page's tables whose first cell is one code word: that word, and the other cells."""
    return {found["key"]: found["rest"] for found in _ROW.finditer(prose(page))}

"""Texts that stay texts in GitHub's Markdown: no markup, no mention, no link, no reference, no HTML."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from reconciler.reporting.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_MARKUP = re.compile(r"([\\`*_{}\[\]|~>])")
#: What GitHub links after the markup is read: a mention, an issue, a commit, an address.
_LINKED = re.compile(r"@|#|://|\bwww\.|\bGH-|\b[0-9a-f]{7,40}\b", re.IGNORECASE)
#: Breaks a word for whoever looks for words in it, and shows nothing.
_BREAK = "&#8203;"


def md(text: str) -> str:
    """The text as it is, on one line."""
    escaped = _MARKUP.sub(r"\\\1", clean(text)).replace("&", "&amp;").replace("<", "&lt;")
    return _LINKED.sub(_broken, escaped)


def code(text: str) -> str:
    """The text as code, in which nothing is markup."""
    return "`" + clean(text).replace("`", "'") + "`"


def _broken(found: re.Match[str]) -> str:
    word = found[0]
    return f"{word[0]}{_BREAK}{word[1:]}"


def table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """A table; columns whose header begins with `>` are aligned to the right. The cells are texts."""
    names = [name.removeprefix(">") for name in header]
    rule = ["--:" if name.startswith(">") else "---" for name in header]
    return [
        f"| {' | '.join(names)} |",
        f"| {' | '.join(rule)} |",
        *(f"| {' | '.join(md(cell) for cell in row)} |" for row in rows),
    ]

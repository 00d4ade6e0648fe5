"""The versions of the documents that this program writes and reads back."""

from __future__ import annotations

import re

_VERSION = re.compile(r"([0-9]{1,6})\.([0-9]{1,6})", re.ASCII)


def other_version(found: object, own: str, what: str) -> tuple[str, str]:
    """What is wrong with a document's version and what to do; two empty texts where it is the one read here.

    `what` names the document: `the plan`.
    """
    if found == own:
        return "", ""
    theirs, ours = _parsed(found), _parsed(own)
    if theirs is None:
        return f"its formatVersion is {repr(found)[:20]}, not {own!r}", ""
    said = f"{what} has format {found}, and this version reads {own}"
    if theirs > (ours or (0, 0)):
        return f"{said}: a newer release wrote it", "Use the release that wrote it (it stands under `tool`)."
    return f"{said}: an older release wrote it", ""


def _parsed(version: object) -> tuple[int, int] | None:
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    return None if match is None else (int(match[1]), int(match[2]))

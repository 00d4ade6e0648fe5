"""JSON text that nothing executes and nothing hides, whoever prints the file that holds it."""

from __future__ import annotations

import json
import re
import unicodedata

#: Unicode's categories of characters that steer a terminal, end a line, hide or turn text, or mean nothing.
STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})

#: What runners take for a command wherever in a line it stands: `##[…]` (an older form of GitHub's),
#: `##vso[…]` (Azure), `##teamcity[…]`.
COMMAND = re.compile(r"##(?=[a-z]*\[)", re.IGNORECASE)
BROKEN = "#\\u0023"

#: Everything outside printable ASCII is looked at; most documents have little of it.
_UNUSUAL = re.compile(r"[^\x20-\x7e\n]")


def inert(text: str) -> str:
    """The same document with escapes for what steers a terminal, turns text around or commands a runner.

    Names stay readable, and a parser reads the same characters.
    """
    if not text.isascii() or "\x7f" in text:
        text = _UNUSUAL.sub(_escaped, text)
    return COMMAND.sub(lambda _: BROKEN, text) if "##" in text else text


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return json.dumps(character)[1:-1] if unicodedata.category(character) in STEERING else character

"""Names from the APIs and the YAML as text that nothing executes: no control, no direction marks."""

from __future__ import annotations

import re
import unicodedata

#: Unicode's categories of characters that steer a terminal, end a line, hide or turn text, or mean nothing.
STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


#: What runners of GitHub (an older form) and Azure take for a command, wherever in a line it stands.
COMMAND = re.compile(r"##(?=\[|vso\[)", re.IGNORECASE)
BROKEN = "#\\u0023"


def clean(text: str) -> str:
    """The text on one line, in which nothing steers a terminal, hides other text or commands a runner."""
    visible = "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character) in STEERING else character
        for character in text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    )
    return COMMAND.sub(lambda _: BROKEN, visible)

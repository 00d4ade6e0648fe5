"""Names from the APIs and the YAML as text that nothing executes: no control, no direction marks."""

from __future__ import annotations

import unicodedata

#: Unicode's categories of characters that steer a terminal, end a line, hide or turn text, or mean nothing.
STEERING = frozenset({"Cc", "Cf", "Cs", "Co", "Zl", "Zp"})


def clean(text: str) -> str:
    """The text on one line, with every character that steers a terminal or hides others made visible."""
    return "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character) in STEERING else character
        for character in text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    )

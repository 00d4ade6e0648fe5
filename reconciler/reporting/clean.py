"""Names from the APIs and the YAML as text that nothing executes and nothing hides."""

from __future__ import annotations

import re
import unicodedata

from reconciler.model.inert_json import COMMAND, STEERING

#: GitHub's form is a command at the start of a line, with or without blanks before it.
_FIRST = re.compile(r"(?:\A|[\r\n])[^\S\r\n]*::")


def clean(text: str) -> str:
    """The text on one line, in which nothing steers a terminal, hides other text or commands a runner."""
    visible = "".join(
        f"\\u{ord(character):04x}" if unicodedata.category(character) in STEERING else character
        for character in text.replace("\r\n", " ").replace("\n", " ").replace("\t", " ")
    )
    return Inert()(visible)


def begins_a_command(text: str) -> bool:
    """Whether a line that starts with this text is a command to GitHub's runner."""
    return text.lstrip().startswith("::")


class Inert:
    """Makes output inert as it is written: no piece of it commands a runner, nor do two pieces together.

    `clean` keeps each name from being a command; this keeps the lines from it that are made of them. Line
    ends and what colours a terminal pass.
    """

    def __init__(self) -> None:
        self._line = ""

    def __call__(self, text: str) -> str:
        """The next piece of the output."""
        joined, at = self._line + text, len(self._line)
        escaped: set[int] = set()
        if "##" in joined:
            escaped |= {max(found.start() + 1, at) for found in COMMAND.finditer(joined)}
        if "::" in joined:
            escaped |= {max(found.end() - 1, at) for found in _FIRST.finditer(joined)}
        if escaped:
            text = "".join(
                f"\\u{ord(character):04x}" if number in escaped else character
                for number, character in enumerate(text, at)
            )
        ended = max(text.rfind("\n"), text.rfind("\r")) + 1
        self._line = text[ended:] if ended else self._line + text
        return text

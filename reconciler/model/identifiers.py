"""How names are compared: the two products' own rules, in one place.

Identifiers of products and companies compare trimmed and without case, Sophos product codes exactly,
tenant ids in lower case.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

#: Cannot be sent safely inside a condition literal: quote escaping is undocumented, `[` and `%` are
#: wildcards of `like` (ConnectWise Developer Guide, "Conditions"). Such objects are named by id.
UNSAFE_IN_CONDITIONS = frozenset("\"'[]%\\")


def identifier_key(identifier: str) -> str:
    """The form in which two identifiers are the same product or company."""
    return identifier.strip().casefold()


def name_key(name: str) -> str:
    """The form in which two names are the same for people: letters composed, every run of blanks one blank.

    It is for names that are compared here only. An identifier is asked for at the server, which may tell
    apart what this does not.
    """
    return " ".join(unicodedata.normalize("NFC", name).split()).casefold()


def told_apart(one: str, other: str) -> tuple[str, str]:
    """Both texts; where they would look the same, with what is not plain written as code points."""
    if one == other or _look(one) != _look(other):
        return one, other
    return _shown(one), _shown(other)


def _look(text: str) -> str:
    """What a reader sees of it, or takes for the same."""
    spread = unicodedata.normalize("NFKC", text)
    return name_key("".join(c for c in spread if unicodedata.category(c) not in ("Cf", "Cc", "Mn")))


def _shown(text: str) -> str:
    return "".join(c if c.isascii() and c.isprintable() else f"<U+{ord(c):04X}>" for c in text)


def is_safe_in_conditions(text: str) -> bool:
    """Whether the text can stand inside a condition literal."""
    return not (UNSAFE_IN_CONDITIONS & set(text)) and text.isprintable()


@dataclass(frozen=True)
class Name:
    """A ConnectWise object named by its name or identifier."""

    text: str

    @property
    def key(self) -> str:
        """The form in which two names are the same."""
        return identifier_key(self.text)

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Id:
    """A ConnectWise object named by its record id."""

    value: int

    @property
    def key(self) -> str:
        """The form in which two ids are the same; no identifier can look like it."""
        return f"#{self.value}"

    def __str__(self) -> str:
        return f"#{self.value}"


#: How a row names a ConnectWise object: `MSP-GOLD` or `{id: 7}`.
Selector = Name | Id

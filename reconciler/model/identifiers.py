"""How names are compared: the two products' own rules, in one place.

Identifiers of products and companies compare trimmed and without case, Sophos product codes exactly,
tenant ids in lower case.
"""

from __future__ import annotations

from dataclasses import dataclass

#: Cannot be sent safely inside a condition literal: quote escaping is undocumented, `[` and `%` are
#: wildcards of `like` (ConnectWise Developer Guide, "Conditions"). Such objects are named by id.
UNSAFE_IN_CONDITIONS = frozenset("\"'[]%\\")


def identifier_key(identifier: str) -> str:
    """The form in which two identifiers are the same product or company."""
    return identifier.strip().casefold()


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

"""Members of Sophos's JSON objects, with their types checked."""

from __future__ import annotations

from sys import intern
from typing import TYPE_CHECKING, Any

from reconciler.transport.errors import excerpt

if TYPE_CHECKING:
    from collections.abc import Mapping


class WrongTypeError(ValueError):
    """An object has a member of another type than the documented one; the text names it."""


def text(row: Mapping[str, Any], name: str) -> str:
    """A text, trimmed; "" where it is absent or null. Raises WrongTypeError for any other type.

    Equal texts are one object: a bill repeats the same few names in hundreds of thousands of lines.
    """
    value = row.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise WrongTypeError(f"{name}: {excerpt(repr(value), 60)} is no text")
    return intern(value.strip())


def loose_text(row: Mapping[str, Any], name: str) -> str:
    """A text that nothing is counted from: "" for any other type, a number as it is written."""
    value = row.get(name)
    if isinstance(value, str):
        return intern(value.strip())
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else ""


def word(row: Mapping[str, Any], name: str) -> str:
    """A value of a list of words; one of any other type as it is written, so that it is not one of them."""
    value = row.get(name)
    return text(row, name) if value is None or isinstance(value, str) else excerpt(repr(value), 60)


def reference(row: Mapping[str, Any], name: str) -> str:
    """An order number or the like: a text, or a whole number as it is written. Raises WrongTypeError."""
    value = row.get(name)
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else text(row, name)


def required_text(row: Mapping[str, Any], name: str) -> str:
    """A text that must be there. Raises WrongTypeError."""
    value = text(row, name)
    if not value:
        raise WrongTypeError(f"{name} is missing")
    return value


def id_below(row: Mapping[str, Any], name: str) -> str | None:
    """The `id` of an object member in lower case; None where the object is absent or empty."""
    below = row.get(name)
    if below is None:
        return None
    if not isinstance(below, dict):
        raise WrongTypeError(f"{name}: {excerpt(repr(below), 60)} is no object")
    return text(below, "id").lower() or None

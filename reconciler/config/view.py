"""A typed look at one place of the configuration: what stands under a key, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.config.nodes import Mapping, key_at, value_at
from reconciler.config.wording import show, subject_of
from reconciler.model.desired import AgreementSelector
from reconciler.model.diagnostics import Diagnostic, error
from reconciler.model.fields import normalise_text
from reconciler.model.identifiers import Id, Name, Selector
from reconciler.model.moments import moment_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime, tzinfo

    from reconciler.config.values import Path
    from reconciler.model.diagnostics import Location


class _Gone:
    """Stands in a list where a refused item stood, so that the others keep their index."""


GONE = _Gone()


@dataclass
class Document:
    """The values of all files with their places, what was refused, and what building them finds wrong."""

    root: Mapping
    values: dict[str, Any]
    wrong: frozenset[Path] = frozenset()
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def is_wrong(self, path: Path) -> bool:
        """Whether something at or under the path was refused."""
        return any(place[: len(path)] == path for place in self.wrong)

    def view(self, key: str) -> View:
        """A section; an empty one where it is absent."""
        value = self.values.get(key)
        return View(self, (key,), value if isinstance(value, dict) else {})

    def rows(self, key: str) -> Iterator[View]:
        """The rows of a section that is a list."""
        for index, value in enumerate(self.values.get(key) or ()):
            if isinstance(value, dict):
                yield View(self, (key, index), value)


def prune(values: Any, wrong: Iterable[Path]) -> None:
    """Take refused values out."""
    for path in wrong:
        above = values
        for key in path[:-1]:
            above = _below(above, key)
        if isinstance(above, dict) and path:
            above.pop(path[-1], None)
        elif isinstance(above, list) and isinstance(path[-1], int):
            above[path[-1]] = GONE


def _below(value: Any, key: str | int) -> Any:
    if isinstance(value, dict):
        return value.get(key)
    return value[key] if isinstance(value, list) and isinstance(key, int) else None


@dataclass(frozen=True)
class View:
    """One mapping of the configuration. Absent and refused values are None, or the default given."""

    document: Document
    path: Path
    value: dict[str, Any]

    @property
    def location(self) -> Location:
        """Where it starts: its key, or itself in a list."""
        return key_at(self.document.root, self.path)

    def where(self, *keys: str | int) -> Location:
        """The place of the value under a key."""
        return value_at(self.document.root, (*self.path, *keys))

    def text(self, key: str) -> str | None:
        """A text, blanks at its ends and line breaks normalised."""
        value = self.value.get(key)
        return normalise_text(value) if isinstance(value, str) else None

    def required_text(self, key: str) -> str:
        """As `text`; a text of nothing but blanks is reported."""
        value = self.text(key)
        if value == "":
            reason = key in ("exclude", "reason")
            remedy = "Write why, for whoever reads it next year." if reason else "Write a text."
            self.document.diagnostics.append(
                error(
                    "empty-text",
                    f"`{key}` is empty.",
                    remedy,
                    location=self.where(key),
                    subject=subject_of(self.path),
                )
            )
        return value or ""

    def flag(self, key: str, default: bool = False) -> bool:
        """true or false."""
        value = self.value.get(key)
        return value if isinstance(value, bool) else default

    def number(self, key: str, *, places: int = 2) -> Decimal | None:
        """A number; more decimal places than are kept are reported, because nothing is rounded in silence."""
        value = self.value.get(key)
        if not isinstance(value, Decimal):
            return Decimal(value) if isinstance(value, int) and not isinstance(value, bool) else None
        exponent = value.normalize().as_tuple().exponent
        if isinstance(exponent, int) and -exponent > places:
            self.document.diagnostics.append(
                error(
                    "too-many-decimals",
                    f"`{key}` is {value}; {places} decimal places are kept.",
                    "Write the rounded number; nothing is rounded in silence.",
                    location=self.where(key),
                    subject=subject_of(self.path),
                )
            )
        return value

    def whole(self, key: str) -> int | None:
        """A whole number."""
        value = self.value.get(key)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def day(self, key: str) -> date | None:
        """A date; one that is not in the calendar is reported."""
        value = self.value.get(key)
        if not isinstance(value, str):
            return None
        try:
            return date.fromisoformat(value)
        except ValueError:
            self.document.diagnostics.append(
                error(
                    "bad-date",
                    f"{show(value)} is not in the calendar.",
                    "Write an existing day as YYYY-MM-DD.",
                    location=self.where(key),
                    subject=subject_of(self.path),
                )
            )
            return None

    def wholes(self, key: str) -> tuple[int, ...]:
        """One whole number, or those of a list."""
        value = self.value.get(key)
        found = value if isinstance(value, list) else [value]
        return tuple(item for item in found if isinstance(item, int) and not isinstance(item, bool))

    def moment(self, key: str, zone: tzinfo) -> datetime | None:
        """A moment, in UTC; a date is its beginning in the zone. One that does not exist is reported."""
        value = self.value.get(key)
        if not isinstance(value, str):
            return None
        found = moment_in(value, zone)
        if found is None:
            self.document.diagnostics.append(
                error(
                    "bad-date",
                    f"{show(value)} is not in the calendar.",
                    "Write an existing day as YYYY-MM-DD, or a moment in UTC as YYYY-MM-DDTHH:MM:SSZ.",
                    location=self.where(key),
                    subject=subject_of(self.path),
                )
            )
        return found

    def selector(self, key: str) -> Selector | None:
        """A ConnectWise object by name or id."""
        return to_selector(self.value.get(key))

    def selectors(self, key: str) -> tuple[Selector, ...]:
        """One or several of them."""
        value = self.value.get(key)
        found = [to_selector(item) for item in (value if isinstance(value, list) else [value])]
        return tuple(item for item in found if item is not None)

    def texts(self, key: str) -> tuple[str, ...]:
        """The texts of a list."""
        return tuple(item for item in self.value.get(key) or () if isinstance(item, str))

    def agreement(self, key: str) -> AgreementSelector | None:
        """Which agreement."""
        value = self.value.get(key)
        if isinstance(value, str):
            return AgreementSelector(name=normalise_text(value))
        if isinstance(value, dict) and isinstance(value.get("id"), int):
            return AgreementSelector(id=value["id"])
        if isinstance(value, dict) and isinstance(value.get("type"), str):
            return AgreementSelector(type=normalise_text(value["type"]))
        return None

    def below(self, key: str) -> View | None:
        """The mapping under a key."""
        value = self.value.get(key)
        return View(self.document, (*self.path, key), value) if isinstance(value, dict) else None

    def children(self) -> Iterator[tuple[str, View]]:
        """The mappings under each key."""
        for key in self.value:
            child = self.below(key)
            if child is not None:
                yield key, child

    def rows(self, key: str) -> Iterator[View]:
        """The mappings of a list."""
        for index, value in enumerate(self.value.get(key) or ()):
            if isinstance(value, dict):
                yield View(self.document, (*self.path, key, index), value)


def to_selector(value: Any) -> Selector | None:
    """`MSP-GOLD` or `{id: 7}`; names are trimmed, because identifiers compare trimmed."""
    if isinstance(value, str):
        return Name(value.strip())
    if isinstance(value, dict) and isinstance(value.get("id"), int):
        return Id(value["id"])
    return None


def key_selector(key: str) -> Selector:
    """A product as the key of a row: its identifier, or `#7` for an id."""
    text = key.strip()
    return Id(int(text[1:])) if text[:1] == "#" and text[1:].isascii() and text[1:].isdigit() else Name(text)

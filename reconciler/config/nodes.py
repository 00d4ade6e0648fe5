"""A YAML file as a tree whose every key and value knows its place."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.diagnostics import Location


@dataclass(frozen=True)
class Scalar:
    """A single value, as it was typed; `plain` is false for quoted and block texts."""

    text: str
    plain: bool
    location: Location
    size: int = 1


@dataclass(frozen=True)
class Sequence:
    """A list."""

    items: tuple[Node, ...]
    location: Location
    size: int


@dataclass(frozen=True)
class Entry:
    """One key of a mapping with its value; `location` is the key's."""

    location: Location
    value: Node


@dataclass(frozen=True)
class Mapping:
    """Keys with their values. Of a key given twice, the first stays (and the second is reported)."""

    entries: dict[str, Entry] = field(hash=False)
    location: Location
    size: int


#: `size` counts the values below and including the node, aliases expanded.
Node = Scalar | Sequence | Mapping

NULLS = frozenset({"", "~", "null"})


def is_null(node: Node) -> bool:
    """Whether nothing, `~` or `null` stands there, unquoted."""
    return isinstance(node, Scalar) and node.plain and node.text in NULLS


def step(node: Node, key: str | int) -> Node | None:
    """The value under a key or at an index; None where there is none."""
    if isinstance(node, Mapping) and isinstance(key, str):
        entry = node.entries.get(key)
        return entry.value if entry else None
    if isinstance(node, Sequence) and isinstance(key, int):
        return node.items[key] if key < len(node.items) else None
    return None


def value_at(root: Node, path: tuple[str | int, ...]) -> Location:
    """The place of the value at a path, or of the nearest thing above it that has one."""
    node = root
    for key in path:
        below = step(node, key)
        if below is None:
            break
        node = below
    return node.location


def key_at(root: Node, path: tuple[str | int, ...]) -> Location:
    """The place of the key that ends a path; of the item, where the path ends in a list."""
    above: Node | None = root
    for key in path[:-1]:
        above = step(above, key) if above else None
    if path and isinstance(above, Mapping) and isinstance(path[-1], str) and path[-1] in above.entries:
        return above.entries[path[-1]].location
    return value_at(root, path)

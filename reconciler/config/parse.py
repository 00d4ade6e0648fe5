"""Text → tree. Safe by construction: YAML's events are read one by one, so that nothing is ever built.

No tags, no merge keys, no second document. Aliases are allowed within a bound on what they expand to, and
nesting is bounded before any parser recurses.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import yaml

from reconciler.config.nodes import Entry, Mapping, Node, Scalar, Sequence
from reconciler.config.wording import HIDDEN, code_point, show
from reconciler.model.diagnostics import Diagnostic, Location, error

if TYPE_CHECKING:
    from collections.abc import Iterator

DEPTH_LIMIT = 20
SIZE_LIMIT = 100_000
MERGE_KEY = "<<"
#: How Git begins the lines that it sets around the two sides of a conflict.
_CONFLICT = re.compile(r"(<{7}|>{7})( |\r?$)")
#: Blanks of other kinds before the first character of a line: a no-break space, wide and thin ones.
_ODD_INDENTATION = re.compile("[ \\t]*(?:- *)*([\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000])")
_LONG_TAG = "tag:yaml.org,2002:"

#: Both loaders give the same events; the one in C is ten times faster but is not built everywhere.
_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass
class _Open:
    """A list or mapping that is still being read."""

    location: Location
    anchor: str | None
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: dict[str, Entry] = field(default_factory=dict)
    key: Node | None = None
    size: int = 1


class _StopError(Exception):
    """Reading on makes no sense; carries the reason."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


@dataclass
class _State:
    name: str
    lines: tuple[str, ...]
    diagnostics: list[Diagnostic] = field(default_factory=list)
    size: int = 0
    stack: list[_Open] = field(default_factory=list)
    anchors: dict[str, Node] = field(default_factory=dict)
    root: Node | None = None

    def place(self, mark: Any) -> Location:
        return Location(self.name, mark.line + 1, mark.column + 1)


def parse(name: str, text: str) -> tuple[Node | None, tuple[Diagnostic, ...]]:
    """The file's tree, or None where it is empty or cannot be read, and what is wrong with it.

    A file with a diagnostic may still have a tree, so that its other mistakes are found as well.
    """
    state = _State(name, tuple(text.split("\n")))
    try:
        for event in _events(state, text):
            _take(state, event)
    except _StopError as stop:
        return None, (*state.diagnostics, stop.diagnostic)
    return state.root, tuple(state.diagnostics)


def _events(state: _State, text: str) -> Iterator[Any]:
    documents = 0
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _StopError(_several(state.place(event.start_mark)))
            yield event
    except yaml.YAMLError as problem:
        raise _StopError(_syntax(state, problem)) from None
    except ValueError:
        # The loader without C passes an escape beyond Unicode's last character on to chr().
        message = "This is not valid YAML: an escape names no character."
        raise _StopError(error("yaml-syntax", message, location=Location(state.name, 1))) from None


def _several(location: Location) -> Diagnostic:
    return error(
        "several-documents",
        "A second YAML document starts here; a file holds one.",
        "Remove the `---`, or put the rest into a file of its own.",
        location=location,
    )


def _conflict(state: _State) -> Diagnostic | None:
    """Where a merge of Git left both sides in the file; nothing where it did not."""
    for number, line in enumerate(state.lines, 1):
        if _CONFLICT.match(line):
            return error(
                "conflict-marker",
                f"A merge conflict of Git was left in the file: {show(line[:40])}.",
                "Choose what is meant between `<<<<<<<` and `>>>>>>>`, and remove these lines and `=======`.",
                location=Location(state.name, number, 1),
            )
    return None


def _odd_indentation(location: Location, line: str) -> Diagnostic | None:
    """What is said of a line that is indented with blanks that YAML does not take for blanks."""
    found = _ODD_INDENTATION.match(line)
    if found is None:
        return None
    name = f"{unicodedata.name(found[1]).lower()} {code_point(found[1])}"
    return error(
        "yaml-syntax",
        f"This line is indented with the {name}, which looks like a blank and is none in YAML.",
        "Indent with ordinary blanks. Text that was copied from a page or a document often holds others.",
        location=replace(location, column=found.start(1) + 1),
    )


def _syntax(state: _State, problem: yaml.YAMLError) -> Diagnostic:
    conflict = _conflict(state)
    if conflict is not None:
        return conflict
    mark = getattr(problem, "problem_mark", None) or getattr(problem, "context_mark", None)
    what = getattr(problem, "problem", None) or getattr(problem, "reason", None) or "it cannot be read"
    context = getattr(problem, "context", None)
    location = state.place(mark) if mark else Location(state.name, 1)
    for number in (location.line, location.line - 1, location.line + 1):
        line = "".join(state.lines[max(number - 1, 0) : number])
        odd = _odd_indentation(replace(location, line=number), line)
        if odd is not None:
            return odd
    tab = "\t" in "".join(state.lines[location.line - 1 : location.line])[: location.column]
    return error(
        "yaml-syntax",
        f"This is not valid YAML: {context + ', ' if context else ''}{what}.",
        "Indent with blanks, not with tabs."
        if tab
        else "Look at this line and the one before it: a missing colon, quote, bracket or blank, "
        "or an indentation that does not fit.",
        location=location,
    )


def _take(state: _State, event: Any) -> None:
    kind = type(event)
    if kind is yaml.ScalarEvent:
        location = state.place(event.start_mark)
        text = event.value
        if event.tag is not None:
            _tag(state, event, location)
        if not text.isascii() or not text.isprintable():
            _look_for_hidden(state, text, location)
        scalar = Scalar(text, not event.style, location)
        if event.anchor is not None:
            state.anchors[event.anchor] = scalar
        _add(state, scalar, 1)
    elif kind is yaml.MappingStartEvent or kind is yaml.SequenceStartEvent:
        _open(state, event, kind is yaml.MappingStartEvent)
    elif kind is yaml.MappingEndEvent or kind is yaml.SequenceEndEvent:
        done = state.stack.pop()
        node = _finish(done)
        if done.anchor is not None:
            state.anchors[done.anchor] = node
        # Its content was counted when it was added.
        _add(state, node, 1)
    elif kind is yaml.AliasEvent:
        node = _alias(state, event)
        _add(state, node, node.size)


def _open(state: _State, event: Any, is_mapping: bool) -> None:
    location = state.place(event.start_mark)
    if event.tag is not None:
        _tag(state, event, location)
    if len(state.stack) >= DEPTH_LIMIT:
        raise _StopError(
            error(
                "too-deep",
                f"This is nested more than {DEPTH_LIMIT} levels deep.",
                "The format needs eight.",
                location=location,
            )
        )
    state.stack.append(_Open(location, event.anchor, is_mapping))


def _finish(done: _Open) -> Node:
    if done.is_mapping:
        return Mapping(done.entries, done.location, done.size)
    return Sequence(tuple(done.items), done.location, done.size)


def _alias(state: _State, event: Any) -> Node:
    location = state.place(event.start_mark)
    node = state.anchors.get(event.anchor)
    if node is not None:
        return node
    if any(above.anchor == event.anchor for above in state.stack):
        raise _StopError(
            error(
                "recursive-alias",
                f"The alias *{event.anchor} stands inside what it stands for.",
                "Write the values out.",
                location=location,
            )
        )
    raise _StopError(
        error(
            "undefined-alias",
            f"The alias *{event.anchor} names no anchor above it.",
            f"Quote the text if it is meant to start with an asterisk; or set &{event.anchor} first.",
            location=location,
        )
    )


def _tag(state: _State, event: Any, location: Location) -> None:
    if event.tag is not None:
        state.diagnostics.append(
            error(
                "yaml-tag",
                f"The YAML tag {show(event.tag.replace(_LONG_TAG, '!!'))} is not accepted.",
                "Remove it; quote the text if it is meant to start with an exclamation mark.",
                location=location,
            )
        )


def _look_for_hidden(state: _State, text: str, location: Location) -> None:
    found = HIDDEN.search(text)
    if found:
        state.diagnostics.append(
            error(
                "hidden-character",
                f"This text holds the invisible character {code_point(found[0])}: {show(text)}.",
                "Remove the escape: what a reviewer sees must be what is loaded.",
                location=location,
            )
        )


def _add(state: _State, node: Node, size: int) -> None:
    """Put a node where it belongs; `size` is what it adds to the file's, all of it for an alias."""
    if not state.stack:
        state.root = node
        return
    above = state.stack[-1]
    above.size += node.size
    state.size += size
    if state.size > SIZE_LIMIT:
        raise _StopError(
            error(
                "too-many-values",
                f"The file holds more than {SIZE_LIMIT} values, those that aliases repeat included.",
                "Split it, or write fewer aliases.",
                location=above.location,
            )
        )
    if not above.is_mapping:
        above.items.append(node)
    elif above.key is None:
        above.key = node
    else:
        key, above.key = above.key, None
        _enter(state, above, key, node)


def _enter(state: _State, above: _Open, key: Node, value: Node) -> None:
    if not isinstance(key, Scalar) or (key.plain and key.text in ("", "~")):
        state.diagnostics.append(
            error("bad-key", "A key must be a text.", "Write `key: value`.", location=key.location)
        )
    elif key.plain and (odd := _odd_indentation(key.location, state.lines[key.location.line - 1])):
        state.diagnostics.append(odd)
    elif key.plain and key.text == MERGE_KEY:
        state.diagnostics.append(
            error(
                "merge-key",
                "The merge key << is not accepted: it hides from a reviewer what a row says.",
                "Write the keys out, or use `defaults.customers`; an alias (*name) may stand for a value.",
                location=key.location,
            )
        )
    elif key.text in above.entries:
        state.diagnostics.append(duplicate(key.text, key.location, above.entries[key.text].location))
    else:
        above.entries[key.text] = Entry(key.location, value)


def duplicate(key: str, location: Location, first: Location) -> Diagnostic:
    """The error for a key that stands twice; names both places."""
    return error(
        "duplicate-key",
        f"{show(key)} stands here a second time; the first is at {first}.",
        "Keep one of them.",
        location=location,
    )

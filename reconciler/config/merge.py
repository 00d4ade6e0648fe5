"""Many files → one document: sections are joined key by key, and nothing may stand twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.config.homes import only_answers
from reconciler.config.nodes import Entry, Mapping, Node, Scalar, Sequence, is_null
from reconciler.config.parse import SIZE_LIMIT, duplicate
from reconciler.config.wording import either
from reconciler.model.diagnostics import Diagnostic, Location, error, warning

if TYPE_CHECKING:
    from collections.abc import Sequence as Many

FILES_SIZE_LIMIT = 3 * SIZE_LIMIT
KEYED = ("settings", "mappings", "products", "lines", "customers", "defaults")
LISTED = ("holds", "approvals", "protected")
#: Every section, in the order in which people write them.
SECTIONS = ("settings", "mappings", "products", "lines", "customers", "defaults", *LISTED)


def merge(roots: Many[Node]) -> tuple[Mapping, tuple[Diagnostic, ...]]:
    """One tree from the files' trees, in the order given; an empty one where that would be too much."""
    diagnostics: list[Diagnostic] = []
    if sum(root.size for root in roots) > FILES_SIZE_LIMIT:
        text = f"The files hold more than {FILES_SIZE_LIMIT} values together, those of aliases included."
        diagnostics.append(error("too-many-values", text, "Give the folder of one site's configuration."))
        roots = ()
    merged: dict[str, Entry] = {}
    for root in roots:
        if not isinstance(root, Mapping):
            diagnostics.append(_no_sections(root))
            continue
        for name, entry in root.entries.items():
            if _is_empty(name, entry, diagnostics):
                continue
            merged[name] = _join(name, merged[name], entry, diagnostics) if name in merged else entry
    return Mapping(merged, Location("", 0, 0), sum(e.value.size for e in merged.values())), tuple(diagnostics)


def _no_sections(root: Node) -> Diagnostic:
    return error(
        "wrong-type",
        "A file holds sections, and this one starts with something else.",
        f"Start it with one of {either(SECTIONS)}, and a colon.",
        location=root.location,
    )


def _is_empty(name: str, entry: Entry, diagnostics: list[Diagnostic]) -> bool:
    if name not in SECTIONS or not is_null(entry.value):
        return False
    diagnostics.append(
        warning(
            "empty-section",
            f"`{name}` holds nothing.",
            "Write rows below it, or delete it.",
            location=entry.location,
        )
    )
    return True


def _join(name: str, first: Entry, second: Entry, diagnostics: list[Diagnostic]) -> Entry:
    one, two = first.value, second.value
    if name in KEYED and isinstance(one, Mapping) and isinstance(two, Mapping):
        entries = dict(one.entries)
        for key, entry in two.entries.items():
            if key in entries and name == "customers" and (row := _continued(entries[key], entry)):
                entries[key] = row
            elif key in entries:
                diagnostics.append(duplicate(key, entry.location, entries[key].location))
            else:
                entries[key] = entry
        return Entry(first.location, Mapping(entries, one.location, one.size + two.size))
    if name in LISTED and isinstance(one, Sequence) and isinstance(two, Sequence):
        return Entry(first.location, Sequence(one.items + two.items, one.location, one.size + two.size))
    if isinstance(one, Scalar) and isinstance(two, Scalar) and one.text == two.text:
        return first  # `version: 1` in every file
    if name == "version":  # another one than this program's is said with its place, once
        return second if isinstance(one, Scalar) and one.text == "1" else first
    if name in KEYED or name in LISTED:
        wrong = one if isinstance(one, Scalar) or (name in KEYED) != isinstance(one, Mapping) else two
        kind = "a list of rows" if name in LISTED else "keys with values"
        diagnostics.append(
            error("wrong-type", f"`{name}` must hold {kind}.", "See the reference.", location=wrong.location)
        )
        return second if wrong is one else first
    diagnostics.append(duplicate(name, second.location, first.location))
    return first


def _continued(one: Entry, two: Entry) -> Entry | None:
    """A customer's row with the answers that stand in another file; None where they are two rows."""
    row, answers = (two, one) if only_answers(one.value) else (one, two)
    if not isinstance(row.value, Mapping) or not isinstance(answers.value, Mapping):
        return None
    if not only_answers(answers.value) or not row.value.entries.keys().isdisjoint(answers.value.entries):
        return None
    entries = {**row.value.entries, **answers.value.entries}
    return Entry(row.location, Mapping(entries, row.value.location, row.value.size + answers.value.size))

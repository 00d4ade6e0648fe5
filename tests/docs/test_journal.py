"""docs/journal.md explains every key of a journal's lines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.cli.provenance import ACTORS, COMMITS
from reconciler.model.journal_schema import line_schemas
from reconciler.model.outcome import Result
from tests.docs.pages import DOCS, read, table_keys

if TYPE_CHECKING:
    from collections.abc import Iterator

PAGE = DOCS / "journal.md"


def _keys(schema: dict[str, Any], path: str) -> Iterator[str]:
    for name, below in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from _keys(below, f"{path}.{name}")
    if "items" in schema:
        yield from _keys(schema["items"], f"{path}[]")


def test_every_key_is_explained_and_none_besides() -> None:
    defined = {key for kind, schema in line_schemas().items() for key in _keys(schema, kind)}
    documented = set(table_keys(PAGE))
    assert not defined - documented, f"docs/journal.md lacks {sorted(defined - documented)}"
    assert not documented - defined, f"docs/journal.md invents {sorted(documented - defined)}"


def test_every_result_and_every_variable_is_named() -> None:
    text = read(PAGE)
    names = [*(result.value for result in Result), *ACTORS, *COMMITS]
    assert [name for name in names if f"`{name}`" not in text] == []

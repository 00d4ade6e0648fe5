"""Writes the generated files again: `python -m tests.generate`. A test says that they are fresh."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.config.reference import configuration_page
from reconciler.config.schema import mappings_schema
from reconciler.model.journal_schema import journal_schema
from reconciler.model.plan_schema import plan_schema
from reconciler.model.usage_file import usage_schema
from tests.docs.cli_reference import cli_page

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parent.parent


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, indent=2, ensure_ascii=True) + "\n"


#: Each generated file, by its path in the repository, with what gives its text.
GENERATED: list[tuple[str, Callable[[], str]]] = [
    ("schemas/mappings.schema.json", lambda: _json(mappings_schema())),
    ("docs/configuration.md", configuration_page),
    ("schemas/plan.schema.json", lambda: _json(plan_schema())),
    ("schemas/journal.schema.json", lambda: _json(journal_schema())),
    ("schemas/usage.schema.json", lambda: _json(usage_schema())),
    ("docs/cli.md", cli_page),
]


def main() -> None:
    """Write every file whose text has changed."""
    for name, text in GENERATED:
        path = ROOT / name
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = text()
        if not path.exists() or path.read_text(encoding="utf-8") != fresh:
            path.write_text(fresh, encoding="utf-8")
            print(f"written: {name}")


if __name__ == "__main__":
    main()

"""docs/decisions.md says why each direct dependency is there."""

from __future__ import annotations

import tomllib

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from reconciler.model.fields import CATALOG_FIELDS, IDENTIFIER_LIMIT
from tests.docs.pages import DOCS, ROOT, read, table_keys

PAGE = DOCS / "decisions.md"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def _names(texts: list[str]) -> set[str]:
    return {canonicalize_name(Requirement(text).name) for text in texts}


def test_every_direct_dependency_has_its_reason() -> None:
    texts = [
        *PROJECT["dependencies"],
        *(t for extra in PROJECT["optional-dependencies"].values() for t in extra),
    ]
    wanted = _names(texts) - {canonicalize_name(PROJECT["name"])}
    given = {canonicalize_name(name) for name in table_keys(PAGE)}
    assert not wanted - given, f"docs/decisions.md gives no reason for {sorted(wanted - given)}"
    assert not given - wanted, f"pyproject.toml does not ask for {sorted(given - wanted)}"


def test_every_reason_still_has_its_import() -> None:
    modules = {"python-dotenv": "dotenv", "pyyaml": "yaml", "jsonschema-rs": "jsonschema_rs"}
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "reconciler").rglob("*.py"))
    names = _names([*PROJECT["dependencies"], *PROJECT["optional-dependencies"]["sandbox"]])
    unused = [
        name
        for name in sorted(names - {"tzdata"})
        if not any(f"{word} {modules.get(name, name)}" in source for word in ("import", "from"))
    ]
    assert not unused, f"pyproject.toml asks for {unused}, which nothing imports"


def test_the_limits_are_those_of_the_fields() -> None:
    text = read(PAGE)
    description = next(field for field in CATALOG_FIELDS if field.name == "description")
    assert f"at most {IDENTIFIER_LIMIT} characters" in text
    assert f"descriptions: {description.limit}" in text

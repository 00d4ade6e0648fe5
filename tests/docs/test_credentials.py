"""docs/credentials.md names every variable that is read."""

from __future__ import annotations

from reconciler.cli.credentials import CONNECTWISE_VARIABLES, SOPHOS_OPTIONAL, SOPHOS_VARIABLES
from reconciler.connectwise.permissions import needed_permission
from tests.docs.pages import DOCS, blocks, prose, table_keys

PAGE = DOCS / "credentials.md"


def test_every_variable_is_explained_and_none_besides() -> None:
    assert set(table_keys(PAGE)) == {*CONNECTWISE_VARIABLES, *SOPHOS_VARIABLES, *SOPHOS_OPTIONAL}


def test_the_defaults_are_those_of_the_code() -> None:
    table = table_keys(PAGE)
    for name, default in SOPHOS_OPTIONAL.items():
        assert f"`{default}` unless set" in table[name]


def test_the_example_has_every_required_variable_and_no_value_that_looks_like_a_key() -> None:
    (example,) = [block for block in blocks(PAGE) if block.info == "ini"]
    values = dict(line.split("=", 1) for line in example.text.splitlines())
    assert set(values) == {*CONNECTWISE_VARIABLES, *SOPHOS_VARIABLES}
    assert all(values[name] == "…" for name in values if "KEY" in name or "SECRET" in name)


def test_the_rights_that_diagnostics_name_are_on_the_page() -> None:
    text = prose(PAGE)
    for path in ("/procurement/catalog", "/procurement/types", "/company/companies", "/finance/agreements"):
        module, _, right = needed_permission("GET", path).partition(":")[0].partition(" > ")
        assert f"| {module} | {right}" in text, f"{path}: {module} > {right}"

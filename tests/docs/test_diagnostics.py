"""docs/diagnostics.md and the source know the same codes."""

from __future__ import annotations

import re

from tests.docs.codes import SYSTEM, used_codes
from tests.docs.pages import DOCS, table_keys

PAGE = DOCS / "diagnostics.md"


def _one_form(code: str) -> str:
    """`connectwise-credentials` and `sophos-credentials` share a row where both are used."""
    return re.sub("^(connectwise|sophos)-(?=(credentials)$)", f"{SYSTEM}-", code)


def test_every_code_is_explained() -> None:
    documented = table_keys(PAGE)
    missing = {code: place for code, place in used_codes().items() if _one_form(code) not in documented}
    listed = "\n".join(f"{code} ({place})" for code, place in sorted(missing.items()))
    assert not missing, (
        f"docs/diagnostics.md lacks these codes; what is none belongs into NOT_CODES of tests/docs/codes.py:"
        f"\n{listed}"
    )


def test_no_code_is_invented() -> None:
    used = {_one_form(code) for code in used_codes()}
    invented = sorted(set(table_keys(PAGE)) - used)
    assert not invented, f"no source uses these codes of docs/diagnostics.md: {invented}"


def test_every_code_says_what_to_do() -> None:
    empty = [
        code for code, rest in table_keys(PAGE).items() if len([c for c in rest.split("|") if c.strip()]) != 2
    ]
    assert not empty, f"without a meaning or a remedy: {empty}"

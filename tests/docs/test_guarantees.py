"""docs/guarantees.md, and pages that name tests: the tests are there, and the figures are theirs."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

import pytest

from tests.docs.pages import DOCS, PAGES, ROOT, prose, read

if TYPE_CHECKING:
    from pathlib import Path

_NAMED_TEST = re.compile(r"`(?P<name>(?:tests/\S+/)?test_\w+(?:\.py)?)`")
GUARANTEES = read(DOCS / "guarantees.md")
#: A variable that says how much is tried, the file that reads it, and the page's words: at first, in .ci/run.
TRIED = (
    ("SCHEDULES", "faults/test_schedules.py", r"Schedules of faults \| (\d+) \| (\d+)"),
    ("KILLS", "faults/test_killed_process.py", r"Processes killed; interrupted \| (\d+); \d+ \| (\d+)"),
    ("PAIRS", "planning_lines/test_pairs.py", r"Pairs of wanted states .*\| (\d+) \| (\d+)"),
    ("HISTORIES", "histories/test_histories.py", r"Histories of three .*\| (\d+) \| (\d+)"),
    ("INPUTS", "hostile/test_files.py", r"Spoiled files \| (\d+) \| (\d+)"),
)


@cache
def _source() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_tests_that_a_page_names_are_there(page: Path) -> None:
    for found in _NAMED_TEST.finditer(prose(page)):
        name = found["name"]
        if name.endswith(".py"):
            assert list((ROOT / "tests").rglob(name.rpartition("/")[2])), name
        else:
            assert f"def {name}(" in _source(), name


@pytest.mark.parametrize(("name", "file", "words"), TRIED, ids=[name for name, _, _ in TRIED])
def test_what_is_tried_is_what_the_page_says(name: str, file: str, words: str) -> None:
    found = re.search(words, GUARANTEES)
    assert found is not None
    source = (ROOT / "tests" / file).read_text(encoding="utf-8")
    assert f'os.environ.get("{name}", "{found[1]}")' in source
    asked = re.search(rf"\b{name}=(\d+)", (ROOT / ".ci/run").read_text(encoding="utf-8"))
    assert asked is not None
    assert int(asked[1]) >= int(found[2]), "some are over before the signal reaches them"

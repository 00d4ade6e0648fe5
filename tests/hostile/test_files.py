"""Files that somebody or something has spoiled: a diagnostic each time, at once, and never a traceback."""

from __future__ import annotations

import json
import os
import resource
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings

from reconciler.model.plan_text import sealed
from tests.config.test_desired import FULL
from tests.execution.test_plan_files import CREATED, many
from tests.flows_usage.books import Books
from tests.hostile.spoiled import CUTS, EDITS, cut, dumped, edited

#: How many files are tried, of all kinds together; `.ci/run` asks for more.
INPUTS = int(os.environ.get("INPUTS", "200"))
TRIED = "hostile files"
SLOWEST = 2.0  # seconds of processor time
LARGEST = 400_000  # characters
#: Or so many times the file's own: reports repeat a name on every row of its customer and product.
TIMES = 15
#: Deeper than a parser's stack.
DEEP = [(0.0, 0, b'{"a":' * 3000)]
FORMATS = tuple(("show", "FILE", "--format", form) for form in ("text", "markdown", "csv", "json"))


def share(of: float) -> settings:
    """This many of the inputs; the time is judged below, with a clock that knows what is measured."""
    return settings(
        max_examples=max(1, int(INPUTS * of)), deadline=None, suppress_health_check=list(HealthCheck)
    )


@cache
def right_files() -> dict[str, bytes]:
    """A plan, a frozen month and a journal as the program writes them."""
    with tempfile.TemporaryDirectory() as folder:
        books = many(Books(Path(folder)))
        books.customer("Cedar", ep=(None, 3, 4), sv=(2, 2, 1))
        books.live(CREATED, settings=", newLines: create")
        plan = books.save().read_bytes()
        usage = Path(folder) / "usage.json"
        assert books.run("usage", "--dir", str(books.folder), "--out", str(usage)).code == 0
        assert books.run("apply", str(books.folder), "--yes").code in (0, 4)
        (journal,) = (books.root / "journal").iterdir()
        return {"plan": plan, "usage": usage.read_bytes(), "journal": journal.read_bytes()}


def judged(content: bytes, *command: str, name: str = "file.json") -> int:
    """Give the file to the command; what must hold whatever is in it."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "in").mkdir()
        path = root / "in" / name
        path.write_bytes(content)
        books = Books(root)
        books.live()
        places = {"FILE": str(path), "FOLDER": str(path.parent), "MAPPINGS": str(books.folder)}
        start = time.process_time()
        said = books.run(*(places.get(part, part) for part in command))
        took = time.process_time() - start
        applies = command[0] == "apply"
        assert said.code in ((0, 1, 3, 4, 5) if applies else (0, 1, 4)), (said.code, said.err[-500:])
        assert said.code == 0 or applies or "error [" in said.err + said.out, said.err[-500:]
        assert "Traceback" not in said.err
        assert took < SLOWEST, f"{took:.1f} s"
        assert len(said.out) + len(said.err) < max(LARGEST, TIMES * len(content))
        assert applies or books.writes == []
        return said.code


@pytest.fixture(autouse=True, scope="module")
def _memory_is_bounded() -> Any:
    right_files()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    yield
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 300, f"{grown:.0f} MiB more than before"


@share(0.4)
@given(cuts=CUTS)
@example(cuts=DEEP)
def test_yaml(cuts: Any, record_property: Any) -> None:
    record_property(TRIED, 1)
    judged(cut(FULL.encode(), cuts), "validate", "FOLDER", name="a.yaml")


@share(0.1)
@given(cuts=CUTS)
@example(cuts=DEEP)
def test_frozen_months_as_bytes(cuts: Any, record_property: Any) -> None:
    record_property(TRIED, 1)
    judged(cut(right_files()["usage"], cuts), "plan", "MAPPINGS", "--usage", "FILE")


@share(0.1)
@given(cuts=CUTS)
@example(cuts=DEEP)
def test_plans_as_bytes(cuts: Any, record_property: Any) -> None:
    record_property(TRIED, 1)
    judged(cut(right_files()["plan"], cuts), "show", "FILE")


@share(0.1)
@given(cuts=CUTS)
@example(cuts=DEEP)
def test_journals_as_bytes(cuts: Any, record_property: Any) -> None:
    record_property(TRIED, 1)
    judged(cut(right_files()["journal"], cuts), "show", "FILE", name="file.ndjson")


@share(0.1)
@given(edits=EDITS)
def test_journals_edited(edits: Any, record_property: Any) -> None:
    record_property(TRIED, 1)
    lines = edited([json.loads(line) for line in right_files()["journal"].splitlines()], edits)
    content = b"\n".join(dumped(line) for line in lines) + b"\n"
    for command in (("show", "FILE"), ("rollback", "FILE")):
        judged(content, *command, name="file.ndjson")


@share(0.2)
@given(edits=EDITS)
def test_plans_edited_and_signed_again(edits: Any, record_property: Any) -> None:
    record_property(TRIED, 1)
    document = edited(json.loads(right_files()["plan"]), edits)
    content = "".join(sealed(document)).encode()
    if judged(content, *FORMATS[0]) == 0:
        for command in FORMATS[1:]:
            judged(content, *command)
        judged(content, "apply", "FILE", "--yes")


@pytest.mark.parametrize(
    "key", ["customer", "companyName", "product", "agreement", "reason", "currency", "serial", "customField"]
)
def test_a_name_of_tens_of_thousands_of_letters_everywhere(key: str) -> None:
    """It is printed as often as it stands there, and no server is asked for it."""
    document = json.loads(right_files()["plan"])
    for one in (document["marker"], *document["changes"], *document["lines"]):
        for held in (one, one.get("sales"), one.get("money")):
            if isinstance(held, dict) and isinstance(held.get(key, 0), str | None):
                held[key] = "x" * 20_000
    content = "".join(sealed(document)).encode()
    if judged(content, *FORMATS[0]) == 0:
        for command in (*FORMATS[1:], ("apply", "FILE", "--yes")):
            judged(content, *command)


@pytest.mark.parametrize("value", [1e308, "9" * 400])
def test_numbers_of_the_census_that_cannot_be_added_up(value: Any) -> None:
    """JSON Schema takes 1e308 for a whole number."""
    document = json.loads(right_files()["plan"])
    census = document["census"]
    places: list[tuple[Any, str]]
    if isinstance(value, float):
        places = [(census["lines"], "total"), *((one, "lines") for one in census["lines"]["accounts"])]
    else:
        every = (*census["lines"]["accounts"], *census["units"]["accounts"])
        places = [(census["units"], "total"), *((one, "units") for one in every)]
        sums = (one.get("money", one.get("value")) for one in every)
        places += [(held, currency) for held in sums for currency in held]
    for held, key in places:
        before, held[key] = held[key], value
        assert [judged(dumped(document), *command) for command in FORMATS] == [1] * len(FORMATS), key
        held[key] = before

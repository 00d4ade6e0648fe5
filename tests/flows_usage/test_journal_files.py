"""Journal files that were cut, changed or are none: a diagnostic each, and never a traceback."""

from __future__ import annotations

import json
from copy import deepcopy
from functools import cache
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft7Validator

from reconciler.model.journal_schema import journal_schema
from tests.flows_usage.books import Books
from tests.flows_usage.journals import journal_of, rows_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support import Said

_SLOW = settings(deadline=None, suppress_health_check=list(HealthCheck))
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["line/1", "2026-13-01"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)


@cache
def written() -> tuple[Books, bytes]:
    """A site with a run that did some of everything, and that run's journal."""
    books = Books(Path(mkdtemp()))
    books.world.add_catalog_item("MSP-OLD", notes="[sophos:main GONE, EM-MSP]")
    books.product("em", tagged=False)
    books.customer("Alder", ep=(10, 10, 12), sv=(None, 3, 3))
    books.customer("Birch", ep=(20, 20, 18), more=", ended: 2026-11-30")
    books.mapped["SV-MSP"] = "{product: MSP-SV, sync: false}"
    books.live("products:\n  MSP-EP: {price: 4.5, vendorSku: X, customFields: {Vendor Programme: Gold}}\n")
    books.apply()
    return books, journal_of(books).read_bytes()


def shown(content: bytes, *, also_back: bool = False) -> list[Said]:
    """What `show` says of such a file, and `rollback`."""
    books, _ = written()
    path = books.root / "some.ndjson"
    path.write_bytes(content)
    return [books.run(*words) for words in (["show", str(path)], ["rollback", str(path)])[: 1 + also_back]]


def lines_json() -> list[dict[str, Any]]:
    """The journal's lines."""
    return [json.loads(line) for line in written()[1].splitlines()]


def joined(rows: list[Any]) -> bytes:
    """A file of these lines."""
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


@_SLOW
@given(st.binary() | st.lists(_JSON, max_size=4).map(joined))
def test_any_bytes_are_told_and_no_traceback(content: bytes) -> None:
    (said,) = shown(content)
    assert said.code == 1
    assert "journal-unreadable" in said.err


@_SLOW
@given(st.data())
def test_a_journal_with_one_value_changed_is_shown_or_refused(data: st.DataObject) -> None:
    rows = deepcopy(lines_json())
    place: Any = data.draw(st.sampled_from(rows))
    while True:
        key = data.draw(st.sampled_from(sorted(place))) if isinstance(place, dict) else 0
        below = place[key] if place else None
        if not isinstance(below, dict | list) or not below or data.draw(st.booleans()):
            break
        place = below
    place[key] = data.draw(_JSON)
    for said in shown(joined(rows), also_back=True):
        assert said.code in (0, 1, 4)
        assert said.code == 0 or "error [" in said.err + said.out


@_SLOW
@given(st.data())
def test_lines_in_any_order_are_shown_or_refused(data: st.DataObject) -> None:
    rows = lines_json()
    chosen = data.draw(st.lists(st.sampled_from(rows), max_size=8))
    for said in shown(joined([rows[0], *chosen]), also_back=True):
        assert said.code in (0, 1, 4)


def test_a_journal_is_right_wherever_it_is_cut() -> None:
    _, content = written()
    first = content.index(b"\n") + 1
    total = content.count(b'"type":"about-to-write"')
    for cut in range(0, len(content) + 1, 7):
        said, *_ = shown(content[:cut])
        if cut < first:
            assert (said.code, "journal-unreadable" in said.err) == (1, True)
            continue
        assert said.code == 0, said.err
        whole = content[:cut].endswith(b"\n")
        ended = "The run ended" in said.out
        assert ended is (cut == len(content))
        assert ended or ("not whole" in said.out) is not whole
        assert said.out.count("✓") + said.out.count("?") <= total


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (lambda rows: rows.insert(2, "garbage"), "line 3: it is no object"),
        (lambda rows: rows.append(rows[1]), "something follows the end of the run"),
        (lambda rows: rows.insert(2, rows[0]), "line 3: a second run starts in the same file"),
        (lambda rows: rows.insert(2, rows[1]), "was recorded before"),
        (lambda rows: rows.insert(3, rows[2]), "is there twice"),
        (
            lambda rows: rows[0].update(formatVersion="2.0"),
            "line 1: formatVersion: the journal has format 2.0,",
        ),
        (lambda rows: rows[0].update(formatVersion="1.7"), "a newer release wrote it. Use the release that"),
        (lambda rows: rows[0].update(started="2026-11-27T10:00:00"), "has no time zone"),
        (lambda rows: rows[0]["marker"].update(owner="a b"), "no owner of tags"),
        (lambda rows: rows[1].update(at="soon"), "line 2: 'soon' is no moment"),
        (lambda rows: rows[1].update(nextInvoice="2026-13-01"), "line 2: nextInvoice"),
        (lambda rows: rows[1]["target"].update(identifier="\ud800"), "line 2: it is not JSON"),
        (lambda rows: rows[1]["fields"][0].update(field="licence"), "does not write it"),
        (lambda rows: rows[2].update(record=10**16), "record: it is no record id"),
        (lambda rows: rows.pop(0), "line 1: a journal begins with the start of a run"),
        (lambda rows: rows[1].update(more=1), "line 2: the document"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(change: Callable[[list[Any]], Any], what: str) -> None:
    rows = lines_json()
    order = [rows[0], *sorted(rows[1:-1], key=lambda row: (row["id"], row["type"])), rows[-1]]
    change(order)
    (said,) = shown(joined(order))
    assert (said.code, said.out) == (1, "")
    assert what in said.err


def test_nan_and_deep_nesting_are_no_json() -> None:
    head = written()[1].splitlines()[0]
    for line in (b"NaN", b"[" * 100_000, b"9" * 5000, b"\xff\xfe"):
        (said,) = shown(head + b"\n" + line + b"\n")
        assert (said.code, "line 2: it is not JSON" in said.err) == (1, True)


def test_a_file_that_is_not_there_and_a_folder_are_told(books: Books) -> None:
    for path in (books.root / "none.ndjson", books.root):
        for command in ("show", "rollback"):
            said = books.run(command, str(path))
            assert (said.code, "file-unreadable" in said.err) == (1, True)


def test_a_plan_is_no_journal(busy: Books) -> None:
    said = busy.run("rollback", str(busy.save()))
    assert (said.code, "journal-unreadable" in said.err) == (1, True)


def test_every_line_that_is_written_fits_the_schema() -> None:
    books, _ = written()
    validator = Draft7Validator(journal_schema())
    for row in rows_of(journal_of(books)):
        assert list(validator.iter_errors(row)) == []

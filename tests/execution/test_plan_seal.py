"""A plan file on disk: what its hash covers, how it is packed, how large it may be, and older formats."""

from __future__ import annotations

import gzip
import hashlib
import json
import subprocess
import sys
import tracemalloc
from copy import deepcopy
from dataclasses import replace
from typing import IO, TYPE_CHECKING, Any

import pytest

from reconciler.cli import memory, plan_files
from reconciler.cli.plan_files import read_plan, write_plan
from reconciler.model.json_stream import JsonStream
from reconciler.model.plan_text import BELOW, sealed
from tests.execution.test_plan_files import many
from tests.flows_usage.books import Books

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

#: What an edit of the file may change without being refused, and why.
NOT_COVERED = {
    ("usageReadAt",): "when Sophos was asked, another moment each time; nothing is decided by it",
}


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """A site with changes of every kind, and something to say of everything."""
    books = Books(tmp_path)
    books.customer("Cedar", ep=(None, 3, 4), sv=(2, 2, 1))
    return many(books)


def leaves(data: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The way to every value that holds no other."""
    inside = data.items() if isinstance(data, dict) else enumerate(data) if isinstance(data, list) else ()
    below = [way for key, value in inside for way in leaves(value, *path, key)]
    yield from below or [path]


def other(value: Any) -> Any:
    """Another value of the same kind, as somebody edits one."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, str):
        return value[:-1] + ("1" if value.endswith("0") else "0") if value else "x"
    return ["x"] if isinstance(value, list) else {"x": "0"} if isinstance(value, dict) else "2026-11-28"


def rewritten(document: dict[str, Any]) -> str:
    """The document in the form of a plan file, with the hash that it says."""
    told = "".join(sealed(document)).splitlines(keepends=True)
    assert told[-2].startswith('"hash":')
    told[-2] = f'"hash":{json.dumps(document["hash"])},\n'
    return "".join(told)


def test_each_value_of_a_saved_plan_is_covered(books: Books) -> None:
    """Whatever is edited is refused, as it is written and as another program writes it."""
    path = books.save()
    whole = json.loads(path.read_text(encoding="utf-8"))
    assert rewritten(whole) == path.read_text(encoding="utf-8")
    passed, tried = set(), 0
    for way in leaves(whole):
        data = deepcopy(whole)
        inner: Any = data
        for step in way[:-1]:
            inner = inner[step]
        inner[way[-1]] = other(inner[way[-1]])
        path.write_text(rewritten(data), encoding="utf-8")
        said = books.run("show", str(path))
        tried += 1
        if said.code == 0:
            passed.add(way)
        else:
            assert "plan-damaged" in said.err or "plan-unreadable" in said.err, (way, said.err)
    assert passed == set(NOT_COVERED)
    assert tried > 400
    assert {key for (key,) in NOT_COVERED} | {"hash"} == set(BELOW)


def test_a_plan_that_is_too_old_does_not_pass_with_another_day(books: Books) -> None:
    path = books.save()
    text = path.read_text(encoding="utf-8")
    day = f'"today":"{books.today.isoformat()}"'
    assert text.count(day) == 1
    path.write_text(text.replace(day, '"today":"2026-11-28"'), encoding="utf-8")
    said = books.run("apply", str(path), "--yes")
    assert (said.code, "plan-damaged" in said.err, books.writes) == (1, True, [])


def test_anybody_can_count_the_hash(books: Books) -> None:
    """It is that of the text above its line: `head -n -2 plan.json | sha256sum`."""
    *above, told, _ = books.save().read_bytes().splitlines(keepends=True)
    digest = hashlib.sha256(b"".join(above)).hexdigest()
    assert told == f'"hash":"sha256:{digest}",\n'.encode()


@pytest.mark.parametrize("edit", [lambda t: t.replace('":', '": ', 1), lambda t: t[:-1], lambda t: t + "{}"])
def test_a_file_that_another_program_wrote_again_is_not_the_one_that_was_reviewed(
    books: Books, edit: Any
) -> None:
    path = books.save()
    path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")
    said = books.run("apply", str(path), "--yes")
    assert (said.code, books.writes) == (1, [])
    assert "error [plan-" in said.err


# --- packed


def test_a_name_that_ends_in_gz_is_packed_and_the_same_plan(books: Books) -> None:
    plain, packed = books.save(), books.root / "plan.json.gz"
    assert books.run("plan", str(books.folder), "--out", str(packed)).code in (0, 4)
    assert gzip.decompress(packed.read_bytes()) == plain.read_bytes()
    first = packed.read_bytes()
    assert first[3:8] == bytes(5), "it holds no name and no time"
    books.run("plan", str(books.folder), "--out", str(packed))
    assert packed.read_bytes() == first, "the same plan is the same file"
    assert books.run("show", str(packed)).out == books.run("show", str(plain)).out
    assert books.apply(packed).code == 0
    assert books.writes


@pytest.mark.parametrize("cut", [lambda b: b[:-9], lambda b: b[:100], lambda b: b[:60] + b"x" * 40 + b[100:]])
def test_a_packed_file_that_is_cut_or_damaged_is_refused(books: Books, cut: Any) -> None:
    packed = books.root / "plan.json.gz"
    books.run("plan", str(books.folder), "--out", str(packed))
    packed.write_bytes(cut(packed.read_bytes()))
    said = books.run("apply", str(packed), "--yes")
    assert (said.code, books.writes) == (1, [])
    assert "plan-unreadable" in said.err


BOMBS = {
    "blanks": b" " * 2**20,
    "an endless text": b'"' + b"a" * 2**20,
    "empty lists": b"[]," * 2**18,
}


@pytest.mark.parametrize("filling", BOMBS.values(), ids=BOMBS.keys())
def test_a_bomb_is_unpacked_only_as_far_as_memory_allows(
    books: Books, filling: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = books.root / "plan.json.gz"
    with gzip.open(path, "wb") as file:
        file.write(b'{"formatVersion":"2.0","narrowedTo":[' + filling * 64)
    monkeypatch.setattr(memory, "memory", lambda: 64 * 2**20)
    unpacked: list[bytes] = []
    real = plan_files._next

    def counted(source: IO[bytes]) -> bytes:
        unpacked.append(real(source))
        return unpacked[-1]

    monkeypatch.setattr(plan_files, "_next", counted)
    said = books.run("show", str(path))
    assert said.code == 1
    assert "it is larger than 16 MiB unpacked, the most that this machine's memory allows" in said.err
    assert len(unpacked) * plan_files._AT_ONCE < 17 * 2**20


# --- any size


def test_what_could_not_be_read_back_is_not_saved(books: Books, monkeypatch: pytest.MonkeyPatch) -> None:
    path = books.save()
    before = path.read_bytes()
    monkeypatch.setattr(memory, "memory", lambda: 4 * 1000)
    for name in ("plan.json", "new.json", "new.json.gz"):
        said = books.run("plan", str(books.folder), "--out", str(books.root / name))
        assert said.code == 1
        assert f"[plan-not-saved] {books.root / name} was not saved: it could not be read back" in said.err
        assert "Saved to" not in said.err
        assert "Update" in said.out or "MSP-EP" in said.out, "the plan is shown all the same"
    assert path.read_bytes() == before
    assert not [one.name for one in books.root.iterdir() if "new.json" in one.name]


def test_a_plan_larger_than_a_parser_takes_at_once_is_read(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In pieces of any size, in the middle of names and numbers: it is the same plan."""
    books.customer("Ünder «»", ep=(3, 3, 4))
    books.live()
    path = books.save()
    whole = books.run("show", str(path))
    assert whole.code == 0
    for size in (1, 7, 64, 4096):
        monkeypatch.setattr(plan_files, "_AT_ONCE", size)
        again = books.run("show", str(path))
        assert (again.code, again.out) == (0, whole.out)


@pytest.mark.slow
def test_writing_keeps_nothing_of_what_is_written(books: Books) -> None:
    """Four times the lines take no more memory: neither the text nor the document is there as a whole."""
    made, path = read_plan(books.save()), books.root / "large.json"

    def peak(times: int) -> int:
        large = replace(made, lines=made.lines * times)
        tracemalloc.start()
        write_plan(path, large)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(1)
    assert peak(2000) < 1.3 * peak(500)
    assert path.stat().st_size > 2**20


def test_a_plan_that_is_right_is_not_looked_at_by_the_slow_validator(books: Books) -> None:
    path = books.save()
    code = (
        "import sys; from pathlib import Path; from reconciler.cli.plan_files import read_plan; "
        "read_plan(Path(sys.argv[1])); sys.exit('jsonschema' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(path)], check=False).returncode == 0


@pytest.mark.parametrize("size", [1, 2, 5, 1000])
def test_values_are_whole_however_they_come(size: int) -> None:
    text = json.dumps({"a": 12, "b": [1, 234, "ü", {"c": [-1.5e3]}], "d": {"e": 5678}}, ensure_ascii=False)
    content = (text + "\n").encode()
    pieces = (content[at : at + size] for at in range(0, len(content), size))
    stream = JsonStream(pieces, ((), ("d",)), (("b",),), 1000)
    assert list(stream.events()) == [
        ((), False, {}), (("a",), False, 12), (("b",), False, []), (("b",), True, 1), (("b",), True, 234),
        (("b",), True, "ü"), (("b",), True, {"c": [-1500.0]}), (("d",), False, {}),
        (("d", "e"), False, 5678),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        '{"a"',
        '{"a":',
        '{"a":1',
        '{"a":1,',
        '{"a":1,}',
        '{"a":1}}',
        '{"a":1,"a":2}',
        '{"b":[1,]}',
        '{"b":[1 2]}',
    ],
)
def test_what_is_no_json_is_none(text: str) -> None:
    with pytest.raises(ValueError):
        list(JsonStream(iter((text.encode(),)), ((),), (("b",),), 1000).events())


# --- older formats


def older(path: Path) -> Path:
    """The same plan as version 1.0 wrote it: keys sorted, indented, its hash in the middle."""
    document = json.loads(path.read_text(encoding="utf-8"))
    document |= {"formatVersion": "1.0", "hash": "sha256:" + "0" * 64}
    path.write_text(json.dumps(document, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path


def test_a_plan_of_an_older_format_is_shown_and_not_applied(books: Books) -> None:
    fresh = books.run("show", str(books.save())).out
    path = older(books.save())
    shown = books.run("show", str(path))
    assert shown.code == 0
    assert "This plan has format 1.0: it can be looked at, and not be applied." in shown.out
    assert {line for line in fresh.splitlines() if "→" in line} <= set(shown.out.splitlines())
    for form in ("markdown", "csv"):
        assert books.run("show", str(path), "--format", form).code == 0
    books.forget()
    for command in (
        ("apply", str(path), "--yes"),
        ("apply", str(books.folder), "--within", str(path), "--yes"),
        ("score", str(path)),
        ("show", str(path), "--format", "json"),
    ):
        said = books.run(*command)
        assert (said.code, books.writes) == (1, []), command
        assert "the plan has format 1.0, and this version reads 2.0: an older release wrote it" in said.err
        assert "Make it anew" in said.err


def test_what_an_older_version_did_not_write_either_is_refused(books: Books) -> None:
    path = older(books.save())
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace('"units"', '"unit"', 1), encoding="utf-8")
    said = books.run("show", str(path))
    assert (said.code, "plan-unreadable" in said.err) == (1, True)

"""Which files are read, and what is said about the others."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml

from reconciler.config import files, parse
from reconciler.config.load import load
from reconciler.model.diagnostics import Severity
from tests.config.folders import ROW, loaded, said, unmark
from tests.config.test_refusals import REFUSED


def codes(folder: Path) -> list[str]:
    return [d.code for d in load(folder).diagnostics]


def test_missing_folder(tmp_path: Path) -> None:
    result = load(tmp_path / "nowhere")
    assert [d.code for d in result.diagnostics] == ["folder-missing"]
    assert (result.desired, result.files, result.counts) == (None, (), {})


def test_a_name_that_cannot_be() -> None:
    assert codes(Path("a\0b")) == ["folder-missing"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ROW)
    assert codes(tmp_path / "a.yaml") == ["not-a-folder"]


def test_empty_folder(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("x")
    (tmp_path / ".hidden.yaml").write_text("[")
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "a.yaml").write_text("[")
    assert codes(tmp_path) == ["no-files"]


def test_folders_below_are_read_in_order(tmp_path: Path) -> None:
    (tmp_path / "b" / "c").mkdir(parents=True)
    (tmp_path / "z.yaml").write_text(ROW)
    (tmp_path / "b" / "c" / "x.yaml").write_text("protected: [P]\n")
    result = load(tmp_path)
    assert result.desired is not None
    assert [Path(name).name for name in result.files] == ["x.yaml", "z.yaml"]


@pytest.mark.parametrize("name", ["b.yml", "b.YAML", "b.YML"])
def test_a_suffix_that_would_be_skipped(tmp_path: Path, name: str) -> None:
    (tmp_path / "a.yaml").write_text(ROW)
    (tmp_path / name).write_text(ROW)
    result = load(tmp_path)
    assert [d.code for d in result.diagnostics] == ["yml-suffix"]
    assert result.desired is None
    assert '"b.yaml"' in result.diagnostics[0].remedy


def test_links_are_not_followed(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "x.yaml").write_text("not: read")
    folder = tmp_path / "mappings"
    folder.mkdir()
    (folder / "a.yaml").write_text(ROW)
    (folder / "b.yaml").symlink_to(elsewhere / "x.yaml")
    (folder / "c").symlink_to(elsewhere)
    (folder / "d.yaml").symlink_to(tmp_path / "dangling")
    (folder / "notes.txt").symlink_to(elsewhere / "x.yaml")
    assert codes(folder) == ["symlink", "symlink", "symlink"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes on this system")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.yaml")
    assert codes(tmp_path) == ["unreadable"]


def test_a_large_file_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "a.yaml").open("wb") as stream:
        stream.truncate(50 * 1024 * 1024)

    def refuse(*_: object) -> str:
        raise AssertionError("read")

    monkeypatch.setattr(files, "decode", refuse)
    assert codes(tmp_path) == ["file-too-large"]


def test_the_largest_file(tmp_path: Path) -> None:
    text = ROW + "#" * (files.FILE_LIMIT - len(ROW))
    assert said(loaded(tmp_path, text)) == []
    assert said(loaded(tmp_path, text + "#")) == ["file-too-large 1:1"]


def test_a_large_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FOLDER_LIMIT", 100)
    assert said(loaded(tmp_path, ROW, ROW.replace("A-", "B-"), "#" * 50)) == ["folder-too-large"]


def test_many_values_in_many_files(tmp_path: Path) -> None:
    row = "[" + "x," * 20_000 + "]"
    text = f"a: &a {row}\nb: [*a, *a, *a]\n"
    assert said(loaded(tmp_path, text, text, text, text)) == ["too-many-values"]


def test_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "FILES_LIMIT", 2)
    for number in range(4):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"{number}" / "a.yaml").write_text(ROW)
    assert codes(tmp_path) == ["too-many-files"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may read everything")
def test_no_permission(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(ROW)
    (tmp_path / "a.yaml").chmod(0)
    assert codes(tmp_path) == ["unreadable"]


def test_a_file_that_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.yaml").write_text(ROW)

    def gone(*_: object, **__: object) -> int:
        raise FileNotFoundError(2, "No such file or directory")

    monkeypatch.setattr(os, "open", gone)
    assert codes(tmp_path) == ["unreadable"]


@pytest.mark.parametrize(
    ("data", "place", "byte"),
    [
        (b"\xff", "1:1", "byte 1 is 0xff"),
        (b"mappings:\n  \xc3\xa9\xe9: x\n", "2:4", "byte 15 is 0xe9"),
        (b"\xef\xbb\xbfa: \xc3\n", "1:4", "byte 7 is 0xc3"),
        ("mappings:\n".encode("utf-16"), "1:1", "is UTF-16"),
    ],
)
def test_not_utf_8(tmp_path: Path, data: bytes, place: str, byte: str) -> None:
    result = loaded(tmp_path, data)
    assert said(result) == [f"not-utf-8 {place}"]
    assert byte in result.diagnostics[0].message


def test_empty_files_are_pointed_out(tmp_path: Path) -> None:
    result = loaded(tmp_path, ROW, "# nothing yet\n", "")
    assert said(result, Severity.WARNING) == ["empty-file 1:1", "empty-file 1:1"]
    assert result.desired is not None


def test_columns_count_characters(tmp_path: Path) -> None:
    text, place = unmark("mappings:\n  A-MSP: {exclude: čeština 🙂, ▸foo: 1}\n")
    assert f"unknown-key {place}" in said(loaded(tmp_path, text))


BOMB = "a: &a [" + "x, " * 9 + "]\n"
for _before, _name in zip("abcdefgh", "bcdefghi", strict=True):
    BOMB += f"{_name}: &{_name} [" + f"*{_before}, " * 9 + "]\n"


def test_alias_bombs_do_not_go_off(tmp_path: Path) -> None:
    assert [d.code for d in loaded(tmp_path, BOMB).diagnostics] == ["too-many-values"]


@pytest.fixture
def without_c(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(parse, "_LOADER", yaml.SafeLoader)


@pytest.mark.usefixtures("without_c")
def test_the_other_loader_says_the_same(tmp_path: Path) -> None:
    for number, (code, marked) in enumerate(REFUSED.values()):
        text, place = unmark(marked)
        found = said(loaded(tmp_path / str(number), text), Severity.ERROR)
        if code == "yaml-syntax":  # the two see the same mistake at slightly different places
            assert any(entry.startswith(code) for entry in found)
        else:
            assert f"{code} {place}" in found


@pytest.mark.usefixtures("without_c")
@pytest.mark.parametrize("text", ['a: "\\ud800"\n', 'a: "\\U00110000"\n', "[" * 5000, "{" * 5000, BOMB])
def test_the_other_loader_is_as_safe(tmp_path: Path, text: str) -> None:
    assert loaded(tmp_path, text).desired is None


def test_another_version_in_one_of_several_files_is_said_as_such(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("version: 1\n" + ROW)
    for one in ("a", "b"):
        (tmp_path / "b.yaml").write_text("version: 2\nlines: {MSP-A: {count: sum}}\n")
        (tmp_path / "0.yaml").write_text("version: 1\n" if one == "b" else "version: 2\n")
        assert codes(tmp_path) == ["unsupported-version"]


def test_a_blank_that_is_none_is_named(tmp_path: Path) -> None:
    (found,) = loaded(tmp_path, ROW + "\u00a0 B-MSP: {product: P}\n").diagnostics[:1]
    assert found.message == (
        "This line is indented with the no-break space U+00A0, which looks like a blank and is none in YAML."
    )
    assert found.remedy.startswith("Indent with ordinary blanks.")


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-be"])
def test_utf_16_is_named(tmp_path: Path, encoding: str) -> None:
    text = ("\ufeff" if encoding == "utf-16-be" else "") + ROW
    (tmp_path / "a.yaml").write_bytes(text.encode(encoding))
    (found,) = load(tmp_path).diagnostics
    assert (found.code, found.location and found.location.line) == ("not-utf-8", 1)
    assert "is UTF-16" in found.message

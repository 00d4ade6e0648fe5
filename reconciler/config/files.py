"""Folder → texts. Only regular `*.yaml` files are read, within bounds, and nothing is skipped in silence."""

from __future__ import annotations

import codecs
import os
import stat
from dataclasses import dataclass
from pathlib import Path

from reconciler.config.wording import HIDDEN, code_point, show
from reconciler.model.diagnostics import Diagnostic, Location, error, warning

FILE_LIMIT = 1024 * 1024
FOLDER_LIMIT = 16 * 1024 * 1024
FILES_LIMIT = 1000
ENTRIES_LIMIT = 20_000

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


@dataclass(frozen=True)
class Source:
    """A file's name, as a person would type it, and its text."""

    name: str
    text: str


@dataclass(frozen=True)
class Reading:
    """What a folder held. `files` are all files that are part of the configuration, readable or not."""

    sources: tuple[Source, ...]
    files: tuple[str, ...]
    diagnostics: tuple[Diagnostic, ...]


def read_folder(folder: Path) -> Reading:
    """Read every `*.yaml` file under the folder, in the order of their names.

    Dot files and dot folders are left alone. Links, `*.yml` files and files beyond the limits are
    reported, because somebody believes that they count.
    """
    name = folder.as_posix()
    try:
        mode = folder.stat().st_mode
    except (OSError, ValueError) as problem:
        return _nothing(
            error(
                "folder-missing",
                f"The folder {show(name)} cannot be read: {_why(problem)}.",
                "Give the folder that holds the *.yaml files; `mappings` is the default.",
            )
        )
    if not stat.S_ISDIR(mode):
        return _nothing(
            error(
                "not-a-folder",
                f"{show(name)} is not a folder.",
                "Give the folder that holds the *.yaml files; a single file is not a configuration.",
            )
        )
    return _read_found(folder, name)


def _read_found(folder: Path, name: str) -> Reading:
    found, diagnostics = _find(folder)
    names = sorted(found)
    if not names and not diagnostics:
        diagnostics.append(
            error(
                "no-files",
                f"There is no *.yaml file under {show(name)}.",
                "Write one with a `mappings` section; `reconciler search` prints ready rows.",
            )
        )
    sources: list[Source] = []
    size = 0
    for file in names:
        text = _read_file(file, found[file])
        if isinstance(text, str):
            size += len(text)
            if size > FOLDER_LIMIT:
                diagnostics.append(_folder_too_large(name))
                break
            hidden = _hidden(file, text)
            diagnostics.extend(hidden)
            if not hidden:
                sources.append(Source(file, text))
        else:
            diagnostics.append(text)
    return Reading(tuple(sources), tuple(names), tuple(diagnostics))


def _nothing(diagnostic: Diagnostic) -> Reading:
    return Reading((), (), (diagnostic,))


def _why(problem: OSError | ValueError) -> str:
    if isinstance(problem, FileNotFoundError):
        return "it does not exist"
    if isinstance(problem, OSError) and problem.strerror:
        return problem.strerror[:1].lower() + problem.strerror[1:]
    return "its name is not valid"


def _find(folder: Path) -> tuple[dict[str, Path], list[Diagnostic]]:
    """The files by name. Folders are walked in order, without following links, up to a bound."""
    found: dict[str, Path] = {}
    diagnostics: list[Diagnostic] = []
    waiting = [folder]
    seen = 0
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as listing:
                entries = sorted(listing, key=lambda e: e.name)
        except OSError as problem:
            diagnostics.append(_unreadable(here.as_posix(), problem))
            continue
        seen += len(entries)
        if seen > ENTRIES_LIMIT or len(found) > FILES_LIMIT:
            diagnostics.append(
                error(
                    "too-many-files",
                    f"{show(folder.as_posix())} holds more than {FILES_LIMIT} *.yaml files or "
                    f"{ENTRIES_LIMIT} entries.",
                    "Give the folder of the configuration itself.",
                )
            )
            return {}, diagnostics
        waiting.extend(_sort_entries(entries, found, diagnostics))
    return found, diagnostics


def _sort_entries(
    entries: list[os.DirEntry[str]], found: dict[str, Path], diagnostics: list[Diagnostic]
) -> list[Path]:
    """File the entries of one folder; returns the folders to walk next."""
    folders: list[Path] = []
    for entry in entries:
        path = Path(entry.path)
        if entry.name.startswith("."):
            continue
        suffix = path.suffix.lower()
        if entry.is_symlink():
            if suffix in (".yaml", ".yml") or entry.is_dir():
                diagnostics.append(_link(path.as_posix()))
        elif entry.is_dir(follow_symlinks=False):
            folders.append(path)
        elif suffix == ".yml" or (suffix == ".yaml" and path.suffix != ".yaml"):
            diagnostics.append(_suffix(path))
        elif suffix == ".yaml":
            found[path.as_posix()] = path
    return folders


def _link(name: str) -> Diagnostic:
    return error(
        "symlink",
        f"{show(name)} is a symbolic link; links are not followed.",
        "Put the file itself there: what is reviewed must be what is read.",
        location=Location(name, 1),
    )


def _suffix(path: Path) -> Diagnostic:
    return error(
        "yml-suffix",
        f"{show(path.as_posix())} would not be read: only files ending in .yaml are.",
        f"Rename it to {show(path.with_suffix('.yaml').name)}.",
        location=Location(path.as_posix(), 1),
    )


def _unreadable(name: str, problem: OSError) -> Diagnostic:
    return error(
        "unreadable",
        f"{show(name)} cannot be read: {_why(problem)}.",
        "Check the permissions.",
        location=Location(name, 1),
    )


def _read_file(name: str, path: Path) -> str | Diagnostic:
    """The file's text, or why there is none. A file beyond the limit is not read at all."""
    try:
        # A device or a pipe would block or never end, so that the kind is asked of the open file.
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        with os.fdopen(descriptor, "rb") as stream:
            about = os.fstat(stream.fileno())
            if not stat.S_ISREG(about.st_mode):
                return error("unreadable", f"{show(name)} is not a regular file.", location=Location(name, 1))
            if about.st_size > FILE_LIMIT:
                return _too_large(name)
            data = stream.read(FILE_LIMIT + 1)
    except OSError as problem:
        return _unreadable(name, problem)
    if len(data) > FILE_LIMIT:
        return _too_large(name)
    return decode(name, data)


def _too_large(name: str) -> Diagnostic:
    return error(
        "file-too-large",
        f"{show(name)} is larger than 1 MiB.",
        "Split it: any number of *.yaml files may hold the same section.",
        location=Location(name, 1),
    )


def _folder_too_large(name: str) -> Diagnostic:
    return error(
        "folder-too-large",
        f"The files under {show(name)} are larger than 16 MiB together.",
        "Give the folder of one site's configuration.",
    )


def decode(name: str, data: bytes) -> str | Diagnostic:
    """UTF-8 with or without a byte order mark, or a diagnostic that names the byte."""
    offset = len(_BOM) if data.startswith(_BOM) else 0
    if data.startswith(_UTF_16):
        return error(
            "not-utf-8",
            f"{show(name)} is UTF-16, as some programs of Windows write it, and not UTF-8.",
            "Save the file as UTF-8.",
            location=Location(name, 1, 1),
        )
    try:
        return data[offset:].decode()
    except UnicodeDecodeError as problem:
        at = offset + problem.start
        start = data.rfind(b"\n", 0, at) + 1
        column = len(data[max(start, offset) : at].decode()) + 1
        return error(
            "not-utf-8",
            f"{show(name)} is not UTF-8: byte {at + 1} is 0x{data[at]:02x}.",
            "Save the file as UTF-8.",
            location=Location(name, data.count(b"\n", 0, at) + 1, column),
        )


def _hidden(name: str, text: str) -> list[Diagnostic]:
    """Every place with a character that people cannot see; comments too, because reviewers read them."""
    diagnostics: list[Diagnostic] = []
    for found in HIDDEN.finditer(text):
        start = text.rfind("\n", 0, found.start()) + 1
        diagnostics.append(
            error(
                "hidden-character",
                f"The invisible character {code_point(found[0])} stands here.",
                "Delete it: what a reviewer sees must be what is loaded.",
                location=Location(name, text.count("\n", 0, found.start()) + 1, found.start() - start + 1),
            )
        )
        if len(diagnostics) == 5:  # a binary file need not be listed byte by byte
            break
    return diagnostics


def empty_file(name: str) -> Diagnostic:
    """The warning for a file that holds nothing."""
    return warning(
        "empty-file",
        f"{show(name)} holds nothing but comments or blanks.",
        "Delete it, or write a section.",
        location=Location(name, 1),
    )

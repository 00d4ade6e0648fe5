"""Files on disk, frozen months and journals among them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, TYPE_CHECKING, Any, cast

from reconciler.cli.memory import megabytes, most_text
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.versions import other_version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.model.journal import Journal
    from reconciler.model.usage_file import FrozenUsage

#: What is read as a whole may be this part of what may be read in pieces.
_AS_A_WHOLE = 4
_CHECK = "Check the path."
_JOURNAL = "Take it as the run left it; what was written stands in ConnectWise, and `plan` compares it."
#: Of a first line that is looked at to tell what a file is.
_LONGEST_LINE = 64 * 1024
_USAGE_AGAIN = "Freeze the month again with `reconciler usage --out`."


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none of it. Raises ReconcilerError where the disk refuses."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or none of it; a device or pipe is written to. Raises ReconcilerError."""
    with replacing(path) as file:
        file.write(content)


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of another one once it is whole; until then that one is as it was.

    A device or pipe is written to, and cannot be read. Raises ReconcilerError where the disk refuses.
    """
    try:
        if path.exists() and not path.is_file():
            with path.open("wb") as device:
                yield device
        else:
            with _beside(path.resolve()) as file:
                yield file
    except OSError as failed:
        raise ReconcilerError(
            error("file-unwritable", f"{path} cannot be written: {failed.strerror}.", "Choose another place.")
        ) from failed


@contextmanager
def _beside(path: Path) -> Iterator[IO[bytes]]:
    """Where anything fails, the file is as it was, and nothing lies beside it."""
    file = NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    try:
        with file:
            yield cast("IO[bytes]", file)
        Path(file.name).replace(path)
    except BaseException:
        Path(file.name).unlink()
        raise


def is_journal(path: Path) -> bool:
    """Whether a file is meant to be a journal, by its first line or by its name."""
    from reconciler.model.journal_read import starts_a_journal

    if path.suffix == ".ndjson":
        return True
    try:
        with path.open("rb") as file:
            return starts_a_journal(file.readline(_LONGEST_LINE))
    except OSError:
        return False


def read_journal(path: Path) -> Journal:
    """A journal. Raises ReconcilerError where the file is none, was changed, or is of another format."""
    from reconciler.model.journal_read import NoJournalError, read

    try:
        return read(_read_bytes(path, "journal-unreadable", _CHECK), _journal_form())
    except NoJournalError as wrong:
        raise ReconcilerError(
            error("journal-unreadable", f"{path} is no journal that this version reads: {wrong}.", _JOURNAL)
        ) from wrong


def _journal_form() -> Callable[[dict[str, Any]], str]:
    """What is wrong with the form of a journal's line, by the schema of its kind."""
    from reconciler.model.forms import Form
    from reconciler.model.journal import JOURNAL_VERSION, START
    from reconciler.model.journal_schema import line_schemas

    known = {kind: Form(schema) for kind, schema in line_schemas().items()}

    def problem(row: dict[str, Any]) -> str:
        kind = row.get("type")
        if kind == START and "formatVersion" in row:
            other, remedy = other_version(row["formatVersion"], JOURNAL_VERSION, "the journal")
            if other:
                return f"formatVersion: {other}" + (f". {remedy.rstrip('.')}" if remedy else "")
        if not isinstance(kind, str) or kind not in known:
            return "type: it is none of a journal's lines"
        return known[kind].problem(row)

    return problem


def read_usage(path: Path) -> FrozenUsage:
    """A frozen month. Raises ReconcilerError where the file is none, is damaged, or of another format."""
    from reconciler.model.usage_file import from_json

    return from_json(_read_json(path, "usage-file-format", _USAGE_AGAIN))


def _read_json(path: Path, code: str, remedy: str) -> Any:
    try:
        return json.loads(_read_bytes(path, code, _CHECK))
    except (ValueError, RecursionError) as failed:
        raise ReconcilerError(error(code, f"{path} is not JSON.", remedy)) from failed


def _read_bytes(path: Path, code: str, remedy: str) -> bytes:
    try:
        most = most_text() // _AS_A_WHOLE
        if path.stat().st_size > most:
            much = f"{path} is larger than {megabytes(most)}, the most that this machine's memory allows."
            raise ReconcilerError(error(code, much, "Read it on a larger machine."))
        return path.read_bytes()
    except OSError as failed:
        raise ReconcilerError(
            error("file-unreadable", f"{path} cannot be read: {failed.strerror}.", remedy)
        ) from failed

"""Plan files of any size on disk: written and read as streams, packed where their name ends in `.gz`."""

from __future__ import annotations

import gzip
import io
import zlib
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, cast

from reconciler.cli.files import replacing
from reconciler.cli.memory import megabytes, most_text
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.plan_read import DamagedError, NoPlanError, OtherVersionError, check, read

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from reconciler.model.plan import Plan

_AGAIN = "Make it anew with `reconciler plan --out`."
_PACKED = b"\x1f\x8b"
_AT_ONCE = 256 * 1024


def packed_name(path: Path) -> bool:
    """Whether a file of this name is packed."""
    return path.suffix == ".gz"


def plan_bytes(plan: Plan, *, packed: bool) -> bytes:
    """A plan file as it is written to disk; the same plan has the same bytes."""
    buffer = io.BytesIO()
    _write(buffer, plan, packed=packed)
    return buffer.getvalue()


def write_plan(path: Path, plan: Plan) -> None:
    """Save a plan, and read it back before it takes its place: whole, or not at all.

    A device or a pipe is written to, and not read back. Raises ReconcilerError where the disk refuses, and
    where what was written would be refused by `show` and `apply`.
    """
    with replacing(path) as file:
        _write(file, plan, packed=packed_name(path))
        if not file.readable():
            return
        file.seek(0)
        try:
            check(_chunks(file, packed=packed_name(path)), plan)
        except NoPlanError as failed:
            raise ReconcilerError(
                error(
                    "plan-not-saved",
                    f"{path} was not saved: it could not be read back ({failed or _CHANGED}).",
                    "Plan fewer customers or products at once (`--customer`, `--product`); where that is not "
                    "the reason, report it.",
                )
            ) from failed


_CHANGED = "what stands there is not what was written"


def _write(file: IO[bytes], plan: Plan, *, packed: bool) -> None:
    with _unpacked_target(file, packed=packed) as target:
        for piece in _together(plan.text()):
            target.write(piece)


@contextmanager
def _unpacked_target(file: IO[bytes], *, packed: bool) -> Iterator[IO[bytes]]:
    """Where to write; a packed file has no time and no name, so that the same plan is the same file."""
    if not packed:
        yield file
        return
    with gzip.GzipFile(filename="", mode="wb", fileobj=file, compresslevel=6, mtime=0) as target:
        yield cast("IO[bytes]", target)


def _together(pieces: Iterator[str]) -> Iterator[bytes]:
    """Few large pieces of many small ones."""
    held, size = [], 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size > _AT_ONCE:
            yield "".join(held).encode()
            held, size = [], 0
    yield "".join(held).encode()


def read_plan(path: Path, *, older: bool = False) -> Plan:
    """A saved plan. Raises ReconcilerError where the file is none, is damaged, or of another format.

    With `older`, one of an older format is read to be looked at; a warning of it says that.
    """
    try:
        with path.open("rb") as file:
            packed = file.peek(len(_PACKED)).startswith(_PACKED)
            return read(_chunks(file, packed=packed), older=older)
    except OtherVersionError as other:
        message, remedy = f"{path} cannot be read: {other}.", f"{other.remedy} {_AGAIN}".strip()
        raise ReconcilerError(error("plan-unreadable", message, remedy)) from other
    except DamagedError as damaged:
        message = f"{path} does not match its own hash: it was changed after it was planned."
        raise ReconcilerError(error("plan-damaged", message, _AGAIN)) from damaged
    except NoPlanError as none:
        message = f"{path} is no plan that this version reads: {none}."
        raise ReconcilerError(error("plan-unreadable", message, _AGAIN)) from none
    except OSError as failed:
        message = f"{path} cannot be read: {failed.strerror}."
        raise ReconcilerError(error("file-unreadable", message, "Check the path.")) from failed


def _chunks(file: IO[bytes], *, packed: bool) -> Iterator[bytes]:
    """The file's text, unpacked as it is asked for, up to what memory allows. Raises NoPlanError."""
    most, found = most_text(), 0
    source = cast("IO[bytes]", gzip.GzipFile(fileobj=file, mode="rb")) if packed else file
    while chunk := _next(source):
        found += len(chunk)
        if found > most:
            raise NoPlanError(
                f"it is larger than {megabytes(most)} unpacked, the most that this machine's memory allows"
            )
        yield chunk


def _next(source: IO[bytes]) -> bytes:
    try:
        return source.read(_AT_ONCE)
    except (EOFError, zlib.error, gzip.BadGzipFile) as failed:
        raise NoPlanError("it is cut off or damaged, so that it cannot be unpacked") from failed

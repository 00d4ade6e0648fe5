"""Journals on disk: written a line at a time, each on the disk before the request that it announces."""

from __future__ import annotations

import os
import secrets
from contextlib import contextmanager, suppress
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.provenance import actor, commit
from reconciler.execution.telling import NotRecordedError
from reconciler.model.diagnostics import Diagnostic, ReconcilerError, error
from reconciler.model.journal import Head, about_json, by_hand_json, end_json, line_text, outcome_json
from reconciler.model.outcome import Result
from reconciler.model.verdict import by_hand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from typing import Any

    from reconciler.cli.runtime import Runtime
    from reconciler.model.by_hand import ByHand
    from reconciler.model.change import Change
    from reconciler.model.outcome import Outcome
    from reconciler.model.plan import Plan

_OWNER_ONLY = 0o600


class Recorder:
    """One run's journal while it is written.

    A change is on the disk before its request is sent. `trouble` is set once the file cannot be written any
    more: nothing further is announced from then on, so that nothing is written without a record.
    """

    def __init__(self, path: Path, file: int, moment: Callable[[], str]) -> None:
        self.path = path
        self.trouble: Diagnostic | None = None
        self._file = file
        self._moment = moment
        self._started = False

    def before_write(self, changes: Sequence[Change]) -> None:
        """Record changes whose request is sent next. Raises NotRecordedError where that cannot be done."""
        at = self._moment()
        self._append([about_json(change, at) for change in changes])
        if self.trouble is not None:
            raise NotRecordedError(f"the journal could not be written ({self.path})")

    def outcome(self, outcome: Outcome) -> None:
        """Record what became of a change; what was never sent is not waited for."""
        sent = outcome.result is not Result.NOT_ATTEMPTED
        self._append([outcome_json(outcome, self._moment())], to_disk=sent)

    def end(self, outcomes: Iterable[Outcome], *, interrupted: bool) -> None:
        """Record that the run came to its end."""
        self._append([end_json(outcomes, self._moment(), interrupted=interrupted)])

    def start(self, head: Head, left: Iterable[ByHand]) -> None:
        """The first lines, with what is `left` to people, and the file's own entry in its folder.

        Raises ReconcilerError.
        """
        at = self._moment()
        self._append([head.to_json(), *(by_hand_json(work, at) for work in left)])
        if self.trouble is not None:
            self.path.unlink(missing_ok=True)
            raise ReconcilerError(self.trouble)
        self._started = True
        _sync_folder(self.path.parent)

    def _append(self, lines: Iterable[Mapping[str, Any]], *, to_disk: bool = True) -> None:
        if self.trouble is not None:
            return
        left = b"".join(line_text(one) for one in lines)
        try:
            while left:
                left = left[os.write(self._file, left) :]
            if to_disk:
                os.fsync(self._file)
        except OSError as failed:
            self.trouble = (_cut_off if self._started else _unwritable)(self.path, failed)


@contextmanager
def recording(runtime: Runtime, plan: Plan, place: str | None, folder: Path | None) -> Iterator[Recorder]:
    """A new journal of this plan's run, at `place` (a file, or a folder) or under the usual name.

    What ends in a slash is a folder, which is made where it is not there.

    `folder` is where Git is asked for the commit. Raises ReconcilerError where it cannot be started.
    """
    now, run = runtime.now().astimezone(UTC), secrets.token_hex(6)
    path = runtime.journals if place is None else Path(place)
    if place is None or path.is_dir() or place.endswith(("/", os.sep)):
        path = path / f"{now:%Y%m%dT%H%M%SZ}-{run}.ndjson"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        # a journal is never written over another one
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
        file = os.open(path, flags, _OWNER_ONLY)
    except OSError as failed:
        raise ReconcilerError(_unwritable(path, failed)) from failed
    try:
        recorder = Recorder(path, file, lambda: runtime.now().astimezone(UTC).isoformat())
        left = [work for _, work in by_hand(plan)]
        recorder.start(_head(plan, run, now.isoformat(), runtime.environ, folder), left)
        yield recorder
    finally:
        os.close(file)


def _head(plan: Plan, run: str, started: str, environ: Mapping[str, str], folder: Path | None) -> Head:
    return Head(
        run=run,
        started=started,
        tool=plan.tool,
        site=plan.site,
        owner=plan.owner,
        marker_custom_field=plan.marker_custom_field,
        instance=plan.instance,
        month=None if plan.period is None else plan.period.month,
        plan_hash=plan.hash,
        config_hash=plan.config_hash,
        actor=actor(environ),
        commit=commit(environ, folder),
    )


def _unwritable(path: Path, failed: OSError) -> Diagnostic:
    return error(
        "journal-unwritable",
        f"The journal {path} cannot be written: {failed.strerror}.",
        "Nothing is written to ConnectWise without a journal. Name a new file or a folder in another place "
        "with --journal.",
    )


def _cut_off(path: Path, failed: OSError) -> Diagnostic:
    return error(
        "journal-cut-off",
        f"The journal {path} could not be written any further: {failed.strerror}. No request was started "
        "after that.",
        "Keep it: it says what was sent. Make room, then apply again: that finishes the rest.",
    )


def _sync_folder(folder: Path) -> None:
    """The new file's name to the disk, on systems that let a folder be opened for that."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    with suppress(OSError):  # some file systems refuse it; the lines themselves are on the disk
        opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)

"""Ctrl-C and SIGTERM: what is in flight is finished and told, and a second one stops at once."""

from __future__ import annotations

import asyncio
import signal
import threading
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import FrameType

    from reconciler.cli.runtime import Runtime

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


#: Whether SIGTERM came, as an Event because a handler may run between any two steps.
_terminated = threading.Event()


def like_ctrl_c(_number: int, frame: FrameType | None) -> None:
    """A handler of SIGTERM for commands that only read: whoever handles Ctrl-C now handles this as well."""
    _terminated.set()
    handler = signal.getsignal(signal.SIGINT)
    if not callable(handler):  # a shell's background jobs ignore Ctrl-C, and this is none
        raise KeyboardInterrupt
    handler(signal.SIGINT, frame)


def was_terminated() -> bool:
    """Whether it was SIGTERM and not Ctrl-C that ended the command."""
    return _terminated.is_set()


@dataclass
class Stop:
    """Whether and by which signal a run that writes was asked to stop."""

    by: int | None = None
    _runtime: Runtime | None = None
    _loop: asyncio.AbstractEventLoop | None = None
    _task: asyncio.Task[object] | None = None
    _event: asyncio.Event | None = None
    _late: bool = False

    @contextmanager
    def running(self) -> Iterator[None]:
        """Inside the run's own task: until `writing`, a signal cancels it."""
        self._loop, self._task = asyncio.get_running_loop(), asyncio.current_task()
        try:
            if self.by is not None:
                raise asyncio.CancelledError
            yield
        finally:
            self._loop = self._task = None

    @contextmanager
    def writing(self) -> Iterator[asyncio.Event]:
        """The event is set by the first signal; the next one cancels the task."""
        self._event = asyncio.Event()
        try:
            yield self._event
        finally:
            self._event = None

    def on_signal(self, number: int, *_: object) -> None:
        """What a signal does now. Raises KeyboardInterrupt for a second one where nothing runs any more."""
        if self._loop is None:  # the report is being written: it is finished, unless somebody insists
            if self._late:
                raise KeyboardInterrupt
            self._late = True
        elif self._event is None or self._event.is_set():
            self.by = self.by or number
            if self._task is not None:
                self._loop.call_soon_threadsafe(self._task.cancel)
        else:
            self.by = self.by or number
            self._event.set()  # now, so that a second signal finds it set
            self._loop.call_soon_threadsafe(self._say)

    def _say(self) -> None:
        if self._runtime is not None:
            with suppress(OSError):
                self._runtime.stderr.write(
                    "Stopping after the requests in flight; once more stops at once.\n"
                )


@contextmanager
def patiently(runtime: Runtime) -> Iterator[Stop]:
    """Until the end of the block a first signal loses nothing: neither what is in flight nor the report.

    Where this is not the main thread, whoever runs us handles signals.
    """
    stop = Stop(_runtime=runtime)
    before = {}
    try:
        for number in _SIGNALS:
            before[number] = signal.signal(number, stop.on_signal)
    except ValueError:
        pass
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

"""The terminal: colour on a terminal only, `NO_COLOR` respected, no markup in other people's names."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any, TextIO, cast

from reconciler.reporting.clean import Inert

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

_WIDTH_ELSEWHERE = 110


class InertStream:
    """A stream through which everything goes that is printed: no name commands the runner that shows it.

    `commands` is the stream itself, for what is meant to be a command.
    """

    def __init__(self, stream: TextIO) -> None:
        self.commands = stream
        self._inert = Inert()

    def write(self, text: str) -> int:
        """Write the text; the number of its characters."""
        self.commands.write(self._inert(text))
        return len(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.commands, name)


def inert(stream: TextIO) -> TextIO:
    """The stream made inert, once."""
    return stream if isinstance(stream, InertStream) else cast("TextIO", InertStream(stream))


def commands(stream: IO[str]) -> IO[str]:
    """Where commands to the runner are written."""
    return stream.commands if isinstance(stream, InertStream) else stream


def console_for(stream: TextIO, environ: Mapping[str, str]) -> Console:
    """A rich console that writes plain text unless the stream is a terminal.

    Elsewhere (a pipe, a file, CI) lines are never wrapped at a window's width.
    """
    from rich.console import Console

    class _Console(Console):
        def on_broken_pipe(self) -> None:
            raise  # rich would end the process, and with it the requests in flight

    terminal = stream.isatty()
    return _Console(
        file=stream,
        markup=False,
        highlight=False,
        emoji=False,
        soft_wrap=True,
        force_terminal=terminal,
        no_color=bool(environ.get("NO_COLOR")) or not terminal,
        width=None if terminal else _WIDTH_ELSEWHERE,
        legacy_windows=False,
    )

"""The terminal: colour on a terminal only, `NO_COLOR` respected, no markup in other people's names."""

from __future__ import annotations

from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from collections.abc import Mapping

    from rich.console import Console

_WIDTH_ELSEWHERE = 110


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

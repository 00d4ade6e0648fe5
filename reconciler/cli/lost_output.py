"""Standard output that takes nothing more: a reader that has gone, or a full disk."""

from __future__ import annotations

import errno
import os
from contextlib import suppress
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})


def is_lost(failed: OSError) -> bool:
    """Whether it is about an output stream: files of ours tell their own errors."""
    return isinstance(failed, BrokenPipeError) or failed.errno in _FULL


def complain(runtime: Runtime, failed: OSError) -> None:
    """Say on stderr that the output is incomplete, where somebody can still hear it.

    A reader that has gone did so on purpose (`| head`), and is told nothing.
    """
    if not isinstance(failed, BrokenPipeError):
        with suppress(OSError):
            runtime.stderr.write(f"The output cannot be written: {failed.strerror}. What is there is cut.\n")
            runtime.stderr.flush()


def let_go(*streams: TextIO) -> None:
    """What these streams still hold goes nowhere, so that the interpreter does not fail on it at its end."""
    for stream in streams:
        with suppress(OSError, ValueError):
            number = stream.fileno()
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, number)
            os.close(nowhere)

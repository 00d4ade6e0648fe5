"""Running the asynchronous part of a command."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from collections.abc import Coroutine

T = TypeVar("T")


def run_to_its_end(work: Coroutine[Any, Any, T]) -> T:
    """`asyncio.run`, whose Ctrl-C is KeyboardInterrupt whenever it comes.

    Where it comes between the end of the work and the loop's notice of it, CPython raises KeyboardInterrupt,
    and then RuntimeError ("Event loop stopped before Future completed") out of the loop's clean-up.
    """
    try:
        return asyncio.run(work)
    except RuntimeError as fault:
        if isinstance(fault.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise

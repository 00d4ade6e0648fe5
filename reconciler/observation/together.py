"""Independent reads at the same time, with everything that failed told at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import Diagnostic, ReconcilerError

if TYPE_CHECKING:
    from collections.abc import Coroutine


async def together(*reads: Coroutine[Any, Any, Any]) -> list[Any]:
    """The answers of independent reads. Waits for all of them and tells everything that failed at once."""
    answers = await asyncio.gather(*reads, return_exceptions=True)
    told: list[Diagnostic] = []
    for answer in answers:
        if isinstance(answer, ReconcilerError):
            told += answer.diagnostics
        elif isinstance(answer, BaseException):
            raise answer
    if told:
        raise ReconcilerError(dict.fromkeys(told))
    return list(answers)

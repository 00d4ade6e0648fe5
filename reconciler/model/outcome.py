"""How each change went."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from reconciler.model.change import Change


class Result(StrEnum):
    """What became of a change."""

    APPLIED = "applied"
    ALREADY_OK = "already ok"  # found as wanted at the moment of writing; nothing was sent
    TAKEN_BACK = "taken back"  # created, found there twice, and ended again before it bills anything
    SERVER_KEPT = "server kept"  # accepted, but the answer shows another value than was sent
    FAILED = "failed"  # surely not done
    UNSURE = "unsure"  # sent, and no answer says whether it was done
    NOT_ATTEMPTED = "not attempted"


#: Results after which what depends on the change may be written.
DONE = frozenset({Result.APPLIED, Result.ALREADY_OK, Result.TAKEN_BACK, Result.SERVER_KEPT})


@dataclass(frozen=True)
class Outcome:
    """One change and what became of it; `message` says why, and what to do next where that is open.

    `record` is the id of the record that was written, where an answer named it. Outcomes with the same
    `cause` have one reason, whatever their requests: a missing permission, refused keys, an earlier failure.
    """

    change: Change
    result: Result
    message: str = ""
    record: int | None = None
    cause: str = ""

    def to_json(self) -> dict[str, Any]:
        """The form of `apply --format json`."""
        return {"id": self.change.id, "result": self.result.value, "message": self.message}

"""A fresh plan beside the plans that were reviewed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from reconciler.model.change import Change
    from reconciler.model.plan import Plan


class Kind(StrEnum):
    """What is said of a change that is not simply written as it was reviewed."""

    REFUSED = "refused"
    FOLLOWED = "followed"  # written, with another number of units than was reviewed
    LEFT = "left"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Told:
    """A change with what is said of it, and what was reviewed under its id; None where nothing was."""

    kind: Kind
    change: Change
    why: str
    reviewed: Change | None = None


@dataclass(frozen=True)
class Within:
    """A fresh plan beside the reviewed ones.

    `plan` is the fresh one, in which what is left alone waits, so that writing it writes what was reviewed
    and no more; nothing of it may be written where something is `refused`. `followed` are reviewed changes
    whose number of units is another one by now; they are written. `done` was reviewed and has nothing left
    to do; `undecided` was reviewed to be written and is not: it is held back, or the fresh plan cannot say
    what has to happen.
    """

    fresh: Plan
    reviewed: tuple[Plan, ...]
    plan: Plan
    refused: tuple[Told, ...] = ()
    followed: tuple[Told, ...] = ()
    left: tuple[Told, ...] = ()
    done: tuple[Change, ...] = ()
    undecided: tuple[Told, ...] = ()

    @property
    def told(self) -> tuple[Told, ...]:
        """Everything of which something is said."""
        return (*self.refused, *self.followed, *self.left, *self.undecided)

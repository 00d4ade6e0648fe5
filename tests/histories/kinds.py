"""Which kinds of steps and runs the histories are made of."""

from __future__ import annotations

from tests.histories.histories import RUNS
from tests.histories.steps import STEPS

#: Turns every kind on: for a product that keeps the promise for the whole site.
EVERY_KIND = True

#: The kinds of which no history is known to break a promise; the others stand in `open_kinds`.
_STEPS_THAT_HOLD = (
    "customer ended",
    "override excluded",
    "mapping excluded",
    "mapping's sync off",
    "mapping removed",
    "hand: quantity",
    "hand: end",
    "hand: second line",
    "hand: price",
    "hand: notes",
    "restart",
    "approvals",
    "usage",
    "next month",
    "nothing",
)
_RUNS_THAT_HOLD = ("folder", "unattended", "saved", "late")

STEPS_IN_FORCE = tuple(STEPS) if EVERY_KIND else _STEPS_THAT_HOLD
RUNS_IN_FORCE = RUNS if EVERY_KIND else _RUNS_THAT_HOLD

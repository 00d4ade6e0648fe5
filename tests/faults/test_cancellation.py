"""One run, interrupted at each of its awaits in turn."""

from __future__ import annotations

import os
import random
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from tests.faults.msp import Interrupt, Interrupted, Msp, check
from tests.wanted_states import by_chance

if TYPE_CHECKING:
    from pathlib import Path

#: Every how-manieth await is tried; `.ci/run` asks for each.
STRIDE = int(os.environ.get("AWAITS_APART", "20"))
#: More than a run has; the last ones find it at its end.
AWAITS = 220


def _changing(root: Path) -> Msp:
    """A site at which much is to be done: products, moves, ends, new lines."""
    chance = random.Random("cancellation 3")
    site = Msp(root)
    site.want(by_chance(chance))
    site.converge()
    site.want(by_chance(chance), new=True)
    site.look()
    return site


# What is interrupted before its first step leaves coroutines behind that nobody awaits; that is no fault.
@pytest.mark.filterwarnings("ignore:(?s).*coroutine")
@pytest.mark.parametrize("twice", [False, True])
@pytest.mark.parametrize("at", range(1, AWAITS, STRIDE))
def test_a_run_may_be_interrupted_at_any_await(
    at: int, twice: bool, tmp_path: Path, record_property: Any
) -> None:
    site = _changing(tmp_path)
    interrupt = Interrupt(at, twice)
    site.loop = partial(Interrupted, interrupt)
    said = site.run("apply", str(site.folder), "--yes", "--format", "json")
    check(said)
    site.put_back_the_loop()
    assert said.code == 130 or site.plan().ids == [], "what ends well has done everything"
    site.converge()
    assert site.duplicates() == []
    site.untouched()
    site.billed()
    record_property("faults: awaits interrupted", int(interrupt.happened))


def test_no_run_has_more_awaits_than_are_tried(tmp_path: Path) -> None:
    site = _changing(tmp_path)
    interrupt = Interrupt(10 * AWAITS)
    site.loop = partial(Interrupted, interrupt)
    assert site.apply().code == 0
    assert len(site.writes) > 8
    assert AWAITS // 2 < interrupt.steps < AWAITS

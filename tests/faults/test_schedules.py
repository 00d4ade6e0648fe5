"""Plans and runs among faults by chance, interrupted at any step; then one more run."""

from __future__ import annotations

import os
import random
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.faults import OF_WRITES, Fault, Faults
from tests.faults.msp import Interrupt, Msp
from tests.wanted_states import by_chance

if TYPE_CHECKING:
    from pathlib import Path

#: How many schedules are tried; `.ci/run` asks for more.
SCHEDULES = int(os.environ.get("SCHEDULES", "12"))
#: What can go wrong, and how often: anything; writes alone, at which most is at stake; or answers.
WRITES = tuple(one for one in Fault if one in OF_WRITES)
ANSWERS = (Fault.PATCH_IGNORED, Fault.WRONG_TYPE, Fault.MISSING_FIELD, Fault.MORE_FIELDS, Fault.BROKEN_JSON)
AT_ONCE = tuple(one for one in WRITES if one is not Fault.LATE)
MIXES = (
    *((tuple(Fault), rate) for rate in (0.02, 0.05, 0.1, 0.2, 0.4)),
    *((WRITES, rate) for rate in (0.1, 0.3, 0.6)),
    ((*WRITES, Fault.SOMEBODY_ELSE, Fault.BUNDLE_ITEM), 0.2),
    *[(AT_ONCE, 0.6)] * 4,
    (ANSWERS, 0.3),
    (ANSWERS, 0.6),
)
#: After these, what a run called done may be undone again: by a write that was lost, or by a person.
UNDOING = {Fault.LATE, Fault.SOMEBODY_ELSE}


# What is interrupted before its first step leaves coroutines behind that nobody awaits; that is no fault.
@pytest.mark.filterwarnings("ignore:(?s).*coroutine")
@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_after_the_faults_one_more_run_reaches_what_is_wanted(
    seed: int, tmp_path: Path, record_property: Any
) -> None:
    random.seed(seed)  # the jitter of the program's own waits
    chance = random.Random(f"faults {seed}")
    first, second = by_chance(chance), by_chance(chance)
    faults = Faults(f"{seed}", 0)
    site = Msp(tmp_path, faults=faults)
    site.want(first)
    site.converge()
    if chance.random() < 0.3:
        site.invoices(date(2026, 12, 1))
        site.today = date(2026, 12, 28)
    site.want(second, new=chance.random() < 0.5)
    site.look()

    faults.kinds, faults.rate = chance.choice(MIXES)
    interrupted = 0
    for _ in range(chance.choice((1, 2, 3))):
        interrupt = Interrupt(chance.randrange(1, 100), chance.random() < 0.7)
        applied = site.troubled(chance, interrupt if chance.random() < 0.5 else None)
        if not UNDOING & set(faults.kinds):
            rate, faults.rate = faults.rate, 0
            assert not applied & set(site.plan().ids), "what was called done is done"
            faults.rate = rate
        interrupted += interrupt.happened
        faults.settle()
    faults.stop()
    site.put_back()

    site.converge()
    duplicates = site.duplicates()
    assert duplicates == []
    site.untouched()
    site.billed()
    record_property("faults: schedules", 1)
    record_property("faults: duplicates found", len(duplicates))
    record_property("faults: runs interrupted", interrupted)
    for kind, number in faults.injected.items():
        record_property(f"faults injected: {kind}", number)

"""A plan's work grows with its lines and not with their square: counted in calls, not in seconds."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from benchmarks import books
from benchmarks.folders import Size, customers
from tests.support import TODAY, Site

if TYPE_CHECKING:
    from pathlib import Path
    from types import FrameType


def calls_of_a_plan(root: Path, count: int) -> int:
    """How often the tool's own functions and generators are entered for a plan of so many customers."""
    size = Size(count, lines_each=3, changed=count)
    site = Site(root, world=books.world(TODAY, size))
    customers(site.folder, size)
    own, sandbox = (f"{os.sep}{name}{os.sep}" for name in ("reconciler", "sandbox"))
    calls = 0

    def count_call(frame: FrameType, event: str, argument: object) -> None:
        nonlocal calls
        name = frame.f_code.co_filename
        calls += event == "call" and own in name and sandbox not in name

    sys.setprofile(count_call)
    try:
        plan = site.plan()
    finally:
        sys.setprofile(None)
    assert len(plan.ids) == count
    return calls


def test_twice_the_customers_are_twice_the_work(tmp_path: Path) -> None:
    """What is done once for every plan falls out of the differences; 4 would be the square."""
    calls_of_a_plan(tmp_path / "warm", 5)
    few, more, most = (calls_of_a_plan(tmp_path / str(count), count) for count in (20, 40, 80))
    assert (most - more) / (more - few) < 2.4

"""Any part of a plan, reviewed: what is written was reviewed, and no request or move is torn."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from reconciler.model.causes import needed_with
from reconciler.model.change import Action, Cause
from reconciler.model.plan import Plan
from reconciler.model.plan_check import plan_problems
from reconciler.planning.within import compare
from tests.flows_usage.test_pairs import Books
from tests.wanted_states import by_chance

if TYPE_CHECKING:
    from pathlib import Path

PARTS = 20


@pytest.mark.parametrize("seed", range(8))
def test_nothing_is_torn_and_nothing_else_is_written(seed: int, tmp_path: Path) -> None:
    chance = random.Random(f"within {seed}")
    site = Books(tmp_path)
    site.want(by_chance(chance))
    site.finish()
    site.want(by_chance(chance))
    plan = Plan.from_json(site.plan().json)
    whole = compare(plan, [plan], limit=None)
    assert (whole.refused, whole.left, whole.plan.own) == ((), (), whole.plan.changes)
    for _ in range(PARTS):
        share = chance.random()
        waiting = {one.id for one in plan.changes if chance.random() < share / 2}
        reviewed = tuple(
            replace(one, cause=Cause.WAITING if one.id in waiting else Cause.THIS_CHANGE)
            for one in plan.changes
            if chance.random() > share / 2
        )
        found = compare(plan, [replace(plan, changes=reviewed)], limit=None)
        approved = {one.id for one in reviewed if one.id not in waiting}
        seen = {one.id for one in reviewed}
        refused = {told.change.id for told in found.refused}
        unseen = {one.id for one in plan.ready if one.action is not Action.UPDATE_LINE} - seen
        assert unseen <= refused
        if not refused:
            assert {one.id for one in found.plan.ready} <= approved
            assert list(needed_with(found.plan.changes)) == []
            assert plan_problems(found.plan) == []

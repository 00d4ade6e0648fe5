"""One small story for each kind of change that a history may hold, with the lines that are right after it."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import pytest

from tests.histories.site import GUARDS_OFF, PERSON
from tests.histories.stories import SPARE, Story, alder, shared

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Alder's 20 units of EP, in step."""
    return alder(tmp_path / "site")


@pytest.fixture
def branches(tmp_path: Path) -> Story:
    """Alder and its branch on one line, 27 units of EP; Birch with 5 of its own."""
    return shared(tmp_path / "site")


def test_a_code_that_moves_takes_its_line_along(story: Story) -> None:
    story.site.document["mappings"]["EP"]["product"] = SPARE
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Managed SPARE-1 20"]


def test_a_code_that_moves_back_again(story: Story) -> None:
    story.site.document["mappings"]["EP"]["product"] = SPARE
    story.run(quiet=True)
    story.site.document["mappings"]["EP"]["product"] = "MSP-EP"
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Managed MSP-EP 20"]


def test_an_agreement_that_changes_with_its_word(story: Story) -> None:
    story.row("Alder", agreement="Mail", movedFrom={"agreement": "Managed"})
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Mail MSP-EP 20"]


def test_a_branch_that_leaves_a_shared_line_for_another_agreement(branches: Story) -> None:
    branches.row("Alder North", agreement="Mail")
    branches.site.document["settings"]["guards"] = GUARDS_OFF
    branches.run(quiet=True)
    assert branches.open_lines() == [
        "ALDER Mail MSP-EP 7",
        "ALDER Managed MSP-EP 20",
        "BIRCH Managed MSP-EP 5",
    ]


def test_a_customer_that_has_ended(story: Story) -> None:
    story.row("Alder", ended="2026-11-10")
    assert story.run().applied == 0
    assert story.open_lines() == []


def test_an_override_that_excludes_names_the_line_that_stays(story: Story) -> None:
    story.row("Alder", overrides={"EP": {"exclude": "made up"}})
    verdict = story.run()
    assert verdict.names(1)
    assert story.open_lines() == ["ALDER Managed MSP-EP 20"]


@pytest.mark.parametrize("mapping", [{"exclude": "made up"}, {"product": "MSP-EP", "sync": False}])
def test_a_code_that_is_not_billed_any_more_names_the_line_that_stays(
    story: Story, mapping: dict[str, object]
) -> None:
    story.site.document["mappings"]["EP"] = mapping
    verdict = story.run()
    assert verdict.names(1)
    assert story.open_lines() == ["ALDER Managed MSP-EP 20"]


def test_a_persons_number_waits_for_a_word(story: Story) -> None:
    line = story.site.world.addition(1)
    line.update(quantity=33.0, _info=story.site.stamp(PERSON))
    story.run(quiet=False)
    assert story.open_lines() == ["ALDER Managed MSP-EP 33"]
    assert story.step("approvals", random.Random(0))
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Managed MSP-EP 20"]


def test_a_persons_end_waits_for_a_word(story: Story) -> None:
    assert story.step("hand: end", random.Random(0)) == "a person ends line #1 on 2026-11-28"
    story.run(quiet=False)
    assert story.open_lines() == []
    assert story.step("restart", random.Random(0))
    story.run()
    assert story.open_lines() == ["ALDER Managed MSP-EP 20"]


def test_a_persons_second_line_is_asked_about(story: Story) -> None:
    assert story.step("hand: second line", random.Random(1))
    story.run(quiet=False)
    assert len(story.open_lines()) == 2


def test_a_customer_that_is_twenty_units_up_waits_for_a_word(story: Story) -> None:
    story.bill("Alder", "EP", 40)
    story.run(quiet=False)
    assert story.open_lines() == ["ALDER Managed MSP-EP 20"]
    story.site.document["settings"]["guards"] = GUARDS_OFF
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Managed MSP-EP 40"]


def test_the_next_months_invoices_bill_what_was_written(story: Story) -> None:
    story.bill("Alder", "EP", 22)
    story.run(quiet=True)
    assert story.site.invoices()[1] == {"MSP-EP": 22}


@pytest.mark.parametrize("late", [False, True], ids=["before it", "after it"])
@pytest.mark.parametrize("at", [0, 1, 2, 3])
def test_a_move_that_is_killed_at_any_write_is_finished_by_the_next_run(
    story: Story, at: int, late: bool
) -> None:
    story.site.document["mappings"]["EP"]["product"] = SPARE
    story.settle()
    before = story.site.lines()
    story.player().killed(at, late=late)
    story.oracle.judge(story.site, before, trouble=True)
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Managed SPARE-1 20"]

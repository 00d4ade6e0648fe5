"""The oracle notices each broken promise: here a test breaks it, in the program's place."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.histories.identities import Seat, units_on_the_bill, units_without_a_row, wanted_lines
from tests.histories.oracle import Verdict, WrongError
from tests.histories.site import OURS, PERSON
from tests.histories.stories import SPARE, Story, alder, shared

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.world import Row

EMPTY: dict[str, Any] = {"lines": [], "changes": [], "diagnostics": []}
QUIET = Verdict(0, 0, EMPTY, 0)


@pytest.fixture
def story(tmp_path: Path) -> Story:
    return alder(tmp_path / "site")


def _only_line(story: Story) -> Row:
    (line,) = story.site.world.rows("additions")
    return line


def _broken(story: Story, before: dict[int, Row]) -> str:
    with pytest.raises(WrongError) as wrong:
        story.oracle.judge(story.site, before)
    return wrong.value.kind


def test_a_second_line_is_billed_twice(story: Story) -> None:
    story.site.document["mappings"]["EP"]["product"] = SPARE
    before = story.site.lines()
    story.site.line(1, SPARE, 20)
    assert _broken(story, before) == "twice"


def test_an_end_without_a_successor_is_lost(story: Story) -> None:
    before = story.site.lines()
    _only_line(story).update(cancelledDate="2026-11-30T00:00:00Z")
    assert _broken(story, before) == "lost"


def test_a_number_that_the_bill_does_not_give(story: Story) -> None:
    before = story.site.lines()
    _only_line(story).update(quantity=21.0)
    assert _broken(story, before) == "number"


def test_a_persons_line_that_is_zeroed_unasked(story: Story) -> None:
    _only_line(story).update(quantity=33.0, _info=story.site.stamp(PERSON))
    before = story.site.lines()
    _only_line(story).update(quantity=0.0, _info=story.site.stamp(OURS))
    assert _broken(story, before) == "unasked"


def test_a_persons_number_after_the_month_closed(story: Story) -> None:
    story.oracle.hands[1] = 19.0
    _only_line(story).update(quantity=19.0, _info=story.site.stamp(PERSON))
    before = story.site.lines()
    _only_line(story).update(quantity=20.0, _info=story.site.stamp(OURS))
    assert _broken(story, before) == "hand"


def test_a_line_that_comes_back_without_a_word_that_names_it(story: Story) -> None:
    _only_line(story).update(cancelledDate="2026-10-31T00:00:00Z", _info=story.site.stamp(PERSON))
    story.row("Alder", restart=[7])
    story.oracle.ended[1] = 2
    before = story.site.lines()
    story.site.line(1, "MSP-EP", 20)
    assert _broken(story, before) == "restart"


def test_a_word_that_names_a_line_lets_it_come_back(story: Story) -> None:
    _only_line(story).update(cancelledDate="2026-10-31T00:00:00Z", _info=story.site.stamp(PERSON))
    story.row("Alder", restart=[1])
    story.oracle.ended[1] = 2
    before = story.site.lines()
    story.site.line(1, "MSP-EP", 20)
    story.oracle.judge(story.site, before)


@pytest.mark.parametrize(
    "verdict",
    [Verdict(0, 0, EMPTY, 4), Verdict(0, 4, EMPTY, 0), Verdict(4, 0, EMPTY, 0)],
    ids=["ready says no", "the plan has an error", "the run waits"],
)
def test_words_that_do_not_appear_together(story: Story, verdict: Verdict) -> None:
    with pytest.raises(WrongError, match="together"):
        story.oracle.judge_words(story.site, verdict)


def test_silence_over_a_line_that_is_missing(story: Story) -> None:
    _only_line(story).update(quantity=12.0)
    with pytest.raises(WrongError, match="silence: 20 of MSP-EP on agreement #1: #1 12"):
        story.oracle.judge_words(story.site, QUIET)


def test_silence_over_a_line_that_no_row_speaks_of(story: Story) -> None:
    story.row("Alder", exclude="made up")
    with pytest.raises(WrongError, match="unnamed: line #1"):
        story.oracle.judge_words(story.site, QUIET)


def test_a_line_that_the_plan_names_is_not_silent(story: Story) -> None:
    story.row("Alder", exclude="made up")
    named = {**EMPTY, "diagnostics": [{"message": "Line #1 of MSP-EP stays (exclude)."}]}
    story.oracle.judge_words(story.site, Verdict(0, 0, named, 0))


def _census(lines: int, units: str) -> dict[str, Any]:
    return {
        **EMPTY,
        "census": {
            "lines": {"total": lines, "accounts": [{"account": "in step", "lines": lines}]},
            "units": {"total": units, "accounts": [{"account": "billed", "units": units}]},
            "apart": [],
        },
    }


def test_a_census_that_counts_what_is_there(story: Story) -> None:
    story.oracle.judge_words(story.site, Verdict(0, 0, _census(1, "20"), 0))


@pytest.mark.parametrize(
    ("lines", "units", "sentence"),
    [
        (2, "20", "lines: open lines that concern us: 2, and there are 1"),
        (1, "19", "units: units on the bill: 19, and there are 20"),
    ],
)
def test_a_census_that_counts_something_else(story: Story, lines: int, units: str, sentence: str) -> None:
    with pytest.raises(WrongError, match=sentence):
        story.oracle.judge_words(story.site, Verdict(0, 0, _census(lines, units), 0))


def test_a_census_whose_units_stand_in_another_account(story: Story) -> None:
    story.row("Alder", sync=False)
    story.site.world.addition(1)["quantity"] = 0.0
    with pytest.raises(WrongError, match="units: units in excluded: 0, and there are 20"):
        story.oracle.judge_words(story.site, Verdict(0, 0, _census(1, "20"), 0))


# --- the second implementation of the identities


def test_what_the_rows_want(tmp_path: Path) -> None:
    story = shared(tmp_path / "site")
    assert wanted_lines(story.site) == {(1, "MSP-EP"): 27, (3, "MSP-EP"): 5}
    story.row("Alder North", agreement="Mail")
    story.row("Birch", overrides={"EP": {"product": SPARE}})
    assert wanted_lines(story.site) == {(1, "MSP-EP"): 20, (2, "MSP-EP"): 7, (3, SPARE): 5}


def test_which_units_no_row_bills(tmp_path: Path) -> None:
    story = shared(tmp_path / "site")
    story.bill("Birch", "NEW", 4)
    story.row("Alder", exclude="made up")
    story.row("Alder North", sync=False)
    assert units_on_the_bill(story.site) == 36
    assert units_without_a_row(story.site) == {"excluded": 27, "no mapping": 4}
    del story.site.document["customers"][next(iter(story.site.document["customers"]))]
    assert units_without_a_row(story.site) == {"no customer row": 20, "excluded": 7, "no mapping": 4}


def test_seats_are_counted_by_who_bills_them(tmp_path: Path) -> None:
    story = shared(tmp_path / "site")
    assert story.oracle.ledger[1] == {Seat("Alder", "EP"), Seat("Alder North", "EP")}
    verdict = story.run(quiet=True)
    assert verdict.applied == 0
    assert story.open_lines() == ["ALDER Managed MSP-EP 27", "BIRCH Managed MSP-EP 5"]

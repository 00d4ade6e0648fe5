"""Histories by chance: after each run the server's lines and the bill say whether every promise was kept.

HISTORIES is how many are tried and HISTORIES_FROM the first one's number. A history that fails is shown as a
short story, with the steps and tenants left out that it does not need; `play(History(…), folder)` plays that
one again.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

from tests.histories.histories import History, Turn, draw, play, shrink
from tests.histories.oracle import Oracle, WrongError

if TYPE_CHECKING:
    from pathlib import Path

    from tests.histories.site import Msp

#: How many histories are tried; `.ci/run` asks for more.
HISTORIES = int(os.environ.get("HISTORIES", "40"))
FIRST = int(os.environ.get("HISTORIES_FROM", "0"))


@pytest.mark.parametrize("seed", range(FIRST, FIRST + HISTORIES))
def test_each_unit_is_on_one_line_or_somebody_is_told(
    seed: int, tmp_path: Path, record_property: Any
) -> None:
    played = play(draw(str(seed)), tmp_path / "site")
    record_property("histories: histories", 1)
    record_property("histories: runs", len(played.history.turns))
    if played.wrong is not None:
        pytest.fail(shrink(played, tmp_path / "smaller").told(), pytrace=False)


def test_a_history_is_the_same_each_time(tmp_path: Path) -> None:
    history = draw("the same")
    first, second = play(history, tmp_path / "first"), play(history, tmp_path / "second")
    assert first.story == second.story
    assert draw("the same") == history


def test_a_history_that_fails_is_made_shorter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def judge(oracle: Oracle, site: Msp, before: object, *, trouble: bool = False) -> None:
        if any(row.get("exclude") for row in site.document["mappings"].values()):
            raise WrongError("made up", "a code is excluded")

    monkeypatch.setattr(Oracle, "judge", judge)
    monkeypatch.setattr(Oracle, "judge_words", lambda *_: None)
    steps = ("nothing", "hand: notes", "mapping excluded", "nothing", "usage")
    turns = tuple(Turn(number, step, "unattended") for number, step in enumerate(steps))
    played = play(History("shorter", turns), tmp_path / "site")
    assert played.wrong is not None
    smallest = shrink(played, tmp_path / "smaller")
    assert [(turn.step, turn.run) for turn in smallest.history.turns] == [("mapping excluded", "folder")]
    assert smallest.story[0].endswith(" is excluded")
    assert smallest.history.without

"""`--unattended`: what a schedule uses, and what it may not do."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.flows_usage.books import Books


@pytest.fixture
def new(books: Books) -> Books:
    """One line that changes, and one that is to be created."""
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", sv=(None, 3, 3))
    return books.live()


def _states(books: Books, *options: str) -> dict[str, str]:
    return {line["customer"]: line["state"] for line in books.plan(*options).json["lines"]}


def test_a_schedule_withholds_new_lines_and_a_reviewed_plan_has_them(new: Books) -> None:
    assert _states(new) == {"Alder": "more", "Birch": "new line"}
    assert _states(new, "--unattended") == {"Alder": "more", "Birch": "withheld"}
    assert new.plan("--unattended").code == 4


def test_where_the_settings_say_so_a_schedule_creates_lines(new: Books) -> None:
    new.live(settings=", newLines: create")
    assert _states(new, "--unattended") == {"Alder": "more", "Birch": "new line"}


def test_it_writes_without_asking_and_leaves_what_is_withheld(new: Books) -> None:
    said = new.run("apply", str(new.folder), "--unattended")
    assert said.code == 4
    assert new.quantity(1) == 12
    assert len(list(new.world.rows("additions"))) == 1


def test_the_base_of_a_review_is_planned_by_the_same_rules(new: Books) -> None:
    text = (new.folder / "mappings.yaml").read_text(encoding="utf-8")
    new.say(text.removeprefix("version: 1\n"), folder="base")
    plan = new.plan("--unattended", "--since", str(new.root / "base"))
    assert {change["cause"] for change in plan.changes} == {"waiting"}


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--yes"], "say one of them"), ([], "was reviewed")],
)
def test_what_it_cannot_go_with_is_a_usage_error(new: Books, options: list[str], said: str) -> None:
    source = new.folder if options else new.save()
    new.forget()
    answer = new.run("apply", str(source), "--unattended", *options)
    assert (answer.code, said in answer.err) == (64, True)
    assert new.requests == []

"""Stories that broke a promise once: other companies, lost tags, people's numbers, runs that overlap."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING

import pytest

from tests.histories.histories import SHORT, History, Turn, play, short_list
from tests.histories.site import GUARDS_OFF, PERSON
from tests.histories.steps import NAME_DIFFERS
from tests.histories.stories import SPARE, Story, alder, shared
from tests.histories.worlds import BRANCHES, NAMES

if TYPE_CHECKING:
    from pathlib import Path

    from tests.histories.site import Document

AT_HOME = ["ALDER Managed MSP-EP 20"]


@pytest.fixture
def story(tmp_path: Path) -> Story:
    """Alder's 20 units of EP, in step."""
    return alder(tmp_path / "site")


@pytest.fixture
def branches(tmp_path: Path) -> Story:
    """Alder and its branch on one line, 27 units of EP; Birch with 5 of its own."""
    return shared(tmp_path / "site")


# --- another company


def test_another_company_without_a_word_is_a_question(story: Story) -> None:
    story.row("Alder", company="BIRCH", **NAME_DIFFERS)
    verdict = story.run(quiet=False)
    assert story.open_lines() == AT_HOME
    assert verdict.names(1)


@pytest.mark.parametrize(
    "word", [{"company": "ALDER"}, {"agreement": {"id": 1}}], ids=["company", "agreement's id"]
)
def test_another_company_with_its_word_is_one_move(story: Story, word: Document) -> None:
    story.row("Alder", company="BIRCH", movedFrom=word, **NAME_DIFFERS)
    story.run(quiet=True)
    assert story.open_lines() == ["BIRCH Managed MSP-EP 20"]


def test_a_branch_that_leaves_a_shared_line_for_another_company_is_one_decision(branches: Story) -> None:
    """48 → 38 is within the limits of one line and 5 → 15 is not: what waits on one side waits on both."""
    for tenant, units in {"Alder": 38, "Alder North": 10}.items():
        branches.bill(tenant, "EP", units)
    branches.site.world.addition(1)["quantity"] = 48.0
    branches.row("Alder North", company="BIRCH", **NAME_DIFFERS)
    branches.run(quiet=False)
    assert branches.open_lines() == ["ALDER Managed MSP-EP 48", "BIRCH Managed MSP-EP 5"]


def test_a_branch_whose_new_line_waits_stays_on_the_shared_line(branches: Story) -> None:
    """In an unattended run the new line waits, and so the line that it leaves does not shrink."""
    branches.row("Alder North", agreement="Mail")
    branches.site.document["settings"]["guards"] = GUARDS_OFF
    branches.run("--unattended", quiet=False)
    assert branches.open_lines() == ["ALDER Managed MSP-EP 27", "BIRCH Managed MSP-EP 5"]


def test_rows_that_are_swapped_are_a_question(story: Story) -> None:
    """Each has the other's company, whose name does not resemble its own."""
    story.site.document["settings"]["guards"] = GUARDS_OFF
    story.tenant("Birch", "Birch", EP=5)
    story.line("Birch", "MSP-EP", 5, "Birch EP")
    story.row("Alder", company="BIRCH")
    story.row("Birch", company="ALDER")
    story.run(quiet=False)
    assert story.open_lines() == ["ALDER Managed MSP-EP 20", "BIRCH Managed MSP-EP 5"]


# --- a line that goes on without a word


@pytest.mark.parametrize("word", [{"exclude": "made up"}, {"sync": False}], ids=["exclude", "sync: false"])
def test_a_customer_that_is_not_billed_any_more_has_its_line_named(story: Story, word: Document) -> None:
    story.row("Alder", **word)
    verdict = story.run()
    assert story.open_lines() == AT_HOME
    assert verdict.names(1)


def test_a_row_that_is_gone_leaves_a_line_that_is_named(branches: Story) -> None:
    branches.site.document["customers"] = {
        number: row for number, row in branches.site.document["customers"].items() if row["name"] == "Birch"
    }
    verdict = branches.run(quiet=False)
    assert branches.open_lines() == ["ALDER Managed MSP-EP 27", "BIRCH Managed MSP-EP 5"]
    assert verdict.names(1)


def test_a_foreign_tag_and_a_mapping_that_is_gone_leave_a_line_that_is_named(story: Story) -> None:
    story.notes("MSP-EP", "[sophos:lab EP]")
    del story.site.document["mappings"]["EP"]
    assert story.run().names(1)


def test_a_silent_tenant_does_not_hide_its_branches_number(branches: Story) -> None:
    """The branch's 9 of SV are not on its line, whatever is known of the other tenant: invoices wait."""
    branches.site.document["settings"]["guards"] = GUARDS_OFF
    branches.line("Alder", "MSP-SV", 8, "Alder North SV")
    branches.bill("Alder", "EP", 0)
    branches.bill("Alder North", "SV", 9)
    verdict = branches.run()
    sv = [line for line in branches.open_lines() if "SV" in line]
    assert sv == ["ALDER Managed MSP-SV 9"] or not verdict.is_quiet


# --- tags


TAGS = {
    "lost": "Cleaned up.",
    "without its bracket": "[sophos:main EP",
    "another owner's": "[sophos:lab EP]",
}


@pytest.mark.parametrize("notes", TAGS.values(), ids=TAGS)
def test_a_code_that_moves_away_from_a_product_without_our_tag(story: Story, notes: str) -> None:
    story.notes("MSP-EP", notes)
    story.site.document["mappings"]["EP"]["product"] = SPARE
    story.run()
    assert story.open_lines() in (AT_HOME, ["ALDER Managed SPARE-1 20"])


@pytest.mark.parametrize("notes", TAGS.values(), ids=TAGS)
def test_a_branch_whose_override_leaves_a_product_without_our_tag(branches: Story, notes: str) -> None:
    branches.site.document["settings"]["guards"] = GUARDS_OFF
    branches.notes("MSP-EP", notes)
    branches.row("Alder North", overrides={"EP": {"product": SPARE}})
    branches.run()
    assert branches.open_lines() in (
        ["ALDER Managed MSP-EP 27", "BIRCH Managed MSP-EP 5"],
        ["ALDER Managed MSP-EP 20", "ALDER Managed SPARE-1 7", "BIRCH Managed MSP-EP 5"],
    )


def test_a_renamed_owner_and_an_override(branches: Story) -> None:
    branches.site.document["settings"]["owner"] = "second"
    branches.run(quiet=False)
    branches.row("Alder North", overrides={"EP": {"product": SPARE}})
    branches.run(quiet=False)
    assert branches.open_lines() == ["ALDER Managed MSP-EP 27", "BIRCH Managed MSP-EP 5"]


# --- what people set


def test_the_number_that_a_person_puts_back_is_a_decision(story: Story) -> None:
    story.bill("Alder", "EP", 22)
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Managed MSP-EP 22"]
    assert story.step("hand: put back", random.Random(0)) == "a person puts line #1 back to 20 (was 22)"
    story.run("--unattended", quiet=False)
    assert story.open_lines() == AT_HOME


def test_an_approval_lets_its_change_in_once(story: Story) -> None:
    story.bill("Alder", "EP", 60)
    story.run(quiet=False)
    approval = {
        "customer": "ALDER", "product": "MSP-EP", "from": 20, "upTo": 60,
        "given": "2026-11-27", "reason": "made up", "until": "2026-12-31",
    }  # fmt: skip
    story.site.document["approvals"] = [approval]
    story.oracle.answered.add(1)
    story.run(quiet=True)
    assert story.open_lines() == ["ALDER Managed MSP-EP 60"]
    story.oracle.hands[1] = 20.0
    story.site.world.addition(1).update(quantity=20.0, _info=story.site.stamp(PERSON))
    story.run(quiet=False)
    assert story.open_lines() == AT_HOME


def test_a_restart_brings_a_line_back_once(story: Story) -> None:
    story.step("hand: end", random.Random(0))
    story.step("restart", random.Random(0))
    story.run()
    assert story.open_lines() == AT_HOME
    story.step("next month", random.Random(0))
    assert story.step("hand: end", random.Random(0)) == "a person ends line #2 on 2026-12-28"
    story.run(quiet=False)
    assert story.open_lines() == []


def test_seats_that_wait_do_not_lose_their_line_to_another_code(story: Story) -> None:
    """EM waits to join a number that a person set; meanwhile MDR comes to the product that EM leaves."""
    story.site.document["settings"]["guards"] = GUARDS_OFF
    story.bill("Alder", "SV", 5)
    story.bill("Alder", "EM", 3)
    story.site.world.addition(1).update(quantity=50.0, _info=story.site.stamp(PERSON))
    story.line("Alder", "MSP-SV", 5, "Alder SV")
    story.line("Alder", "MSP-EM", 3, "Alder EM")
    story.site.document["mappings"]["EM"]["product"] = "MSP-EP"
    story.run(quiet=False)
    assert "ALDER Managed MSP-EM 3" in story.open_lines()
    story.site.document["mappings"]["SV"]["product"] = "MSP-EM"
    story.run(quiet=False)
    assert "ALDER Managed MSP-EM 3" in story.open_lines()
    assert "ALDER Managed MSP-SV 5" in story.open_lines()


# --- runs


@pytest.mark.parametrize("at", range(9, 36))
def test_a_second_run_at_any_request_leaves_one_line(story: Story, at: int) -> None:
    story.site.document["settings"]["newLines"] = "create"
    story.bill("Alder", "SV", 9)
    story.settle()
    before = story.site.lines()
    story.player().overlapped(at)
    story.oracle.judge(story.site, before, trouble=True)
    assert story.open_lines() == [*AT_HOME, "ALDER Managed MSP-SV 9"]


@pytest.mark.parametrize("kind", SHORT)
@pytest.mark.parametrize("saved", [False, True], ids=["run", "saved plan"])
def test_a_list_that_comes_short_leaves_one_line(story: Story, kind: str, saved: bool) -> None:
    """The list lacks Alder's first agreement, its line, or the product that its line is of."""
    story.site.document["mappings"]["EP"]["product"] = SPARE
    story.settle()
    before, plan = story.site.lines(), story.site.root / "plan.json"
    story.site.direct.spoil = short_list(kind, 0.0)
    if saved:
        story.site.ask_plan("--out", str(plan))
        story.site.direct.healthy()
        story.site.run_apply("--yes", source=plan)
    else:
        story.site.run_apply("--yes")
    story.oracle.judge(story.site, before, trouble=True)
    assert story.open_lines() in (AT_HOME, ["ALDER Managed SPARE-1 20"])


@pytest.mark.parametrize("kind", SHORT)
@pytest.mark.parametrize("saved", [False, True], ids=["run", "saved plan"])
@pytest.mark.parametrize("joins", [False, True], ids=["a new line", "a line that is there"])
def test_a_short_list_of_the_company_that_a_customer_comes_from(
    story: Story, kind: str, saved: bool, joins: bool
) -> None:
    """The list lacks what bills the seats until now, at the company that the row names no more."""
    story.site.document["settings"]["guards"] = GUARDS_OFF
    if joins:
        story.tenant("Birch", "Birch", EP=5)
        story.line("Birch", "MSP-EP", 5, "Birch EP")
    story.row("Alder", company="BIRCH", movedFrom={"company": "ALDER"}, **NAME_DIFFERS)
    story.settle()
    before, plan = story.site.lines(), story.site.root / "plan.json"
    story.site.direct.spoil = short_list(kind, 0.0)
    if saved:
        story.site.ask_plan("--out", str(plan))
        story.site.direct.healthy()
        story.site.run_apply("--yes", source=plan)
    else:
        story.site.run_apply("--yes")
    story.oracle.judge(story.site, before, trouble=True)
    own, all_there = [*AT_HOME, "BIRCH Managed MSP-EP 5"], ["BIRCH Managed MSP-EP 25"]
    assert story.open_lines() in ((own, all_there) if joins else (AT_HOME, ["BIRCH Managed MSP-EP 20"]))


@pytest.mark.parametrize("saved", [False, True], ids=["run", "saved plan"])
def test_an_agreement_that_the_list_lacks_still_bills_its_line(story: Story, saved: bool) -> None:
    """The row goes to another agreement, and the one that bills the seats is missing from the list."""
    story.row("Alder", agreement="Mail")
    story.settle()
    before, plan = story.site.lines(), story.site.root / "plan.json"
    story.site.direct.spoil = short_list("/finance/agreements", 0.0)
    if saved:
        story.site.ask_plan("--out", str(plan))
        story.site.direct.healthy()
        story.site.run_apply("--yes", source=plan)
    else:
        story.site.run_apply("--yes")
    story.oracle.judge(story.site, before, trouble=True)
    assert story.open_lines() in (AT_HOME, ["ALDER Mail MSP-EP 20"])


def test_a_persons_second_line_does_not_let_a_third_one_in(story: Story) -> None:
    """The code moved while its line was wrong; then a person adds a line of the old product."""
    story.site.world.addition(1).update(quantity=50.0, _info=story.site.stamp(PERSON))
    story.site.document["mappings"]["EP"]["product"] = SPARE
    story.run(quiet=False)
    assert story.open_lines() == ["ALDER Managed MSP-EP 50"]
    line = story.site.line(1, "MSP-EP", 20, by=PERSON)
    story.oracle.ledger[line["id"]] = story.oracle.ledger[1]
    story.run(quiet=False)
    assert story.open_lines() == ["ALDER Managed MSP-EP 20", "ALDER Managed MSP-EP 50"]


@pytest.mark.parametrize(
    ("swapped", "back"), [(("Birch", "Cedar"), "folder"), (("Alder", "Birch"), "unattended")]
)
def test_a_line_ends_for_nobody_while_the_seats_that_it_bills_wait(
    tmp_path: Path, swapped: tuple[str, str], back: str
) -> None:
    """A code goes to another product and back while rows are swapped and old lines are in a person's hand.

    What ends then for one customer bills another one's seats, whose own line is asked about.
    """
    turns = (
        Turn(number=0, step="replaces", run="folder", meanwhile="hand: put back"),
        Turn(number=1, step="rows swapped", run="folder", meanwhile="hand: quantity"),
        Turn(number=2, step="back", run=back, meanwhile="hand: put back"),
        Turn(number=3, step="hand: end", run="folder", meanwhile="tag lost"),
    )
    tenants = {f"{name}{branch}" for name in NAMES for branch in ("", *(f" {place}" for place in BRANCHES))}
    played = play(History("2320", turns, frozenset(tenants.difference(swapped))), tmp_path / "site")
    assert played.wrong is None, played.told()


# --- the census


def test_both_identities_stand_in_every_plan(branches: Story) -> None:
    branches.row("Alder North", exclude="made up")
    branches.site.write()
    census = json.loads(branches.site.ask_plan().out).get("census")
    assert census is not None
    assert census["lines"]["total"] == 2
    assert census["units"]["total"] == "32"

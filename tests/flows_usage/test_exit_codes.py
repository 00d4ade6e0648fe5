"""One table: what a script learns from each command in each situation, whatever the format."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import NOVEMBER, SEPTEMBER, USAGE, Books
from tests.support import lost_before, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@dataclass(frozen=True)
class Codes:
    """The expected exit codes."""

    plan: int
    detailed: int
    apply: int
    saved: int
    ready: int
    waiting: int  # apply DIR --allow-waiting


def unchanged(site: Books) -> None:
    """Every line is as Sophos says."""
    site.customer("Alder", ep=(12, 10, 12))
    site.live()


def changes(site: Books) -> None:
    """One line to write."""
    site.customer("Alder", ep=(10, 10, 12))
    site.live()


def shadow(site: Books) -> None:
    """One line that would be written."""
    changes(site)
    site.shadow()


def withheld(site: Books) -> None:
    """One line over the limit, one to write."""
    site.customer("Alder", ep=(20, 20, 60))
    site.customer("Birch", ep=(10, 10, 12))
    site.live()


def by_hand(site: Books) -> None:
    """A line that somebody changed."""
    agreement = site.customer("Alder", ep=(None, 10, 12))
    site.line(agreement, "MSP-EP", 30, by="sampleadmin")
    site.live()


def feed_incomplete(site: Books) -> None:
    """A tenant is missing from the bill."""
    changes(site)
    site.customer("Birch", ep=(10, 10, 12))
    site.live()
    site.world.usage[NOVEMBER].pop()


def four_at_zero(site: Books) -> None:
    """A product that four customers lose at once."""
    for number in range(4):
        site.customer(f"Alder {number}", ep=(10, 10, 0), sv=(3, 3, 4))
    site.live()


def no_usage(site: Books) -> None:
    """The month cannot be read."""
    changes(site)
    site.break_("GET", f"{USAGE}/2026/11", status(500))


def no_tenants(site: Books) -> None:
    """The customers cannot be read."""
    changes(site)
    site.break_("GET", "/partner/v1/tenants", status(500))


def no_agreements(site: Books) -> None:
    """ConnectWise refuses the agreements."""
    changes(site)
    site.break_("GET", "/finance/agreements", status(403))


def agreements_fail(site: Books) -> None:
    """ConnectWise does not answer for the agreements."""
    changes(site)
    site.break_("GET", "/finance/agreements", status(500))


def no_agreement_chosen(site: Books) -> None:
    """A row names an agreement that is not there."""
    site.customer("Alder", ep=(10, 10, 12))
    site.rows["Alder"] = site.rows["Alder"].replace("agreement: Managed", "agreement: Other")
    site.live()


def write_fails(site: Books) -> None:
    """ConnectWise refuses the write."""
    changes(site)
    site.break_("PATCH", "/additions/*", status(400))


def write_is_lost(site: Books) -> None:
    """Nobody knows whether the write arrived."""
    changes(site)
    site.break_("PATCH", "/additions/*", lost_before)


def wrong_yaml(site: Books) -> None:
    """A configuration with an error."""
    changes(site)
    site.say("mappings: {EP-MSP: {product: MSP-EP, sinc: true}}")


@pytest.mark.parametrize(
    ("situation", "codes"),
    [
        (unchanged, Codes(plan=0, detailed=0, apply=0, saved=0, ready=0, waiting=0)),
        (changes, Codes(plan=0, detailed=2, apply=0, saved=0, ready=4, waiting=0)),
        (shadow, Codes(plan=0, detailed=0, apply=0, saved=0, ready=4, waiting=0)),
        (withheld, Codes(plan=4, detailed=4, apply=4, saved=4, ready=4, waiting=0)),
        (by_hand, Codes(plan=4, detailed=4, apply=4, saved=4, ready=4, waiting=0)),
        (feed_incomplete, Codes(plan=3, detailed=3, apply=3, saved=3, ready=4, waiting=3)),
        (four_at_zero, Codes(plan=3, detailed=3, apply=3, saved=3, ready=4, waiting=3)),
        (no_usage, Codes(plan=4, detailed=4, apply=4, saved=4, ready=4, waiting=4)),
        (no_tenants, Codes(plan=4, detailed=4, apply=4, saved=4, ready=4, waiting=4)),
        (no_agreements, Codes(plan=4, detailed=4, apply=4, saved=4, ready=4, waiting=4)),
        (agreements_fail, Codes(plan=1, detailed=1, apply=1, saved=1, ready=1, waiting=1)),
        (no_agreement_chosen, Codes(plan=4, detailed=4, apply=4, saved=4, ready=4, waiting=0)),
        (write_fails, Codes(plan=0, detailed=2, apply=4, saved=4, ready=4, waiting=4)),
        (write_is_lost, Codes(plan=0, detailed=2, apply=4, saved=4, ready=4, waiting=4)),
        (wrong_yaml, Codes(plan=1, detailed=1, apply=1, saved=1, ready=1, waiting=1)),
    ],
)
def test_the_table(tmp_path: Path, situation: Callable[[Books], None], codes: Codes) -> None:
    site, saved = Books(tmp_path), tmp_path / "plan.json"
    situation(site)
    folder = str(site.folder)
    report = ("--report", str(tmp_path / "plan.out"))
    for form in ("text", "json", "csv", "xlsx"):
        assert site.run("plan", folder, "--format", form, *report).code == codes.plan, form
    assert site.run("plan", folder, "--detailed-exitcode").code == codes.detailed
    assert site.run("plan", folder, "--out", str(saved)).code == codes.plan
    for form in ("text", "json"):
        asked = site.run("ready", "--invoice-date", "2026-12-01", "--dir", folder, "--format", form)
        assert asked.code == codes.ready, form
    if saved.exists():
        assert site.run("show", str(saved)).code == 0
        assert site.run("score", str(saved)).code == 0
    before = deepcopy(site.world.tables["additions"])
    for form in ("text", "json"):
        for source, expected in ((saved, codes.saved), (site.folder, codes.apply)):
            site.world.tables["additions"].update(deepcopy(before))
            if source.exists():
                applied = site.run("apply", str(source), "--yes", "--format", form)
                assert applied.code == expected, (source, form)
    site.world.tables["additions"].update(deepcopy(before))
    assert site.run("apply", folder, "--unattended", "--allow-waiting").code == codes.waiting


def test_a_stale_plan_and_an_older_month_are_five(busy: Books) -> None:
    busy.world.add_usage_line(SEPTEMBER, "Alder", "EP-MSP", 10)
    new, old = busy.save(), busy.root / "old.json"
    busy.world.addition(1)["quantity"] = 11.0
    busy.run("plan", str(busy.folder), "--period", "2026-10", "--out", str(old))
    for file in (new, old):
        for form in ("text", "json"):
            assert busy.run("apply", str(file), "--yes", "--format", form).code == 5


def test_nobody_to_ask_is_a_usage_error(busy: Books) -> None:
    busy.forget()
    said = busy.run("apply", str(busy.folder))
    assert (said.code, busy.patches) == (64, [])
    assert "say --yes to write this plan, or --unattended in a schedule." in said.err
    file = str(busy.save())
    for source in ((file,), (str(busy.folder), "--within", file)):
        said = busy.run("apply", *source)
        assert (said.code, "say --yes to write this plan." in said.err) == (64, True)
        assert "unattended" not in said.err, "it is refused for what was reviewed"


def test_nothing_to_write_asks_nobody(busy: Books) -> None:
    busy.apply()
    assert busy.run("apply", str(busy.folder)).code == 0
    assert busy.shadow().run("apply", str(busy.folder)).code == 0


@pytest.mark.parametrize("period", ["2026-13", "2026", "November", "1999-01"])
def test_a_period_that_is_none_is_a_usage_error(busy: Books, period: str) -> None:
    assert busy.run("plan", str(busy.folder), "--period", period).code == 64
    assert busy.run("usage", "--out", "x", "--dir", str(busy.folder), "--period", period).code == 64


OTHER = "Nothing of this is written; 1 other change can be."


@pytest.mark.parametrize(
    ("situation", "last"),
    [
        (withheld, f"Exit code 4 because of 1 decision. {OTHER}"),
        (
            no_usage,
            "Exit code 4 because of 1 error (usage-unknown). Nothing can be written.",
        ),
        (feed_incomplete, "Exit code 3: guard-feed-incomplete stops the whole run. Nothing can be written."),
    ],
)
def test_the_last_line_of_a_plan_says_why_its_exit_code_is_no_zero(
    books: Books, situation: Callable[[Books], None], last: str
) -> None:
    """Errors stand far above it, and a script shows the end of the log."""
    situation(books)
    for options in ((), ("--format", "json"), ("--out", str(books.root / "plan.json"))):
        said = books.run("plan", str(books.folder), *options)
        assert said.err.splitlines()[-1] == last


@pytest.mark.parametrize("situation", [unchanged, changes, shadow])
def test_a_good_plan_needs_no_such_line(books: Books, situation: Callable[[Books], None]) -> None:
    situation(books)
    assert "Exit code" not in books.run("plan", str(books.folder), "--detailed-exitcode").err


def test_a_folder_is_an_argument_or_an_option_as_people_write_it(busy: Books) -> None:
    folder, file = str(busy.folder), str(busy.save())
    day = ("--invoice-date", "2026-12-01")
    for command in (("validate",), ("plan",), ("ready", *day), ("usage", "--out", str(busy.root / "u.json"))):
        either = [busy.run(*command, folder), busy.run(*command, "--dir", folder)]
        assert either[0] == either[1], command
        assert either[0].code != 64
        two = busy.run(*command, folder, "--dir", "elsewhere")
        assert (two.code, "name one folder" in two.err) == (64, True)
    assert busy.run("approve", file, folder, "--all", "--reason", "r").code == 0
    assert busy.run("approve", file, "--dir", folder, "--all", "--reason", "r").code == 0


def test_where_a_folder_cannot_be_told_apart_the_right_form_is_said(busy: Books) -> None:
    status = busy.run("status", str(busy.folder))
    assert (status.code, f"say `reconciler status --dir {busy.folder}`" in status.err) == (64, True)
    apply = busy.run("apply", "--dir", str(busy.folder))
    assert (apply.code, "Where this command takes a folder, it is an argument" in apply.err) == (64, True)

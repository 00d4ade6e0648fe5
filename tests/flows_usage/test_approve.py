"""`reconciler approve`: a saved plan's withheld lines become rows of the configuration, and no more."""

from __future__ import annotations

import io
import shlex
from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import Books, update, updates

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Said

ROW = '  - {customer: %s, product: %s, from: %s, upTo: %s, given: 2026-11-27, reason: "%s", until: %s}\n'
HEAD = "# yaml-language-server: $schema=../schemas/mappings.schema.json\nversion: 1\napprovals:\n"

#: A row in block style whose last value has several lines.
BLOCK = """approvals:
  - customer: CEDAR
    product: MSP-EP
    from: 1
    upTo: 2
    given: 2026-11-27
    until: 2026-12-31
    reason: |
      long
      words
"""


@pytest.fixture
def withheld(books: Books) -> Books:
    """Two customers with three lines that are withheld, and one that goes through."""
    books.customer("Alder", ep=(20, 20, 60), sv=(3, 3, 0))
    books.customer("Birch", ep=(20, 20, 40))
    books.customer("Cedar", ep=(10, 10, 11))
    return books.live()


def approve(books: Books, *options: str, plan: Path | None = None) -> Said:
    return books.run("approve", str(plan or books.save()), "--dir", str(books.folder), *options)


def approvals(books: Books) -> str:
    return (books.folder / "approvals.yaml").read_text()


def test_every_withheld_line_is_approved_and_then_written(withheld: Books) -> None:
    said = approve(withheld, "--all", "--reason", "new branch: Ann")
    assert said.code == 0, said.err
    assert approvals(withheld) == HEAD + "".join(
        ROW % (*row, "new branch: Ann", "2026-12-01")
        for row in (("ALDER", "MSP-EP", 20, 60), ("ALDER", "MSP-SV", 3, 0), ("BIRCH", "MSP-EP", 20, 40))
    )
    assert (
        "1. Alder · Managed, MSP-EP #1: 20 → 60, +160.00 EUR a month: it changes by 40 units, 200 %"
        in said.out
    )
    assert "2. Alder · Managed, MSP-SV #2: 3 → 0, -19.50 EUR a month: it goes to zero" in said.out
    assert "Wrote 3 approvals" in said.out
    assert withheld.writes == []
    plan = withheld.plan()
    assert (plan.code, len(updates(plan))) == (0, 4)


def test_where_homes_are_fixed_an_approval_goes_to_its_own_file_alone(withheld: Books) -> None:
    """Each section in its file, as CODEOWNERS has them; the plan is stopped by what stands elsewhere."""
    folder, text = withheld.folder, (withheld.folder / "mappings.yaml").read_text()
    settings, _, rest = text.removeprefix("version: 1\n").partition("mappings:\n")
    mappings, _, customers = rest.partition("customers:\n")
    files = {
        "settings": settings.replace("{mode", "{homes: fixed, mode"),
        "mappings": f"mappings:\n{mappings}",
        "customers": f"customers:\n{customers}",
        "products": "products: {MSP-EP: {price: 4}}\n",
    }
    for name, content in files.items():
        (folder / f"{name}.yaml").write_text(content)
    plan = withheld.save()
    chosen = ("--customer", "BIRCH", "--reason", "asked")
    said = approve(withheld, *chosen, "--file", str(folder / "products.yaml"), plan=plan)
    assert said.code == 1
    assert "[away-from-home] `approvals` stands in" in said.err
    assert (folder / "products.yaml").read_text() == files["products"]
    assert approve(withheld, *chosen, plan=plan).code == 0
    (folder / "approvals.yaml").rename(folder / "more.yaml")
    said = withheld.run("plan", str(folder))
    assert said.code == 1
    assert "keeps it in approvals.yaml" in said.err
    assert withheld.writes == []


def test_a_second_time_nothing_is_written(withheld: Books) -> None:
    file = withheld.save()
    approve(withheld, "--all", "--reason", "r", plan=file)
    before = approvals(withheld)
    said = approve(withheld, "--all", "--reason", "other", plan=file)
    assert (said.code, approvals(withheld)) == (0, before)
    assert "Nothing is written, because it is approved already: " in said.out
    assert "approvals.yaml:4:5, " in said.out


def test_a_row_that_has_ended_is_no_approval_of_what_waits_again(withheld: Books) -> None:
    file = withheld.save()
    ended = ROW % ("BIRCH", "MSP-EP", 20, 40, "old", "2026-11-26")
    (withheld.folder / "approvals.yaml").write_text(f"version: 1\napprovals:\n{ended}")
    said = approve(withheld, "--customer", "BIRCH", "--reason", "new branch", plan=file)
    assert (said.code, "Wrote 1 approval" in said.out) == (0, True), said.err
    assert update(3, "MSP-EP") in updates(withheld.plan())


@pytest.mark.parametrize(
    ("options", "lines"),
    [
        (("--customer", "alder"), [(1, "MSP-EP"), (1, "MSP-SV")]),
        (("--product", "MSP-EP"), [(1, "MSP-EP"), (2, "MSP-EP")]),
        (("--product", "MSP-EP", "--customer", "BIRCH"), [(2, "MSP-EP")]),
    ],
)
def test_only_what_is_named_is_approved(
    withheld: Books, options: tuple[str, ...], lines: list[tuple[int, str]]
) -> None:
    assert approve(withheld, *options, "--reason", "r", "--until", "2026-12-24").code == 0
    assert "until: 2026-12-24" in approvals(withheld)
    expected = sorted([update(3, "MSP-EP"), *(update(*line) for line in lines)])
    assert sorted(updates(withheld.plan())) == expected


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--reason", "r"), "--customer, --product or --all"),
        (("--all",), "--reason"),
        (("--all", "--reason", " "), "--reason"),
        (("--all", "--reason", "…"), "--reason … gives none"),
        (("--all", "--reason", "TEXT"), "--reason TEXT gives none"),
        (("--all", "--reason", "r", "--until", "2026-11-26"), "that day has passed, today is 2026-11-27"),
        (("--customer", "BRICH", "--reason", "r"), "BRICH"),
        (("--product", "MSP-NO", "--reason", "r"), "MSP-NO"),
        (("--all", "--reason", "r", "--until", "tomorrow"), "YYYY-MM-DD"),
        (("--all", "--reason", "r", "--file", "elsewhere.yaml"), "--file"),
    ],
)
def test_what_is_not_said_is_asked_for(withheld: Books, options: tuple[str, ...], words: str) -> None:
    said = approve(withheld, *options)
    assert (said.code, words in said.err) == (64, True), said.err
    assert not (withheld.folder / "approvals.yaml").exists()


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("version: 1\n", "version: 1\napprovals:\n{row}"),
        ("version: 1", "version: 1\napprovals:\n{row}"),
        ("version: 1\napprovals:\n", "version: 1\napprovals:\n{row}"),
        ("approvals: []   # none\nversion: 1\n", "approvals: [{flow}]   # none\nversion: 1\n"),
        ("approvals: [\n  {old},  # one\n]\n", "approvals: [\n  {old}, {flow},  # one\n]\n"),
        (
            "# ours\napprovals:   # yes\n- {old}  # Ann\n\n# after\nversion: 1\n",
            "# ours\napprovals:   # yes\n- {old}  # Ann\n- {flow}\n\n# after\nversion: 1\n",
        ),
        (
            "approvals:\r\n    - {old}\r\nversion: 1\r\n",
            "approvals:\r\n    - {old}\r\n    - {flow}\r\nversion: 1\r\n",
        ),
        (BLOCK + "\nversion: 1\n", BLOCK + "\n  - {flow}\nversion: 1\n"),
        ("\ufeffversion: 1\n", "\ufeffversion: 1\napprovals:\n{row}"),
    ],
)  # fmt: skip
def test_every_other_byte_of_the_file_stays(withheld: Books, before: str, after: str) -> None:
    old = (
        "{customer: CEDAR, product: MSP-EP, from: 1, upTo: 2, given: 2026-11-27, "
        "reason: r, until: 2026-12-31}"
    )
    row = ROW % ("BIRCH", "MSP-EP", 20, 40, "r", "2026-12-01")
    file = withheld.folder / "approvals.yaml"
    file.write_bytes(before.replace("{old}", old).encode())
    file.chmod(0o640)
    said = approve(withheld, "--customer", "BIRCH", "--reason", "r")
    assert said.code == 0, said.err
    wanted = after.replace("{old}", old).replace("{row}", row).replace("{flow}", row.strip()[2:])
    assert file.read_bytes().decode() == wanted
    assert file.stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize("text", ["approvals: {a: b}\n", "{version: 1}\n", "approvals: [\n", "- a\n"])
def test_a_file_that_cannot_be_added_to_is_left_alone(withheld: Books, text: str) -> None:
    plan = withheld.save()
    file = withheld.folder / "approvals.yaml"
    file.write_text(text)
    said = approve(withheld, "--all", "--reason", "r", plan=plan)
    assert (said.code, file.read_text()) == (1, text)


def test_a_folder_that_would_not_be_valid_is_left_alone(withheld: Books) -> None:
    said = approve(withheld, "--all", "--reason", "r" * 301)
    assert (said.code, "[too-long]" in said.err) == (1, True)
    assert not (withheld.folder / "approvals.yaml").exists()


def test_a_customer_on_several_agreements_is_named_by_its_tenant(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 60))
    agreement = books.world.add_agreement("ALDER", "Other")["id"]
    tenant = books.world.add_tenant("Alder Two")
    for month, units in (((2026, 10), 20), ((2026, 11), 40)):
        books.world.add_usage_line(month, "Alder Two", "EP-MSP", units)
    books.line(agreement, "MSP-EP", 20)
    books.rows["two"] = f"{tenant['id']}: {{company: ALDER, agreement: Other, sync: true}}"
    books.live()
    assert approve(books, "--all", "--reason", "r").code == 0
    assert len(updates(books.plan())) == 2


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("typed", "code", "written"),
    [("1, 3\nAnn\n", 0, 2), ("all\nAnn\n", 0, 3), ("\n", 0, 0), ("4\nAnn\n", 64, 0), ("2\n\n", 64, 0)],
)
def test_on_a_terminal_it_asks_which_and_why(withheld: Books, typed: str, code: int, written: int) -> None:
    plan, file = withheld.save(), withheld.folder / "approvals.yaml"
    asked = ("approve", str(plan), "--dir", str(withheld.folder))
    said = withheld.run(*asked, stdin=_Terminal(typed))
    assert said.code == code, said.err
    assert (approvals(withheld).count('reason: "Ann"') if file.exists() else 0) == written


def test_a_plan_without_withheld_lines_says_so(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 21))
    said = approve(books.live(), "--all", "--reason", "r")
    assert (said.code, "No line of this plan is withheld" in said.out) == (0, True)
    assert "Nothing is written, because nothing in " in said.out


def test_the_command_that_a_plan_prints_is_the_one_that_works(withheld: Books) -> None:
    """It names the folder that was planned, on a line of its own that can be copied."""
    file = withheld.folder.parent / "plan.json"
    planned = withheld.plan("--out", str(file))
    (printed,) = [line for line in planned.err.splitlines() if "reconciler approve" in line]
    before, _, command = printed.partition(": reconciler ")
    assert before == "To let withheld lines through"
    said = withheld.run(*shlex.split(command), "--all", "--reason", "new branch")
    assert (said.code, "Wrote 3 approvals" in said.out) == (0, True), said.err


def test_lines_that_need_another_answer_are_not_said_to_be_done(books: Books) -> None:
    """Nothing is written and something waits: neither the exit code nor a sentence may say otherwise."""
    agreement = books.customer("Alder", sv=(3, 3, 3))
    books.line(agreement, "MSP-EP", 27, by="jane")
    for month, units in (((2026, 10), 22), ((2026, 11), 25)):
        books.world.add_usage_line(month, "Alder", "EP-MSP", units)
    books.live()
    said = approve(books, "--all", "--reason", "r")
    assert (said.code, said.out.splitlines()[-1]) == (
        4,
        "Nothing is written. Answer it as the plan says, and plan again.",
    )
    assert "no line of this plan is withheld that an approval lets through" not in said.out.lower()


@pytest.mark.parametrize("units", [21, 60])
def test_a_name_that_fits_nobody_is_a_slip_whether_something_is_withheld_or_not(
    books: Books, units: int
) -> None:
    books.customer("Alder", ep=(20, 20, units))
    books.live()
    for option, name, meant in (
        ("--customer", "ALDRE", "Did you mean ALDER"),
        ("--product", "MSP-EB", "Did you mean MSP-EP"),
        ("--customer", "NOBODY", "`reconciler show PLAN --format csv` lists them"),
    ):
        said = approve(books, option, name, "--reason", "r")
        assert said.code == 64
        assert f"{option} {name}: no line of this plan is of it. {meant}" in said.err


def test_a_line_that_was_set_by_hand_is_said_to_need_another_answer(books: Books) -> None:
    """The plan's text shows a hold for it; `approve` must not look as if nothing were to be decided."""
    agreement = books.customer("Alder", sv=(3, 3, 3))
    books.line(agreement, "MSP-EP", 27, by="jane")
    for month, units in (((2026, 10), 22), ((2026, 11), 25)):
        books.world.add_usage_line(month, "Alder", "EP-MSP", units)
    books.customer("Birch", ep=(20, 20, 60))
    books.live()
    said = approve(books, "--all", "--reason", "r")
    assert said.code == 0, said.err
    assert "Not written by approve, because 1 line of this plan needs another answer" in said.out
    assert "  - Alder · Managed, MSP-EP #2: 27 → 25, -8.00 EUR a month: 27 was set by jane" in said.out
    row = "{customer: ALDER, product: MSP-EP, from: 27, upTo: 25, given: 2026-11-27, reason: …, until: …}"
    assert f"or let Sophos's number in with an approval: {row}" in said.out
    assert "ALDER" not in approvals(books)
    alone = approve(books, "--customer", "BIRCH", "--reason", "r")
    assert "Alder" not in alone.out
    written = row.replace("reason: …, until: …", "reason: r, until: 2026-12-01")
    (books.folder / "approvals.yaml").write_text(f"version: 1\napprovals:\n  - {written}\n")
    assert update(1, "MSP-EP") in updates(books.plan())


def test_a_line_that_is_not_there_is_not_shown_with_a_question_mark(books: Books) -> None:
    """Jane ended it: from which quantity it would go is not known, and not needed."""
    agreement = books.customer("Alder", ep=(None, 14, 14))
    books.line(agreement, "MSP-EP", 14, by="jane", cancelledDate="2026-10-31T00:00:00Z")
    books.live()
    said = approve(books, "--all", "--reason", "r")
    assert "  - Alder · Managed, MSP-EP: to 14, the money is not known: there is usage, and jane" in said.out
    assert "? →" not in said.out

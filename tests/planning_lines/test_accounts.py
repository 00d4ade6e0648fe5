"""The account of each open line and each unit, whatever changed in a row, in ConnectWise or at Sophos."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, expect

if TYPE_CHECKING:
    from pathlib import Path

#: Two companies: the line of 20 is on the first one's agreement.
TWO = "id | company\n1 | ALPHA\n2 | BETA"
OURS, JANES = "id | qty\n11 | 20", "id | qty | by\n11 | 20 | jane"
BETA = ALPHA.replace("company: ALPHA", "company: BETA, nameDiffers: true")
NOW, BEFORE = "tenant | code | units\nAlpha | EP | 20", "tenant | code | units\nAlpha | EP | 20"


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Alpha has twenty units, this month and last, and a line of twenty."""
    return Books(
        tmp_path / "mappings",
        bill=bill(NOW),
        last=bill(BEFORE, NOVEMBER.previous()),
        agreements=agreements(TWO),
        lines=OURS,
    )


def test_in_step(books: Books) -> None:
    planned = books.plan()
    assert planned.accounts == {11: "in step"}
    assert planned.units == {"billed": "20"}


# --- a row's company changes


@pytest.mark.parametrize("lines", [OURS, JANES])
@pytest.mark.parametrize(("now", "before"), [(20, 20), (22, 20), (20, 0), (20, 18)])
def test_no_line_is_created_for_seats_that_an_open_line_of_another_company_bills(
    books: Books, lines: str, now: int, before: int
) -> None:
    """A merger, or a wrong first guess put right: without a word it is asked, with both lines named."""
    planned = books.plan(
        yaml=BETA,
        lines=lines,
        bill=bill(f"tenant | code | units\nAlpha | EP | {now}"),
        last=bill(f"tenant | code | units\nAlpha | EP | {before}", NOVEMBER.previous()),
    )
    assert planned.writes == []
    assert planned.accounts == {11: "waits"}
    assert planned.units == {"undecided": f"{now}"}
    assert "line #11 of MSP-EP (20) of Alpha (ALPHA)" in planned.reason
    assert "movedFrom: {company: ALPHA}" in planned.reason


@pytest.mark.parametrize(
    "word", ["{company: ALPHA}", "{agreement: {id: 1}}", "{company: alpha, agreement: Managed}"]
)
@pytest.mark.parametrize("lines", [OURS, JANES])
def test_a_move_across_companies_is_one_pair_with_one_figure(books: Books, word: str, lines: str) -> None:
    yaml = BETA.replace("sync: true}\n", f"sync: true, movedFrom: {word}}}\n").replace(
        "{product: MSP-EP, sync: true, movedFrom: " + word, "{product: MSP-EP, sync: true"
    )
    planned = books.plan(yaml=yaml, lines=lines, bill=bill(NOW.replace("20", "22")))
    expect(planned, "Alpha MSP-EP no line moved 20→22 90.00→99.00 EUR")
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "new MSP-EP on 2: 22 × 4.50 from 2026-12-01",
    ]
    assert planned.accounts == {11: "moves"}


def test_a_word_that_names_another_place_moves_nothing(books: Books) -> None:
    yaml = BETA.replace("agreement: Managed,", "agreement: Managed, movedFrom: {company: GAMMA},")
    assert books.plan(yaml=yaml).writes == []


def test_the_move_is_made_once(books: Books) -> None:
    """The word stays in the row; another line at the old company later is somebody else's."""
    yaml = BETA.replace("agreement: Managed,", "agreement: Managed, movedFrom: {company: ALPHA},")
    lines = "id | on | qty | from | to\n11 | 1 | 20 | 2025-01-01 | 2026-10-31\n12 | 2 | 20 | 2026-11-01 |\n"
    again = books.plan(yaml=yaml, lines=lines + "13 | 1 | 5 | 2026-11-10 |")
    assert again.writes == []
    assert again.accounts == {12: "in step", 13: "unexplained"}


@pytest.mark.parametrize("word", [" movedFrom: {company: ALPHA},", ""], ids=["told", "not told"])
def test_what_is_left_where_a_customer_came_from_is_no_question_to_another_one(
    books: Books, word: str
) -> None:
    """That we wrote it is no sign that it bills Gamma, where a row says whom we billed there."""
    yaml = BETA.replace("agreement: Managed,", f"agreement: Managed,{word}") + (
        "  <Gamma>: {name: Gamma, company: GAMMA, agreement: Managed, sync: true}\n"
    )
    used = "tenant | code | units\nAlpha | EP | 20\nGamma | EP | 9"
    planned = books.plan(
        yaml=yaml,
        agreements=agreements(f"{TWO}\n3 | GAMMA"),
        bill=bill(used),
        last=bill(used, NOVEMBER.previous()),
        lines="id | on | qty | from\n12 | 2 | 20 | 2026-11-01\n13 | 1 | 5 | 2026-11-10",
    )
    if word:
        assert planned.writes == ["new MSP-EP on 3: 9 × 4.50 from 2026-12-01"]
        assert planned.accounts == {12: "in step", 13: "unexplained"}
        assert planned.apart(13).startswith("Alpha moved from there (`movedFrom`), and is billed without it")
    else:
        assert planned.writes == []
        assert "line #13 of MSP-EP (5) of Alpha (ALPHA)" in planned.plan.lines[1].reason


def test_a_new_customer_is_not_asked_about_a_line_of_another_number(books: Books) -> None:
    """No usage last month, and no line of that number: it cannot have been billed elsewhere."""
    planned = books.plan(
        yaml=BETA,
        lines="id | qty\n11 | 7",
        bill=bill(NOW + "\nGamma | EP | 7"),
        last=bill("tenant | code | units\nGamma | EP | 7", NOVEMBER.previous()),
    )
    assert planned.writes == ["new MSP-EP on 2: 20 × 4.50 from 2026-12-01"]
    assert planned.accounts == {11: "unexplained"}


def test_a_number_that_a_tenant_without_a_row_has_is_taken_for_that_one_s(books: Books) -> None:
    """In a rollout most lines are of customers that have no row yet, and small numbers are often equal."""
    planned = books.plan(
        yaml=BETA,
        agreements=agreements("id | company | name\n1 | OMEGA | Managed\n2 | BETA | Managed"),
        lines=JANES,
        bill=bill(NOW + "\nGamma | EP | 20"),
        tenants="tenant\nAlpha\nGamma",
    )
    assert planned.writes == ["new MSP-EP on 2: 20 × 4.50 from 2026-12-01"]
    assert planned.accounts == {11: "unexplained"}
    assert planned.units == {"billed": "20", "no customer row": "20"}


# --- a tenant leaves a line that several share

SHARED = """
mappings:
  EP: {product: MSP-EP, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true}
  <Second>: {name: Second, company: ALPHA, agreement: Managed, sync: true}
"""
BOTH = "tenant | code | units\nAlpha | EP | 12\nSecond | EP | 8"


@pytest.mark.parametrize("lines", [OURS, JANES])
def test_a_tenant_that_leaves_a_shared_line_for_another_company_waits_with_it(
    books: Books, lines: str
) -> None:
    yaml = SHARED.replace("{name: Second, company: ALPHA", "{name: Second, company: BETA, nameDiffers: true")
    planned = books.plan(yaml=yaml, lines=lines, bill=bill(BOTH), last=bill(BOTH, NOVEMBER.previous()))
    assert planned.writes == [], "the old line waits, by its guard or because a person set it"
    assert planned.accounts == {11: "waits"}
    assert planned.units == {"undecided": "20"}


def test_both_are_written_where_nothing_holds_the_old_line_back(books: Books) -> None:
    yaml = SHARED.replace("{name: Second, company: ALPHA", "{name: Second, company: BETA, nameDiffers: true")
    settings = SETTINGS.replace("mode: live", "mode: live, guards: {lineChange: off}")
    planned = books.plan(yaml=yaml, settings=settings, bill=bill(BOTH), last=bill(BOTH, NOVEMBER.previous()))
    assert planned.writes == ["line 11 quantity 20→12", "new MSP-EP on 2: 8 × 4.50 from 2026-12-01"]
    less, new = planned.plan.changes
    assert less.write in new.depends_on
    assert planned.accounts == {11: "changes"}


@pytest.mark.parametrize("by", ["apirec", "jane"])
def test_one_that_joins_a_line_that_is_there_waits_as_well(books: Books, by: str) -> None:
    yaml = SHARED.replace("{name: Second, company: ALPHA", "{name: Second, company: BETA, nameDiffers: true")
    yaml += "  <Third>: {name: Third, company: BETA, agreement: Managed, sync: true}\n"
    three = BOTH + "\nThird | EP | 5"
    planned = books.plan(
        yaml=yaml,
        lines=f"id | on | qty | by\n11 | 1 | 20 | {by}\n12 | 2 | 5 | apirec",
        bill=bill(three),
        last=bill(three, NOVEMBER.previous()),
    )
    assert planned.writes == []
    assert planned.accounts == {11: "waits", 12: "waits"}


@pytest.mark.parametrize("october", [20, 0], ids=["a month was missed", "Third is new"])
def test_equal_numbers_of_others_hold_nobody_back(books: Books, october: int) -> None:
    """Jane's line stands two above its own; that Third gains two, or has two at first, is chance."""
    yaml = (
        ALPHA + "  <Third>: {name: Third, company: BETA, nameDiffers: true, agreement: Managed, sync: true}\n"
    )
    last = f"tenant | code | units\nAlpha | EP | 20\nThird | EP | {october}"
    planned = books.plan(
        yaml=yaml,
        lines="id | on | qty | by\n11 | 1 | 22 | jane" + ("\n12 | 2 | 19 | apirec" if october else ""),
        bill=bill(f"tenant | code | units\nAlpha | EP | 20\nThird | EP | {21 if october else 2}"),
        last=bill(last if october else BEFORE, NOVEMBER.previous()),
    )
    assert planned.writes == [
        "line 12 quantity 19→21" if october else "new MSP-EP on 2: 2 × 4.50 from 2026-12-01"
    ]
    assert planned.accounts == {11: "waits", **({12: "changes"} if october else {})}
    assert planned.plan.together == ()


# --- a customer that ends before the next invoice


@pytest.mark.parametrize("lines", [OURS, "id | qty | to\n11 | 20 | 2026-11-30"], ids=["now", "once applied"])
def test_units_of_a_customer_that_has_left_wait_for_nobody(books: Books, lines: str) -> None:
    """Its last day is still to come, and the next invoice is after it: the line ends, and all is said."""
    yaml = ALPHA.replace(
        "agreement: Managed, sync: true", "agreement: Managed, sync: true, ended: 2026-11-29"
    )
    planned = books.plan(yaml=yaml, lines=lines)
    assert planned.units == {"excluded (ended)": "20"}
    assert planned.accounts == ({11: "ends"} if lines == OURS else {})


@pytest.mark.parametrize(("stands", "account"), [(20, "changes"), (12, "in step")])
def test_units_of_one_that_has_left_a_shared_line_wait_for_nobody(
    books: Books, stands: int, account: str
) -> None:
    yaml = SHARED.replace("name: Second,", "name: Second, ended: 2026-11-29,")
    settings = SETTINGS.replace("mode: live", "mode: live, guards: {lineChange: off}")
    planned = books.plan(
        yaml=yaml,
        settings=settings,
        lines=f"id | qty\n11 | {stands}",
        bill=bill(BOTH),
        last=bill(BOTH, NOVEMBER.previous()),
    )
    assert planned.units == {"billed": "12", "excluded (ended)": "8"}
    assert planned.accounts == {11: account}


# --- excluded, not synced


@pytest.mark.parametrize(
    ("word", "by", "account"),
    [
        ("exclude: internal", "apirec", "waits"),
        ("exclude: internal", "jane", "waits"),
        ("exclude: internal, openLines: keep", "apirec", "left (exclude)"),
        ("sync: false", "apirec", "waits"),
        ("sync: false", "jane", "left (sync: false)"),
        ("sync: false, openLines: keep", "apirec", "left (sync: false)"),
    ],
)
def test_an_open_line_of_a_customer_that_is_not_billed_any_more_has_its_account(
    books: Books, word: str, by: str, account: str
) -> None:
    yaml = ALPHA.replace("agreement: Managed, sync: true", f"agreement: Managed, {word}")
    planned = books.plan(yaml=yaml, lines=f"id | qty | by\n11 | 20 | {by}")
    assert planned.writes == []
    assert planned.accounts == {11: account}
    reason = "internal" if "exclude" in word else "sync: false"
    assert planned.units == {f"excluded ({reason})": "20"}
    if account == "waits":
        assert "openLines: end" in planned.apart(11)


@pytest.mark.parametrize("word", ["exclude: internal", "sync: false"])
@pytest.mark.parametrize("by", ["apirec", "jane"])
def test_a_word_ends_it(books: Books, word: str, by: str) -> None:
    yaml = ALPHA.replace("agreement: Managed, sync: true", f"agreement: Managed, {word}, openLines: end")
    planned = books.plan(yaml=yaml, lines=f"id | qty | by\n11 | 20 | {by}")
    assert planned.writes == ["line 11 cancelledDate None→2026-11-30"]
    assert planned.accounts == {11: "ends"}


@pytest.mark.parametrize("line", ["20 | NoCharge | 4.50", "20 | Billable | 0"])
def test_an_excluded_customer_s_line_that_bills_nothing_needs_no_word(books: Books, line: str) -> None:
    yaml = ALPHA.replace("agreement: Managed, sync: true", "agreement: Managed, exclude: NFR")
    planned = books.plan(yaml=yaml, lines=f"id | qty | bills | price\n11 | {line}")
    assert planned.accounts == {11: "left (exclude)"}


def test_a_product_that_is_excluded_for_the_customer(books: Books) -> None:
    yaml = ALPHA.replace("sync: true}\n", "sync: true, overrides: {EP: {exclude: Pilot}}}\n").replace(
        "product: MSP-EP, sync: true, overrides: {EP: {exclude: Pilot}}", "product: MSP-EP, sync: true"
    )
    planned = books.plan(yaml=yaml)
    assert planned.accounts == {11: "waits"}
    assert "EP is excluded for Alpha: Pilot, and it bills on" in planned.apart(11)
    assert planned.units == {"excluded (Pilot)": "20"}


# --- tags

MOVED_CODE = ALPHA.replace("EP: {product: MSP-EP,", "EP: {product: MSP-NEW,")


@pytest.mark.parametrize(
    "notes",
    [
        "cleaned up",
        "[sophos:main EP",
        "[sophos:other EP]",
        "[sophos:other EP (former)]",
        "[sophos:main EP,]",
    ],
)
def test_a_lost_damaged_or_foreign_tag_and_a_code_that_moves_never_make_a_second_line(
    books: Books, notes: str
) -> None:
    planned = books.plan(
        yaml=MOVED_CODE, others={"MSP-EP": notes}, lines="id | product | qty\n11 | MSP-EP | 20"
    )
    new = [write for write in planned.writes if write.startswith("new")]
    assert planned.accounts[11] == ("moves" if new else "waits")
    assert ("line 11 cancelledDate None→2026-11-30" in planned.writes) is bool(new)


@pytest.mark.parametrize("notes", ["[sophos:main EP", "[sophos:other EP]"])
def test_neither_where_a_person_wrote_the_line_last(books: Books, notes: str) -> None:
    lines = "id | product | qty | by\n11 | MSP-EP | 21 | jane"
    planned = books.plan(yaml=MOVED_CODE, others={"MSP-EP": notes}, lines=lines)
    assert planned.writes == []
    assert planned.accounts == {11: "waits"}


def test_lines_of_another_owner_s_product_are_theirs(books: Books) -> None:
    planned = books.plan(
        others={"THEIRS": "[sophos:other XX]"},
        lines=OURS.replace("qty", "qty | product") + " | MSP-EP\n12 | 3 | THEIRS",
    )
    assert planned.accounts == {11: "in step", 12: "left (owner other)"}


# --- rows that are not there


def test_a_line_that_no_row_speaks_of_is_unexplained_and_named(books: Books) -> None:
    lines = "id | on | qty | by\n11 | 1 | 20 | apirec\n12 | 2 | 9 | jane"
    planned = books.plan(lines=lines)
    assert planned.accounts == {11: "in step", 12: "unexplained"}
    assert "no customer row names its company" in planned.apart(12)


def test_a_line_that_we_wrote_is_ours_whatever_its_product(books: Books) -> None:
    lines = "id | on | qty | by | product\n11 | 1 | 20 | apirec | MSP-EP\n12 | 2 | 9 | apirec | BACKUP"
    lines += "\n13 | 2 | 9 | jane | BACKUP"
    planned = books.plan(lines=lines)
    assert planned.accounts == {11: "in step", 12: "unexplained"}


def test_each_word_that_leaves_a_line_is_its_account(books: Books) -> None:
    yaml = ALPHA.replace(
        "sync: true}\n", "sync: true, lines: {MSP-EP: {line: 11, fixed: [12]}}}\n", 2
    ).replace(
        "product: MSP-EP, sync: true, lines: {MSP-EP: {line: 11, fixed: [12]}}", "product: MSP-EP, sync: true"
    )
    hold = "holds: [{customer: ALPHA, product: MSP-EP, quantity: 20, reason: r, until: 2026-12-31}]\n"
    lines = "id | qty\n11 | 15\n12 | 5"
    planned = books.plan(yaml=yaml + hold, lines=lines)
    assert planned.accounts == {11: "left (hold)", 12: "left (fixed)"}
    shadow = books.plan(settings=SETTINGS.replace("live", "shadow"), bill=bill(NOW.replace("20", "22")))
    assert shadow.accounts == {11: "left (shadow)"}
    assert shadow.units == {"shadow": "22"}


def test_included_units_have_their_own_account(books: Books) -> None:
    yaml = ALPHA + "lines: {MSP-EP: {included: 5}}\n"
    planned = books.plan(yaml=yaml, lines="id | qty | incl\n11 | 20 | 5")
    assert planned.units == {"billed": "15", "included": "5"}


def test_each_unit_without_a_line_says_why(books: Books) -> None:
    planned = books.plan(
        bill=bill(NOW + "\nAlpha | CE | 4\nGamma | EP | 3\nDelta | EP | 2\n- | FW | 1"),
        tenants="tenant | type\nAlpha | usage\nGamma | usage\nDelta | term",
    )
    assert planned.units == {
        "billed": "20", "no customer row": "3", "no mapping": "4", "no tenant": "1", "term or trial": "2",
    }  # fmt: skip


def test_a_credit_of_a_product_that_moves_is_never_netted(books: Books) -> None:
    """A person took five seats back by hand: it waits, and no line is created beside it."""
    planned = books.plan(
        yaml=MOVED_CODE,
        others={"MSP-EP": "[sophos:main EP]"},
        lines="id | product | qty | by\n11 | MSP-EP | -5 | jane",
    )
    assert planned.writes == []
    assert planned.accounts == {11: "waits"}


# --- pairs of which one waits


def test_seats_stay_where_they_are_while_the_line_that_gets_them_waits(books: Books) -> None:
    """In an unattended run a new line waits for a person; the old one must not shrink before."""
    yaml = SHARED.replace("{name: Second, company: ALPHA", "{name: Second, company: BETA, nameDiffers: true")
    settings = SETTINGS.replace("mode: live", "mode: live, guards: {lineChange: off}")
    planned = books.plan(
        yaml=yaml,
        settings=settings,
        bill=bill(BOTH),
        last=bill(BOTH, NOVEMBER.previous()),
        unattended=True,
    )
    assert planned.writes == []
    assert planned.accounts == {11: "waits"}
    assert "they would be billed nowhere" in planned.plan.lines[0].reason


def test_a_tenant_without_any_usage_does_not_hide_the_number_of_the_other(books: Books) -> None:
    planned = books.plan(
        yaml=SHARED,
        bill=bill("tenant | code | units\nAlpha | EP | 13"),
        last=bill(BOTH, NOVEMBER.previous()),
        settings=SETTINGS.replace("live", "live, guards: {feedTenants: off}"),
    )
    assert planned.writes == []
    assert planned.accounts == {11: "waits"}
    assert planned.units == {"undecided": "13"}


def test_who_makes_room_at_a_company_takes_the_agreed_price_along(books: Books) -> None:
    """The line stays for the next customer there, and its price was agreed with the one who goes."""
    yaml = (
        BETA.replace("agreement: Managed,", "agreement: Managed, movedFrom: {company: ALPHA},")
        + "  <Beta>: {name: Beta, company: GAMMA, agreement: Managed, sync: true, nameDiffers: true, "
        "movedFrom: {company: BETA}}\n"
    )
    used = "tenant | code | units\nAlpha | EP | 20\nBeta | EP | 24"
    books.settings = SETTINGS.replace("mode: live", "mode: live, guards: {lineChange: off}")
    planned = books.plan(
        yaml=yaml,
        agreements=agreements(f"{TWO}\n3 | GAMMA"),
        bill=bill(used),
        last=bill(used, NOVEMBER.previous()),
        lines="id | on | qty | price\n11 | 1 | 20 | 3.50\n12 | 2 | 24 | 3.90",
    )
    assert "new MSP-EP on 3: 24 × 3.90 from 2026-12-01" in planned.writes


def test_a_line_left_from_another_ones_move_does_not_ask_for_that_ones_word(books: Books) -> None:
    """The line at the new company has its number already, and the old one is still open."""
    yaml = (
        BETA.replace("agreement: Managed,", "agreement: Managed, movedFrom: {company: ALPHA},")
        + "  <Beta>: {name: Beta, company: GAMMA, agreement: Managed, sync: true, nameDiffers: true, "
        "movedFrom: {company: BETA}}\n"
    )
    used = "tenant | code | units\nAlpha | EP | 20\nBeta | EP | 20"
    planned = books.plan(
        yaml=yaml,
        agreements=agreements(f"{TWO}\n3 | GAMMA"),
        bill=bill(used),
        last=bill(used, NOVEMBER.previous()),
        lines="id | on | qty\n11 | 1 | 20\n12 | 2 | 20",
    )
    assert planned.writes == []
    (asked,) = [row.reason for row in planned.plan.lines if row.customer == "Beta"]
    assert "movedFrom: {company: ALPHA}" not in asked
    assert "the row of Alpha says that it bills Alpha (`movedFrom`)" in asked
    assert "end it in ConnectWise" in asked

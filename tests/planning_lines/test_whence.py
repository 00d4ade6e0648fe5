"""Where the seats of a line come from: another company, another code, a line that waits, a lost tag."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, agreements, bill

if TYPE_CHECKING:
    from reconciler.model.billing import Agreement
    from tests.planning_lines.books import Books, Planned

OCTOBER = NOVEMBER.previous()
TWO = agreements("id | company\n1 | ALPHA\n2 | BETA")
ROWS = """
mappings:
  EP: {{product: MSP-EP, sync: true}}
customers:
  <Alpha>: {{name: Alpha, company: BETA, nameDiffers: true, agreement: Managed, sync: true{alpha}}}
  <Beta>: {{name: Beta, company: BETA, agreement: Managed, sync: true{beta}}}
"""
USAGE = "tenant | code | units\nAlpha | EP | 20\nBeta | EP | 5"
SUM = "  SV: {product: MSP-EP, sync: true}\nlines: {MSP-EP: {count: sum}}\ncustomers:"
LINES = "id | on | qty | by\n11 | 1 | {old} | {by}\n12 | 2 | {own} | {by}"


def _without(books: Books, guard: str) -> None:
    member = "connectwiseMember: apirec"
    books.settings = books.settings.replace(member, f"{member}, guards: {{{guard}: off}}")


def joined(books: Books, *, alpha: str = "", beta: str = "", **changed: str) -> Planned:
    """Alpha is billed as BETA from now on, which has a line of its own."""
    lines = LINES.format(**{"old": "20", "own": "5", "by": "apirec", **changed})
    return books.plan(
        yaml=ROWS.format(alpha=alpha, beta=beta),
        bill=bill(USAGE),
        last=bill(USAGE, OCTOBER),
        agreements=TWO,
        lines=lines,
    )


# --- a company that has a line already


@pytest.mark.parametrize("by", ["apirec", "jane"])
@pytest.mark.parametrize("word", ["{company: ALPHA}", "{agreement: {id: 1}}"])
def test_a_customer_that_joins_another_company_takes_its_line_along(books: Books, word: str, by: str) -> None:
    _without(books, "lineChange")
    planned = joined(books, alpha=f", movedFrom: {word}", by=by)
    assert planned.writes == ["line 11 cancelledDate None→2026-11-30", "line 12 quantity 5→25"]
    (row,) = planned.plan.lines
    assert [old.line_id for old in row.takes_over] == [11]
    assert planned.accounts == {11: "moves", 12: "changes"}
    assert planned.units == {"billed": "25"}


@pytest.mark.parametrize("own", ["5", "7"], ids=["in step", "not in step"])
def test_without_its_word_both_lines_are_named_and_nothing_is_written(books: Books, own: str) -> None:
    planned = joined(books, own=own)
    assert planned.writes == []
    assert "line #11 of MSP-EP (20) of Alpha (ALPHA)" in planned.reason
    assert "movedFrom: {company: ALPHA}" in planned.reason
    assert planned.accounts == {11: "waits", 12: "waits"}


def test_a_number_by_hand_there_is_found_by_its_company(books: Books) -> None:
    """Neither bill has 33: only that Alpha is called as that company says whose line it may be."""
    planned = joined(books, old="33", by="jane")
    assert planned.writes == []
    assert "line #11 of MSP-EP (33) of Alpha (ALPHA)" in planned.reason


def test_a_line_there_is_nobodys_concern_once_the_customer_is_billed_here(books: Books) -> None:
    planned = joined(books, own="25")
    assert planned.accounts == {11: "unexplained", 12: "in step"}
    assert planned.writes == []


def test_seats_that_a_person_ended_do_not_come_back_with_others(books: Books) -> None:
    """Neither another customer's nor another code's line that is taken over brings them along."""
    ended = "id | on | qty | by | to\n11 | 1 | 20 | |\n12 | 2 | 5 | jane | 2026-11-28"
    planned = books.plan(
        yaml=ROWS.format(alpha=", movedFrom: {company: ALPHA}", beta=""),
        bill=bill(USAGE), last=bill(USAGE, OCTOBER), agreements=TWO, lines=ended,
    )  # fmt: skip
    assert planned.writes == []
    assert "say `restart: [12]`" in planned.reason
    both = "tenant | code | units\nAlpha | EP | 20\nAlpha | SV | 5"
    planned = books.plan(
        yaml=ALPHA.replace("customers:", SUM), bill=bill(both), last=bill(both, OCTOBER), agreements=TWO,
        others={"MSP-SV": "[sophos:main SV (former)]"},
        lines="id | product | qty | by | to\n11 | MSP-SV | 5 | |\n12 | MSP-EP | 20 | jane | 2026-11-28",
    )  # fmt: skip
    assert planned.writes == []
    assert "say `restart: [12]`" in planned.reason


def test_a_git_base_says_where_a_customer_was_billed(books: Books) -> None:
    """The names have nothing in common, and the number is nobody's: the row of before says it."""
    books.agreements = agreements("id | company\n1 | OMEGA\n2 | BETA")
    yaml = ROWS.format(alpha="", beta="")
    asked = {
        "yaml": yaml,
        "bill": bill(USAGE),
        "last": bill(USAGE, OCTOBER),
        "lines": LINES.format(old="33", own="5", by="jane"),
    }
    assert "#11" not in books.plan(**asked).reason
    base = yaml.replace("company: BETA, nameDiffers", "company: OMEGA, nameDiffers", 1)
    assert "line #11 of MSP-EP (33) of Omega (OMEGA)" in books.plan(**asked, base=base).reason


PARENT = agreements("id | company | parent\n1 | ALPHA |\n2 | BETA | 1")
CHILD = agreements("id | company | parent\n1 | ALPHA | 2\n2 | BETA |")


@pytest.mark.parametrize("family", [PARENT, CHILD], ids=["its child", "its parent"])
@pytest.mark.parametrize("by", ["apirec", "jane"])
def test_a_line_of_the_family_is_asked_about_beside_an_own_one(
    books: Books, family: tuple[Agreement, ...], by: str
) -> None:
    planned = books.plan(
        yaml=ROWS.format(alpha="", beta=""),
        bill=bill(USAGE),
        last=bill(USAGE, OCTOBER),
        agreements=family,
        lines=LINES.format(old="20", own="5", by=by),
    )
    assert planned.writes == []
    assert "line #11 of MSP-EP (20)" in planned.reason


def test_a_persons_line_on_the_agreement_that_a_customer_leaves_for_a_line_is_asked_about(
    books: Books,
) -> None:
    planned = books.plan(
        yaml=SHARED.format(alpha="Managed", more=""),
        bill=bill(BOTH),
        last=bill(BOTH, OCTOBER),
        agreements=HOME,
        lines="id | on | qty | by\n11 | 1 | 9 |\n12 | 2 | 3 | jane",
    )
    assert planned.writes == []
    assert "line #12 of MSP-EP (3)" in planned.reason


FIREWALLS = """
mappings:
  XG: {{product: MSP-FW, sync: true}}
lines: {{MSP-FW: {{perSerial: true}}}}
customers:
  <Alpha>: {{name: Alpha, company: BETA, nameDiffers: true, agreement: Managed, sync: true{word}}}
  <Beta>: {{name: Beta, company: BETA, agreement: Managed, sync: true}}
"""


@pytest.mark.parametrize(("word", "written"), [("", 0), (", movedFrom: {company: ALPHA}", 2)])
def test_a_firewall_whose_customer_joins_another_companys_is_billed_once(
    books: Books, word: str, written: int
) -> None:
    usage = "tenant | code | units | serial\nAlpha | XG | 1 | C001\nBeta | XG | 1 | C002"
    planned = books.plan(
        yaml=FIREWALLS.format(word=word),
        bill=bill(usage),
        last=bill(usage, OCTOBER),
        agreements=TWO,
        lines="id | on | product | qty | serial\n11 | 1 | MSP-FW | 1 | C001\n12 | 2 | MSP-FW | 1 | C002",
    )
    assert len(planned.writes) == written, [row.reason for row in planned.plan.lines]


# --- customers that have nothing to do with each other


@pytest.mark.parametrize(
    ("now", "hold"), [("20", ""), ("20", "5"), ("5", "")], ids=["out of step", "held", "in step"]
)
def test_equal_numbers_of_strangers_stop_no_new_line(books: Books, now: str, hold: str) -> None:
    """Beta's line of 5 is Beta's, whatever its number; Alpha is another customer with 5 seats."""
    if hold:
        said = f"holds: [{{customer: BETA, product: MSP-EP, quantity: {hold}, reason: r, until: 2026-12-31}}]"
        books.settings = f"{books.settings.rstrip()}\n{said}\n"
    usage = f"tenant | code | units\nAlpha | EP | 5\nBeta | EP | {now}"
    planned = books.plan(
        yaml=ROWS.format(alpha="", beta="").replace("company: BETA, nameDiffers: true", "company: ALPHA", 1),
        bill=bill(usage), last=bill(usage, OCTOBER), agreements=TWO,
        lines="id | on | qty | by\n12 | 2 | 5 | jane",
    )  # fmt: skip
    assert "new MSP-EP on 1: 5 × 4.50 from 2026-12-01" in planned.writes


@pytest.mark.parametrize(("units", "word"), [("5", ""), ("9", ", openLines: keep")])
def test_a_line_that_an_override_leaves_out_is_nobody_elses(books: Books, units: str, word: str) -> None:
    usage = f"tenant | code | units\nAlpha | EP | 5\nBeta | EP | {units}"
    yaml = ROWS.format(alpha="", beta=f", overrides: {{EP: {{exclude: made up}}}}{word}")
    planned = books.plan(
        yaml=yaml.replace("company: BETA, nameDiffers: true", "company: ALPHA", 1),
        bill=bill(usage), last=bill(usage, OCTOBER), agreements=TWO,
        lines="id | on | qty | by\n12 | 2 | 5 | jane",
    )  # fmt: skip
    assert "new MSP-EP on 1: 5 × 4.50 from 2026-12-01" in planned.writes


# --- lines that wait keep their seats

SHARED = """
mappings:
  EP: {{product: MSP-EP, sync: true}}
customers:
  <Alpha>: {{name: Alpha, company: ALPHA, agreement: {alpha}, sync: true{more}}}
  <Second>: {{name: Second, company: ALPHA, nameDiffers: true, agreement: Managed, sync: true}}
"""
BOTH = "tenant | code | units\nAlpha | EP | 3\nSecond | EP | 9"
HOME = agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Mail")


def leaves(books: Books, lines: str = "id | qty\n11 | 12", *, alpha: str = "Mail", more: str = "") -> Planned:
    """Alpha leaves the line that it shares with Second; small enough for every limit."""
    yaml = SHARED.format(alpha=alpha, more=more)
    return books.plan(yaml=yaml, bill=bill(BOTH), last=bill(BOTH, OCTOBER), agreements=HOME, lines=lines)


def test_a_tenant_that_leaves_a_shared_line_is_written_on_both_sides(books: Books) -> None:
    assert leaves(books).writes == ["new MSP-EP on 2: 3 × 4.50 from 2026-12-01", "line 11 quantity 12→9"]


@pytest.mark.parametrize(
    "lines",
    ["id | qty\n11 | 8\n12 | 4", "id | qty | by\n11 | 12 | \n13 | 4 | jane"],
    ids=["two lines of ours", "a person's second line"],
)
def test_where_it_is_not_clear_which_line_they_are_on_no_new_one_starts(books: Books, lines: str) -> None:
    planned = leaves(books, lines)
    assert planned.writes == []
    assert any("its seats may still be on" in row.reason for row in planned.plan.lines)


def test_where_no_agreement_can_be_chosen_the_seats_stay_where_they_are(books: Books) -> None:
    planned = leaves(books, alpha="Nowhere")
    assert planned.writes == []
    assert any("they would be billed nowhere" in row.reason for row in planned.plan.lines)


def test_what_starts_in_mode_shadow_takes_nothing_off_a_live_line(books: Books) -> None:
    planned = leaves(books, more=", mode: shadow")
    assert planned.writes == []
    assert any("they would be billed nowhere" in row.reason for row in planned.plan.lines)


def test_a_held_line_keeps_the_seats_that_its_number_has(books: Books) -> None:
    hold = "holds: [{customer: ALPHA, product: MSP-EP, quantity: 12, reason: r, until: 2026-12-31}]\n"
    books.settings = books.settings.rstrip() + "\n" + hold
    planned = leaves(books, more=", overrides: {EP: {product: MSP-EDU}}", alpha="Managed")
    assert planned.writes == []
    assert any(
        "its seats may still be on line #11 of MSP-EP (12)" in row.reason for row in planned.plan.lines
    )


# --- one customer's code is another one from this month on


@pytest.mark.parametrize("withheld", [False, True])
def test_seats_under_a_code_that_a_customer_has_anew(books: Books, *, withheld: bool) -> None:
    """As many as have gone under another code: both are written, or neither."""
    if not withheld:
        _without(books, "lineToZero")
    planned = books.plan(
        yaml=ALPHA.replace("customers:", "  EPX: {product: MSP-EPX, sync: true}\ncustomers:"),
        bill=bill("tenant | code | units\nAlpha | EPX | 3"),
        last=bill("tenant | code | units\nAlpha | EP | 3", OCTOBER),
        agreements=agreements("id | company\n1 | ALPHA"),
        lines="id | qty\n11 | 3",
    )
    new = "new MSP-EPX on 1: 3 × 4.50 from 2026-12-01"
    assert planned.writes == ([] if withheld else ["line 11 quantity 3→0", new])


# --- a tag that is lost


def untagged(books: Books, lines: str) -> Planned:
    """EP is billed as MSP-NEW; MSP-OLD, which billed it, has lost its tag."""
    return books.plan(
        yaml=ALPHA.replace("MSP-EP", "MSP-NEW"),
        bill=bill("tenant | code | units\nAlpha | EP | 20"),
        last=bill("tenant | code | units\nAlpha | EP | 20", OCTOBER),
        agreements=TWO,
        others={"MSP-OLD": ""},
        lines=lines,
    )


def test_a_persons_line_of_a_product_of_which_we_wrote_others_is_asked_about(books: Books) -> None:
    planned = untagged(
        books, "id | on | product | qty | by\n11 | 1 | MSP-OLD | 20 | jane\n12 | 2 | MSP-OLD | 7 |"
    )
    assert planned.writes == []
    assert "line #11 of MSP-OLD (20): we wrote other lines of that product" in planned.plan.lines[0].reason
    assert "`MSP-NEW: {replaces: [MSP-OLD]}`" in planned.plan.lines[0].reason
    assert planned.accounts == {12: "unexplained"}, "a person's line of an untagged product is none of ours"


def test_where_only_its_number_speaks_for_it_that_is_said(books: Books) -> None:
    planned = untagged(books, "id | on | product | qty | by\n11 | 1 | MSP-OLD | 20 | jane")
    assert planned.writes == ["new MSP-NEW on 1: 20 × 4.50 from 2026-12-01"]
    assert "line #11 of MSP-OLD (20) has that number here" in planned.reason
    assert "`MSP-NEW: {replaces: [MSP-OLD]}`" in planned.reason
    other = untagged(books, "id | on | product | qty | by\n11 | 1 | MSP-OLD | 21 | jane")
    assert "MSP-OLD" not in other.reason

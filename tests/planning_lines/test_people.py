"""What people set in ConnectWise after us waits for a decision; a word in the files lets a change in once."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, agreements, bill, expect

if TYPE_CHECKING:
    from tests.planning_lines.books import Books, Planned

OCTOBER = NOVEMBER.previous()
SOME = bill("tenant | code | units\nAlpha | EP | 20\nOther | EP | 1", OCTOBER)
MORE = bill("tenant | code | units\nAlpha | EP | 22\nOther | EP | 1")
NONE = bill("tenant | code | units\nAlpha | OTHER | 1\nOther | EP | 1")
BIG = bill("tenant | code | units\nAlpha | EP | 60\nOther | EP | 1")
#: November's windows end on the 25th: the 26th is the first day after it closed.
CLOSED, AFTER = "2026-11-25", "2026-11-26"


def line(written: str, quantity: int = 20, by: str = "jane", **more: str) -> str:
    cells = {"id": "11", "qty": str(quantity), "by": by, "written": written, **more}
    return f"{' | '.join(cells)}\n{' | '.join(cells.values())}"


def pasted(planned: Planned) -> str:
    """The approval that the one line's reason prints, with its reason and its last day filled in."""
    found = re.search(r"\{customer: [^{}]*\}", planned.reason)
    assert found is not None, planned.reason
    row = found[0].replace("reason: …", "reason: r").replace("until: …", "until: 2026-12-31")
    return f"approvals:\n  - {row}\n"


def approval(given: str, change: str = "from: 20, upTo: 60", product: str = "MSP-EP") -> str:
    return (
        f"approvals:\n  - {{customer: ALPHA, product: {product}, {change}, given: {given}, reason: grown, "
        "until: 2026-12-31}\n"
    )


# --- a number after the month closed


@pytest.mark.parametrize("unattended", [False, True])
def test_last_months_number_put_back_by_a_person_is_a_decision(books: Books, unattended: bool) -> None:
    """October 20, November 22; 22 was written, and a person puts 20 back: every later run waits."""
    for day in range(26, 31):
        today = date(2026, 11, day)
        planned = books.plan(bill=MORE, last=SOME, lines=line(AFTER), today=today, unattended=unattended)
        expect(planned, "Alpha MSP-EP #11 needs a decision 20→22 90.00→99.00 EUR")
        assert planned.writes == []
        assert planned.reason.startswith(
            "20 was set by jane on 2026-11-26, after November 2026 had closed on 2026-11-25; last month's "
            "bill gives 20. Keep it with a hold, or let Sophos's number in with an approval: "
        )


@pytest.mark.parametrize(
    ("written", "quantity", "row"),
    [
        (CLOSED, 20, "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR"),
        (AFTER, 22, "Alpha MSP-EP #11 unchanged 22→22 99.00→99.00 EUR"),
        (AFTER, 0, "Alpha MSP-EP #11 needs a decision 0→22 0.00→99.00 EUR"),
    ],
    ids=["on the last day, in step", "what is wanted", "zero"],
)
def test_what_is_no_decision_and_what_is(books: Books, written: str, quantity: int, row: str) -> None:
    expect(books.plan(bill=MORE, last=SOME, lines=line(written, quantity)), row)


def test_a_number_of_ours_after_the_month_closed_follows(books: Books) -> None:
    planned = books.plan(bill=MORE, last=SOME, lines=line(AFTER, by="apirec"))
    assert planned.writes == ["line 11 quantity 20→22"]


def test_a_line_that_does_not_say_when_it_was_written_is_nobodys_guess(books: Books) -> None:
    unknown = books.plan(bill=MORE, last=SOME, lines=line("?"))
    expect(unknown, "Alpha MSP-EP #11 needs a decision 20→22 90.00→99.00 EUR")


def test_the_next_month_asks_about_a_number_that_last_months_bill_does_not_explain(books: Books) -> None:
    december = bill("tenant | code | units\nAlpha | EP | 25\nOther | EP | 1", NOVEMBER.next())
    planned = books.plan(
        bill=december,
        last=MORE,
        lines=line(AFTER),
        today=date(2026, 12, 27),
        agreements=agreements("id | company | next\n1 | ALPHA | 2027-01-01"),
    )
    expect(planned, "Alpha MSP-EP #11 needs a decision 20→25 90.00→112.50 EUR")


# --- terms


INCLUDED = ALPHA + "lines: {MSP-EP: {included: 10}}\n"
ALWAYS = ALPHA + "lines: {MSP-EP: {always: {billCustomer: Billable, unitPrice: 4.50}}}\n"
FOLLOW = ALPHA + "products: {MSP-EP: {price: 5.00, linePrice: follow}}\n"
SAME = bill("tenant | code | units\nAlpha | EP | 20\nOther | EP | 1")
TERMS = [
    (INCLUDED, {"incl": "5"}, "included 5 → 10"),
    (ALWAYS, {"price": "4.00"}, "unitPrice 4.00 → 4.50"),
    (ALWAYS, {"bills": "NoCharge"}, "billCustomer NoCharge → Billable"),
    (FOLLOW, {"price": "4.00"}, "unitPrice 4 → 4.5 (linePrice: follow)"),
]


@pytest.mark.parametrize(("yaml", "cells", "differs"), TERMS, ids=["included", "price", "billing", "follow"])
def test_terms_that_a_person_changed_after_us_are_a_decision(
    books: Books, yaml: str, cells: dict[str, str], differs: str
) -> None:
    for written in ("2026-10-26", "2026-11-10", AFTER):
        planned = books.plan(yaml=yaml, bill=SAME, last=SOME, lines=line(written, 20, "jane", **cells))
        assert (planned.states, planned.writes) == (["Alpha MSP-EP needs a decision"], []), written
        assert f"line #11 was written by jane on {written}, and the files say otherwise" in planned.reason
        assert differs in planned.reason
    settings = SETTINGS.replace("mode: live", "mode: live, onDrift: enforce")
    for lines, own in (
        (line(AFTER, 20, "apirec", **cells), SETTINGS),
        (line(AFTER, 20, "jane", **cells), settings),
    ):
        planned = books.plan(yaml=yaml, bill=SAME, last=SOME, lines=lines, settings=own)
        assert planned.writes, "ours, or enforced"


@pytest.mark.parametrize(("yaml", "cells", "differs"), TERMS, ids=["included", "price", "billing", "follow"])
def test_terms_that_a_person_changed_wait_also_where_the_quantity_changes(
    books: Books, yaml: str, cells: dict[str, str], differs: str
) -> None:
    """The quantity is in step, and would follow by itself: the price that was agreed would go with it."""
    planned = books.plan(yaml=yaml, bill=MORE, last=SOME, lines=line("2026-11-10", 20, "jane", **cells))
    assert (planned.states, planned.writes) == (["Alpha MSP-EP needs a decision"], [])
    assert differs in planned.reason
    earlier = books.plan(yaml=yaml, bill=MORE, last=SOME, lines=line("2026-10-25", 20, "jane", **cells))
    assert earlier.writes


def test_an_approval_of_a_quantity_lets_no_terms_in(books: Books) -> None:
    yaml = ALWAYS + approval("2026-11-27")
    planned = books.plan(yaml=yaml, bill=SAME, last=SOME, lines=line(AFTER, price="4.00"))
    assert planned.writes == []


def test_what_a_person_set_and_the_files_say_as_well_is_in_step(books: Books) -> None:
    planned = books.plan(yaml=INCLUDED.replace("10", "5"), bill=SAME, last=SOME, lines=line(AFTER, incl="5"))
    assert planned.states == ["Alpha MSP-EP unchanged"]


# --- a hold and a person


HOLD = (
    ALPHA
    + "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 18, reason: leavers, until: 2026-12-31}\n"
)


def test_a_number_beside_a_hold_is_a_decision_that_names_both(books: Books) -> None:
    planned = books.plan(yaml=HOLD, bill=MORE, last=SOME, lines=line(AFTER, 25))
    expect(planned, "Alpha MSP-EP #11 needs a decision 25→18 112.50→81.00 EUR")
    assert re.search(
        r"25 was set by jane on 2026-11-26, and the hold \(.*a.yaml:\d+:5\) says 18\.", planned.reason
    )
    let_in = books.plan(yaml=HOLD + pasted(planned), bill=MORE, last=SOME, lines=line(AFTER, 25))
    assert let_in.writes == ["line 11 quantity 25→18"]
    ours = books.plan(yaml=HOLD, bill=MORE, last=SOME, lines=line(AFTER, 25, by="apirec"))
    assert ours.writes == ["line 11 quantity 25→18"]
    assert books.plan(yaml=HOLD, bill=MORE, last=SOME, lines=line(AFTER, 18)).states == [
        "Alpha MSP-EP unchanged"
    ]


# --- approvals


def test_an_approval_lets_its_change_in_once(books: Books) -> None:
    """Given on the 27th; written at 60; a person puts 20 back on the 28th: it does not let 60 in again."""
    yaml = ALPHA + approval("2026-11-27")
    first = books.plan(yaml=yaml, bill=BIG, last=SOME, lines=line("2026-11-02", by="apirec"))
    assert (first.writes, first.codes) == (["line 11 quantity 20→60"], [])
    done = books.plan(yaml=yaml, bill=BIG, last=SOME, lines=line("2026-11-27", 60, by="apirec"))
    assert (done.writes, done.codes) == ([], ["approval-without-effect"])
    back = books.plan(yaml=yaml, bill=BIG, last=SOME, lines=line("2026-11-28"), today=date(2026, 11, 28))
    assert (back.states, back.writes) == (["Alpha MSP-EP needs a decision"], [])
    since = "line #11 was written by jane on 2026-11-28T06:00:00Z, after it was given (2026-11-27T00:00:00Z)"
    assert re.search(
        rf"the approval for ALPHA \(.*a.yaml:\d+:5\) is used up: {re.escape(since)}", back.reason
    )
    assert back.said("approval-without-effect") == (
        f"The approval of MSP-EP for ALPHA from 20 to 60 is used up: {since}. It lets nothing through. If it "
        "is meant anew, say `given: 2026-11-28T06:00:00Z`; otherwise take it out."
    )
    assert back.diagnostic("approval-without-effect").location is not None


def test_our_own_write_back_uses_an_approval_up_as_well(books: Books) -> None:
    """A correction of Sophos's brings 20 back, and we write it: 60 is asked about anew."""
    yaml = ALPHA + approval("2026-11-27")
    planned = books.plan(yaml=yaml, bill=BIG, last=SOME, lines=line("2026-11-27", by="apirec"))
    assert (planned.states, planned.writes) == (["Alpha MSP-EP withheld"], [])
    assert "given: 2026-11-27T06:00:00Z" in planned.reason
    assert "is used up: line #11 was written by apirec on 2026-11-27T06:00:00Z" in planned.reason
    assert books.plan(
        yaml=ALPHA + pasted(planned), bill=BIG, last=SOME, lines=line("2026-11-27", by="apirec")
    ).writes == ["line 11 quantity 20→60"]


@pytest.mark.parametrize(
    ("given", "covers"),
    [
        ("2026-11-27T05:59:59Z", False),
        ("2026-11-27T06:00:00Z", True),
        ("2026-11-27T06:00Z", True),
        ("2026-11-27", False),
        ("2026-11-26", False),
    ],
)
def test_a_moment_covers_what_was_written_at_it_or_before(books: Books, given: str, covers: bool) -> None:
    lines = line("2026-11-27", by="apirec")
    planned = books.plan(yaml=ALPHA + approval(given), bill=BIG, last=SOME, lines=lines)
    assert bool(planned.writes) is covers


@pytest.mark.parametrize(("zone", "covers"), [("Pacific/Auckland", False), ("America/Los_Angeles", True)])
def test_a_date_is_its_beginning_where_the_site_is(books: Books, zone: str, covers: bool) -> None:
    """06:00 UTC of the 27th is the 27th in Auckland and still the 26th in Los Angeles."""
    settings = SETTINGS.replace("Europe/Lisbon", zone)
    lines = line("2026-11-27", by="apirec")
    yaml = ALPHA + approval("2026-11-27")
    assert bool(books.plan(yaml=yaml, bill=BIG, last=SOME, lines=lines, settings=settings).writes) is covers


@pytest.mark.parametrize("by", ["apirec", "jane"])
@pytest.mark.parametrize("zone", ["Pacific/Kiritimati", "Europe/Lisbon", "Pacific/Pago_Pago"])
@pytest.mark.parametrize("days", range(4))
def test_the_row_that_is_printed_lets_the_change_in(books: Books, days: int, zone: str, by: str) -> None:
    """However lately the line was written, and wherever the site is."""
    settings = SETTINGS.replace("Europe/Lisbon", zone)
    today = date(2026, 11, 27)
    story = {
        "bill": BIG,
        "last": SOME,
        "lines": line((today - timedelta(days=days)).isoformat(), 19, by=by),
        "settings": settings,
        "today": today,
    }
    asked = books.plan(**story)
    assert asked.writes == []
    answered = books.plan(**story, yaml=ALPHA + pasted(asked))
    assert (answered.writes, answered.codes) == (["line 11 quantity 19→60"], [])


@pytest.mark.parametrize(
    ("written", "by", "again"),
    [("2026-11-20", "jane", True), ("2026-11-27", "apirec", False), ("2026-11-28", "jane", False)],
    ids=["ended before", "ours, ended by nobody we know", "ended by a person since"],
)
def test_an_approval_of_a_new_line_creates_one(books: Books, written: str, by: str, again: bool) -> None:
    """A line that was created by it and ended is written after it was given."""
    yaml = ALPHA.replace("agreement: M", "restart: [11], agreement: M") + approval(
        "2026-11-27", "from: 0, upTo: 22"
    )
    lines = line(written, by=by, to="2026-11-15")
    planned = books.plan(
        yaml=yaml, bill=MORE, last=SOME, lines=lines, unattended=True, today=date(2026, 11, 28)
    )
    assert planned.writes == (["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"] if again else [])
    if not again:
        assert "is used up: line #11 was written by" in planned.reason
        answered = yaml[: yaml.index("approvals:")] + pasted(planned)
        assert books.plan(
            yaml=answered, bill=MORE, last=SOME, lines=lines, unattended=True, today=date(2026, 11, 28)
        ).writes == ["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"]


OLD = "id | product | qty | by | written\n12 | MSP-OLD | 18 | jane | {}"
FROM_OLD = ALPHA.replace("mappings:", "products: {MSP-EP: {replaces: [MSP-OLD]}}\nmappings:")


@pytest.mark.parametrize("written", ["2026-11-26", "2026-11-27"])
def test_an_approval_lets_a_line_end_for_another_only_as_it_was(books: Books, written: str) -> None:
    story = {"bill": MORE, "last": SOME, "lines": OLD.format(written), "others": {"MSP-OLD": ""}}
    asked = books.plan(yaml=FROM_OLD, **story)
    assert asked.writes == []
    ends = "line 12 cancelledDate None→2026-11-30"
    assert books.plan(yaml=FROM_OLD + pasted(asked), **story).writes[0] == ends
    stale = FROM_OLD + approval("2026-11-25", "from: 18, upTo: 0", "MSP-OLD")
    planned = books.plan(yaml=stale, **story)
    assert planned.writes == []
    assert "is used up: line #12 was written by jane" in planned.said("approval-without-effect")


def test_an_approval_of_a_line_that_nothing_feeds_is_used_up_by_a_write(books: Books) -> None:
    settings = SETTINGS.replace("mode: live", "mode: live, onUnmap: end")
    story = {
        "settings": settings,
        "others": {"MSP-GONE": "[sophos:main GONE (former)]"},
        "lines": "id | product | qty | by | written\n12 | MSP-GONE | 7 | jane | 2026-11-26",
        "bill": NONE,
    }
    end = "line 12 cancelledDate None→2026-11-30"
    fresh = books.plan(yaml=ALPHA + approval("2026-11-27", "from: 7, upTo: 0", "MSP-GONE"), **story)
    assert end in fresh.writes
    stale = books.plan(yaml=ALPHA + approval("2026-11-25", "from: 7, upTo: 0", "MSP-GONE"), **story)
    assert end not in stale.writes
    assert "is used up" in stale.said("approval-without-effect")


@pytest.mark.parametrize("state", ["active | trial", "active | term", "suspended | usage"])
def test_an_approval_of_a_line_that_is_not_counted_is_said_to_do_nothing(books: Books, state: str) -> None:
    status, kind = state.split(" | ")
    planned = books.plan(
        yaml=ALPHA + approval("2026-11-27"),
        bill=bill("tenant | code | units\nOther | EP | 1"),
        last=SOME,
        lines=line("2026-11-02", by="apirec"),
        tenants=f"tenant | type | status\nAlpha | {kind} | {status}",
    )
    assert planned.states == ["Alpha MSP-EP not counted"]
    said = planned.said("approval-without-effect")
    assert "lets nothing through: line #11 is not counted (" in said


def test_an_approval_that_a_change_goes_beyond_is_said(books: Books) -> None:
    planned = books.plan(
        yaml=ALPHA + approval("2026-11-27", "from: 20, upTo: 59"),
        bill=BIG,
        last=SOME,
        lines=line("2026-11-02", by="apirec"),
    )
    assert planned.states == ["Alpha MSP-EP withheld"]
    assert "lets nothing through: line #11 would go to 60." in planned.said("approval-without-effect")


def test_an_approval_in_advance_of_the_bill_is_not_mentioned(books: Books) -> None:
    planned = books.plan(
        yaml=ALPHA + approval("2026-11-27"), bill=SAME, last=SOME, lines=line("2026-11-02", by="apirec")
    )
    assert planned.codes == []


# --- restart


TWO = """
mappings:
  EP: {product: MSP-EP, sync: true}
  SV: {product: MSP-SV, sync: true}
customers:
  <Alpha>: {name: Alpha, company: ALPHA, agreement: Managed, sync: true, restart: RESTART}
"""
BOTH = bill("tenant | code | units\nAlpha | EP | 22\nAlpha | SV | 3\nOther | EP | 1")


@pytest.mark.parametrize(
    ("restart", "lines", "created"),
    [
        ("11", "11 | MSP-EP | 20 | 2026-11-15\n12 | MSP-SV | 3 | 2026-11-15", ["MSP-EP"]),
        ("[11, 12]", "11 | MSP-EP | 20 | 2026-11-15\n12 | MSP-SV | 3 | 2026-11-15", ["MSP-EP", "MSP-SV"]),
        ("[9]", "11 | MSP-EP | 20 | 2026-11-15\n12 | MSP-SV | 3 |", []),
        # it came back as #21, and a person ended that: later, on the same day, or before it began
        ("[11]", "11 | MSP-EP | 20 | 2026-10-31\n21 | MSP-EP | 22 | 2026-11-15\n12 | MSP-SV | 3 |", []),
        ("[11]", "11 | MSP-EP | 20 | 2026-11-15\n21 | MSP-EP | 22 | 2026-11-15\n12 | MSP-SV | 3 |", []),
        ("[11]", "11 | MSP-EP | 20 | 2026-11-15\n21 | MSP-EP | 22 | 2026-11-01\n12 | MSP-SV | 3 |", []),
        (
            "[11, 21]",
            "11 | MSP-EP | 20 | 2026-11-15\n21 | MSP-EP | 22 | 2026-11-01\n12 | MSP-SV | 3 |",
            ["MSP-EP"],
        ),
    ],
)
def test_restart_brings_back_the_lines_that_it_names_and_each_once(
    books: Books, restart: str, lines: str, created: list[str]
) -> None:
    rows = [f"{row} | jane" for row in lines.splitlines()]
    planned = books.plan(
        yaml=TWO.replace("RESTART", restart),
        bill=BOTH,
        last=SOME,
        lines="\n".join(["id | product | qty | to | by", *rows]),
    )
    assert [write.split()[1] for write in planned.writes] == created


def test_the_row_that_brings_an_ended_line_back_is_printed(books: Books) -> None:
    yaml = ALPHA.replace("agreement: M", "restart: 9, agreement: M")
    ended = line("2026-11-20", to="2026-11-15")
    planned = books.plan(yaml=yaml, bill=MORE, last=SOME, lines=ended)
    assert planned.writes == []
    assert (
        "jane ended line #11 on 2026-11-15. If it shall be billed again, say `restart: [9, 11]`"
        in planned.reason
    )
    again = yaml.replace("restart: 9", "restart: [9, 11]")
    assert books.plan(yaml=again, bill=MORE, last=SOME, lines=ended).writes == [
        "new MSP-EP on 1: 22 × 4.50 from 2026-12-01"
    ]


# --- lines that a person opened again


@pytest.mark.parametrize(
    ("written", "by", "ends"),
    [
        ("2026-11-10", "jane", True),
        ("2026-11-11", "jane", False),
        ("2026-11-27", "apirec", True),
    ],
)
def test_a_line_that_was_opened_again_after_the_customer_ended_is_asked_about(
    books: Books, written: str, by: str, ends: bool
) -> None:
    yaml = ALPHA.replace("agreement: Managed", "agreement: Managed, ended: 2026-11-10")
    planned = books.plan(yaml=yaml, bill=NONE, last=SOME, lines=line(written, by=by))
    assert planned.writes == (["line 11 cancelledDate None→2026-11-30"] if ends else [])
    if not ends:
        assert "line #11 was written by jane on 2026-11-11, after that day" in planned.reason
        again = yaml.replace("2026-11-10", "2026-11-11")
        assert "say `ended: 2026-11-11`" in planned.reason
        assert books.plan(yaml=again, bill=NONE, last=SOME, lines=line(written)).writes == [
            "line 11 cancelledDate None→2026-11-30"
        ]


def test_a_left_over_line_that_was_opened_again_after_the_customer_ended_is_asked_about(books: Books) -> None:
    yaml = ALPHA.replace("agreement: Managed", "agreement: Managed, ended: 2026-11-10")
    gone = {"MSP-GONE": "[sophos:main GONE (former)]"}
    lines = "id | product | qty | by | written\n12 | MSP-GONE | 7 | jane | {}"
    end = "line 12 cancelledDate None→2026-11-30"
    assert end in books.plan(yaml=yaml, bill=NONE, others=gone, lines=lines.format("2026-11-10")).writes
    assert books.plan(yaml=yaml, bill=NONE, others=gone, lines=lines.format("2026-11-11")).writes == []


@pytest.mark.parametrize("quantity", [0, 7])
def test_a_line_without_usage_that_was_opened_again_is_asked_about(books: Books, quantity: int) -> None:
    settings = SETTINGS.replace("mode: live", "mode: live, onZeroUsage: end, guards: {lineToZero: off}")
    story = {"settings": settings, "bill": NONE, "last": NONE.__class__(OCTOBER, NONE.lines)}
    ours = books.plan(**story, lines=line(AFTER, quantity, by="apirec"))
    assert "line 11 cancelledDate None→2026-11-30" in ours.writes
    asked = books.plan(**story, lines=line(AFTER, quantity))
    assert (asked.states, asked.writes) == (["Alpha MSP-EP needs a decision"], [])


MOVED = ALPHA.replace("agreement: Managed", "agreement: New, movedFrom: {agreement: Managed}")
PLACES = "id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | New"


@pytest.mark.parametrize(
    ("by", "written", "ends"),
    [
        ("apirec", "2026-11-27", True),
        ("jane", "2026-11-27", False),
        ("jane", "2026-09-10", False),
        ("jane", "2026-05-02", True),
    ],
)
def test_a_line_that_was_opened_again_after_its_move_is_asked_about(
    books: Books, by: str, written: str, ends: bool
) -> None:
    """Line #21 took over on 1 September; #11 is open again, by last month's number."""
    planned = books.plan(
        yaml=MOVED,
        bill=SAME,
        last=SOME,
        agreements=agreements(PLACES),
        lines=f"id | on | qty | by | written | from\n11 | 1 | 20 | {by} | {written} |\n"
        "21 | 2 | 20 | apirec | 2026-10-27 | 2026-09-01",
    )
    assert ("line 11 cancelledDate None→2026-11-30" in planned.writes) is ends
    if not ends:
        assert planned.writes == []
        assert "line #11 of MSP-EP (20)" in planned.reason
        answered = books.plan(
            yaml=MOVED + pasted(planned),
            bill=SAME,
            last=SOME,
            agreements=agreements(PLACES),
            lines=f"id | on | qty | by | written | from\n11 | 1 | 20 | {by} | {written} |\n"
            "21 | 2 | 20 | apirec | 2026-10-27 | 2026-09-01",
        )
        assert "line 11 cancelledDate None→2026-11-30" in answered.writes


def test_a_line_of_a_replaced_product_that_was_opened_again_is_asked_about(books: Books) -> None:
    planned = books.plan(
        yaml=FROM_OLD,
        bill=SAME,
        last=SOME,
        others={"MSP-OLD": "[sophos:main EP (former)]"},
        lines="id | product | qty | by | written | from\n12 | MSP-OLD | 20 | jane | 2026-09-10 |\n"
        "21 | MSP-EP | 20 | apirec | 2026-10-27 | 2026-09-01",
    )
    assert planned.writes == []
    assert "it may have been opened again" in planned.reason

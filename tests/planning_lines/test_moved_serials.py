"""A firewall that Sophos bills to another customer than before, where each has a line of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import NOVEMBER, SETTINGS, Books, agreements, bill, customers

if TYPE_CHECKING:
    from tests.planning_lines.books import Planned

OCTOBER = NOVEMBER.previous()
YAML = (
    "mappings:\n  EP: {product: MSP-EP, sync: true}\n  MAIL: {product: MSP-MAIL, sync: true}\n"
    "lines: {MSP-EP: {perSerial: true}}\n" + customers(["Alpha", "Beta"])
)
OFF = SETTINGS.replace("live", "live, guards: {lineToZero: off}")
HEAD = "tenant | code | units | serial\n"
MAIL = HEAD + "Alpha | MAIL | 2 | M\nBeta | MAIL | 2 | N"
BEFORE = bill(MAIL + "\nAlpha | EP | 1 | C001", OCTOBER)
AFTER = bill(MAIL + "\nBeta | EP | 1 | c001")
LINES = """
id | on | product  | qty | serial
11 | 1  | MSP-EP   | 1   | C001
12 | 1  | MSP-MAIL | 2   |
22 | 2  | MSP-MAIL | 2   |
"""


def moved(books: Books, settings: str = OFF, **changed: object) -> Planned:
    return books.plan(
        **{
            "yaml": YAML,
            "settings": settings,
            "bill": AFTER,
            "last": BEFORE,
            "agreements": agreements("id | company\n1 | ALPHA\n2 | BETA"),
            "lines": LINES,
            **changed,
        }
    )


def rows(planned: Planned) -> tuple[str, str]:
    old, new = (row for row in planned.plan.lines if row.product == "MSP-EP")
    assert (old.customer, new.customer) == ("Alpha", "Beta")
    return old.reason, new.reason


def test_both_rows_of_a_firewall_that_moved_name_each_other(books: Books) -> None:
    planned = moved(books)
    old, new = rows(planned)
    assert old.endswith("Sophos bills firewall C001 to Beta (a new line on agreement #2)")
    assert "until now firewall c001 is billed to Alpha on line #11 (1) of agreement #1" in new
    assert sorted(planned.writes) == [
        "line 11 quantity 1→0",
        "new MSP-EP on 2: 1 × 4.50 from 2026-12-01 (serial/c001)",
    ]
    less = next(change for change in planned.plan.changes if change.target.id == 11)
    start = next(change for change in planned.plan.changes if change.starts_line)
    assert less.write in start.depends_on, "the old line comes first"


def test_the_new_line_waits_while_the_old_one_does(books: Books) -> None:
    """A guard withholds what goes to zero: until it is approved the firewall is billed to Alpha only."""
    planned = moved(books, settings=SETTINGS)
    assert planned.writes == []
    asked = rows(planned)[1]
    assert "is billed to Alpha on line #11 (1) of agreement #1. That line is not written now" in asked
    approval = "{customer: ALPHA, product: MSP-EP, from: 1, upTo: 0, given: 2026-11-27, reason: r, "
    approval += "until: 2026-12-05}"
    approved = moved(books, settings=SETTINGS, yaml=f"{YAML}approvals:\n  - {approval}\n")
    assert len(approved.writes) == 2


@pytest.mark.parametrize("mode", ["Alpha", "Beta"])
def test_a_customer_in_shadow_never_takes_a_firewall_from_one_that_is_live(books: Books, mode: str) -> None:
    yaml = YAML.replace(f"name: {mode}", f"name: {mode}, mode: shadow")
    planned = moved(books, yaml=yaml)
    assert planned.writes == ([] if mode == "Alpha" else ["line 11 quantity 1→0"])


def test_a_firewall_that_was_the_customers_only_usage_is_named_all_the_same(books: Books) -> None:
    """Nothing at all of Alpha is on the bill, so that its line stays; Beta's must not start beside it."""
    only = bill(HEAD + "Beta | EP | 1 | C001\nBeta | MAIL | 2 | N")
    planned = moved(books, bill=only)
    assert planned.writes == []
    assert "Sophos bills firewall C001 to Beta" in rows(planned)[0]
    assert "That line is not written now" in rows(planned)[1]


def test_a_firewall_that_moved_to_somebody_without_a_row_names_that_customer(books: Books) -> None:
    stranger = bill(HEAD + "Alpha | MAIL | 2 | M\nGamma | EP | 1 | C001")
    planned = moved(
        books,
        bill=stranger,
        tenants="tenant\nAlpha\nBeta\nGamma",
        settings=OFF.replace("guards: {", "guards: {feedTenants: off, "),
    )
    old = next(row for row in planned.plan.lines if row.line_id == 11)
    assert old.reason.endswith("Sophos bills firewall C001 to Gamma")


def test_a_firewall_that_nobody_has_any_more_is_no_move(books: Books) -> None:
    planned = moved(
        books, bill=bill("tenant | code | units | serial\nAlpha | MAIL | 2 | M\nBeta | MAIL | 2 | N")
    )
    old = next(row for row in planned.plan.lines if row.line_id == 11)
    assert "Sophos bills firewall" not in old.reason


# --- a customer with several firewalls that goes to another agreement


def two_firewalls(books: Books, lines: str, **changed: object) -> Planned:
    """Both were billed for one unit last month, and are this month."""
    yaml = "mappings:\n  EP: {product: MSP-EP, sync: true}\nlines: {MSP-EP: {perSerial: true}}\n"
    rows = customers(["Alpha"]).replace("agreement: Managed", "agreement: New")
    both = HEAD + "Alpha | EP | 1 | C001\nAlpha | EP | 1 | C002"
    given: dict[str, object] = {
        "yaml": yaml + rows.replace("sync: true", "sync: true, movedFrom: {agreement: {id: 1}}"),
        "settings": OFF,
        "bill": bill(both),
        "last": bill(both, OCTOBER),
        "agreements": agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | New"),
        "lines": "id | product | qty | serial | price | by | written\n" + lines,
    }
    return books.plan(**{**given, **changed})


def test_each_firewall_s_line_moves_to_its_own_line(books: Books) -> None:
    lines = """11 | MSP-EP | 1 | C001 | 4.50 | apirec | 2026-10-27
               12 | MSP-EP | 1 | C002 | 3.75 | apirec | 2026-10-27"""
    planned = two_firewalls(books, lines)
    assert planned.writes == [
        "line 11 cancelledDate None→2026-11-30",
        "new MSP-EP on 2: 1 × 4.50 from 2026-12-01 (serial/C001)",
        "line 12 cancelledDate None→2026-11-30",
        "new MSP-EP on 2: 1 × 3.75 from 2026-12-01 (serial/C002)",
    ]
    assert planned.states == ["Alpha MSP-EP moved"] * 2


def test_of_two_firewalls_that_move_the_line_that_a_person_changed_waits_alone(books: Books) -> None:
    """Two units are what the bill gives for both; each line is held against its own firewall."""
    lines = """11 | MSP-EP | 2 | C001 | 4.50 | jane | 2026-11-20
               12 | MSP-EP | 1 | C002 | 4.50 | jane | 2026-10-27"""
    planned = two_firewalls(books, lines)
    assert planned.writes == [
        "line 12 cancelledDate None→2026-11-30",
        "new MSP-EP on 2: 1 × 4.50 from 2026-12-01 (serial/C002)",
    ]
    asked, moved_on = planned.plan.lines
    assert asked.state.value == "needs a decision"
    assert "line #11 of MSP-EP (2)" in asked.reason
    assert "was set by jane on 2026-11-20, and last month's bill gives 1." in asked.reason
    assert moved_on.state.value == "moved"


def test_the_line_of_a_firewall_that_no_bill_knows_was_given_nothing(books: Books) -> None:
    lines = """11 | MSP-EP | 2 | C009 | 4.50 | jane | 2026-11-20
               12 | MSP-EP | 1 | C002 | 4.50 | apirec | 2026-10-27"""
    planned = two_firewalls(books, lines)
    assert any("last month's bill gives 0." in row.reason for row in planned.plan.lines)
    assert not any(write.startswith("line 11") for write in planned.writes)


def test_a_line_for_all_firewalls_is_held_against_all_of_them(books: Books) -> None:
    """It gets a line for each from now on: the first of them ends it, and the others wait for that."""
    planned = two_firewalls(books, "11 | MSP-EP | 2 | | 4.50 | jane | 2026-11-20")
    assert planned.writes[0] == "line 11 cancelledDate None→2026-11-30"
    assert len(planned.writes) == 3

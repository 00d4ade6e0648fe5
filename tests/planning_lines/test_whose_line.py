"""Which line follows Sophos, whose number stands on it, and who may change it."""

from __future__ import annotations

import pytest

from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, customers, expect

OCTOBER = NOVEMBER.previous()
MORE = bill("tenant | code | units\nAlpha | EP | 22")


def own_lines(terms: str) -> str:
    return ALPHA.replace("agreement: Managed", f"agreement: Managed, lines: {{MSP-EP: {terms}}}")


# --- in force on the invoice date, 1 December


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        ("11 | 20 | | 2026-11-30", "Alpha MSP-EP no line needs a decision ?→22"),
        ("11 | 20 | | 2026-12-01", "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR"),
        ("11 | 20 | | 2027-06-30", "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR"),
        ("11 | 20 | 2026-12-01 |", "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR"),
        ("11 | 20 | 2026-12-02 |", "Alpha MSP-EP no line needs a decision ?→22"),
        (
            "11 | 20 | | 2026-11-30\n12 | 20 | 2026-12-01 |",
            "Alpha MSP-EP #12 more 20→22 90.00→99.00 EUR",
        ),
    ],
    ids=["ends before", "ends on it", "ends later", "starts on it", "starts after", "a sequence"],
)
def test_the_line_in_force_on_the_invoice_date(books: Books, lines: str, rows: str) -> None:
    planned = books.plan(bill=MORE, lines=f"id | qty | from | to\n{lines}")
    expect(planned, rows)


def test_a_line_that_a_person_ended_is_named_and_restart_makes_it_a_new_one(books: Books) -> None:
    ended = "id | qty | to | by\n11 | 20 | 2026-11-15 | jane"
    planned = books.plan(bill=MORE, lines=ended)
    assert planned.writes == []
    assert "jane ended line #11 on 2026-11-15" in planned.reason
    again = books.plan(
        bill=MORE, lines=ended, yaml=ALPHA.replace("agreement: M", "restart: [11], agreement: M")
    )
    expect(again, "Alpha MSP-EP no line new line ?→22 0.00→99.00 EUR")
    assert again.writes == ["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"]


def test_that_we_wrote_a_line_last_does_not_say_who_ended_it(books: Books) -> None:
    """A person sets the day, and the next sync the quantity: the writer is ours from then on."""
    planned = books.plan(bill=MORE, lines="id | qty | to\n11 | 20 | 2026-11-30")
    assert planned.writes == []
    assert "line #11 was ended on 2026-11-30" in planned.reason
    settings = SETTINGS.replace("mode: live", "mode: live, onZeroUsage: end")
    nothing = bill("tenant | code | units\nAlpha | OTHER | 1", OCTOBER)
    back = books.plan(bill=MORE, last=nothing, lines="id | qty | to\n11 | 20 | 2026-10-31", settings=settings)
    assert back.writes == ["new MSP-EP on 1: 22 × 4.50 from 2026-12-01"], "it ended for want of usage"


@pytest.mark.parametrize("to", ["", "2026-11-30"], ids=["ends in this plan", "ended by an earlier run"])
def test_a_line_that_ends_for_want_of_usage_gives_its_seats_to_no_line_that_was_ended(
    books: Books, to: str
) -> None:
    """EP of this customer is on MSP-EDU, whose line was ended; MSP-EP had its MDR, and ends with it.

    Whether the end of #11 is planned or written, nobody has said more about the end of #12.
    """
    yaml = "lines: {MSP-EP: {count: sum}}\n" + ALPHA.replace(
        "mappings:", "mappings:\n  MDR: {product: MSP-EP, sync: true}"
    ).replace("agreement: Managed", "agreement: Managed, overrides: {EP: {product: MSP-EDU}}")
    usage = "tenant | code | units\nAlpha | EP | 20"
    planned = books.plan(
        yaml=yaml,
        settings=SETTINGS.replace("mode: live", "mode: live, onZeroUsage: end, guards: {lineToZero: off}"),
        bill=bill(usage),
        last=bill(usage + "\nAlpha | MDR | 3", OCTOBER),
        lines=f"id | product | qty | to\n11 | MSP-EP | 3 | {to}\n12 | MSP-EDU | 20 | 2026-11-30",
    )
    assert planned.writes == ([] if to else ["line 11 cancelledDate None→2026-11-30"])
    assert "line #12 was ended on 2026-11-30" in " ".join(row.reason for row in planned.plan.lines)
    assert "Alpha MSP-EDU needs a decision" in planned.states


def test_the_same_product_on_two_agreements_is_warned_about(books: Books) -> None:
    planned = books.plan(
        agreements=agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Old"),
        lines="id | on | qty | by\n11 | 1 | 20 |\n21 | 2 | 20 | jane",
    )
    assert "line #21 (20)" in planned.said("billed-twice")
    assert planned.writes == []


def test_our_own_line_beside_the_wanted_one_ends_once_somebody_says_so(books: Books) -> None:
    two = {
        "agreements": agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Old"),
        "lines": "id | on | qty\n11 | 1 | 20\n21 | 2 | 20",
    }
    asked = books.plan(**two)
    expect(asked, "Alpha MSP-EP #11 withheld 20→20 180.00→90.00 EUR")
    assert "takes over #21 of MSP-EP (20), of which no row speaks" in asked.reason
    told = ALPHA.replace("agreement: Managed", "agreement: Managed, movedFrom: {agreement: Old}")
    assert books.plan(yaml=told, **two).writes == ["line 21 cancelledDate None→2026-11-30"]


# --- several lines


def test_two_open_lines_are_ambiguous_and_both_named(books: Books) -> None:
    planned = books.plan(bill=MORE, lines="id | qty | price\n12 | 5 | 1.20\n11 | 15 | 4.50")
    expect(planned, "Alpha MSP-EP no line needs a decision ?→?")
    assert "#11 (15 × 4.50) and #12 (5 × 1.20), together 20" in planned.reason
    assert planned.writes == []


def test_the_named_line_carries_what_is_left_after_the_fixed_one(books: Books) -> None:
    two = "id | qty\n11 | 15\n12 | 5"
    planned = books.plan(bill=MORE, lines=two, yaml=own_lines("{line: 11, fixed: [12]}"))
    expect(planned, "Alpha MSP-EP #11 more 15→17 67.50→76.50 EUR")
    assert planned.reason == "22 = EP 22; less 5 on fixed lines"


@pytest.mark.parametrize(
    ("terms", "words"),
    [
        ("{line: 11}", "line #12 is open beside #11"),
        ("{line: 13}", "line #13 is not an open line of this product here"),
        ("{line: 11, fixed: [14]}", "fixed line #14 is not an open line"),
    ],
)
def test_line_and_fixed_must_be_what_is_there(books: Books, terms: str, words: str) -> None:
    planned = books.plan(bill=MORE, lines="id | qty\n11 | 15\n12 | 5", yaml=own_lines(terms))
    assert words in planned.reason
    assert planned.writes == []


def test_fixed_lines_that_carry_more_than_sophos_counts_are_asked_about(books: Books) -> None:
    planned = books.plan(lines="id | qty\n11 | 1\n12 | 30", yaml=own_lines("{line: 11, fixed: [12]}"))
    assert planned.reason == "fixed lines carry 30, more than the 20 counted"


# --- whose number


@pytest.mark.parametrize(
    ("writer", "quantity", "member", "row"),
    [
        ("apirec", "19", "apirec", "Alpha MSP-EP #11 more 19→22 85.50→99.00 EUR"),
        ("jane", "20", "apirec", "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR"),
        ("jane", "19", "apirec", "Alpha MSP-EP #11 needs a decision 19→22 85.50→99.00 EUR"),
        ("apirec", "19", "", "Alpha MSP-EP #11 needs a decision 19→22 85.50→99.00 EUR"),
        (" APIrec ", "19", "apirec", "Alpha MSP-EP #11 more 19→22 85.50→99.00 EUR"),
    ],
    ids=["ours", "in step, by another", "by hand", "member not set", "ours, padded"],
)
def test_in_step_ours_or_by_hand(books: Books, writer: str, quantity: str, member: str, row: str) -> None:
    settings = SETTINGS if member else SETTINGS.replace(", connectwiseMember: apirec", "")
    lines = f"id | qty | by\n11 | {quantity} | {writer}"
    planned = books.plan(bill=MORE, settings=settings, lines=lines)
    expect(planned, row)


BY_HAND = "id | qty | by\n11 | 18 | jane"


def test_a_change_by_hand_says_who_when_and_what_it_would_have_been(books: Books) -> None:
    planned = books.plan(bill=MORE, lines=BY_HAND)
    assert planned.reason == (
        "18 was set by jane on 2026-10-27; last month's bill gives 20. Keep it with a hold, or let Sophos's "
        "number in with an approval: {customer: ALPHA, product: MSP-EP, from: 18, upTo: 22, given: "
        "2026-11-27, reason: …, until: …}"
    )
    assert planned.writes == []


@pytest.mark.parametrize("customer", ["ALPHA", "<Alpha>"])
def test_a_hold_keeps_the_number_and_an_approval_lets_the_change_in(books: Books, customer: str) -> None:
    hold = (
        f"holds:\n  - {{customer: {customer}, product: MSP-EP, quantity: 18, reason: leavers, "
        "until: 2026-12-31}\n"
    )
    held = books.plan(bill=MORE, lines=BY_HAND, yaml=ALPHA + hold)
    expect(held, "Alpha MSP-EP #11 unchanged 18→18 81.00→81.00 EUR")
    assert held.reason == "held at 18 until 2026-12-31: leavers"
    approval = (
        f"approvals:\n  - {{customer: {customer}, product: msp-ep, from: 18, upTo: 22, given: 2026-11-27, "
        f"reason: grown, "
        "until: 2026-12-05}\n"
    )
    approved = books.plan(bill=MORE, lines=BY_HAND, yaml=ALPHA + approval)
    assert approved.writes == ["line 11 quantity 18→22"]


@pytest.mark.parametrize("bounds", ["from: 18, upTo: 21", "from: 17, upTo: 30", "from: 18, upTo: 17"])
def test_an_approval_names_the_change(books: Books, bounds: str) -> None:
    approval = (
        f"approvals:\n  - {{customer: ALPHA, product: MSP-EP, {bounds}, given: 2026-11-27, reason: r, "
        "until: 2026-12-05}\n"
    )
    assert books.plan(bill=MORE, lines=BY_HAND, yaml=ALPHA + approval).writes == []


def test_holds_and_approvals_count_through_their_last_day(books: Books) -> None:
    hold = "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 18, reason: r, until: %s}\n"
    today = books.plan(bill=MORE, yaml=ALPHA + hold % "2026-11-27")
    assert today.writes == ["line 11 quantity 20→18"]
    assert "The hold of MSP-EP for ALPHA at 18 (r) ends on 2026-11-27" in today.said("ends-soon")
    yesterday = books.plan(bill=MORE, yaml=ALPHA + hold % "2026-11-26")
    assert yesterday.writes == ["line 11 quantity 20→22"]


def test_a_hold_stands_over_a_bill_that_says_nothing(books: Books) -> None:
    hold = "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 3, reason: r, until: 2026-12-31}\n"
    beta = "tenant | code | units\nBeta | EP | 1"
    planned = books.plan(bill=bill(beta), last=bill(beta, OCTOBER), yaml=ALPHA + hold)
    assert planned.writes == ["line 11 quantity 20→3"]


def test_a_hold_for_a_company_with_two_agreements_does_not_hold_both(books: Books) -> None:
    yaml = (
        ALPHA + "  <Beta>: {name: Beta, company: ALPHA, nameDiffers: true, agreement: Second, sync: true}\n"
    )
    hold = "holds:\n  - {customer: %s, product: MSP-EP, quantity: 12, reason: r, until: 2026-12-31}\n"
    both = {
        "bill": bill("tenant | code | units\nAlpha | EP | 20\nBeta | EP | 20"),
        "agreements": agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Second"),
        "lines": "id | on | qty\n11 | 1 | 20\n21 | 2 | 20",
    }
    unclear = books.plan(yaml=yaml + hold % "ALPHA", **both)
    assert unclear.states == ["Alpha MSP-EP needs a decision", "Beta MSP-EP needs a decision"]
    assert unclear.writes == []
    clear = books.plan(yaml=yaml + hold % "<Beta>", **both)
    assert clear.writes == ["line 21 quantity 20→12"]


def test_enforce_writes_over_people_and_never_to_zero(books: Books) -> None:
    settings = SETTINGS.replace("mode: live", "mode: live, onDrift: enforce, guards: {lineToZero: off}")
    planned = books.plan(bill=MORE, lines=BY_HAND, settings=settings)
    assert planned.writes == ["line 11 quantity 18→22"]
    zero = books.plan(bill=bill("tenant | code | units\nAlpha | OTHER | 1"), lines=BY_HAND, settings=settings)
    expect(zero, "Alpha MSP-EP #11 needs a decision 18→0 81.00→0.00 EUR")


def test_two_writers_are_recognised(books: Books) -> None:
    names = ["Alpha", "Beta", "Gamma"]
    rows = "\n".join(f"{n} | EP | 22" for n in names)
    planned = books.plan(
        yaml=ALPHA[: ALPHA.index("customers:")] + customers(names),
        bill=bill(f"tenant | code | units\n{rows}"),
        last=bill(f"tenant | code | units\n{rows}", OCTOBER),
        agreements=agreements("id | company\n1 | ALPHA\n2 | BETA\n3 | GAMMA"),
        lines="id | on | qty | by\n11 | 1 | 19 | sophos\n21 | 2 | 18 | sophos\n31 | 3 | 17 | sophos",
    )
    assert planned.said("another-writer").startswith("3 lines were last written by sophos")
    assert planned.writes == []


def test_lines_of_an_agreement_that_could_not_be_read_block_only_themselves(books: Books) -> None:
    planned = books.plan(
        yaml=ALPHA[: ALPHA.index("customers:")] + customers(["Alpha", "Beta"]),
        bill=bill("tenant | code | units\nAlpha | EP | 22\nBeta | EP | 22"),
        agreements=agreements("id | company\n1 | ALPHA\n2 | BETA"),
        lines="id | qty\n11 | 20",
        unread=frozenset({2}),
    )
    expect(
        planned,
        """
        Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR
        Beta MSP-EP no line needs a decision ?→?
        """,
    )


def test_a_line_that_no_row_speaks_of_is_never_in_the_plan(books: Books) -> None:
    planned = books.plan(bill=MORE, lines="id | qty | product\n11 | 20 | MSP-EP\n12 | 7 | SOMETHING-ELSE")
    assert [row.line_id for row in planned.plan.lines] == [11]


def test_included_units_are_never_more_than_the_line_itself_carries(books: Books) -> None:
    """22 counted, 15 on the fixed line: 7 are left, and 10 included units are 7 of them."""
    yaml = own_lines("{line: 11, fixed: [12], included: 10}")
    planned = books.plan(bill=MORE, lines="id | qty | incl\n11 | 5 | 5\n12 | 15 | 0", yaml=yaml)
    assert planned.writes == ["line 11 quantity 5→7, lessIncluded 5→7"]


# --- answers that fit more than they say

SHARED = ALPHA + "  <Beta>: {name: Beta, company: ALPHA, nameDiffers: true, agreement: Managed, sync: true}\n"
TOGETHER = bill("tenant | code | units\nAlpha | EP | 10\nBeta | EP | 5")


def test_a_hold_of_one_tenant_is_not_the_number_of_a_line_that_two_share(books: Books) -> None:
    hold = (
        "holds:\n  - {customer: CUSTOMER, product: MSP-EP, quantity: 4, reason: leaver, until: 2026-12-31}\n"
    )
    shared = {"bill": TOGETHER, "last": None, "lines": "id | qty\n11 | 15"}
    planned = books.plan(yaml=SHARED + hold.replace("CUSTOMER", "<Beta>"), **shared)
    expect(planned, "Alpha + Beta MSP-EP #11 needs a decision 15→15 67.50→67.50 EUR")
    assert "share this line (Alpha, Beta)" in planned.reason
    assert "name the company (ALPHA)" in planned.reason
    whole = books.plan(yaml=SHARED + hold.replace("CUSTOMER", "ALPHA"), **shared)
    expect(whole, "Alpha + Beta MSP-EP #11 less 15→4 67.50→18.00 EUR")


def test_an_approval_that_fits_two_agreements_lets_no_line_through(books: Books) -> None:
    approval = (
        "approvals:\n  - {customer: CUSTOMER, product: MSP-EP, from: 10, upTo: 40, given: 2026-11-27, "
        "reason: new, "
        "until: 2026-12-05}\n"
    )
    apart = {
        "bill": bill("tenant | code | units\nAlpha | EP | 40\nBeta | EP | 35"),
        "last": bill("tenant | code | units\nAlpha | EP | 10\nBeta | EP | 10", OCTOBER),
        "agreements": agreements("id | company | name\n1 | ALPHA | Managed\n2 | ALPHA | Second"),
        "lines": "id | on | qty\n11 | 1 | 10\n21 | 2 | 10",
    }
    yaml = "agreement: Second".join(SHARED.rsplit("agreement: Managed", 1))
    both = books.plan(yaml=yaml + approval.replace("CUSTOMER", "ALPHA"), **apart)
    assert both.writes == []
    assert all("fits lines on several agreements" in row.reason for row in both.plan.lines)
    one = books.plan(yaml=yaml + approval.replace("CUSTOMER", "<Beta>"), **apart)
    assert one.writes == ["line 21 quantity 10→35"]
    distinct = {**apart, "lines": "id | on | qty\n11 | 1 | 10\n21 | 2 | 30"}
    only = books.plan(yaml=yaml + approval.replace("CUSTOMER", "ALPHA"), **distinct)
    assert "line 11 quantity 10→40" in only.writes


# --- the same seats under another product

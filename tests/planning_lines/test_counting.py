"""From units on the bill to a quantity: codes, terms, blocks, included units, windows, odd numbers."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from reconciler.planning.usage.examples import failed_examples
from reconciler.planning.usage.quantities import ABSURD, code_usage, line_quantity, merge_terms
from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, expect

OCTOBER = NOVEMBER.previous()
CUSTOMER = ALPHA[ALPHA.index("customers:") :]
OPEN = SETTINGS.replace("mode: live", "mode: live, guards: {lineChange: off, lineToZero: off}")


def shared(count: str, terms: str = "", own: str = "") -> str:
    """Three codes of one product, EP also known as EP-NEW, and terms."""
    customer = (
        CUSTOMER.replace("agreement: Managed", f"agreement: Managed, lines: {{MSP-EP: {own}}}")
        if own
        else CUSTOMER
    )
    return f"""
mappings:
  EP: {{product: MSP-EP, sync: true, alsoKnownAs: {{codes: [EP-NEW], count: sum}}}}
  MAIL: {{product: MSP-EP, sync: true}}
  NDR: {{product: MSP-EP, sync: true}}
lines:
  MSP-EP: {{count: {count}{terms}}}
{customer}"""


USAGE = "tenant | code | units\nAlpha | EP | 7\nAlpha | EP-NEW | 5\nAlpha | MAIL | 9\nAlpha | NDR | 2"


@pytest.mark.parametrize(
    ("count", "parts"),
    [
        ("sum", "23 = sum(EP 12, MAIL 9, NDR 2)"),
        ("max", "12 = max(EP 12, MAIL 9, NDR 2)"),
        ("MAIL", "9 = MAIL of (EP 12, MAIL 9, NDR 2)"),
        ("EP", "12 = EP of (EP 12, MAIL 9, NDR 2)"),
        ("EP-NEW", "12 = EP of (EP 12, MAIL 9, NDR 2)"),
    ],
)
def test_codes_are_counted_within_the_tenant_and_a_replaced_one_as_one(
    books: Books, count: str, parts: str
) -> None:
    planned = books.plan(yaml=shared(count), bill=bill(USAGE), settings=OPEN)
    (row,) = planned.plan.lines
    assert row.parts == parts
    assert row.after == Decimal(parts.split()[0])
    assert row.decided_by.startswith("count ")


@pytest.mark.parametrize(
    ("terms", "own", "parts"),
    [
        (", blocksOf: 5", "", "15 = blocks of 5 of 12 = max(EP 12, MAIL 9, NDR 2)"),
        (", blocksOf: 6", "", "12 = max(EP 12, MAIL 9, NDR 2)"),
        (", minimum: 30", "", "30 = minimum 30 of 12 = max(EP 12, MAIL 9, NDR 2)"),
        (", maximum: 10", "", "10 = maximum 10 of 12 = max(EP 12, MAIL 9, NDR 2)"),
        (", included: 20", "", "12 = max(EP 12, MAIL 9, NDR 2); 12 included"),
        (
            ", minimum: 30, included: 3",
            "{minimum: 14}",
            "14 = minimum 14 of 12 = max(EP 12, MAIL 9, NDR 2); 3 included",
        ),
        (", included: 3", "{count: sum}", "23 = sum(EP 12, MAIL 9, NDR 2); 3 included"),
    ],
)
def test_terms_are_applied_once_and_the_customers_own_stand_key_by_key(
    books: Books, terms: str, own: str, parts: str
) -> None:
    planned = books.plan(yaml=shared("max", terms, own), bill=bill(USAGE), settings=OPEN)
    (row,) = planned.plan.lines
    assert row.parts == parts


def test_billable_or_actual(books: Books) -> None:
    usage = bill("tenant | code | units | actual\nAlpha | EP | 7 | 31")
    yaml = ALPHA + "lines: {MSP-EP: {quantity: actual}}\n"
    assert books.plan(yaml=yaml, bill=usage, settings=OPEN).writes == ["line 11 quantity 20→31"]
    assert books.plan(bill=usage, settings=OPEN).writes == ["line 11 quantity 20→7"]


def test_no_usage_never_goes_through_the_products_minimum(books: Books) -> None:
    zero = bill("tenant | code | units\nAlpha | OTHER | 1")
    products = books.plan(yaml=ALPHA + "lines: {MSP-EP: {minimum: 5}}\n", bill=zero, settings=OPEN)
    assert products.writes == ["line 11 quantity 20→0"]
    own = ALPHA.replace("agreement: Managed", "agreement: Managed, lines: {MSP-EP: {minimum: 5}}")
    assert books.plan(yaml=own, bill=zero, settings=OPEN).writes == ["line 11 quantity 20→5"]


def test_a_leading_code_that_is_billed_elsewhere_leaves_no_number(books: Books) -> None:
    yaml = (
        shared("EP")
        .replace("sync: true}\n", "sync: true, overrides: {EP: {exclude: Pilot}}}\n")
        .replace("MSP-EP, sync: true, overrides: {EP: {exclude: Pilot}}", "MSP-EP, sync: true")
    )
    planned = books.plan(yaml=yaml, bill=bill(USAGE))
    assert planned.reason == "it is counted by EP, which is not billed here for Alpha"


def test_included_units_from_below_to_above(books: Books) -> None:
    """10 included: with 8 units nothing is charged, with 13 units three are."""
    yaml = ALPHA.replace("agreement: Managed", "agreement: Managed, lines: {MSP-EP: {included: 10}}")
    planned = books.plan(
        yaml=yaml,
        bill=bill("tenant | code | units\nAlpha | EP | 13"),
        last=bill("tenant | code | units\nAlpha | EP | 8", OCTOBER),
        lines="id | qty | incl\n11 | 8 | 8",
    )
    expect(planned, "Alpha MSP-EP #11 more 8→13 0.00→13.50 EUR")
    assert planned.writes == ["line 11 quantity 8→13, lessIncluded 8→10"]


def test_only_the_included_units_change(books: Books) -> None:
    yaml = ALPHA + "lines: {MSP-EP: {included: 10}}\n"
    expect(books.plan(yaml=yaml), "Alpha MSP-EP #11 terms 20→20 90.00→45.00 EUR")
    assert books.plan(yaml=yaml).writes == ["line 11 lessIncluded 0→10"]


def test_included_units_that_nobody_declares_are_left_alone(books: Books) -> None:
    planned = books.plan(
        bill=bill("tenant | code | units\nAlpha | EP | 22"), lines="id | qty | incl\n11 | 20 | 4"
    )
    expect(planned, "Alpha MSP-EP #11 more 20→22 72.00→81.00 EUR")
    assert planned.writes == ["line 11 quantity 20→22"]


@pytest.mark.parametrize(
    ("rows", "words"),
    [
        ("Alpha | EP | -3", "a negative quantity, -3"),
        ("Alpha | EP | 2.5", "a fraction, 2.5"),
        (f"Alpha | EP | {ABSURD + 1}", "100001 units, which looks like a mistake"),
        (
            "Alpha | EP | 20 | 2026-11-01 | 2026-11-15\nAlpha | EP | 25 | 2026-11-16 | 2026-11-30",
            "(2026-11-01 to 2026-11-15: 20 and 2026-11-16 to 2026-11-30: 25)",
        ),
        (
            "Alpha | EP | 20 | | | O-7\nAlpha | EP | 25 | | | O-7",
            "O-7/1 twice with different content (20 and 25)",
        ),
    ],
    ids=["negative", "fraction", "absurd", "two windows", "one order line, two contents"],
)
def test_what_cannot_be_counted_is_blocked_and_shown(books: Books, rows: str, words: str) -> None:
    planned = books.plan(bill=bill(f"tenant | code | units | from | to | order\n{rows}"))
    expect(planned, "Alpha MSP-EP #11 needs a decision 20→20 90.00→90.00 EUR")
    assert planned.reason.startswith("EP: Sophos")
    assert words in planned.reason


def test_a_bill_with_two_odd_numbers_says_the_same_in_any_order(books: Books) -> None:
    odd = ["Alpha | EP | 2.5", "Alpha | EP | -1"]
    for rows in (odd, odd[::-1]):
        planned = books.plan(bill=bill("\n".join(["tenant | code | units", *rows])))
        assert planned.reason == "EP: Sophos bills a negative quantity, -1"


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ("Alpha | EP | 20 | | | O-7 |\nAlpha | EP | 20 | | | O-7 |", 20),
        ("Alpha | EP | 20 | | | O-7 | S1\nAlpha | EP | 3 | | | O-7 | S2", 23),
        (
            "Alpha | EP | 20 | 2026-11-01 | 2026-11-10 | | S1\nAlpha | EP | 3 | 2026-11-11 | | | S2",
            23,
        ),
        ("Alpha | EP | 20 | 2026-11-01 | 2026-11-25 | |\nAlpha | EP | 2 | 2026-11-01 | 2026-11-25 | |", 22),
        ("Alpha | EP | 20 | 2026-10-26 | 2026-11-25 | |\nAlpha | EP | 2 | 2026-11-10 | 2026-11-25 | |", 22),
        (
            """Alpha | EP | 10 | 2026-11-01 | 2026-11-25
            Alpha | EP | 9 | 2026-11-02 | 2026-11-20
            Alpha | EP | 4 | 2026-11-05 | 2026-11-06""",
            23,
        ),
    ],
    ids=[
        "the same line twice",
        "two serials of one order line",
        "two serials, two windows",
        "two licences of one window",
        "one window within the other",
        "one within the other, and a third in both",
    ],
)
def test_what_adds_up_and_what_counts_once(books: Books, rows: str, total: int) -> None:
    planned = books.plan(bill=bill(f"tenant | code | units | from | to | order | serial\n{rows}"))
    (row,) = planned.plan.lines
    assert row.state.value in ("more", "unchanged")
    assert row.after == total


@pytest.mark.parametrize(
    ("windows", "words"),
    [
        (
            ["20 | 2026-11-01 | 2026-11-15", "25 | 2026-11-15 | 2026-11-28"],
            "that overlap only in part (2026-11-01 to 2026-11-15: 20 and 2026-11-15 to 2026-11-28: 25)",
        ),
        (
            ["20 | 2026-11-01 | 2026-11-20", "25 | 2026-11-10 | 2026-11-28"],
            "that overlap only in part (2026-11-01 to 2026-11-20: 20 and 2026-11-10 to 2026-11-28: 25)",
        ),
        (
            ["20 | 2026-11-01 | 2026-11-15", "5 | 2026-11-01 | 2026-11-15", "25 | 2026-11-15 | 2026-11-28"],
            "that overlap only in part (2026-11-01 to 2026-11-15: 25 and 2026-11-15 to 2026-11-28: 25)",
        ),
        (
            ["9 | 2026-11-01 | 2026-11-28", "20 | 2026-11-01 | 2026-11-15", "25 | 2026-11-16 | 2026-11-28"],
            "that do not overlap (2026-11-01 to 2026-11-15: 20 and 2026-11-16 to 2026-11-28: 25)",
        ),
    ],
    ids=["one shared day", "partly", "two licences and one shared day", "two in a third"],
)
def test_windows_of_which_none_holds_the_other_are_asked_about(
    books: Books, windows: list[str], words: str
) -> None:
    """The same seats may be in both: neither the sum nor the higher number is certain."""
    for rows in (windows, windows[::-1]):
        text = "\n".join(f"Alpha | EP | {window}" for window in rows)
        planned = books.plan(bill=bill(f"tenant | code | units | from | to\n{text}"))
        expect(planned, "Alpha MSP-EP #11 needs a decision 20→20 90.00→90.00 EUR")
        assert planned.reason == f"EP: Sophos bills two windows {words}"


BOTH = "tenant | code | units\nAlpha | EP | 7\nAlpha | EP-NEW | 5"


def known_as(form: str) -> str:
    return ALPHA.replace("sync: true}", f"sync: true, alsoKnownAs: {form}}}", 1)


def test_both_codes_of_one_product_on_one_bill_wait_and_are_named(books: Books) -> None:
    planned = books.plan(yaml=known_as("[EP-NEW]"), bill=bill(BOTH))
    expect(planned, "Alpha MSP-EP #11 needs a decision 20→20 90.00→90.00 EUR")
    assert "EP: Sophos bills both EP 7 and EP-NEW 5" in planned.reason
    assert "`alsoKnownAs: {codes: […], count: sum}`" in planned.reason
    assert planned.writes == []


@pytest.mark.parametrize(("count", "units"), [("sum", 12), ("max", 7)])
def test_both_codes_are_one_number_where_the_row_says_how(books: Books, count: str, units: int) -> None:
    yaml = known_as(f"{{codes: [EP-NEW], count: {count}}}")
    planned = books.plan(yaml=yaml, bill=bill(BOTH), settings=OPEN)
    assert planned.writes == [f"line 11 quantity 20→{units}"]


@pytest.mark.parametrize("form", ["[EP-NEW]", "{codes: [EP-NEW]}"])
@pytest.mark.parametrize(
    "rows", ["Alpha | EP-NEW | 12", "Alpha | EP | 0\nAlpha | EP-NEW | 12", "Alpha | EP | 12"]
)
def test_one_of_two_codes_with_units_counts_without_a_word(books: Books, form: str, rows: str) -> None:
    """Two forms of one row; a code that Sophos still lists at zero is none of them."""
    planned = books.plan(yaml=known_as(form), bill=bill(f"tenant | code | units\n{rows}"), settings=OPEN)
    assert planned.writes == ["line 11 quantity 20→12"]


def test_both_codes_at_another_customer_stop_nobody_else(books: Books) -> None:
    yaml = known_as("[EP-NEW]") + "  <Beta>: {name: Beta, company: BETA, agreement: Managed, sync: true}\n"
    planned = books.plan(
        yaml=yaml,
        bill=bill(f"{BOTH}\nBeta | EP-NEW | 5"),
        last=bill("tenant | code | units\nAlpha | EP | 20\nBeta | EP | 4", OCTOBER),
        agreements=agreements("id | company\n1 | ALPHA\n2 | BETA"),
        lines="id | on | qty\n11 | 1 | 20\n12 | 2 | 4",
    )
    assert planned.states == ["Alpha MSP-EP needs a decision", "Beta MSP-EP more"]
    assert planned.writes == ["line 12 quantity 4→5"]


def test_both_codes_on_last_months_bill_say_nothing_of_what_is_in_step(books: Books) -> None:
    """A person's 12 is no more in step with 7 + 5 than with 7: it is asked about, and not taken for ours."""
    planned = books.plan(
        yaml=known_as("[EP-NEW]"),
        bill=bill("tenant | code | units\nAlpha | EP-NEW | 13"),
        last=bill(BOTH, OCTOBER),
        lines="id | qty | by\n11 | 12 | jane",
    )
    expect(planned, "Alpha MSP-EP #11 needs a decision 12→13 54.00→58.50 EUR")
    assert "what last month's bill gives is not known" in planned.reason


def test_one_order_line_that_two_customers_share_counts_for_both() -> None:
    month = bill("tenant | code | units | order\nAlpha | EP | 20 | O-7\nBeta | EP | 25 | O-7")
    assert month.lines is not None
    units = [code_usage([line], "billable", NOVEMBER).quantity for line in month.lines]
    assert units == [20, 25]


def test_sync_off_for_one_of_several_codes_freezes_the_product_and_is_said_once(books: Books) -> None:
    yaml = shared("sum").replace("NDR: {product: MSP-EP, sync: true}", "NDR: {product: MSP-EP, sync: false}")
    planned = books.plan(yaml=yaml, bill=bill(USAGE))
    expect(planned, "Alpha MSP-EP #11 not counted 20→20 90.00→90.00 EUR")
    assert "sync is off for NDR and on for EP, MAIL" in planned.said("product-frozen")


def test_examples_count_as_bills_do(books: Books) -> None:
    good = """
      examples:
        - {given: {EP: 7, EP-NEW: 5, MAIL: 9}, expect: 15}
        - {given: {MAIL: 3}, expect: 5}
        - {given: {EP: 0}, expect: 0}
"""
    yaml = shared("max", ", blocksOf: 5").replace(
        "{count: max, blocksOf: 5}", "\n      count: max\n      blocksOf: 5\n      minimum: 5" + good.rstrip()
    )
    assert failed_examples(replace(books, yaml=yaml).desired()) == []
    (wrong,) = failed_examples(replace(books, yaml=yaml.replace("expect: 15", "expect: 14")).desired())
    assert "expects 14" in wrong.message
    assert "15 = blocks of 5 of 12 = max(EP 12, MAIL 9)" in wrong.message


def test_an_example_without_the_leading_code_gives_nothing(books: Books) -> None:
    yaml = shared("EP", ", examples: [{given: {MAIL: 12}, expect: 0}]")
    assert failed_examples(replace(books, yaml=yaml).desired()) == []


def test_without_terms_codes_add_up() -> None:
    counted = line_quantity({"Alpha": {"A": Decimal(2), "B": Decimal(3)}}, merge_terms(None, None))
    assert [counted.quantity, counted.counted, counted.included] == [Decimal(5), Decimal(5), Decimal(0)]
    assert line_quantity({}, merge_terms(None, None)).parts == "0 = no usage"

"""A closed month counts: what a tenant is today, or a word that nobody knows, decides only whether to ask."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.model.diagnostics import Severity
from reconciler.model.observed import UnreadableLine
from tests.planning_lines.books import (
    ALPHA,
    NOVEMBER,
    SETTINGS,
    agreements,
    bill,
    customers,
    expect,
    tenant_id,
)

if TYPE_CHECKING:
    from reconciler.model.observed import UsageMonth
    from tests.planning_lines.books import Books, Planned

OCTOBER = NOVEMBER.previous()
OFF = SETTINGS.replace("live", "live, guards: {lineChange: off, lineToZero: off}")
FOURTEEN = bill("tenant | code | units\nAlpha | EP | 14")
#: What a tenant may be today although the closed month's bill has units of it, and the words for it.
TODAY = [
    ("Alpha | term | active", "its tenant is billed as term, not monthly"),
    ("Alpha | trial | active", "its tenant is billed as trial, not monthly"),
    ("Alpha | usage | suspended", "its tenant is suspended"),
    ("Alpha | usage | inactive", "its tenant is inactive"),
    ("Beta | usage | active", "its tenant is no longer listed by Sophos"),
]
every_standing = pytest.mark.parametrize(("tenant", "words"), TODAY, ids=[words for _, words in TODAY])


@every_standing
@pytest.mark.parametrize(
    ("lines", "withheld", "written", "write"),
    [
        (
            "id | qty\n11 | 20",
            "Alpha MSP-EP #11 withheld 20→14 90.00→63.00 EUR",
            "Alpha MSP-EP #11 less 20→14 90.00→63.00 EUR",
            "line 11 quantity 20→14",
        ),
        (
            "id | qty\n11 | 12",
            "Alpha MSP-EP #11 withheld 12→14 54.00→63.00 EUR",
            "Alpha MSP-EP #11 more 12→14 54.00→63.00 EUR",
            "line 11 quantity 12→14",
        ),
        (
            "",
            "Alpha MSP-EP no line withheld ?→14 0.00→63.00 EUR",
            "Alpha MSP-EP no line new line ?→14 0.00→63.00 EUR",
            "new MSP-EP on 1: 14 × 4.50 from 2026-12-01",
        ),
    ],
    ids=["less", "more", "no line"],
)
def test_units_on_the_closed_bill_wait_with_their_number_and_an_approval_lets_them_in(
    books: Books, tenant: str, words: str, lines: str, withheld: str, written: str, write: str
) -> None:
    found: dict[str, Any] = {"tenants": f"tenant | type | status\n{tenant}", "bill": FOURTEEN, "lines": lines}
    planned = books.plan(**found, settings=OFF)
    expect(planned, withheld)
    assert planned.writes == []
    before = lines.rpartition(" ")[2] or "0"
    assert planned.reason.startswith(words)
    assert "Sophos's bill of November 2026 gives 14" in planned.reason
    assert f"{{customer: ALPHA, product: MSP-EP, from: {before}, upTo: 14, " in planned.reason
    assert "billed-without-usage" not in planned.codes
    row = f"{{customer: ALPHA, product: MSP-EP, from: {before}, upTo: 14, given: 2026-11-27, reason: r, "
    row += "until: 2026-12-05}"
    approved = books.plan(**found, yaml=f"{ALPHA}approvals:\n  - {row}\n", settings=OFF)
    expect(approved, written)
    assert approved.writes == [write]
    assert "approval-without-effect" not in approved.codes


@every_standing
def test_a_line_that_says_what_the_closed_bill_says_is_in_step(books: Books, tenant: str, words: str) -> None:
    planned = books.plan(tenants=f"tenant | type | status\n{tenant}")
    expect(planned, "Alpha MSP-EP #11 unchanged 20→20 90.00→90.00 EUR")
    assert words in planned.said("tenant-changed")
    assert "90.00 EUR a month" in planned.said("tenant-changed")


@every_standing
def test_a_product_that_is_off_the_bill_of_such_a_tenant_is_not_zeroed_unasked(
    books: Books, tenant: str, words: str
) -> None:
    planned = books.plan(
        tenants=f"tenant | type | status\n{tenant}",
        bill=bill("tenant | code | units\nAlpha | OTHER | 14"),
        settings=OFF,
    )
    expect(planned, "Alpha MSP-EP #11 withheld 20→0 90.00→0.00 EUR")
    assert planned.reason.startswith(words)
    assert planned.writes == []


def test_a_tenant_that_is_gone_and_off_the_bill_keeps_its_lines(books: Books) -> None:
    planned = books.plan(tenants="tenant\nBeta", bill=bill("tenant | code | units\nBeta | EP | 1"))
    expect(planned, "Alpha MSP-EP #11 not counted 20→20 90.00→90.00 EUR")
    assert "ended: DATE" in planned.said("tenant-gone")


@every_standing
def test_an_approval_for_a_line_without_a_number_is_said_to_do_nothing(
    books: Books, tenant: str, words: str
) -> None:
    """Nothing of the customer is on the bill: there is no number that it could let in."""
    row = "{customer: ALPHA, product: MSP-EP, from: 20, upTo: 14, given: 2026-11-27, reason: r, "
    row += "until: 2026-12-05}"
    planned = books.plan(
        tenants=f"tenant | type | status\n{tenant}",
        bill=bill("tenant | code | units\nGamma | EP | 14"),
        yaml=f"{ALPHA}approvals:\n  - {row}\n",
    )
    assert planned.states == ["Alpha MSP-EP not counted"]
    said = planned.said("approval-without-effect")
    assert "from 20 to 14 lets nothing through: line #11 is not counted" in said
    assert words in said


# --- words that nobody knows


@pytest.mark.parametrize(("column", "field"), [("type", "billingType"), ("status", "status")])
def test_a_word_that_nobody_knows_counts_by_the_bill_and_is_said_once(
    books: Books, column: str, field: str
) -> None:
    two = customers(["Alpha", "Beta"])
    planned = books.plan(
        yaml="mappings:\n  EP: {product: MSP-EP, sync: true}\n" + two,
        tenants=f"tenant | {column}\nAlpha | flex\nBeta | flex",
        bill=bill("tenant | code | units\nAlpha | EP | 14\nBeta | EP | 3"),
        last=bill("tenant | code | units\nAlpha | EP | 20\nBeta | EP | 3", OCTOBER),
        agreements=agreements("id | company\n1 | ALPHA\n2 | BETA"),
        lines="id | on | qty\n11 | 1 | 20\n12 | 2 | 3",
        settings=OFF,
    )
    assert planned.states == ["Alpha MSP-EP less", "Beta MSP-EP unchanged"]
    assert planned.writes == ["line 11 quantity 20→14"]
    assert f"`{field}: flex` of 2 customers (Alpha, Beta)" in planned.said("sophos-value-unknown")


def many_tenants(books: Books, odd: int, of: int, **more: Any) -> Planned:
    """Tenants of which the first are billed as `flex`; Alpha is one of the others."""
    rows = [f"T{number} | {'flex' if number < odd else 'usage'}" for number in range(of - 1)]
    return books.plan(tenants="\n".join(["tenant | type", "Alpha | usage", *rows]), bill=FOURTEEN, **more)


@pytest.mark.parametrize(
    ("odd", "of", "stops"), [(3, 6, False), (4, 80, False), (4, 79, True), (5, 100, False), (6, 100, True)]
)
def test_words_that_nobody_knows_at_many_customers_stop_the_run(
    books: Books, odd: int, of: int, stops: bool
) -> None:
    """More than three customers, and more than 5 percent of them: Sophos has other words now."""
    planned = many_tenants(books, odd, of, settings=OFF)
    assert ("guard-unknown-values" in planned.codes) is stops
    assert (planned.writes == []) is stops
    if stops:
        assert f"{odd} of {of} customers" in planned.said("guard-unknown-values")
    for word in (f"{{customers: {odd}}}", "{percent: 50}", "off"):
        wider = OFF.replace("guards: {", f"guards: {{unknownValues: {word}, ")
        assert many_tenants(books, odd, of, settings=wider).writes == ["line 11 quantity 20→14"]


# --- lines of the bill that cannot be read


def with_odd_line(month: UsageMonth, tenant: str | None, *, number: int = 7, serial: str = "") -> UsageMonth:
    """The bill with one more line that has no product code."""
    who = None if tenant is None else tenant_id(tenant)
    odd = UnreadableLine(who, "", f"ORD-{number}", "2", serial, "Alpha Ltd", "productCode is missing")
    return replace(month, unreadable=(*month.unreadable, odd))


TWO: dict[str, Any] = {
    "yaml": "mappings:\n  EP: {product: MSP-EP, sync: true}\n" + customers(["Alpha", "Beta"]),
    "bill": bill("tenant | code | units\nAlpha | EP | 22\nBeta | EP | 5"),
    "last": bill("tenant | code | units\nAlpha | EP | 20\nBeta | EP | 4", OCTOBER),
    "agreements": agreements("id | company\n1 | ALPHA\n2 | BETA"),
    "lines": "id | on | qty\n11 | 1 | 20\n12 | 2 | 4",
}


def test_a_bill_line_that_cannot_be_read_blocks_its_tenant_named_and_nobody_else(books: Books) -> None:
    planned = books.plan(**TWO | {"bill": with_odd_line(TWO["bill"], "Alpha")})
    assert planned.states == ["Alpha MSP-EP needs a decision", "Beta MSP-EP more"]
    assert planned.writes == ["line 12 quantity 4→5"]
    assert "ORD-7/2 (productCode is missing)" in planned.plan.lines[0].reason
    said = planned.diagnostic("usage-line-unreadable")
    assert said.severity is Severity.ERROR
    assert said.message == (
        "Alpha: order line ORD-7/2 (productCode is missing) of Sophos's bill of November 2026 cannot be "
        "counted. Nothing is written for this customer."
    )
    assert "guard-feed-incomplete" not in planned.codes


def test_a_tenant_whose_only_bill_line_cannot_be_read_is_not_missing_from_the_feed(books: Books) -> None:
    """Nor is its bill empty: its line waits, and that of the other customer is written."""
    only = with_odd_line(bill("tenant | code | units\nBeta | EP | 5"), "Alpha")
    planned = books.plan(**TWO | {"bill": only})
    assert planned.states == ["Alpha MSP-EP needs a decision", "Beta MSP-EP more"]
    assert planned.writes == ["line 12 quantity 4→5"]


def test_a_hold_answers_for_a_bill_line_that_cannot_be_read(books: Books) -> None:
    hold = "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 23, reason: r, until: 2026-12-31}\n"
    planned = books.plan(**TWO | {"bill": with_odd_line(TWO["bill"], "Alpha"), "yaml": TWO["yaml"] + hold})
    assert planned.writes == ["line 11 quantity 20→23", "line 12 quantity 4→5"]


def test_a_bill_line_of_nobody_that_can_be_read_is_listed_with_its_order_line(books: Books) -> None:
    planned = books.plan(**TWO | {"bill": with_odd_line(TWO["bill"], None)})
    assert planned.writes == ["line 11 quantity 20→22", "line 12 quantity 4→5"]
    said = planned.diagnostic("usage-line-unreadable")
    assert (said.severity, said.subject) == (Severity.ERROR, "usage-line/ORD-7/2")
    assert "whose it is cannot be read either; the bill calls the customer Alpha Ltd" in said.message


def test_a_firewalls_unreadable_line_is_that_of_the_customer_who_lists_it(books: Books) -> None:
    yaml = TWO["yaml"].replace("company: BETA", "company: BETA, firewalls: [C012]")
    planned = books.plan(**TWO | {"bill": with_odd_line(TWO["bill"], None, serial="C012"), "yaml": yaml})
    assert planned.writes == ["line 11 quantity 20→22"]
    assert planned.said("usage-line-unreadable").startswith("Beta: ")


def test_a_line_of_last_month_that_cannot_be_read_leaves_it_unknown(books: Books) -> None:
    """A person's 21 is not measured at a part of last month's bill."""
    lines = TWO["lines"].replace("qty", "qty | by").replace("1 | 20", "1 | 21 | jane")
    planned = books.plan(**TWO | {"last": with_odd_line(TWO["last"], "Alpha"), "lines": lines})
    assert planned.writes == ["line 12 quantity 4→5"]
    assert "what last month's bill gives is not known" in planned.plan.lines[0].reason


def test_an_unreadable_line_of_a_tenant_without_a_row_is_said_and_stops_nothing(books: Books) -> None:
    planned = books.plan(**TWO | {"bill": with_odd_line(TWO["bill"], "Gamma")})
    assert len(planned.writes) == 2
    assert planned.diagnostic("usage-line-unreadable").severity is Severity.WARNING


def test_many_lines_that_cannot_be_read_stop_the_run(books: Books) -> None:
    """The bill has another form then: a part of it is no basis for anybody's number."""
    month = TWO["bill"]
    for number in range(4):
        month = with_odd_line(month, None, number=number)
    planned = books.plan(**TWO | {"bill": month})
    assert planned.writes == []
    assert planned.said("guard-unknown-values").startswith("4 lines of Sophos's bill cannot be counted.")

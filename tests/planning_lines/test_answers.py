"""Holds and approvals that do nothing are said: a slip of the hand must not be taken for an answer."""

from __future__ import annotations

import pytest

from tests.planning_lines.books import ALPHA, Books, agreements, bill

MORE = bill("tenant | code | units\nAlpha | EP | 64\nBeta | EP | 3")
#: Beta is a customer that is not synced, and MSP-MAIL a product that Alpha takes out.
SITE = """
mappings:
  EP: {product: MSP-EP, sync: true}
  MAIL: {product: MSP-MAIL, sync: true}
customers:
  <Alpha>:
    name: Alpha
    company: ALPHA
    agreement: Managed
    sync: true
    overrides: {MAIL: {exclude: Pilot}}
  <Beta>: {name: Beta, company: BETA, agreement: Managed}
"""


def approval(customer: str = "ALPHA", product: str = "MSP-EP", until: str = "2026-12-05") -> str:
    """From 38 up to 64."""
    return (
        f"approvals: [{{customer: {customer}, product: {product}, from: 38, upTo: 64, given: 2026-11-27, "
        f"reason: r, "
        f"until: {until}}}]\n"
    )


def hold(customer: str = "ALPHA", product: str = "MSP-EP", until: str = "2026-12-05") -> str:
    """At 12."""
    return (
        f"holds: [{{customer: {customer}, product: {product}, quantity: 12, reason: disputed, "
        f"until: {until}}}]\n"
    )


@pytest.mark.parametrize("quantity", ["38", "12"])
def test_an_approval_that_a_line_asks_for_is_not_mentioned(books: Books, quantity: str) -> None:
    planned = books.plan(yaml=SITE + approval(), bill=MORE, lines=f"id | qty\n11 | {quantity}")
    assert ("approval-without-effect" not in planned.codes) is (quantity == "38")


@pytest.mark.parametrize("quantity", ["64", "50"])
def test_an_approval_that_is_used_up_says_so(books: Books, quantity: str) -> None:
    planned = books.plan(yaml=SITE + approval(), bill=MORE, lines=f"id | qty\n11 | {quantity}")
    assert planned.said("approval-without-effect") == (
        f"The approval of MSP-EP for ALPHA from 38 to 64 is used up: line #11 stands at {quantity}. It lets "
        "nothing else through. Nothing to do: it may stay, or be taken out."
    )
    found = planned.diagnostic("approval-without-effect")
    assert (found.severity.value, found.location is not None) == ("notice", True)


@pytest.mark.parametrize(
    ("lines", "says"),
    [
        ("id | qty\n11 | 37", "fits no line: line #11 stands at 37, and not at 38."),
        ("id | qty\n11 | 65", "fits no line: line #11 stands at 65, and not at 38."),
        ("id | qty | to\n11 | 38 | 2026-10-31", "no line of the product is in force there."),
    ],
    ids=["below", "beyond", "ended"],
)
def test_an_approval_of_another_quantity_names_what_stands_there(books: Books, lines: str, says: str) -> None:
    planned = books.plan(yaml=SITE + approval(), bill=MORE, lines=lines)
    assert says in planned.said("approval-without-effect")
    assert "Correct its customer, product or `from`" in planned.said("approval-without-effect")


@pytest.mark.parametrize(("customer", "product"), [("BETA", "MSP-EP"), ("ALPHA", "MSP-MAIL")])
def test_an_answer_for_what_nobody_is_billed_fits_no_line(books: Books, customer: str, product: str) -> None:
    planned = books.plan(yaml=SITE + approval(customer, product) + hold(customer, product), bill=MORE)
    for code in ("approval-without-effect", "hold-without-effect"):
        said = planned.said(code)
        assert "fits no line: no customer of that name whose usage sync is on is billed this product" in said
        assert planned.diagnostic(code).location is not None
    assert planned.diagnostic("hold-without-effect").severity.value == "warning"


def test_an_answer_by_tenant_fits_its_line(books: Books) -> None:
    own = SITE + approval("<Alpha>") + hold("<Alpha>")
    planned = books.plan(yaml=own, bill=MORE, lines="id | qty\n11 | 38")
    assert {"approval-without-effect", "hold-without-effect"}.isdisjoint(planned.codes)


def test_a_hold_for_usage_without_a_line_has_the_effect_that_the_line_is_to_be_added(books: Books) -> None:
    planned = books.plan(yaml=SITE + hold(), bill=MORE, lines="")
    assert "hold-without-effect" not in planned.codes
    assert planned.states == ["Alpha MSP-EP new line"]


def test_what_has_expired_is_said_elsewhere(books: Books) -> None:
    old = "2026-11-26"
    planned = books.plan(yaml=SITE + approval("BETA", until=old) + hold("BETA", until=old), bill=MORE)
    assert {"approval-without-effect", "hold-without-effect"}.isdisjoint(planned.codes)


def test_a_line_that_waits_says_that_its_approval_has_ended(books: Books) -> None:
    ended = SITE + approval(until="2026-11-26")
    planned = books.plan(yaml=ended, bill=MORE, lines="id | qty\n11 | 38")
    assert planned.states == ["Alpha MSP-EP withheld"]
    assert "the approval for ALPHA (" in planned.reason
    assert planned.reason.endswith(") ended on 2026-11-26")
    used = books.plan(yaml=ended, bill=MORE, lines="id | qty | written\n11 | 38 | 2026-11-28")
    assert "ended on" not in used.reason


@pytest.mark.parametrize("unread", [frozenset({1}), frozenset()], ids=["lines unread", "no agreement"])
def test_where_the_lines_are_not_known_nothing_is_said_of_an_approval(
    books: Books, unread: frozenset[int]
) -> None:
    there = agreements("id | company | name\n1 | ALPHA | " + ("Managed" if unread else "Other"))
    planned = books.plan(yaml=SITE + approval(), bill=MORE, agreements=there, unread=unread, lines="")
    assert "approval-without-effect" not in planned.codes


def test_an_approval_is_used_up_once_its_change_is_written(books: Books) -> None:
    site = ALPHA + approval()
    usage = bill("tenant | code | units\nAlpha | EP | 64")
    before = books.plan(yaml=site, bill=usage, lines="id | qty\n11 | 38")
    assert (before.writes, before.codes) == (["line 11 quantity 38→64"], [])
    after = books.plan(yaml=site, bill=usage, lines="id | qty\n11 | 64")
    assert (after.writes, after.codes) == ([], ["approval-without-effect"])

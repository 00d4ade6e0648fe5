"""What is too much to be written unasked: one line, a whole run, and codes that were replaced."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.planning.lines.guards import RUN_GUARDS
from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, customers, expect

OCTOBER = NOVEMBER.previous()


def guarded(text: str) -> str:
    return SETTINGS.replace("mode: live", f"mode: live, guards: {{{text}}}")


# --- one line: more than 5 units and 25 %, or more than 100.00 a month


@pytest.mark.parametrize(
    ("before", "after", "price", "withheld"),
    [
        ("20", "25", "4.50", False),  # 5 units are not more than 5
        ("20", "26", "4.50", True),  # 6 units, 30 %
        ("24", "30", "4.50", False),  # 6 units, 25 %
        ("100", "126", "1.00", True),  # 26 units, 26 %
        ("20", "14", "4.50", True),  # down counts as well
        ("1000", "1010", "10.00", False),  # 100.00 is not more than 100.00
        ("1000", "1010", "10.01", True),
        ("0", "6", "1.00", True),
        ("0", "5", "1.00", False),
    ],
)
def test_the_change_of_one_line(books: Books, before: str, after: str, price: str, withheld: bool) -> None:
    planned = books.plan(
        bill=bill(f"tenant | code | units\nAlpha | EP | {after}"),
        lines=f"id | qty | price\n11 | {before} | {price}",
    )
    (row,) = planned.plan.lines
    assert (row.state.value == "withheld") is withheld
    assert bool(planned.writes) is not withheld


def test_a_withheld_change_says_its_limit_and_the_row_that_lets_it_through(books: Books) -> None:
    usage = bill("tenant | code | units\nAlpha | EP | 64")
    planned = books.plan(bill=usage)
    assert planned.reason == (
        "it changes by 44 units, 220 % (limits: 5 units and 25 %). To let it through, add under approvals: "
        "{customer: ALPHA, product: MSP-EP, from: 20, upTo: 64, given: 2026-11-27, reason: …, until: …}"
    )
    row = (
        "{customer: ALPHA, product: MSP-EP, from: 20, upTo: 64, given: 2026-11-27, "
        "reason: r, until: 2026-12-05}"
    )
    assert books.plan(bill=usage, yaml=f"{ALPHA}approvals: [{row}]\n").writes == ["line 11 quantity 20→64"]
    off = guarded("lineChange: off")
    assert books.plan(bill=usage, settings=off).writes == ["line 11 quantity 20→64"]
    wider = guarded("lineChange: {units: 50, money: 1000}")
    assert books.plan(bill=usage, settings=wider).writes == ["line 11 quantity 20→64"]


def test_a_withheld_move_says_what_moves_from_where_to_where(books: Books) -> None:
    """The line that takes over may not be there yet: its product alone would not say what is asked."""
    mapped = ALPHA.replace("MSP-EP", "MSP-NEW")
    move = {"yaml": mapped, "others": {"MSP-OLD": "[sophos:main EP (former)]"}}
    more = bill("tenant | code | units\nAlpha | EP | 64")
    old = "id | product | qty\n11 | MSP-OLD | 20"
    planned = books.plan(**move, lines=old, bill=more)
    assert planned.reason.startswith(
        "#11 of MSP-OLD (20) ends, and a new line of MSP-NEW takes over with 64: it changes by 44 units"
    )
    onto = books.plan(**move, lines=f"{old}\n12 | MSP-NEW | 1", bill=more)
    assert onto.reason.startswith(
        "#11 of MSP-OLD (20) ends, and line #12 of MSP-NEW takes over with 64 (all had 21): "
    )
    silent = bill("tenant | code | units\nAlpha | OTHER | 1")
    gone = books.plan(
        **move, lines=old, bill=silent, last=bill("tenant | code | units\nAlpha | EP | 20", OCTOBER)
    )
    assert gone.reason.startswith(
        "#11 of MSP-OLD (20) ends, and no line takes over; its seats belong to MSP-NEW now: "
    )
    assert "from: 20, upTo: 0" in gone.reason
    unread = books.plan(
        **move, lines=old, bill=bill("tenant | code | units\nAlpha | EP | 20"), unattended=True
    )
    assert unread.reason.startswith(
        "#11 of MSP-OLD (20) ends, and a new line of MSP-NEW takes over with 20: it is a new line, and "
    )


def test_a_hold_needs_no_approval(books: Books) -> None:
    hold = "holds:\n  - {customer: ALPHA, product: MSP-EP, quantity: 90, reason: r, until: 2026-12-31}\n"
    assert books.plan(yaml=ALPHA + hold).writes == ["line 11 quantity 20→90"]


def test_included_units_count_by_their_money(books: Books) -> None:
    yaml = ALPHA + "lines: {MSP-EP: {included: 19}}\n"
    planned = books.plan(yaml=yaml, lines="id | qty | price\n11 | 20 | 10")
    expect(planned, "Alpha MSP-EP #11 withheld 20→20 200.00→10.00 EUR")
    assert "190.00 EUR a month (limit 100.00) while its quantity stays" in planned.reason


# --- the whole run


def many(count: int) -> dict[str, Any]:
    """So many customers with 3 endpoints each, on agreement 1, 2, … and line 11, 21, …"""
    names = [f"C{number:02}" for number in range(1, count + 1)]
    usage = "tenant | code | units\n" + "\n".join(f"{name} | EP | 3" for name in names)
    return {
        "yaml": ALPHA[: ALPHA.index("customers:")] + customers(names),
        "bill": bill(usage),
        "last": bill(usage, OCTOBER),
        "agreements": agreements(
            "id | company\n" + "\n".join(f"{n} | {name}" for n, name in enumerate(names, 1))
        ),
        "lines": "id | on | qty\n" + "\n".join(f"{n}1 | {n} | 3" for n in range(1, count + 1)),
    }


def without(books: dict[str, Any], count: int, code: str | None = None) -> Any:
    """The bill with the first customers' endpoints gone, or under another code."""
    rows = []
    for number, line in enumerate(books["bill"].lines):
        name = f"C{number + 1:02}"
        if number >= count:
            rows.append(f"{name} | {line.product_code} | 3")
        elif code is not None:
            rows.append(f"{name} | {code} | 3")
    return bill("tenant | code | units\n" + "\n".join(rows))


@pytest.mark.parametrize(("gone", "stops"), [(1, False), (2, True)])
def test_fewer_than_95_percent_of_last_months_tenants_stop_everything(
    books: Books, gone: int, stops: bool
) -> None:
    site = many(20)
    planned = books.plan(**site | {"bill": without(site, gone)})
    assert ("guard-feed-incomplete" in planned.codes) is stops
    if stops:
        said = planned.said("guard-feed-incomplete")
        assert "Only 18 of the 20 tenants" in said
        assert "missing: C01, C02" in said
        off = books.plan(**site | {"bill": without(site, gone), "settings": guarded("feedTenants: off")})
        assert "guard-feed-incomplete" not in off.codes
        assert off.writes == []


def test_an_incomplete_feed_holds_back_everybodys_changes(books: Books) -> None:
    site = many(20)
    site["lines"] = site["lines"].replace("201 | 20 | 3", "201 | 20 | 2")
    planned = books.plan(**site | {"bill": without(site, 2)})
    assert planned.writes == []
    assert [change.blocked_by for change in planned.plan.changes] == [("guard-feed-incomplete",)]
    assert planned.diagnostic("guard-feed-incomplete").subject is None
    assert planned.diagnostic("guard-feed-incomplete").code in RUN_GUARDS


def test_customers_that_a_person_has_ended_are_not_missed_in_the_feed(books: Books) -> None:
    site = many(20)
    yaml = site["yaml"]
    for name in ("C01", "C02"):
        yaml = yaml.replace(f"company: {name},", f"company: {name}, ended: 2026-11-01,")
    planned = books.plan(**site | {"bill": without(site, 2), "yaml": yaml})
    assert "guard-feed-incomplete" not in planned.codes


@pytest.mark.parametrize(("zeroes", "stops"), [(3, False), (4, True)])
def test_one_product_at_zero_for_more_than_three_customers_stops_everything(
    books: Books, zeroes: int, stops: bool
) -> None:
    site = many(20)
    # They are on the bill with something else, and not in equal counts of one new code.
    usage = without(site, zeroes, "OTHER")
    site["last"] = bill(
        "tenant | code | units\n" + "\n".join(f"C{n:02} | EP | 3\nC{n:02} | OTHER | 1" for n in range(1, 21)),
        OCTOBER,
    )
    planned = books.plan(**site | {"bill": usage})
    assert ("guard-product-to-zero" in planned.codes) is stops
    if stops:
        assert "zero for 4 customers at once (C01, C02, C03, C04)" in planned.said("guard-product-to-zero")
        approvals = "approvals:\n" + "".join(
            f"  - {{customer: C{n:02}, product: MSP-EP, from: 3, upTo: 0, given: 2026-11-27, "
            f"reason: r, until: 2026-12-05}}\n"
            for n in range(1, 5)
        )
        answered = books.plan(**site | {"bill": usage, "yaml": site["yaml"] + approvals})
        assert "guard-product-to-zero" not in answered.codes
        assert len(answered.writes) == 4


def test_a_replaced_code_is_one_question_and_not_many_zeroes(books: Books) -> None:
    site = many(20)
    usage = without(site, 20, "EP-NEW")
    planned = books.plan(**site | {"bill": usage})
    said = planned.said("code-replaced")
    assert "EP is gone at all of its 20 customers, and EP-NEW is new at 20 of them" in said
    assert "EP: {…, alsoKnownAs: [EP-NEW]}" in said
    assert planned.codes == ["code-replaced"]
    assert {row.state.value for row in planned.plan.lines} == {"not counted"}
    answered = site["yaml"].replace("sync: true}", "sync: true, alsoKnownAs: [EP-NEW]}", 1)
    same = books.plan(**site | {"bill": usage, "yaml": answered})
    assert {row.state.value for row in same.plan.lines} == {"unchanged"}
    assert same.codes == []


def test_other_counts_are_no_replacement(books: Books) -> None:
    site = many(4)
    usage = bill("tenant | code | units\n" + "\n".join(f"C0{n} | EP-NEW | {n + 5}" for n in range(1, 5)))
    planned = books.plan(**site | {"bill": usage})
    assert planned.codes == ["guard-product-to-zero"]


# --- months


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"bill": None}, "no closed month"),
        ({"bill": bill("tenant | code | units")}, "no line at all, which is not the same as no usage"),
    ],
)
def test_without_a_bill_nothing_is_counted(books: Books, changed: dict[str, Any], words: str) -> None:
    planned = books.plan(**changed)
    assert (planned.rows, planned.writes) == ([], [])
    assert words in planned.said("usage-unknown")


@pytest.mark.parametrize("last", [None, bill("tenant | code | units", OCTOBER)], ids=["none", "no line"])
def test_without_last_months_bill_nothing_is_written_for_anyone(books: Books, last: Any) -> None:
    planned = books.plan(bill=bill("tenant | code | units\nAlpha | EP | 22"), last=last)
    assert (planned.states, planned.writes) == (["Alpha MSP-EP more"], [])
    assert [change.blocked_by for change in planned.plan.changes] == [("feed-unchecked",)]
    said = planned.diagnostic("feed-unchecked")
    assert (said.severity.value, said.code in RUN_GUARDS, said.subject) == ("error", True, None)
    assert "bill of October 2026 is not known" in said.message
    assert "settings.guards.feedTenants to off" in said.remedy


def test_with_the_feed_guard_off_the_first_month_is_written_where_lines_are_ours(books: Books) -> None:
    first: dict[str, Any] = {"bill": bill("tenant | code | units\nAlpha | EP | 22"), "last": None}
    first["settings"] = guarded("feedTenants: off")
    planned = books.plan(**first)
    assert planned.writes == ["line 11 quantity 20→22"]
    assert planned.diagnostic("feed-unchecked").severity.value == "warning"
    assert books.plan(**first, lines="id | qty | by\n11 | 20 | jane").writes == []


def test_a_forecast_without_last_month_is_no_error(books: Books) -> None:
    planned = books.plan(last=None, closed=False)
    assert planned.diagnostic("feed-unchecked").severity.value == "warning"


def test_a_code_that_has_a_row_of_its_own_is_no_question(books: Books) -> None:
    """Somebody has already said what it is."""
    site = many(3)
    yaml = site["yaml"].replace("customers:", "  EP-NEW: {product: MSP-NEW, sync: true}\ncustomers:", 1)
    planned = books.plan(**site | {"bill": without(site, 3, "EP-NEW"), "yaml": yaml})
    assert "code-replaced" not in planned.codes


# --- protected


@pytest.mark.parametrize("who", ["customer/ALPHA", "MSP-EP"])
def test_what_is_protected_never_goes_to_zero_approved_or_not(books: Books, who: str) -> None:
    approval = (
        "approvals:\n  - {customer: ALPHA, product: MSP-EP, from: 20, upTo: 0, given: 2026-11-27, "
        "reason: they left, "
        "until: 2027-12-31}\n"
    )
    usage = bill("tenant | code | units\nAlpha | OTHER | 1")
    assert books.plan(yaml=ALPHA + approval, bill=usage).writes == ["line 11 quantity 20→0"]
    planned = books.plan(yaml=f"{ALPHA}{approval}protected: [{who}]\n", bill=usage)
    expect(planned, "Alpha MSP-EP #11 needs a decision 20→0 90.00→0.00 EUR")
    assert "is protected" in planned.reason
    assert planned.writes == []


def test_a_running_month_is_a_forecast_that_no_run_guard_stops(books: Books) -> None:
    """A month that still runs lacks tenants by nature; nothing of it is written anyway."""
    few = bill("tenant | code | units\nAlpha | EP | 20")
    many = bill("tenant | code | units\nAlpha | EP | 20\nBravo | EP | 1\nCharlie | EP | 1", month=OCTOBER)
    assert any(code in RUN_GUARDS for code in books.plan(bill=few, last=many).codes)
    forecast = books.plan(bill=few, last=many, closed=False)
    assert not any(code in RUN_GUARDS for code in forecast.codes)
    assert forecast.writes == []

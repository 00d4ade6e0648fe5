"""Money to the cent, per month and currency; invoice dates, cycles, unbilled periods, days in three zones."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest

from reconciler.model.billing import Recap
from reconciler.model.lines import Amount
from reconciler.planning.usage.months import period_of
from tests.planning_lines.books import ALPHA, NOVEMBER, SETTINGS, Books, agreements, bill, customers, expect

OCTOBER = NOVEMBER.previous()
MORE = bill("tenant | code | units\nAlpha | EP | 22")


@pytest.mark.parametrize(
    ("bills", "money"),
    [("Billable", "90.00→99.00"), ("DoNotBill", "0.00→0.00"), ("NoCharge", "0.00→0.00")],
)
def test_only_billable_lines_are_money_and_all_are_written(books: Books, bills: str, money: str) -> None:
    planned = books.plan(bill=MORE, lines=f"id | qty | bills\n11 | 20 | {bills}")
    expect(planned, f"Alpha MSP-EP #11 more 20→22 {money} EUR")
    (row,) = planned.plan.lines
    assert row.cost is not None
    assert row.cost.delta == Decimal(4)


def test_two_currencies_stay_two(books: Books) -> None:
    planned = books.plan(
        yaml=ALPHA[: ALPHA.index("customers:")] + customers(["Alpha", "Beta"]),
        bill=bill("tenant | code | units | currency\nAlpha | EP | 22 | USD\nBeta | EP | 21 | GBP"),
        last=bill("tenant | code | units\nAlpha | EP | 20\nBeta | EP | 20", OCTOBER),
        agreements=agreements("id | company | currency\n1 | ALPHA | EUR\n2 | BETA | CHF"),
        lines="id | on | qty | price\n11 | 1 | 20 | 4.505\n21 | 2 | 20 | 4.50",
    )
    expect(
        planned,
        """
        Alpha MSP-EP #11 more 20→22 90.10→99.11 EUR
        Beta MSP-EP #21 more 20→21 90.00→94.50 CHF
        """,
    )
    assert [row.feed for row in planned.plan.lines] == [{"USD": Decimal("44.00")}, {"GBP": Decimal("42.00")}]


def test_shown_amounts_add_up_to_the_cent() -> None:
    """The difference is that of the amounts as they are shown."""
    shown = Amount("EUR", Decimal("9.995"), Decimal("29.985")).to_json()
    assert shown == {"currency": "EUR", "before": "10.00", "after": "29.99", "delta": "19.99"}
    odd = Amount("EUR", Decimal("0.004"), Decimal("0.005")).to_json()
    assert odd == {"currency": "EUR", "before": "0.00", "after": "0.01", "delta": "0.01"}


@pytest.mark.parametrize(
    ("places", "form"),
    [
        (0, {"before": "10", "after": "30", "delta": "20"}),
        (2, {"before": "9.99", "after": "29.51", "delta": "19.52"}),
        (3, {"before": "9.990", "after": "29.505", "delta": "19.515"}),
    ],
)
def test_an_amount_has_its_currencys_decimals_and_keeps_them_in_a_file(
    places: int, form: dict[str, str]
) -> None:
    amount = Amount("X", Decimal("9.99"), Decimal("29.505"), places)
    assert amount.to_json() == {"currency": "X"} | form
    back = Amount.from_json(amount.to_json())
    assert (back.places, back.to_json()) == (places, amount.to_json())


def test_a_currency_without_decimals_is_rounded_to_whole_units(books: Books) -> None:
    """ISK in ConnectWise's own example has none; 40.5 is half up, and the difference is of what is shown."""
    kronur = agreements("id | company | currency | places\n1 | ALPHA | ISK | 0")
    planned = books.plan(bill=MORE, agreements=kronur, lines="id | qty | price\n11 | 20 | 2.025")
    expect(planned, "Alpha MSP-EP #11 more 20→22 41→45 ISK")
    two = books.plan(bill=MORE, agreements=kronur, lines="id | qty | price\n11 | 20 | 450\n12 | 1 | 450.5")
    assert "2 open lines, #11 (20 × 450) and #12 (1 × 450.5), together 21" in two.reason


def test_messages_have_the_decimals_of_the_agreements_currency(books: Books) -> None:
    dinars = agreements("id | company | currency | places\n1 | ALPHA | KWD | 3")
    lines = "id | qty | price\n11 | 20 | 60.0005"
    reason = books.plan(bill=MORE, agreements=dinars, lines=lines).reason
    assert reason.startswith("it changes by 120.001 KWD a month (limit 100.000)")
    free = bill("tenant | code | units | price\nAlpha | EP | 20 | 0")
    said = books.plan(bill=free, agreements=dinars, lines=lines).said("free-at-sophos")
    assert "billed 1200.010 KWD an invoice" in said
    silent = bill("tenant | code | units\nOther | EP | 20")
    said = books.plan(bill=silent, agreements=dinars, lines=lines).said("billed-without-usage")
    assert "bill 1200.010 KWD a month" in said


def test_another_currency_than_the_settings_say_is_not_written(books: Books) -> None:
    settings = SETTINGS.replace("mode: live", "mode: live, currency: EUR")
    assert books.plan(bill=MORE, settings=settings).writes == ["line 11 quantity 20→22"]
    planned = books.plan(
        bill=MORE, settings=settings, agreements=agreements("id | company | currency\n1 | ALPHA | USD")
    )
    assert planned.reason == "the agreement is in USD, and settings.currency says EUR"
    assert planned.writes == []


# --- cycles and periods


@pytest.mark.parametrize(
    ("cycle", "take", "written", "words"),
    [
        ("Monthly", "", True, ""),
        ("Quarterly", "", False, "invoiced quarterly"),
        ("Yearly", "", False, "`take: last`"),
        ("Quarterly", "last", True, ""),
        ("Yearly", "last", True, ""),
        ("SemiAnnual", "highest", False, "at most 3 months, not for 6. Say `take: last`"),
        ("Yearly", "average", False, "at most 3 months, not for 12. Say `take: last`"),
        ("Monthly", "highest", True, ""),
        ("Weekly", "last", False, "more often than Sophos bills"),
        ("?", "", False, "does not say how often"),
    ],
)
def test_cycles(books: Books, cycle: str, take: str, written: bool, words: str) -> None:
    yaml = ALPHA + (f"lines: {{MSP-EP: {{take: {take}}}}}\n" if take else "")
    planned = books.plan(
        yaml=yaml, bill=MORE, agreements=agreements(f"id | company | cycle\n1 | ALPHA | {cycle}")
    )
    assert planned.writes == (["line 11 quantity 20→22"] if written else [])
    assert words in planned.reason


def test_a_quarterly_invoice_is_three_months_of_money(books: Books) -> None:
    planned = books.plan(
        yaml=ALPHA + "lines: {MSP-EP: {take: last}}\n",
        bill=MORE,
        lines="id | qty | price\n11 | 20 | 13.50",
        agreements=agreements("id | company | cycle\n1 | ALPHA | Quarterly"),
    )
    expect(planned, "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR")
    assert planned.reason == "22 = EP 22; an invoice covers 3 months: 270.00 → 297.00 EUR"


def test_a_line_of_an_agreement_that_nobody_invoices_is_told_that_and_nothing_else(books: Books) -> None:
    """Its line begins after a next invoice date that lies two years back: that is not what is wrong."""
    planned = books.plan(
        bill=MORE,
        lines="id | qty | from\n11 | 20 | 2026-01-01",
        agreements=agreements("id | company | next\n1 | ALPHA | 2024-12-01"),
    )
    assert planned.writes == []
    assert planned.reason.startswith("the agreement is not invoiced since 2024-12-01: 24 periods are not")
    assert "first day forward" not in planned.reason


@pytest.mark.parametrize(
    ("cycle", "words"),
    [
        ("Weekly", "the agreement is invoiced weekly, more often than Sophos bills"),
        ("BiWeekly", "the agreement is invoiced biweekly, more often than Sophos bills"),
        ("Fortnightly", "the agreement's billing cycle 'Fortnightly' is none that is known"),
        ("?", "ConnectWise does not say how often the agreement is invoiced"),
        (
            "(unread)",
            "how often the agreement is invoiced is not known: the billing cycles could not be read",
        ),
    ],
)
def test_what_is_said_of_a_cycle_that_nothing_can_be_written_for(
    books: Books, cycle: str, words: str
) -> None:
    planned = books.plan(
        bill=MORE, agreements=agreements(f"id | company | next | cycle\n1 | ALPHA | 2026-12-01 | {cycle}")
    )
    assert (planned.writes, planned.reason.startswith(words)) == ([], True), planned.reason


@pytest.mark.parametrize(
    ("next_invoice", "unbilled", "words"),
    [
        ("none", None, "no next invoice date"),
        ("2026-12-01", 2, "2 periods are not invoiced yet"),
        ("2026-12-01", 1, ""),
        ("2026-11-01", None, "Make that invoice first"),
        (
            "2026-10-27",
            None,
            "the agreement is not invoiced since 2026-10-27: 2 periods are not invoiced yet",
        ),
        (
            "2024-12-01",
            None,
            "the agreement is not invoiced since 2024-12-01: 24 periods are not invoiced yet",
        ),
        ("2020-01-01", None, "since 2020-01-01: at least 60 periods are not invoiced yet"),
    ],
)
def test_invoices_that_are_not_made(
    books: Books, next_invoice: str, unbilled: int | None, words: str
) -> None:
    recaps = {} if unbilled is None else {1: Recap(1, unbilled_periods=unbilled)}
    planned = books.plan(
        bill=MORE,
        recaps=recaps,
        agreements=agreements(f"id | company | from | next\n1 | ALPHA | 2020-01-01 | {next_invoice}"),
    )
    assert words in planned.reason
    assert bool(planned.writes) is not bool(words)


@pytest.mark.parametrize("recaps", [{}, {1: Recap(1)}, {1: Recap(1, unbilled_periods=0)}, {2: Recap(2)}])
@pytest.mark.parametrize(
    ("next_invoice", "cycle", "periods"),
    [
        ("2024-12-01", "Monthly", 24),
        ("2026-10-31", "Monthly", 0),
        ("2026-09-30", "Monthly", 2),
        ("2026-08-31", "Monthly", 3),
        ("2026-03-01", "Quarterly", 3),
    ],
)
def test_a_next_invoice_date_several_periods_back_blocks_whatever_the_recaps_say(
    books: Books, recaps: dict[int, Recap], next_invoice: str, cycle: str, periods: int
) -> None:
    """The list may be empty, lack the number, or contradict the date: an old month is never changed."""
    planned = books.plan(
        yaml=ALPHA + "lines: {MSP-EP: {take: last}}\n",
        bill=MORE,
        recaps=recaps,
        agreements=agreements(f"id | company | next | cycle\n1 | ALPHA | {next_invoice} | {cycle}"),
        lines="id | qty | from\n11 | 20 | 2024-01-01",
    )
    assert planned.writes == []
    assert (f"{periods} periods are not invoiced yet" in planned.reason) is bool(periods)


@pytest.mark.parametrize("told", ["no recap", "no number"])
def test_agreements_whose_periods_cannot_be_checked_are_said_once(books: Books, told: str) -> None:
    names = ["Alpha", "Beta", "Gamma"]
    planned = books.plan(
        yaml="mappings:\n  EP: {product: MSP-EP, sync: true}\n" + customers(names),
        recaps={2: Recap(2, unbilled_periods=0)} | ({} if told == "no recap" else {1: Recap(1), 3: Recap(3)}),
        agreements=agreements("id | company\n1 | ALPHA\n2 | BETA\n3 | GAMMA"),
        bill=bill("\n".join(["tenant | code | units", *(f"{name} | EP | 4" for name in names)])),
        last=bill("\n".join(["tenant | code | units", *(f"{name} | EP | 4" for name in names)]), OCTOBER),
        lines="id | on | qty\n11 | 1 | 4\n12 | 2 | 4\n13 | 3 | 4",
    )
    assert planned.codes == ["unbilled-periods-unknown"]
    assert "2 agreements (#1 ALPHA, #3 GAMMA)" in planned.said("unbilled-periods-unknown")


FIRST, SECOND = date(2026, 9, 1), date(2026, 12, 1)


@pytest.mark.parametrize(
    ("recap", "shown"),
    [
        (
            Recap(1, FIRST, Decimal("1234.5"), SECOND, Decimal(2500), 2),
            " (last invoice 2026-09-01: 1,234.50 EUR, next invoice 2026-12-01: 2,500.00 EUR);",
        ),
        (Recap(1, FIRST, None, None, None, 2), " (last invoice 2026-09-01);"),
        (Recap(1, None, None, None, Decimal(0), 2), " (next invoice: 0.00 EUR);"),
        (Recap(1, None, None, SECOND, Decimal(90), 2), " (next invoice 2026-12-01: 90.00 EUR);"),
        (Recap(1, unbilled_periods=2), ";"),
    ],
)
def test_periods_that_wait_are_said_with_their_invoices(books: Books, recap: Recap, shown: str) -> None:
    planned = books.plan(bill=MORE, recaps={1: recap})
    assert f"2 periods are not invoiced yet{shown} a new quantity would change all of them" in planned.reason
    assert planned.writes == []


# --- the day


@pytest.mark.parametrize(
    ("zone", "today", "closed", "line"),
    [
        ("America/Sao_Paulo", date(2026, 11, 30), False, 11),
        ("Europe/Lisbon", date(2026, 11, 30), False, 11),
        ("Australia/Sydney", date(2026, 12, 1), True, 12),
    ],
)
def test_a_run_at_half_past_eleven_at_night_utc(
    books: Books, zone: str, today: date, closed: bool, line: int
) -> None:
    """The site's own day decides whether the windows have ended and which line is in force.

    The agreement has no next invoice date, so that the day is today's; its line changes on 1 December.
    """
    now = datetime(2026, 11, 30, 23, 30, tzinfo=UTC).astimezone(ZoneInfo(zone)).date()
    assert now == today
    month = bill("tenant | code | units | from | to\nAlpha | EP | 22 | 2026-11-01 | 2026-11-30")
    period = period_of(month, now)
    assert period is not None
    assert period.closed is closed
    planned = books.plan(
        bill=month,
        today=now,
        closed=period.closed,
        agreements=agreements("id | company | next\n1 | ALPHA | none"),
        lines="id | qty | from | to\n11 | 20 | | 2026-11-30\n12 | 20 | 2026-12-01 |",
    )
    (row,) = planned.plan.lines
    assert (row.line_id, row.shadow) == (line, not closed)


def test_a_running_month_is_a_forecast(books: Books) -> None:
    planned = books.plan(bill=MORE, closed=False)
    expect(planned, "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR")
    assert (planned.writes, planned.plan.lines[0].shadow) == ([], True)


@pytest.mark.parametrize(
    ("site", "own", "written"),
    [("live", "", True), ("shadow", "", False), ("shadow", "live", True), ("live", "shadow", False)],
)
def test_shadow_plans_everything_and_writes_nothing(books: Books, site: str, own: str, written: bool) -> None:
    yaml = ALPHA.replace("agreement: Managed", f"agreement: Managed, mode: {own}") if own else ALPHA
    planned = books.plan(bill=MORE, yaml=yaml, settings=SETTINGS.replace("mode: live", f"mode: {site}"))
    expect(planned, "Alpha MSP-EP #11 more 20→22 90.00→99.00 EUR")
    assert bool(planned.writes) is written


def test_two_tenants_of_which_one_is_in_shadow(books: Books) -> None:
    own = "company: ALPHA, nameDiffers: true, agreement: Managed, sync: true, mode: shadow"
    yaml = f"{ALPHA}  <Beta>: {{name: Beta, {own}}}\n"
    planned = books.plan(yaml=yaml, bill=bill("tenant | code | units\nAlpha | EP | 12\nBeta | EP | 10"))
    assert (planned.states, planned.writes) == (["Alpha + Beta MSP-EP more"], [])


def test_a_months_number_waits_for_an_older_invoice_that_is_not_made(books: Books) -> None:
    """November's usage ends on 25 November; the invoice of 1 November is still to be made."""
    late = agreements("id | company | next\n1 | ALPHA | 2026-11-01")
    planned = books.plan(bill=MORE, agreements=late)
    assert planned.writes == []
    assert "Make that invoice first" in planned.reason

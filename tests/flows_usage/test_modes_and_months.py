"""Shadow writes nothing, a forecast writes nothing, and an older month than the newest closed is refused."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import (
    DECEMBER,
    NOVEMBER,
    OCTOBER,
    SEPTEMBER,
    USAGE,
    Books,
    rows,
    update,
    updates,
)
from tests.support import status

if TYPE_CHECKING:
    from pathlib import Path


# --- shadow


def test_shadow_plans_everything_and_writes_no_line(busy: Books) -> None:
    plan = busy.shadow().plan()
    assert (plan.code, plan.ids) == (0, [])
    assert rows(plan) == [
        "Alder MSP-EP more (shadow) 10→12 8.00 EUR",
        "Alder MSP-SV unchanged (shadow) 3→3 0.00 EUR",
        "Birch MSP-EP less (shadow) 20→18 -8.00 EUR",
        "Cedar MSP-SV more (shadow) 4→5 6.50 EUR",
    ]
    assert "Mode shadow: no line is written. Live, this plan would change invoices by +6.50 EUR" in (
        busy.run("plan", str(busy.folder)).out
    )
    busy.forget()
    assert (busy.apply().code, busy.patches) == (0, [])


def test_read_only_keys_are_enough_for_shadow(tmp_path: Path) -> None:
    site = Books(tmp_path, member="readonly")
    site.customer("Alder", ep=(10, 10, 12))
    assert rows(site.shadow().plan()) == ["Alder MSP-EP more (shadow) 10→12 8.00 EUR"]
    assert site.patches == []
    assert site.apply().code == 0
    assert site.patches == []
    assert all(one.startswith(("GET ", "POST ")) for one in site.asked("connectwise"))


def test_read_only_keys_on_a_live_site_fail_at_the_write_and_say_which_permission(tmp_path: Path) -> None:
    site = Books(tmp_path, member="readonly")
    site.customer("Alder", ep=(10, 10, 12))
    applied = site.live().apply()
    assert (applied.code, site.quantity(1)) == (4, 10)
    assert "Probably missing" in applied.json["outcomes"][0]["message"]


def test_one_live_customer_on_a_shadow_site_is_the_only_one_written(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(20, 20, 18), more=", mode: live")
    plan = books.shadow().plan()
    assert updates(plan) == [update(2, "MSP-EP")]
    assert "Mode shadow at 1 customer" in books.run("plan", str(books.folder)).out
    books.apply()
    assert books.patches == [("/finance/agreements/2/additions/2", {"quantity": 18})]


def test_one_shadow_customer_on_a_live_site_is_the_only_one_left_alone(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(20, 20, 18), more=", mode: shadow")
    assert updates(books.live().plan()) == [update(1, "MSP-EP")]


def test_products_are_written_in_shadow_too(books: Books) -> None:
    books.product("em", tagged=False)
    books.customer("Alder", em=(10, 10, 12))
    assert books.shadow().apply().code == 0
    assert books.notes("MSP-EM") == "[sophos:main EM-MSP]"
    assert books.quantity(1) == 10


# --- the running month


@pytest.fixture
def running(busy: Books) -> Books:
    """December's bill so far."""
    for name, code, units in (("Alder", "EP-MSP", 14), ("Alder", "SV-MSP", 3), ("Birch", "EP-MSP", 18)):
        busy.world.add_usage_line(DECEMBER, name, code, units)
    busy.world.add_usage_line(DECEMBER, "Cedar", "SV-MSP", 5)
    return busy


def test_a_running_month_is_a_forecast_and_never_written(running: Books) -> None:
    plan = running.plan("--period", "2026-12")
    assert (plan.json["period"]["closed"], updates(plan)) == (False, [])
    assert "Alder MSP-EP more (shadow) 10→14 16.00 EUR" in rows(plan)
    assert "still running: a forecast" in running.run("plan", str(running.folder), "--period", "2026-12").out
    file = running.save("--period", "2026-12")
    running.forget()
    assert (running.apply(file).code, running.patches) == (0, [])


def test_without_a_period_the_running_month_is_passed_over(running: Books) -> None:
    assert running.plan().json["period"]["month"] == "2026-11"


# --- older months


def _october(site: Books) -> Path:
    """A saved plan of October, which changes a line; September's bill is there to compare with."""
    for name, code, units in (("Alder", "EP-MSP", 10), ("Alder", "SV-MSP", 3), ("Birch", "EP-MSP", 19)):
        site.world.add_usage_line(SEPTEMBER, name, code, units)
    site.world.add_usage_line(SEPTEMBER, "Cedar", "SV-MSP", 4)
    site.world.addition(1)["quantity"] = 11.0
    return site.save("--period", "2026-10")


def test_a_plan_of_an_older_month_is_shown_and_refused_by_apply(busy: Books) -> None:
    file = _october(busy)
    assert updates(busy.plan("--period", "2026-10")) == [update(1, "MSP-EP")]
    busy.forget()
    applied = busy.apply(file)
    assert (applied.code, applied.json["outcomes"], busy.patches) == (5, [], [])
    (said,) = [d for d in applied.json["diagnostics"] if d["code"] == "month-closed-since"]
    assert "the quantities of Sophos October 2026, and November 2026 has closed" in said["message"]
    told = busy.apply_text(file)
    assert (told.code, "November 2026 has closed. Nothing was written." in told.err) == (5, True)
    assert "Plan again" in told.err


def test_a_plan_of_an_older_month_says_that_apply_refuses_it(busy: Books) -> None:
    _october(busy)
    file = busy.root / "october.json"
    said = busy.run("plan", str(busy.folder), "--period", "2026-10", "--out", str(file))
    assert "[older-month] Apply writes the newest closed month only. November 2026 has closed if" in said.out
    assert "Apply exactly this with" not in said.err
    assert "Not to be applied once a newer month has closed" in said.err
    assert busy.apply(file).code == 5
    for options in (("--period", "2026-11"), ("--period", "2026-10", "--scope", "products"), ()):
        assert "older-month" not in busy.plan(*options).codes
    busy.today = date(2026, 11, 25)
    assert "older-month" not in busy.plan("--period", "2026-10").codes, "November still runs"


def test_a_month_that_has_not_begun_is_no_request_that_failed(busy: Books) -> None:
    plan = busy.plan("--period", "2027-05")
    said = plan.diagnostic("usage-unknown")
    assert (plan.code, said["message"][:24]) == (4, "May 2027 has not begun. ")
    assert "request" not in said["remedy"]
    assert plan.diagnostic("usage-no-data")["message"] == "May 2027 has not begun."
    busy.break_("GET", f"{USAGE}/2026/11", status(500))
    assert "the request that failed" in busy.plan().diagnostic("usage-unknown")["remedy"]


def test_a_plan_outlives_its_month_only_until_the_next_one_closes(busy: Books) -> None:
    busy.today = date(2026, 11, 20)
    file = _october(busy)
    assert busy.plan().json["period"]["month"] == "2026-10"
    for day in (25, 26):  # the 26th begins later in the west than in Lisbon
        busy.today = date(2026, 11, day)
        busy.world.addition(1)["quantity"] = 11.0
        assert busy.apply(file).code == 0
    busy.today = date(2026, 11, 27)
    busy.world.addition(1)["quantity"] = 11.0
    assert busy.apply(file).code == 5


def test_an_older_plan_without_lines_is_applied(busy: Books) -> None:
    busy.product("em", tagged=False)
    _october(busy.live())
    file = busy.save("--period", "2026-10", "--scope", "products")
    assert busy.apply(file).code == 0
    assert busy.notes("MSP-EM") == "[sophos:main EM-MSP]"


def test_where_sophos_cannot_say_what_has_closed_nothing_is_written(busy: Books) -> None:
    file = _october(busy)
    busy.break_("GET", f"{USAGE}/2026/11", status(500))
    busy.forget()
    said = busy.apply_text(file)
    assert (said.code, busy.patches) == (1, [])
    assert "sophos-unreachable" in said.err


def test_the_check_costs_no_more_than_the_months_after_the_plans_own(busy: Books) -> None:
    file = busy.save()
    busy.forget()
    assert busy.apply(file).code == 0
    assert [one for one in busy.asked("sophos") if USAGE in one] == []


# --- months that cannot be read


def test_an_older_month_never_stands_in_for_one_that_cannot_be_read(busy: Books) -> None:
    busy.world.addition(1)["quantity"] = 11.0
    busy.break_("GET", f"{USAGE}/2026/11", status(500))
    plan = busy.plan()
    assert (plan.code, plan.ids, plan.json["lines"]) == (4, [], [])
    assert "Sophos's usage of November 2026 could not be read" in plan.diagnostic("usage-unknown")["message"]
    assert "sophos-unreachable" in plan.codes
    busy.forget()
    assert (busy.apply().code, busy.patches) == (4, [])


def test_without_last_month_the_feed_cannot_be_checked_and_nothing_is_written(busy: Books) -> None:
    busy.break_("GET", f"{USAGE}/2026/10", status(500))
    plan = busy.plan()
    assert (plan.code, plan.ids) == (4, [])
    assert "October 2026 could not be read" in plan.diagnostic("usage-unknown")["message"]


def test_without_a_month_to_compare_with_nothing_is_written_no_product_either(busy: Books) -> None:
    busy.product("em", tagged=False)
    busy.live().world.usage.pop(OCTOBER)
    plan = busy.plan()
    assert (plan.code, plan.codes) == (3, ["feed-unchecked"])
    assert {tuple(change["blockedBy"]) for change in plan.changes} == {("feed-unchecked",)}
    file = busy.save()
    busy.forget()
    assert [busy.apply(source).code for source in (None, file)] == [3, 3]
    assert busy.patches == []
    ready = busy.run("ready", "--invoice-date", "2026-12-01", "--dir", str(busy.folder))
    assert (ready.code, "[feed-unchecked]" in ready.out) == (4, True)


def test_the_first_month_is_written_where_a_reviewed_change_says_so(busy: Books) -> None:
    busy.world.usage.pop(OCTOBER)
    busy.live(settings=", guards: {feedTenants: off}")
    plan = busy.plan()
    assert (plan.code, len(updates(plan)), plan.codes) == (0, 3, ["feed-unchecked"])
    assert busy.apply().code == 0


def test_a_period_without_data_is_not_zero(busy: Books) -> None:
    busy.world.usage.pop(NOVEMBER)
    plan = busy.plan("--period", "2026-11")
    assert (plan.code, plan.ids, plan.json["lines"]) == (4, [], [])
    assert "not the same as no usage" in plan.diagnostic("usage-unknown")["message"]


def test_months_of_a_product_plan_only_inform(busy: Books) -> None:
    busy.break_("GET", f"{USAGE}/2026/11", status(500))
    assert busy.plan("--scope", "products").code == 0

"""`ready`, `score` and frozen usage, from the command line."""

from __future__ import annotations

import csv
import io
import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows_usage.books import BUNDLES, DECEMBER, USAGE, Books, update, updates
from tests.support import URL, lost_before, never_connected, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Said


# --- ready


def ready(site: Books, *options: str, date: str = "2026-12-01") -> Said:
    """`ready` for the invoices of a date."""
    return site.run("ready", "--invoice-date", date, "--dir", str(site.folder), *options)


def test_no_until_the_lines_are_written_then_yes(busy: Books) -> None:
    said = ready(busy)
    assert said.code == 4
    assert said.out.startswith(
        "No: invoices of 1 Dec 2026 have to wait. 0 of 3 customers with lines on this invoice are ready.\n"
    )
    assert "MSP-EP #1" in said.out
    assert "10 → 12 still has to be written" in said.out
    busy.apply()
    said = ready(busy)
    assert said.code == 0
    assert said.out.startswith(
        "Yes: invoices of 1 Dec 2026 may be made. 3 of 3 customers with lines on this invoice are ready."
    )
    assert "holds through 1 Dec 2026 (the invoice date)" in said.out


@pytest.mark.parametrize("given", [(), ("--invoice-date", "")])
@pytest.mark.parametrize(
    ("today", "first"),
    [("2026-11-27", "2026-12-01"), ("2026-12-31", "2027-01-01"), ("2028-02-29", "2028-03-01")],
)
def test_the_invoices_are_those_of_the_first_of_next_month_unless_said(
    busy: Books, given: tuple[str, ...], today: str, first: str
) -> None:
    busy.today = date.fromisoformat(today)
    said = busy.run("ready", "--dir", str(busy.folder), "--format", "json", *given)
    assert said.json["invoiceDate"] == first


def test_ready_as_json(busy: Books) -> None:
    told = ready(busy, "--format", "json")
    assert (told.code, told.json["ready"], told.json["customers"]) == (4, False, {"all": 3, "ready": 0})
    assert [(one["customer"], one["kind"], one["line"]) for one in told.json["reasons"]] == [
        ("Alder", "write", 1),
        ("Birch", "write", 3),
        ("Cedar", "write", 4),
    ]
    busy.apply()
    told = ready(busy, "--format", "json")
    assert (told.code, told.json["ready"], told.json["holdsUntil"]) == (0, True, "2026-12-01")


@pytest.mark.parametrize(("october", "code"), [(5, 0), (0, 4)], ids=["first month", "second month"])
def test_a_customer_without_usage_stops_its_invoice_from_the_second_month_on(
    books: Books, october: float, code: int
) -> None:
    for number in range(20):  # the feed is complete without it
        books.customer(f"Alder {number:02}", ep=(10, 10, 10))
    books.customer("Birch", ep=(5, october, 0))
    books.live()
    said = ready(books)
    assert (said.code, "20 of 21 customers with lines on this invoice are ready" in said.out) == (
        code,
        code == 4,
    )
    assert "It bills 20.00 EUR a month" in said.out
    plan = books.run("plan", str(books.folder))
    assert (plan.code, "for at least two months" in plan.out) == (code, code == 4)
    assert ("because of 1 line billed without Sophos usage." in plan.err) == (code == 4)
    (line,) = [one for one in books.plan().json["lines"] if one["customer"] == "Birch"]
    assert line["monthsWithoutUsage"] == (1 if october else 2)
    shown = books.run("show", str(books.save()), "--format", "csv").out
    assert ("for at least two months" in shown) is (code == 4)


def test_ready_writes_nothing(busy: Books) -> None:
    busy.forget()
    ready(busy)
    assert busy.patches == []


def test_shadow_says_no_even_where_every_line_is_right(busy: Books) -> None:
    busy.apply()
    busy.shadow()
    said = ready(busy)
    assert (said.code, "Mode shadow: nothing is written" in said.out) == (4, True)


def test_customers_that_are_live_on_a_shadow_site_may_be_invoiced(books: Books) -> None:
    books.customer("Alder", ep=(10, 10, 12), more=", mode: live")
    assert ready(books.shadow()).code == 4
    books.apply()
    assert ready(books).code == 0
    books.customer("Birch", ep=(12, 10, 12))
    said = ready(books.shadow())
    assert (said.code, "1 of 2 customers with lines on this invoice are ready" in said.out) == (4, True)


def test_shadow_says_no_where_not_even_a_line_is_there(books: Books) -> None:
    said = ready(books.shadow())
    assert (said.code, "Mode shadow" in said.out) == (4, True)


@pytest.mark.parametrize("path", [f"{USAGE}/2026/11", f"{USAGE}/2026/10", "/partner/v1/tenants"])
def test_what_cannot_be_read_is_no_yes(busy: Books, path: str) -> None:
    busy.apply()
    busy.break_("GET", path, status(500))
    said = ready(busy)
    assert (said.code, "could not be read" in said.out) == (4, True)


def test_a_pending_product_change_says_no(busy: Books) -> None:
    busy.apply()
    busy.product("em", tagged=False)
    busy.live()
    said = ready(busy)
    assert (said.code, "A change of product MSP-EM is pending" in said.out) == (4, True)


@pytest.mark.parametrize("date", ["2026-13-01", "1 Dec", " "])
def test_a_date_that_is_none_is_a_usage_error(busy: Books, date: str) -> None:
    busy.forget()
    assert (ready(busy, date=date).code, busy.requests) == (64, []), "said before anything is read"


def test_a_date_on_which_nobody_is_invoiced_says_no(busy: Books) -> None:
    busy.apply()
    said = ready(busy, date="2026-12-15")
    assert (said.code, "No agreement is invoiced on 15 Dec 2026" in said.out) == (4, True)


# --- score


@pytest.fixture
def scored(busy: Books) -> Path:
    """An old shadow plan; since then people wrote one line as it said, another otherwise, and one is gone."""
    file = busy.shadow().save()
    busy.world.addition(1)["quantity"] = 12.0
    busy.world.addition(3).update(quantity=17.0, _info=busy.world.info("sampleadmin"))
    busy.world.tables["additions"].pop(4)
    busy.forget()
    return file


def test_score_as_text(busy: Books, scored: Path) -> None:
    said = busy.run("score", str(scored))
    assert said.code == 0
    assert "2 of 4 lines stand as Sophos's bill says; the others are invoiced -4.00 EUR a month" in said.out
    assert "another number" in said.out
    assert "sampleadmin" in said.out
    assert "line gone" in said.out


def test_score_as_json(busy: Books, scored: Path) -> None:
    said = busy.run("score", str(scored), "--format", "json")
    rows = [line for one in said.json["customers"] for line in one["lines"]]
    assert [(row["customer"], row["product"], row["match"]) for row in rows] == [
        ("Alder", "MSP-EP", "agreed"),
        ("Alder", "MSP-SV", "agreed"),
        ("Birch", "MSP-EP", "another number"),
        ("Cedar", "MSP-SV", "line gone"),
    ]
    assert rows[2]["quantity"] == {"was": "20", "bill": "18", "tool": "18", "line": "17"}
    assert rows[2]["differs"] == ["line"]


def test_score_as_csv(busy: Books, scored: Path) -> None:
    said = busy.run("score", str(scored), "--format", "csv", "--separator", "semicolon")
    rows = list(csv.DictReader(io.StringIO(said.out.removeprefix("\ufeff")), delimiter=";"))
    assert [row["Difference per month"] for row in rows] == ["0,00", "0,00", "-4,00", ""]


@pytest.mark.parametrize(
    ("form", "start"), [("text", "Plan of 2026-11-27"), ("json", "{"), ("csv", "\ufeffCustomer,")]
)
def test_score_into_a_file_is_what_it_prints(busy: Books, scored: Path, form: str, start: str) -> None:
    file = busy.root / "score.out"
    printed = busy.run("score", str(scored), "--format", form)
    said = busy.run("score", str(scored), "--format", form, "--report", str(file))
    assert (said.code, said.out) == (0, "")
    assert file.read_bytes().decode() == printed.out
    assert printed.out.startswith(start)


def test_score_asks_connectwise_only_and_writes_nothing(busy: Books, scored: Path) -> None:
    busy.run("score", str(scored))
    assert busy.asked("sophos") == []
    assert busy.patches == []
    assert sum(BUNDLES in one for one in busy.asked("connectwise")) == 1


def test_score_against_another_instance_is_refused(busy: Books, scored: Path) -> None:
    busy.environ["CONNECTWISE_URL"] = URL.replace("127.0.0.1", "localhost")
    said = busy.run("score", str(scored))
    assert (said.code, "another-instance" in said.err, said.out) == (1, True, "")


def test_score_of_what_is_no_plan(busy: Books) -> None:
    file = busy.root / "plan.json"
    file.write_text("{}", encoding="utf-8")
    assert busy.run("score", str(file)).code == 1


# --- frozen usage


@pytest.fixture
def frozen(busy: Books) -> Path:
    """The site's usage, frozen."""
    file = busy.root / "usage.json"
    busy.forget()
    assert busy.run("usage", "--out", str(file), "--dir", str(busy.folder)).code == 0
    return file


def test_freezing_asks_sophos_only(busy: Books, frozen: Path) -> None:
    assert busy.asked("connectwise") == []
    assert busy.asked("sophos")


def test_a_plan_from_frozen_usage_is_the_live_one_and_asks_sophos_nothing(busy: Books, frozen: Path) -> None:
    live = busy.plan()
    busy.forget()
    plan = busy.plan("--usage", str(frozen))
    assert busy.asked("sophos") == []
    assert (plan.json["hash"], plan.json["lines"]) == (live.json["hash"], live.json["lines"])
    assert plan.json["usageNotes"] == live.json["usageNotes"]


def test_it_works_while_sophos_cannot_be_reached(busy: Books, frozen: Path) -> None:
    for path in ("/api/v2/oauth2/token", "/whoami/v1", "/partner/*", "/licenses/*"):
        for verb in ("GET", "POST"):
            busy.break_(verb, path, never_connected)
    assert busy.run("plan", str(busy.folder)).code == 1
    busy.environ.pop("SOPHOS_CLIENT_SECRET")
    assert len(updates(busy.plan("--usage", str(frozen)))) == 3


def test_a_frozen_month_stays_as_it_was(busy: Books, frozen: Path) -> None:
    busy.world.usage[2026, 11][0]["billableQuantity"] = 14
    assert busy.plan("--usage", str(frozen)).fields(update(1, "MSP-EP")) == {"quantity": ("10", "12")}


def test_a_plan_from_frozen_usage_can_be_saved_and_applied(busy: Books, frozen: Path) -> None:
    file = busy.save("--usage", str(frozen))
    assert busy.apply(file).code == 0
    assert busy.plan().ids == []


def test_a_plan_from_an_older_frozen_month_is_refused_by_apply(busy: Books) -> None:
    for name, code in (("Alder", "EP-MSP"), ("Birch", "EP-MSP"), ("Cedar", "SV-MSP")):
        busy.world.add_usage_line((2026, 9), name, code, 1)  # the bill that October's is compared with
    busy.today = busy.today.replace(day=20)
    file = busy.root / "usage.json"
    busy.run("usage", "--out", str(file), "--dir", str(busy.folder))
    busy.today = busy.today.replace(day=27)
    busy.world.addition(1)["quantity"] = 9.0
    plan = busy.save("--usage", str(file), "--period", "2026-10")
    busy.forget()
    assert (busy.apply(plan).code, busy.patches) == (5, [])


def test_the_file_holds_no_contact_data(busy: Books, frozen: Path) -> None:
    text = frozen.read_text(encoding="utf-8")
    keys = _keys(json.loads(text))
    sent = {key for line in busy.world.usage[2026, 11] for key in line}
    assert {key for key in sent if "contact" in key.lower()}, "Sophos does send them"
    assert not {key for key in keys if "contact" in key.lower() or "mail" in key.lower()}
    for word in ("@customer.example", "Sample Contact", "Example Street", "Exampleton", "secret"):
        assert word not in text


def _keys(data: Any) -> set[str]:
    if isinstance(data, dict):
        return set(data).union(*map(_keys, data.values()))
    return set().union(*map(_keys, data)) if isinstance(data, list) else set()


@pytest.mark.parametrize(
    ("damage", "code"),
    [
        (lambda text: text.replace('"billable": "12"', '"billable": "13"'), "usage-file-damaged"),
        (lambda text: text.replace('"formatVersion": "1.0"', '"formatVersion": "9.0"'), "usage-file-version"),
        (lambda text: text[:-20], "usage-file-format"),
        (lambda text: "", "usage-file-format"),
        (lambda text: "[]", "usage-file-format"),
        (lambda text: text.replace('"group"', '"contactName"'), "usage-file-format"),
    ],
)
def test_a_damaged_file_is_refused(
    busy: Books, frozen: Path, damage: Callable[[str], str], code: str
) -> None:
    text = frozen.read_text(encoding="utf-8")
    assert damage(text) != text
    frozen.write_text(damage(text), encoding="utf-8")
    busy.forget()
    said = busy.run("plan", str(busy.folder), "--usage", str(frozen))
    assert (said.code, said.out, busy.requests) == (1, "", [])
    assert f"error [{code}]" in said.err
    assert "reeze the month again" in said.err


def test_a_file_that_is_not_there(busy: Books) -> None:
    said = busy.run("plan", str(busy.folder), "--usage", str(busy.root / "none.json"))
    assert (said.code, "file-unreadable" in said.err) == (1, True)


def test_a_plan_is_no_frozen_month_and_a_frozen_month_is_no_plan(busy: Books, frozen: Path) -> None:
    plan = busy.save()
    assert "usage-file-format" in busy.run("plan", str(busy.folder), "--usage", str(plan)).err
    assert "plan-unreadable" in busy.apply_text(frozen).err


def test_a_month_that_the_file_does_not_hold_is_said(busy: Books, frozen: Path) -> None:
    said = busy.run("plan", str(busy.folder), "--usage", str(frozen), "--period", "2026-05")
    assert (said.code, said.out) == (1, "")
    assert "The frozen usage holds 2026-09, 2026-10, 2026-11, and 2026-05 is asked for" in said.err


def test_a_file_keeps_its_use_when_the_next_month_begins(busy: Books, frozen: Path) -> None:
    busy.today = busy.today.replace(month=12, day=3)
    busy.world.add_usage_line(DECEMBER, "Alder", "EP-MSP", 14)
    assert busy.plan("--usage", str(frozen)).json["period"]["month"] == "2026-11"


@pytest.mark.parametrize("path", [f"{USAGE}/2026/11", f"{USAGE}/2026/10", "/partner/v1/tenants"])
def test_nothing_is_frozen_where_a_part_cannot_be_read(busy: Books, path: str) -> None:
    busy.break_("GET", path, lost_before)
    file = busy.root / "usage.json"
    said = busy.run("usage", "--out", str(file), "--dir", str(busy.folder))
    assert (said.code, file.exists()) == (1, False)
    assert "sophos-unreachable" in said.err

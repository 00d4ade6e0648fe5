"""Lists that come short with status 200, when a plan is made or when it is applied: no line is doubled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import Books, results
from tests.flows_usage.line_flows import create
from tests.support import first, status

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support import Send

SHORT = ("agreements", "additions", "catalog", "bundle-item")


def elsewhere(root: Path, short: str = "off", times: str = "always", *, count: str = "present") -> Books:
    """A customer whose units stand on another agreement, the last one that is listed, as its only line.

    Whichever list lacks its last record, a plan that believes it bills the units a second time.
    """
    books = Books(root, quirks={"short-list": short, "short-times": times, "count": count})
    books.customer("Alder", ep=(None, 12, 12))
    books.customer("Birch")
    old = books.world.add_agreement("ALDER", "Old")["id"]
    books.line(old, "MSP-EP", 12)
    return books.live()


def units(books: Books) -> float:
    """What is billed on 1 December, over all lines."""
    day = "2026-12-01T00:00:00Z"
    rows = books.world.tables["additions"].values()
    return float(sum(row["quantity"] for row in rows if (row.get("cancelledDate") or "9999") >= day))


@pytest.mark.parametrize("short", SHORT)
@pytest.mark.parametrize("times", ["always", "1", "2", "3"])
def test_a_short_list_never_leads_to_a_second_line(tmp_path: Path, short: str, times: str) -> None:
    books = elsewhere(tmp_path, short, times)
    for _ in range(3):
        books.run("apply", str(books.folder), "--yes")
    assert units(books) == 12


def test_a_list_of_agreements_that_stays_short_makes_no_plan(tmp_path: Path) -> None:
    """On an agreement that it lacks, lines bill unseen: both numbers are said, and nothing is planned."""
    said = elsewhere(tmp_path, "agreements").run("plan", str(tmp_path / "mappings"))
    assert (said.code, said.out) == (1, "")
    assert "the list holds 2 records, and 127.0.0.1:1 counts 3" in said.err


def lists(books: Books, short: str, times: int | None = None) -> Books:
    """The same server, whose lists are whole or short from now on, and which counts them."""
    books.app.state.site.quirks["count"] = "present"
    books.app.state.site.short_lists.which = short
    books.app.state.site.short_lists.left = times
    books.forget()
    return books


@pytest.mark.parametrize("short", SHORT)
def test_a_plan_of_a_short_moment_does_not_double_on_a_healthy_server(tmp_path: Path, short: str) -> None:
    """The server did not count when the plan was made, and does so when it is applied."""
    books = elsewhere(tmp_path, short, count="absent")
    file = books.save()
    lists(books, "off").apply(file)
    assert units(books) == 12


def test_an_agreement_that_the_plan_did_not_know_is_found_and_named(tmp_path: Path) -> None:
    books = elsewhere(tmp_path, "agreements", count="absent")
    file = books.save()
    assert create(1, "MSP-EP") in books.plan().ids
    applied = lists(books, "off").apply(file)
    assert (applied.code, books.writes) == (5, [])
    (stale,) = applied.json["stale"]
    assert stale["what"].startswith(
        "line #1 of MSP-EP on agreement #3 has 12 units now, the plan expected no "
    )


def test_a_tagged_product_that_the_plan_did_not_know_is_a_rival(tmp_path: Path) -> None:
    """Its tag remembers the code: its line may bill the same units."""
    books = Books(tmp_path, quirks={"short-list": "catalog"})
    agreement = books.customer("Alder", ep=(None, 12, 12))
    books.customer("Birch")
    books.world.add_catalog_item("MSP-OLD", notes="[sophos:main EP-MSP (former)]", price=4.0)
    books.line(agreement, "MSP-OLD", 12, by="jane")
    books.live()
    lists(books, "catalog", 1)
    file = books.save()
    applied = lists(books, "off").apply(file)
    assert (applied.code, books.writes) == (5, [])
    assert "line #1 of MSP-OLD on agreement #1 has 12 units now" in applied.json["stale"][0]["what"]


@pytest.fixture
def reviewed(tmp_path: Path) -> tuple[Books, Path]:
    """A plan of a healthy moment, with a new line for each of two customers."""
    books = Books(tmp_path)
    for name in ("Alder", "Birch"):
        books.customer(name, ep=(None, 10, 12), sv=(3, 3, 3))
    return books, books.live().save()


@pytest.mark.parametrize(
    ("short", "held", "counted"), [("agreements", "1 record", 2), ("catalog", "1 record", 2)]
)
def test_a_list_that_stays_short_stops_the_run_with_both_numbers(
    reviewed: tuple[Books, Path], short: str, held: str, counted: int
) -> None:
    books, file = reviewed
    applied = lists(books, short).apply(file)
    assert (applied.code, books.writes) == (5, [])
    numbers = f"the list holds {held}, and 127.0.0.1:1 counts {counted}"
    assert {numbers in one["what"] for one in applied.json["stale"]} == {True}
    assert len(applied.json["stale"]) == 2


def test_an_empty_entry_of_a_bundle_is_read_by_itself(reviewed: tuple[Books, Path]) -> None:
    books, file = reviewed
    applied = lists(books, "bundle-item").apply(file)
    assert (applied.code, set(results(applied).values())) == (0, {"applied"})
    again = [one for one in books.asked("connectwise") if one.endswith("/2/additions")]
    assert again[0].startswith("GET"), "before anything was written"


def test_a_list_that_was_short_once_is_read_again(reviewed: tuple[Books, Path]) -> None:
    books, file = reviewed
    assert lists(books, "agreements", 1).apply(file).code == 0


def test_a_server_without_counts_is_asked_once_and_gone_on_without(tmp_path: Path) -> None:
    books = Books(tmp_path, quirks={"count": "absent"})
    for number in range(12):
        books.customer(f"Alder {number}", ep=(None, 10, 12))
    books.live(settings=", guards: {runChange: off, mostChanges: off, total: off}").forget()
    assert books.apply().code == 0
    asked = [one for one in books.asked("connectwise") if one.endswith("/count")]
    assert len(asked) == 2, "by what plans, and by what writes"


def test_a_count_that_is_refused_is_asked_for_once(tmp_path: Path) -> None:
    books = Books(tmp_path)
    for number in range(12):
        books.customer(f"Alder {number}", ep=(None, 10, 12))
    books.live(settings=", guards: {runChange: off, mostChanges: off, total: off}").forget()
    asked = []

    async def refused(request: httpx.Request, send: Send) -> httpx.Response:
        asked.append(request.url.path)
        return await status(400)(request, send)

    books.break_("GET", "/count", refused)
    assert books.apply().code == 0
    assert len(asked) == 2, "by what plans, and by what writes"


def somebody_bills(books: Books) -> None:
    """A line on the third agreement."""
    books.line(3, "MSP-EP", 12, by="anna")


def test_what_came_up_between_a_folder_s_plan_and_its_first_write_stops_it(tmp_path: Path) -> None:
    """Somebody bills the units on another agreement, in the second between the two."""
    books = Books(tmp_path)
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch")
    books.world.add_agreement("ALDER", "Extra")
    books.live()
    sign_in = "/login/companyinfo/*"
    books.break_("GET", sign_in, first(lambda: somebody_bills(books)), times=1, skip=1)
    said = books.apply_text()
    assert (said.code, books.writes) == (5, [])
    assert "Stale: this plan no longer fits what is in ConnectWise. Nothing was written." in said.out
    assert "line #1 of MSP-EP on agreement #3 has 12 units now" in " ".join(said.out.split())
    assert "Plan again" in said.out

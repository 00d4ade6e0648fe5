"""Two runs of two states of the files, before and after a row's company changed: one line for its seats.

What a run can see it sees itself; the older state does not say where the seats go, so that what its run
brings last is named by the next plan.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.execution.test_overlap import added, elsewhere, open_lines
from tests.flows_usage.books import Books, message, results
from tests.flows_usage.line_flows import create, move
from tests.support import first

if TYPE_CHECKING:
    from pathlib import Path

OLD, NEW = create(1, "MSP-EP"), create(2, "MSP-EP")
MOVED = "company: OTHER, movedFrom: {company: ALDER}"


class Versions:
    """Alder, billed at its own company before the merger and at another one after it; it has no line yet."""

    def __init__(self, books: Books) -> None:
        self.books = books
        books.customer("Alder", ep=(None, 10, 12), more=", nameDiffers: true")
        books.world.add_company("OTHER", "Other")
        assert books.world.add_agreement("OTHER", "Managed")["id"] == 2
        books.customer("Birch")
        self.before = books.rows["Alder"]
        self.after = self.before.replace("company: ALDER", MOVED)

    def say(self, row: str) -> Books:
        """The files with this row of Alder."""
        self.books.rows["Alder"] = row
        return self.books.live(settings=", newLines: create")

    def older_run(self) -> None:
        """A whole run of the older state, started earlier, on a network that works."""
        self.books.mend()
        self.say(self.before)
        assert results(self.books.apply()) == {OLD: "applied"}
        self.say(self.after)

    def ends_on_one_line(self) -> None:
        """The next run of the newer state leaves the seats on one line, which is the other company's."""
        self.say(self.after)
        self.books.mend()
        assert self.books.apply().code == 0
        assert self.books.plan().ids == []
        still = [one for one in self.books.world.tables["additions"].values() if one["quantity"]]
        day = "2026-12-01"
        billing = [one for one in still if (one.get("cancelledDate") or "9") >= day]
        assert [(one["agreementId"], one["quantity"]) for one in billing] == [(2, 12)]


@pytest.fixture
def versions(tmp_path: Path) -> Versions:
    return Versions(Books(tmp_path))


def test_what_the_older_run_brings_before_the_look_stops_the_newer_one(versions: Versions) -> None:
    """Where the row says that the seats were, that is read again as well."""
    file = versions.say(versions.after).save()
    versions.older_run()
    versions.books.forget()
    applied = versions.books.apply(file)
    assert (applied.code, versions.books.writes) == (5, [])
    (stale,) = applied.json["stale"]
    assert stale["id"] == NEW
    assert (
        "line #1 of MSP-EP on agreement #1 has 12 units now, the plan expected no such line" in stale["what"]
    )
    versions.ends_on_one_line()


def test_what_it_brings_after_the_look_is_seen_once_the_line_is_there(versions: Versions) -> None:
    books = versions.say(versions.after)
    books.break_("POST", "/2/additions", first(elsewhere(versions.older_run)), times=1)
    applied = books.apply()
    assert applied.code == 4
    assert results(applied)[NEW] == "failed"
    said = message(applied, NEW)
    assert "line #1 was there first, and this one, #2, was ended before it bills" in said
    assert "it is on agreement #1" in said
    assert open_lines(books) == [1]
    assert books.plan().ids == [move(1, "MSP-EP", "line/1"), move(2, "MSP-EP")]
    versions.ends_on_one_line()


def test_what_it_brings_right_after_is_named_and_the_run_is_not_done(versions: Versions) -> None:
    books = versions.say(versions.after)
    older = first(lambda: added(books, 12))
    books.break_("GET", "/2/additions", older, times=1, skip=1)
    applied = books.apply()
    assert (applied.code, results(applied)) == (4, {NEW: "failed"})
    said = message(applied, NEW)
    assert "line #1 is there, and #2, quantity 12, from 2026-12-01 on agreement #1 may bill its seats" in said
    (named,) = books.plan().json["census"]["apart"]
    assert (named["line"], named["account"]) == (2, "unexplained")


def test_what_it_brings_at_last_is_named_by_the_next_plan(versions: Versions) -> None:
    """The older files know of no other company: nothing in them says that the seats are billed there."""
    books = versions.say(versions.before)

    def newer_run() -> None:
        books.mend()
        versions.say(versions.after)
        assert results(books.apply()) == {NEW: "applied"}

    books.break_("POST", "/1/additions", first(elsewhere(newer_run)), times=1)
    assert results(books.apply()) == {OLD: "applied"}
    planned = versions.say(versions.after).plan()
    assert planned.code == 4, "nobody is billed twice in silence"
    (named,) = planned.json["census"]["apart"]
    assert (named["line"], named["agreement"]["id"], named["account"]) == (2, 1, "unexplained")
    assert books.run("ready", str(books.folder)).code == 4


def test_other_customers_lines_where_the_seats_were_are_no_second_ones(versions: Versions) -> None:
    """Another customer stays there, with a line that this very run changes."""
    books = versions.books
    tenant = books.world.add_tenant("Annexe")
    for month, units in (((2026, 10), 3), ((2026, 11), 4)):
        books.world.add_usage_line(month, "Annexe", "EP-MSP", units)
    books.rows["Annexe"] = (
        f"{tenant['id']}: {{name: Annexe, company: ALDER, agreement: Managed, sync: true, nameDiffers: true}}"
    )
    books.line(1, "MSP-EP", 3)
    books = versions.say(versions.after)
    applied = books.apply(books.save())
    assert applied.code == 0, applied.out
    found = {one["agreementId"]: one["quantity"] for one in books.world.tables["additions"].values()}
    assert found == {1: 4, 2: 12}

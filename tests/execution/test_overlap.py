"""Two runs in the very same moment: one open line and every tag stay, and each run says what it did."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows_usage.books import Books, message, results
from tests.flows_usage.line_flows import additions, create, lines
from tests.support import first, lost_after, lost_before, status

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Applied, Fault

NEW, SECOND_ENDS = create(1, "MSP-EP"), "end_line:agreement/1/product/MSP-EP/line/2"
LAST = "2026-12-01T00:00:00Z"


class _Elsewhere:
    """A command inside of another one's event loop, as if it ran on another machine."""

    def __enter__(self) -> None:
        self._running = asyncio._get_running_loop()
        asyncio._set_running_loop(None)

    def __exit__(self, *_: object) -> None:
        asyncio._set_running_loop(self._running)


def elsewhere(command: Callable[[], Any]) -> Callable[[], None]:
    """The command as something that happens while another one runs."""

    def run() -> None:
        with _Elsewhere():
            command()

    return run


def healed(books: Books) -> None:
    """Another run, on a network that works."""
    books.mend()
    books.apply()


def added(books: Books, quantity: float, **fields: Any) -> None:
    """Somebody's new line."""
    books.line(1, "MSP-EP", quantity, effectiveDate=LAST, **fields)


@pytest.fixture
def alder(tmp_path: Path) -> Books:
    """One customer with usage and no line for it."""
    books = Books(tmp_path)
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch")
    return books.live()


def overtaken(books: Books, *faults: tuple[str, str, Fault]) -> Applied:
    """A run that another one overtakes after it looked and before it sends its own line."""

    def another() -> None:
        books.mend()
        assert results(books.apply()) == {NEW: "applied"}
        for fault in faults:
            books.break_(*fault)

    books.break_("POST", "/1/additions", first(elsewhere(another)), times=1)
    return books.apply()


def open_lines(books: Books) -> list[int]:
    """The ids of the lines that may ever bill."""
    return [
        line["id"]
        for line in lines(books)
        if not (line["quantity"] == 0 and line.get("cancelledDate") == line["effectiveDate"])
    ]


# --- lines


def test_of_two_lines_the_one_with_the_higher_id_is_ended_by_its_own_creator(alder: Books) -> None:
    applied = overtaken(alder)
    assert applied.code == 0, "what was wanted is there"
    assert results(applied) == {SECOND_ENDS: "applied", NEW: "taken back"}
    assert message(applied, NEW) == (
        "another run created line #1 at the same moment; #2 was ended before it bills"
    )
    kept, ended = lines(alder)
    assert (kept["quantity"], "cancelledDate" in kept) == (12, False)
    assert (ended["quantity"], ended["effectiveDate"], ended["cancelledDate"]) == (0, LAST, LAST)
    planned = alder.plan()
    assert (planned.code, planned.ids) == (0, [])


def test_it_is_said_to_people(alder: Books) -> None:
    alder.break_("POST", "/1/additions", first(elsewhere(lambda: healed(alder))), times=1)
    said = alder.apply_text()
    assert said.code == 0
    assert "taken back" in said.out
    assert "1 applied, 1 taken back." in said.out


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (status(400), "line #1 was there first, and this one, #2, could not be ended: ConnectWise: PATCH"),
        (lost_before, "could not be ended: ConnectWise: PATCH /finance/agreements/1/additions/2"),
    ],
)
def test_where_it_cannot_be_ended_that_is_said_and_the_next_run_heals_it(
    alder: Books, fault: Fault, says: str
) -> None:
    applied = overtaken(alder, ("PATCH", additions(1, 2), fault))
    assert (applied.code, results(applied)[NEW], open_lines(alder)) == (4, "failed", [1, 2])
    assert says in message(applied, NEW)
    assert "the next plan ends the later one, or end it in ConnectWise" in message(applied, NEW)
    alder.mend()
    planned = alder.plan()
    assert (planned.code, planned.ids) == (0, [SECOND_ENDS])
    assert planned.fields(SECOND_ENDS) == {"cancelledDate": (None, "2026-12-01"), "quantity": ("12", "0")}
    assert (alder.apply().code, open_lines(alder)) == (0, [1])
    assert alder.plan().ids == []


def test_an_end_whose_answer_is_lost_is_looked_up(alder: Books) -> None:
    applied = overtaken(alder, ("PATCH", additions(1, 2), lost_after))
    assert (applied.code, results(applied)[NEW], open_lines(alder)) == (0, "taken back", [1])


def test_where_the_list_cannot_be_read_again_that_is_said(alder: Books) -> None:
    applied = overtaken(alder, ("GET", "/1/additions", status(500)))
    assert (applied.code, results(applied)) == (0, {NEW: "applied"})
    assert "whether another run created it too could not be seen" in message(applied, NEW)
    alder.mend()
    assert alder.plan().ids == [SECOND_ENDS]


def test_a_line_of_other_terms_that_was_there_first_is_named_and_ours_ends(alder: Books) -> None:
    """A person's, or another plan's: two lines of one product would bill the units twice."""
    somebody = first(lambda: added(alder, 5, by="anna"))
    alder.break_("POST", "/1/additions", somebody, times=1)
    applied = alder.apply()
    assert (applied.code, results(applied)) == (4, {SECOND_ENDS: "applied", NEW: "failed"})
    assert "#2, was ended before it bills; but of #1: quantity is 5 instead of 12" in message(applied, NEW)
    assert open_lines(alder) == [1]


def test_the_first_one_says_that_another_came_after_it(alder: Books) -> None:
    """Its look comes after the other run's line, which that run has not ended yet."""
    alder.break_("PATCH", additions(1, 2), status(400))
    before_the_look = first(lambda: added(alder, 12))
    alder.break_("GET", "/1/additions", before_the_look, times=1, skip=2)
    applied = alder.apply()
    assert (applied.code, results(applied)) == (0, {NEW: "applied"})
    assert "#2, quantity 12, from 2026-12-01 was created right after it" in message(applied, NEW)


@pytest.mark.parametrize("serials", [["C0123"], ["C0123", "C0456"]])
def test_a_firewall_s_line_is_no_second_one_of_another_firewall(tmp_path: Path, serials: list[str]) -> None:
    books = Books(tmp_path)
    books.customer("Alder")
    books.customer("Birch")
    for serial in serials:
        for month in ((2026, 10), (2026, 11)):
            books.world.add_usage_line(month, "Alder", "EP-MSP", 1, accountNumberOrSerialNumber=serial)
    books.live("lines: {MSP-EP: {perSerial: true}}\n")
    books.break_("POST", "/1/additions", first(elsewhere(lambda: healed(books))), times=1)
    assert books.apply().code == 0
    still = [line for line in lines(books) if line["quantity"]]
    assert sorted(line["serialNumber"] for line in still) == serials


# --- the journal


def test_the_journal_has_both_and_a_rollback_does_nothing_to_the_line_that_was_taken_back(
    alder: Books,
) -> None:
    journal = overtaken(alder).json["journal"]
    shown = alder.run("show", journal, "--format", "json").json
    changes = {one["id"]: (one["result"], one["record"]) for one in shown["changes"]}
    assert changes == {NEW: ("taken back", 2), SECOND_ENDS: ("applied", 2)}
    rolled = alder.run("rollback", journal, "--format", "json")
    assert rolled.json["changes"] == []
    assert "rollback-line-ended" not in rolled.out


def test_a_rollback_of_a_run_that_could_not_end_its_second_line_ends_it(alder: Books) -> None:
    journal = overtaken(alder, ("PATCH", additions(1, 2), status(400))).json["journal"]
    alder.mend()
    rolled = alder.run("rollback", journal, "--format", "json")
    assert [one["id"] for one in rolled.json["changes"]] == [SECOND_ENDS]


# --- a server that shows writes late


def test_what_a_server_with_delayed_reads_leaves_is_found_and_healed_by_the_next_run(tmp_path: Path) -> None:
    from tests.support import wait

    books = Books(tmp_path, quirks={"read-lag": "5"})
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch")
    books.live()
    applied = overtaken(books)
    assert (applied.code, results(applied)) == (0, {NEW: "applied"})
    assert "ConnectWise does not list it yet" in message(applied, NEW)
    wait(6)
    planned = books.plan()
    (ending,) = [line for line in planned.json["lines"] if line["state"] == "ends"]
    assert "two runs created it at the same moment" in ending["reason"]
    assert planned.ids == [SECOND_ENDS]
    assert books.apply().code == 0
    wait(6)
    assert open_lines(books) == [1]
    assert books.plan().ids == []


# --- tags


@pytest.fixture
def tagging(tmp_path: Path) -> Books:
    """A product that people wrote on, and two folders that map a code each to it."""
    books = Books(tmp_path)
    books.item("MSP-SV")["notes"] = "Ask Jane before you change this."
    books.mapped = {"SV-MSP": "{product: MSP-SV, sync: true}", "EP-MSP": "{product: MSP-EP, sync: true}"}
    (books.root / "other").mkdir()
    text = "version: 1\nmappings:\n  EM-MSP: {product: MSP-SV, sync: true}\n"
    text += "  EP-MSP: {product: MSP-EP, sync: true}\nsettings: {onUnmap: keep}\n"
    (books.root / "other" / "a.yaml").write_text(text, encoding="utf-8")
    return books.live()


SV, EM = "map_product:product/MSP-SV/code/SV-MSP", "map_product:product/MSP-SV/code/EM-MSP"


def other_tag(books: Books) -> None:
    """Another run's text, made of what it read before this run wrote."""
    books.item("MSP-SV")["notes"] = "Ask Jane before you change this.\n[sophos:main EM-MSP]"


@pytest.mark.parametrize("looks", [0, 1], ids=["before the first look", "before the last look"])
def test_a_tag_that_another_run_overwrote_is_written_again(tagging: Books, looks: int) -> None:
    tagging.break_("PATCH", "/catalog/2", _then(lambda: other_tag(tagging), tagging, looks), times=1)
    applied = tagging.apply()
    assert applied.code == 0
    assert tagging.notes("MSP-SV") == "Ask Jane before you change this.\n[sophos:main EM-MSP, SV-MSP]"
    said = [one["message"] for one in applied.json["outcomes"] if one["id"] == SV]
    assert said == ["written again: another run had overwritten it"]


def _then(action: Callable[[], None], books: Books, looks: int) -> Fault:
    """After the write, and after so many further reads of products."""

    async def write(request: Any, send: Any) -> Any:
        answer = await send(request)
        books.break_("GET", "/procurement/catalog", first(action), times=1, skip=looks)
        return answer

    return write


def test_a_run_that_writes_no_tag_looks_at_none(tagging: Books) -> None:
    tagging.apply()
    tagging.forget()
    assert tagging.apply().code == 0
    assert not [one for one in tagging.asked("connectwise") if one.endswith("/catalog/2")]


def test_a_tag_that_is_kept_costs_two_reads(tagging: Books) -> None:
    tagging.plan()
    planning = len(tagging.asked("connectwise"))
    tagging.forget()
    tagging.apply()
    fresh = 1 + 3  # where the API is; the product, the tagged ones and their number
    assert len(tagging.asked("connectwise")) - planning == fresh + 2 + 2


def test_a_code_that_another_run_took_off_on_purpose_stays_off(tagging: Books) -> None:
    def unmapped() -> None:
        tagging.item("MSP-SV")["notes"] = "[sophos:main SV-MSP (former)]"

    tagging.break_("PATCH", "/catalog/2", _then(unmapped, tagging, 0), times=1)
    assert tagging.apply().code == 0
    assert tagging.notes("MSP-SV") == "[sophos:main SV-MSP (former)]"


def test_a_tag_that_keeps_being_overwritten_is_said(tagging: Books) -> None:
    async def overwritten(request: Any, send: Any) -> Any:
        answer = await send(request)
        other_tag(tagging)
        return answer

    tagging.break_("PATCH", "/catalog/2", overwritten)
    applied = tagging.apply()
    assert (applied.code, results(applied)[SV]) == (4, "unsure")
    assert "another run keeps overwriting it; plan again once that has ended" in message(applied, SV)
    assert len([one for one in tagging.writes if one.startswith("PATCH")]) <= 6, "bounded"


@pytest.mark.parametrize("looks", [0, 1], ids=["the first look", "the last look"])
def test_a_tag_that_could_not_be_read_back_has_one_outcome_and_a_journal(tagging: Books, looks: int) -> None:
    """What is seen later replaces what was known before, and the journal can still be rolled back."""

    async def written(request: Any, send: Any) -> Any:
        answer = await send(request)
        tagging.break_("GET", "/procurement/catalog", status(500), skip=looks)
        return answer

    tagging.break_("PATCH", "/catalog/2", written, times=1)
    applied = tagging.apply()
    assert (applied.code, results(applied)) == (4, {SV: "unsure"})
    assert "whether another run overwrote it could not be seen" in message(applied, SV)
    tagging.mend()
    shown = tagging.run("show", applied.json["journal"], "--format", "json").json
    assert [(one["id"], one["result"]) for one in shown["changes"]] == [(SV, "unsure")]
    assert tagging.run("rollback", applied.json["journal"], "--format", "json").code in (0, 4)


def test_a_tag_that_only_comes_late_is_not_written_again(tmp_path: Path) -> None:
    books = Books(tmp_path, quirks={"read-lag": "4"})
    books.item("MSP-SV")["notes"] = ""
    assert books.live().apply().code == 0
    assert [one for one in books.writes if one.startswith("PATCH")] == ["PATCH /procurement/catalog/2"]


def test_the_journal_of_a_tag_that_was_written_again_can_be_read_and_rolled_back(tagging: Books) -> None:
    tagging.break_("PATCH", "/catalog/2", _then(lambda: other_tag(tagging), tagging, 0), times=1)
    journal = tagging.apply().json["journal"]
    shown = tagging.run("show", journal, "--format", "json").json
    assert [(one["id"], one["result"]) for one in shown["changes"]] == [(SV, "applied")]
    rolled = tagging.run("rollback", journal, "--format", "json")
    assert [one["id"] for one in rolled.json["changes"]] == ["unmap_product:product/MSP-SV/code/SV-MSP"]

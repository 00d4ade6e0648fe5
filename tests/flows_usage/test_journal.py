"""The journal of an apply: on the disk before each write, right after a kill, with nobody's data in it."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.flows_usage.books import Books, results, update
from tests.flows_usage.journals import journal_of, rows_of, told
from tests.flows_usage.line_flows import additions, create, with_new_product
from tests.support import URL, lost_before, once, status, twice

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support import Send

ONE, TWO, THREE = update(1, "MSP-EP"), update(2, "MSP-EP"), update(3, "MSP-SV")
FULL_RUN = """
import os, signal, sys
from pathlib import Path
from tests.flows_usage.books import Books

async def killed(request, send):
    await send(request)
    os.kill(os.getpid(), signal.SIGKILL)

books = Books(Path(sys.argv[1]))
books.customer("Alder", ep=(10, 10, 12), sv=(3, 3, 3))
books.customer("Birch", ep=(20, 20, 18))
books.live()
books.break_("PATCH", "*", killed)
books.run("apply", str(books.folder), "--yes")
"""


# --- what it says


def test_each_change_has_a_line_before_and_one_after(busy: Books) -> None:
    applied = busy.apply()
    path = journal_of(busy)
    lines = told(path)
    assert (lines[0], lines[-1], len(lines)) == ("start", "end", 8)
    for change in (ONE, TWO, THREE):
        before, after = lines.index(f"about-to-write {change}"), lines.index(f"outcome {change} applied")
        assert before < after
    assert applied.json["journal"] == str(path)
    assert rows_of(path)[-1]["results"] == {"applied": 3}
    assert busy.apply_text().code == 0
    assert len(list((busy.root / "journal").iterdir())) == 1, "nothing to write, no journal"


def test_before_and_after_and_the_records_are_in_it(books: Books) -> None:
    with_new_product(books)
    plan = books.plan().json
    books.apply()
    rows = rows_of(journal_of(books))
    assert rows[0]["planHash"] == plan["hash"]
    assert rows[0]["month"] == "2026-11"
    by_id = {row["id"]: row for row in rows if row["type"] == "about-to-write"}
    created = {row["id"]: row["record"] for row in rows if row["type"] == "outcome"}
    assert created["create_product:product/MSP-EM"] == books.item("MSP-EM")["id"]
    assert created[create(1, "MSP-EM")] == 1
    line = by_id[create(1, "MSP-EM")]
    assert (line["target"]["agreement"], line["nextInvoice"]) == (1, "2026-12-01")
    assert {"field": "quantity", "before": None, "after": "12"} in line["fields"]


def test_it_is_on_the_disk_before_each_request(busy: Books) -> None:
    seen: list[str] = []

    async def look(request: httpx.Request, send: Send) -> httpx.Response:
        line = int(request.url.path.rpartition("/")[2])
        announced = [
            row["target"]["id"] for row in rows_of(journal_of(busy)) if row["type"] == "about-to-write"
        ]
        seen.append(f"{line} {line in announced}")
        return await send(request)

    busy.break_("PATCH", "*", look)
    busy.apply()
    assert sorted(seen) == ["1 True", "3 True", "4 True"]


def test_only_what_is_sent_is_said_to_be_about_to_be_written(busy: Books) -> None:
    file = busy.save()
    busy.world.addition(1)["quantity"] = 12.0
    busy.apply(file)
    lines = told(journal_of(busy))
    assert f"about-to-write {ONE}" not in lines
    assert f"outcome {ONE} already ok" in lines


def test_who_and_which_commit(busy: Books) -> None:
    busy.environ |= {"GITHUB_ACTOR": "octo-cat", "GITHUB_SHA": "A" * 40}
    busy.apply()
    head = rows_of(journal_of(busy))[0]
    assert (head["actor"], head["commit"]) == ("octo-cat", "a" * 40)


@pytest.mark.parametrize("said", ["", "Jane Doe", "jane@example.org", "x" * 200, "-rf"])
def test_names_and_addresses_are_no_actor(busy: Books, said: str) -> None:
    busy.environ |= {"GITHUB_ACTOR": said, "GITHUB_SHA": said}
    busy.apply()
    head = rows_of(journal_of(busy))[0]
    assert (head["actor"], head["commit"]) == (None, None)


def test_the_commit_is_git_s_where_no_ci_says_one(busy: Books) -> None:
    busy.environ |= {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(busy.root)]
    for words in (["init", "-q"], ["add", "mappings"], ["commit", "-q", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    busy.apply()
    assert rows_of(journal_of(busy))[0]["commit"] == head.stdout.strip()


def test_no_commit_is_named_for_what_it_does_not_hold(busy: Books) -> None:
    busy.environ |= {"PATH": os.environ["PATH"], "GIT_CONFIG_GLOBAL": os.devnull}
    git = ["git", "-c", "user.name=t", "-c", "user.email=t@example.org", "-C", str(busy.root)]
    for words in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "one"]):
        subprocess.run([*git, *words], check=True)
    busy.apply()
    assert rows_of(journal_of(busy))[0]["commit"] is None


def test_where_there_is_git_and_no_repository_there_is_no_commit(busy: Books) -> None:
    busy.environ |= {"PATH": os.environ["PATH"], "GIT_CEILING_DIRECTORIES": str(busy.root.parent)}
    assert busy.apply().code == 0
    assert rows_of(journal_of(busy))[0]["commit"] is None


# --- whose data is not in it


def test_nobody_s_name_key_or_reason_is_in_it(tmp_path: Path) -> None:
    books = Books(tmp_path)
    books.customer("Quillfeather Bakery", ep=(10, 10, 12))
    books.customer("Thistlewick Tools", sv=(10, 10, 12))
    books.customer("Umberlane", ep=(10, 10, 12))
    for agreement in books.world.rows("agreements"):
        agreement["name"] = "Brambleworth Contract"
    books.rows = {name: row.replace("Managed", "Brambleworth Contract") for name, row in books.rows.items()}
    tenants = [row.partition(":")[0] for row in books.rows.values()]
    books.world.addition(1)["invoiceDescription"] = "for Wilhelmina Ashgrove"
    books.live(
        "products:\n  MSP-EP: {customFields: {Vendor Programme: ask.ottoline@example.org}}\n"
        "lines:\n  MSP-EP: {always: {invoiceDescription: Seats of Peregrine Dunmore}}\n"
        "holds:\n  - {customer: UMBERLANE, product: MSP-EP, quantity: 11, until: 2026-12-31,"
        " reason: Cornelius said so}\n"
    )

    async def refused(request: httpx.Request, send: Send) -> httpx.Response:
        body = {"code": "Made up", "message": "Thistlewick Tools is locked by Mr Hollowell", "errors": None}
        return httpx.Response(400, json=body, request=request)

    books.break_("PATCH", additions(2, 2), refused)
    said = books.apply()
    assert said.code == 4
    assert "Hollowell" in said.out, "people are told, in the output"
    text = journal_of(books).read_text(encoding="utf-8").casefold()
    assert "update_line:agreement/1/product/msp-ep" in text
    hidden = ["quillfeather", "thistlewick", "umberlane", "brambleworth", "ashgrove", "dunmore", "ottoline"]
    hidden += ["example.org", "cornelius", "hollowell", *tenants]
    hidden += [value for name, value in books.environ.items() if "KEY" in name or "SECRET" in name]
    hidden += [books.environ["CONNECTWISE_CLIENT_ID"], books.environ["SOPHOS_CLIENT_ID"]]
    assert [one for one in hidden if one.casefold() in text] == []
    fields = [one for row in rows_of(journal_of(books)) for one in row.get("fields", ())]
    assert {"field": "invoiceDescription", "withheld": True} in fields
    assert {"field": "customFields/Vendor Programme", "withheld": True} in fields


# --- where it is


def test_it_goes_where_it_is_told(busy: Books) -> None:
    file = busy.save()
    named, folder = busy.root / "deep" / "run.ndjson", busy.root / "runs"
    folder.mkdir()
    assert busy.apply(file, "--journal", str(named)).json["journal"] == str(named)
    assert told(named)[-1] == "end"
    busy.world.addition(1)["quantity"] = 10.0
    busy.apply(file, "--journal", str(folder))
    assert [path.suffix for path in folder.iterdir()] == [".ndjson"]
    new = busy.root / "none" / "yet"
    busy.world.addition(1)["quantity"] = 10.0
    recorded = Path(busy.apply(file, "--journal", f"{new}/").json["journal"])
    assert (recorded.parent, recorded.suffix) == (new, ".ndjson"), "a slash means a folder"
    assert not (busy.root / "journal").exists()
    assert named.stat().st_mode & 0o077 == 0, "prices: for its owner only"


def test_one_that_is_there_is_never_written_over(busy: Books) -> None:
    there = busy.root / "run.ndjson"
    there.write_text("mine", encoding="utf-8")
    said = busy.run("apply", str(busy.folder), "--yes", "--journal", str(there))
    assert (said.code, busy.patches, there.read_text(encoding="utf-8")) == (1, [], "mine")
    assert "journal-unwritable" in said.err


@pytest.mark.parametrize("output", ["text", "json"])
def test_without_a_journal_nothing_is_written(busy: Books, output: str) -> None:
    (busy.root / "journal").write_text("a file where the folder would be", encoding="utf-8")
    said = busy.run("apply", str(busy.folder), "--yes", "--format", output)
    assert (said.code, busy.patches) == (1, [])
    assert "Nothing is written to ConnectWise without a journal" in said.err


def test_a_stale_plan_leaves_none(busy: Books) -> None:
    file = busy.save()
    busy.world.addition(1)["quantity"] = 11.0
    assert busy.apply(file).code == 5
    assert not (busy.root / "journal").exists()


# --- a disk that is full


@contextmanager
def _no_limit_left_behind() -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _full(path: Path, *, left: int) -> None:
    """No file of this process can grow further than so many bytes more than the journal has."""
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (path.stat().st_size + left, hard))


@pytest.mark.parametrize("left", [0, 25])
def test_a_disk_that_fills_up_stops_the_run(busy: Books, left: int) -> None:
    async def fill(request: httpx.Request, send: Send) -> httpx.Response:
        _full(journal_of(busy), left=left)
        return await send(request)

    busy.break_("PATCH", additions(2, 3), fill)
    with _no_limit_left_behind():
        applied = busy.apply()
    assert applied.code == 4
    assert results(applied) == {TWO: "applied", ONE: "not attempted", THREE: "not attempted"}
    assert len(busy.patches) == 1
    assert "journal-cut-off" in [one["code"] for one in applied.json["diagnostics"]]
    shown = busy.run("show", str(journal_of(busy)))
    assert (shown.code, "May have been written" in shown.out) == (0, True)
    assert ("Its last line is not whole" in shown.out) is (left > 0)
    assert busy.apply().code == 0, "applied again, it finishes the rest"


def test_what_cannot_be_announced_is_not_sent(busy: Books) -> None:
    async def fill(request: httpx.Request, send: Send) -> httpx.Response:
        answer = await send(request)
        _full(journal_of(busy), left=10)
        return answer

    busy.break_("GET", additions(2, 3), fill)
    with _no_limit_left_behind():
        said = busy.apply_text()
    assert (said.code, busy.patches) == (4, [])
    assert "journal-cut-off" in said.err
    assert "the journal could not be written" in said.out


def test_once_it_cannot_be_written_no_request_is_started(books: Books) -> None:
    for number in range(1, 13):
        books.customer(f"Alder {number}", ep=(10, 10, 12))
    file = books.live().save()

    async def fill(request: httpx.Request, send: Send) -> httpx.Response:
        answer = await send(request)
        _full(journal_of(books), left=0)
        return answer

    books.break_("GET", additions(1, 1), fill)
    books.forget()
    with _no_limit_left_behind():
        assert books.apply(file).code == 4
    looked = [one for one in books.asked("connectwise") if "/additions/" in one]
    assert len(looked) < 12, "only those under way at that moment"
    assert len(books.patches) < len(looked)


# --- a run that is ended


def test_a_killed_run_leaves_a_journal_that_is_right(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FULL_RUN, str(tmp_path)], check=False)
    assert done.returncode == -9
    (path,) = (tmp_path / "journal").iterdir()
    assert told(path) == ["start", f"about-to-write {TWO}"]
    said = Books(tmp_path).run("show", str(path))
    assert said.code == 0
    assert "not known" in said.out
    assert "did not come to its end" in said.out


def test_ctrl_c_is_an_end(busy: Books) -> None:
    busy.break_("PATCH", "*", once, times=1)
    applied = busy.apply()
    assert applied.code == 130
    rows = rows_of(journal_of(busy))
    assert (rows[-1]["type"], rows[-1]["interrupted"]) == ("end", True)
    assert f"outcome {ONE} not attempted" in told(journal_of(busy))
    assert "interrupted and stopped in order" in busy.run("show", str(journal_of(busy))).out


def test_ctrl_c_twice_is_an_end_and_what_is_on_its_way_is_unsure(busy: Books) -> None:
    busy.break_("PATCH", "*", twice, times=1)
    assert busy.apply().code == 130
    lines = told(journal_of(busy))
    assert (lines[-1], f"outcome {TWO} unsure" in lines) == ("end", True)
    assert f"outcome {ONE} not attempted" in lines
    shown = busy.run("show", str(journal_of(busy))).out
    assert "stopped in order" not in shown
    assert "The run was interrupted, and of 1 change it is not known whether it was written." in shown


# --- show


def test_show_says_what_was_written_and_what_may_have_been(busy: Books) -> None:
    busy.break_("PATCH", additions(2, 3), lost_before)
    busy.break_("PATCH", additions(3, 4), status(400))
    busy.apply()
    busy.environ.clear()
    busy.forget()
    said = busy.run("show", str(journal_of(busy)))
    assert (said.code, said.err, busy.requests) == (0, "", [])
    written, _, rest = said.out.partition("May have been written")
    assert f"✓ applied       {ONE}  (line #1)" in written
    assert "quantity  10 → 12" in written
    assert TWO in rest.partition("Not written")[0]
    assert f"· failed        {THREE}" in rest
    assert said.out.rstrip().endswith("1 applied, 1 failed, 1 unsure. The run ended.")


def test_show_as_json_and_into_a_file(busy: Books) -> None:
    busy.apply()
    path = journal_of(busy)
    shown = busy.run("show", str(path), "--format", "json").json
    assert (shown["ended"], shown["cutOff"], len(shown["changes"])) == (True, False, 3)
    assert {one["result"] for one in shown["changes"]} == {"applied"}
    report = busy.root / "report.txt"
    assert busy.run("show", str(path), "--report", str(report)).out == ""
    assert "3 applied" in report.read_text(encoding="utf-8")
    assert busy.run("show", str(path), "--format", "csv").code == 64
    renamed = path.rename(busy.root / "any-name.txt")
    assert "3 applied" in busy.run("show", str(renamed)).out


def test_schema_prints_that_of_a_line(busy: Books) -> None:
    said = busy.run("schema", "journal").json
    kinds = [one["properties"]["type"]["const"] for one in said["oneOf"]]
    assert kinds == ["start", "about-to-write", "by-hand", "outcome", "end"]


def test_a_journal_is_ascii_whatever_is_in_it(busy: Books) -> None:
    busy.live("products:\n  MSP-EP: {customerDescription: Schutz für Geräte}\n")
    busy.apply()
    assert journal_of(busy).read_bytes().isascii()
    described = [
        one
        for row in rows_of(journal_of(busy))
        for one in row.get("fields", ())
        if one["field"] == "customerDescription"
    ]
    assert [one["after"] for one in described] == ["Schutz für Geräte"]
    assert URL.rpartition("/")[2] in json.dumps(rows_of(journal_of(busy))[0])

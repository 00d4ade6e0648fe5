"""What goes wrong on the way: nothing is doubled, nothing is guessed, and only what depends on it waits."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING

import httpx
import pytest

from tests.flows_usage.books import AGREEMENTS, BUNDLES, USAGE, Books, message, results, rows, update, updates
from tests.support import (
    Applied,
    first,
    ignored,
    lost_after,
    lost_before,
    never_connected,
    once,
    status,
    twice,
    web_page,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Fault, Send

FIRST = update(1, "MSP-EP")


# --- writing


def test_a_lost_answer_is_repeated_because_the_value_is_absolute(busy: Books) -> None:
    busy.break_("PATCH", "/additions/1", lost_after, times=1)
    applied = busy.apply()
    assert (applied.code, results(applied)[FIRST], busy.quantity(1)) == (0, "applied", 12)


def test_answers_that_are_always_lost_are_looked_up(busy: Books) -> None:
    busy.break_("PATCH", "/additions/1", lost_after)
    applied = busy.apply()
    assert (applied.code, results(applied)[FIRST], busy.quantity(1)) == (0, "applied", 12)


def test_a_write_that_may_not_have_arrived_is_unsure(busy: Books) -> None:
    busy.break_("PATCH", "/additions/1", lost_before)
    applied = busy.apply()
    assert (applied.code, results(applied)[FIRST], busy.quantity(1)) == (4, "unsure", 10)
    assert "it may still arrive: plan again" in message(applied, FIRST)
    assert results(applied)[update(3, "MSP-SV")] == "applied", "one line's trouble is its own"
    busy.mend()
    assert busy.apply().code == 0
    assert busy.plan().ids == []


def test_a_lost_write_that_cannot_be_looked_up_is_unsure(busy: Books) -> None:
    busy.break_("PATCH", "/additions/1", lost_after)
    busy.break_("GET", "/additions/1", status(404), skip=1)
    applied = busy.apply()
    assert (applied.code, results(applied)[FIRST]) == (4, "unsure")
    assert "looking it up failed too" in message(applied, FIRST)


@pytest.mark.parametrize(
    ("fault", "result"),
    [
        (status(400), "failed"),
        (status(404), "failed"),
        (status(403), "failed"),
        (ignored, "server kept"),
        (web_page, "unsure"),
        (never_connected, "failed"),
        (status(500), "unsure"),
    ],
)
def test_what_is_said_of_a_write_that_goes_wrong(busy: Books, fault: Fault, result: str) -> None:
    busy.break_("PATCH", "/additions/1", fault)
    applied = busy.apply()
    assert (applied.code, results(applied)[FIRST], busy.quantity(1)) == (4, result, 10)
    busy.mend()
    assert busy.apply().code == 0
    assert busy.plan().ids == []


def test_without_the_permission_the_first_line_says_so_and_the_others_are_not_attempted(busy: Books) -> None:
    busy.break_("PATCH", "/additions/*", status(403))
    applied = busy.apply()
    assert applied.code == 4
    found = results(applied)
    assert found[update(2, "MSP-EP")] == "failed"
    assert "Probably missing" in message(applied, update(2, "MSP-EP"))
    assert set(found.values()) == {"failed", "not attempted"}
    assert "because of an earlier failure" in message(applied, update(3, "MSP-SV"))
    assert len(busy.patches) <= 2


def test_what_every_change_fails_for_is_told_once_and_counted(books: Books) -> None:
    """Keys that may only read, or no more: one sentence a change would hide everything else."""
    _ten(books).break_("PATCH", "/additions/*", status(403))
    said = books.run("apply", str(books.folder), "--yes")
    assert said.code == 4
    rows = [row for row in said.out.splitlines() if row.startswith(("  ✗", "  ·"))]
    first = next(row for row in rows if "Probably missing" in row)
    assert sum("Probably missing" in row for row in rows) == 1
    others = [row for row in rows if row != first]
    assert len(others) == 9
    told = next(word for word in first.split() if word.startswith("update_line:"))
    assert all(row.endswith(f"for the same reason as {told}") for row in others)
    assert "\n10 changes for one reason: ConnectWise" in said.out


def test_a_server_that_fails_again_and_again_is_left_alone(books: Books) -> None:
    _ten(books).break_("GET", "/additions/*", status(500))
    applied = books.apply()
    found = list(results(applied).values())
    assert (applied.code, set(found)) == (4, {"failed", "not attempted"})
    assert found.count("not attempted") >= 2
    assert books.patches == []
    books.mend()
    assert books.apply().code == 0
    assert books.plan().ids == []


def test_a_line_that_vanishes_before_its_write_fails_alone(busy: Books) -> None:
    def ends() -> None:
        busy.world.tables["additions"].pop(1)

    busy.break_("GET", "/additions/1", first(ends))
    applied = busy.apply()
    assert (applied.code, results(applied)[FIRST]) == (4, "failed")
    assert "line #1 is no longer on agreement 1; plan again" in message(applied, FIRST)
    assert len(busy.patches) == 2


async def nobody_foresaw(request: httpx.Request, send: Send) -> httpx.Response:
    """A fault that is none of the network's."""
    raise ZeroDivisionError("nobody foresaw this")


@pytest.mark.parametrize("saved", [False, True])
def test_a_fault_of_the_program_comes_after_what_was_written_so_far(busy: Books, saved: bool) -> None:
    """Standard output is one JSON document with every outcome; the fault is not swallowed."""
    source = busy.save() if saved else busy.folder
    busy.break_("PATCH", "/additions/1", nobody_foresaw)
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError, match="nobody foresaw"):
        busy.run("apply", str(source), "--yes", "--format", "json", out=out)
    applied = Applied(1, out.getvalue(), "")
    found = results(applied)
    assert found.keys() == {FIRST, update(2, "MSP-EP"), update(3, "MSP-SV")}
    assert (found[update(2, "MSP-EP")], busy.quantity(3)) == ("applied", 18)
    assert (found[FIRST], busy.quantity(1)) == ("unsure", 10)
    assert "a fault of this program" in message(applied, FIRST)


def test_a_fault_of_the_program_in_text_follows_its_outcomes(busy: Books) -> None:
    busy.break_("PATCH", "/additions/1", nobody_foresaw)
    out = io.StringIO()
    with pytest.raises(ZeroDivisionError):
        busy.run("apply", str(busy.folder), "--yes", out=out)
    assert "a fault of this program" in out.getvalue()
    assert not out.getvalue().rstrip().endswith("}")


def test_where_nothing_was_attempted_there_is_no_document(busy: Books) -> None:
    path = busy.save()
    busy.break_("GET", "/login/companyinfo/*", never_connected)
    said = busy.run("apply", str(path), "--yes", "--format", "json")
    assert (said.code, said.out) == (1, "")


# --- Ctrl-C


def _ten(books: Books) -> Books:
    for number in range(10):
        books.customer(f"Alder {number}", ep=(10, 10, 11))
    return books.live()


def test_ctrl_c_between_lines_finishes_what_is_in_flight(books: Books) -> None:
    _ten(books).break_("PATCH", "/additions/*", once, times=1)
    applied = books.apply()
    assert (applied.code, applied.json["interrupted"]) == (130, True)
    found = results(applied)
    written = [update(number, "MSP-EP") for number in range(1, 11) if books.quantity(number) == 11]
    assert (len(found), 1 <= len(written) <= 4) == (10, True)
    assert {one for one, result in found.items() if result == "applied"} == set(written)
    assert set(found.values()) == {"applied", "not attempted"}
    books.mend()
    assert len(updates(books.plan())) == 10 - len(written)
    assert books.apply().code == 0
    assert books.plan().ids == []


def test_a_second_ctrl_c_says_what_is_unsure(books: Books) -> None:
    _ten(books).break_("PATCH", "/additions/*", twice, times=1)
    applied = books.apply()
    assert applied.code == 130
    found = results(applied)
    assert len(found) == 10
    assert "unsure" in found.values()
    for number in range(1, 11):
        if books.quantity(number) == 11:
            assert found[update(number, "MSP-EP")] in ("applied", "unsure")


# --- reading agreements and lines


async def one_forbidden(request: httpx.Request, send: Send) -> httpx.Response:
    """The bundle is answered, but for one agreement's lines."""
    answer = await send(request)
    await answer.aread()
    body = answer.json()
    asked = json.loads(request.content)
    entries = next(value for key, value in asked.items() if key.lower() == "requests")
    for entry, result in zip(entries, body["results"], strict=True):
        if '"parentid": 2' in json.dumps(entry).lower():
            refused = {"code": "Forbidden", "message": "No access."}
            result.update(success=False, statusCode=403, entities=[], count=0, error=refused)
    return httpx.Response(200, json=body, request=request)


def test_lines_that_one_may_not_see_hold_their_customer_only(busy: Books) -> None:
    busy.break_("POST", BUNDLES, one_forbidden)
    busy.break_("GET", "/agreements/2/additions", status(403))
    plan = busy.plan()
    assert plan.code == 4
    assert updates(plan) == [FIRST, update(3, "MSP-SV")]
    unread = {(one["state"], one["reason"]) for one in plan.json["lines"] if one["customer"] == "Birch"}
    assert unread == {("needs a decision", "the lines of its agreement could not be read")}
    busy.forget()
    assert busy.apply().code == 4
    assert len(busy.patches) == 2
    assert busy.quantity(3) == 20


@pytest.mark.parametrize("quirk", [{"bundles": "refused"}, {"bundle-maximum": "10"}, {"bundle-maximum": "1"}])
def test_a_server_that_refuses_bundles_is_asked_agreement_by_agreement(
    tmp_path: Path, quirk: dict[str, str]
) -> None:
    site = Books(tmp_path, quirks=quirk)
    for number in range(12):
        site.customer(f"Alder {number}", ep=(10, 10, 11))
    plan = site.live().plan()
    assert (plan.code, len(updates(plan))) == (0, 12)
    assert (site.apply().code, site.plan().ids) == (0, [])


@pytest.mark.parametrize("path", [AGREEMENTS, f"{BUNDLES}"])
def test_agreements_that_cannot_be_read_at_all_are_no_plan(busy: Books, path: str) -> None:
    busy.break_("GET", AGREEMENTS, status(500))
    busy.break_("POST", path, status(500))
    busy.break_("GET", "/additions", status(500))
    said = busy.run("plan", str(busy.folder))
    assert (said.code, said.out) == (1, "")
    assert "connectwise-unreachable" in said.err
    assert busy.run("apply", str(busy.folder), "--yes").code == 1
    assert busy.patches == []


def test_a_deleted_company_with_an_agreement_is_billed_no_more(busy: Books) -> None:
    busy.world.company("BIRCH")["deletedFlag"] = True
    plan = busy.plan()
    assert (plan.code, updates(plan)) == (4, [FIRST, update(3, "MSP-SV")])
    assert "its agreement #2 is still there" in plan.diagnostic("company-deleted")["message"]


@pytest.mark.parametrize(("code", "result"), [(403, 4), (500, 1)])
def test_without_the_companies_nobody_knows_who_is_deleted_and_no_line_is_written(
    busy: Books, code: int, result: int
) -> None:
    """A right that is missing holds back the lines; a server that fails may answer in the next run."""
    busy.break_("GET", "/company/companies", status(code))
    said = busy.run("plan", str(busy.folder))
    assert said.code == result
    assert (said.out == "") is (code == 500)
    assert "/company/companies" in said.out + said.err
    assert ("Companies > Company Maintenance: Inquire = All" in said.out + said.err) is (code == 403)
    assert busy.run("apply", str(busy.folder), "--yes").code == result
    assert busy.patches == []


@pytest.mark.parametrize("code", [403, 500])
def test_invoice_sums_that_cannot_be_read_are_said(busy: Books, code: int) -> None:
    busy.break_("GET", "/finance/agreementrecap/*", status(code))
    plan = busy.plan()
    assert len(updates(plan)) == 3
    (said,) = [d for d in plan.json["diagnostics"] if d["code"].startswith("connectwise-")]
    assert (said["severity"], "agreementrecap" in said["message"]) == ("warning", True)


# --- reading Sophos


def _with_product_change(site: Books) -> Books:
    site.product("em", tagged=False)
    return site.live()


@pytest.mark.parametrize("path", [f"{USAGE}/*", "/partner/v1/tenants"])
@pytest.mark.parametrize("code", [500, 403, 404])
def test_without_usage_or_tenants_products_are_written_and_no_line(busy: Books, path: str, code: int) -> None:
    _with_product_change(busy).break_("GET", path, status(code))
    plan = busy.plan()
    assert (plan.code, plan.ids, plan.json["lines"]) == (4, ["map_product:product/MSP-EM/code/EM-MSP"], [])
    assert "usage-unknown" in plan.codes
    busy.forget()
    applied = busy.apply()
    assert (applied.code, set(results(applied).values())) == (4, {"applied"})
    assert [path for path, _ in busy.patches] == ["/procurement/catalog/3"]


def test_firewalls_that_cannot_be_read_hold_no_line(busy: Books) -> None:
    busy.break_("GET", "/licenses/v1/licenses/firewalls", status(500))
    plan = busy.plan()
    assert (plan.code, len(updates(plan))) == (0, 3)
    assert plan.codes == ["sophos-unreachable"]


async def no_list(request: httpx.Request, send: Send) -> httpx.Response:
    return httpx.Response(200, json={"items": {"0": {}}, "pages": {}}, request=request)


def test_a_bill_that_is_no_bill_counts_nothing(busy: Books) -> None:
    busy.break_("GET", f"{USAGE}/2026/11", no_list)
    plan = busy.plan()
    assert (plan.code, plan.ids, rows(plan)) == (4, [], [])
    assert "sophos-bad-answer" in plan.codes


async def shifted(request: httpx.Request, send: Send) -> httpx.Response:
    """A bill of two pages, whose first line was pushed onto the second page while it was read."""
    url = request.url.copy_remove_param("pageFromKey")
    answer = await send(httpx.Request("GET", url, headers=request.headers))
    body = json.loads(await answer.aread())
    if "pageFromKey" in request.url.params:
        return httpx.Response(200, json={"items": body["items"][:1], "pages": {}}, request=request)
    return httpx.Response(200, json={"items": body["items"], "pages": {"nextKey": "2"}}, request=request)


@pytest.mark.parametrize("month", ["10", "11"])
def test_a_bill_that_moved_while_it_was_read_counts_nothing(busy: Books, month: str) -> None:
    busy.break_("GET", f"{USAGE}/2026/{month}", shifted)
    plan = busy.plan()
    assert (plan.code, plan.ids, rows(plan)) == (4, [], [])
    said = plan.diagnostic("sophos-bad-answer")
    assert "stands on page 1 and again on page 2" in said["message"]
    assert "Plan again" in said["remedy"]
    busy.mend()
    assert len(updates(busy.plan())) == 3


def test_wrong_sophos_keys_are_no_plan(busy: Books) -> None:
    busy.environ["SOPHOS_CLIENT_SECRET"] = "wrong"
    assert busy.run("plan", str(busy.folder)).code == 1
    assert busy.run("apply", str(busy.folder), "--yes").code == 1
    assert busy.patches == []

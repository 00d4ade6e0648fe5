"""A person's hand between runs of the real command: what was put back stays, and a word works once."""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.invoicing import make_invoices
from tests.flows_usage.books import Books

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Said

DONE, WAITING = 0, 4
#: A moment after everything that a run of these tests writes.
LATER = "2026-11-27T09:59:00Z"
ROW = (
    "{customer: ALDER, product: MSP-EP, from: 20, upTo: 60, given: 2026-11-27, reason: r, until: 2026-12-01}"
)


def by_person(books: Books, line: int, written: str = LATER, **values: Any) -> None:
    """What a person writes to a line in ConnectWise."""
    row = books.world.addition(line)
    row.update(values)
    row["_info"] = {**row["_info"], "updatedBy": "jane", "lastUpdated": written}


def unattended(books: Books) -> Said:
    return books.run("apply", str(books.folder), "--unattended")


def say_approvals(books: Books, *rows: str) -> None:
    text = "".join(f"  - {row}\n" for row in rows)
    (books.folder / "approvals.yaml").write_text(f"version: 1\napprovals:\n{text}")


def printed(reason: str) -> str:
    """The approval that a reason prints, its open places filled in."""
    found = re.search(r"\{customer: [^{}]*\}", reason)
    assert found is not None, reason
    return found[0].replace("reason: …", "reason: r").replace("until: …", "until: 2026-12-31")


def reasons(books: Books, *options: str) -> list[str]:
    return [line["reason"] for line in books.plan(*options).json["lines"]]


def test_a_number_that_a_person_put_back_stays_in_every_later_run(books: Books) -> None:
    """October 20, November 22: the tool writes 22, a person puts 20 back."""
    books.customer("Alder", ep=(20, 20, 22))
    books.live()
    assert (unattended(books).code, books.quantity(1)) == (DONE, 22)
    by_person(books, 1, quantity=20)
    for day in (27, 28, 30):
        books.today = date(2026, 11, day)
        assert (unattended(books).code, books.quantity(1)) == (WAITING, 20)
        assert books.run("apply", str(books.folder), "--yes").code == WAITING
        assert books.quantity(1) == 20
        [reason] = reasons(books)
        assert "20 was set by jane on 2026-11-27, after November 2026 had closed on 2026-11-25" in reason
    assert books.run("ready", str(books.folder), "--invoice-date", "2026-12-01").code != DONE


def test_an_approval_that_stays_in_the_file_lets_its_change_in_once(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 60))
    books.live()
    plan = books.save()
    approved = books.run("approve", str(plan), "--dir", str(books.folder), "--all", "--reason", "new branch")
    assert approved.code == DONE, approved.err
    assert "given: 2026-11-27," in (books.folder / "approvals.yaml").read_text()
    assert (unattended(books).code, books.quantity(1)) == (DONE, 60)
    by_person(books, 1, quantity=20)
    said = unattended(books)
    assert (said.code, books.quantity(1)) == (WAITING, 20)
    [found] = [one for one in books.plan().json["diagnostics"] if one["code"] == "approval-without-effect"]
    assert (
        f"line #1 was written by jane on {LATER}, after it was given (2026-11-27T00:00:00Z)"
        in found["message"]
    )
    [reason] = reasons(books)
    say_approvals(books, printed(reason))
    assert (unattended(books).code, books.quantity(1)) == (DONE, 60)


def test_an_approval_is_given_anew_beside_one_that_is_used_up(books: Books) -> None:
    """`approve` must not find that the change is approved already."""
    books.customer("Alder", ep=(20, 20, 60))
    books.live()
    say_approvals(books, ROW.replace("2026-11-27", "2026-10-20"))
    plan = books.save()
    said = books.run("approve", str(plan), "--dir", str(books.folder), "--all", "--reason", "r")
    assert "Wrote 1 approval" in said.out
    assert (unattended(books).code, books.quantity(1)) == (DONE, 60)
    again = books.run("approve", str(plan), "--dir", str(books.folder), "--all", "--reason", "r")
    assert "Nothing is written, because it is approved already" in again.out


def test_a_line_that_was_written_on_the_same_day_is_approved_by_the_moment(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 60))
    books.world.addition(1)["_info"]["lastUpdated"] = "2026-11-27T08:15:30Z"
    books.live()
    plan = books.save()
    assert books.run("approve", str(plan), "--dir", str(books.folder), "--all", "--reason", "r").code == DONE
    assert "given: 2026-11-27T08:15:30Z," in (books.folder / "approvals.yaml").read_text()
    assert (unattended(books).code, books.quantity(1)) == (DONE, 60)
    by_person(books, 1, quantity=20)
    assert (unattended(books).code, books.quantity(1)) == (WAITING, 20)


def test_a_plan_whose_approval_was_valid_is_applied(books: Books) -> None:
    """The guards are computed again from the file alone, and accept what the plan says was answered."""
    books.customer("Alder", ep=(20, 20, 60))
    books.live()
    say_approvals(books, ROW)
    applied = books.apply(books.save())
    assert (applied.code, books.quantity(1)) == (DONE, 60)


@pytest.mark.parametrize("quantity", [20, 25])
def test_a_line_that_a_person_ended_after_us_comes_back_once(books: Books, quantity: int) -> None:
    agreement = books.customer("Alder", ep=(20, 20, 22), sv=(3, 3, 3))
    books.live()
    assert unattended(books).code == DONE
    by_person(books, 1, quantity=quantity, cancelledDate="2026-11-28T00:00:00Z")
    by_person(books, 2, cancelledDate="2026-11-28T00:00:00Z")
    books.today = date(2026, 11, 29)
    assert unattended(books).code == WAITING
    by_product = {line["product"]: line["reason"] for line in books.plan().json["lines"]}
    assert (
        "jane ended line #1 on 2026-11-28. If it shall be billed again, say `restart: [1]`"
        in by_product["MSP-EP"]
    )
    row = books.rows["Alder"]
    books.rows["Alder"] = row.replace("sync: true", "sync: true, restart: [1]")
    books.live(settings=", newLines: create")
    assert unattended(books).code == WAITING, "the other line stays ended"
    [new] = [one["id"] for one in books.world.rows("additions") if one["id"] > 2]
    assert (books.quantity(new), books.world.addition(new)["agreementId"]) == (22, agreement)
    for day in ("2026-11-29", "2026-12-01", "2026-11-15"):
        by_person(books, new, "2026-11-29T20:00:00Z", cancelledDate=f"{day}T00:00:00Z", quantity=0)
        assert unattended(books).code == WAITING
        assert max(one["id"] for one in books.world.rows("additions")) == new, "not brought back again"
    [reason] = [line["reason"] for line in books.plan().json["lines"] if line["product"] == "MSP-EP"]
    assert f"say `restart: [1, {new}]`" in reason


def test_a_line_that_a_person_opened_again_is_not_ended_again(books: Books) -> None:
    books.customer("Alder", ep=(20, 20, 20))
    books.customer("Birch", ep=(5, 5, 5))
    books.rows["Alder"] = books.rows["Alder"].replace("sync: true", "sync: true, ended: 2026-11-26")
    books.live()
    assert unattended(books).code == DONE
    assert books.world.addition(1)["cancelledDate"].startswith("2026-11-30")
    by_person(books, 1)
    del books.world.addition(1)["cancelledDate"]
    for day in (27, 28, 30):
        books.today = date(2026, 11, day)
        assert unattended(books).code == WAITING
        assert "cancelledDate" not in books.world.addition(1)


@pytest.mark.parametrize(
    ("terms", "field", "value"),
    [
        ("included: 10", "lessIncluded", 5.0),
        ("always: {unitPrice: 4}", "unitPrice", 3.5),
        ("always: {billCustomer: Billable}", "billCustomer", "NoCharge"),
    ],
)
def test_terms_that_a_person_changed_after_us_stay(
    books: Books, terms: str, field: str, value: float | str
) -> None:
    books.customer("Alder", ep=(20, 20, 22))
    books.live(f"lines: {{MSP-EP: {{{terms}}}}}\n")
    assert unattended(books).code == DONE
    by_person(books, 1, LATER, **{field: value})
    for day in (27, 30):
        books.today = date(2026, 11, day)
        assert unattended(books).code == WAITING
        assert books.world.addition(1)[field] == value
        assert "line #1 was written by jane on 2026-11-27, and the files say otherwise" in reasons(books)[0]


@pytest.mark.parametrize("first", ["numbers", "invoices"])
def test_where_an_invoice_stamps_its_lines_the_numbers_are_written_first(tmp_path: Path, first: str) -> None:
    """Nothing is written over a stamp of another member; who writes before invoicing never meets one."""
    books = Books(tmp_path, quirks={"invoice-stamps-lines": "yes"})
    books.customer("Alder", ep=(20, 20, 22))
    books.live()
    if first == "numbers":
        assert (unattended(books).code, books.quantity(1)) == (DONE, 22)
    make_invoices(books.app.state.site, date(2026, 12, 1))
    assert books.world.addition(1)["_info"]["updatedBy"] == "accountant"
    books.today = date(2026, 12, 2)
    said = unattended(books)
    expected = (DONE, 22) if first == "numbers" else (WAITING, 20)
    assert (said.code, books.quantity(1)) == expected

"""`apply DIR --within FILE`: what was reviewed is written, and nothing else."""

from __future__ import annotations

import json
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from tests.flows_usage.books import DECEMBER, NOVEMBER, Books, results, update
from tests.flows_usage.line_flows import create, lines, move, with_new_product
from tests.support import URL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Applied

MAP = "map_product:product/MSP-EM/code/EM-MSP"


@pytest.fixture
def starting(books: Books) -> Books:
    """Alder gets its first line, Birch uses two units less."""
    books.customer("Alder", ep=(None, 10, 12))
    books.customer("Birch", ep=(20, 20, 18))
    return books.live()


def within(site: Books, *files: Path, more: tuple[str, ...] = ()) -> Applied:
    """The folder, within these reviewed plans."""
    site.forget()
    return site.apply(None, *(part for file in files for part in ("--within", str(file))), *more)


def bill(site: Books, customer: str, code: str, units: float) -> None:
    """November's bill says so by now."""
    tenant = site.world.tenant(customer)["id"]
    rows = site.world.usage[NOVEMBER]
    rows[:] = [row for row in rows if (row["accountId"], row["productCode"]) != (tenant, code)]
    site.world.add_usage_line(NOVEMBER, customer, code, units)


def save_as(site: Books, name: str, *options: str) -> Path:
    """A saved plan of its own name."""
    return site.save(*options).rename(site.root / name)


def said(applied: Applied, kind: str) -> dict[str, str]:
    """What is said of changes, by their ids."""
    return {one["id"]: one["why"] for one in applied.json["within"][kind]}


def test_what_was_reviewed_is_written(starting: Books) -> None:
    file = starting.save()
    applied = within(starting, file)
    assert (applied.code, results(applied)) == (
        0,
        {create(1, "MSP-EP"): "applied", update(2, "MSP-EP"): "applied"},
    )
    assert applied.json["planHash"] == json.loads(file.read_text(encoding="utf-8"))["hash"]
    assert starting.plan().ids == []


def test_what_is_done_already_is_listed(starting: Books) -> None:
    file = starting.save()
    within(starting, file)
    again = within(starting, file)
    assert (again.code, again.json["outcomes"], starting.patches) == (0, [], [])
    assert set(again.json["within"]["done"]) == {create(1, "MSP-EP"), update(2, "MSP-EP")}
    told = starting.run("apply", str(starting.folder), "--yes", "--within", str(file)).out
    assert "Reviewed, and nothing left to do" in told
    assert create(1, "MSP-EP") in told


def test_a_quantity_that_only_usage_moved_is_left_to_the_usage_run(starting: Books) -> None:
    file = starting.save()
    bill(starting, "Birch", "EP-MSP", 19)
    applied = within(starting, file)
    assert (applied.code, results(applied)) == (0, {create(1, "MSP-EP"): "applied"})
    assert "usage" in said(applied, "left")[update(2, "MSP-EP")]
    assert applied.json["leftAlone"] == [update(2, "MSP-EP")]
    assert starting.quantity(1) == 20
    assert starting.plan().ids == [update(2, "MSP-EP")]


def test_a_quantity_that_nobody_reviewed_is_left_as_well(starting: Books) -> None:
    file = starting.save("--product", "MSP-SV")
    starting.rows.pop("Alder")
    applied = within(starting.live(), file)
    assert (applied.code, list(said(applied, "left"))) == (0, [update(2, "MSP-EP")])
    assert starting.patches == []


def test_a_reviewed_line_starts_with_the_units_of_the_day(starting: Books) -> None:
    file = starting.save()
    bill(starting, "Alder", "EP-MSP", 14)
    applied = within(starting, file)
    assert (applied.code, results(applied)[create(1, "MSP-EP")]) == (0, "applied")
    assert list(said(applied, "followed")) == [create(1, "MSP-EP")]
    assert [line["quantity"] for line in lines(starting)] == [14]


def test_but_not_with_units_that_a_line_may_not_move_by_unasked(starting: Books) -> None:
    file = starting.save()
    bill(starting, "Alder", "EP-MSP", 60)
    applied = within(starting, file)
    assert (applied.code, applied.json["outcomes"], starting.patches) == (5, [], [])
    assert "12 units were reviewed and 60" in said(applied, "refused")[create(1, "MSP-EP")]
    starting.live(settings=", guards: {lineChange: off}")
    assert within(starting, file).code == 0


def _price(site: Books) -> None:
    site.item("MSP-EP")["price"] = 4.5


def _day(site: Books) -> None:
    site.world.agreement(1)["nextInvoiceDate"] = "2027-01-01T00:00:00Z"


def _another_line(site: Books) -> None:
    site.customer("Cedar", sv=(None, 3, 3))
    site.live()


def _mapping(site: Books) -> None:
    site.product("em", tagged=False)
    site.live()


def _always(site: Books) -> None:
    site.live("lines: {MSP-EP: {always: {unitPrice: 5.00}}}")


def _currency(site: Books) -> None:
    site.world.agreement(1)["currency"]["currencyCode"] = "USD"


def _bill_to(site: Books) -> None:
    site.world.agreement(1)["billToCompany"] = dict(site.world.reference("companies", 2))


@pytest.mark.parametrize(
    ("meanwhile", "refused"),
    [
        (_currency, {create(1, "MSP-EP")}),
        (_bill_to, {create(1, "MSP-EP")}),
        (_price, {create(1, "MSP-EP")}),
        (_day, {create(1, "MSP-EP")}),
        (_another_line, {create(3, "MSP-SV")}),
        (_mapping, {MAP}),
        (_always, {create(1, "MSP-EP"), update(2, "MSP-EP")}),
    ],
)
def test_what_is_not_as_it_was_reviewed_stops_all_of_it(
    starting: Books, meanwhile: Callable[[Books], Any], refused: set[str]
) -> None:
    file = starting.save()
    meanwhile(starting)
    applied = within(starting, file)
    assert (applied.code, applied.json["outcomes"], starting.writes) == (5, [], [])
    assert set(said(applied, "refused")) == refused


def test_an_agreement_that_was_reviewed_otherwise_is_named_with_both_values(starting: Books) -> None:
    file = starting.save()
    _currency(starting)
    told = starting.run("apply", str(starting.folder), "--yes", "--within", str(file))
    assert told.code == 5
    assert "its agreement is in USD, the plan expected EUR" in told.out


def test_both_plans_are_shown(starting: Books) -> None:
    file = starting.save()
    starting.item("MSP-EP")["price"] = 4.5
    told = starting.run("apply", str(starting.folder), "--yes", "--within", str(file))
    assert told.code == 5
    assert "Nothing was written" in told.out
    assert "unitPrice: reviewed 4.00, now 4.50" in told.out
    assert "+54.00 EUR" in told.out, "the fresh plan"
    assert "+48.00 EUR" in told.out, "the reviewed one"
    (one,) = within(starting, file).json["within"]["refused"]
    prices = [
        next(f["after"] for f in one[side]["fields"] if f["field"] == "unitPrice")
        for side in ("planned", "reviewed")
    ]
    assert prices == ["4.50", "4.00"]


def test_a_quantity_that_this_commit_changed_is_as_reviewed_or_stops_the_run(busy: Books) -> None:
    base = _base(busy)
    busy.rows["Birch"] = busy.rows["Birch"].replace(
        "sync: true", "sync: true, lines: {MSP-EP: {minimum: 15}}"
    )
    busy.rows["Cedar"] = busy.rows["Cedar"].replace("sync: true", "sync: true, lines: {MSP-SV: {minimum: 7}}")
    file = busy.live().save("--since", str(base))
    bill(busy, "Cedar", "SV-MSP", 8)
    applied = within(busy, file)
    assert (applied.code, list(said(applied, "refused"))) == (5, [update(3, "MSP-SV")])
    bill(busy, "Cedar", "SV-MSP", 5)
    applied = within(busy, file)
    assert (applied.code, results(applied)) == (0, {update(3, "MSP-SV"): "applied"})
    assert set(said(applied, "left")) == {update(1, "MSP-EP"), update(2, "MSP-EP")}


def test_what_the_reviewed_plan_left_waiting_is_left(starting: Books) -> None:
    base = _base(starting)
    starting.product("em", tagged=False)
    file = starting.live().save("--since", str(base))
    applied = within(starting, file)
    assert (applied.code, results(applied)) == (0, {MAP: "applied"})
    assert set(said(applied, "left")) == {create(1, "MSP-EP"), update(2, "MSP-EP")}


def test_several_reviewed_plans_count_together(starting: Books) -> None:
    earlier = save_as(starting, "earlier.json", "--since", str(_copy(_base(starting), starting)))
    assert within(starting, earlier).json["outcomes"] == []
    starting.product("em", tagged=False)
    base = _base(starting)
    mine = save_as(starting.live(), "mine.json", "--since", str(base))
    whole = save_as(starting, "whole.json", "--product", "MSP-EP")
    applied = within(starting, mine, whole)
    assert (applied.code, set(results(applied))) == (0, {MAP, create(1, "MSP-EP"), update(2, "MSP-EP")})


def test_a_month_later_what_was_decided_is_written_and_quantities_are_left(starting: Books) -> None:
    starting.product("em", tagged=False)
    starting.rows.pop("Alder")
    file = starting.live().save()
    for name, units in (("Birch", 21), ("Alder", 12)):
        starting.world.add_usage_line(DECEMBER, name, "EP-MSP", units)
    starting.today = date(2026, 12, 28)
    starting.world.addition(1)["quantity"] = 18.0
    starting.world.agreement(2)["nextInvoiceDate"] = "2027-01-01T00:00:00Z"
    applied = within(starting, file)
    assert (applied.code, results(applied)) == (0, {MAP: "applied"})
    assert list(said(applied, "left")) == [update(2, "MSP-EP")]
    assert starting.apply(file).code == 5, "alone, the same file is too old"


def test_what_is_held_back_stays_so_and_stops_nothing(starting: Books) -> None:
    starting.product("em", tagged=False)
    file = starting.live().save()
    starting.item("MSP-EM")["notes"] = "[sophos:lab X]"
    applied = within(starting, file, more=("--allow-waiting",))
    assert applied.code == 4, "it was reviewed to be written"
    assert "held back now by marker-of-another-owner" in said(applied, "undecided")[MAP]
    assert results(applied) == {
        MAP: "not attempted",
        create(1, "MSP-EP"): "applied",
        update(2, "MSP-EP"): "applied",
    }


def test_what_waits_as_it_did_in_the_review_is_allowed_to(starting: Books) -> None:
    starting.product("em", tagged=False)
    starting.item("MSP-EM")["notes"] = "[sophos:lab X]"
    starting.customer("Cedar", ep=(20, 20, 60))
    file = starting.live().save()
    applied = within(starting, file, more=("--allow-waiting",))
    assert (applied.code, said(applied, "undecided")) == (0, {})
    assert results(applied)[MAP] == "not attempted"
    assert results(applied)[create(1, "MSP-EP")] == "applied"
    assert within(starting, file).code == 4


def test_what_cannot_be_planned_any_more_is_not_called_done(starting: Books) -> None:
    file = starting.save()
    rows = starting.rows["Alder"]
    starting.rows["Alder"] = rows.replace("agreement: Managed", "agreement: Other")
    applied = within(starting.live(), file)
    assert create(1, "MSP-EP") in said(applied, "undecided")
    assert applied.json["within"]["done"] == []
    assert applied.code == 4
    assert within(starting, file, more=("--allow-waiting",)).code == 4


def test_a_move_is_written_whole_or_not_at_all(books: Books) -> None:
    agreement = books.customer("Alder", ep=(12, 12, 12))
    books.live()
    books.world.add_catalog_item("MSP-NEW", price=5.0)
    books.mapped["EP-MSP"] = "{product: MSP-NEW, sync: true}"
    file = books.live("products: {MSP-NEW: {replaces: [MSP-EP]}}").save()
    bill(books, "Alder", "EP-MSP", 13)
    applied = within(books, file)
    assert applied.code == 0
    moved = {move(agreement, "MSP-NEW"), move(agreement, "MSP-EP", "line/1")}
    assert {one for one, result in results(applied).items() if result == "applied"} >= moved
    assert [line["quantity"] for line in lines(books) if "cancelledDate" not in line] == [13]


def test_seats_that_move_to_a_line_that_exists_are_no_mere_quantity(books: Books) -> None:
    agreement = books.customer("Alder", ep=(12, 12, 12), sv=(3, 3, 3))
    books.live()
    books.mapped["EP-MSP"] = "{product: MSP-SV, sync: true}"
    counted = "lines: {MSP-SV: {count: sum}}"
    file = books.live(counted, settings=", guards: {lineChange: off}").save()
    bill(books, "Alder", "EP-MSP", 13)
    applied = within(books, file)
    assert list(said(applied, "followed")) == [update(agreement, "MSP-SV")]
    assert set(results(applied).values()) == {"applied"}
    assert [line["quantity"] for line in lines(books) if "cancelledDate" not in line] == [16]


def test_a_number_that_a_commit_gave_is_the_usage_run_s_a_month_later(busy: Books) -> None:
    base = _base(busy)
    busy.rows["Cedar"] = busy.rows["Cedar"].replace("sync: true", "sync: true, lines: {MSP-SV: {minimum: 7}}")
    file = busy.live().save("--since", str(base))
    for name, code, units in (("Alder", "EP-MSP", 12), ("Birch", "EP-MSP", 18), ("Cedar", "SV-MSP", 8)):
        busy.world.add_usage_line(DECEMBER, name, code, units)
    busy.today = date(2026, 12, 28)
    for number in (1, 2, 3):
        busy.world.agreement(number)["nextInvoiceDate"] = "2027-01-01T00:00:00Z"
    busy.world.addition(4)["quantity"] = 5.0
    applied = within(busy, file)
    assert (said(applied, "refused"), busy.patches) == ({}, [])
    assert update(3, "MSP-SV") in said(applied, "left")


def test_what_the_reviewed_plan_held_back_was_not_approved(starting: Books) -> None:
    starting.product("em", tagged=False)
    starting.item("MSP-EM")["notes"] = "[sophos:lab X]"
    file = starting.live().save()
    starting.item("MSP-EM")["notes"] = ""
    applied = within(starting, file)
    assert (applied.code, starting.writes) == (5, [])
    assert set(said(applied, "refused")) == {MAP}
    assert starting.item("MSP-EM")["notes"] == ""


def test_the_price_of_a_line_is_part_of_what_was_reviewed(busy: Books) -> None:
    file = busy.save()
    busy.world.addition(1)["unitPrice"] = 9.0
    applied = within(busy, file)
    assert (applied.code, list(said(applied, "left"))) == (0, [update(1, "MSP-EP")])
    assert set(results(applied)) == {update(2, "MSP-EP"), update(3, "MSP-SV")}


def test_a_product_that_an_earlier_run_created_is_the_reviewed_one(books: Books) -> None:
    file = with_new_product(books).save()
    whole = books.apply(file)
    assert whole.code == 0
    books.item("MSP-EM")["notes"] = ""
    for line in lines(books):
        books.world.tables["additions"].pop(line["id"])
    applied = within(books, file)
    assert (applied.code, results(applied)[MAP]) == (0, "applied")
    assert applied.json["within"]["done"] == ["create_product:product/MSP-EM"]


def test_another_scope_is_compared_within_itself(starting: Books) -> None:
    starting.product("em", tagged=False)
    file = starting.live().save()
    applied = within(starting, file, more=("--scope", "products"))
    assert (applied.code, results(applied)) == (0, {MAP: "applied"})
    assert (applied.json["within"]["done"], said(applied, "undecided")) == ([], {})


def test_a_plan_of_another_instance_or_owner_is_refused(starting: Books) -> None:
    file = starting.save()
    starting.live(settings=", owner: lab")
    for code in ("another-owner", "another-instance"):
        starting.forget()
        told = starting.run("apply", str(starting.folder), "--yes", "--within", str(file))
        assert (told.code, starting.writes) == (1, [])
        assert code in told.err
        starting.live()
        starting.environ["CONNECTWISE_URL"] = URL.replace("127.0.0.1", "localhost")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("FILE", "--within", "FILE", "--yes"), "--within is for a folder"),
        (("DIR", "--within", "FILE", "--unattended"), "say --yes"),
        (("DIR", "--expect", "abc"), "64 hexadecimal digits"),
    ],
)
def test_what_does_not_go_together(starting: Books, arguments: tuple[str, ...], told: str) -> None:
    places = {"FILE": str(starting.save()), "DIR": str(starting.folder)}
    starting.forget()
    answer = starting.run("apply", *(places.get(one, one) for one in arguments))
    assert (answer.code, starting.requests) == (64, [])
    assert told in " ".join(answer.err.split())


# --- --expect


def test_the_plan_of_another_hash_is_refused(starting: Books) -> None:
    file = starting.save()
    own = json.loads(file.read_text(encoding="utf-8"))["hash"]
    other = "sha256:" + "0" * 64
    for source in (file, starting.folder):
        starting.forget()
        refused = starting.run("apply", str(source), "--yes", "--expect", other)
        assert (refused.code, starting.writes) == (5, [])
        assert own in refused.err
        assert other in refused.err
        assert "Nothing was written" in refused.err
    answer = starting.apply(file, "--expect", other).json
    assert answer["diagnostics"][0]["code"] == "another-plan"
    assert answer["outcomes"] == []


def test_a_saved_plan_of_another_hash_asks_nobody(starting: Books) -> None:
    file = starting.save()
    starting.forget()
    starting.run("apply", str(file), "--yes", "--expect", "0" * 64)
    assert starting.requests == []


@pytest.mark.parametrize("prefix", ["sha256:", ""])
def test_the_plan_of_this_hash_is_written(starting: Books, prefix: str) -> None:
    own = prefix + str(starting.plan().json["hash"]).removeprefix("sha256:")
    assert set(results(starting.apply(None, "--expect", own)).values()) == {"applied"}


def _base(site: Books) -> Path:
    """The folder as it is becomes the base commit's; the next one is written anew."""
    base = site.root / f"base{len(list(site.root.iterdir()))}"
    site.folder.rename(base)
    site.folder.mkdir()
    return base


def _copy(base: Path, site: Books) -> Path:
    site.live()
    return base


def test_a_folder_of_reviewed_plans_is_each_of_them(starting: Books) -> None:
    folder = starting.root / "reviewed"
    folder.mkdir()
    files = [starting.save().rename(folder / name) for name in ("a.json", "b.json")]
    (folder / "notes.txt").write_text("not a plan", encoding="utf-8")
    hashes = [json.loads(file.read_text(encoding="utf-8"))["hash"] for file in files]
    applied = within(starting, folder)
    assert applied.code == 0, applied.err
    assert applied.json["within"]["reviewed"] == hashes
    assert starting.writes


@pytest.mark.parametrize("name", ["empty", "missing"])
def test_a_folder_without_plans_writes_nothing(starting: Books, name: str) -> None:
    (starting.root / "empty").mkdir()
    starting.forget()
    said = starting.run("apply", str(starting.folder), "--within", str(starting.root / name), "--yes")
    assert said.code == 64
    assert "Name the reviewed plans" in said.err
    assert not starting.requests

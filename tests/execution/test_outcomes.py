"""Each way a write can go, and what people are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support import (
    CATALOG,
    COMPLETE,
    Site,
    first,
    ignored,
    lost_after,
    lost_before,
    never_connected,
    status,
    web_page,
)

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

    from tests.support import Fault, Send

MAP = "map MSP-A CODE-1"
ITEM = f"{CATALOG}/1"


@pytest.fixture
def one(site: Site) -> Site:
    """One product to map."""
    site.world.add_catalog_item("MSP-A", notes="People's.")
    return site.say("mappings: {CODE-1: {product: MSP-A, sync: true}}")


@pytest.fixture
def new(site: Site) -> Site:
    """One product to create and map."""
    return site.say(
        f"""
        mappings: {{CODE-1: {{product: MSP-NEW, sync: true}}}}
        products: {{MSP-NEW: {{{COMPLETE}}}}}
        """
    )


@pytest.fixture
def move(site: Site) -> Site:
    """A code that moves from MSP-A to MSP-B."""
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B")
    return site.say("mappings: {CODE-1: {product: MSP-B, sync: true}}")


# --- editing


@pytest.mark.parametrize("fault", [lost_after, lost_before, status(500), status(429), never_connected])
def test_an_edit_is_repeated_because_its_values_are_absolute(one: Site, fault: Fault) -> None:
    one.break_("PATCH", ITEM, fault, times=1)
    applied = one.apply()
    assert (applied.code, applied.results) == (0, {MAP: "applied"})
    assert one.notes("MSP-A") == "People's.\n[sophos:main CODE-1]"


def test_an_edit_whose_answers_are_lost_is_looked_up(one: Site) -> None:
    one.break_("PATCH", ITEM, lost_after)
    applied = one.apply()
    assert (applied.code, applied.results) == (0, {MAP: "applied"})
    assert "found as wanted when looked up" in applied.message(MAP)


@pytest.mark.parametrize("fault", [lost_before, status(500)])
def test_an_edit_that_may_still_arrive_is_unsure(one: Site, fault: Fault) -> None:
    one.break_("PATCH", ITEM, fault)
    applied = one.apply()
    assert (applied.code, applied.results) == (4, {MAP: "unsure"})
    assert "plan again" in applied.message(MAP)
    one.mend()
    assert one.apply().results == {MAP: "applied"}, "running it again finishes the rest"


def test_an_edit_whose_look_up_fails_too_is_unsure_and_not_failed(one: Site) -> None:
    one.break_("PATCH", ITEM, lost_after)
    one.break_("GET", ITEM, status(500), skip=1)
    applied = one.apply()
    assert (applied.code, applied.results) == (4, {MAP: "unsure"})


@pytest.mark.parametrize(
    ("fault", "said"), [(status(400), "refused (400)"), (never_connected, "connection broke")]
)
def test_an_edit_that_was_surely_not_done_failed(one: Site, fault: Fault, said: str) -> None:
    one.break_("PATCH", ITEM, fault)
    applied = one.apply()
    assert (applied.code, applied.results) == (4, {MAP: "failed"})
    assert said in applied.message(MAP)


def test_an_answer_that_is_a_web_page_is_unsure(one: Site) -> None:
    one.break_("PATCH", ITEM, web_page)
    applied = one.apply()
    assert (applied.code, applied.results) == (4, {MAP: "unsure"})


def test_keys_that_only_read_say_which_permission_is_missing(one: Site, tmp_path: Path) -> None:
    site = Site(tmp_path, one.world, member="readonly")
    applied = site.apply()
    assert (applied.code, applied.results) == (4, {MAP: "failed"})
    assert "Procurement > Product Catalog: Edit" in applied.message(MAP)
    assert site.notes("MSP-A") == "People's."


def test_what_the_server_keeps_is_said(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]", price=1)
    site.say(
        """
        mappings: {CODE-1: {product: MSP-A, sync: true}}
        products: {MSP-A: {price: 2}}
        """
    )
    site.break_("PATCH", ITEM, ignored)
    applied = site.apply()
    assert (applied.code, applied.results) == (4, {"edit MSP-A": "server kept"})
    assert "price is '1.00' instead of '2.00'" in applied.message("edit MSP-A")


def test_what_changed_beside_what_was_sent_is_said(site: Site) -> None:
    item = site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]", price=1, cost=0.5)
    site.say(
        """
        mappings: {CODE-1: {product: MSP-A, sync: true}}
        products: {MSP-A: {price: 2}}
        """
    )
    site.break_("PATCH", ITEM, first(lambda: item.update(cost=0.75)))
    applied = site.apply()
    assert applied.results == {"edit MSP-A": "applied"}
    assert "cost: 0.50 → 0.75" in applied.message("edit MSP-A")


def test_a_person_who_was_quicker_wins(one: Site) -> None:
    def by_hand() -> None:
        one.item("MSP-A")["notes"] = "[sophos:main CODE-1 (sync off)]"

    one.break_("GET", ITEM, first(by_hand), times=1)
    applied = one.apply()
    assert (applied.code, applied.results) == (4, {MAP: "failed"})
    assert "sync off" in applied.message(MAP)
    assert one.writes == []


def test_a_person_who_did_the_same_is_already_ok(one: Site) -> None:
    def by_hand() -> None:
        one.item("MSP-A")["notes"] = "[sophos:main CODE-1] by hand"

    one.break_("GET", ITEM, first(by_hand), times=1)
    applied = one.apply()
    assert (applied.code, applied.results) == (0, {MAP: "already ok"})
    assert (one.writes, one.notes("MSP-A")) == ([], "[sophos:main CODE-1] by hand")


def test_notes_that_people_write_meanwhile_are_kept(one: Site) -> None:
    def by_hand() -> None:
        one.item("MSP-A")["notes"] = "People's, and more."

    one.break_("GET", ITEM, first(by_hand), times=1)
    assert one.apply().results == {MAP: "applied"}
    assert one.notes("MSP-A") == "People's, and more.\n[sophos:main CODE-1]"


def test_a_product_that_was_deleted_meanwhile(one: Site) -> None:
    one.break_("GET", ITEM, first(lambda: one.world.tables["catalog"].clear()), times=1)
    applied = one.apply()
    assert (applied.code, applied.results) == (4, {MAP: "failed"})
    assert "no longer in ConnectWise" in applied.message(MAP)


# --- moving


@pytest.mark.parametrize(
    ("fault", "result"),
    [(status(400), "failed"), (lost_before, "unsure"), (ignored, "server kept")],
)
def test_a_code_that_may_still_be_on_its_old_product_is_not_mapped_again(
    move: Site, fault: Fault, result: str
) -> None:
    move.break_("PATCH", ITEM, fault)
    applied = move.apply()
    assert applied.code == 4
    assert applied.results == {"unmap MSP-A CODE-1": result, "map MSP-B CODE-1": "not attempted"}
    assert applied.message("map MSP-B CODE-1") == "because product/MSP-A was not written"
    assert move.notes("MSP-B") == ""
    move.mend()
    assert set(move.apply().results.values()) == {"applied"}
    assert move.plan().ids == []


def test_what_does_not_depend_on_a_failure_goes_on(move: Site) -> None:
    move.world.add_catalog_item("MSP-C")
    move.say("mappings: {CODE-1: {product: MSP-B, sync: true}, CODE-3: {product: MSP-C, sync: true}}")
    move.break_("PATCH", ITEM, status(400))
    assert move.apply().results["map MSP-C CODE-3"] == "applied"


# --- creating

BOTH = ["create MSP-NEW", "map MSP-NEW CODE-1"]


def both(result: str) -> dict[str, str]:
    """One request, one fate."""
    return dict.fromkeys(BOTH, result)


def test_a_create_whose_answer_is_lost_is_found_and_not_sent_again(new: Site) -> None:
    new.break_("POST", CATALOG, lost_after)
    applied = new.apply()
    assert (applied.code, applied.results) == (0, both("applied"))
    assert new.writes == ["POST /procurement/catalog"]
    assert new.plan().ids == []


@pytest.mark.parametrize("reads", [0, 1, 2, 3, 4])
def test_a_create_that_arrives_late_is_found_and_never_sent_twice(new: Site, reads: int) -> None:
    """It turns up between the look-ups."""

    def arrive() -> None:
        new.world.add_catalog_item(
            "MSP-NEW", description="Made up", customerDescription="Made up per month", taxableFlag=True,
            price=1.0, notes="[sophos:main CODE-1]",
        )  # fmt: skip

    async def lost(request: httpx.Request, send: Send) -> httpx.Response:
        new.break_("GET", CATALOG, first(arrive), times=1, skip=reads)
        return await lost_before(request, send)

    new.break_("POST", CATALOG, lost)
    applied = new.apply()
    assert (applied.code, applied.results) == (0, both("applied"))
    assert sent(new) == 1
    assert new.plan().ids == []


def sent(site: Site) -> int:
    """How many requests the first fault has met."""
    return 1_000_000 - site.network.rules[0].times


def test_a_create_that_never_turns_up_is_unsure(new: Site) -> None:
    new.break_("POST", CATALOG, lost_before)
    applied = new.apply()
    assert (applied.code, applied.results) == (4, both("unsure"))
    assert "looked up for 17 s and not found" in applied.message(BOTH[0])
    assert sent(new) == 1


def test_a_create_whose_look_up_fails_is_unsure_and_not_failed(new: Site) -> None:
    async def last_one(request: httpx.Request, send: Send) -> httpx.Response:
        new.break_("GET", CATALOG, status(500))
        return await lost_after(request, send)

    new.break_("POST", CATALOG, last_one)
    applied = new.apply()
    assert (applied.code, applied.results) == (4, both("unsure"))
    assert new.writes == ["POST /procurement/catalog"]


@pytest.mark.parametrize("fault", [status(500), web_page])
def test_a_create_is_not_repeated_after_an_answer_that_says_nothing(new: Site, fault: Fault) -> None:
    new.break_("POST", CATALOG, fault)
    assert new.apply().results == both("unsure")
    assert sent(new) == 1


def test_a_create_that_was_surely_not_processed_is_repeated(new: Site) -> None:
    new.break_("POST", CATALOG, status(429), times=1)
    assert new.apply().results == both("applied")
    assert len(new.world.tables["catalog"]) == 1


def test_a_refused_create_failed_with_the_servers_words(new: Site) -> None:
    new.break_("POST", CATALOG, status(400))
    applied = new.apply()
    assert applied.results == both("failed")
    assert "made-up answer 400" in applied.message(BOTH[0])


def someone_creates(site: Site, notes: str = "") -> None:
    """Another program creates the same identifier."""
    site.world.add_catalog_item("MSP-NEW", description="Theirs", notes=notes)


def test_somebody_who_created_it_since_the_plan_stops_the_run(new: Site) -> None:
    second_sign_in = {"times": 1, "skip": 1}  # the first one is the plan's
    new.break_("GET", "/login/companyinfo/*", first(lambda: someone_creates(new)), **second_sign_in)
    applied = new.apply()
    assert (applied.code, applied.results, new.writes) == (5, {}, [])
    assert {one["what"] for one in applied.json["stale"]} == {"MSP-NEW exists by now (id 1)"}


def test_somebody_who_created_it_after_the_fresh_look_wins(new: Site) -> None:
    new.break_("GET", f"{CATALOG}/count", first(lambda: someone_creates(new)), times=1)
    applied = new.apply()
    assert applied.results == both("failed")
    assert "exists by now (id 1), with other values" in applied.message(BOTH[0])
    assert new.writes == []


def test_a_create_that_the_server_gives_another_identifier_failed(tmp_path: Path, new: Site) -> None:
    """`Copy0`: taken between our look-up and our create."""
    site = Site(tmp_path, new.world, {"duplicate-identifier": "copy0"})
    site.break_("POST", CATALOG, first(lambda: someone_creates(site)), times=1)
    applied = site.apply()
    assert (applied.code, applied.results) == (4, both("failed"))
    assert "MSP-NEWCopy0 (id 2)" in applied.message(BOTH[0])
    assert "Retire id 2" in applied.message(BOTH[0])


def test_a_create_that_the_server_refuses_as_taken_failed(tmp_path: Path, new: Site) -> None:
    site = Site(tmp_path, new.world, {"duplicate-identifier": "error"})
    site.break_("POST", CATALOG, first(lambda: someone_creates(site)), times=1)
    applied = site.apply()
    assert applied.results == both("failed")
    assert "already in use" in applied.message(BOTH[0])


def test_somebody_elses_product_is_not_taken_for_the_lost_create(new: Site) -> None:
    async def lost_to_another(request: httpx.Request, send: Send) -> httpx.Response:
        someone_creates(new)
        return await lost_before(request, send)

    new.break_("POST", CATALOG, lost_to_another)
    applied = new.apply()
    assert applied.results == both("unsure")
    assert "probably somebody else's" in applied.message(BOTH[0])


# --- the run


def test_one_request_a_product_and_a_few_at_once(site: Site) -> None:
    rows, lines = [], []
    for number in range(12):
        site.world.add_catalog_item(f"MSP-{number:02}", price=1)
        rows += [f"A-{number}: {{product: MSP-{number:02}, sync: true}}"]
        rows += [f"B-{number}: {{product: MSP-{number:02}, sync: false}}"]
        lines.append(f"MSP-{number:02}: {{count: sum}}")
    products = ", ".join(f"MSP-{number:02}: {{price: 2}}" for number in range(12))
    site.say(f"mappings: {{{', '.join(rows)}}}\nlines: {{{', '.join(lines)}}}\nproducts: {{{products}}}")
    assert len(site.plan().ids) == 36
    assert set(site.apply().results.values()) == {"applied"}
    assert sorted(site.writes) == sorted(f"PATCH /procurement/catalog/{number + 1}" for number in range(12))
    assert 1 < site.network.busiest <= 4


@pytest.mark.parametrize("fault", [never_connected, status(403), status(401)])
def test_once_it_makes_no_sense_the_rest_is_not_attempted(site: Site, fault: Fault) -> None:
    rows = []
    for number in range(20):
        site.world.add_catalog_item(f"MSP-{number:02}")
        rows.append(f"A-{number:02}: {{product: MSP-{number:02}, sync: true}}")
    site.say(f"mappings: {{{', '.join(rows)}}}")
    site.break_("GET", f"{CATALOG}/*", fault, skip=1)  # the count of the fresh look
    applied = site.apply()
    assert applied.code == 4
    results = list(applied.results.values())
    assert set(results) == {"failed", "not attempted"}
    assert results.count("failed") <= 8
    for number in range(20):
        name = f"map MSP-{number:02} A-{number:02}"
        if applied.results[name] == "failed":
            assert f"GET /procurement/catalog/{number + 1}" in applied.message(name)
        else:
            assert applied.message(name).startswith("because of an earlier failure: ")
    assert site.writes == []


def test_nothing_to_do_writes_nothing(one: Site) -> None:
    one.apply()
    one.forget()
    said = one.apply_text()
    assert (said.code, one.writes) == (0, [])
    assert "Nothing to do" in said.out


def test_without_yes_and_without_a_terminal_nothing_is_written(one: Site) -> None:
    said = one.run("apply", str(one.folder))
    assert (said.code, one.writes) == (64, [])
    assert "--yes" in said.err


def test_plan_writes_nothing_whatever_it_finds(one: Site, move: Site) -> None:
    move.plan()
    assert move.writes == []
    assert {r.method for r in move.requests if r.system == "connectwise"} == {"GET"}


def test_in_a_chain_of_moves_each_link_waits_for_the_one_before(site: Site) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]")
    site.world.add_catalog_item("MSP-B", notes="[sophos:main CODE-2]")
    site.world.add_catalog_item("MSP-C")
    site.say("mappings: {CODE-1: {product: MSP-B, sync: true}, CODE-2: {product: MSP-C, sync: true}}")
    site.break_("PATCH", f"{CATALOG}/2", status(400))
    results = site.apply().results
    assert (results["map MSP-B CODE-1"], results["map MSP-C CODE-2"]) == ("failed", "not attempted")
    assert (site.notes("MSP-B"), site.notes("MSP-C")) == ("[sophos:main CODE-2]", "")

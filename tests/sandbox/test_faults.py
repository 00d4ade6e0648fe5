"""The sandbox's faults: one schedule for one seed, every kind as a client sees it, and a world left whole."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from starlette.responses import JSONResponse

from reconciler.sandbox.app import create_app
from reconciler.sandbox.faults import STATUSES, Asked, Fault, Faults, LostError
from reconciler.sandbox.seed import empty_world
from reconciler.sandbox.server import running
from tests.sandbox.api import ROOT, Api, signature
from tests.support import TODAY
from tests.support import Site as Whole

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import World

LINE = "finance/agreements/1/additions/1"
LINES = "finance/agreements/1/additions"
UNITS = ("replace", "quantity", 11)
BUNDLE = {"requests": [{"sequenceNumber": 1, "resourceType": "addition", "apiRequest": {"parentId": 1}}]}


def always(world: World, *kinds: Fault, seed: str = "1") -> tuple[Api, Faults]:
    """Every request meets one of these."""
    faults = Faults(seed, 1.0, kinds)
    return Api(world, faults=faults), faults


def drawn(faults: Faults, asked: list[Asked], site: Site) -> dict[Asked, list[int]]:
    """The statuses of the answers, by request."""
    found: dict[Asked, list[int]] = {}
    for one in asked:
        answer = faults.around(one, lambda _: JSONResponse([{"id": 1}, {"id": 2}]), site)
        found.setdefault(one, []).append(answer.status_code)
    return found


def test_one_seed_is_one_schedule_whatever_the_order_of_requests(world: World) -> None:
    site: Site = create_app(world).state.site
    asked = [Asked("GET", f"/v2025_1/apis/3.0/{path}", "") for path in ("a", "b", "c")] * 20
    made = [Faults("7", 0.3), Faults("7", 0.3), Faults("8", 0.3)]
    first, again = drawn(made[0], asked, site), drawn(made[1], sorted(asked, key=str), site)
    assert first == again
    assert made[0].injected == made[1].injected
    assert drawn(made[2], asked, site) != first
    assert 10 < made[0].injected.total() < 60


def test_without_a_rate_nothing_happens(world: World) -> None:
    faults = Faults("1", 0)
    api = Api(world, faults=faults)
    assert [api.get(LINES).status_code for _ in range(20)] == [200] * 20
    assert faults.injected.total() == 0


@pytest.mark.parametrize("kind", sorted(STATUSES))
def test_a_failure_does_nothing(world: World, kind: Fault) -> None:
    api, faults = always(world, kind)
    assert api.patch(LINE, UNITS).status_code == STATUSES[kind]
    assert (world.addition(1)["quantity"], faults.injected) == (10, {kind: 1})


def test_a_rate_limit_says_how_long_or_does_not(world: World) -> None:
    said = always(world, Fault.THROTTLED)[0].get(LINES)
    silent = always(world, Fault.THROTTLED_SILENTLY)[0].get(LINES)
    assert (said.status_code, silent.status_code) == (429, 429)
    assert int(said.headers["retry-after"]) > 0
    assert "retry-after" not in silent.headers


@pytest.mark.parametrize(
    ("kind", "quantity", "timed_out"),
    [
        (Fault.RESET, 10, False),
        (Fault.TIMEOUT, 10, True),
        (Fault.RESET_AFTER, 11, False),
        (Fault.TIMEOUT_AFTER, 11, True),
    ],
)
def test_a_connection_is_lost_before_or_after(
    world: World, kind: Fault, quantity: int, timed_out: bool
) -> None:
    api, _ = always(world, kind)
    with pytest.raises(LostError) as lost:
        api.patch(LINE, UNITS)
    assert (lost.value.timed_out, world.addition(1)["quantity"]) == (timed_out, quantity)


def test_a_failure_after_the_write_says_nothing_of_it(world: World) -> None:
    assert always(world, Fault.FAILED_AFTER)[0].patch(LINE, UNITS).status_code == 504
    assert world.addition(1)["quantity"] == 11


def test_a_late_write_arrives_once_some_requests_later(world: World) -> None:
    api, faults = always(world, Fault.LATE)
    body = {"product": {"id": 2}, "billCustomer": "Billable", "effectiveDate": "2026-12-01T00:00:00Z"}
    with pytest.raises(LostError):
        api.post(LINES, body)
    assert len(api.get(LINES).json()) == 1
    for _ in range(16):
        api.get(LINES)
    assert len(api.get(LINES).json()) == 2
    faults.settle()
    assert len(api.get(LINES).json()) == 2


def test_time_that_passes_lets_late_writes_arrive(world: World) -> None:
    api, faults = always(world, Fault.LATE)
    with pytest.raises(LostError):
        api.patch(LINE, UNITS)
    faults.stop()
    assert world.addition(1)["quantity"] == 11
    assert api.patch(LINE, ("replace", "quantity", 12)).json()["quantity"] == 12


def test_a_patch_may_be_answered_and_not_done(world: World) -> None:
    answer = always(world, Fault.PATCH_IGNORED)[0].patch(LINE, UNITS)
    assert (answer.status_code, answer.json()["quantity"], world.addition(1)["quantity"]) == (200, 10, 10)


def test_answers_are_no_json(world: World) -> None:
    page = always(world, Fault.HTML)[0].get(LINES)
    assert page.headers["content-type"].startswith("text/html")
    with pytest.raises(ValueError):
        json.loads(always(world, Fault.BROKEN_JSON)[0].get(LINES).text)


def test_fields_are_missing_more_or_of_another_type(world: World) -> None:
    good = Api(world).get(LINE).json()
    less = always(world, Fault.MISSING_FIELD)[0].get(LINE).json()
    more = always(world, Fault.MORE_FIELDS)[0].get(LINE).json()
    other = always(world, Fault.WRONG_TYPE)[0].get(LINE).json()
    assert len(good.keys() - less.keys()) == 1
    assert good.items() < more.items()
    (changed,) = [name for name in good if good[name] != other[name]]
    assert type(good[changed]) is not type(other[changed])


@pytest.mark.parametrize("kind", [Fault.PAGE_REPEATS, Fault.PAGE_SHORT, Fault.PAGE_FAILS])
def test_a_list_contradicts_itself(world: World, kind: Fault) -> None:
    good = [row["id"] for row in Api(world).get("procurement/catalog").json()]
    for seed in map(str, range(8)):
        api, faults = always(world, kind, seed=seed)
        first = api.get("procurement/catalog")
        ids = [row["id"] for row in first.json()]
        if "next" in first.links:
            assert ids == good[:1]
            second = api.get("procurement/catalog", page=2)
            wanted = {Fault.PAGE_REPEATS: ids, Fault.PAGE_SHORT: []}
            assert (
                second.status_code == 500
                if kind is Fault.PAGE_FAILS
                else second.json() == [row for row in first.json() if row["id"] in wanted[kind]]
            )
        else:
            assert len(set(ids)) < len(ids) if faults.injected else ids == good


def test_an_item_of_a_bundle_fails(world: World) -> None:
    good = Api(world).post("system/bundles", BUNDLE).json()
    assert good["results"][0]["count"] == 1
    for seed in map(str, range(6)):
        api, faults = always(world, Fault.BUNDLE_ITEM, seed=seed)
        bad = api.post("system/bundles", BUNDLE)
        assert (bad.status_code, faults.injected[Fault.BUNDLE_ITEM]) == (200, 1)
        assert bad.json() != good


def test_a_token_expires_and_a_codebase_moves(world: World) -> None:
    api, faults = always(world, Fault.TOKEN_EXPIRED, Fault.CODEBASE_MOVED)
    api.sign_in()
    assert api.sophos("/partner/v1/tenants").status_code == 401
    moved = api.send("GET", f"/v2025_1/apis/3.0/{LINE}", headers=signature())
    assert moved.status_code == 404
    faults.stop()
    assert api.send("GET", "/login/companyinfo/harbourlight").json()["Codebase"] == "v2025_3/"


def test_somebody_else_changes_a_line_by_default(world: World) -> None:
    assert always(world, Fault.SOMEBODY_ELSE)[0].get(LINE).json()["quantity"] == 11
    assert world.addition(1)["_info"]["updatedBy"] == "jdoe"


def test_reading_among_faults_leaves_the_world_as_it_is(world: World) -> None:
    kinds = tuple(set(Fault) - {Fault.SOMEBODY_ELSE})
    before = copy.deepcopy((world.tables, world.usage, world.tenants))
    api = Api(world, faults=Faults("3", 1.0, kinds))
    for _ in range(60):
        for path in (LINES, LINE, "procurement/catalog"):
            try:
                api.get(path)
            except LostError:
                continue
    assert (world.tables, world.usage, world.tenants) == before


@pytest.mark.parametrize(("kind", "hang"), [(Fault.RESET, 0.0), (Fault.TIMEOUT, 0.0), (Fault.TIMEOUT, 30.0)])
def test_a_server_closes_connections_or_keeps_one_waiting(
    kind: Fault, hang: float, capfd: pytest.CaptureFixture[str]
) -> None:
    wanted = httpx.ReadTimeout if hang else httpx.RemoteProtocolError
    faults = Faults("1", 1.0, (kind,), hang=hang)
    with running(empty_world(TODAY), faults=faults) as sandbox, pytest.raises(wanted):
        httpx.get(f"{sandbox.url}{ROOT}/system/info", timeout=0.3)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("text", ["", ":0.5", "1:2", "1:-0.1", "1:much"])
def test_a_schedule_that_is_none_is_said(text: str, tmp_path: Path) -> None:
    said = Whole(tmp_path).run("sandbox", "--faults", text)
    assert said.code == 64
    assert "SEED or SEED:RATE" in said.err


def test_a_schedule_as_people_write_it() -> None:
    made: list[Any] = [Faults.parse("7"), Faults.parse("some words:0.25", hang=3)]
    assert [(one.seed, one.rate, one.hang) for one in made] == [("7", 0.1, 0.0), ("some words", 0.25, 3)]

"""How many requests a plan takes: by the mapped products' identifiers, never by the catalog."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from copy import deepcopy
from functools import cache
from typing import TYPE_CHECKING

import httpx
import pytest

from reconciler.cli.runtime import Runtime
from reconciler.cli.site import connect_connectwise
from reconciler.connectwise import catalog
from reconciler.sandbox.seed import small_msp
from reconciler.transport.errors import ReadOnly
from tests.support import TODAY, Site

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.sandbox.world import World
    from tests.support import Send

PAGED = ("/partner/v1/tenants", "/partner/v1/billing/usage/", "/licenses/v1/licenses/firewalls")


@cache
def _start() -> World:
    return small_msp(TODAY, catalog_size=2000)


def mapped(folder: Path, count: int, *, products: str = "", **quirks: str) -> Site:
    """A site whose `count` products are all mapped as its folder says."""
    site = Site(folder, deepcopy(_start()), {name.replace("_", "-"): value for name, value in quirks.items()})
    for row in site.world.rows("catalog"):
        row.pop("notes", None)
    rows = []
    for number in range(count):
        code, identifier = f"CODE-{number}-MSP", f"MSP-MANAGED-SERVICE-{number}"
        site.world.add_catalog_item(identifier, notes=f"[sophos:main {code}]")
        rows.append(f"  {code}: {{product: {identifier}, sync: true}}")
    return site.say("mappings:\n" + "\n".join(rows) + "\n" + products)


def counted(site: Site) -> list[str]:
    """Every request of a plan but the pages of tenants, usage and firewalls."""
    site.forget()
    plan = site.plan()
    assert (plan.code, plan.ids) == (0, [])
    return [f"{r.method} {r.path}" for r in site.requests if not r.path.startswith(PAGED)]


TABLES = """
products:
  MSP-MANAGED-SERVICE-0: {subcategory: Endpoint, type: Managed Service, unitOfMeasure: Each}
"""


def test_sixty_products_that_are_in_step(tmp_path: Path) -> None:
    requests = counted(mapped(tmp_path, 60, products=TABLES))
    assert len(requests) <= 12, requests
    assert sum("/procurement/catalog" in one for one in requests) <= 4


def test_one_page_for_each_table_that_is_referred_to_and_no_other(tmp_path: Path) -> None:
    with_tables = counted(mapped(tmp_path, 3, products=TABLES))
    tables = sorted(
        one.rpartition("/apis/3.0")[2].rstrip("/") for one in with_tables if "/catalog" not in one
    )
    assert [one for one in tables if one.startswith("/procurement")] == [
        "/procurement/subcategories", "/procurement/types", "/procurement/unitOfMeasures",
    ]  # fmt: skip
    assert not any("/types" in one for one in counted(mapped(tmp_path, 3)))


def test_requests_grow_with_chunks_of_identifiers(tmp_path: Path) -> None:
    few, many = (len(counted(mapped(tmp_path, count))) for count in (10, 300))
    assert many - few <= 300 / 25
    assert all(len(r.path) + len(r.query) < 2000 for r in mapped(tmp_path, 300).requests)


def test_what_was_renamed_long_ago_costs_nothing_per_product(tmp_path: Path) -> None:
    leftovers = "products:\n" + "\n".join(
        f"  MSP-MANAGED-SERVICE-{number}: {{renamedFrom: SOPHOS-OLD-NAME-{number}}}" for number in range(20)
    )
    plain, renamed = counted(mapped(tmp_path, 60)), counted(mapped(tmp_path, 60, products=leftovers))
    assert len(renamed) - len(plain) <= 2


def test_the_catalog_is_not_listed(tmp_path: Path) -> None:
    site = mapped(tmp_path, 60)
    counted(site)
    catalog = [r for r in site.requests if r.path.endswith("/procurement/catalog")]
    assert all("conditions=" in r.query for r in catalog)


@pytest.mark.parametrize("quirk", ["notes_filter", "in_operator"])
def test_servers_that_refuse_a_filter_are_asked_otherwise(tmp_path: Path, quirk: str) -> None:
    site = mapped(tmp_path, 60, **{quirk: "refused"})
    counted(site)
    site.world.add_catalog_item("MSP-FORGOTTEN", notes="[sophos:main GONE]")
    assert site.plan().short == ["unmap MSP-FORGOTTEN GONE"]


@pytest.mark.parametrize("existing", ["MSP-ENDPOINT", "msp-endpoint", "Msp-Endpoint"])
@pytest.mark.parametrize("compare", ["sensitive", "insensitive"])
def test_a_server_that_minds_capitals_gets_no_second_product(
    tmp_path: Path, existing: str, compare: str
) -> None:
    site = Site(tmp_path, quirks={"string-compare": compare})
    site.world.add_catalog_item(existing)
    site.say(
        """
        mappings: {CODE-1: {product: msp-Endpoint, sync: true}}
        products:
          msp-Endpoint: {description: D, customerDescription: D, subcategory: Endpoint, price: 0,
                         type: Managed Service, productClass: Agreement, taxableFlag: false}
        """
    )
    site.apply()
    assert len(site.world.tables["catalog"]) == 1
    assert site.notes(existing) == "[sophos:main CODE-1]"


def test_independent_reads_run_at_the_same_time(tmp_path: Path) -> None:
    site = mapped(tmp_path, 60, products=TABLES)
    answers = 0
    waiting = []

    def note(*_: object) -> None:
        waiting.append(answers)

    inner = site.network.handle_async_request

    async def count(request: object) -> object:
        nonlocal answers
        note()
        try:
            return await inner(request)  # type: ignore[arg-type]
        finally:
            answers += 1

    site.network.handle_async_request = count  # type: ignore[assignment,method-assign]
    site.plan()
    in_flight = [started - finished for started, finished in zip(range(1, 99), waiting, strict=False)]
    assert max(in_flight) >= 4


def test_connectwise_is_read_while_sophos_is_still_being_connected(tmp_path: Path) -> None:
    site = mapped(tmp_path, 60, products=TABLES)

    async def late(request: httpx.Request, send: Send) -> httpx.Response:
        for _ in range(1000):
            if any(one.path.endswith("/procurement/catalog") for one in site.requests):
                break
            await asyncio.sleep(0.001)
        else:
            raise AssertionError("nothing was read of ConnectWise")
        return await send(request)

    site.break_("GET", "/whoami/v1", late)
    assert (site.plan().code, site.plan().ids) == (0, [])


def test_reading_ends_where_sophos_refuses_the_keys(tmp_path: Path) -> None:
    """ConnectWise hangs here, and nobody waits for it."""
    site = mapped(tmp_path, 60, products=TABLES)
    waited_for = []

    async def never(request: httpx.Request, send: Send) -> httpx.Response:
        await asyncio.sleep(20)
        waited_for.append(request.url.path)
        return await send(request)

    async def refused(request: httpx.Request, send: Send) -> httpx.Response:
        await asyncio.sleep(0.05)
        return httpx.Response(200, json={"idType": "tenant", "id": "1"})

    site.break_("GET", "/procurement/catalog", never)
    site.break_("GET", "/whoami/v1", refused)
    said = site.run("plan", str(site.folder))
    assert (said.code, "[sophos-not-a-partner]" in said.err) == (1, True)
    assert waited_for == []


def test_what_reads_cannot_write(tmp_path: Path) -> None:
    """The connection that plan uses refuses before anything leaves."""
    site = mapped(tmp_path, 1)
    runtime = Runtime(environ=site.environ, transport=site.network)

    async def try_to_write() -> None:
        async with AsyncExitStack() as stack:
            client = await connect_connectwise(stack, runtime, write=False)
            with pytest.raises(ReadOnly):
                await catalog.patch_item(client, 1, [{"op": "replace", "path": "notes", "value": "x"}])
            with pytest.raises(ReadOnly):
                await catalog.create_item(client, {"identifier": "X"})

    asyncio.run(try_to_write())
    assert site.writes == []

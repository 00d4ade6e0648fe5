"""What is read for the configuration's customers, in how many requests, and what is said of failures."""

from __future__ import annotations

from contextlib import asynccontextmanager
from datetime import date
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from reconciler.connectwise.client import connect
from reconciler.model.desired import NOWHERE, Customer
from reconciler.model.diagnostics import ReconcilerError, Severity
from reconciler.model.identifiers import Id, Name
from reconciler.observation.billing import read_billing
from reconciler.sandbox.app import create_app
from reconciler.sandbox.seed import empty_world, small_msp
from tests.connectwise.support import TODAY, no_sleep, sandbox_credentials

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from reconciler.connectwise.client import Client
    from reconciler.model.identifiers import Selector
    from reconciler.sandbox.world import World

pytestmark = pytest.mark.anyio

SINCE = date(2026, 11, 1)


class _Tampered(httpx.AsyncBaseTransport):
    """The sandbox, except where `tamper` has an answer of its own."""

    def __init__(self, app: Any, tamper: Callable[[httpx.Request], httpx.Response | None]) -> None:
        self._inner = httpx.ASGITransport(app)
        self._tamper = tamper

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return self._tamper(request) or await self._inner.handle_async_request(request)


@asynccontextmanager
async def serving(
    world: World, tamper: Callable[[httpx.Request], httpx.Response | None] = lambda _: None, **quirks: str
) -> AsyncIterator[tuple[Client, list[str]]]:
    """A reading client, and the paths of what it asks."""
    app = create_app(world, quirks=quirks)
    paths: list[str] = []
    async with connect(
        sandbox_credentials(),
        write=False,
        transport=_Tampered(app, tamper),
        sleep=no_sleep,
        observer=lambda _system, _method, path: paths.append(path),
    ) as client:
        paths.clear()
        yield client, paths


def customer(company: Selector | str | None, **more: Any) -> Customer:
    selector = Name(company) if isinstance(company, str) else company
    return Customer(
        tenant_id="00000000-0000-4000-8000-000000000001", location=NOWHERE, company=selector, **more
    )


async def test_everything_of_the_site_is_read_in_seven_requests() -> None:
    world = small_msp(TODAY, catalog_size=0)
    names = [row["identifier"] for row in world.rows("companies") if world.agreements_of(row["identifier"])]
    async with serving(world) as (client, paths):
        billing, diagnostics = await read_billing(
            client, [customer(name) for name in names], since=SINCE, today=TODAY
        )
    assert diagnostics == ()
    assert sorted(paths) == [
        "/company/companies",
        "/finance/agreementrecap/",
        "/finance/agreements",
        "/finance/agreements",  # its empty end
        "/finance/agreements/count",
        "/finance/billingCycles",
        "/system/bundles",
    ]
    assert [one.id for one in billing.agreements] == sorted(world.tables["agreements"])
    assert [one.identifier for one in billing.companies] == names
    over = {one.id for one in billing.agreements if one.cancelled or (one.end and one.end < SINCE)}
    assert len(over) == 2
    assert set(billing.lines) == {one.id for one in billing.agreements} - over
    assert set(billing.recaps) == set(billing.lines)
    open_lines = [row for row in world.rows("additions") if row.get("cancelledDate") is None]
    assert sum(map(len, billing.lines.values())) == len(open_lines)


async def test_hundreds_of_customers_take_a_dozen_requests() -> None:
    world = empty_world(TODAY)
    for number in range(300):
        world.add_company(f"CUSTOMER-{number}")
        world.add_agreement(f"CUSTOMER-{number}")
    async with serving(world) as (client, paths):
        people = [customer(f"CUSTOMER-{number}") for number in range(300)]
        billing, _ = await read_billing(client, people, since=SINCE, today=TODAY)
    assert len(billing.lines) == 300
    assert paths.count("/system/bundles") == 6
    assert paths.count("/company/companies") <= 5
    assert len(paths) <= 18


async def test_companies_come_after_the_agreements_that_lines_wait_for() -> None:
    world = empty_world(TODAY)
    for number in range(300):
        world.add_company(f"CUSTOMER-{number}")
        world.add_agreement(f"CUSTOMER-{number}")
    async with serving(world) as (client, paths):
        people = [customer(f"CUSTOMER-{number}") for number in range(300)]
        await read_billing(client, people, since=SINCE, today=TODAY)
    agreements = [number for number, path in enumerate(paths) if path == "/finance/agreements"]
    companies = [number for number, path in enumerate(paths) if path == "/company/companies"]
    assert max(agreements) < min(companies)


async def test_companies_are_read_with_and_without_agreements_deleted_ones_too() -> None:
    world = small_msp(TODAY, catalog_size=0)
    world.company("ALDERBROOK")["deletedFlag"] = True
    number = world.company("CINDERCONE")["id"]
    people = [customer(name) for name in ("ALDERBROOK", "oldquay", "GONE")]
    people += [customer(Id(number)), customer(Id(999_999)), customer("alderbrook ")]
    people += [customer(Id(world.company("BELLWETHER")["id"]))]
    async with serving(world) as (client, paths):
        billing, diagnostics = await read_billing(client, people, since=SINCE, today=TODAY)
    assert [(one.identifier, one.deleted) for one in billing.companies] == [
        ("ALDERBROOK", True),
        ("BELLWETHER", False),
        ("CINDERCONE", False),
        ("OLDQUAY", True),
    ]
    assert diagnostics == ()
    assert paths.count("/company/companies") == 2


async def test_a_company_that_only_its_agreement_leads_to_is_read_too() -> None:
    """As where a server minds capitals, and agreements were listed and companies asked for by name."""
    world = empty_world(TODAY)
    number = world.add_company("Alder")["id"]
    world.add_agreement("Alder")

    def tamper(request: httpx.Request) -> httpx.Response | None:
        by_name = "identifier" in request.url.params.get("conditions", "")
        is_company = request.url.path.endswith("/company/companies")
        return httpx.Response(200, json=[]) if is_company and by_name else None

    async with serving(world, tamper) as (client, _):
        billing, _ = await read_billing(client, [customer("ALDER")], since=SINCE, today=TODAY)
    assert [one.id for one in billing.companies] == [number]


async def test_companies_of_excluded_customers_are_read_too() -> None:
    """Lines may be open there, and each needs its account."""
    world = small_msp(TODAY, catalog_size=0)
    people = [
        customer("ALDERBROOK", exclude="internal"),
        customer("BELLWETHER", exclude="pilot", until=date(2026, 10, 1)),
        customer(None, exclude="internal"),
        customer(None),
    ]
    async with serving(world) as (client, paths):
        billing, _ = await read_billing(client, people, since=SINCE, today=TODAY)
    assert [company.identifier for company in billing.companies] == ["ALDERBROOK", "BELLWETHER"]
    assert paths.count("/company/companies") == 1


@pytest.mark.parametrize(
    ("fields", "is_read"),
    [
        ({}, True),
        ({"endDate": "2026-10-31T00:00:00Z"}, False),
        ({"endDate": "2026-11-01T00:00:00Z"}, True),
        ({"endDate": "2026-10-31T00:00:00Z", "noEndingDateFlag": True}, True),
        ({"cancelledFlag": True, "dateCancelled": "2026-10-31T00:00:00Z"}, False),
        ({"cancelledFlag": True, "dateCancelled": "2026-11-01T00:00:00Z"}, True),
        ({"cancelledFlag": True}, False),
        ({"startDate": "2027-01-01T00:00:00Z", "billStartDate": "2027-01-01T00:00:00Z"}, True),
    ],
)
async def test_lines_are_read_of_agreements_that_may_still_be_billed(
    fields: dict[str, Any], is_read: bool
) -> None:
    world = empty_world(TODAY)
    world.add_company("ACME")
    number = world.add_agreement("ACME", **fields)["id"]
    async with serving(world) as (client, _):
        billing, _ = await read_billing(client, [customer("ACME")], since=SINCE, today=TODAY)
    assert [one.id for one in billing.agreements] == [number]
    assert (number in billing.lines) is is_read


def _family(world: World) -> None:
    """A parent and a child of other companies, and agreements that are none of the family."""
    for name in ("GROUP", "ACME", "BRANCH", "OTHER"):
        world.add_company(name)
    world.add_catalog_item("MSP-EP")
    world.add_agreement("GROUP", "Frame")
    world.add_agreement("ACME", "Managed", parentAgreement=1)
    world.add_agreement("BRANCH", "Branches", parentAgreement=2)
    world.add_agreement("OTHER", "Managed")
    world.add_agreement("GROUP", "Sister", parentAgreement=1)
    for agreement in (1, 2, 3, 4, 5):
        world.add_addition(agreement, "MSP-EP", agreement)


async def test_everybody_s_agreements_cost_a_page_and_a_bundle_for_fifty() -> None:
    """The census: parents, children and companies that no row names are read with their open lines."""
    world = empty_world(TODAY)
    _family(world)
    world.add_agreement("OTHER", "Over", endDate="2026-10-31T00:00:00Z")
    for number in range(60):
        world.add_company(f"MORE-{number}")
        world.add_agreement(f"MORE-{number}")
    async with serving(world) as (client, paths):
        billing, diagnostics = await read_billing(client, [customer("ACME")], since=SINCE, today=TODAY)
    assert diagnostics == ()
    assert sorted(path for path in paths if "recap" not in path) == [
        "/company/companies",
        *["/finance/agreements"] * 2,  # the list, and its empty end
        "/finance/agreements/count",
        "/finance/billingCycles",
        *["/system/bundles"] * 2,
    ]
    assert len(billing.agreements) == 66
    assert len(billing.lines) == 65
    assert 6 not in billing.lines, "it is over, and of a company that no row names"
    assert [company.identifier for company in billing.companies] == ["ACME"]


async def test_lines_that_cannot_be_read_are_absent_and_said() -> None:
    world = small_msp(TODAY, catalog_size=0)

    def tamper(request: httpx.Request) -> httpx.Response | None:
        gone = request.url.path.endswith("/agreements/1/additions")
        return httpx.Response(404, json={"code": "NotFound", "message": "gone"}) if gone else None

    async with serving(world, tamper, bundles="refused") as (client, _):
        billing, [said] = await read_billing(
            client, [customer("ALDERBROOK"), customer("BELLWETHER")], since=SINCE, today=TODAY
        )
    assert {1, 2} <= {one.id for one in billing.agreements}
    assert (1 in billing.lines, 2 in billing.lines) == (False, True)
    assert (said.severity, said.subject) == (Severity.ERROR, "agreement/1")


@pytest.mark.parametrize(
    ("status", "code"), [(403, "not-permitted"), (404, "endpoint-not-found"), (500, "unreachable")]
)
async def test_recaps_that_cannot_be_read_are_a_warning_and_cost_no_lines(status: int, code: str) -> None:
    world = small_msp(TODAY, catalog_size=0)

    def tamper(request: httpx.Request) -> httpx.Response | None:
        refused = "/agreementrecap" in request.url.path
        return httpx.Response(status, json={"code": "X", "message": "no"}) if refused else None

    async with serving(world, tamper, bundles="refused") as (client, _):
        billing, [said] = await read_billing(client, [customer("ALDERBROOK")], since=SINCE, today=TODAY)
    assert billing.recaps == {}
    assert len(billing.lines[1]) > 0
    assert (said.severity, said.code) == (Severity.WARNING, f"connectwise-{code}")


@pytest.mark.parametrize(
    ("parts", "status", "code"),
    [
        (["/finance/agreements"], 403, "not-permitted"),
        (["/company/companies"], 403, "not-permitted"),
        (["/company/companies", "/finance/agreements"], 403, "not-permitted"),
        (["/company/companies"], 500, "unreachable"),
        (["/system/bundles"], 500, "unreachable"),
    ],
)
async def test_what_concerns_everything_is_raised(parts: list[str], status: int, code: str) -> None:
    """Companies too: without them a deleted customer would go on being billed."""
    world = small_msp(TODAY, catalog_size=0)

    def tamper(request: httpx.Request) -> httpx.Response | None:
        refused = any(part in request.url.path for part in parts)
        return httpx.Response(status, json={"message": "no"}) if refused else None

    people = [customer("ALDERBROOK"), customer("BELLWETHER")]
    async with serving(world, tamper) as (client, _):
        with pytest.raises(ReconcilerError) as raised:
            await read_billing(client, people, since=SINCE, today=TODAY)
    told = sorted(raised.value.diagnostics, key=lambda one: one.message)
    assert [one.code for one in told] == [f"connectwise-{code}"] * len(parts)
    assert all(part in one.message for part, one in zip(parts, told, strict=True))

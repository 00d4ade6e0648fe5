"""Finding the API, signing in, and reading lists to their ends."""

from __future__ import annotations

import asyncio
import base64
import logging
from typing import Any

import httpx
import pytest

from reconciler.connectwise.catalog import CATALOG
from reconciler.connectwise.client import connect
from reconciler.connectwise.credentials import parse_credentials
from reconciler.connectwise.permissions import needed_permission
from reconciler.model.diagnostics import ReconcilerError
from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import (
    ApiError,
    BadAnswer,
    EndpointNotFound,
    NotAuthenticated,
    NotPermitted,
    ReadOnly,
    RecordNotFound,
    Unreachable,
    Unsure,
)
from tests.connectwise.support import COMPANY_INFO, CREDENTIALS, no_sleep, sandbox, served

pytestmark = pytest.mark.anyio

NO_ENDPOINT = {"code": "ConnectWiseApi", "message": "The endpoint does not exist."}


async def first_path(company_info: httpx.Response) -> str:
    """The path of the first request to a server whose company information is this."""
    paths: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.path.startswith("/login/"):
            return company_info
        paths.append(request.url.raw_path.decode())
        return httpx.Response(200, json={"id": 1})

    transport = httpx.MockTransport(answer)
    async with connect(CREDENTIALS, write=False, transport=transport, sleep=no_sleep) as client:
        await client.get("/system/info")
    return paths[0]


@pytest.mark.parametrize(
    ("codebase", "path"),
    [
        ("v2025_1/", "/v2025_1/apis/3.0/system/info"),
        ("v2025_12", "/v2025_12/apis/3.0/system/info"),
        ("v4_6_release/", "/v4_6_release/apis/3.0/system/info"),
    ],
)
async def test_the_api_is_where_the_company_information_says(codebase: str, path: str) -> None:
    assert await first_path(httpx.Response(200, json=COMPANY_INFO | {"Codebase": codebase})) == path


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(404, json=NO_ENDPOINT),
        httpx.Response(404, json={"code": "NotFound", "message": "x"}),
        httpx.Response(404, text="<html>", headers={"content-type": "text/html"}),
    ],
)
async def test_a_server_without_company_information_is_asked_where_every_release_answers(
    answer: httpx.Response,
) -> None:
    assert await first_path(answer) == "/v4_6_release/apis/3.0/system/info"


@pytest.mark.parametrize(
    "codebase",
    [
        "../../evil",
        "//evil.example/",
        "https://evil.example/",
        "v2025_1/../../evil",
        "v2025_1/\n",
        "v2025_1//",
        "v2025_1/?x=",
        "v２０２５_1/",
        "@evil.example/",
        "",
        None,
        7,
        ["v2025_1/"],
    ],
)
async def test_a_hostile_codebase_enters_no_url(codebase: object) -> None:
    with pytest.raises(BadAnswer, match="names no usable release"):
        await first_path(httpx.Response(200, json=COMPANY_INFO | {"Codebase": codebase}))


@pytest.mark.parametrize("body", [[], "text", 3, {}])
async def test_company_information_of_another_shape_is_no_answer(body: object) -> None:
    with pytest.raises(BadAnswer):
        await first_path(httpx.Response(200, json=body))


async def test_an_unknown_company_is_said() -> None:
    with pytest.raises(ReconcilerError) as raised:
        await first_path(httpx.Response(200, text="null"))
    assert raised.value.diagnostics[0].code == "connectwise-unknown-company"
    assert "CONNECTWISE_COMPANY" in raised.value.diagnostics[0].remedy


async def test_the_company_is_quoted_and_asked_for_without_credentials() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json=COMPANY_INFO)

    odd = parse_credentials(
        url="psa.example.com", company="a?b#c%d", public_key="P", private_key="Q", client_id="I"
    )
    async with connect(odd, write=False, transport=httpx.MockTransport(answer)) as client:
        assert client.company == "a?b#c%d"
    assert seen[0].url.raw_path == b"/login/companyinfo/a%3Fb%23c%25d"
    assert "authorization" not in seen[0].headers


async def test_every_request_carries_what_connectwise_asks_for() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(200, json={"id": 1})

    async with served(answer) as client:
        await client.get("/system/info")
        await client.patch("/procurement/catalog/1", [])
        assert client.host == "psa.example.com"
        assert client.company == "example"
    for request in seen:
        pair = base64.b64decode(request.headers["authorization"].removeprefix("Basic ")).decode()
        assert pair == "example+MadeUpPublicKey:MadeUpPrivateKey"
        assert request.headers["clientid"] == "00000000-0000-4000-8000-000000000001"
        assert request.headers["accept"] == "application/vnd.connectwise.com+json; version=2025.1"
    assert "content-type" not in seen[0].headers
    assert seen[1].headers["content-type"] == "application/json"


async def test_keys_are_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    encoded = base64.b64encode(b"example+MadeUpPublicKey:MadeUpPrivateKey").decode()
    async with served(lambda _: httpx.Response(401, json={"code": "Unauthorized"})) as client:
        with pytest.raises(NotAuthenticated) as raised:
            await client.get("/system/info")
    shown = caplog.text + str(raised.value) + repr(raised.value.diagnostics) + repr(CREDENTIALS)
    for secret in ("MadeUpPublicKey", "MadeUpPrivateKey", encoded):
        assert secret not in shown


async def test_a_cloud_upgrade_in_the_middle_is_followed_once() -> None:
    current = "v2025_1"
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        if request.url.path.startswith("/login/"):
            return httpx.Response(200, json=COMPANY_INFO | {"Codebase": current + "/"})
        if not request.url.path.startswith(f"/{current}/"):
            return httpx.Response(404, json=NO_ENDPOINT)
        return httpx.Response(200, json={"id": 1})

    transport = httpx.MockTransport(answer)
    async with connect(CREDENTIALS, write=True, transport=transport, sleep=no_sleep) as client:
        await client.get("/system/info")
        current = "v2025_2"
        await client.get("/system/info")
        await client.post("/procurement/catalog", {"identifier": "X"})
    assert asked == [
        "/login/companyinfo/example",
        "/v2025_1/apis/3.0/system/info",
        "/v2025_1/apis/3.0/system/info",
        "/login/companyinfo/example",
        "/v2025_2/apis/3.0/system/info",
        "/v2025_2/apis/3.0/procurement/catalog",
    ]


async def test_an_upgrade_is_looked_up_once_for_all_callers() -> None:
    current = "v2025_1"
    asked: list[str] = []

    async def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        codebase = current
        await asyncio.sleep(0.002)
        if request.url.path.startswith("/login/"):
            return httpx.Response(200, json=COMPANY_INFO | {"Codebase": codebase + "/"})
        if not request.url.path.startswith(f"/{codebase}/"):
            return httpx.Response(404, json=NO_ENDPOINT)
        return httpx.Response(200, json={"id": 1})

    transport = httpx.MockTransport(answer)
    async with connect(CREDENTIALS, write=False, transport=transport, sleep=no_sleep) as client:
        current = "v2025_2"
        assert len(await all_of([client.get(f"/x/{number}") for number in range(8)])) == 8
    assert asked.count("/login/companyinfo/example") == 2


async def test_an_upgrade_between_two_pages_loses_nothing() -> None:
    async with sandbox(codebase_move="2") as (client, state):
        rows = await client.list_all(CATALOG, (("fields", "id"),))
        assert len(rows) == len(state.world.tables["catalog"])
    assert len(rows) > 2000
    assert [request.path for request in state.requests].count("/login/companyinfo/harbourlight") == 2


async def test_an_endpoint_that_no_release_has_is_said_after_one_look() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        return httpx.Response(404, json=NO_ENDPOINT)

    async with served(answer) as client:
        with pytest.raises(EndpointNotFound, match="GET /procurement/nothing"):
            await client.get("/procurement/nothing")
    assert len(asked) == 1


async def test_a_missing_record_is_no_upgrade() -> None:
    async with sandbox() as (client, state):
        with pytest.raises(RecordNotFound):
            await client.get(f"{CATALOG}/999999")
    assert [request.path for request in state.requests].count("/login/companyinfo/harbourlight") == 1


@pytest.mark.parametrize("quirk", ["unauthorized", "not-authenticated"])
async def test_wrong_keys_are_said(quirk: str) -> None:
    async with sandbox(bad_credentials=quirk) as (client, state):
        state.world.members.clear()
        with pytest.raises(NotAuthenticated):
            await client.list_page(CATALOG, size=1)


async def test_wrong_keys_that_a_server_hides_behind_a_404_are_hinted_at() -> None:
    async with sandbox(bad_credentials="not-found") as (client, state):
        state.world.members.clear()
        with pytest.raises(EndpointNotFound) as raised:
            await client.list_page(CATALOG, size=1)
    assert "CONNECTWISE_PRIVATE_KEY" in raised.value.diagnostic.remedy


async def test_a_missing_right_is_named() -> None:
    async with sandbox(member="noaccess") as (client, _):
        with pytest.raises(NotPermitted) as raised:
            await client.list_page(CATALOG, size=1)
    assert raised.value.permission == "Procurement > Product Catalog: Inquire = All"


@pytest.mark.parametrize(
    ("method", "path", "permission"),
    [
        ("POST", "/procurement/catalog", "Procurement > Product Catalog: Add = All"),
        ("PATCH", "/procurement/catalog/7", "Procurement > Product Catalog: Edit = All"),
        ("GET", "/procurement/subcategories/", "System > Table Setup: Inquire = All"),
        ("GET", "/finance/agreements/types", "System > Table Setup: Inquire = All"),
        ("GET", "/finance/agreements", "Finance > Agreements: Inquire = All"),
        ("GET", "/company/companies", "Companies > Company Maintenance: Inquire = All"),
        ("GET", "/system/info", "the security role of the API member: Inquire = All"),
    ],
)
def test_permissions_are_named_as_the_product_names_them(method: str, path: str, permission: str) -> None:
    assert needed_permission(method, path) == permission


async def test_what_plan_uses_cannot_write() -> None:
    async with sandbox(write=False) as (client, state):
        before = len(state.requests)
        with pytest.raises(ReadOnly):
            await client.post(CATALOG, {})
        with pytest.raises(ReadOnly):
            await client.patch(f"{CATALOG}/1", [])
        assert len(state.requests) == before


@pytest.mark.parametrize("end", ["next-link", "empty-link", "none"])
async def test_forward_only_paging_reads_to_the_end(end: str) -> None:
    async with sandbox(forward_only_end=end) as (client, state):
        rows = await client.list_forward(CATALOG, (("fields", "id"),))
        numbered = await client.list_all(CATALOG, (("fields", "id"),))
    assert sorted(row["id"] for row in rows) == [row["id"] for row in numbered]
    assert len(rows) > 2000
    first = state.requests[1]
    assert "page=" not in first.query
    assert "orderBy" not in first.query


def pages(*lists: list[int], link: Any = None) -> Any:
    """A server of these pages, which counts from 1; `link` makes the Link header of a page."""
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        page = int(request.url.params.get("page", "1"))
        rows = [{"id": number} for number in (lists[page - 1] if page <= len(lists) else [])]
        headers = {} if link is None else {"Link": link(page)}
        return httpx.Response(200, json=rows, headers=headers)

    answer.asked = asked  # type: ignore[attr-defined]  # a function remembers what it was asked
    return answer


async def test_the_next_link_is_followed_by_its_page_alone() -> None:
    server = pages(
        [1],
        [2],
        link=lambda page: (
            '<https://evil.example/steal?page=2&x=1>; rel="next", <y>; rel="last"' if page == 1 else ""
        ),
    )
    async with served(server) as client:
        assert [row["id"] for row in await client.list_all("/x", (("conditions", "a = 1"),))] == [1, 2]
    assert {request.url.host for request in server.asked} == {"psa.example.com"}
    assert server.asked[1].url.params["conditions"] == "a = 1"
    assert server.asked[1].url.params["orderBy"] == "id asc"


async def test_an_announced_page_that_is_empty_is_no_end() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "page=2" in str(request.url):
            return httpx.Response(200, json=[])
        link = '<https://psa.example.com/x?page=2>; rel="next"'
        return httpx.Response(200, json=[{"id": 1}], headers={"link": link})

    async with served(answer) as client:
        with pytest.raises(BadAnswer, match="page 2 was announced, and it is empty"):
            await client.list_all("/x")


async def test_a_lost_link_header_shortens_no_list() -> None:
    full = list(range(1, 1001))
    async with served(pages(full, [1001, 1002])) as client:
        assert len(await client.list_all("/x")) == 1002
    async with served(pages(full)) as client:
        assert len(await client.list_all("/x")) == 1000


async def test_a_lost_link_header_shortens_no_forward_only_list() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        start = int(request.url.params.get("pageId", "0"))
        return httpx.Response(
            200, json=[{"id": number} for number in range(start + 1, min(start + 1001, 2001))]
        )

    async with served(server) as client:
        assert [row["id"] for row in await client.list_forward("/x")] == list(range(1, 2001))


async def test_only_the_asked_pages_are_read() -> None:
    server = pages([1], [2], link=lambda page: f'<https://x/?page={page + 1}>; rel="next"')
    async with served(server) as client:
        assert len(await client.list_all("/x", pages=1)) == 1
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "target", ["?page=1", "?page=0", "?page=-1", "?page=x", "?page=%F0%9F%98%80", "?page=%C2%B2"]
)
async def test_a_next_link_that_does_not_lead_on_is_no_answer(target: str) -> None:
    async with served(pages([1], [2], link=lambda _: f'<https://x/{target}>; rel="next"')) as client:
        with pytest.raises(BadAnswer):
            await client.list_all("/x")


@pytest.mark.parametrize(
    "header", ["<", "nonsense", "<>; rel=next", ";;;", '<https://x/>; rel="next"', "<a?page>; rel"]
)
async def test_an_odd_link_header_ends_a_short_list(header: str) -> None:
    async with served(pages([1], link=lambda _: header)) as client:
        assert len(await client.list_all("/x")) == 1


@pytest.mark.parametrize(
    "body", [{}, None, "text", [1], [None], [{}], [{"id": "1"}], [{"id": True}], [{"id": 1}, {"id": 1}]]
)
async def test_a_list_of_another_shape_is_no_answer(body: object) -> None:
    async with served(lambda _: httpx.Response(200, json=body)) as client:
        with pytest.raises(BadAnswer):
            await client.list_all("/x")
        with pytest.raises(BadAnswer):
            await client.list_forward("/x")


async def test_a_list_that_repeats_a_record_on_another_page_is_no_answer() -> None:
    server = pages([1, 2], [2, 3], link=lambda page: f'<https://x/?page={page + 1}>; rel="next"')
    async with served(server) as client:
        with pytest.raises(BadAnswer, match="repeats record 2"):
            await client.list_all("/x")


@pytest.mark.parametrize("body", [[], "text", 3])
async def test_a_record_of_another_shape_is_no_answer_and_after_a_write_unsure(body: object) -> None:
    async with served(lambda _: httpx.Response(200, json=body)) as client:
        with pytest.raises(BadAnswer):
            await client.get("/x")
        with pytest.raises(Unsure):
            await client.post("/x", {})
        with pytest.raises(Unsure):
            await client.patch("/x", [])


async def test_a_server_that_cannot_be_reached_is_said_at_once() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("down")

    with pytest.raises(Unreachable):
        async with connect(CREDENTIALS, write=False, transport=httpx.MockTransport(answer), sleep=no_sleep):
            pass


async def test_the_observer_hears_what_is_asked() -> None:
    heard: list[tuple[str, str, str]] = []

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=COMPANY_INFO)

    transport = httpx.MockTransport(answer)
    async with connect(
        CREDENTIALS, write=False, transport=transport, observer=lambda *what: heard.append(what)
    ) as client:
        await client.get("/system/info")
    assert heard == [
        ("ConnectWise", "GET", "/login/companyinfo/example"),
        ("ConnectWise", "GET", "/system/info"),
    ]


@pytest.mark.parametrize(
    "url",
    ["psa.example.com", "https://psa.example.com/v4_6_release/apis/3.0", "https://psa.example.com/v2025_1/"],
)
def test_credentials_take_the_host_with_or_without_the_api_path(url: str) -> None:
    known = parse_credentials(url=url, company=" example ", public_key="P ", private_key="Q", client_id="I")
    assert (known.url, known.company, known.public_key.reveal()) == (
        "https://psa.example.com",
        "example",
        "P",
    )


def test_every_wrong_credential_is_said_at_once_and_none_is_shown() -> None:
    with pytest.raises(ReconcilerError) as raised:
        parse_credentials(
            url="http://psa.example.com",
            company="a/b",
            public_key="",
            private_key="top secret",
            client_id="\n",
        )
    shown = [f"{d.message} {d.remedy}" for d in raised.value.diagnostics]
    names = ("URL", "COMPANY", "PUBLIC_KEY", "PRIVATE_KEY", "CLIENT_ID")
    assert all(f"CONNECTWISE_{name}" in text for name, text in zip(names, shown, strict=True))
    assert "top secret" not in " ".join(shown)


def test_errors_are_reconciler_errors() -> None:
    assert issubclass(ApiError, ReconcilerError)

"""Tokens, and whose credentials they are."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from reconciler.model.diagnostics import ReconcilerError
from reconciler.sophos.client import connect
from reconciler.sophos.credentials import API_URL, ID_URL, parse_credentials
from reconciler.sophos.tenants import read_tenants
from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import BadAnswer, NotAuthenticated, NotPermitted, Unreachable
from tests.sophos.support import CREDENTIALS, PARTNER, TOKEN, WHOAMI, no_sleep, sandbox

pytestmark = pytest.mark.anyio


class Sophos:
    """A made-up Sophos that counts tokens and accepts those that it has not revoked."""

    def __init__(self, token: Any = None, whoami: Any = None) -> None:
        self.requests: list[httpx.Request] = []
        self.issued = 0
        self.valid: set[str] = set()
        self.seconds = 0.0
        self._token = token
        self._whoami = whoami

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if request.url.path == "/api/v2/oauth2/token":
            if self._token is not None:
                return (
                    self._token
                    if isinstance(self._token, httpx.Response)
                    else httpx.Response(200, json=self._token)
                )
            self.issued += 1
            self.valid.add(f"token-{self.issued}")
            return httpx.Response(200, json=TOKEN | {"access_token": f"token-{self.issued}"})
        if request.headers.get("authorization", "").removeprefix("Bearer ") not in self.valid:
            return httpx.Response(401, json={"error": "Unauthorized", "requestId": "x"})
        if request.url.path == "/whoami/v1":
            return self._whoami or httpx.Response(200, json=WHOAMI)
        return httpx.Response(200, json={"path": request.url.path})

    def connect(self) -> Any:
        async def answer(request: httpx.Request) -> httpx.Response:
            response = self(request)
            # Callers overlap: several get their 401 before the first asks for a new token.
            await asyncio.sleep(0.002)
            return response

        return connect(
            CREDENTIALS, transport=httpx.MockTransport(answer), sleep=no_sleep, clock=lambda: self.seconds
        )


async def test_the_token_is_asked_for_as_a_form_and_sent_to_the_api_alone() -> None:
    server = Sophos()
    async with server.connect() as client:
        assert client.partner_id == PARTNER
        assert await client.get("/partner/v1/x") == {"path": "/partner/v1/x"}
    token, whoami, read = server.requests
    assert parse_qs(token.content.decode()) == {
        "grant_type": ["client_credentials"],
        "client_id": ["made-up-client"],
        "client_secret": ["made-up-secret"],
        "scope": ["token"],
    }
    assert token.headers["content-type"] == "application/x-www-form-urlencoded"
    assert "authorization" not in token.headers
    assert [request.url.host for request in server.requests] == [
        "id.example.com",
        "api.example.com",
        "api.example.com",
    ]
    assert "x-partner-id" not in whoami.headers
    assert read.headers["x-partner-id"] == PARTNER
    # The vendor's API refuses a Content-Type without a body.
    assert "content-type" not in read.headers


@pytest.mark.parametrize(
    "answer",
    [
        httpx.Response(401, json={"errorCode": "oauth.invalid_client_secret", "message": "Unauthorized"}),
        httpx.Response(400, json={"errorCode": "oauth.invalid_client_secret", "message": "Unauthorized"}),
        {"errorCode": "oauth.invalid_client_secret", "message": "Unauthorized"},
    ],
)
async def test_refused_credentials_are_said(answer: Any) -> None:
    with pytest.raises(NotAuthenticated, match=r"oauth\.invalid_client_secret") as raised:
        async with Sophos(token=answer).connect():
            pass
    assert raised.value.diagnostic.code == "sophos-not-authenticated"
    assert "SOPHOS_CLIENT_SECRET" in raised.value.diagnostic.remedy
    assert "made-up-secret" not in str(raised.value)


@pytest.mark.parametrize(
    "answer",
    [
        [],
        {},
        {"access_token": ""},
        {"access_token": 5, "expires_in": 3600},
        {"access_token": "a\r\nX-Evil: 1", "expires_in": 3600},
        {"access_token": "x"},
        {"access_token": "x", "expires_in": "3600"},
        {"access_token": "x", "expires_in": True},
        {"access_token": "x", "expires_in": 0},
    ],
)
async def test_a_token_of_another_shape_is_no_answer(answer: Any) -> None:
    with pytest.raises(BadAnswer):
        async with Sophos(token=answer).connect():
            pass


async def test_a_token_without_an_error_code_is_a_token() -> None:
    plain = {"access_token": "token-1", "expires_in": 3600}
    server = Sophos(token=plain)
    server.valid.add("token-1")
    async with server.connect() as client:
        assert client.partner_id == PARTNER


@pytest.mark.parametrize("kind", ["tenant", "organization"])
async def test_only_a_partner_may_go_on(kind: str) -> None:
    server = Sophos(whoami=httpx.Response(200, json={"id": PARTNER, "idType": kind}))
    with pytest.raises(ReconcilerError, match=f"belong to a {kind}, not to a partner") as raised:
        async with server.connect():
            pass
    assert raised.value.diagnostics[0].code == "sophos-not-a-partner"
    assert "Sophos Central Partner" in raised.value.diagnostics[0].remedy


@pytest.mark.parametrize(
    "body",
    [
        [],
        {},
        {"idType": "partner"},
        {"id": PARTNER},
        {"id": "a\r\nb", "idType": "partner"},
        {"id": 1, "idType": "partner"},
    ],
)
async def test_a_whoami_of_another_shape_is_no_answer(body: Any) -> None:
    with pytest.raises(BadAnswer):
        async with Sophos(whoami=httpx.Response(200, json=body)).connect():
            pass


async def test_a_token_is_renewed_before_it_ends() -> None:
    server = Sophos()
    async with server.connect() as client:
        server.seconds = 3530
        await client.get("/partner/v1/x")
        assert server.issued == 1
        server.seconds = 3541
        await all_of([client.get(f"/partner/v1/{number}") for number in range(6)])
        assert server.issued == 2
    assert server.requests[-1].headers["authorization"] == "Bearer token-2"


async def test_a_token_that_ends_in_the_middle_is_renewed_once_for_all_callers() -> None:
    server = Sophos()
    async with server.connect() as client:
        server.valid.clear()
        answers = await all_of([client.get(f"/partner/v1/{number}") for number in range(12)])
        assert [answer["path"] for answer in answers] == [f"/partner/v1/{number}" for number in range(12)]
        assert server.issued == 2
        server.valid.clear()
        await client.get("/partner/v1/later")
        assert server.issued == 3


async def test_a_new_token_that_is_refused_too_ends_the_run() -> None:
    refusing = httpx.Response(401, json={"error": "Unauthorized"})
    sent: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        if request.url.path == "/api/v2/oauth2/token":
            return httpx.Response(200, json=TOKEN)
        return httpx.Response(200, json=WHOAMI) if request.url.path == "/whoami/v1" else refusing

    async with connect(CREDENTIALS, transport=httpx.MockTransport(server), sleep=no_sleep) as client:
        for _ in range(3):
            with pytest.raises(NotAuthenticated):
                await client.get("/partner/v1/x")
    assert sent.count("/partner/v1/x") == 2
    assert sent.count("/api/v2/oauth2/token") == 2


async def test_a_sandbox_token_that_runs_out_is_renewed() -> None:
    async with sandbox() as (client, state):
        before = sum(request.path.endswith("token") for request in state.requests)
        state.site.tokens.clear()
        assert await read_tenants(client)
        assert sum(request.path.endswith("token") for request in state.requests) == before + 1


async def test_a_missing_role_is_named() -> None:
    def server(request: httpx.Request) -> httpx.Response:
        if request.url.path == "/api/v2/oauth2/token":
            return httpx.Response(200, json=TOKEN)
        return httpx.Response(200, json=WHOAMI) if request.url.path == "/whoami/v1" else httpx.Response(403)

    async with connect(CREDENTIALS, transport=httpx.MockTransport(server), sleep=no_sleep) as client:
        with pytest.raises(NotPermitted, match="does not permit GET /licenses"):
            await client.get("/licenses/v1/licenses/firewalls")
        with pytest.raises(NotPermitted, match="GET /partner"):
            await client.get("/partner/v1/tenants")


async def test_a_token_server_that_is_down_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"id\.example\.com"):
        async with Sophos(token=httpx.Response(503)).connect():
            pass


async def test_secrets_and_tokens_are_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Sophos().connect() as client:
        await client.get("/partner/v1/x")
    shown = caplog.text + repr(CREDENTIALS)
    assert "/partner/v1/x" in shown
    assert "token-1" not in shown
    assert "made-up-secret" not in shown


async def test_the_observer_hears_of_both_hosts_requests() -> None:
    heard: list[tuple[str, str, str]] = []
    transport = httpx.MockTransport(Sophos())
    async with connect(CREDENTIALS, transport=transport, observer=lambda *what: heard.append(what)):
        pass
    assert heard == [("Sophos", "POST", "/api/v2/oauth2/token"), ("Sophos", "GET", "/whoami/v1")]


@pytest.mark.parametrize("body", [[], None, "x"])
async def test_an_answer_that_is_no_object_is_no_answer(body: Any) -> None:
    server = Sophos()

    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json=body) if request.url.path == "/x" else server(request)

    async with connect(CREDENTIALS, transport=httpx.MockTransport(answer), sleep=no_sleep) as client:
        with pytest.raises(BadAnswer, match="not an object"):
            await client.get("/x")


def test_credentials_default_to_the_vendors_hosts() -> None:
    known = parse_credentials(client_id=" a ", client_secret=" b ")
    assert (known.client_id, known.client_secret.reveal(), known.id_url, known.api_url) == (
        "a",
        "b",
        ID_URL,
        API_URL,
    )


def test_every_wrong_credential_is_said_at_once_and_none_is_shown() -> None:
    with pytest.raises(ReconcilerError) as raised:
        parse_credentials(
            client_id="", client_secret="top secret", id_url="http://id.example.com", api_url="?"
        )
    names = ("SOPHOS_ID_URL", "SOPHOS_API_URL", "SOPHOS_CLIENT_ID", "SOPHOS_CLIENT_SECRET")
    assert all(name in d.message for name, d in zip(names, raised.value.diagnostics, strict=True))
    assert "top secret" not in str(raised.value)

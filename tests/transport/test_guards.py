"""What a session refuses to do, and when it stops."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

import reconciler
from reconciler.model.diagnostics import ReconcilerError
from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import (
    ApiError,
    BadAnswer,
    NotAuthenticated,
    NotPermitted,
    ReadOnly,
    RecordNotFound,
    Unreachable,
)
from reconciler.transport.session import Session
from tests.transport.support import SERVICE, Script, Sleeps, answers, session

pytestmark = pytest.mark.anyio

GOOD = httpx.Response(200, json={})


def real_session(origin: str) -> Session:
    """A session that opens real connections."""
    return Session(replace(SERVICE, origin=origin), writes=False, sleep=Sleeps())


@pytest.fixture
def unused_port() -> int:
    """A port of this machine at which nobody listens."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE", "OPTIONS", "get"])
async def test_a_reading_session_sends_nothing_that_writes(method: str) -> None:
    server = Script(GOOD)
    async with session(server, writes=False) as one:
        with pytest.raises(ReadOnly, match="only reads") as raised:
            await one.request(method, "/procurement/catalog", json={})
    assert server.requests == []
    assert raised.value.diagnostic.code == "connectwise-read-only"


@pytest.mark.parametrize("path", ["/system/bundles/", "/system/bundles/count", "/procurement/catalog/1/copy"])
async def test_only_the_listed_posts_count_as_reads(path: str) -> None:
    async with session(Script(GOOD), writes=False) as one:
        await one.request("POST", "/system/bundles", json={})
        with pytest.raises(ReadOnly):
            await one.request("POST", path, json={})


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
async def test_no_session_deletes_or_replaces(method: str) -> None:
    server = Script(GOOD)
    async with session(server, writes=True) as one:
        with pytest.raises(ReadOnly):
            await one.request(method, "/procurement/catalog/1")
    assert server.requests == []


async def test_one_401_stops_the_run_with_its_cause() -> None:
    server = Script(*answers(401), GOOD)
    async with session(server) as one:
        with pytest.raises(NotAuthenticated) as first:
            await one.request("GET", "/procurement/catalog")
        with pytest.raises(NotAuthenticated) as second:
            await one.request("GET", "/company/companies")
    assert len(server.requests) == 1
    assert second.value is first.value


async def test_one_403_stops_what_needs_the_same_permission_on_the_same_table() -> None:
    server = Script(*answers(403), GOOD)
    async with session(server) as one:
        with pytest.raises(NotPermitted):
            await one.request("GET", "/procurement/catalog/7")
        with pytest.raises(NotPermitted, match="GET /procurement/catalog/7"):
            await one.request("GET", "/procurement/catalog/8/pricing")
        await one.request("GET", "/procurement/types")
        await one.request("GET", "/company/companies")
        await one.request("POST", "/procurement/catalog", json={})
    assert len(server.requests) == 4


async def test_five_failures_in_a_row_stop_the_run_with_the_first_cause() -> None:
    server = Script(httpx.Response(200, text="<html>"))
    async with session(server) as one:
        for number in range(5):
            with pytest.raises(BadAnswer):
                await one.request("GET", f"/procurement/catalog/{number}")
        with pytest.raises(BadAnswer, match="/procurement/catalog/0"):
            await one.request("GET", "/company/companies")
    assert len(server.requests) == 5


async def test_a_good_answer_or_a_clear_refusal_starts_the_count_anew() -> None:
    page = httpx.Response(200, text="<html>")
    gone = httpx.Response(404, json={"code": "NotFound"})
    server = Script(page, page, page, page, GOOD, page, page, page, page, gone, page, page, page, page, GOOD)
    async with session(server) as one:
        for _ in range(14):
            try:
                await one.request("GET", "/procurement/catalog")
            except (BadAnswer, RecordNotFound):
                continue
        await one.request("GET", "/procurement/catalog")


async def test_requests_that_wait_to_be_repeated_stop_too() -> None:
    sent: list[str] = []

    def server(request: httpx.Request) -> httpx.Response:
        sent.append(request.url.path)
        return httpx.Response(401 if request.url.path == "/login" else 503)

    async def sleep(seconds: float) -> None:
        with pytest.raises(NotAuthenticated):
            await one.request("GET", "/login")

    async with session(server) as one:
        one._sleep = sleep
        with pytest.raises(NotAuthenticated):
            await one.request("GET", "/procurement/catalog")
    assert sent == ["/procurement/catalog", "/login"]


async def test_no_more_requests_are_open_at_once_than_allowed() -> None:
    now_open = most = 0

    async def server(request: httpx.Request) -> httpx.Response:
        nonlocal now_open, most
        now_open += 1
        most = max(most, now_open)
        await asyncio.sleep(0.001)
        now_open -= 1
        return httpx.Response(200, json={})

    async with session(server, concurrency=3) as one:  # type: ignore[arg-type]  # MockTransport awaits
        await all_of([one.request("GET", f"/procurement/catalog/{number}") for number in range(20)])
    assert most == 3


async def test_the_rate_is_bounded() -> None:
    async with session(Script(GOOD), rates=((5, 0.2),), concurrency=50) as one:
        started = asyncio.get_running_loop().time()
        await all_of([one.request("GET", "/procurement/catalog") for _ in range(10)])
        assert asyncio.get_running_loop().time() - started > 0.15


async def test_the_observer_hears_of_every_request_that_is_sent() -> None:
    heard: list[tuple[str, str, str]] = []
    server = Script(*answers(503), GOOD)
    async with session(server, observer=lambda *what: heard.append(what)) as one:
        await one.request("GET", "/procurement/catalog", prefix="/v2025_1/apis/3.0")
    assert heard == [("ConnectWise", "GET", "/procurement/catalog")] * 2
    assert server.requests[0].url.path == "/v2025_1/apis/3.0/procurement/catalog"


async def test_the_first_failure_of_several_is_raised_alone() -> None:
    async with session(Script(*answers(401))) as one:
        with pytest.raises(NotAuthenticated):
            await all_of([one.request("GET", f"/a/{number}") for number in range(8)])


async def test_several_results_come_in_the_order_asked() -> None:
    async def after(seconds: float) -> float:
        await asyncio.sleep(seconds)
        return seconds

    assert await all_of([after(0.003), after(0.001), after(0.002)]) == [0.003, 0.001, 0.002]


async def test_a_closed_port_of_this_machine_is_unreachable(unused_port: int) -> None:
    async with real_session(f"http://127.0.0.1:{unused_port}") as one:
        with pytest.raises(Unreachable, match="the connection was refused"):
            await one.request("GET", "/procurement/catalog")


async def test_tls_to_a_server_that_speaks_none_is_named() -> None:
    async def close(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(close, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        async with real_session(f"https://127.0.0.1:{port}") as one:
            with pytest.raises(Unreachable, match="TLS: "):
                await one.request("GET", "/procurement/catalog")


@pytest.mark.parametrize("proxy", ["", "http://127.0.0.1:1"])
async def test_no_variable_turns_the_checking_of_certificates_off(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    off = {"PYTHONHTTPSVERIFY": "0", "CURL_CA_BUNDLE": "", "REQUESTS_CA_BUNDLE": "", "SSL_CERT_FILE": ""}
    off |= {
        "SSL_VERIFY": "false",
        "HTTPX_VERIFY": "0",
        "SSL_NO_VERIFY": "1",
        "NODE_TLS_REJECT_UNAUTHORIZED": "0",
    }
    for name, value in {**off, "HTTPS_PROXY": proxy}.items():
        monkeypatch.setenv(name, value)
    for origin in ("https://psa.example.com", "https://127.0.0.1:1"):
        async with real_session(origin) as one:
            ways = [one._client._transport, *one._client._mounts.values()]
            assert len(ways) == 1 + (bool(proxy) and "example" in origin)
            for way in ways:
                assert isinstance(way, httpx.AsyncHTTPTransport)
                context = way._pool._ssl_context
                assert context is not None
                assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_nothing_in_the_source_turns_it_off() -> None:
    found = [
        f"{path.name}: {word}"
        for path in Path(reconciler.__file__).parent.rglob("*.py")
        for word in ("verify=", "CERT_NONE", "unverified", "check_hostname", "verify_mode")
        if word in path.read_text(encoding="utf-8")
    ]
    assert found == []


@pytest.mark.parametrize("content", [None, "", "no certificate"])
def test_certificates_that_cannot_be_read_are_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "own.pem"
    if content is not None:
        file.write_text(content, encoding="utf-8")
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    with pytest.raises(
        ReconcilerError, match="SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: "
    ) as raised:
        real_session("https://psa.example.com")
    assert raised.value.diagnostics[0].code == "certificates-unreadable"


@pytest.mark.parametrize("proxy", ["proxy.example.com:x", "ftp://user:s3cret@proxy.example.com"])
def test_a_proxy_that_cannot_be_used_is_said_without_its_password(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    with pytest.raises(ReconcilerError) as raised:
        real_session("https://psa.example.com")
    assert raised.value.diagnostics[0].code == "proxy-unusable"
    assert "s3cret" not in str(raised.value) + repr(raised.value.diagnostics)


async def test_keys_for_this_machine_go_through_no_proxy(
    monkeypatch: pytest.MonkeyPatch, unused_port: int
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://proxy.example.com:3128")
    monkeypatch.setenv("NO_PROXY", "")
    local, remote = real_session(f"http://127.0.0.1:{unused_port}"), real_session("https://psa.example.com")
    async with local, remote:
        assert not local._client._mounts
        assert remote._client._mounts
        with pytest.raises(ApiError, match="the connection was refused"):
            await local.request("GET", "/x")


async def test_a_netrc_file_adds_no_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    netrc = tmp_path_factory.mktemp("home") / ".netrc"
    netrc.write_text("machine psa.example.com login somebody password made-up\n", encoding="utf-8")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    monkeypatch.setenv("HOME", str(netrc.parent))
    server = Script(GOOD)
    async with session(server) as one:
        await one.request("GET", "/procurement/catalog")
    assert "authorization" not in server.requests[0].headers

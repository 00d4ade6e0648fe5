"""What a server says, and what people are told about it."""

from __future__ import annotations

import gzip
import logging
import socket
import ssl
from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.model.money import cents, parse_decimal
from reconciler.transport import session as session_module
from reconciler.transport.errors import (
    EXCERPT,
    ApiError,
    BadAnswer,
    EndpointNotFound,
    FieldError,
    NotAuthenticated,
    NotPermitted,
    RecordNotFound,
    Refused,
    Unreachable,
)
from reconciler.transport.session import build_query
from tests.transport.support import Script, said, session

pytestmark = pytest.mark.anyio


async def ask(answer: httpx.Response | Exception, *, system: str = "ConnectWise", method: str = "GET") -> Any:
    async with session(Script(answer), system=system) as one:
        return (await one.request(method, "/procurement/catalog")).data


async def refusal(answer: httpx.Response | Exception, **how: str) -> ApiError:
    with pytest.raises(ApiError) as raised:
        await ask(answer, **how)
    return raised.value


async def test_fractions_are_decimals_of_the_typed_text() -> None:
    data = await ask(httpx.Response(200, text='{"price": 0.10, "count": 3, "big": 1e2}'))
    assert data == {"price": Decimal("0.10"), "count": 3, "big": Decimal("1e2")}
    assert str(data["price"]) == "0.10"


@pytest.mark.parametrize("number", ["1e401", "-1e9999", "0e9999", "1e9999999999999999999", "1.5e-999999999"])
async def test_a_number_beyond_any_computer_is_no_answer(number: str) -> None:
    assert isinstance(await refusal(httpx.Response(200, text=f'[{{"price": {number}}}]')), BadAnswer)


@pytest.mark.parametrize(
    "number", ["1e30", 1e30, 10**15, "1e-400", "0e999", "1e9999999999999999999", "-1e15"]
)
def test_a_number_that_nobody_counts_is_none(number: object) -> None:
    assert parse_decimal(number) is None


@pytest.mark.parametrize("number", ["999999999999999", "-0.00", 33.300000000000004, 5.551115123125783e-17])
def test_what_servers_write_is_a_number(number: object) -> None:
    assert parse_decimal(number) == Decimal(str(number))


def test_the_largest_numbers_multiply() -> None:
    largest = parse_decimal("999999999999999.99")
    assert largest is not None
    assert cents(largest * largest) > 0


async def test_an_empty_answer_is_none() -> None:
    assert await ask(httpx.Response(204)) is None


async def test_a_byte_order_mark_does_no_harm() -> None:
    assert await ask(httpx.Response(200, content=b"\xef\xbb\xbf[1]")) == [1]


@pytest.mark.parametrize(
    "page",
    [
        httpx.Response(200, text="<!DOCTYPE html><p>Sign in</p>", headers={"content-type": "text/html"}),
        httpx.Response(200, text="\n <html>", headers={"content-type": "application/json"}),
        httpx.Response(200, text="Welcome", headers={"content-type": "text/html; charset=utf-8"}),
    ],
)
async def test_a_web_page_is_no_answer(page: httpx.Response) -> None:
    error = await refusal(page)
    assert isinstance(error, BadAnswer)
    assert "web page" in said(error)
    assert "CONNECTWISE_URL" in said(error)


@pytest.mark.parametrize(
    "text",
    ['{"id": 1', "id=1", "NaN", '{"price": Infinity}', "[" * 100_000, "9" * 5000, '{"a": 1} x'],
)
async def test_broken_json_is_no_answer(text: str) -> None:
    error = await refusal(httpx.Response(200, text=text))
    assert isinstance(error, BadAnswer)
    assert len(said(error)) < 1000


async def test_text_that_is_no_unicode_is_no_answer() -> None:
    assert isinstance(await refusal(httpx.Response(200, content=b'"\xff"')), BadAnswer)


async def test_a_whole_surrogate_pair_is_text() -> None:
    assert await ask(httpx.Response(200, text='"\\ud83d\\ude00"')) == "\U0001f600"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        ('"Alder\\ud83d"', "Alder\ufffd"),
        ('"\\ude00Alder \\ud83d\\ude00"', "\ufffdAlder \U0001f600"),
        (
            '[{"name": "a\\udc00", "id": 1.5}, "\\ud800"]',
            [{"name": "a\ufffd", "id": Decimal("1.5")}, "\ufffd"],
        ),
        ('{"\\ud800": null}', {"\ufffd": None}),
    ],
)
async def test_half_a_character_is_replaced_and_stops_nobody(sent: str, read: Any) -> None:
    assert await ask(httpx.Response(200, text=sent)) == read


async def test_a_body_that_cannot_be_decompressed_is_no_answer() -> None:
    broken = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(b"nonsense"))
    async with session(lambda _: broken) as one:
        with pytest.raises(BadAnswer, match="decompressed"):
            await one.request("GET", "/procurement/catalog")


async def test_a_body_is_bounded_after_decompression(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_module, "MAX_BODY", 2**20)
    bomb = gzip.compress(b"[" + b" " * 2**21 + b"]")
    answer = httpx.Response(200, headers={"content-encoding": "gzip"}, stream=httpx.ByteStream(bomb))
    async with session(lambda _: answer) as one:
        with pytest.raises(BadAnswer, match="larger than 1 MiB"):
            await one.request("GET", "/procurement/catalog")


async def test_field_errors_of_connectwise_are_read() -> None:
    error = await refusal(
        httpx.Response(
            400,
            json={
                "code": "InvalidObject",
                "message": "catalogItem object is invalid",
                "errors": [
                    {"code": "ObjectExists", "message": "Already in use.", "field": "identifier"},
                    {"code": "InvalidField", "message": "Too long.", "field": "description"},
                ],
            },
        )
    )
    assert isinstance(error, Refused)
    assert error.error_code == "InvalidObject"
    assert error.field_errors == (
        FieldError("identifier", "ObjectExists", "Already in use."),
        FieldError("description", "InvalidField", "Too long."),
    )
    assert "identifier: Already in use.; description: Too long." in said(error)


@pytest.mark.parametrize("errors", [None, [], "text", [1, None], [{}], [{"field": 3}]])
async def test_field_errors_may_be_missing_or_odd(errors: object) -> None:
    body = {"code": "UnsupportedFormat", "message": "Unsupported format applied to day", "errors": errors}
    error = await refusal(httpx.Response(400, json=body))
    assert "Unsupported format applied to day" in said(error)


async def test_an_error_of_sophos_is_read() -> None:
    error = await refusal(
        httpx.Response(
            400,
            json={
                "error": "BadRequest",
                "message": "pageSize is too large",
                "correlationId": "cdf70000-0000-4000-8000-000000000001",
                "requestId": "x",
            },
        ),
        system="Sophos",
    )
    assert isinstance(error, Refused)
    assert error.diagnostic.code == "sophos-refused"
    assert error.error_code == "BadRequest"
    assert "pageSize is too large (BadRequest), id cdf70000-0000-4000-8000-000000000001" in said(error)


async def test_an_error_without_a_body_says_its_status() -> None:
    assert "refused (409): no reason given" in said(await refusal(httpx.Response(409)))


@pytest.mark.parametrize(
    "body", [{"code": "Unauthorized"}, {"code": "ConnectWiseApi", "message": "UserNotAuthenticated"}]
)
async def test_401_names_the_settings_to_check(body: dict[str, str]) -> None:
    error = await refusal(httpx.Response(401, json=body))
    assert isinstance(error, NotAuthenticated)
    assert error.diagnostic.code == "connectwise-not-authenticated"
    assert "CONNECTWISE_PUBLIC_KEY" in said(error)


async def test_403_names_the_permission() -> None:
    error = await refusal(httpx.Response(403, json={"code": "Security", "message": "No.", "errors": None}))
    assert isinstance(error, NotPermitted)
    assert error.permission == "right for GET procurement"
    assert "right for GET procurement" in said(error)


async def test_the_two_404s_are_told_apart_by_their_code() -> None:
    gone = await refusal(httpx.Response(404, json={"code": "NotFound", "message": "Item 5 not found"}))
    moved = await refusal(
        httpx.Response(404, json={"code": "ConnectWiseApi", "message": "The endpoint does not exist."})
    )
    page = await refusal(httpx.Response(404, text="<html>", headers={"content-type": "text/html"}))
    assert [type(e) for e in (gone, moved, page)] == [RecordNotFound, EndpointNotFound, EndpointNotFound]


async def test_what_a_server_says_is_cut_and_cleaned() -> None:
    error = await refusal(httpx.Response(400, json={"message": "a\x1b[31m\r\nb\x00" + "x" * 5000}))
    assert "a [31m b x" in said(error)
    assert len(said(error)) < 3 * EXCERPT + 300
    assert all(c.isprintable() for c in said(error))


async def test_redirects_of_reads_within_the_host_are_followed() -> None:
    server = Script(
        httpx.Response(307, headers={"location": "/v2025_2/apis/3.0/procurement/catalog?page=1"}),
        httpx.Response(200, json=[]),
    )
    async with session(server) as one:
        assert (await one.request("GET", "/procurement/catalog")).data == []
    assert server.requests[1].url == "https://psa.example.com/v2025_2/apis/3.0/procurement/catalog?page=1"


@pytest.mark.parametrize(
    "location",
    [
        "https://evil.example.net/x",
        "//evil.example.net/x",
        "https://psa.example.com.evil.example.net/x",
        "https://psa.example.com:8443/evil.example.net",
        "http://psa.example.com/evil.example.net",
        "https://psa.example.com@evil.example.net/",
    ],
)
async def test_credentials_follow_no_redirect_to_another_host(location: str) -> None:
    server = Script(httpx.Response(302, headers={"location": location}))
    async with session(server) as one:
        with pytest.raises(BadAnswer) as raised:
            await one.request("GET", "/procurement/catalog", headers={"Authorization": "Basic c2VjcmV0"})
    assert len(server.requests) == 1
    assert "psa.example.com redirects to" in said(raised.value)
    assert httpx.URL(location).host in said(raised.value)
    assert "c2VjcmV0" not in said(raised.value)


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_write_follows_no_redirect_at_all(method: str) -> None:
    server = Script(httpx.Response(307, headers={"location": "/elsewhere"}))
    async with session(server) as one:
        with pytest.raises(BadAnswer, match="not followed"):
            await one.request(method, "/procurement/catalog", json={})
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    "answer", [httpx.Response(302), httpx.Response(302, headers={"location": "http://["})]
)
async def test_a_redirect_to_nowhere_is_no_answer(answer: httpx.Response) -> None:
    assert isinstance(await refusal(answer), BadAnswer)


async def test_redirects_in_a_circle_end() -> None:
    assert isinstance(await refusal(httpx.Response(302, headers={"location": "/again"})), BadAnswer)


async def test_certificates_are_named_as_the_cause_and_not_tried_again() -> None:
    fault = httpx.ConnectError("failed")
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    fault.__cause__ = cause
    server = Script(fault)
    async with session(server) as one:
        with pytest.raises(Unreachable, match="TLS") as raised:
            await one.request("GET", "/procurement/catalog")
    assert len(server.requests) == 1
    assert "SSL_CERT_FILE" in said(raised.value)


async def test_names_that_do_not_resolve_and_refused_connections_are_told_apart() -> None:
    unknown = httpx.ConnectError("failed")
    unknown.__context__ = socket.gaierror(-2, "Name or service not known")
    closed = httpx.ConnectError("failed")
    closed.__cause__ = OSError("all failed")
    closed.__cause__.__cause__ = ExceptionGroup("all", [ConnectionRefusedError(111, "refused")])
    assert "cannot be resolved" in said(await refusal(unknown))
    assert "refused" in said(await refusal(closed))
    assert "no answer in time" in said(await refusal(httpx.ReadTimeout("")))
    assert "HTTPS_PROXY" in said(await refusal(httpx.ProxyError("")))
    assert "psa.example.com" in said(await refusal(httpx.ReadError("")))


async def test_a_secret_in_a_request_is_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    form = {"key": "made-up-secret"}
    headers = {"Authorization": "Bearer made-up-token"}
    async with session(Script(httpx.Response(200, json=[]))) as one:
        await one.request("POST", "/system/bundles", headers=headers, form=form)
    for failing in (httpx.Response(401), httpx.Response(500), httpx.ReadError("")):
        async with session(Script(failing)) as one:
            with pytest.raises(ApiError) as raised:
                await one.request("POST", "/system/bundles", headers=headers, form=form)
        assert "made-up" not in said(raised.value) + repr(raised.value)
    assert "/system/bundles" in caplog.text
    assert "made-up" not in caplog.text


def test_queries_are_encoded_so_that_no_server_misreads_them() -> None:
    assert build_query([]) == ""
    assert build_query([("conditions", 'a = "b&c" or d/e=+1#%\'*')]) == (
        "?conditions=a%20%3D%20%22b%26c%22%20or%20d/e%3D%2B1%23%25%27%2A"
    )

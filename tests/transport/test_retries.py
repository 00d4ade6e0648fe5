"""Which requests are sent again, and how long is waited before."""

from __future__ import annotations

import httpx
import pytest

from reconciler.transport.errors import (
    ApiError,
    RateLimited,
    Refused,
    Unreachable,
    Unsure,
)
from reconciler.transport.session import ATTEMPTS, BACKOFF_BASE_SECONDS
from tests.transport.support import Script, Sleeps, answers, said, session

pytestmark = pytest.mark.anyio

GOOD = httpx.Response(200, json={"id": 1})
REFUSED_CONNECTION = httpx.ConnectError("refused")
TIMED_OUT = httpx.ReadTimeout("late")


@pytest.mark.parametrize("method", ["GET", "PATCH"])
@pytest.mark.parametrize(
    "first",
    [
        *answers(429, 500, 502, 503, 504),
        REFUSED_CONNECTION,
        httpx.ConnectTimeout("late"),
        TIMED_OUT,
        httpx.ReadError("reset"),
        httpx.RemoteProtocolError("closed"),
    ],
)
async def test_reads_and_absolute_changes_are_sent_again(
    method: str, first: httpx.Response | Exception
) -> None:
    server, sleeps = Script(first, GOOD), Sleeps()
    async with session(server, sleep=sleeps) as one:
        assert (await one.request(method, "/procurement/catalog/1", json=[])).data == {"id": 1}
    assert len(server.requests) == 2
    assert server.requests[0].content == server.requests[1].content
    assert len(sleeps.seconds) == 1


@pytest.mark.parametrize("first", [*answers(429), REFUSED_CONNECTION, httpx.ConnectTimeout("late")])
async def test_a_creation_that_was_surely_not_done_is_sent_again(first: httpx.Response | Exception) -> None:
    server = Script(first, httpx.Response(201, json={"id": 1}))
    async with session(server) as one:
        assert (await one.request("POST", "/procurement/catalog", json={"identifier": "X"})).status == 201
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    "first",
    [
        *answers(500, 502, 503, 504),
        TIMED_OUT,
        httpx.WriteTimeout("late"),
        httpx.ReadError("reset"),
        httpx.WriteError("reset"),
        httpx.RemoteProtocolError("closed"),
        httpx.Response(201, text="<html>proxy</html>", headers={"content-type": "text/html"}),
        httpx.Response(201, text='{"id": 1'),
    ],
)
async def test_a_creation_whose_outcome_is_unknown_is_never_sent_again(
    first: httpx.Response | Exception,
) -> None:
    server = Script(first, httpx.Response(201, json={"id": 2}))
    async with session(server) as one:
        with pytest.raises(Unsure, match="not known whether it was done") as raised:
            await one.request("POST", "/procurement/catalog", json={"identifier": "X"})
    assert len(server.requests) == 1
    assert raised.value.diagnostic.code == "connectwise-unsure"


async def test_a_reading_post_is_sent_again_like_a_read() -> None:
    server = Script(TIMED_OUT, GOOD)
    async with session(server, writes=False) as one:
        await one.request("POST", "/system/bundles", json={})
    assert len(server.requests) == 2


async def test_a_change_that_never_got_an_answer_is_unsure_and_not_failed() -> None:
    server = Script(TIMED_OUT)
    async with session(server) as one:
        with pytest.raises(Unsure):
            await one.request("PATCH", "/procurement/catalog/1", json=[])
    assert len(server.requests) == ATTEMPTS


async def test_a_change_is_unsure_when_only_its_first_attempt_may_have_arrived() -> None:
    server = Script(TIMED_OUT, REFUSED_CONNECTION)
    async with session(server) as one:
        with pytest.raises(Unsure):
            await one.request("PATCH", "/procurement/catalog/1", json=[])


async def test_a_change_that_never_left_is_unreachable() -> None:
    async with session(Script(REFUSED_CONNECTION)) as one:
        with pytest.raises(Unreachable):
            await one.request("PATCH", "/procurement/catalog/1", json=[])


async def test_attempts_end_and_the_last_cause_is_said() -> None:
    server, sleeps = Script(*answers(503)), Sleeps()
    async with session(server, sleep=sleeps) as one:
        with pytest.raises(Unreachable, match=r"failed \(503\)") as raised:
            await one.request("GET", "/procurement/catalog")
    assert raised.value.status == 503
    assert len(server.requests) == ATTEMPTS
    assert len(sleeps.seconds) == ATTEMPTS - 1


async def test_back_off_grows_with_full_jitter() -> None:
    longest: list[float] = []
    shortest: list[float] = []
    for _ in range(40):
        sleeps = Sleeps()
        async with session(Script(*answers(503)), sleep=sleeps) as one:
            with pytest.raises(ApiError):
                await one.request("GET", "/procurement/catalog")
        assert all(
            0 <= seconds <= BACKOFF_BASE_SECONDS * 2 ** (number + 1)
            for number, seconds in enumerate(sleeps.seconds)
        )
        longest = [max(pair) for pair in zip(sleeps.seconds, longest or sleeps.seconds, strict=True)]
        shortest = [min(pair) for pair in zip(sleeps.seconds, shortest or sleeps.seconds, strict=True)]
    assert all(short < 0.5 * long for short, long in zip(shortest, longest, strict=True))
    assert longest[-1] > longest[0]
    assert longest[-1] > BACKOFF_BASE_SECONDS * 2


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"Retry-After": "7"}, 7),
        ({"Retry-After": " 7 "}, 7),
        ({"Retry-After": "1.5"}, 1.5),
        ({"Retry-After": "0"}, 0),
        ({"Retry-After": "120"}, 120),
        # A date counts from the server's own clock.
        (
            {"Retry-After": "Sun, 22 Nov 2026 10:00:40 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"},
            40,
        ),
        ({"Retry-After": "Sunday, 22-Nov-26 10:00:40 GMT", "Date": "Sun, 22 Nov 2026 10:00:00 GMT"}, 40),
        ({"Retry-After": "Sun, 22 Nov 2020 10:00:00 GMT"}, 0),
    ],
)
@pytest.mark.parametrize("status", [429, 503])
async def test_what_the_server_asks_to_wait_is_waited(
    headers: dict[str, str], seconds: float, status: int
) -> None:
    sleeps = Sleeps()
    async with session(Script(httpx.Response(status, headers=headers), GOOD), sleep=sleeps) as one:
        await one.request("GET", "/procurement/catalog")
    assert seconds <= sleeps.seconds[0] <= seconds + BACKOFF_BASE_SECONDS


@pytest.mark.parametrize("value", ["soon", "-5", "", "1e3", "Sun, 99 Nov 2026"])
async def test_a_retry_after_that_says_nothing_leaves_the_usual_back_off(value: str) -> None:
    sleeps = Sleeps()
    server = Script(httpx.Response(429, headers={"Retry-After": value}), GOOD)
    async with session(server, sleep=sleeps) as one:
        await one.request("GET", "/procurement/catalog")
    assert sleeps.seconds[0] <= 2 * BACKOFF_BASE_SECONDS


@pytest.mark.parametrize("method", ["GET", "PATCH", "POST"])
async def test_nobody_waits_for_an_hour(method: str) -> None:
    server = Script(httpx.Response(429, headers={"Retry-After": "3600"}, json={"error": "ConnectWiseAPI"}))
    async with session(server) as one:
        with pytest.raises(RateLimited, match="3600 seconds") as raised:
            await one.request(method, "/procurement/catalog", json={})
    assert len(server.requests) == 1
    assert raised.value.retry_after == 3600


async def test_a_server_that_is_down_for_an_hour_says_so() -> None:
    server = Script(httpx.Response(503, headers={"Retry-After": "3600"}))
    async with session(server) as one:
        with pytest.raises(Unreachable, match="3600 seconds"):
            await one.request("GET", "/procurement/catalog")
    assert len(server.requests) == 1


async def test_a_rate_limit_page_in_html_is_still_a_rate_limit() -> None:
    page = httpx.Response(429, text="<html>slow down</html>", headers={"content-type": "text/html"})
    async with session(Script(page)) as one:
        with pytest.raises(RateLimited):
            await one.request("GET", "/procurement/catalog")


@pytest.mark.parametrize("status", [400, 404, 405, 409, 414, 415, 422])
async def test_a_refusal_is_not_sent_again(status: int) -> None:
    server = Script(*answers(status))
    async with session(server) as one:
        with pytest.raises(ApiError) as raised:
            await one.request("GET", "/procurement/catalog")
    assert len(server.requests) == 1
    assert raised.value.status == status


async def test_a_refusal_after_a_lost_attempt_stays_a_refusal() -> None:
    async with session(Script(TIMED_OUT, *answers(400))) as one:
        with pytest.raises(Refused):
            await one.request("PATCH", "/procurement/catalog/1", json=[])


async def test_no_query_and_no_body_is_in_what_people_read() -> None:
    async with session(Script(*answers(503))) as one:
        with pytest.raises(ApiError) as raised:
            await one.request(
                "GET", "/procurement/catalog", params=[("conditions", "identifier = 'PRIVATE'")]
            )
    assert "PRIVATE" not in said(raised.value)
    assert raised.value.request == "GET /procurement/catalog"

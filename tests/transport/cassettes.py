"""Recorded conversations with the sandbox: what goes over the wire, fixed in files.

`python -m tests.connectwise.record` and `python -m tests.sophos.record` write them anew.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit, urlunsplit

import vcr

if TYPE_CHECKING:
    from contextlib import AbstractContextManager
    from pathlib import Path

#: Where the replayed server is; a recording's port is replaced by this one.
ORIGIN = "http://127.0.0.1:8000"
HIDDEN = "REDACTED"
#: Headers that belong to the contract; the others are httpx's own.
_HEADERS = ("accept", "clientid", "content-type", "pagination-type", "x-partner-id", "authorization")
_HIDDEN_MEMBERS = frozenset({"access_token", "refresh_token", "trackingId"})
_LOOPBACK = re.compile(r"http://127\.0\.0\.1:[0-9]+")
_LOOPBACK_BYTES = re.compile(_LOOPBACK.pattern.encode())


def tape(path: Path, *, record: bool = False) -> AbstractContextManager[Any]:
    """The cassette at this path, to replay, or to record anew without anything secret."""
    machine = vcr.VCR(
        record_mode=vcr.mode.ALL if record else vcr.mode.NONE,
        match_on=("method", "uri", "body", "contract"),
        filter_headers=[("authorization", _scheme_alone), ("clientId", HIDDEN)],
        filter_post_data_parameters=[("client_id", HIDDEN), ("client_secret", HIDDEN)],
        before_record_request=_moved,
        before_record_response=_cleaned,
        decode_compressed_response=True,
    )
    machine.register_matcher("contract", _same_headers)
    found: AbstractContextManager[Any] = machine.use_cassette(str(path))
    return found


def _scheme_alone(key: str, value: Any, request: Any) -> str:
    text = value.decode() if isinstance(value, bytes) else str(value)
    return f"{text.partition(' ')[0]} {HIDDEN}"


def _moved(request: Any) -> Any:
    """The request as if it went to `ORIGIN`, with the headers of the contract alone."""
    parts, there = urlsplit(request.uri), urlsplit(ORIGIN)
    request.uri = urlunsplit((there.scheme, there.netloc, parts.path, parts.query, ""))
    for name in [name for name in request.headers if name.lower() not in _HEADERS]:
        del request.headers[name]
    return request


def _cleaned(response: dict[str, Any]) -> dict[str, Any]:
    """The response without tokens, and without headers that change from run to run."""
    kept = ("content-type", "link", "retry-after", "location")
    response["headers"] = {
        name: [_LOOPBACK.sub(ORIGIN, value) for value in values]
        for name, values in response["headers"].items()
        if name.lower() in kept
    }
    body = response["body"]["string"] = _LOOPBACK_BYTES.sub(ORIGIN.encode(), response["body"]["string"])
    try:
        data = json.loads(body)
    except ValueError:
        return response
    if isinstance(data, dict) and _HIDDEN_MEMBERS & set(data):
        data |= dict.fromkeys(_HIDDEN_MEMBERS & set(data), HIDDEN)
        response["body"]["string"] = json.dumps(data).encode()
    return response


def _same_headers(one: Any, other: Any) -> None:
    shown = [
        {name.lower(): str(value) for name, value in request.headers.items() if name.lower() in _HEADERS}
        for request in (one, other)
    ]
    assert shown[0] == shown[1]

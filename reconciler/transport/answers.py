"""From a status and a body to data, or to the error that says what to do."""

from __future__ import annotations

import contextlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from reconciler.model.counts import number_of
from reconciler.transport.errors import (
    ApiError,
    BadAnswer,
    Call,
    EndpointNotFound,
    FieldError,
    NotAuthenticated,
    NotPermitted,
    RateLimited,
    RecordNotFound,
    Refused,
    Unreachable,
    excerpt,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.transport.service import Service

#: The range of double precision, in powers of ten, and a little more.
_MAGNITUDE = 400
#: An escape that may be half of a pair, in the body; and a half that is left in a text once it is read.
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_HALF = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True)
class Answer:
    """A good answer. `data` is the parsed JSON with Decimals for fractions; None for an empty body.

    `next_query` is the query of the `Link` header's next page ("" where there is none); its host and path
    are dropped here, so that nobody follows them with credentials.
    """

    status: int
    data: Any
    next_query: str = ""


def parse_json(call: Call, status: int, content_type: str, body: bytes) -> Any:
    """The body as data. Raises BadAnswer for HTML, broken JSON, NaN and numbers beyond any computer's.

    Half a surrogate pair is valid JSON and no text: it becomes U+FFFD, so that one odd name stops nobody.
    """
    if not body.strip():
        return None
    if "html" in content_type.lower() or body.lstrip()[:1] == b"<":
        raise BadAnswer(
            call,
            f"{call.host} answered with a web page instead of JSON",
            f"A proxy, a firewall or a login page answers in its place, or {call.host_setting} names "
            "another host. Open the host in a browser from this machine.",
            status=status,
        )
    try:
        data = json.loads(body.decode("utf-8-sig"), parse_float=_fraction, parse_constant=_no_constant)
        return _whole_characters(data) if _SURROGATE.search(body) else data
    except (ValueError, RecursionError):
        raise BadAnswer(call, "the answer is not valid JSON", status=status) from None


def _whole_characters(value: Any) -> Any:
    """The same data, each half of a surrogate pair replaced: it would fail later, where it is printed."""
    match value:
        case str():
            return _HALF.sub("\ufffd", value)
        case list():
            return [_whole_characters(item) for item in value]
        case dict():
            return {_whole_characters(key): _whole_characters(item) for key, item in value.items()}
        case _:
            return value


def _fraction(text: str) -> Decimal:
    """A number beyond any computer's is none: written out in full it would fill the memory."""
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise ValueError(text) from None
    if abs(number.adjusted()) > _MAGNITUDE:
        raise ValueError(text)
    return number


def _no_constant(name: str) -> None:
    raise ValueError(name)


def failure(service: Service, call: Call, status: int, headers: Mapping[str, str], body: bytes) -> ApiError:
    """The error for a status that is none of 2xx and 3xx.

    Bodies have four shapes: ConnectWise's `code, message, errors[]`; its rate limit's `error, message`;
    Sophos's `error, message, correlationId`; and `errorCode, message, trackingId` of Sophos's token
    endpoint. A body that is none of them (Cloudflare answers in HTML) is judged by the status alone.
    """
    data: Any = None
    with contextlib.suppress(BadAnswer):
        data = parse_json(call, status, headers.get("content-type", ""), body)
    said = spoken(data)
    if status == 401:
        return NotAuthenticated(call, said, status=status)
    if status == 403:
        method, _, path = call.request.partition(" ")
        return NotPermitted(call, service.permission(method, path), said, status=status)
    if status == 404:
        found = service.is_missing_record(data)
        return (RecordNotFound if found else EndpointNotFound)(call, said, status=status)
    if status == 429:
        return RateLimited(call, retry_after(headers), status=status)
    if status >= 500:
        wait = retry_after(headers)
        return Unreachable(
            call,
            f"the server failed ({status})"
            + (f": {excerpt(said)}" if said else "")
            + ("" if wait is None else f"; it asks to wait {number_of(round(wait), 'second')}"),
            "Run again later; if it stays, ask who runs that server.",
            status=status,
        )
    return Refused(
        call,
        said,
        status=status,
        error_code=_text(data, "code", "errorCode", "error"),
        field_errors=_fields(data),
    )


def spoken(data: Any) -> str:
    """What an error body says, in one short line, with the id by which the vendor's support finds it."""
    if not isinstance(data, dict):
        return ""
    message, code = _text(data, "message"), _text(data, "errorCode", "error", "code")
    trace = _text(data, "correlationId", "trackingId")
    said = (
        message
        if not code or code in ("InvalidObject", message)
        else f"{message} ({code})"
        if message
        else code
    )
    return excerpt(said) + (f", id {trace}" if re.fullmatch(r"[0-9A-Za-z-]{8,64}", trace) else "")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that a Retry-After header asks for, from seconds or an HTTP date; None where it has none.

    A date is measured from the answer's own Date header, so that a wrong clock here does not matter.
    """
    value = headers.get("retry-after", "").strip()
    if not value:
        return None
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]+)?", value):
        return float(value)
    until, now = _http_date(value), _http_date(headers.get("date", "")) or datetime.now(UTC)
    return None if until is None else max(0.0, (until - now).total_seconds())


def _http_date(value: str) -> datetime | None:
    try:
        parsed = parsedate_to_datetime(value)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _text(data: Any, *names: str) -> str:
    """The first of these members that is a text."""
    if not isinstance(data, dict):
        return ""
    return next((data[name] for name in names if isinstance(data.get(name), str) and data[name]), "")


def _fields(data: Any) -> tuple[FieldError, ...]:
    entries = data.get("errors") if isinstance(data, dict) else None
    if not isinstance(entries, list):  # absent or null for simple errors
        return ()
    return tuple(
        FieldError(excerpt(_text(e, "field")), excerpt(_text(e, "code")), excerpt(_text(e, "message")))
        for e in entries
        if isinstance(e, dict)
    )

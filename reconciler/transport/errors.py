"""What can go wrong with a request, by what the caller must do about it.

Every error says what happened, the likely cause and what to do. None holds a secret, a query string or
more of an answer than a short excerpt.
"""

# ruff: noqa: N818 - the names say what happened, and stand in `except` clauses as words.

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, ReconcilerError, error

EXCERPT = 200


@dataclass(frozen=True)
class Call:
    """Which request an error is about, and which settings a person would look at.

    `request` is the verb and the API path (`GET /procurement/catalog`), without host, codebase and query.
    """

    system: str
    request: str
    host: str
    host_setting: str
    key_settings: str


@dataclass(frozen=True)
class FieldError:
    """One entry of ConnectWise's `errors` array; `code` is for instance `ObjectExists`."""

    field: str
    code: str
    message: str

    def __str__(self) -> str:
        return f"{self.field}: {self.message or self.code}" if self.field else self.message or self.code


class ApiError(ReconcilerError):
    """A request that brought no result. `status` is the HTTP status, where one was received."""

    word: ClassVar[str] = "failed"

    def __init__(self, call: Call, message: str, remedy: str, *, status: int | None = None) -> None:
        self.call = call
        self.system = call.system
        self.request = call.request
        self.status = status
        super().__init__(error(f"{call.system.lower()}-{self.word}", f"{call.system}: {message}", remedy))

    @property
    def diagnostic(self) -> Diagnostic:
        """The one diagnostic that it carries."""
        return self.diagnostics[0]


class Unreachable(ApiError):
    """No usable answer: DNS, refused, time-out, TLS, or 5xx to a read. Nothing was changed by it."""

    word = "unreachable"

    def __init__(self, call: Call, cause: str, remedy: str, *, status: int | None = None) -> None:
        super().__init__(call, f"{call.request} at {call.host}: {cause}", remedy, status=status)


class NotAuthenticated(ApiError):
    """The credentials were refused (401, or Sophos's token endpoint said so)."""

    word = "not-authenticated"

    def __init__(self, call: Call, said: str = "", *, status: int | None = 401) -> None:
        super().__init__(
            call,
            f"{call.host} refused the credentials at {call.request}{_said(said)}",
            f"Check {call.key_settings}: one of them is wrong, expired or revoked. "
            "No further request is sent in this run.",
            status=status,
        )


class NotPermitted(ApiError):
    """The credentials are good, but not for this (403). `permission` is the one that is probably missing."""

    word = "not-permitted"

    def __init__(self, call: Call, permission: str, said: str = "", *, status: int = 403) -> None:
        self.permission = permission
        super().__init__(
            call,
            f"{call.host} does not permit {call.request}{_said(said)}",
            f"Probably missing: {permission}. Grant it to the API user, or ask who administers it.",
            status=status,
        )


class RecordNotFound(ApiError):
    """The endpoint is there, the record is not (404)."""

    word = "record-not-found"

    def __init__(self, call: Call, said: str = "", *, status: int = 404) -> None:
        super().__init__(
            call,
            f"{call.request}: there is no such record{_said(said)}",
            "It may have been deleted since it was last read. Plan again.",
            status=status,
        )


class ListShort(ApiError):
    """A list that was answered with 200 and holds fewer records than the server counts."""

    word = "list-short"

    def __init__(self, call: Call, held: int, counted: int) -> None:
        super().__init__(
            call,
            f"{call.request}: the list holds {number_of(held, 'record')}, and {call.host} counts {counted}",
            "Plan again. If it stays, the API user may see fewer records than are counted: look at its role.",
        )


class EndpointNotFound(ApiError):
    """The server does not know the path (404): another release, a moved API, or another host."""

    word = "endpoint-not-found"

    def __init__(self, call: Call, said: str = "", *, status: int = 404) -> None:
        super().__init__(
            call,
            f"{call.host} knows no endpoint for {call.request}{_said(said)}",
            f"Check {call.host_setting}, then {call.key_settings}: some cloud servers answer this way to "
            "a company and key that do not belong together. An old server release is the other cause.",
            status=status,
        )


class Refused(ApiError):
    """The request was understood and refused (400, 409, 4xx): a field, a filter or a state is not accepted.

    `error_code` is the body's own code, `field_errors` what it says field by field.
    """

    word = "refused"

    def __init__(
        self,
        call: Call,
        said: str,
        *,
        status: int,
        error_code: str = "",
        field_errors: tuple[FieldError, ...] = (),
    ) -> None:
        self.error_code = error_code
        self.field_errors = field_errors
        parts = [part for part in (said, *map(str, field_errors)) if part]
        reason = excerpt("; ".join(parts), 2 * EXCERPT) or "no reason given"
        super().__init__(
            call,
            f"{call.request} was refused ({status}): {reason}",
            "Correct the named value; where none is named, the server's release may not know the request.",
            status=status,
        )


class RateLimited(ApiError):
    """The server asks for fewer requests (429). `retry_after` is what it asked to wait, in seconds."""

    word = "rate-limited"

    def __init__(self, call: Call, retry_after: float | None = None, *, status: int = 429) -> None:
        self.retry_after = retry_after
        wait = "" if retry_after is None else f" and asks to wait {number_of(round(retry_after), 'second')}"
        super().__init__(
            call,
            f"{call.host} limits the rate of requests at {call.request}{wait}",
            "Run again later. Other programs that use the same credentials count against the same limit.",
            status=status,
        )


class BadAnswer(ApiError):
    """An answer that is not what the API documents: HTML, broken JSON, a wrong type, a list that repeats."""

    word = "bad-answer"

    def __init__(self, call: Call, what: str, remedy: str = "", *, status: int | None = None) -> None:
        super().__init__(
            call,
            f"{call.request}: {what}",
            remedy
            or "Nothing was taken from this answer. Run again; if it stays, report it with this message.",
            status=status,
        )


class Unsure(ApiError):
    """A write was sent and its outcome is not known. Look it up before anything is sent again."""

    word = "unsure"

    def __init__(self, call: Call, what: str, *, status: int | None = None) -> None:
        super().__init__(
            call,
            f"{call.request} was sent, and it is not known whether it was done: {what}",
            "Do not repeat it by hand. Plan again: the next plan shows what was done.",
            status=status,
        )


class ReadOnly(ApiError):
    """A write was asked of a session that only reads; nothing was sent."""

    word = "read-only"

    def __init__(self, call: Call) -> None:
        super().__init__(
            call,
            f"{call.request} was not sent, because this session only reads",
            "This is a fault of the program. Report it with this message.",
        )


def excerpt(text: str, limit: int = EXCERPT) -> str:
    """The text in one line, without control characters, cut to `limit` characters."""
    shown = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    return shown if len(shown) <= limit else shown[: limit - 1] + "…"


def _said(text: str) -> str:
    return f' and says "{excerpt(text)}"' if text else ""

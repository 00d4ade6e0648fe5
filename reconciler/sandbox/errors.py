"""The error answers of ConnectWise PSA.

Shapes as recorded or quoted by public clients (amp-labs/connectors' tests, the vendor's Developer Guide). The
wording of refusals that nobody has published is our own; clients must go by status and code.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


class Refused(Exception):  # noqa: N818 - an answer, not a fault of this program
    """Ends the handling of a request with this status and JSON body."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status, body)
        self.status = status
        self.body = body
        self.headers = headers or {}


def simple(status: int, code: str, message: str) -> Refused:
    return Refused(status, {"code": code, "message": message})


def bad_request(message: str) -> Refused:
    return simple(400, "InvalidRequest", message)


def record_not_found(title: str, number: int | str) -> Refused:
    return simple(404, "NotFound", f"{title} {number} not found")


def route_not_found() -> Refused:
    return simple(404, "ConnectWiseApi", "The endpoint does not exist.")


def forbidden() -> Refused:
    message = "You do not have security permission to perform this action."
    return Refused(403, {"code": "Security", "message": message, "errors": None})


def unsupported_date(name: str) -> Refused:
    return simple(400, "UnsupportedFormat", f"Unsupported format applied to {name}")


@dataclass
class Complaints:
    """Collects what is wrong with one object, to answer with all of it at once."""

    resource: str
    entries: list[dict[str, str]] = field(default_factory=list)

    def add(self, code: str, name: str, message: str) -> None:
        entry = {"code": code, "message": message, "resource": self.resource, "field": name}
        self.entries.append(entry)

    def raise_if_any(self) -> None:
        if self.entries:
            message = f"{self.resource} object is invalid"
            raise Refused(400, {"code": "InvalidObject", "message": message, "errors": self.entries})

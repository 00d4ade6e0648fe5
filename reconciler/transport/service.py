"""What the session must know about the API it talks to."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import Call

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Service:
    """One API at one host.

    `origin` is `https://host[:port]`. `permission(verb, path)` names the permission that a request needs,
    in the words of the product's own screens. `is_missing_record(body)` tells a 404 for a record from a
    404 for an endpoint. `read_posts` are the paths whose POST only reads. `rates` are limits as (requests,
    seconds), all of which hold.
    """

    system: str
    origin: str
    host_setting: str
    key_settings: str
    permission: Callable[[str, str], str]
    is_missing_record: Callable[[Any], bool]
    read_posts: frozenset[str] = frozenset()
    rates: tuple[tuple[float, float], ...] = ()
    concurrency: int = 4

    @property
    def host(self) -> str:
        """The host, with its port where it is not the usual one."""
        return self.origin.partition("://")[2]

    def call(self, method: str, path: str) -> Call:
        """What errors say about a request."""
        return Call(self.system, f"{method} {path}", self.host, self.host_setting, self.key_settings)


def parse_origin(text: str, *, system: str, setting: str) -> str:
    """`https://host[:port]` from a host or URL as people paste it; path, query and fragment are dropped.

    The scheme is https where none is written. Raises ReconcilerError for anything that is no host, for user
    information in the URL, and for plain http anywhere but on this machine: credentials would be sent in
    the clear.
    """
    code = f"{system.lower()}-url"
    shown = text.strip()
    try:
        url = httpx.URL(shown if "://" in shown else f"https://{shown}")
        host, port = url.host, url.port
    except (httpx.InvalidURL, ValueError):
        raise ReconcilerError(error(code, f"{setting} is not a URL", _form(setting))) from None
    if url.userinfo or "@" in shown:
        # The text is not repeated: what stands before an @ may be a password.
        raise ReconcilerError(
            error(
                code, f"{setting} holds a user name or password", "Write the host alone; keys have settings."
            )
        )
    if not shown or url.scheme not in ("http", "https") or not _is_host(host):
        raise ReconcilerError(error(code, f"{setting} is not a host or an https URL", _form(setting)))
    if url.scheme == "http" and not is_loopback(host):
        raise ReconcilerError(
            error(code, f"{setting}: plain http to {host} would send the keys in the clear", "Use https://.")
        )
    name = f"[{host}]" if ":" in host else host
    return f"{url.scheme}://{name}" + (f":{port}" if port is not None else "")


def is_loopback(host: str) -> bool:
    """Whether the host is this machine, by its form alone; no name is looked up."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _is_host(host: str) -> bool:
    if ":" in host:
        try:
            return ipaddress.ip_address(host).version == 6
        except ValueError:
            return False
    labels = host.rstrip(".").split(".")
    return len(host) <= 253 and all(
        0 < len(label) <= 63
        and label.isascii()
        and label.replace("-", "").replace("_", "").isalnum()
        and not label.startswith("-")
        and not label.endswith("-")
        for label in labels
    )


def _form(setting: str) -> str:
    return f"Set {setting} to the host, for example https://api.example.com."

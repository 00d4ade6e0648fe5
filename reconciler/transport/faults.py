"""What httpx raises, told apart by what a person can do about it."""

from __future__ import annotations

import socket
import ssl
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import Unreachable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.transport.errors import Call

#: The connection was never made, so the server saw nothing of the request.
NEVER_SENT = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ProxyError,
    httpx.LocalProtocolError,
    httpx.UnsupportedProtocol,
)


def unreachable(call: Call, fault: httpx.TransportError) -> Unreachable:
    """The error for a request that brought no answer."""
    check = f"Check {call.host_setting} and the network."
    for cause in _causes(fault):
        if isinstance(cause, ssl.SSLError):
            reason = (
                getattr(cause, "verify_message", "") or getattr(cause, "reason", "") or "handshake failed"
            )
            return Unreachable(
                call,
                f"TLS: {reason}",
                "The certificate is not trusted by this machine or is not that host's. Behind an inspecting "
                "proxy set SSL_CERT_FILE to its certificate; checking cannot be turned off.",
            )
        if isinstance(cause, socket.gaierror):
            return Unreachable(call, "the host name cannot be resolved", check)
        if isinstance(cause, ConnectionRefusedError):
            return Unreachable(call, "the connection was refused", check)
    if isinstance(fault, httpx.ConnectTimeout):
        return Unreachable(call, "no connection in time", check)
    if isinstance(fault, httpx.ProxyError):
        return Unreachable(call, "the proxy refused", "Check HTTPS_PROXY and NO_PROXY.")
    if isinstance(fault, httpx.TimeoutException):
        return Unreachable(call, "no answer in time", "Run again later.")
    return Unreachable(call, f"the connection broke ({type(fault).__name__})", "Run again later.")


@contextmanager
def of_the_environment() -> Iterator[None]:
    """Around making a client: certificates and proxies that the environment names must be usable.

    Raises ReconcilerError where they are not. A proxy's address is not repeated; it may hold a password.
    """
    try:
        yield
    except OSError as failed:
        reason = getattr(failed, "reason", "") or failed.strerror
        raise ReconcilerError(
            error(
                "certificates-unreadable",
                f"The certificates that SSL_CERT_FILE or SSL_CERT_DIR names cannot be read: {reason}.",
                "Name a file of PEM certificates, or unset the variable. Checking cannot be turned off.",
            )
        ) from None
    except (ValueError, httpx.InvalidURL):
        raise ReconcilerError(
            error(
                "proxy-unusable",
                "The address of a proxy in the environment cannot be used.",
                "Correct HTTPS_PROXY, HTTP_PROXY and ALL_PROXY: http://host:port.",
            )
        ) from None


def is_tls(fault: BaseException) -> bool:
    """Whether it is about certificates or the handshake; those do not pass by waiting."""
    return any(isinstance(cause, ssl.SSLError) for cause in _causes(fault))


def _causes(fault: BaseException | None) -> Iterator[BaseException]:
    """The fault and what it came from, groups included (httpx tries several addresses at once)."""
    seen: set[int] = set()
    waiting = [fault]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        waiting += [one.__context__, one.__cause__]
        if isinstance(one, BaseExceptionGroup):
            waiting += one.exceptions

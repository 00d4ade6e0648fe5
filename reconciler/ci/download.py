"""An artifact's archive, from wherever GitHub keeps it.

https://docs.github.com/en/rest/actions/artifacts#download-an-artifact answers with a redirect to an address
that is valid for a minute, on a host of GitHub's storage. It is followed over https only, and the token is
not sent there. Nothing but this is asked of another host than GITHUB_API_URL's. Not tried against github.com.
"""

from __future__ import annotations

import asyncio
import io
import zipfile
from typing import TYPE_CHECKING

import httpx

from reconciler.model.diagnostics import ReconcilerError
from reconciler.transport.service import parse_origin

if TYPE_CHECKING:
    from collections.abc import Mapping

LARGEST = 64 * 1024 * 1024
_ATTEMPTS, _SECONDS = 3, 2.0


class DownloadError(Exception):
    """Why there is no archive, in words that hold no address: a signed one is a key."""


async def download(url: str, headers: Mapping[str, str], transport: httpx.AsyncBaseTransport | None) -> bytes:
    """The archive. Raises DownloadError."""
    async with httpx.AsyncClient(transport=transport, timeout=60, follow_redirects=False) as client:
        for left in range(_ATTEMPTS - 1, -1, -1):
            try:
                return await _once(client, url, headers)
            except (httpx.TransportError, httpx.DecodingError, _LaterError) as failed:
                if not left:
                    raise DownloadError(str(failed) or type(failed).__name__) from None
            await asyncio.sleep(_SECONDS)
    raise DownloadError("it was not tried")


class _LaterError(Exception):
    """The server failed, and may not the next time."""


async def _once(client: httpx.AsyncClient, url: str, headers: Mapping[str, str]) -> bytes:
    answer = await client.get(url, headers=dict(headers))
    if answer.status_code >= 500:
        raise _LaterError(f"the server failed ({answer.status_code})")
    if answer.status_code == 410:
        raise DownloadError("it has expired")
    if answer.status_code != 302:
        raise DownloadError(f"GitHub answers {answer.status_code} instead of 302")
    target = answer.headers.get("location", "")
    try:
        good = parse_origin(target, system="GitHub", setting="a redirect").startswith("https://")
    except ReconcilerError:
        good = False
    if not good or not target.lower().startswith("https://"):
        raise DownloadError("GitHub redirects to no https address")
    parts, size = [], 0
    async with client.stream("GET", httpx.URL(target)) as stored:
        if stored.status_code >= 500:
            raise _LaterError(f"the storage failed ({stored.status_code})")
        if stored.status_code != 200:
            raise DownloadError(f"the storage answers {stored.status_code}")
        async for part in stored.aiter_bytes():
            size += len(part)
            if size > LARGEST:
                raise DownloadError(f"it is larger than {LARGEST // 2**20} MiB")
            parts.append(part)
    return b"".join(parts)


def unpacked(archive: bytes, *names: str) -> list[bytes]:
    """These files of an archive. Raises DownloadError where one is missing, damaged or too large."""
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as opened:
            found = []
            for name in names:
                if opened.getinfo(name).file_size > LARGEST:
                    raise DownloadError(f"{name} is larger than {LARGEST // 2**20} MiB")
                with opened.open(name) as member:
                    found.append(member.read(LARGEST + 1))
            return found
    except KeyError:
        raise DownloadError(f"it lacks one of {', '.join(names)}") from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, OSError):
        raise DownloadError("it is no archive that can be read") from None

"""The few requests to GitHub's REST API, for one repository. Not tried against github.com.

https://docs.github.com/en/rest/using-the-rest-api/getting-started-with-the-rest-api (headers),
https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api (`per_page`, `page`).
What each request is for, and its page, stands where it is sent.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import httpx

from reconciler import __version__
from reconciler.ci.download import DownloadError, download
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import BadAnswer
from reconciler.transport.secret import Secret
from reconciler.transport.service import Service, parse_origin
from reconciler.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence

    from reconciler.transport.session import Observer

API_URL, TOKEN, REPOSITORY = "GITHUB_API_URL", "GITHUB_TOKEN", "GITHUB_REPOSITORY"
_PAGE, _MOST_PAGES = 100, 50


class Bearer:
    """The token of a job, which nobody can renew."""

    def __init__(self, token: Secret) -> None:
        self._token = token

    async def header(self) -> str:
        """What `Authorization` says."""
        return f"Bearer {self._token.reveal()}"

    async def renew(self, refused: str) -> bool:  # noqa: ARG002 - the shape that Session asks for
        """It cannot be."""
        return False


class GitHub:
    """One repository; made by `connect`. Raises ApiError's subclasses as `Session.request` does."""

    def __init__(
        self,
        session: Session,
        prefix: str,
        repository: str,
        fetch: Callable[[str], Awaitable[bytes]],
    ) -> None:
        self.session = session
        self._prefix = prefix
        self._fetch = fetch
        self._repository = f"/repos/{repository}"

    async def get(self, path: str, params: Sequence[tuple[str, str]] = ()) -> dict[str, Any]:
        """One JSON object; `path` is below the repository."""
        return self._object("GET", path, await self._request("GET", path, params=params))

    async def send(self, method: str, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """POST or PATCH, and the object that is answered."""
        return self._object(method, path, await self._request(method, path, body=dict(body)))

    async def merge(self, branch: str, commit: str) -> None:
        """Merge a commit into a branch that may have it already (204, without a body).

        https://docs.github.com/en/rest/branches/branches#merge-a-branch
        (`contents: write`; 409 is a conflict).
        """
        await self._request("POST", "/merges", body={"base": branch, "head": commit})

    async def every(
        self, path: str, params: Sequence[tuple[str, str]] = (), *, key: str = ""
    ) -> list[dict[str, Any]]:
        """All entries of a list, page by page; `key` is the member that holds it in an object."""
        found: list[dict[str, Any]] = []
        for page in range(1, _MOST_PAGES + 1):
            paged = (*params, ("per_page", str(_PAGE)), ("page", str(page)))
            data = await self._request("GET", path, params=paged)
            entries = data.get(key) if key and isinstance(data, dict) else data
            if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
                raise self.bad_answer("GET", path, "the answer is not a list of objects")
            found += entries
            if len(entries) < _PAGE:
                return found
        raise self.bad_answer("GET", path, f"the list has more than {_MOST_PAGES * _PAGE} entries")

    async def archive(self, artifact: Any) -> bytes:
        """The archive of an artifact. Raises DownloadError."""
        if not isinstance(artifact, int):
            raise DownloadError("GitHub names no number for it")
        return await self._fetch(f"{self._prefix}{self._repository}/actions/artifacts/{artifact}/zip")

    def bad_answer(self, method: str, path: str, what: str) -> BadAnswer:
        """The error for an answer that is not of the documented shape."""
        return BadAnswer(self.session.service.call(method, self._repository + path), what)

    async def _request(
        self, method: str, path: str, *, params: Sequence[tuple[str, str]] = (), body: Any = None
    ) -> Any:
        answer = await self.session.request(
            method, self._repository + path, prefix=self._prefix, params=params, json=body
        )
        return answer.data

    def _object(self, method: str, path: str, data: Any) -> dict[str, Any]:
        if not isinstance(data, dict):
            raise self.bad_answer(method, path, "the answer is not an object")
        return data


@asynccontextmanager
async def connect(
    environ: Mapping[str, str],
    repository: str,
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[GitHub]:
    """A client for one repository, with the workflow's own token.

    Raises ReconcilerError where a variable is missing. GITHUB_API_URL of a GitHub Enterprise Server has a
    path (`https://HOST/api/v3`), which stands before every request.
    """
    token = environ.get(TOKEN, "").strip()
    missing = [name for name, value in ((TOKEN, token), (REPOSITORY, repository)) if not value]
    if missing or not token.isascii() or not token.isprintable():
        names = " and ".join(missing or [TOKEN])
        raise ReconcilerError(
            error(
                "credentials-missing",
                f"{names} {'is' if len(missing) < 2 else 'are'} not set, or not usable.",
                "Run this as a step of a workflow, with `GITHUB_TOKEN: ${{ github.token }}` in its `env`.",
            )
        )
    url = environ.get(API_URL, "").strip() or "https://api.github.com"
    service = Service(
        system="GitHub",
        origin=parse_origin(url, system="GitHub", setting=API_URL),
        host_setting=API_URL,
        key_settings=f"{TOKEN} and the job's `permissions`",
        permission=needed_permission,
        is_missing_record=lambda body: isinstance(body, dict),
        concurrency=4,
    )
    headers = {
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
        "User-Agent": f"reconciler/{__version__}",
    }
    bearer = Bearer(Secret(token))
    session = Session(
        service,
        writes=True,
        authorization=bearer,
        headers=headers,
        transport=transport,
        observer=observer,
    )
    prefix = httpx.URL(url if "://" in url else f"https://{url}").path.rstrip("/")

    async def fetch(path: str) -> bytes:
        told = {**headers, "Authorization": await bearer.header()}
        return await download(service.origin + path, told, transport)

    async with session:
        yield GitHub(session, prefix, repository, fetch)


def ref_path(branch: str) -> str:
    """Where the tip of a branch is asked for; no name of a branch becomes another address.

    https://docs.github.com/en/rest/git/refs#get-a-reference (`contents: read`).
    """
    return f"/git/ref/heads/{quote(branch, safe='/')}"


def needed_permission(method: str, path: str) -> str:
    """What the token needs for a request, in the words of a job's `permissions`."""
    right = "read" if method == "GET" else "write"
    below = "/".join(path.split("/")[4:])
    if below.startswith("branches/") and below.endswith("/protection"):
        return "administration: read (which no workflow's own token has)"
    for start, name in (
        ("issues/comments", "pull-requests"),
        ("issues", "pull-requests" if below.endswith("/comments") else "issues"),
        ("pulls", "pull-requests"),
        ("actions", "actions"),
        ("environments", "actions"),
        ("statuses", "statuses"),
        ("collaborators", "metadata"),
        ("rules", "metadata"),
        ("commits", "pull-requests" if below.endswith("/pulls") else "contents"),
    ):
        if below.startswith(start):
            return f"{name}: {right}"
    return f"contents: {right}"

"""The comment on a pull request of Azure Repos. Not tried against Azure.

https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads (list and create) and
https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-thread-comments/update, version 7.1.
The token is the job's own, https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
(`System.AccessToken`); its build service needs *Contribute to pull requests* on the repository.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

import httpx

from reconciler import __version__
from reconciler.ci.comment import marker_of
from reconciler.ci.github import Bearer
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import BadAnswer
from reconciler.transport.secret import Secret
from reconciler.transport.service import Service, parse_origin
from reconciler.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from reconciler.transport.session import Observer

#: Says that a step runs on Azure Pipelines.
AZURE = "TF_BUILD"
TOKEN, COLLECTION = "SYSTEM_ACCESSTOKEN", "SYSTEM_COLLECTIONURI"
#: What names the pull request, with the form of each: nothing else becomes a part of an address.
_PARTS = {
    "SYSTEM_TEAMPROJECTID": re.compile(r"[0-9a-fA-F-]{36}"),
    "BUILD_REPOSITORY_ID": re.compile(r"[0-9a-fA-F-]{36}"),
    "SYSTEM_PULLREQUEST_PULLREQUESTID": re.compile(r"[0-9]{1,10}"),
}
_VERSION = ("api-version", "7.1")
#: A thread that is closed keeps nobody from completing the pull request; its text is shown all the same.
_CLOSED, _TEXT = 4, 1


class AzureComments:
    """The threads of one pull request; made by `connect`."""

    def __init__(self, session: Session, prefix: str, path: str) -> None:
        self._session, self._prefix, self._path = session, prefix, path

    async def find(self, marker: str | None) -> tuple[Any, str] | None:
        """The first comment of a thread that begins with the marker. Raises ApiError's subclasses."""
        answer = await self._request("GET", self._path)
        threads = answer.get("value")
        if not isinstance(threads, list):
            raise self._bad("GET", self._path)
        for thread in threads:
            comments = thread.get("comments") if isinstance(thread, dict) else None
            first = comments[0] if isinstance(comments, list) and comments else None
            if not isinstance(first, dict) or first.get("isDeleted") is True or marker is None:
                continue
            text, ids = first.get("content"), (thread.get("id"), first.get("id"))
            if isinstance(text, str) and marker_of(text) == marker:
                if all(isinstance(one, int) for one in ids):
                    return ids, text
                raise self._bad("GET", self._path)
        return None

    async def make(self, text: str) -> None:
        """A thread of its own. Raises ApiError's subclasses."""
        comment = {"parentCommentId": 0, "content": text, "commentType": _TEXT}
        await self._request("POST", self._path, {"comments": [comment], "status": _CLOSED})

    async def replace(self, found: Any, text: str) -> None:
        """Another text for it. Raises ApiError's subclasses."""
        thread, comment = found
        await self._request("PATCH", f"{self._path}/{thread}/comments/{comment}", {"content": text})

    async def _request(self, method: str, path: str, body: Any = None) -> dict[str, Any]:
        answer = await self._session.request(method, path, prefix=self._prefix, params=(_VERSION,), json=body)
        if not isinstance(answer.data, dict):
            raise self._bad(method, path)
        return answer.data

    def _bad(self, method: str, path: str) -> BadAnswer:
        return BadAnswer(self._session.service.call(method, path), "the answer is not of the documented form")


@asynccontextmanager
async def connect(
    environ: Mapping[str, str],
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[AzureComments]:
    """The comments of the pull request that the step runs for. Raises ReconcilerError without one."""
    token, url = environ.get(TOKEN, "").strip(), environ.get(COLLECTION, "").strip()
    wrong = [name for name, form in _PARTS.items() if not form.fullmatch(environ.get(name, ""))]
    wrong += [name for name, value in ((TOKEN, token), (COLLECTION, url)) if not value]
    if wrong or not token.isascii() or not token.isprintable():
        raise ReconcilerError(
            error(
                "azure-environment",
                f"{', '.join(wrong or [TOKEN])} {'is' if len(wrong) < 2 else 'are'} not set, or not usable.",
                "Run this in a build of a pull request of Azure Repos, with `SYSTEM_ACCESSTOKEN: "
                "$(System.AccessToken)` in the step's `env`.",
            )
        )
    project, repository, number = (environ[name] for name in _PARTS)
    service = Service(
        system="Azure",
        origin=parse_origin(url, system="Azure", setting=COLLECTION),
        host_setting=COLLECTION,
        key_settings=f"{TOKEN}, and what the project's build service may do",
        permission=lambda method, path: "Contribute to pull requests",  # noqa: ARG005 - the shape asked for
        is_missing_record=lambda body: isinstance(body, dict),
        concurrency=1,
    )
    session = Session(
        service,
        writes=True,
        authorization=Bearer(Secret(token)),
        headers={"Accept": "application/json", "User-Agent": f"reconciler/{__version__}"},
        transport=transport,
        observer=observer,
    )
    prefix = httpx.URL(url if "://" in url else f"https://{url}").path.rstrip("/")
    async with session:
        path = f"/{project}/_apis/git/repositories/{repository}/pullRequests/{number}/threads"
        yield AzureComments(session, prefix, path)

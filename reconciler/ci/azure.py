"""The comment on a pull request of Azure Repos, and the tip of its branches. Not tried against Azure.

https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-threads (list and create) and
https://learn.microsoft.com/en-us/rest/api/azure/devops/git/pull-request-thread-comments/update, version 7.1.
The token is the job's own, https://learn.microsoft.com/en-us/azure/devops/pipelines/build/variables
(`System.AccessToken`); its build service needs *Contribute to pull requests* on the repository.
"""

from __future__ import annotations

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx

from reconciler import __version__
from reconciler.ci.comment import marker_of
from reconciler.ci.context import is_commit
from reconciler.ci.github import Bearer
from reconciler.ci.sites import SINGLE
from reconciler.ci.tip import old_commit
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import BadAnswer
from reconciler.transport.secret import Secret
from reconciler.transport.service import Service, parse_origin
from reconciler.transport.session import Session

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from reconciler.model.diagnostics import Diagnostic
    from reconciler.transport.session import Observer

#: Says that a step runs on Azure Pipelines.
AZURE = "TF_BUILD"
TOKEN, COLLECTION = "SYSTEM_ACCESSTOKEN", "SYSTEM_COLLECTIONURI"
#: What names the repository, with the form of each: nothing else becomes a part of an address.
_PARTS = {
    "SYSTEM_TEAMPROJECTID": re.compile(r"[0-9a-fA-F-]{36}"),
    "BUILD_REPOSITORY_ID": re.compile(r"[0-9a-fA-F-]{36}"),
}
_PULL = "SYSTEM_PULLREQUEST_PULLREQUESTID"
_BRANCH = "refs/heads/"
_VERSION = ("api-version", "7.1")
#: A thread that is closed keeps nobody from completing the pull request; its text is shown all the same.
_CLOSED, _TEXT = 4, 1


class AzureComments:
    """The threads of one pull request; made by `comments_of`."""

    def __init__(self, session: Session, prefix: str, path: str) -> None:
        self._session, self._prefix, self._path = session, prefix, path

    async def moved_on(self) -> str:
        """Not looked at: a build names the merge that it was started for, and no newer one."""
        return ""

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


@dataclass(frozen=True)
class Repository:
    """A repository of Azure Repos, by way of the job's own token."""

    session: Session
    prefix: str
    path: str

    async def get(self, path: str, *params: tuple[str, str]) -> dict[str, Any]:
        """One JSON object below the repository. Raises ApiError's subclasses."""
        where = self.path + path
        params = (*params, _VERSION)
        answer = await self.session.request("GET", where, prefix=self.prefix, params=params)
        if not isinstance(answer.data, dict):
            raise self.bad(where)
        return answer.data

    def bad(self, path: str) -> BadAnswer:
        """The error for an answer that is not of the documented form."""
        return BadAnswer(self.session.service.call("GET", path), "the answer is not of the documented form")


async def superseded_on_azure(repository: Repository, environ: Mapping[str, str]) -> Diagnostic | None:
    """What is said where the branch of the build has other mappings by now; else None.

    https://learn.microsoft.com/en-us/rest/api/azure/devops/git/refs/list (`filter` is how names begin) and
    https://learn.microsoft.com/en-us/rest/api/azure/devops/git/items/get (`objectId`), version 7.1. The tool
    is of a tag of its own. Raises ReconcilerError.
    """
    ref, commit = environ.get("BUILD_SOURCEBRANCH", ""), environ.get("BUILD_SOURCEVERSION", "")
    if not is_commit(commit) or not ref.startswith(_BRANCH):
        raise _environment(["BUILD_SOURCEBRANCH", "BUILD_SOURCEVERSION"])
    listed = (await repository.get("/refs", ("filter", ref.removeprefix("refs/")))).get("value")
    refs = [one for one in listed if isinstance(one, dict)] if isinstance(listed, list) else []
    tip = next((one.get("objectId") for one in refs if one.get("name") == ref), None)
    if not is_commit(tip):
        raise repository.bad(f"{repository.path}/refs")
    if tip == commit:
        return None
    then, now = await _mappings(repository, commit), await _mappings(repository, str(tip))
    branch = ref.removeprefix(_BRANCH)
    return None if now == then else old_commit(branch, str(tip), commit, [SINGLE], by_push=False)


async def _mappings(repository: Repository, commit: str) -> str:
    version = (("versionDescriptor.versionType", "commit"), ("versionDescriptor.version", commit))
    item = await repository.get("/items", ("path", f"/{SINGLE}"), ("$format", "json"), *version)
    if not is_commit(item.get("objectId")):
        raise repository.bad(f"{repository.path}/items")
    return str(item["objectId"])


def _right(method: str, path: str) -> str:
    """What the build service needs for a request, in Azure's words."""
    return "Contribute to pull requests" if "/pullRequests/" in path else f"Read ({method})"


def _environment(wrong: list[str]) -> ReconcilerError:
    return ReconcilerError(
        error(
            "azure-environment",
            f"{', '.join(wrong)} {'is' if len(wrong) < 2 else 'are'} not set, or not usable.",
            "Run this in a build of Azure Repos, that of a pull request where it is about one, with "
            "`SYSTEM_ACCESSTOKEN: $(System.AccessToken)` in the step's `env`.",
        )
    )


@asynccontextmanager
async def connect(
    environ: Mapping[str, str],
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    observer: Observer | None = None,
) -> AsyncIterator[Repository]:
    """The repository that the build is of. Raises ReconcilerError without one."""
    token, url = environ.get(TOKEN, "").strip(), environ.get(COLLECTION, "").strip()
    wrong = [name for name, form in _PARTS.items() if not form.fullmatch(environ.get(name, ""))]
    wrong += [name for name, value in ((TOKEN, token), (COLLECTION, url)) if not value]
    if wrong or not token.isascii() or not token.isprintable():
        raise _environment(wrong or [TOKEN])
    project, repository = (environ[name] for name in _PARTS)
    service = Service(
        system="Azure",
        origin=parse_origin(url, system="Azure", setting=COLLECTION),
        host_setting=COLLECTION,
        key_settings=f"{TOKEN}, and what the project's build service may do",
        permission=_right,
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
        yield Repository(session, prefix, f"/{project}/_apis/git/repositories/{repository}")


def comments_of(repository: Repository, environ: Mapping[str, str]) -> AzureComments:
    """The comments of the build's pull request. Raises ReconcilerError where it is of none."""
    number = environ.get(_PULL, "")
    if not re.fullmatch("[0-9]{1,10}", number):
        raise _environment([_PULL])
    path = f"{repository.path}/pullRequests/{number}/threads"
    return AzureComments(repository.session, repository.prefix, path)

"""The sticky comment on a pull request, wherever the pull request is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from reconciler.ci.comment import UPDATE_ONLY, marker_of, ours
from reconciler.ci.context import is_commit

if TYPE_CHECKING:
    from reconciler.ci.github import GitHub


class Comments(Protocol):
    """The comments of one pull request. Everything raises ApiError's subclasses."""

    async def moved_on(self) -> str:
        """The pull request's last commit, where that is not the one of this run; "" where it is."""

    async def find(self, marker: str | None) -> tuple[Any, str] | None:
        """What names our comment with this marker, and its text; None where there is none."""

    async def make(self, text: str) -> None:
        """One more comment."""

    async def replace(self, found: Any, text: str) -> None:
        """Another text for the comment that `find` named."""


class GitHubComments:
    """Comments of a pull request on GitHub. Not tried against github.com.

    https://docs.github.com/en/rest/issues/comments (list, create and update; `pull-requests: write` suffices
    for comments on pull requests) and https://docs.github.com/en/rest/pulls/pulls#get-a-pull-request.
    """

    def __init__(self, github: GitHub, number: int, head: str) -> None:
        self._github, self._number, self._head = github, number, head

    async def moved_on(self) -> str:
        """By the pull request as it is now: a run that is started again has its old event."""
        told = (await self._github.get(f"/pulls/{self._number}")).get("head")
        now = told.get("sha") if isinstance(told, dict) else None
        return str(now) if is_commit(now) and now != self._head else ""

    async def find(self, marker: str | None) -> tuple[Any, str] | None:
        """Ours by its marker and its author."""
        found = ours(await self._github.every(f"/issues/{self._number}/comments"), marker)
        return None if found is None else (found["id"], found["body"])

    async def make(self, text: str) -> None:
        """One more comment."""
        await self._github.send("POST", f"/issues/{self._number}/comments", {"body": text})

    async def replace(self, found: Any, text: str) -> None:
        """Another text."""
        await self._github.send("PATCH", f"/issues/comments/{found}", {"body": text})


async def put_comment(comments: Comments, text: str) -> str:
    """Make or update the comment with the text's marker; says which. Raises ApiError's subclasses.

    A run of an older commit leaves the comment to the run of the last one.
    """
    if later := await comments.moved_on():
        return f"no comment, because the pull request is at {later[:12]} by now: the run of that one comments"
    there = await comments.find(marker_of(text))
    if there is None:
        if UPDATE_ONLY in text.splitlines()[1:2]:
            return "nothing to say, and no older comment that says otherwise"
        await comments.make(text)
        return "comment made"
    found, before = there
    if before == text:
        return "the comment already says so"
    await comments.replace(found, text)
    return "comment updated"

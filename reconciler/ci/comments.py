"""The sticky comment on a pull request, wherever the pull request is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

from reconciler.ci.comment import UPDATE_ONLY, marker_of, ours

if TYPE_CHECKING:
    from reconciler.ci.github import GitHub


class Comments(Protocol):
    """The comments of one pull request. Everything raises ApiError's subclasses."""

    async def find(self, marker: str | None) -> tuple[Any, str] | None:
        """What names our comment with this marker, and its text; None where there is none."""

    async def make(self, text: str) -> None:
        """One more comment."""

    async def replace(self, found: Any, text: str) -> None:
        """Another text for the comment that `find` named."""


class GitHubComments:
    """Comments of a pull request on GitHub. Not tried against github.com.

    https://docs.github.com/en/rest/issues/comments (list, create and update; `pull-requests: write` suffices
    for comments on pull requests).
    """

    def __init__(self, github: GitHub, number: int) -> None:
        self._github, self._number = github, number

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
    """Make or update the comment with the text's marker; says which. Raises ApiError's subclasses."""
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

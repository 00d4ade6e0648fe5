"""The sticky comment on a pull request. Not tried against github.com.

https://docs.github.com/en/rest/issues/comments (list, create and update; `pull-requests: write` suffices for
comments on pull requests).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.ci.comment import UPDATE_ONLY, marker_of, ours

if TYPE_CHECKING:
    from reconciler.ci.github import GitHub


async def put_comment(github: GitHub, number: int, text: str) -> str:
    """Make or update the comment with the text's marker; says which. Raises ApiError's subclasses."""
    there = ours(await github.every(f"/issues/{number}/comments"), marker_of(text))
    if there is None:
        if UPDATE_ONLY in text.splitlines()[1:2]:
            return "nothing to say, and no older comment that says otherwise"
        await github.send("POST", f"/issues/{number}/comments", {"body": text})
        return "comment made"
    if there["body"] == text:
        return "the comment already says so"
    await github.send("PATCH", f"/issues/comments/{there['id']}", {"body": text})
    return "comment updated"

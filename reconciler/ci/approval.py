"""The approval that a merge rests on. Not tried against github.com.

https://docs.github.com/en/rest/pulls/reviews#list-reviews-for-a-pull-request (chronological; `state` is
DISMISSED once an approval was dismissed, `commit_id` the commit that was looked at) and
https://docs.github.com/en/rest/collaborators/collaborators#get-repository-permissions-for-a-user.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from reconciler.transport.errors import EndpointNotFound, RecordNotFound

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.ci.github import GitHub
    from reconciler.ci.merged import Merged

#: The variable that says that whoever merges approves, and its value.
REVIEW_NAME, MERGE_APPROVES = "RECONCILER_REVIEW", "merge"
_DECIDES = ("APPROVED", "CHANGES_REQUESTED", "DISMISSED")
_MAY_WRITE = ("admin", "write")


def moment(text: Any) -> datetime | None:
    """A time of GitHub's, in UTC; None for anything else."""
    try:
        found = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        return None
    return found.astimezone(UTC) if found is not None and found.tzinfo is not None else None


async def approved_at(
    github: GitHub, pull: Merged, pushers: Collection[int | None], review: str
) -> tuple[datetime | None, str]:
    """When a merged pull request was approved last by an approval that counts; else None, and why not.

    It counts where it is of the last push, stands, came before the merge, and is by a person who may write
    and neither opened the pull request nor pushed to it last (`pushers`). Each person's last word counts.
    With `review` MERGE_APPROVES it is the merge itself. Raises ApiError's subclasses.
    """
    if pull.merged_at is None:
        return None, "GitHub does not say when it was merged"
    if review.strip() == MERGE_APPROVES:
        return pull.merged_at, ""
    last: dict[int, dict[str, Any]] = {}
    for one in await github.every(f"/pulls/{pull.number}/reviews"):
        user = one.get("user")
        number = user.get("id") if isinstance(user, dict) else None
        if one.get("state") in _DECIDES and isinstance(number, int):
            last[number] = one
    why = "nobody approved it"
    counted: list[datetime] = []
    for number, one in last.items():
        wrong = _wrong(one, number, pull, pushers)
        if wrong:
            why = wrong
        elif not await _may_write(github, str(one["user"].get("login"))):
            why = "who approved it may not write to this repository"
        else:
            counted.append(moment(one["submitted_at"]) or pull.merged_at)
    return (max(counted), "") if counted else (None, why)


def _wrong(review: Mapping[str, Any], user: int, pull: Merged, pushers: Collection[int | None]) -> str:
    at = moment(review.get("submitted_at"))
    if review.get("state") == "DISMISSED":
        return "its approval was dismissed"
    if review.get("state") != "APPROVED":
        return "changes were asked for"
    if review.get("commit_id") != pull.head:
        return "it was approved before its last push"
    if review["user"].get("type") != "User":
        return "a program approved it, and no person"
    if user == pull.author or user in pushers:
        return "who approved it opened it or pushed to it last"
    if at is None or pull.merged_at is None or at > pull.merged_at:
        return "it was approved after it was merged"
    return ""


async def _may_write(github: GitHub, login: str) -> bool:
    from urllib.parse import quote

    try:
        answer = await github.get(f"/collaborators/{quote(login, safe='')}/permission")
    except (RecordNotFound, EndpointNotFound):  # nobody any more
        return False
    return answer.get("permission") in _MAY_WRITE

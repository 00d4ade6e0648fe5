"""The lock of whoever writes: one branch of the repository, which moves forward only.

Each state of the lock is a commit on top of the one before it, and the branch is moved without force. Of two
runs that saw the same state GitHub lets one move it; the other's commit is not on top of it any more:

https://docs.github.com/en/rest/git/refs (create: 422 where it is there; update without `force`: 422 where
it is no fast-forward), https://docs.github.com/en/rest/git/commits (a commit without an author has GitHub's
own time). `contents: write`.

A lock is held as long as the run that took it is under way. Whether it is, GitHub knows (`actions: read`): of
a runner that crashed it ends the job within minutes, and with it the run.
https://docs.github.com/en/rest/actions/workflow-runs#get-a-workflow-run
"""

from __future__ import annotations

import asyncio
import json
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.transport.errors import EndpointNotFound, RecordNotFound, Refused, Unsure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub

BRANCH = "reconciler-lock"
#: No job that writes may run as long, so that no lock is older, whatever GitHub says of its run.
LONGEST = timedelta(hours=3)
#: Seconds between two looks at a lock that somebody else holds.
LOOK = 20.0
_REF = f"/git/ref/heads/{BRANCH}"
_README = {
    "path": "README.md",
    "mode": "100644",
    "type": "blob",
    "content": "Each commit says who writes to ConnectWise now, or that nobody does. `reconciler ci lock` "
    "makes them: do not merge this branch, and delete it only while no workflow runs.\n",
}
#: What GitHub answers to a run that was not the first one.
_TOO_LATE = (409, 422)


@dataclass(frozen=True)
class Holder:
    """An attempt of a workflow's run."""

    run: int
    attempt: int

    def __str__(self) -> str:
        return f"run {self.run}" + (f", attempt {self.attempt}" if self.attempt > 1 else "")


@dataclass(frozen=True)
class _State:
    """The newest commit of the lock: who holds it (None: nobody), since when, and its tree."""

    commit: str
    holder: Holder | None
    since: datetime | None
    tree: str


def holder_of(context: Context, environ: Mapping[str, str]) -> Holder:
    """The attempt that runs this step. Raises ReconcilerError where it is none of a workflow's."""
    attempt = environ.get("GITHUB_RUN_ATTEMPT", "")
    if context.run_id is None or not attempt.isascii() or not attempt.isdigit():
        raise ReconcilerError(
            error(
                "github-event",
                "GITHUB_RUN_ID and GITHUB_RUN_ATTEMPT do not say which run this is.",
                "Run this command as a step of a workflow, which sets them.",
            )
        )
    return Holder(context.run_id, int(attempt))


class Lock:
    """The lock of one repository, as one run sees it."""

    def __init__(
        self, github: GitHub, me: Holder, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._github = github
        self._me = me
        self._sleep = sleep

    async def take(self, patience: timedelta, tell: Callable[[str], None]) -> None:
        """Wait until nobody holds the lock, and take it. Raises ReconcilerError once the patience is over.

        `tell` is told whom it waits for, once each.
        """
        waited, told = 0.0, None
        while True:
            there = await self._state()
            if there is not None and there.holder == self._me:
                return
            if there is None or there.holder is None or await self._is_over(there):
                if await self._move(there, self._me):
                    return
                continue  # somebody else was first: look who
            if there.holder != told:
                since = "" if there.since is None else f" since {there.since:%Y-%m-%d %H:%M} UTC"
                tell(f"Waiting for {there.holder}, which writes{since}.")
                told = there.holder
            if waited >= patience.total_seconds():
                raise _still_held(there.holder, patience)
            await self._sleep(LOOK)
            waited += LOOK

    async def release(self) -> bool:
        """Say that nobody holds the lock any more; False where it was not this run's."""
        there = await self._state()
        if there is None or there.holder != self._me:
            return False
        return await self._move(there, None)

    async def _state(self) -> _State | None:
        """What the branch says; None where there is none yet."""
        try:
            found = (await self._github.get(_REF)).get("object")
        except (RecordNotFound, EndpointNotFound):
            return None
        sha = found.get("sha") if isinstance(found, dict) else None
        if not isinstance(sha, str):
            raise self._github.bad_answer("GET", _REF, "it names no commit")
        commit = await self._github.get(f"/git/commits/{sha}")
        tree = commit.get("tree")
        name = tree.get("sha") if isinstance(tree, dict) else None
        return _State(sha, _holder(commit.get("message")), _date(commit), str(name))

    async def _is_over(self, there: _State) -> bool:
        """Whether the holder does not run any more, or was started again."""
        if there.holder is None:
            return True
        try:
            run = await self._github.get(f"/actions/runs/{there.holder.run}")
        except RecordNotFound:
            return True  # it was deleted, which no run is that is under way
        attempt = run.get("run_attempt")
        if run.get("status") == "completed" or (isinstance(attempt, int) and attempt > there.holder.attempt):
            return True
        return there.since is not None and await self._now(there) - there.since > LONGEST

    async def _now(self, there: _State) -> datetime:
        """GitHub's own time, with which the lock was written: that of a commit that nothing refers to."""
        made = await self._commit(there.tree, [there.commit], self._me)
        now = _date(made)
        if now is None:
            raise self._github.bad_answer("POST", "/git/commits", "it has no date")
        return now

    async def _move(self, there: _State | None, holder: Holder | None) -> bool:
        """Put one more state on top; False where somebody else was first."""
        tree = (await self._github.send("POST", "/git/trees", {"tree": [_README]}))["sha"]
        parents = [] if there is None else [there.commit]
        sha = (await self._commit(tree, parents, holder))["sha"]
        try:
            if there is None:
                await self._github.send("POST", "/git/refs", {"ref": f"refs/heads/{BRANCH}", "sha": sha})
            else:
                await self._github.send("PATCH", f"/git/refs/heads/{BRANCH}", {"sha": sha, "force": False})
        except Refused as refused:
            if refused.status not in _TOO_LATE:
                raise
            now = await self._state()
            if (now and now.commit) == (there and there.commit):
                raise  # nobody was first: GitHub does not let us, for a reason that it names
            return False
        except Unsure:
            now = await self._state()
            return now is not None and now.commit == sha
        return True

    async def _commit(self, tree: str, parents: list[str], holder: Holder | None) -> dict[str, Any]:
        """A commit that is like no other one: of two equal ones both would be the newest."""
        told: dict[str, Any] = {"nonce": secrets.token_hex(8)}
        if holder is not None:
            told |= {"run": holder.run, "attempt": holder.attempt}
        title = "free" if holder is None else f"held by {holder}"
        body = {"message": f"{title}\n\n{json.dumps(told)}", "tree": tree, "parents": parents}
        made = await self._github.send("POST", "/git/commits", body)
        if not isinstance(made.get("sha"), str):
            raise self._github.bad_answer("POST", "/git/commits", "it names no commit")
        return made


def _holder(message: Any) -> Holder | None:
    """Whom a commit names. Raises ReconcilerError for one that is not of a lock: it may mean anything."""
    try:
        title, _, text = str(message).partition("\n\n")
        told = json.loads(text)
        if title == "free":
            return None
        return Holder(int(told["run"]), int(told["attempt"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        raise ReconcilerError(
            error(
                "lock-unreadable",
                f"The newest commit of the branch {BRANCH} is not of `reconciler ci lock`.",
                f"Delete the branch {BRANCH} while no workflow runs.",
            )
        ) from None


def _date(commit: Mapping[str, Any]) -> datetime | None:
    by = commit.get("committer")
    try:
        found = datetime.fromisoformat(str(by.get("date"))) if isinstance(by, dict) else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def _still_held(holder: Holder, patience: timedelta) -> ReconcilerError:
    minutes = int(patience.total_seconds() // 60)
    return ReconcilerError(
        error(
            "lock-held",
            f"{holder} still writes after {number_of(minutes, 'minute')} of waiting. Nothing was written "
            "by this run.",
            "Look at that run under Actions, and cancel it if it hangs; then re-run this one.",
        )
    )

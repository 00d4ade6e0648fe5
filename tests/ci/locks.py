"""GitHub's Git database as its pages describe it, for the lock: what they refuse is refused.

https://docs.github.com/en/rest/git/refs, /git/commits and /git/trees. Every request takes a turn of the loop,
so that runs get in between each other's.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx

from reconciler.ci.lock import BRANCH
from tests.ci.github import BASE, FakeGitHub

if TYPE_CHECKING:
    from collections.abc import Callable

REF = f"heads/{BRANCH}"


@dataclass
class StrictGitHub(FakeGitHub):
    """One repository with its runs, by id: `status` and `run_attempt`."""

    under_way: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Commits and trees by name.
    objects: dict[str, dict[str, Any]] = field(default_factory=lambda: {BASE: {"parents": []}})
    now: datetime = datetime(2026, 12, 1, 4, 23, tzinfo=UTC)
    #: Told of each request before it is answered.
    meanwhile: Callable[[str], None] = lambda _: None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """A request and its answer take a moment each; GitHub's clock goes on."""
        await asyncio.sleep(0)
        self.now += timedelta(seconds=1)
        self.meanwhile(f"{request.method} {request.url.path}")
        answer = await super().handle_async_request(request)
        await asyncio.sleep(0)
        return answer

    def _actions(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        if found := re.fullmatch(r"/actions/runs/(\d+)", path):
            run = self.under_way.get(int(found[1]))
            return _said(404, "Not Found") if run is None else httpx.Response(200, json=run)
        return super()._actions(method, path, query, body)

    def _git(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        kind, _, name = path.removeprefix("/git/").partition("/")
        if method == "GET" and kind == "commits":
            commit = self.objects.get(name, {})
            return httpx.Response(200, json=commit) if "parents" in commit else _said(404, "Not Found")
        if method == "GET":
            return super()._git(method, path, query, body)
        make = {"trees": self._tree, "commits": self._commit, "refs": self._ref}[kind]
        return make(method, name, body)

    def _keep(self, made: dict[str, Any]) -> str:
        """The name of an object: a digest of what it holds."""
        name = hashlib.sha1(json.dumps(made, sort_keys=True).encode()).hexdigest()
        self.objects[name] = made
        return name

    def ancestors(self, sha: str) -> set[str]:
        """A commit with all that came before it."""
        found = {sha}
        for parent in self.objects.get(sha, {}).get("parents", ()):
            found |= self.ancestors(parent)
        return found

    def _tree(self, method: str, _name: str, body: dict[str, Any]) -> httpx.Response:
        assert method == "POST"
        entries = body.get("tree")
        if not entries or any({"path", "mode", "type"} - one.keys() for one in entries):
            return _said(422, "Invalid tree info")
        return httpx.Response(201, json={"sha": self._keep({"tree": entries})})

    def _commit(self, method: str, _name: str, body: dict[str, Any]) -> httpx.Response:
        assert method == "POST"
        if not isinstance(body.get("message"), str) or "tree" not in self.objects.get(
            str(body.get("tree")), {}
        ):
            return _said(422, "Tree SHA does not exist")
        if any("parents" not in self.objects.get(one, {}) for one in body.get("parents", [])):
            return _said(422, "Parent SHA does not exist or is not a commit object")
        by = {"name": "github-actions[bot]", "date": self.now.strftime("%Y-%m-%dT%H:%M:%SZ")}
        made = {**body, "tree": {"sha": body["tree"]}, "author": by, "committer": by}
        sha = self._keep(made)
        return httpx.Response(201, json={"sha": sha, **made})

    def _ref(self, method: str, name: str, body: dict[str, Any]) -> httpx.Response:
        sha = str(body.get("sha"))
        if "parents" not in self.objects.get(sha, {}):
            return _said(422, "Object does not exist")
        if method == "POST":
            if not re.fullmatch(r"refs/[^/]+/.+", body.get("ref", "")):
                return _said(422, "Reference name is not well-formed")
            ref = body["ref"].removeprefix("refs/")
            if ref in self.refs:
                return _said(422, "Reference already exists")
        else:
            assert method == "PATCH"
            ref = name
            if ref not in self.refs:
                return _said(422, "Reference does not exist")
            if not body.get("force") and self.refs[ref] not in self.ancestors(sha):
                return _said(422, "Update is not a fast forward")
        self.refs[ref] = sha
        return httpx.Response(201 if method == "POST" else 200, json={"ref": f"refs/{ref}", "object": {}})

    def starts(self, run: int, attempt: int = 1) -> None:
        """A run is under way."""
        self.under_way[run] = {"id": run, "status": "in_progress", "run_attempt": attempt}

    def ends(self, run: int) -> None:
        """It came to an end, in whatever way."""
        self.under_way[run]["status"] = "completed"

    @property
    def held_by(self) -> dict[str, Any] | None:
        """Who holds the lock, as its newest commit says; None where nobody does."""
        if REF not in self.refs:
            return None
        told = json.loads(self.objects[self.refs[REF]]["message"].partition("\n\n")[2])
        del told["nonce"]
        return told or None


def _said(status: int, message: str) -> httpx.Response:
    return httpx.Response(status, json={"message": message})

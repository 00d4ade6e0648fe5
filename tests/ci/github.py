"""A stand-in for the few REST endpoints of GitHub that the steps use, and a workflow around a site.

Written from the public pages that reconciler/ci names; it remembers every request, whoever it went to.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx

from tests.flows_usage.books import Books

if TYPE_CHECKING:
    from pathlib import Path

    from tests.support import Said

API, TOKEN, REPOSITORY = "https://api.github.invalid", "ghs_made-up-token", "alder/mappings"
BLOBS = "blobs.github.invalid"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
BASE, HEAD = "a" * 40, "b" * 40


@dataclass
class FakeGitHub(httpx.AsyncBaseTransport):
    """One repository; other hosts go to `inner`, and hosts of `webhooks` are answered with 200."""

    inner: httpx.AsyncBaseTransport
    prefix: str = ""
    repository: dict[str, Any] = field(
        default_factory=lambda: {"visibility": "private", "private": True, "default_branch": "main"}
    )
    #: Answers to GETs by path, a list being paged; and statuses by verb and path that are refused.
    answers: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    refs: dict[str, str] = field(default_factory=lambda: {"heads/main": BASE})
    objects: dict[str, Any] = field(
        default_factory=lambda: {
            BASE: {"tree": {"sha": "tree"}, "parents": []},
            HEAD: {"tree": {"sha": "tree"}, "parents": [BASE]},
            "tree": {"README.md": "x"},
        }
    )
    artifacts: dict[int, bytes] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as GitHub does, or as whoever else was asked."""
        host = request.url.host
        if host == "127.0.0.1":
            return await self.inner.handle_async_request(request)
        self.requests.append(request)
        body = (await request.aread()) if request.method != "GET" else b""
        if host in self.webhooks:
            return httpx.Response(self.webhooks[host], text="ok", request=request)
        if host == BLOBS:
            assert "authorization" not in request.headers, "the token went to another host"
            return httpx.Response(200, content=self.artifacts[int(request.url.path.strip("/"))])
        assert host == "api.github.invalid", f"nobody is to ask {host}"
        assert request.headers["authorization"] == f"Bearer {TOKEN}"
        path = request.url.path.removeprefix(f"{self.prefix}/repos/{REPOSITORY}")
        status = self.refused.get(f"{request.method} {path}")
        if status is not None:
            return httpx.Response(status, json={"message": "Resource not accessible by integration"})
        return self._answer(request, path, json.loads(body) if body else None)

    def _answer(self, request: httpx.Request, path: str, body: Any) -> httpx.Response:
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        if path == "" and request.method == "GET":
            return httpx.Response(200, json=self.repository)
        if re.fullmatch(r"/issues/\d+/comments", path):
            if request.method == "GET":
                return _page(self.comments, query)
            made = {"id": len(self.comments) + 1, "user": BOT, "author_association": "NONE", **body}
            self.comments.append(made)
            return httpx.Response(201, json=made)
        if found := re.fullmatch(r"/issues/comments/(\d+)", path):
            (there,) = [one for one in self.comments if one["id"] == int(found[1])]
            there["body"] = body["body"]
            return httpx.Response(200, json=there)
        if found := re.fullmatch(r"/actions/artifacts/(\d+)/zip", path):
            return httpx.Response(302, headers={"location": f"https://{BLOBS}/{found[1]}?sig=secret"})
        if path.startswith(("/issues", "/pulls")) and path not in self.answers:
            return self._threads(request, path, query, body)
        if path.startswith(("/git/", "/merges")) and path not in self.answers:
            return self._git(request, path, body)
        if request.method == "GET" and path in self.answers:
            answer = self.answers[path]
            if isinstance(answer, list):
                return _page(answer, query)
            for key in ("commits", "artifacts"):
                if key in answer:
                    part = _part(answer[key], query)
                    return httpx.Response(200, json={**answer, key: part})
            return httpx.Response(200, json=answer)
        return httpx.Response(404, json={"message": "Not Found"})

    def _threads(self, request: httpx.Request, path: str, query: dict[str, str], body: Any) -> httpx.Response:
        threads = self.issues if path.startswith("/issues") else self.pulls
        if request.method == "GET":
            wanted = [one for one in threads if query["state"] in ("all", one["state"])]
            if "labels" in query:
                wanted = [one for one in wanted if query["labels"] in one["labels"]]
            if "head" in query:
                wanted = [one for one in wanted if f"alder:{one['head']}" == query["head"]]
            return _page(wanted, query)
        if request.method == "POST":
            number = len(threads) + 1
            made = {"id": number, "number": number, "state": "open", "user": BOT, "merged_at": None, **body}
            threads.append(made)
            return httpx.Response(201, json=made)
        there = threads[int(path.rpartition("/")[2]) - 1]
        there.update(body)
        return httpx.Response(200, json=there)

    def _git(self, request: httpx.Request, path: str, body: Any) -> httpx.Response:
        """Trees are mappings of paths to contents; every name is a digest of what it names."""
        if path == "/merges":
            return self._merge(body["base"], body["head"])
        kind, _, name = path.removeprefix("/git/").partition("/")
        if request.method == "GET" and kind == "ref":
            sha = self.refs.get(name)
            return (
                httpx.Response(404, json={})
                if sha is None
                else httpx.Response(200, json={"object": {"sha": sha}})
            )
        if request.method == "GET" and kind == "commits":
            # a commit that nobody told this stand-in of is one of the default branch
            return httpx.Response(200, json=self.objects.setdefault(name, self.objects[BASE]))
        if kind == "refs":
            ref = name or body["ref"].removeprefix("refs/")
            assert (request.method == "PATCH") == (ref in self.refs)
            self.refs[ref] = body["sha"]
            return httpx.Response(201, json={"ref": ref})
        made: Any = body
        if kind == "trees":
            base = self.objects.get(body["base_tree"], {})
            made = base | {one["path"]: self.objects[one["sha"]]["content"] for one in body["tree"]}
        if kind == "commits":
            made = {**body, "tree": {"sha": body["tree"]}}
        return httpx.Response(201, json={"sha": self._keep(made)})

    def _merge(self, branch: str, commit: str) -> httpx.Response:
        """Nothing to do where the branch has the commit; files of both sides otherwise."""
        tip = self.refs[f"heads/{branch}"]
        if commit in self.ancestors(tip):
            return httpx.Response(204)
        tree: dict[str, str] = {}
        for one in (commit, tip):
            tree |= self.objects[self.objects[one]["tree"]["sha"]]
        made = {"tree": self._keep(tree), "parents": [tip, commit]}
        self.refs[f"heads/{branch}"] = self._keep({**made, "tree": {"sha": made["tree"]}})
        return httpx.Response(201, json={"sha": self.refs[f"heads/{branch}"]})

    def _keep(self, made: Any) -> str:
        sha = hashlib.sha1(json.dumps(made, sort_keys=True).encode()).hexdigest()
        self.objects[sha] = made
        return sha

    def ancestors(self, commit: str) -> set[str]:
        """The commit and all before it."""
        parents = self.objects[commit]["parents"]
        return {commit}.union(*(self.ancestors(parent) for parent in parents))

    def files(self, branch: str) -> dict[str, str]:
        """The files at the tip of a branch."""
        found: dict[str, str] = self.objects[self.objects[self.refs[f"heads/{branch}"]]["tree"]["sha"]]
        return found

    @property
    def asked(self) -> list[str]:
        """Verb and path below the repository of each request to GitHub."""
        return [
            f"{one.method} {one.url.path.removeprefix(f'{self.prefix}/repos/{REPOSITORY}')}"
            for one in self.requests
            if one.url.host == "api.github.invalid"
        ]


def _page(entries: list[Any], query: dict[str, str]) -> httpx.Response:
    return httpx.Response(200, json=_part(entries, query))


def _part(entries: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    return entries[(page - 1) * size : page * size]


def zipped(**files: bytes) -> bytes:
    """An archive; a name's last underscore stands for its dot."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(".".join(name.rsplit("_", 1)), content)
    return out.getvalue()


def sha256(content: bytes) -> str:
    """The digest as digest.txt and GitHub write it, without a prefix."""
    return hashlib.sha256(content).hexdigest()


class Workflow:
    """A site, a repository on GitHub, and a step's environment."""

    def __init__(self, root: Path, books: Books | None = None) -> None:
        self.root = root
        self.books = books or Books(root)
        self.github = FakeGitHub(self.books.network)
        self.books.transport = self.github
        self.summary, self.output = root / "summary.md", root / "output.txt"
        self.event(action="push")
        self.books.environ = {
            **self.books.environ,
            "GITHUB_ACTIONS": "true",
            "GITHUB_API_URL": API,
            "GITHUB_REPOSITORY": REPOSITORY,
            "GITHUB_TOKEN": TOKEN,
            "GITHUB_EVENT_PATH": str(root / "event.json"),
            "GITHUB_RUN_ID": "77",
            "GITHUB_SHA": HEAD,
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_OUTPUT": str(self.output),
        }

    def event(self, **payload: Any) -> None:
        """The payload of the run's event."""
        (self.root / "event.json").write_text(json.dumps(payload), encoding="utf-8")

    def pull_request(self, number: int = 7) -> None:
        """The run is of a pull request."""
        self.event(number=number, pull_request={"number": number, "head": {"sha": HEAD}})

    def run(self, *arguments: str, **environ: str) -> Said:
        """One step; its token is in nothing that it says."""
        before = self.books.environ
        self.books.environ = {**before, **environ}
        try:
            said = self.books.run(*arguments)
        finally:
            self.books.environ = before
        written = [self.summary, self.output]
        texts = [said.out, said.err, *(one.read_text(encoding="utf-8") for one in written if one.exists())]
        assert not any(TOKEN in text for text in texts)
        assert "Traceback" not in said.err
        return said

    def ci(self, *arguments: str, **environ: str) -> Said:
        """One step of `reconciler ci`."""
        return self.run("ci", *arguments, **environ)

    def plan(self, name: str = "plan.json") -> Path:
        """A saved plan of the site's folder."""
        path = self.root / name
        said = self.run("plan", str(self.books.folder), "--out", str(path))
        assert path.exists(), said.err
        return path

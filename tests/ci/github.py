"""A stand-in for the few REST endpoints of GitHub that the steps use, and a workflow around a site.

Written from the public pages that reconciler/ci names; it remembers every request, whoever it went to.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import zipfile
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

import httpx

from tests.ci.store import Store, bytes_of, text_of
from tests.flows_usage.books import Books

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.support import Said

API, TOKEN, REPOSITORY = "https://api.github.invalid", "ghs_made-up-token", "alder/mappings"
BLOBS = "blobs.github.invalid"
BOT = {"login": "github-actions[bot]", "type": "Bot"}
BASE, HEAD = "a" * 40, "b" * 40


@dataclass
class FakeGitHub(httpx.AsyncBaseTransport):
    """One repository; other hosts go to `inner`, and hosts of `webhooks` are answered with 200.

    What is asked for takes the parameters, and is answered in the form, of GitHub's published description
    (github/rest-api-description, api.github.com.2022-11-28): a list of artifacts is filtered by a name and by
    nothing else, runs by branch, event, head and status, and pull requests of a commit not at all.
    """

    inner: httpx.AsyncBaseTransport
    prefix: str = ""
    repository: dict[str, Any] = field(
        default_factory=lambda: {"visibility": "private", "private": True, "default_branch": "main"}
    )
    #: Answers to GETs by path, a list being paged; and statuses by verb and path that are refused.
    answers: dict[str, Any] = field(default_factory=dict)
    refused: dict[str, int] = field(default_factory=dict)
    refusal: str = "Resource not accessible by integration"
    comments: list[dict[str, Any]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    pulls: list[dict[str, Any]] = field(default_factory=list)
    #: The last commit of a pull request that nothing else is told of, by its number.
    heads: dict[int, str] = field(default_factory=dict)
    #: Reviews by the number of their pull request, commits by that of what brought them, rights by login.
    reviews: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    brought: dict[str, list[int]] = field(default_factory=dict)
    rights: dict[str, str] = field(default_factory=dict)
    #: Runs by the file of their workflow, and the entries of artifacts by the number of their run.
    runs: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    kept: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    refs: dict[str, str] = field(default_factory=lambda: {"heads/main": BASE})
    store: Store = field(default_factory=Store)
    statuses: list[dict[str, Any]] = field(default_factory=list)
    artifacts: dict[int, bytes] = field(default_factory=dict)
    webhooks: dict[str, int] = field(default_factory=dict)
    requests: list[httpx.Request] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.put({"README.md": "x"}, sha=BASE)
        self.store.put({"README.md": "x"}, BASE, sha=HEAD)

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
            return httpx.Response(status, json={"message": self.refusal})
        query = {name: values[0] for name, values in parse_qs(request.url.query.decode()).items()}
        data = json.loads(body) if body else None
        if request.method == "GET" and path in self.answers:
            return self._told(path, query)
        for start, answer in (
            ("/issues", self._issues),
            ("/pulls", self._pulls),
            ("/actions/", self._actions),
            ("/git/", self._git),
            ("/", self._more),
            ("", self._self),
        ):
            if path.startswith(start) and (found := answer(request.method, path, query, data)):
                return found
        return _none()

    def _told(self, path: str, query: dict[str, str]) -> httpx.Response:
        answer = self.answers[path]
        if isinstance(answer, list):
            return _page(answer, query)
        return httpx.Response(200, json=answer)

    def _self(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        return httpx.Response(200, json=self.repository) if (method, path) == ("GET", "") else None

    def _more(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        if path == "/merges":
            return self._merge(body["base"], body["head"])
        if found := re.fullmatch(r"/commits/([0-9a-f]{40})/pulls", path):
            pulls = [self.pull(number) for number in self.brought.get(found[1], [])]
            return _page(pulls, query)
        if found := re.fullmatch(r"/commits/([0-9a-f]{40})", path):
            return self._known(lambda sha: httpx.Response(200, json=self.told(sha)), found[1])
        if found := re.fullmatch(r"/compare/([0-9a-f]{40})\.\.\.([0-9a-f]{40})", path):
            return self._known(lambda base, head: self._compare(base, head, query), *found.groups())
        if found := re.fullmatch(r"/collaborators/([^/]+)/permission", path):
            right = self.rights.get(found[1], "write")
            return httpx.Response(200, json={"permission": right, "role_name": right, "user": None})
        if method == "POST" and (found := re.fullmatch(r"/statuses/([0-9a-f]{40})", path)):
            assert body["state"] in ("error", "failure", "pending", "success")
            assert len(body["description"]) <= 140
            self.statuses.append({**body, "sha": found[1]})
            return httpx.Response(201, json=self.statuses[-1])
        return None

    def _issues(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        if re.fullmatch(r"/issues/\d+/comments", path):
            if method == "GET":
                return _page(self.comments, query)
            made = {"id": len(self.comments) + 1, "user": BOT, "author_association": "NONE", **body}
            self.comments.append(made)
            return httpx.Response(201, json=made)
        if found := re.fullmatch(r"/issues/comments/(\d+)", path):
            (there,) = [one for one in self.comments if one["id"] == int(found[1])]
            there["body"] = body["body"]
            return httpx.Response(200, json=there)
        if method == "GET":
            wanted = [one for one in self.issues if query["state"] in ("all", one["state"])]
            return _page([one for one in wanted if query["labels"] in one["labels"]], query)
        if method == "POST":
            number = len(self.issues) + 1
            made = {"id": number, "number": number, "state": "open", "user": BOT, **body}
            self.issues.append(made)
            return httpx.Response(201, json=made)
        there = self.issues[int(path.rpartition("/")[2]) - 1]
        there.update(body)
        return httpx.Response(200, json=there)

    def pull(self, number: int) -> dict[str, Any]:
        """A pull request by its number."""
        (found,) = [one for one in self.pulls if one["number"] == number]
        return found

    def _pulls(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        if found := re.fullmatch(r"/pulls/(\d+)/reviews", path):
            return _page(self.reviews.get(int(found[1]), []), query)
        if method == "GET" and path == "/pulls":
            wanted = [one for one in self.pulls if query["state"] in ("all", one["state"])]
            if "head" in query:
                wanted = [one for one in wanted if f"alder:{one['head']['ref']}" == query["head"]]
            return _page([one for one in wanted if query.get("base", "main") == one["base"]["ref"]], query)
        if method == "POST":
            number = max([0, *(one["number"] for one in self.pulls)]) + 1
            sha = self.refs[f"heads/{body['head']}"]
            made = {
                **body,
                "id": number,
                "number": number,
                "state": "open",
                "user": BOT,
                "merged_at": None,
                "merge_commit_sha": None,
                "head": {"ref": body["head"], "sha": sha},
                "base": {"ref": body["base"]},
            }
            self.pulls.append(made)
            return httpx.Response(201, json=made)
        number = int(path.rpartition("/")[2])
        if method == "GET" and number in self.heads:
            return httpx.Response(200, json={"number": number, "head": {"sha": self.heads[number]}})
        there = self.pull(number)
        there.update(body or {})
        return httpx.Response(200, json=there)

    def _actions(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        if found := re.fullmatch(r"/actions/artifacts/(\d+)/zip", path):
            return httpx.Response(302, headers={"location": f"https://{BLOBS}/{found[1]}?sig=secret"})
        if found := re.fullmatch(r"/actions/workflows/([^/]+)/runs", path):
            keys = {"branch": "head_branch", "event": "event", "head_sha": "head_sha"}
            runs = self.runs.get(found[1])
            if runs is None:
                return None
            for name, key in keys.items():
                runs = [one for one in runs if query.get(name, one[key]) == one[key]]
            # newest first, as GitHub does though it does not say so
            runs = sorted(runs, key=lambda one: -int(one["id"]))
            return _page(runs, query, "workflow_runs")
        if found := re.fullmatch(r"/actions/runs/(\d+)/artifacts", path):
            kept = self.kept.get(int(found[1]), [])
            return _page(
                [one for one in kept if query.get("name", one["name"]) == one["name"]], query, "artifacts"
            )
        return None

    def _git(self, method: str, path: str, query: dict[str, str], body: Any) -> httpx.Response | None:
        kind, _, name = path.removeprefix("/git/").partition("/")
        if method == "GET":
            return self._known(self._object, kind, name)
        if kind == "refs":
            ref = name or body["ref"].removeprefix("refs/")
            assert (method == "PATCH") == (ref in self.refs)
            self.refs[ref] = body["sha"]
            for pull in self.pulls:
                if f"heads/{pull['head']['ref']}" == ref and pull["state"] == "open":
                    pull["head"]["sha"] = body["sha"]
            return httpx.Response(201, json={"ref": ref})
        if kind == "blobs":
            assert body["encoding"] == "base64"
            content = text_of(base64.b64decode(body["content"]))
            return httpx.Response(201, json={"sha": self.store.blob(content)})
        if kind == "trees":
            files = dict(self.store.files(body["base_tree"]))
            files |= {one["path"]: self.store.blobs[one["sha"]] for one in body["tree"]}
            return httpx.Response(201, json={"sha": self.store.tree(files)})
        made = self.store.put(self.store.files(body["tree"]), *body["parents"])
        return httpx.Response(201, json={"sha": made})

    def _object(self, kind: str, name: str) -> httpx.Response:
        if kind == "ref":
            return httpx.Response(200, json={"ref": f"refs/{name}", "object": {"sha": self.refs[name]}})
        if kind == "commits":
            tree, parents = self.store.commit(name)
            told = {"sha": name, "tree": {"sha": tree}, "parents": [{"sha": one} for one in parents]}
            return httpx.Response(200, json=told)
        if kind == "trees":
            return httpx.Response(
                200, json={"sha": name, "tree": self.store.entries(name), "truncated": False}
            )
        content = base64.encodebytes(bytes_of(self.store.blobs[name])).decode()
        return httpx.Response(200, json={"sha": name, "content": content, "encoding": "base64"})

    def told(self, sha: str) -> dict[str, Any]:
        """A commit as the lists of commits have it."""
        tree, parents = self.store.commit(sha)
        return {"sha": sha, "commit": {"tree": {"sha": tree}}, "parents": [{"sha": one} for one in parents]}

    def _compare(self, base: str, head: str, query: dict[str, str]) -> httpx.Response:
        before, after = self.store.ancestors(base), self.store.ancestors(head)
        ahead = [self.told(sha) for sha in after if sha not in before]
        behind = [sha for sha in before if sha not in after]
        status = {(True, False): "ahead", (False, True): "behind", (False, False): "identical"}
        told = {
            "status": status.get((bool(ahead), bool(behind)), "diverged"),
            "total_commits": len(ahead),
            "commits": _part(ahead, query),
        }
        return httpx.Response(200, json=told)

    def _merge(self, branch: str, commit: str) -> httpx.Response:
        """Nothing to do where the branch has the commit; files of both sides otherwise."""
        tip = self.refs[f"heads/{branch}"]
        if commit in self.store.ancestors(tip):
            return httpx.Response(204)
        made = self.store.put(self.store.of(commit) | self.store.of(tip), tip, commit)
        self.refs[f"heads/{branch}"] = made
        return httpx.Response(201, json={"sha": made})

    def _known(self, answer: Callable[..., httpx.Response], *names: str) -> httpx.Response:
        try:
            return answer(*names)
        except KeyError:
            return _none()

    def files(self, branch: str) -> dict[str, str]:
        """The files at the tip of a branch."""
        return self.store.of(self.refs[f"heads/{branch}"])

    @property
    def asked(self) -> list[str]:
        """Verb and path below the repository of each request to GitHub."""
        return [
            f"{one.method} {one.url.path.removeprefix(f'{self.prefix}/repos/{REPOSITORY}')}"
            for one in self.requests
            if one.url.host == "api.github.invalid"
        ]


def _none() -> httpx.Response:
    return httpx.Response(404, json={"message": "Not Found"})


def _page(entries: list[Any], query: dict[str, str], key: str = "") -> httpx.Response:
    part = _part(entries, query)
    return httpx.Response(200, json={"total_count": len(entries), key: part} if key else part)


def _part(entries: list[Any], query: dict[str, str]) -> list[Any]:
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    return entries[(page - 1) * size : page * size]


def zipped(**files: bytes) -> bytes:
    """An archive; underscores of a name stand for its dots."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
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
        self.github.heads[number] = HEAD

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

    def plan(self, name: str = "plan.json.gz") -> Path:
        """A saved plan of the site's folder."""
        path = self.root / name
        said = self.run("plan", str(self.books.folder), "--out", str(path))
        assert path.exists(), said.err
        return path

"""Git's objects of a repository on the stand-in of GitHub, in memory or from a real one."""

from __future__ import annotations

import hashlib
import json
import subprocess
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


class Store:
    """Commits, trees and blobs by name. A tree is the mapping of its paths to contents."""

    def __init__(self) -> None:
        self.commits: dict[str, tuple[str, tuple[str, ...]]] = {}
        self.trees: dict[str, dict[str, str]] = {}
        self.blobs: dict[str, str] = {}
        #: A real repository whose commits are here as well.
        self.real: Path | None = None

    def put(self, files: Mapping[str, str], *parents: str, sha: str = "") -> str:
        """A commit of these files; its name is a digest unless one is given."""
        tree = self.tree(files)
        name = sha or _digest(["commit", tree, parents, len(self.commits)])
        self.commits[name] = (tree, parents)
        return name

    def tree(self, files: Mapping[str, str]) -> str:
        """The name of a tree with these files."""
        name = _digest(["tree", dict(files)])
        self.trees[name] = dict(files)
        return name

    def blob(self, content: str) -> str:
        """Git's own name of a content."""
        data = bytes_of(content)
        name = hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
        self.blobs[name] = content
        return name

    def commit(self, sha: str) -> tuple[str, tuple[str, ...]]:
        """Tree and parents of a commit. KeyError where there is none."""
        if sha not in self.commits and self.real is not None:
            tree, *parents = self._git("show", "-s", "--format=%T %P", sha).split()
            self.commits[sha] = (tree, tuple(parents))
        return self.commits[sha]

    def files(self, tree: str) -> dict[str, str]:
        """The files of a tree. KeyError where there is none."""
        if tree not in self.trees and self.real is not None:
            names = self._git("ls-tree", "-r", "--name-only", "-z", tree).strip("\0").split("\0")
            self.trees[tree] = {name: self._git("show", f"{tree}:{name}") for name in names if name}
        return self.trees[tree]

    def of(self, sha: str) -> dict[str, str]:
        """The files of a commit."""
        return self.files(self.commit(sha)[0])

    def entries(self, tree: str) -> list[dict[str, str]]:
        """What a tree holds, as GitHub lists it: not below its folders."""
        found: dict[str, dict[str, str]] = {}
        below: dict[str, dict[str, str]] = {}
        for path, content in sorted(self.files(tree).items()):
            name, _, rest = path.partition("/")
            if rest:
                below.setdefault(name, {})[rest] = content
            else:
                found[name] = {"path": name, "type": "blob", "mode": "100644", "sha": self.blob(content)}
        for name, files in below.items():
            found[name] = {"path": name, "type": "tree", "mode": "040000", "sha": self.tree(files)}
        return [found[name] for name in sorted(found)]

    def ancestors(self, sha: str) -> list[str]:
        """A commit and all before it, parents first."""
        seen: dict[str, None] = {}

        def walk(name: str) -> None:
            if name not in seen:
                for parent in self.commit(name)[1]:
                    walk(parent)
                seen[name] = None

        walk(sha)
        return list(seen)

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(["git", *arguments], cwd=self.real, check=True, capture_output=True)
        except subprocess.CalledProcessError:
            raise KeyError(arguments[-1]) from None
        return text_of(done.stdout)


def text_of(content: bytes) -> str:
    """A file's content as this repository holds it; what is no text comes back as it was."""
    return content.decode("utf-8", "surrogateescape")


def bytes_of(text: str) -> bytes:
    """The bytes of a content."""
    return text.encode("utf-8", "surrogateescape")


def _digest(made: Any) -> str:
    return hashlib.sha1(json.dumps(made, sort_keys=True).encode()).hexdigest()

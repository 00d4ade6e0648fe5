"""What commits hold, by the names that Git gives to content: two folders with one name are the same.

https://docs.github.com/en/rest/git/commits#get-a-commit-object and
https://docs.github.com/en/rest/git/trees#get-a-tree (`contents: read`). Not tried against github.com.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.ci.context import is_commit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.ci.github import GitHub

#: What decides of a run besides the mappings, where the tool is in the same repository.
TOOL = (".github", "reconciler", "pyproject.toml", "requirements.lock")


@dataclass(frozen=True)
class Commit:
    """A commit, the tree that it names, and its parents."""

    sha: str
    tree: str
    parents: tuple[str, ...]


def commit_of(data: Mapping[str, Any]) -> Commit | None:
    """A commit in either form of GitHub's: Git's object, or one with that object in `commit`."""
    inner = data.get("commit") if isinstance(data.get("commit"), dict) else data
    tree = inner.get("tree") if isinstance(inner, dict) else None
    name = tree.get("sha") if isinstance(tree, dict) else None
    parents = parents_of(data)
    if not is_commit(data.get("sha")) or not is_commit(name) or parents is None:
        return None
    return Commit(str(data["sha"]), str(name), parents)


def parents_of(data: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The names of a commit's parents; None where they are not told."""
    told = data.get("parents")
    names = [one.get("sha") for one in told if isinstance(one, dict)] if isinstance(told, list) else [None]
    return tuple(str(name) for name in names) if all(is_commit(name) for name in names) else None


class Trees:
    """The commits and folders of one repository, each asked for once."""

    def __init__(self, github: GitHub) -> None:
        self._github = github
        self._commits: dict[str, Commit] = {}
        self._entries: dict[str, dict[str, str]] = {"": {}}

    def know(self, commit: Commit) -> None:
        """A commit that another answer told of."""
        self._commits[commit.sha] = commit

    async def commit(self, sha: str) -> Commit:
        """One commit. Raises ApiError's subclasses."""
        if sha not in self._commits:
            path = f"/git/commits/{sha}"
            found = commit_of(await self._github.get(path))
            if found is None:
                raise self._github.bad_answer("GET", path, "the answer names no tree")
            self._commits[sha] = found
        return self._commits[sha]

    async def entries(self, tree: str) -> dict[str, str]:
        """What a tree holds: names with Git's names of their content; nothing of "" and of a file."""
        if tree not in self._entries:
            path = f"/git/trees/{tree}"
            answer = await self._github.get(path)
            listed = answer.get("tree")
            if not isinstance(listed, list) or answer.get("truncated") is True:
                raise self._github.bad_answer("GET", path, "the answer has not all entries")
            found = [one for one in listed if isinstance(one, dict)]
            self._entries[tree] = {str(one.get("path")): str(one.get("sha")) for one in found}
            for one in found:
                if one.get("type") != "tree":
                    self._entries.setdefault(str(one.get("sha")), {})
        return self._entries[tree]

    async def folder(self, tree: str, path: str) -> str:
        """Git's name for what lies at a path below a tree; "" where nothing does."""
        for name in path.split("/"):
            tree = (await self.entries(tree)).get(name, "")
        return tree

    async def differing(self, tree: str, other: str) -> list[str]:
        """The names at the top of two trees that are not the same in both."""
        one, two = await self.entries(tree), await self.entries(other)
        return sorted(name for name in {*one, *two} if one.get(name) != two.get(name))

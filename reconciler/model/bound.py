"""What a plan is a plan of: one pull request's merge, or one commit of the default branch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class BoundTo:
    """The commit that was planned, by Git's names.

    `tree` names the whole content of that commit, and `mappings` that of the site's folder, "" where it has
    none. `pull_request` is None for a plan of the default branch, whose base and head are one commit. `made`
    is when, as ISO 8601 in UTC.
    """

    repository: str
    pull_request: int | None
    base: str
    head: str
    tree: str
    mappings: str
    made: str

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "repository": self.repository,
            "pullRequest": self.pull_request,
            "base": self.base,
            "head": self.head,
            "tree": self.tree,
            "mappings": self.mappings,
            "made": self.made,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> BoundTo:
        """Read back what `to_json` wrote."""
        return cls(
            repository=data["repository"],
            pull_request=data["pullRequest"],
            base=data["base"],
            head=data["head"],
            tree=data["tree"],
            mappings=data["mappings"],
            made=data["made"],
        )

"""The sites of a repository, and which of them a change touches."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.ci.artifact import UNCHANGED
from reconciler.model.diagnostics import ReconcilerError, error

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from reconciler.model.diagnostics import Diagnostic

SINGLE, PRODUCTION, MANY = "mappings", "production", "sites"
#: Part of names of artifacts, branches and environments: nothing that any of them reads otherwise.
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}")
#: The environment with the addresses of webhooks.
MESSAGES = "reconciler-messages"
#: Names that the single site, the workflow's artifact `plan-unchanged` and environments have: a new folder
#: called after the single site's would be planned and written with its keys.
_TAKEN = frozenset({SINGLE, UNCHANGED, MESSAGES, PRODUCTION, f"{PRODUCTION}-plan"})


@dataclass(frozen=True)
class Site:
    """One ConnectWise instance: its folder of mappings and the environment with its keys."""

    name: str
    path: str
    environment: str

    def to_json(self) -> dict[str, Any]:
        """An entry of a workflow's matrix."""
        return {"site": self.name, "path": self.path, "environment": self.environment}


def check_name(name: str) -> str:
    """A site's name. Raises ReconcilerError for what no artifact, branch or environment can be called."""
    if not _NAME.fullmatch(name):
        raise ReconcilerError(_bad_name(name))
    return name


def _bad_name(name: str) -> Diagnostic:
    return error(
        "site-name",
        f"{name!a} cannot be the name of a site: environments, artifacts and branches are called after it.",
        "Use letters, digits, - and _, beginning with a letter or digit; at most 63 characters. "
        f"Not {', '.join(sorted(_TAKEN))}.",
    )


def path_of(name: str) -> str:
    """The folder of a site by its name, below the root of the repository."""
    return SINGLE if name == SINGLE else f"{MANY}/{name}"


def sites_of(root: Path) -> tuple[Site, ...]:
    """Each folder of `sites/*/` that holds mappings, by name; else the single `mappings/`; else none.

    Raises ReconcilerError for a folder whose name is not usable and for one that is a symbolic link: it could
    lead to another site's mappings, under this one's keys.
    """
    found, wrong = [], []
    many = root / MANY
    for folder in sorted(many.iterdir()) if many.is_dir() and not many.is_symlink() else ():
        if not _holds_mappings(folder):
            continue
        if folder.is_symlink():
            wrong.append(
                error(
                    "symlink", f"{MANY}/{folder.name!a} is a symbolic link.", "Put the folder itself there."
                )
            )
        elif not _NAME.fullmatch(folder.name) or folder.name.lower() in _TAKEN:
            wrong.append(_bad_name(folder.name))
        else:
            found.append(Site(folder.name, f"{MANY}/{folder.name}", folder.name))
    if wrong:
        raise ReconcilerError(wrong)
    if found:
        return tuple(found)
    single = root / SINGLE
    if _holds_mappings(single) and not single.is_symlink():
        return (Site(SINGLE, SINGLE, PRODUCTION),)
    return ()


def _holds_mappings(folder: Path) -> bool:
    return folder.is_dir() and any(folder.rglob("*.yaml"))


def touched(base: tuple[Site, ...], head: tuple[Site, ...], same: Callable[[Site], bool]) -> tuple[Site, ...]:
    """The sites of the head that a change touches: new ones, and those whose desired state differs."""
    before = {site.name for site in base}
    return tuple(site for site in head if site.name not in before or not same(site))


def missing(sites: tuple[Site, ...], among: tuple[Site, ...]) -> tuple[Site, ...]:
    """The sites whose names are not among those of the others."""
    names = {site.name for site in among}
    return tuple(site for site in sites if site.name not in names)


def same_state(base: str, head: str) -> bool:
    """Whether two configurations want the same, by their hashes; one that is not valid (empty) is never."""
    return bool(base) and base == head

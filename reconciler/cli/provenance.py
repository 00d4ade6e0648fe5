"""Who runs this and from which commit, as far as the machine says it without naming a person."""

from __future__ import annotations

import re
import shutil
import subprocess
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

#: Logins and ids. Display names and addresses, which GitLab and Azure DevOps have as well, are not looked at.
ACTORS = ("GITHUB_ACTOR", "GITLAB_USER_LOGIN", "BUILD_REQUESTEDFORID")
COMMITS = ("GITHUB_SHA", "CI_COMMIT_SHA", "BUILD_SOURCEVERSION")
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")
_ACTOR = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\[\]-]{0,99}")
_GIT_SECONDS = 5


def actor(environ: Mapping[str, str]) -> str | None:
    """The login or id that a CI system gives; None elsewhere, and for a person's name or address."""
    for name in ACTORS:
        said = environ.get(name, "").strip()
        if _ACTOR.fullmatch(said):
            return said
    return None


def commit(environ: Mapping[str, str], folder: Path | None) -> str | None:
    """The commit that a CI system names, or the one that is checked out at the folder. Never fails.

    None where the folder is not as that commit has it: the commit would be named for what it does not hold.
    """
    for name in COMMITS:
        said = environ.get(name, "").strip().lower()
        if _COMMIT.fullmatch(said):
            return said
    git = shutil.which("git", path=environ.get("PATH", ""))
    if git is None or folder is None:
        return None
    said = _git(environ, git, folder, "rev-parse", "--verify", "--quiet", "HEAD") or ""
    changed = _git(environ, git, folder, "status", "--porcelain", "--untracked-files=normal", "--", ".")
    return said if _COMMIT.fullmatch(said) and changed == "" else None


def _git(environ: Mapping[str, str], git: str, folder: Path, *words: str) -> str | None:
    """What Git says; None where it fails."""
    try:
        done = subprocess.run(  # noqa: S603  a program found by its name, with fixed arguments
            [git, "-C", str(folder), *words],
            capture_output=True,
            env=dict(environ),
            timeout=_GIT_SECONDS,
            check=False,
        )
    except (OSError, subprocess.SubprocessError, ValueError):
        return None
    return None if done.returncode else done.stdout.decode("ascii", "replace").strip()

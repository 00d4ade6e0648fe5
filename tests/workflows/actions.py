"""What the pinned actions do, read from their sources at the pinned commits.

A pin that moves fails a test until its source was read again and the commit here was set to it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

#: The commits whose sources were read.
READ = {
    "actions/checkout": "3d3c42e5aac5ba805825da76410c181273ba90b1",
    "actions/setup-python": "5fda3b95a4ea91299a34e894583c3862153e4b97",
    "actions/upload-artifact": "bbbca2ddaa5d8feaa63e36b76fdaad77386f024f",
    "actions/download-artifact": "3e5f45b2cfb9172054b4087a40e8e0b5a5461e7c",
}
#: The inputs that these stand-ins know, of which a workflow may use no other.
INPUTS = {
    "actions/checkout": {
        *("repository", "ref", "path", "persist-credentials"),
        *("sparse-checkout", "sparse-checkout-cone-mode"),
    },
    "actions/setup-python": {"python-version"},
    "actions/upload-artifact": {"name", "path", "if-no-files-found", "retention-days", "overwrite"},
    "actions/download-artifact": {"name", "path", "pattern"},
}
_BAD = set('":<>|*?\r\n\\/')


def checkout(workspace: Path, given: Mapping[str, str], env: Mapping[str, str], source: Path) -> int:
    """One commit, without the history before it; into a folder of the workspace."""
    place, commit = workspace / given["path"], given["ref"]
    place.mkdir()
    told = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, **env}
    commands = [["init", "--quiet"], ["fetch", "--quiet", "--depth=1", source.as_uri(), commit]]
    if "sparse-checkout" in given:
        commands.append(["sparse-checkout", "set", "--no-cone", *given["sparse-checkout"].split()])
    commands.append(["checkout", "--quiet", commit])
    for command in commands:
        subprocess.run(["git", *command], cwd=place, env=told, check=True, capture_output=True)
    return 0


def upload(workspace: Path, given: Mapping[str, str], artifacts: dict[str, Path], kept: Path) -> int:
    """Files without hidden ones, below the folder that all named paths have in common.

    src/shared/search.ts (`rootDirectory`; folders are left out, and so are hidden files) and
    src/upload/upload-artifact.ts (`overwrite` deletes first; without it a name that is taken fails).
    """
    assert not _BAD & set(given["name"]), "no name of an artifact"
    named = [workspace / path for path in given["path"].split()]
    files = [file for path in named for file in _files(path)]
    if not files:
        return 1 if given.get("if-no-files-found") == "error" else 0
    if given["name"] in artifacts and given.get("overwrite") != "true":
        return 1
    if len(named) > 1:
        root = Path(os.path.commonpath(named))
    else:
        root = named[0].parent if files == named else named[0]
    shutil.rmtree(kept, ignore_errors=True)
    for file in files:
        target = kept / file.relative_to(root)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, target)
    artifacts[given["name"]] = kept
    return 0


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    found = [file for file in sorted(path.rglob("*")) if file.is_file()]
    return [file for file in found if not any(p.startswith(".") for p in file.relative_to(path).parts)]


def download(workspace: Path, given: Mapping[str, str], artifacts: Mapping[str, Path]) -> int:
    """By name, or what fits a pattern. One match lies in the folder itself, several in a folder each.

    src/download-artifact.ts: a name that is not there throws, a pattern that fits nothing does not;
    `isSingleArtifactDownload || inputs.mergeMultiple || artifacts.length === 1 ? resolvedPath : …`.
    """
    place = workspace / given["path"]
    if "name" in given:
        if given["name"] not in artifacts:
            return 1
        found = [given["name"]]
    else:
        found = [name for name in artifacts if fnmatchcase(name, given["pattern"])]
    for name in found:
        target = place if len(found) == 1 else place / name
        shutil.copytree(artifacts[name], target, dirs_exist_ok=True)
    return 0

"""The commands of docs/gitops.md that take a release into a copy made from the template, with real Git."""

from __future__ import annotations

import os
import shlex
import subprocess
from typing import TYPE_CHECKING

from tests.docs.pages import DOCS, blocks

if TYPE_CHECKING:
    from pathlib import Path

URL = "https://github.com/example-msp/sophos-connectwise-reconciler"


def _git(folder: Path, *arguments: str) -> str:
    told = dict(os.environ) | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    told |= {f"GIT_{who}_{what}": "test" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    done = subprocess.run(
        ["git", *arguments], cwd=folder, env=told, check=True, capture_output=True, text=True
    )
    return done.stdout


def _commit(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, encoding="utf-8")
    _git(folder, "add", "--all")
    _git(folder, "commit", "--quiet", "--message", "files")


def test_a_copy_takes_a_newer_version_and_keeps_what_is_its_own(tmp_path: Path) -> None:
    release, copy = tmp_path / "release", tmp_path / "copy"
    first = {"reconciler/a.py": "1", "reconciler/gone.py": "1", "starter/mappings.yaml": "1"}
    own = {"mappings/mappings.yaml": "mine", "sites/acme/a.yaml": "mine", "month-end/x/plan.json.gz": "mine"}
    own |= {".github/CODEOWNERS": "mine", "mine.md": "mine"}
    for folder, files in ((release, first), (copy, first | own)):
        folder.mkdir()
        _git(folder, "init", "--quiet", "--initial-branch=main")
        _commit(folder, files)
    (release / "reconciler" / "gone.py").unlink()
    _commit(release, {"reconciler/a.py": "2", "reconciler/new.py": "2"})
    _git(release, "tag", "v0.2.0")
    (block,) = [one for one in blocks(DOCS / "gitops.md") if "git restore" in one.text]
    for line in block.text.splitlines():
        words = [str(release) if word == URL else word for word in shlex.split(line.removeprefix("$ "))]
        assert words[0] == "git", line
        _git(copy, *words[1:])
    assert (copy / "reconciler" / "a.py").read_text(encoding="utf-8") == "2"
    assert (copy / "reconciler" / "new.py").exists()
    assert not (copy / "reconciler" / "gone.py").exists()
    kept = {name: (copy / name) for name in own if name != "mine.md"}
    assert {name: path.read_text(encoding="utf-8") for name, path in kept.items()} == dict.fromkeys(
        kept, "mine"
    )
    assert _git(copy, "status", "--porcelain") == ""

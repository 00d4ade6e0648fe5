"""Installs the reconciler with hashes into an environment of its own. Needs the standard library only.

Reads RECONCILER_SOURCE (a folder under GITHUB_WORKSPACE), RUNNER_TEMP and GITHUB_PATH.
"""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path


def source(workspace: Path, name: str) -> Path:
    """The folder to install from. Raises ValueError where it is no folder inside the workspace."""
    folder = workspace / name
    if folder.is_symlink() or not folder.resolve().is_relative_to(workspace.resolve()):
        raise ValueError(f"{name!r} is not a folder of the workspace; check the reconciler out there.")
    for needed in ("pyproject.toml", "requirements.lock"):
        if not (folder / needed).is_file():
            raise ValueError(f"{name}/{needed} is missing; check the whole commit out before this step.")
    return folder


def install(folder: Path, home: Path) -> Path:
    """Install the folder's lock file and the folder itself; returns where the commands are."""
    venv.create(home, with_pip=True, clear=True)
    commands = home / ("Scripts" if os.name == "nt" else "bin")
    pip = [str(commands / "python"), "-I", "-m", "pip", "--quiet", "--disable-pip-version-check", "install"]
    # The lock file names every package of the build as well, so that nothing comes in without a hash.
    subprocess.run(
        [*pip, "--only-binary", ":all:", "--require-hashes", "-r", str(folder / "requirements.lock")],
        check=True,
    )
    subprocess.run([*pip, "--no-deps", "--no-build-isolation", "--no-index", str(folder)], check=True)
    return commands


def main() -> int:
    """Install, and put the commands on the PATH of the job's later steps."""
    workspace = Path(os.environ["GITHUB_WORKSPACE"])
    try:
        folder = source(workspace, os.environ["RECONCILER_SOURCE"])
    except ValueError as wrong:
        print(f"::error::{wrong}")
        return 1
    commands = install(folder, Path(os.environ["RUNNER_TEMP"]) / "reconciler")
    with Path(os.environ["GITHUB_PATH"]).open("a", encoding="utf-8") as path:
        path.write(f"{commands}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

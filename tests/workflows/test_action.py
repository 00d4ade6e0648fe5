"""The composite action's own code: what it installs from, and what it refuses."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.workflows.reader import ACTION

if TYPE_CHECKING:
    from pathlib import Path

_BACKEND = """
import zipfile

def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "tiny-1.0-py3-none-any.whl"
    info = "tiny-1.0.dist-info"
    with zipfile.ZipFile(f"{wheel_directory}/{name}", "w") as wheel:
        wheel.writestr("tiny.py", "def run(): print('from the base')\\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        wheel.writestr(f"{info}/entry_points.txt", "[console_scripts]\\ntiny = tiny:run\\n")
        wheel.writestr(f"{info}/RECORD", "")
    return name
"""
_PROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "tiny"
version = "1.0"
"""


def _install(workspace: Path, source: str) -> subprocess.CompletedProcess[str]:
    told = {"GITHUB_WORKSPACE": str(workspace), "RUNNER_TEMP": str(workspace / "temp")}
    told |= {"GITHUB_PATH": str(workspace / "path"), "RECONCILER_SOURCE": source, "PIP_NO_INDEX": "1"}
    return subprocess.run(
        [sys.executable, "-I", str(ACTION / "install.py")],
        env=dict(os.environ) | told,
        capture_output=True,
        text=True,
        check=False,
    )


def _project(folder: Path, lock: str = "") -> None:
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(_PROJECT, encoding="utf-8")
    (folder / "backend.py").write_text(_BACKEND, encoding="utf-8")
    (folder / "requirements.lock").write_text(lock, encoding="utf-8")


@pytest.mark.slow
def test_the_command_is_installed_and_on_the_path(tmp_path: Path) -> None:
    _project(tmp_path / "tool")
    done = _install(tmp_path, "tool")
    assert done.returncode == 0, done.stderr
    (commands,) = (tmp_path / "path").read_text(encoding="utf-8").split()
    told = subprocess.run([f"{commands}/tiny"], capture_output=True, text=True, check=True)
    assert told.stdout == "from the base\n"


@pytest.mark.slow
def test_nothing_is_installed_without_a_hash(tmp_path: Path) -> None:
    _project(tmp_path / "tool", lock="click==8.1.8\n")
    done = _install(tmp_path, "tool")
    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert not (tmp_path / "path").exists()


def test_a_folder_elsewhere_is_refused(tmp_path: Path) -> None:
    _project(tmp_path / "elsewhere")
    workspace = tmp_path / "workspace"
    workspace.mkdir()
    (workspace / "tool").symlink_to(tmp_path / "elsewhere")
    for name in ("tool", "../elsewhere", "missing"):
        done = _install(workspace, name)
        assert done.returncode == 1
        assert done.stdout.startswith("::error::"), done.stderr
        assert not (workspace / "path").exists()

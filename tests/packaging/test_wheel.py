"""The wheel holds what people need, and works from any folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.packaging.contents import problems

ROOT = Path(__file__).resolve().parents[2]


def _build(target: str, source: Path, into: Path) -> Path:
    """Build with the backend alone: no network, no isolated environment."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", target, "-d", str(into)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return next(path for path in into.iterdir() if path.name.endswith((".whl", ".tar.gz")))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _build("wheel", ROOT, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
def unpacked(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("unpacked")
    with ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def test_holds_what_it_must_and_nothing_else(wheel: Path) -> None:
    assert problems(wheel) == []


def test_carries_the_repositorys_own_schemas_and_mappings(unpacked: Path) -> None:
    for name in ("schemas", "starter"):
        ours = {path.name: path.read_bytes() for path in (ROOT / name).iterdir() if path.is_file()}
        packaged = {path.name: path.read_bytes() for path in (unpacked / "reconciler/_data" / name).iterdir()}
        assert packaged == ours


def test_a_wheel_built_from_the_source_archive_is_the_same(
    wheel: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("sdist")
    archive = _build("sdist", ROOT, folder)
    subprocess.run(["tar", "-xzf", archive.name], cwd=folder, check=True)
    source = folder / archive.name.removesuffix(".tar.gz")
    again = _build("wheel", source, tmp_path_factory.mktemp("again"))
    with ZipFile(wheel) as one, ZipFile(again) as two:
        assert {i.filename: i.CRC for i in two.infolist()} == {i.filename: i.CRC for i in one.infolist()}


def _run(unpacked: Path, folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the unpacked wheel's command elsewhere, with no credentials in the environment."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    # Imported from the unpacked wheel or not at all: a checkout installed for development must not help.
    code = (
        "import sys, reconciler\n"
        f"assert reconciler.__file__.startswith({str(unpacked)!r}), reconciler.__file__\n"
        "from reconciler.cli.main import run\n"
        "run()\n"
    )
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(unpacked), "PYTHONIOENCODING": "utf-8"},
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


@pytest.mark.slow
def test_the_demo_runs_from_an_unpacked_wheel(unpacked: Path, tmp_path: Path) -> None:
    done = _run(unpacked, tmp_path, "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing to do: ConnectWise is as the mappings say." in done.stdout
    assert list(tmp_path.iterdir()) == [], "the demo leaves nothing behind"


def test_the_schema_command_prints_the_packaged_schemas(unpacked: Path, tmp_path: Path) -> None:
    for document in ("mappings", "plan", "journal"):
        done = _run(unpacked, tmp_path, "schema", document)
        assert done.returncode == 0, done.stderr
        packaged = unpacked / "reconciler/_data/schemas" / f"{document}.schema.json"
        assert json.loads(done.stdout) == json.loads(packaged.read_text(encoding="utf-8"))

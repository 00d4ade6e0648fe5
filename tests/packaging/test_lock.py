"""The lock file pins everything with hashes, and fits the ranges that people install by."""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
NAME = "sophos-connectwise-reconciler"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Locked:
    """One entry of the lock file."""

    requirement: Requirement
    hashes: tuple[str, ...]
    rest: str

    @property
    def version(self) -> str:
        (specifier,) = self.requirement.specifier
        assert specifier.operator == "==", f"{self.requirement} is not pinned"
        return specifier.version


def _locked() -> list[Locked]:
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    entries = []
    for line in lines:
        bare = _HASH.sub("", line)
        requirement, _, rest = bare.partition(" --")
        entries.append(Locked(Requirement(requirement.strip()), tuple(_HASH.findall(line)), rest.strip()))
    return entries


def _asked() -> list[Requirement]:
    texts = [*PROJECT["dependencies"]]
    for extra in PROJECT["optional-dependencies"].values():
        texts += extra
    return [one for one in map(Requirement, texts) if canonicalize_name(one.name) != NAME]


LOCKED = {canonicalize_name(entry.requirement.name): entry for entry in _locked()}


def test_every_entry_is_pinned_with_hashes_and_without_addresses() -> None:
    assert len(LOCKED) > len(PROJECT["dependencies"])
    for entry in _locked():
        assert entry.version, entry
        assert entry.hashes, f"{entry.requirement} has no hash"
        assert not entry.rest, f"{entry.requirement} has an option: {entry.rest}"
    text = (ROOT / "requirements.lock").read_text(encoding="utf-8")
    assert not re.search(r"://|@ |index-url|find-links|trusted-host", text), "the lock file names an address"


@pytest.mark.parametrize("asked", _asked(), ids=lambda asked: str(asked.name))
def test_the_lock_satisfies_the_range(asked: Requirement) -> None:
    entry = LOCKED.get(canonicalize_name(asked.name))
    assert entry is not None, f"{asked} is not in requirements.lock: run make lock"
    assert asked.specifier.contains(entry.version), f"{entry.requirement} is outside {asked}: run make lock"


@pytest.mark.parametrize("asked", _asked(), ids=lambda asked: str(asked.name))
def test_every_range_has_a_floor(asked: Requirement) -> None:
    operators = {specifier.operator for specifier in asked.specifier}
    assert operators & {">=", "~=", "=="}, f"{asked} has no floor"
    assert not operators & {"<", "<=", "=="}, f"{asked} has a ceiling; pin in requirements.lock instead"

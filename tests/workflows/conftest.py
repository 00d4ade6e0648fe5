"""The repository that the workflows run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.workflows.project import Project

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """One site, one repository and one pull request."""
    return Project(tmp_path)

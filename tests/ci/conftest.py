"""A workflow for each test."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.ci.github import Workflow
from tests.ci.merges import Merges

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def workflow(tmp_path: Path) -> Workflow:
    """A site with one customer whose usage went up, and a private repository."""
    made = Workflow(tmp_path)
    made.books.customer("Alder", ep=(10, 10, 12))
    made.books.live()
    return made


@pytest.fixture
def merges(workflow: Workflow) -> Merges:
    """Three pull requests that were merged and not applied."""
    return Merges(workflow)

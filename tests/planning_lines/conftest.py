"""Fixtures of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.planning_lines.books import NOVEMBER, Books, agreements, bill

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """Alpha with 20 endpoints last month and this, on line 11 with 20 × 4.50, written by us."""
    return Books(
        tmp_path / "mappings",
        bill=bill("tenant | code | units\nAlpha | EP | 20"),
        last=bill("tenant | code | units\nAlpha | EP | 20", NOVEMBER.previous()),
        agreements=agreements("id | company\n1 | ALPHA"),
        lines="id | qty\n11 | 20",
    )

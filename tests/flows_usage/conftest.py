"""Fixtures of this folder."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.flows_usage.books import Books

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """A site with two mapped products and no customer yet."""
    return Books(tmp_path)


@pytest.fixture
def busy(books: Books) -> Books:
    """Three customers: one line up, one down, one with included units that do not change."""
    books.customer("Alder", ep=(10, 10, 12), sv=(3, 3, 3))
    books.customer("Birch", ep=(20, 20, 18))
    books.customer("Cedar", sv=(4, 4, 5))
    return books.live()

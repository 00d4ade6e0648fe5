"""How many there are of something: one is one, also where few people look."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path

import pytest

import reconciler
from reconciler.model.counts import number_of
from tests.flows_usage.books import Books


@pytest.mark.parametrize(
    ("count", "shown"),
    [
        (0, "0 units"),
        (1, "1 unit"),
        (2, "2 units"),
        (Decimal("1.0"), "1 unit"),
        (Decimal("0.50"), "0.5 units"),
    ],
)
def test_one_is_one(count: int | Decimal, shown: str) -> None:
    assert number_of(count, "unit") == shown


def test_a_site_with_one_of_each_reads_like_one(tmp_path: Path) -> None:
    books = Books(tmp_path)
    del books.mapped["SV-MSP"]
    books.customer("Alder", ep=(0, 0, 2))
    books.live("products: {MSP-EP: {price: 4.00}}\n", settings=", guards: {feedTenants: off}")
    valid = books.run("validate", str(books.folder)).out
    assert "Valid: 1 mapping, 1 product, 1 customer in 1 file." in valid
    frozen = books.run("usage", str(books.folder), "--out", str(tmp_path / "u.json")).out
    assert "2026-11 (1 line)" in frozen
    assert "; 1 tenant." in frozen


def test_only_one_helper_knows_how_a_plural_is_made() -> None:
    """A program that makes its own says `1 lines` one day."""
    own = re.compile(
        r"""\(s\)|else ['"]s['"]|['"]s['"] if |\{len\(\w+\)\} \w*(?:line|row|reason|tenant)s\b"""
    )
    root = Path(reconciler.__file__).parent
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in sorted(root.rglob("*.py"))
        if "sandbox" not in path.parts and path.name != "counts.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if own.search(line)
    ]
    assert found == []

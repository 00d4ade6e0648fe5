"""The configurations that are measured, and the products that they map."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "bench"
MAPPED = 60
ROWS = 1000


def code(number: int) -> str:
    """A Sophos product code."""
    return f"BENCH{number:04d}-MSP"


def identifier(number: int) -> str:
    """A ConnectWise identifier, as long as they usually are."""
    return f"MSP-BENCH-PRODUCT-{number:04d}"


def mapped_products(folder: Path, count: int = MAPPED) -> None:
    """`count` products, each mapped, with its main fields declared."""
    rows = [f"  {code(n)}: {{product: {identifier(n)}, sync: true}}" for n in range(count)]
    products = [
        f"  {identifier(n)}: {{description: Product {n}, subcategory: Endpoint, type: Managed Service, "
        f"productClass: Agreement, taxableFlag: true, unitOfMeasure: User, price: {n + 1}.50}}"
        for n in range(count)
    ]
    _write(folder / "mappings.yaml", f"settings: {{owner: {OWNER}}}", "mappings:", *rows)
    _write(folder / "products.yaml", "products:", *products)


def many_rows(folder: Path, count: int = ROWS) -> None:
    """`count` rows in four files; every fourth product takes two codes and says how they are counted."""
    for part in range(4):
        numbers = range(part * count // 4, (part + 1) * count // 4)
        rows = [f"  {code(n)}: {{product: {identifier(n - (n % 4 == 1))}, sync: true}}" for n in numbers]
        _write(folder / f"part{part}.yaml", "mappings:", *rows)
    shared = [f"  {identifier(n)}: {{count: sum}}" for n in range(0, count, 4)]
    _write(folder / "lines.yaml", "lines:", *shared)


def _write(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("version: 1", *lines)) + "\n", encoding="utf-8")

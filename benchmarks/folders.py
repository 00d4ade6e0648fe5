"""The configurations that are measured, and the products that they map."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

OWNER = "bench"
MAPPED = 60
ROWS = 1000
AGREEMENT = "Managed Security"
#: The sandbox's API member that reads and writes.
MEMBER = "apirec"
_TENANTS = uuid.UUID("be2c0000-0000-4000-8000-000000000000")
_A_FILE = 1000


@dataclass(frozen=True)
class Size:
    """How many customers there are, how many lines each has, and on how many lines one unit is missing."""

    customers: int
    lines_each: int = 5
    changed: int = 0

    @property
    def lines(self) -> int:
        """All lines on all agreements."""
        return self.customers * self.lines_each


def code(number: int) -> str:
    """A Sophos product code."""
    return f"BENCH{number:04d}-MSP"


def identifier(number: int) -> str:
    """A ConnectWise identifier, as long as they usually are."""
    return f"MSP-BENCH-PRODUCT-{number:04d}"


def tenant_id(customer: int) -> str:
    """A Sophos tenant id."""
    return str(uuid.uuid5(_TENANTS, str(customer)))


def company(customer: int) -> str:
    """A ConnectWise company identifier."""
    return f"BENCH{customer:06d}"


def quantity(customer: int, product: int) -> int:
    """The units that a customer has of a product, every month."""
    return 10 + (customer * 7 + product * 3) % 40


def mapped_products(folder: Path, count: int = MAPPED) -> None:
    """`count` products, each mapped, with its main fields declared."""
    rows = [f"  {code(n)}: {{product: {identifier(n)}, sync: true}}" for n in range(count)]
    products = [
        f"  {identifier(n)}: {{description: Product {n}, subcategory: Endpoint, type: Managed Service, "
        f"productClass: Agreement, taxableFlag: true, unitOfMeasure: User, price: {n + 1}.50}}"
        for n in range(count)
    ]
    write(folder / "mappings.yaml", f"settings: {{owner: {OWNER}}}", "mappings:", *rows)
    write(folder / "products.yaml", "products:", *products)


def many_rows(folder: Path, count: int = ROWS) -> None:
    """`count` rows in four files; every fourth product takes two codes and says how they are counted."""
    for part in range(4):
        numbers = range(part * count // 4, (part + 1) * count // 4)
        rows = [f"  {code(n)}: {{product: {identifier(n - (n % 4 == 1))}, sync: true}}" for n in numbers]
        write(folder / f"part{part}.yaml", "mappings:", *rows)
    shared = [f"  {identifier(n)}: {{count: sum}}" for n in range(0, count, 4)]
    write(folder / "lines.yaml", "lines:", *shared)


def customers(folder: Path, size: Size) -> None:
    """Products that are only mapped, and the rows of their customers, 1,000 a file."""
    rows = [f"  {code(n)}: {{product: {identifier(n)}, sync: true}}" for n in range(size.lines_each)]
    settings = f"owner: {OWNER}, mode: live, connectwiseMember: {MEMBER}, "
    settings += "guards: {runChange: off, mostChanges: off, total: off}"
    write(folder / "mappings.yaml", f"settings: {{{settings}}}", "mappings:", *rows)
    for first in range(0, size.customers, _A_FILE):
        people = [
            f"  {tenant_id(n)}: {{name: Customer {n}, company: {company(n)}, agreement: {AGREEMENT}, "
            "sync: true}"
            for n in range(first, min(first + _A_FILE, size.customers))
        ]
        write(folder / f"customers{first // _A_FILE:03d}.yaml", "customers:", *people)


def write(path: Path, *lines: str) -> None:
    """A file of the configuration."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("version: 1", *lines)) + "\n", encoding="utf-8")

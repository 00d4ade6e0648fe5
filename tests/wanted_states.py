"""Wanted states of one small MSP, made by chance, and the lines that follow from each by its own rule."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tests.planning_lines.books import tenant_id

if TYPE_CHECKING:
    import random

PRODUCTS = ("A", "B", "C", "D")
CODES = ("X", "Y", "Z")
#: Each tenant, its company, and the units of each code that Sophos bills it.
#: Three times a power of two, each power once: no sum of some units is the sum of others, so that a line's
#: number says whose units are on it. Lines that people keep have two more than a multiple of three
#: (`STRANGERS`), and a person's hand puts one unit more on a line: neither is ever a sum of units.
TENANTS = {"Alpha": "ALPHA", "Second": "ALPHA", "Beta": "BETA"}
UNITS = {
    ("Alpha", "X"): 48, ("Alpha", "Y"): 24, ("Alpha", "Z"): 12,
    ("Second", "X"): 3, ("Second", "Y"): 192,
    ("Beta", "X"): 6, ("Beta", "Z"): 96,
}  # fmt: skip
#: What lines that people keep bill.
STRANGERS = (101, 203, 305)
PLACES = {("ALPHA", "Managed"): 1, ("ALPHA", "Mail"): 2, ("BETA", "Managed"): 3, ("BETA", "Mail"): 4}
SETTINGS = """
version: 1
settings:
  mode: live
  timeZone: Europe/Lisbon
  connectwiseMember: apirec
  onUnmap: end
  newLines: create
  guards: {lineChange: off, lineToZero: off, feedTenants: off, productToZero: off}
"""


@dataclass
class Wanted:
    """One wanted state, and the lines that follow from it by a rule of its own."""

    homes: dict[str, tuple[str, ...]]
    agreement: dict[str, str]
    overrides: dict[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    ended: tuple[str, ...] = ()
    restart: tuple[int, ...] = ()

    def yaml(self) -> str:
        rows = [f"  {code}: {{product: [{', '.join(to)}], sync: true}}" for code, to in self.homes.items()]
        counts = [f"  {product}: {{count: sum}}" for product in PRODUCTS if product in self.named()]
        customers = []
        for name, company in TENANTS.items():
            own = {code: way for (who, code), way in self.overrides.items() if who == name}
            shown = ", ".join(f"{code}: {{{_way(*way)}}}" for code, way in own.items())
            customers.append(
                f"  {tenant_id(name)}: {{name: {name}, company: {company}, "
                f"agreement: {self.agreement[name]}, sync: true, nameDiffers: true"
                + (f", overrides: {{{shown}}}" if shown else "")
                + (", ended: 2026-11-20" if name in self.ended else "")
                + (f", restart: {list(self.restart)}" if self.restart else "")
                + "}"
            )
        return "\n".join([SETTINGS, "mappings:", *rows, "lines:", *counts, "customers:", *customers])

    def named(self) -> set[str]:
        return {p for to in self.homes.values() for p in to} | {p for p, _ in self.overrides.values() if p}

    def lines(self) -> Counter[tuple[int, str]]:
        """The units of each line that has to be open."""
        found: Counter[tuple[int, str]] = Counter()
        for (name, code), units in UNITS.items():
            for place in self.places(name, code):
                found[place] += units
        return found

    def places(self, name: str, code: str) -> set[tuple[int, str]]:
        """The agreements and products on which a tenant's units of a code are billed."""
        product, agreement = self.overrides.get((name, code), ("", ""))
        targets = (product,) if product else self.homes.get(code, ())
        place = PLACES[TENANTS[name], agreement or self.agreement[name]]
        return {(place, target) for target in targets if name not in self.ended}


def by_chance(chance: random.Random) -> Wanted:
    """A state: codes may have no home, one or two; customers and codes may go another way."""
    homes = {}
    for code in CODES:
        count = chance.choice((0, 1, 1, 1, 2))
        if count:
            homes[code] = tuple(sorted(chance.sample(PRODUCTS, count)))
    homes = homes or {"X": ("A",)}
    overrides = {}
    for name, code in UNITS:
        if chance.random() < 0.2:
            product = chance.choice(("", chance.choice(PRODUCTS)))
            agreement = chance.choice(("", "Mail", "Managed"))
            if (product or agreement) and (product or code in homes):
                overrides[name, code] = (product, agreement)
    return Wanted(
        homes=homes,
        agreement={name: chance.choice(("Managed", "Managed", "Mail")) for name in TENANTS},
        overrides=overrides,
        ended=tuple(name for name in TENANTS if chance.random() < 0.1),
    )


def _way(product: str, agreement: str) -> str:
    """An override as YAML writes it."""
    parts = [f"product: {product}" if product else "", f"agreement: {agreement}" if agreement else ""]
    return ", ".join(part for part in parts if part)

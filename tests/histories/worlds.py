"""Small MSPs made by chance, on which everything is in step before anything happens."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from tests.histories.identities import Place, Seat, seats_by_place
from tests.histories.site import GUARDS_OFF, OURS, PERSON, Msp, following
from tests.planning_lines.books import tenant_id

if TYPE_CHECKING:
    from pathlib import Path

#: Each code, its product, and the product's price.
SOLD = {"EP": ("MSP-EP", 2.0), "SV": ("MSP-SV", 3.5), "EM": ("MSP-EM", 1.0), "MDR": ("MSP-MDR", 4.0)}
#: Products that nothing feeds yet.
SPARE = ("SPARE-1", "SPARE-2")
#: A product that is none of our business, and its line on each company's first agreement.
HAND = "BACKUP"
NAMES = ("Alder", "Birch", "Cedar", "Dogwood")
#: Tenants of a company beside the first one.
BRANCHES = ("North", "South")


def make_msp(seed: str, folder: Path, *, without: frozenset[str] = frozenset()) -> Msp:
    """A site with two to four companies and three to five tenants, in step; `without` leaves tenants out."""
    chance = random.Random(f"world {seed}")
    site = Msp(root=folder)
    units = chance.sample(range(8, 240, 4), 40)
    _products(site, chance)
    for number, name in enumerate(NAMES[: chance.randint(2, 4)]):
        company = name.upper()
        site.world.add_company(company, name)
        site.world.add_agreement(company, "Managed")
        if chance.random() < 0.6:
            site.world.add_agreement(company, "Mail")
        tenants = [name]
        if chance.random() < (0.8 if number == 0 else 0.3):
            tenants.append(f"{name} {chance.choice(BRANCHES)}")
        for tenant in tenants:
            _tenant(site, chance, tenant, company, units, keep=tenant not in without)
    settings = site.document["settings"]
    if chance.random() < 0.5:
        settings["guards"] = dict(GUARDS_OFF)
    if chance.random() < 0.3:
        settings["newLines"] = "create"
    if chance.random() < 0.2:
        settings["onUnmap"] = "end"
    _lines(site, chance)
    site.write()
    return site


def _products(site: Msp, chance: random.Random) -> None:
    for code, (product, price) in SOLD.items():
        site.world.add_catalog_item(product, price=price, cost=0.5, notes=f"[sophos:main {code}]")
        site.document["mappings"][code] = {"product": product, "sync": True}
    for product in SPARE:
        site.world.add_catalog_item(product, price=5.0, cost=0.5)
    site.world.add_catalog_item(HAND, price=9.0, cost=1.0, notes="Kept by hand.")
    if chance.random() < 0.3:  # two codes on one product
        site.document["mappings"]["MDR"]["product"] = "MSP-EP"
        site.world.catalog_item("MSP-EP")["notes"] = "[sophos:main EP, MDR]"
        site.world.catalog_item("MSP-MDR")["notes"] = ""


def _tenant(
    site: Msp, chance: random.Random, name: str, company: str, units: list[int], *, keep: bool
) -> None:
    """A tenant, its row, and its units in three months; later they move on by what happens.

    No two seats have one number, of which nobody could say whose line it is.
    """
    codes = [code for code in SOLD if chance.random() < 0.6] or ["EP"]
    bill = {code: units.pop() for code in codes}
    now = {code: units + chance.choice((0, 0, 0, 1, 2, -1)) for code, units in bill.items()}
    if not keep:
        return
    site.world.add_tenant(name, tenant_id=tenant_id(name))
    for months in (-2, -1, 0, 1):
        month = following(site.today, months)
        for code in codes:
            number = bill[code] if months < 0 else now[code]
            site.world.add_usage_line((month.year, month.month), name, code, float(number))
    site.document["customers"][tenant_id(name)] = {
        "name": name,
        "company": company,
        "agreement": "Managed",
        "sync": True,
    }


def _lines(site: Msp, chance: random.Random) -> None:
    """A line for each place with last month's units; a person wrote some of them before it closed."""
    last = site.units(site.last_month)
    for place, seats in sorted(seats_by_place(site).items()):
        by = PERSON if chance.random() < 0.2 else OURS
        units = sum(last[seat] for seat in seats)
        site.world.add_addition(place.agreement, place.product, units, _info=site.world.info(by))
    for agreement in list(site.world.rows("agreements")):
        if agreement["name"] == "Managed":
            site.world.add_addition(agreement["id"], HAND, 2.0)


def first_ledger(site: Msp) -> dict[int, frozenset[Seat]]:
    """The seats that each line of a new site bills."""
    seats = seats_by_place(site)
    return {
        line["id"]: seats.get(Place(line["agreementId"], line["product"]["identifier"]), frozenset())
        for line in site.world.rows("additions")
    }

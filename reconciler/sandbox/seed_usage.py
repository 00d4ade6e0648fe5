"""Harbourlight IT's Sophos bills: four closed months and the running one, firewalls and licences."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.sandbox.parts import month_before, running_month
from reconciler.sandbox.seed_customers import CUSTOMERS, PACKAGES, SUSPENDED

if TYPE_CHECKING:
    import random

    from reconciler.sandbox.seed_customers import Customer
    from reconciler.sandbox.world import World

CLOSED_MONTHS = 4
FIREWALL_CODE = "xg_email_std"
UNASSIGNED_FIREWALL = "SBX0000000099"


def _first_quantities(customer: Customer) -> dict[str, int]:
    found: dict[str, int] = {}
    for letter in customer.buys:
        by_user, by_server, share = PACKAGES[letter]
        found[by_user] = max(1, round(customer.users * share))
        if by_server and customer.servers:
            found[by_server] = customer.servers
    return found


def _next_month(quantities: dict[str, int], chance: random.Random) -> None:
    """One month's ordinary coming and going: most numbers stay, some move by one to three."""
    for code, quantity in quantities.items():
        if chance.random() < 0.3:
            quantities[code] = max(1, quantity + chance.choice((-2, -1, 1, 1, 2, 3)))


def add_usage(world: World, chance: random.Random) -> None:
    """Bills for the closed months and, about nine tenths of it, the running month."""
    running = running_month(world.today)
    months = [month_before(running, back) for back in range(CLOSED_MONTHS, -1, -1)]
    monthly = [customer for customer in CUSTOMERS if customer.billing == "usage"]
    current = {customer.name: _first_quantities(customer) for customer in monthly}
    for month in months:
        for customer in monthly:
            quantities = current[customer.name]
            _next_month(quantities, chance)
            for code, quantity in quantities.items():
                so_far = quantity if month != running else max(1, round(quantity * 0.9))
                world.add_usage_line(month, customer.name, code, so_far)
            for serial in customer.firewalls:
                world.add_usage_line(
                    month, customer.name, FIREWALL_CODE, 1, accountNumberOrSerialNumber=serial
                )
        world.add_usage_line(month, None, FIREWALL_CODE, 1, accountNumberOrSerialNumber=UNASSIGNED_FIREWALL)
    _add_firewalls_and_licences(world, current)


def _add_firewalls_and_licences(world: World, current: dict[str, dict[str, int]]) -> None:
    for customer in CUSTOMERS:
        for serial in customer.firewalls:
            world.add_firewall(serial, billing_tenant=customer.name, tenant=customer.name)
        for code, count in current.get(customer.name, {}).items():
            if customer.name != SUSPENDED:
                world.add_licence(customer.name, code, count)
    world.add_firewall(UNASSIGNED_FIREWALL, billing_tenant=None, model="SF SW/Virtual", modelType="virtual")

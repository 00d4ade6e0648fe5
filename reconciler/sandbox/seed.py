"""The worlds to start from: an empty one for tests, and the made-up MSP "Harbourlight IT"."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

from reconciler.sandbox.seed_catalog import add_filler_items, add_story_items, set_up_tables
from reconciler.sandbox.seed_customers import add_companies_and_agreements, add_lines, add_tenants
from reconciler.sandbox.seed_usage import add_usage
from reconciler.sandbox.world import World

if TYPE_CHECKING:
    from datetime import date


def empty_world(today: date) -> World:
    """A partner and a ConnectWise company with set-up tables, and nothing else; tests fill it."""
    world = World(today)
    set_up_tables(world)
    return world


def small_msp(today: date, *, catalog_size: int = 3000, seed: int = 1) -> World:
    """Harbourlight IT: 36 tenants, their companies, agreements and lines, and four closed months of usage.

    The same arguments give the same world. `catalog_size` counts all catalog items; below the number of
    the story's own items it has no effect.
    """
    chance = random.Random(seed)
    world = empty_world(today)
    add_story_items(world)
    add_filler_items(world, chance, catalog_size - len(world.tables["catalog"]))
    add_tenants(world)
    add_usage(world, chance)
    add_companies_and_agreements(world)
    add_lines(world)
    return world

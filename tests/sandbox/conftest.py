"""Worlds for the sandbox's own tests."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from reconciler.sandbox.seed import empty_world, small_msp
from tests.sandbox.api import Api

if TYPE_CHECKING:
    from reconciler.sandbox.world import World

TODAY = date(2026, 11, 22)


@pytest.fixture
def world() -> World:
    """One company with one agreement and three products."""
    world = empty_world(TODAY)
    world.add_catalog_item(
        "ALPHA", description="Alpha product", price=4.2, cost=1.9, notes="[sophos:main A-MSP]"
    )
    world.add_catalog_item(
        "Beta", description="Beta product", price=10.0, subcategory="Server", inactiveFlag=True
    )
    world.add_catalog_item("GAMMA [x]", description="Gamma product", price=0.0, taxableFlag=True)
    world.add_company("FIRST", "First Company")
    agreement = world.add_agreement("FIRST")
    world.add_addition(agreement["id"], "ALPHA", 10)
    return world


@pytest.fixture
def api(world: World) -> Api:
    return Api(world)


@pytest.fixture(scope="session")
def msp() -> World:
    """The whole made-up MSP; for tests that only read."""
    return small_msp(TODAY)

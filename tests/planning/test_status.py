"""`status`: the *Configure usage sync* page as a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.support import Site


def states(site: Site, *arguments: str) -> dict[str, str]:
    """The state of each Sophos product."""
    said = site.run("status", "--dir", str(site.folder), "--format", "json", *arguments)
    assert said.code == 0, said.err
    rows: list[dict[str, Any]] = said.json
    return {row["code"]: row["state"] for row in rows}


def test_every_state(site: Site) -> None:
    site.world.add_tenant("Alder Ltd")
    site.world.add_catalog_item("MSP-A", notes="[sophos:main STEP, LEAVING]")
    site.world.add_catalog_item("MSP-B")
    site.world.add_catalog_item("MSP-LAB", notes="[sophos:lab X]")
    for code in ("NEW", "STEP"):
        site.world.add_usage_line((2026, 10), "Alder Ltd", code, 4)
    site.say(
        """
        mappings:
          STEP: {product: MSP-A, sync: true}
          OPEN: {product: MSP-B, sync: true}
          HELD: {product: MSP-LAB, sync: true}
          GONE: {product: MSP-NOWHERE, sync: true}
          FREE: {exclude: In the contract}
          LATE: {exclude: Pilot, until: 2026-11-21}
        """
    )
    assert states(site) == {
        "FREE": "excluded: In the contract",
        "GONE": "blocked: product-not-found",
        "HELD": "blocked: marker-of-another-owner",
        "LATE": "exclusion ended: Pilot",
        "LEAVING": "to be unmapped",
        "NEW": "not mapped",
        "OPEN": "to be applied",
        "STEP": "in step",
    }


@pytest.mark.parametrize("name", ["{id: 1}", "msp-a", "MSP-A"])
def test_a_mapped_product_that_cannot_be_billed_is_not_in_step(site: Site, name: str) -> None:
    site.world.add_catalog_item("MSP-A", notes="[sophos:main CODE-1]", inactiveFlag=True)
    site.say(f"mappings: {{CODE-1: {{product: {name}, sync: true}}}}")
    assert states(site) == {"CODE-1": "blocked: sync-inactive"}

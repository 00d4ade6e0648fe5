"""A sandbox in a process of its own, so that its memory and time are not the tool's.

`python -m benchmarks.site CATALOG` prints its environment as one line of JSON, then answers each line on
stdin with the requests received since the last one.
"""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks.folders import MAPPED, OWNER, code, identifier
from reconciler.sandbox import seed, server

if TYPE_CHECKING:
    from reconciler.sandbox.world import World


def world(catalog_size: int) -> World:
    """The made-up MSP, with the products of `folders.mapped_products` as that folder declares them."""
    made = seed.small_msp(datetime.now(UTC).date(), catalog_size=catalog_size - MAPPED)
    for n in range(MAPPED):
        made.add_catalog_item(
            identifier(n),
            description=f"Product {n}",
            subcategory="Endpoint",
            type="Managed Service",
            productClass="Agreement",
            taxableFlag=True,
            unitOfMeasure="User",
            price=n + 1.5,
            cost=1.0,
            customerDescription=f"Product {n}, per month",
            notes=f"[sophos:{OWNER} {code(n)}]",
        )
    return made


def main() -> None:
    """Serve until stdin ends."""
    with server.running(world(int(sys.argv[1]))) as site:
        print(json.dumps(site.environment), flush=True)
        for _ in sys.stdin:
            requests = [[one.system, one.method, one.path] for one in site.app.state.requests]
            site.app.state.requests.clear()
            print(json.dumps(requests), flush=True)


if __name__ == "__main__":
    main()

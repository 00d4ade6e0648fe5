"""A sandbox in a process of its own, so that its memory and time are not the tool's.

`python -m benchmarks.site --catalog N` or `--customers N` prints its environment as one line of JSON, then
answers each line on stdin with the requests received since the last one.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from benchmarks import books
from benchmarks.folders import MAPPED, OWNER, Size, code, identifier
from reconciler.sandbox import seed, server

if TYPE_CHECKING:
    from datetime import date

    from reconciler.sandbox.world import World


def catalog_world(today: date, catalog_size: int) -> World:
    """The made-up MSP, with the products of `folders.mapped_products` as that folder declares them."""
    made = seed.small_msp(today, catalog_size=catalog_size - MAPPED)
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
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--catalog", type=int, default=0)
    parser.add_argument("--customers", type=int, default=0)
    parser.add_argument("--lines", type=int, default=5, help="of each customer")
    parser.add_argument("--changed", type=int, default=0, help="lines on which one unit is missing")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds, of every answer")
    asked = parser.parse_args()
    today = datetime.now(UTC).date()
    if asked.customers:
        world = books.world(today, Size(asked.customers, asked.lines, asked.changed))
    else:
        world = catalog_world(today, asked.catalog)
    with server.running(world, latency=asked.latency) as site:
        print(json.dumps(site.environment), flush=True)
        for _ in sys.stdin:
            requests = [[one.system, one.method, one.path] for one in site.app.state.requests]
            site.app.state.requests.clear()
            print(json.dumps(requests), flush=True)


if __name__ == "__main__":
    main()

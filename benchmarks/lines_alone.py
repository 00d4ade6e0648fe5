"""The same reading as `agreement_by_agreement`, as a plan does it: `python -m benchmarks.lines_alone N`.

Reads the agreements of N customers and their lines, and prints how many there are of each.
"""

from __future__ import annotations

import asyncio
import os
import sys
from datetime import date
from pathlib import Path

from benchmarks.folders import company
from reconciler.cli.credentials import connectwise_credentials
from reconciler.connectwise.additions import read_lines
from reconciler.connectwise.agreements import read_agreements
from reconciler.connectwise.client import connect


async def read(customers: int) -> tuple[int, int]:
    """How many agreements and lines these customers have."""
    async with connect(connectwise_credentials(os.environ, Path.cwd()), write=False) as client:
        agreements = await read_agreements(client, [company(n) for n in range(customers)], ())
        found = await read_lines(client, [one.id for one in agreements], since=date.min)
    return len(found.lines), sum(len(lines) for lines in found.lines.values())


if __name__ == "__main__":
    print(*asyncio.run(read(int(sys.argv[1]))))

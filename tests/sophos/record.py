"""Record the conversation anew: `python -m tests.sophos.record`."""

from __future__ import annotations

import asyncio

from reconciler.sandbox.seed import small_msp
from reconciler.sandbox.server import running
from tests.sophos.conversation import CASSETTE, converse, shorten
from tests.sophos.support import TODAY, sandbox_credentials
from tests.transport.cassettes import tape

#: Three tenants a page, so that paging is recorded.
QUIRKS = {"tenants-page-size-max": "3", "sophos-page-size-over-max": "refuse"}


def main() -> None:
    """Talk to a sandbox over loopback, with the tape running."""
    CASSETTE.unlink(missing_ok=True)
    world = small_msp(TODAY, catalog_size=30)
    shorten(world)
    with running(world, quirks=QUIRKS) as sandbox, tape(CASSETTE, record=True):
        asyncio.run(converse(sandbox_credentials(sandbox.url)))


if __name__ == "__main__":
    main()

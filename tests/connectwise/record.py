"""Record the conversation anew: `python -m tests.connectwise.record`."""

from __future__ import annotations

import asyncio

from reconciler.sandbox.seed import small_msp
from reconciler.sandbox.server import running
from tests.connectwise.conversation import CASSETTE, converse
from tests.connectwise.support import TODAY, sandbox_credentials
from tests.transport.cassettes import tape


def main() -> None:
    """Talk to a sandbox over loopback, with the tape running."""
    CASSETTE.unlink(missing_ok=True)
    with running(small_msp(TODAY, catalog_size=30)) as sandbox, tape(CASSETTE, record=True):
        asyncio.run(converse(sandbox_credentials(sandbox.url)))


if __name__ == "__main__":
    main()

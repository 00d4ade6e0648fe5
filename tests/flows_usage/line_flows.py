"""Short forms for the flows of lines that are created, moved and ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from reconciler.connectwise.client import connect
from reconciler.connectwise.credentials import parse_credentials
from reconciler.execution.preconditions import stale_changes
from reconciler.execution.state import MarkerPlace
from reconciler.model.plan import Plan
from tests.flows_usage.books import AGREEMENTS

if TYPE_CHECKING:
    from reconciler.sandbox.world import Row
    from tests.flows_usage.books import Books
    from tests.support import Planned


def create(agreement: int, product: str, part: str = "") -> str:
    """The id of a line's creation."""
    return f"create_line:agreement/{agreement}/product/{product}" + (f"/{part}" if part else "")


def end(agreement: int, product: str) -> str:
    """The id of a line's end."""
    return f"end_line:agreement/{agreement}/product/{product}"


def move(agreement: int, product: str, part: str = "") -> str:
    """The id of one of a move's two changes."""
    return f"move_line:agreement/{agreement}/product/{product}" + (f"/{part}" if part else "")


def lines(books: Books, agreement: int = 1) -> list[Row]:
    """An agreement's lines as the server keeps them."""
    return list(books.world.additions_of(agreement))


def additions(agreement: int, line: int | None = None) -> str:
    """The path of an agreement's lines, or of one of them."""
    path = f"{AGREEMENTS}/{agreement}/additions"
    return path if line is None else f"{path}/{line}"


def stale_of(books: Books, planned: Planned) -> list[str]:
    """What `apply FILE` would call stale of this plan's ready changes."""
    changes = Plan.from_json(planned.json).ready

    async def ask() -> list[str]:
        known = books.environ
        credentials = parse_credentials(
            url=known["CONNECTWISE_URL"],
            company=known["CONNECTWISE_COMPANY"],
            public_key=known["CONNECTWISE_PUBLIC_KEY"],
            private_key=known["CONNECTWISE_PRIVATE_KEY"],
            client_id=known["CONNECTWISE_CLIENT_ID"],
        )
        async with connect(credentials, write=False, transport=books.network, sleep=_at_once) as client:
            found = await stale_changes(client, changes, MarkerPlace("main", None))
        return [f"{one.change.id}: {one.what}" for one in found]

    return asyncio.run(ask())


def with_new_product(books: Books) -> Books:
    """A customer with usage of a product that is not in ConnectWise yet."""
    books.mapped["EM-MSP"] = "{product: MSP-EM, sync: true}"
    books.customer("Alder", em=(None, 10, 12))
    return books.live(
        "products:\n  MSP-EM: {description: Mail, customerDescription: Mail, subcategory: Endpoint, "
        "type: Managed Service, productClass: Agreement, taxableFlag: true, price: 1.50, cost: 0.4}\n"
    )


async def _at_once(seconds: float) -> None:
    """Repeated requests wait for nothing."""


def bodies(books: Books, verb: str) -> list[Any]:
    """Path and body of every write of that verb."""
    return [
        (path, body)
        for (path, body), written in zip(books.patches, books.writes, strict=True)
        if written.startswith(verb)
    ]

"""What one would write with pyconnectwise: all agreements, then the additions of each, one after the other.

It takes its keys from the same environment as `reconciler`, and prints how many agreements and additions
it read. To compare with; the tool does not use it.
"""

from __future__ import annotations

import os
import warnings
from typing import Any

with warnings.catch_warnings():
    # The package's models use a form of pydantic's fields that pydantic has deprecated.
    warnings.simplefilter("ignore")
    from pyconnectwise import ConnectWiseManageAPIClient

PAGE_SIZE = 1000


class Client(ConnectWiseManageAPIClient):
    """The package knows https only, and the sandbox has none; nothing else is changed."""

    def _make_request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
        return super()._make_request(method, url.replace("https://", "http://", 1), *args, **options)


def everything(endpoint: Any) -> list[Any]:
    """All records of a list."""
    rows: list[Any] = []
    page = 1
    while True:
        found = endpoint.get(params={"page": page, "pageSize": PAGE_SIZE, "orderBy": "id asc"})
        rows += found
        if len(found) < PAGE_SIZE:
            return rows
        page += 1


def main() -> None:
    """Read the lines of every agreement."""
    client = Client(
        os.environ["CONNECTWISE_COMPANY"],
        os.environ["CONNECTWISE_URL"].removeprefix("http://"),
        os.environ["CONNECTWISE_CLIENT_ID"],
        os.environ["CONNECTWISE_PUBLIC_KEY"],
        os.environ["CONNECTWISE_PRIVATE_KEY"],
    )
    lines = {}
    for agreement in everything(client.finance.agreements):
        lines[agreement.id] = everything(client.finance.agreements.id(agreement.id).additions)
    print(len(lines), sum(len(found) for found in lines.values()))


if __name__ == "__main__":
    main()

"""Reading the records that a list of values names, in as many requests as URLs are short."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.connectwise.conditions import any_equal, any_of, encoded_length
from reconciler.transport.concurrency import all_of
from reconciler.transport.errors import Refused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from reconciler.connectwise.client import Client, Params, Row


async def read_any_of(
    client: Client, path: str, field: str, values: Sequence[str], params: Params, *, also: str = ""
) -> list[Row]:
    """The records whose field has one of the values (ready literals), each once, ordered by id.

    `also` is a further condition. Where the server refuses `in`, the same is asked as `or`, and the client
    remembers that. Several requests run at once.
    """
    rest = f" and {also}" if also else ""
    budget = client.room(path, params, "conditions") - encoded_length(rest)

    async def ask(condition: str) -> list[Row]:
        return await client.list_all(path, [*params, ("conditions", condition + rest)])

    async def ask_as_or(part: Sequence[str]) -> list[Row]:
        found = await all_of([ask(each) for each in any_equal(field, part, budget)])
        return [row for rows in found for row in rows]

    async def ask_as_in(part: Sequence[str]) -> list[Row]:
        if client.in_refused:
            return await ask_as_or(part)
        try:
            return await ask(f"{field} in ({','.join(part)})")
        except Refused as refused:
            if refused.status != 400:
                raise
            rows = await ask_as_or(part)
            # Only now is it known that `in` was the reason and not the field.
            client.in_refused = True
            return rows

    pieces = await all_of([ask_as_in(part) for part in any_of(field, values, budget)])
    return each_once(pieces)


def each_once(pieces: Sequence[Sequence[Row]]) -> list[dict[str, Any]]:
    """Records of several answers, each id once, ordered by id."""
    by_id = {row["id"]: row for rows in pieces for row in rows}
    return [by_id[number] for number in sorted(by_id)]

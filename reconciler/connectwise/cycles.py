"""How often agreements are invoiced: ConnectWise's billing cycles, and what is known without their table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise.setup_tables import PATHS
from reconciler.model.billing import CYCLES, UNREAD_CYCLE
from reconciler.model.fields import Table
from reconciler.transport.errors import excerpt

if TYPE_CHECKING:
    from reconciler.connectwise.client import Client, Params

#: The options by the cycle's id; None where their table cannot be read.
Cycles = dict[int, str] | None
_PATH = PATHS[Table.BILLING_CYCLES]
_FIELDS: Params = (("fields", "id,billingOptions"),)
_PAGE = 1000
_WITHOUT = (
    "An agreement's cycle is taken from its name where that is one of ConnectWise's own; nothing is written "
    "to the lines of the others."
)


async def read_cycles(client: Client) -> Cycles:
    """The options of the billing cycles, by id; None where their table cannot be read (`Client.unread`).

    Raises BadAnswer for a cycle with a field of another type, naming it.
    """
    rows = await client.list_page_if_there(_PATH, _FIELDS, size=_PAGE, without=_WITHOUT)
    if rows is None:
        return None
    found = {}
    for row in rows:
        option = row.get("billingOptions")
        if option is not None and not isinstance(option, str):
            shown = excerpt(repr(option), 60)
            what = f"billing cycle {row['id']}, billingOptions: {shown} is no text"
            raise client.bad_answer("GET", _PATH, what)
        found[row["id"]] = (option or "").strip()
    return found


def option_of(number: int | None, name: str, cycles: Cycles) -> str:
    """The option of the cycle that an agreement names.

    Without the table, a name that is an option is taken for it, and any other one is not known.
    """
    if cycles is not None:
        return cycles.get(number or 0, "")
    return name if name in CYCLES else UNREAD_CYCLE

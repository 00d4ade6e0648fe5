"""ConnectWise's companies, as far as it matters whose agreements they are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise.agreements import Record, rows_of
from reconciler.connectwise.rows import WrongTypeError
from reconciler.connectwise.setup_tables import COMPANIES
from reconciler.model.billing import Company
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Collection

    from reconciler.connectwise.client import Client, Params, Row

_COMPANY: Params = (("fields", "id,identifier,name,deletedFlag,status,types,pricingSchedule"),)


async def read_companies(
    client: Client, identifiers: Collection[str], ids: Collection[int]
) -> tuple[Company, ...]:
    """The companies of these identifiers (as identifiers compare) and record ids, ordered by id.

    Few are asked for by name; for many all companies are listed (`rows_of`). A deleted company is returned
    and says so: ConnectWise keeps its record. One that is left out does not exist; a merge removes all but
    one of the merged records. Types and pricing schedule may be missing. Raises BadAnswer for a record with
    a field of another type, naming it.
    """
    keys, numbers = {identifier_key(one) for one in identifiers}, set(ids)
    if not keys and not numbers:
        return ()
    found = await rows_of(client, COMPANIES, _COMPANY, ("identifier", identifiers), ("id", ids))
    try:
        return tuple(_company(row) for row in found if _is_wanted(row, keys, numbers))
    except WrongTypeError as wrong:
        raise client.bad_answer("GET", COMPANIES, str(wrong)) from None


def _is_wanted(row: Row, keys: Collection[str], ids: Collection[int]) -> bool:
    """Whether it is one of these; a record that nobody asked for need not be in order."""
    identifier = row.get("identifier")
    # Without an identifier nobody can say that it is not the one.
    return row["id"] in ids or not isinstance(identifier, str) or identifier_key(identifier) in keys


def _company(row: Row) -> Company:
    record = Record(row, f"company {row['id']}")
    status, schedule = record.part("status"), record.part("pricingSchedule")
    types = [one.text("name") for one in record.parts("types")]
    return Company(
        id=record.id(),
        identifier=record.required_text("identifier"),
        name=record.text("name"),
        deleted=record.flag("deletedFlag"),
        status="" if status is None else status.text("name"),
        types=tuple(name for name in types if name),
        pricing_schedule="" if schedule is None else _name(schedule),
    )


def _name(schedule: Record) -> str:
    """The schedule's name; one that comes without a name is a schedule all the same."""
    number = schedule.whole("id")
    return schedule.text("name") or ("" if number is None else f"id {number}")

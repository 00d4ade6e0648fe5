"""ConnectWise's set-up tables, which a product's references point into."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.connectwise import rows
from reconciler.connectwise.conditions import literal
from reconciler.connectwise.lookup import read_any_of
from reconciler.model.fields import Table
from reconciler.model.identifiers import identifier_key

if TYPE_CHECKING:
    from collections.abc import Iterable

    from reconciler.connectwise.client import Client, Row
    from reconciler.model.observed import SetupEntry

#: The paths of the OpenAPI document; the slash at the end of the first one is its own.
PATHS = {
    Table.SUBCATEGORIES: "/procurement/subcategories/",
    Table.TYPES: "/procurement/types",
    Table.UNITS: "/procurement/unitOfMeasures",
    Table.MANUFACTURERS: "/procurement/manufacturers",
    Table.AGREEMENT_TYPES: "/finance/agreements/types",
    Table.BILLING_CYCLES: "/finance/billingCycles",
}
COMPANIES = "/company/companies"
#: A company's identifier holds at most this many characters (OpenAPI document, release 2025.8).
LONGEST_COMPANY = 30


async def read_table(client: Client, table: Table) -> list[SetupEntry]:
    """All rows of a set-up table, inactive ones too; a subcategory's parent is its category.

    Raises ValueError for Table.COMPANIES, which is read by identifiers (`vendors_by_identifiers`).
    """
    if table is Table.COMPANIES:
        raise ValueError("companies are read by their identifiers")
    path = PATHS[table]
    fields = "id,name,inactiveFlag" + (",category" if table is Table.SUBCATEGORIES else "")
    return _entries(client, path, await client.list_all(path, (("fields", fields),)))


async def vendors_by_identifiers(client: Client, names: Iterable[str]) -> list[SetupEntry]:
    """The companies of these identifiers that are not deleted; those not found are left out.

    Raises ValueError for an identifier that cannot stand in a condition.
    """
    wanted = {identifier_key(one): one.strip() for one in names}
    values = [literal(one) for one in wanted.values() if 0 < len(one) <= LONGEST_COMPANY]
    params = (("fields", "id,identifier,deletedFlag"),)
    found = await read_any_of(client, COMPANIES, "identifier", values, params, also="deletedFlag=false")
    alive = [row for row in found if row.get("deletedFlag") is not True]
    entries = _entries(client, COMPANIES, alive, "identifier")
    return [entry for entry in entries if identifier_key(entry.name) in wanted]


def _entries(client: Client, path: str, found: Iterable[Row], name: str = "name") -> list[SetupEntry]:
    try:
        return [rows.setup_entry(row, name) for row in found]
    except rows.WrongTypeError as wrong:
        raise client.bad_answer("GET", path, str(wrong)) from None

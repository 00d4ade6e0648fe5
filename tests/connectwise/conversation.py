"""What is said to ConnectWise, from finding its API to changing a product, in one go."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

from reconciler.connectwise import catalog
from reconciler.connectwise.client import connect
from reconciler.connectwise.patching import create_body, patch_operations
from reconciler.connectwise.setup_tables import read_table, vendors_by_identifiers
from reconciler.model.fields import Reference, Table
from reconciler.transport.errors import RecordNotFound, Refused

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from reconciler.connectwise.credentials import Credentials
    from reconciler.model.observed import CatalogEntry, CatalogItem, CustomField, SetupEntry

CASSETTES = Path(__file__).with_name("cassettes")
CASSETTE = CASSETTES / "catalog.yaml"


@dataclass(frozen=True)
class Heard:
    """What came of it."""

    named: list[CatalogItem]
    marked: list[CatalogItem]
    similar: list[CatalogEntry]
    tables: dict[Table, list[SetupEntry]]
    vendors: list[SetupEntry]
    custom_fields: list[CustomField]
    created: CatalogItem
    changed: CatalogItem
    refused: Refused
    missing: RecordNotFound
    sent: list[tuple[str, str, str]]


async def converse(credentials: Credentials) -> Heard:
    """Everything once, over real connections (which a cassette may answer)."""
    sent: list[tuple[str, str, str]] = []
    async with connect(credentials, write=True, observer=lambda *what: sent.append(what)) as client:
        named = await catalog.items_by_identifiers(client, ["MSP-GOLD", "MSP-ENDPOINT", "NO-SUCH"])
        tables = {table: await read_table(client, table) for table in (Table.SUBCATEGORIES, Table.TYPES)}
        marked = await catalog.items_with_marker(client)
        similar = await catalog.similar_items(client, ["MSP-GLOD"])
        vendors = await vendors_by_identifiers(client, ["ALDERBROOK"])
        fields = await catalog.custom_field_definitions(client)
        created = await catalog.create_item(
            client,
            create_body(
                "MSP-TAPE",
                {
                    "description": "Made up",
                    "customerDescription": "Made up, per month",
                    "subcategory": Reference(tables[Table.SUBCATEGORIES][0].id, ""),
                    "type": Reference(tables[Table.TYPES][0].id, ""),
                    "productClass": "Agreement",
                    "price": Decimal("4.50"),
                    "taxableFlag": True,
                },
                notes="[sophos:main X-MSP]",
            ),
        )
        changed = await catalog.patch_item(
            client,
            created.id,
            patch_operations(
                {"price": Decimal("5.25"), "vendorSku": None}, custom_fields={fields[0].id: "x"}
            ),
        )
        return Heard(
            named,
            marked,
            similar,
            tables,
            vendors,
            fields,
            created,
            changed,
            await _refused(catalog.create_item(client, {"identifier": "MSP-EMPTY"})),
            await _missing(catalog.get_item(client, 999_999)),
            sent,
        )


async def _refused(creation: Coroutine[Any, Any, CatalogItem]) -> Refused:
    try:
        await creation
    except Refused as refused:
        return refused
    raise AssertionError("it was not refused")


async def _missing(reading: Coroutine[Any, Any, CatalogItem]) -> RecordNotFound:
    try:
        await reading
    except RecordNotFound as missing:
        return missing
    raise AssertionError("it was found")

"""Finding, creating and changing products."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import httpx
import pytest

from reconciler.connectwise import catalog
from reconciler.connectwise.patching import create_body, patch_operations
from reconciler.connectwise.setup_tables import PATHS, read_table, vendors_by_identifiers
from reconciler.model.fields import CATALOG_FIELDS, Reference, Table
from reconciler.model.observed import CustomField, SetupEntry
from reconciler.transport.errors import BadAnswer, RecordNotFound, Refused, Unsure
from tests.connectwise.support import refused, sandbox, served

pytestmark = pytest.mark.anyio

ROW: dict[str, Any] = {
    "id": 7,
    "identifier": " MSP-Gold ",
    "description": "Gold  ",
    "customerDescription": "Everything,\r\nper month",
    "price": 9.5,
    "cost": None,
    "taxableFlag": False,
    "minStockLevel": 0,
    "subcategory": {"id": 3, "name": "Endpoint", "_info": {"subcategory_href": "https://x.invalid"}},
    "vendor": {"id": 4, "identifier": "SUPPLIER", "name": "Supplier Ltd"},
    "notes": "  kept\r\nas it is ",
    "customFields": [{"id": 59, "caption": "Billing", "type": "Text", "value": "x"}],
    "_info": {"lastUpdated": "2026-11-01T00:00:00Z", "updatedBy": "somebody   "},
    "somethingNew": {"id": "?"},
}


async def item_of(row: Any) -> Any:
    async with served(lambda _: httpx.Response(200, json=row)) as client:
        return await catalog.get_item(client, 7)


async def test_a_product_is_read_as_both_sides_compare_it() -> None:
    item = await item_of(ROW)
    assert item.id == 7
    assert item.key == "msp-gold"
    assert item.identifier == " MSP-Gold "
    assert item.fields == {
        "description": "Gold",
        "customerDescription": "Everything, per month",
        "price": Decimal("9.5"),
        "taxableFlag": False,
        "minStockLevel": 0,
        "subcategory": Reference(3, "Endpoint"),
        "vendor": Reference(4, "Supplier Ltd"),
    }
    assert item.notes == "  kept\r\nas it is "
    assert item.custom_field("BILLING") == CustomField(59, "Billing", "Text", "x")
    assert (item.last_updated, item.updated_by) == ("2026-11-01T00:00:00Z", "somebody")


@pytest.mark.parametrize("absent", [{}, {"notes": None, "customFields": None, "_info": None}])
async def test_what_a_server_leaves_out_is_not_set(absent: dict[str, Any]) -> None:
    item = await item_of({"id": 7, "identifier": "X"} | absent)
    assert (item.fields, item.notes, item.custom_fields) == ({}, "", ())
    assert (item.last_updated, item.updated_by) == ("", "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("price", "9.50"),
        ("price", True),
        ("taxableFlag", "true"),
        ("taxableFlag", 1),
        ("minStockLevel", 1.5),
        ("description", 5),
        ("subcategory", 3),
        ("subcategory", {"id": "3"}),
        ("subcategory", {}),
        ("notes", 5),
        ("notes", ["x"]),
        ("customFields", {}),
        ("customFields", [{"caption": "x"}]),
        ("customFields", ["x"]),
        ("_info", "x"),
        ("identifier", None),
        ("identifier", "  "),
        ("identifier", 7),
    ],
)
async def test_a_wrong_type_names_product_and_field(name: str, value: object) -> None:
    with pytest.raises(BadAnswer, match=rf"record 7.*{name}") as raised:
        await item_of(ROW | {name: value})
    assert raised.value.request == "GET /procurement/catalog/7"


@pytest.mark.parametrize("number", [None, "7", True, 7.5])
async def test_a_product_without_an_id_is_no_answer(number: object) -> None:
    with pytest.raises(BadAnswer, match="without an id"):
        await item_of(ROW | {"id": number})


@pytest.mark.parametrize("number", [0, -7, 10**15])
async def test_a_product_whose_id_no_plan_could_name_is_refused_by_name(number: int) -> None:
    with pytest.raises(BadAnswer, match=rf"record {number} \(.+\), id: it is no record id"):
        await item_of(ROW | {"id": number})


async def test_a_reference_out_of_all_proportion_is_refused_by_name() -> None:
    with pytest.raises(BadAnswer, match=r"record 7 .*subcategory: 1000000000000000 is no record id"):
        await item_of(ROW | {"subcategory": {"id": 10**15, "name": "Endpoint"}})
    assert (await item_of(ROW | {"subcategory": {"id": 0, "name": "Endpoint"}})).fields["subcategory"]


async def test_products_are_found_whatever_the_case_and_without_duplicates() -> None:
    async with sandbox() as (client, state):
        found = await catalog.items_by_identifiers(
            client, ["msp-gold", "MSP-GOLD ", "MSP-ENDPOINT", "NO-SUCH"]
        )
        again = await catalog.items_by_ids(client, [item.id for item in found] * 2 + [999_999])
        nothing = len(state.requests)
        assert await catalog.items_by_identifiers(client, []) == []
        assert await catalog.items_by_ids(client, []) == []
        assert len(state.requests) == nothing
    assert sorted(item.identifier for item in found) == ["MSP-ENDPOINT", "MSP-GOLD"]
    assert again == found
    assert all(item.fields["subcategory"] for item in found)


async def test_products_are_found_on_a_server_that_minds_the_case() -> None:
    async with sandbox(string_compare="sensitive") as (client, state):
        found = await catalog.items_by_identifiers(
            client, ["msp-gold", "Msp-Endpoint", "MSP-SERVER", "NO-SUCH"]
        )
        asked = len([request for request in state.requests if request.path.endswith("/catalog")])
    assert [item.identifier for item in found] == ["MSP-ENDPOINT", "MSP-SERVER", "MSP-GOLD"]
    assert asked == 2


async def test_what_a_server_answers_beyond_the_question_is_dropped() -> None:
    rows = [{"id": 1, "identifier": "OTHER"}, {"id": 2, "identifier": "msp-gold"}]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        assert [item.id for item in await catalog.items_by_identifiers(client, ["MSP-GOLD"])] == [2]
        assert [item.id for item in await catalog.items_by_ids(client, [1])] == [1]
        assert await catalog.items_with_marker(client) == []


async def test_only_what_is_needed_is_asked_for() -> None:
    async with sandbox() as (client, state):
        await catalog.items_by_identifiers(client, ["MSP-GOLD"])
        query = httpx.URL("?" + state.requests[-1].query).params
    names = {field.name for field in CATALOG_FIELDS} | {"id", "identifier", "notes", "customFields", "_info"}
    assert set(query["fields"].split(",")) == names


@pytest.mark.parametrize("quirk", ["allowed", "refused"])
async def test_markers_in_notes_are_found_with_or_without_the_filter(quirk: str) -> None:
    async with sandbox(notes_filter=quirk) as (client, state):
        expected = sorted(
            row["identifier"]
            for row in state.world.tables["catalog"].values()
            if "sophos:" in row.get("notes", "")
        )
        found = await catalog.items_with_marker(client)
    assert expected
    assert sorted(item.identifier for item in found) == expected
    assert all(item.fields["description"] for item in found)


@pytest.mark.parametrize("case", ["insensitive", "sensitive"])
async def test_markers_in_a_custom_field_are_found(case: str) -> None:
    async with sandbox(write=True, string_compare=case) as (client, _):
        definitions = await catalog.custom_field_definitions(client)
        mapping = next(field for field in definitions if field.caption == "Sophos Mapping")
        [item] = await catalog.items_by_identifiers(client, ["MSP-SERVER"])
        operations = patch_operations({}, custom_fields={mapping.id: "[sophos:main X-MSP]"})
        await catalog.patch_item(client, item.id, operations)
        found = await catalog.items_with_marker(client, "sophos mapping")
    assert [one.identifier for one in found] == ["MSP-SERVER"]
    assert [field.id for field in definitions] == [41, 42, 43]


@pytest.mark.parametrize(("refusals", "requests"), [(0, 1), (1, 2), (2, 4)])
async def test_a_refused_custom_field_filter_falls_back_step_by_step(refusals: int, requests: int) -> None:
    asked: list[httpx.Request] = []

    def field(value: object) -> list[dict[str, object]]:
        return [{"id": 1, "caption": "Mapping", "type": "Text", "value": value}]

    def answer(request: httpx.Request) -> httpx.Response:
        if request.url.params.get("pageSize") == "1":
            return httpx.Response(200, json=[])
        asked.append(request)
        if len(asked) <= refusals:
            return refused()
        rows = [
            {"id": 1, "identifier": "A", "customFields": field("[sophos:main X]")},
            {"id": 2, "identifier": "B", "customFields": field("people's own")},
            {"id": 3, "identifier": "C", "customFields": field(True)},
            {"id": 4, "identifier": "D", "notes": "[sophos:main X]"},
        ]
        return httpx.Response(200, json=rows)

    async with served(answer) as client:
        assert [item.identifier for item in await catalog.items_with_marker(client, "Mapping")] == ["A"]
    assert len(asked) == requests
    filters = [request.url.params.get("customFieldConditions") for request in asked]
    assert (
        filters[:2]
        == [
            'caption="Mapping" AND value contains "sophos:"',
            'caption="Mapping" AND value != null',
        ][: len(filters[:2])]
    )
    if refusals == 2:
        assert asked[2].headers["pagination-type"] == "forward-only"


async def test_a_caption_that_cannot_be_sent_is_looked_for_here() -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json=[])

    async with served(answer) as client:
        assert await catalog.items_with_marker(client, 'The "mapping"') == []
    assert [request.headers.get("pagination-type") for request in asked] == [None, "forward-only"]
    assert asked[0].url.params["fields"] == "id,customFields"


async def test_other_refusals_are_not_mistaken_for_a_missing_filter() -> None:
    async with served(lambda _: httpx.Response(409, json={"message": "locked"})) as client:
        for reading in (catalog.items_with_marker(client), catalog.search_items(client, "gold")):
            with pytest.raises(Refused, match="409"):
                await reading


@pytest.mark.parametrize("case", ["insensitive", "sensitive"])
async def test_names_like_a_mistyped_one_are_found(case: str) -> None:
    async with sandbox(string_compare=case) as (client, _):
        for typed in ("MSP-GLOD", "MSP-GOLDD", "msp-gold", "SP-GOLD", "MSPGOLD"):
            found = await catalog.similar_items(client, [typed])
            assert "MSP-GOLD" in [entry.identifier for entry in found], typed
        assert await catalog.similar_items(client, []) == []
        assert await catalog.similar_items(client, ["%", "x", ""]) == []


async def test_names_that_cannot_be_sent_still_lend_their_safe_pieces() -> None:
    async with sandbox() as (client, _):
        found = await catalog.similar_items(client, ["MSP-GOL'D"])
    assert "MSP-GOLD" in [entry.identifier for entry in found]


@pytest.mark.parametrize("case", ["insensitive", "sensitive"])
async def test_search_looks_into_identifier_and_description(case: str) -> None:
    async with sandbox(string_compare=case) as (client, _):
        by_name = await catalog.search_items(client, "gold")
        by_text = await catalog.search_items(client, "MTR")
        odd = await catalog.search_items(client, "50%")
    assert "MSP-GOLD" in [entry.identifier for entry in by_name]
    assert "SOPHOS-MTR" in [entry.identifier for entry in by_text]
    assert odd == []
    assert [entry.id for entry in by_name] == sorted(entry.id for entry in by_name)
    assert isinstance(by_text[0].price, Decimal)


async def test_a_refused_search_is_done_here() -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        if "conditions" in request.url.params:
            return refused()
        rows = [
            {"id": 1, "identifier": "A", "description": "Gold cover", "inactiveFlag": True},
            {"id": 2, "identifier": "B"},
        ]
        return httpx.Response(200, json=rows)

    async with served(answer) as client:
        found = await catalog.search_items(client, "GOLD")
    assert [(entry.identifier, entry.inactive, entry.price) for entry in found] == [("A", True, None)]


@pytest.mark.parametrize("row", [{"price": "4"}, {"inactiveFlag": 1}, {"description": []}, {"identifier": 4}])
async def test_a_wrong_type_in_a_listing_is_no_answer(row: dict[str, Any]) -> None:
    rows = [{"id": 5, "identifier": "GOLD"} | row]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        with pytest.raises(BadAnswer, match=f"record 5.*{next(iter(row))}"):
            await catalog.search_items(client, "gold")


async def test_an_empty_catalog_has_no_definitions() -> None:
    async with served(lambda _: httpx.Response(200, json=[])) as client:
        assert await catalog.custom_field_definitions(client) == []


async def test_a_product_is_created_and_changed_as_asked() -> None:
    async with sandbox(write=True) as (client, _):
        [subcategory, *_rest] = await read_table(client, Table.SUBCATEGORIES)
        [kind, *_rest] = await read_table(client, Table.TYPES)
        body = create_body(
            "MSP-NEW",
            {
                "description": "New",
                "customerDescription": "New, per month",
                "subcategory": Reference(subcategory.id, subcategory.name),
                "type": Reference(kind.id, kind.name),
                "productClass": "Agreement",
                "price": Decimal("4.50"),
                "taxableFlag": True,
                "cost": None,
            },
            notes="[sophos:main X-MSP]",
        )
        created = await catalog.create_item(client, body)
        assert created.identifier == "MSP-NEW"
        assert created.fields["price"] == Decimal("4.50")
        assert created.notes == "[sophos:main X-MSP]"
        changed = await catalog.patch_item(
            client,
            created.id,
            patch_operations(
                {"price": Decimal("5.25"), "manufacturerPartNumber": "P-1"}, identifier="MSP-NEWER", notes="n"
            ),
        )
        assert (changed.identifier, changed.fields["price"], changed.notes) == (
            "MSP-NEWER",
            Decimal("5.25"),
            "n",
        )
        cleared = await catalog.patch_item(
            client, created.id, patch_operations({"manufacturerPartNumber": None})
        )
        assert "manufacturerPartNumber" not in cleared.fields
        assert await catalog.get_item(client, created.id) == cleared
        with pytest.raises(RecordNotFound):
            await catalog.patch_item(client, 999_999, patch_operations({"price": Decimal(1)}))


async def test_field_errors_of_a_creation_are_named() -> None:
    async with sandbox(write=True) as (client, _):
        with pytest.raises(Refused) as raised:
            await catalog.create_item(client, {"identifier": "MSP-NEW"})
    assert "description" in {error.field for error in raised.value.field_errors}


async def test_a_written_product_that_cannot_be_read_back_is_unsure() -> None:
    async with served(lambda _: httpx.Response(201, json=ROW | {"price": "a lot"})) as client:
        with pytest.raises(Unsure, match="price"):
            await catalog.create_item(client, {})
        with pytest.raises(Unsure, match="price"):
            await catalog.patch_item(client, 7, [])


def test_changes_are_whole_values_in_documented_paths() -> None:
    assert patch_operations(
        {
            "subcategory": Reference(7, "Endpoint"),
            "price": Decimal("4.50"),
            "minStockLevel": 3,
            "taxableFlag": False,
            "vendorSku": None,
        },
        identifier="MSP-X",
        notes="",
        custom_fields={60: "b", 59: True},
    ) == [
        {"op": "replace", "path": "identifier", "value": "MSP-X"},
        {"op": "replace", "path": "subcategory", "value": {"id": 7}},
        {"op": "replace", "path": "price", "value": 4.5},
        {"op": "replace", "path": "minStockLevel", "value": 3},
        {"op": "replace", "path": "taxableFlag", "value": False},
        {"op": "remove", "path": "vendorSku"},
        {"op": "replace", "path": "notes", "value": ""},
        {
            "op": "replace",
            "path": "customFields",
            "value": [{"id": 59, "value": True}, {"id": 60, "value": "b"}],
        },
    ]
    assert patch_operations({}) == []


def test_a_creation_leaves_out_what_is_not_set() -> None:
    assert create_body("X", {"price": None, "type": Reference(1, "t")}, notes="", custom_fields={}) == {
        "identifier": "X",
        "type": {"id": 1},
    }
    assert create_body("X", {}, notes="n", custom_fields={1: "v"}) == {
        "identifier": "X",
        "notes": "n",
        "customFields": [{"id": 1, "value": "v"}],
    }


@pytest.mark.parametrize("table", sorted(PATHS))
async def test_set_up_tables_are_read_whole(table: Table) -> None:
    async with sandbox() as (client, state):
        entries = await read_table(client, table)
        assert state.requests[-1].path.endswith(PATHS[table])
    assert entries
    assert all(entry.name and entry.id for entry in entries)
    assert any(entry.parent for entry in entries) is (table is Table.SUBCATEGORIES)


async def test_inactive_rows_are_marked() -> None:
    rows = [
        {"id": 1, "name": "Old ", "inactiveFlag": True, "category": {"id": 2, "name": "Security "}},
        {"id": 2, "name": "New"},
    ]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        entries = await read_table(client, Table.SUBCATEGORIES)
    assert entries == [SetupEntry(1, "Old", "Security", True), SetupEntry(2, "New")]


@pytest.mark.parametrize(
    "row", [{"name": None}, {"name": 3}, {"inactiveFlag": "no"}, {"category": "Security"}]
)
async def test_a_wrong_type_in_a_set_up_table_is_no_answer(row: dict[str, Any]) -> None:
    rows = [{"id": 5, "name": "New"} | row]
    async with served(lambda _: httpx.Response(200, json=rows)) as client:
        with pytest.raises(BadAnswer, match=f"record 5.*{next(iter(row))}"):
            await read_table(client, Table.SUBCATEGORIES)


async def test_companies_are_read_by_identifier_only_and_never_deleted_ones() -> None:
    rows = [
        {"id": 1, "identifier": "Supplier"},
        {"id": 2, "identifier": "SUPPLIER", "deletedFlag": True},
        {"id": 3, "identifier": "OTHER"},
    ]
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.params["conditions"])
        return httpx.Response(200, json=rows)

    async with served(answer) as client:
        assert await vendors_by_identifiers(client, ["supplier", "x" * 31]) == [SetupEntry(1, "Supplier")]
        with pytest.raises(ValueError, match="identifiers"):
            await read_table(client, Table.COMPANIES)
    assert asked == ['identifier in ("supplier") and deletedFlag=false']

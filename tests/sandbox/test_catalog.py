"""Creating, changing and deleting catalog items."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest

from tests.sandbox.api import Api, item_body

if TYPE_CHECKING:
    from reconciler.sandbox.world import World

CATALOG = "procurement/catalog"


def complaints(body: Any) -> list[tuple[str, str]]:
    return [(entry["code"], entry["field"]) for entry in body["errors"]]


def test_create_fills_in_what_was_not_sent(world: World) -> None:
    moment = datetime(2026, 11, 22, 10, 30, 5, tzinfo=UTC)
    answer = Api(world, clock=lambda: moment).post(CATALOG, item_body(subcategory={"id": 2}))
    row = answer.json()
    assert answer.status_code == 201
    assert (row["id"], row["productClass"], row["inactiveFlag"], row["taxableFlag"]) == (
        4,
        "NonInventory",
        False,
        False,
    )
    assert (row["price"], row["cost"]) == (0.0, 0.0)
    assert row["unitOfMeasure"]["name"] == "Each"
    assert (row["subcategory"]["name"], row["category"]["name"]) == ("Server", "Security")
    assert row["_info"] == {
        "lastUpdated": "2026-11-22T10:30:05Z",
        "updatedBy": "apirec",
        "dateEntered": "2026-11-22T10:30:05Z",
    }
    assert world.catalog_item("NEW-ITEM")["id"] == 4


def test_references_resolve_by_name(api: Api) -> None:
    body = item_body(
        subcategory={"id": 0, "name": "MDR"}, type={"name": "Software"}, unitOfMeasure={"name": "User"}
    )
    row = api.post(CATALOG, body).json()
    assert (row["subcategory"]["name"], row["type"]["id"], row["unitOfMeasure"]["name"]) == ("MDR", 2, "User")


def test_everything_missing_is_said_at_once(api: Api) -> None:
    answer = api.post(CATALOG, {"identifier": "X"})
    body = answer.json()
    assert answer.status_code == 400
    assert (body["code"], body["message"]) == ("InvalidObject", "catalogItem object is invalid")
    assert complaints(body) == [
        ("MissingRequiredField", "description"),
        ("MissingRequiredField", "subcategory"),
        ("MissingRequiredField", "type"),
        ("MissingRequiredField", "customerDescription"),
    ]
    assert body["errors"][1] == {
        "code": "MissingRequiredField",
        "message": "The subcategory/id field is required.",
        "resource": "catalogItem",
        "field": "subcategory",
    }
    assert len(api.world.tables["catalog"]) == 3


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"identifier": "x" * 76}, "identifier"),
        ({"description": "x" * 61}, "description"),
        ({"vendorSku": "x" * 51}, "vendorSku"),
        ({"productClass": "agreement"}, "productClass"),
        ({"billableOption": "Free"}, "billableOption"),
        ({"price": "4.20"}, "price"),
        ({"price": True}, "price"),
        ({"minStockLevel": 1.5}, "minStockLevel"),
        ({"taxableFlag": "true"}, "taxableFlag"),
        ({"description": 5}, "description"),
        ({"subcategory": {"id": 999}}, "subcategory/id"),
        ({"type": {"name": "Nope"}}, "type/name"),
        ({"unitOfMeasure": 1}, "unitOfMeasure"),
        ({"customFields": [{"id": 99, "value": "x"}]}, "customFields"),
        ({"customFields": [{"id": 43, "value": "yes"}]}, "customFields"),
    ],
)
def test_one_wrong_field(api: Api, changes: dict[str, Any], field: str) -> None:
    answer = api.post(CATALOG, item_body(**changes))
    assert answer.status_code == 400
    assert complaints(answer.json()) == [("InvalidField", field)]


def test_what_cannot_be_written_is_ignored(api: Api) -> None:
    row = api.post(CATALOG, item_body(id=77, connectWiseID="x", unknownField=1)).json()
    assert row["id"] == 4
    assert "connectWiseID" not in row
    assert "unknownField" not in row


def test_line_ends_become_a_blank_except_in_notes(api: Api) -> None:
    row = api.post(CATALOG, item_body(customerDescription="one\r\ntwo\nthree", notes="one\ntwo")).json()
    assert row["customerDescription"] == "one two three"
    assert row["notes"] == "one\ntwo"


@pytest.mark.parametrize("path", ["price", "/price"])
def test_patch_replaces_one_field(world: World, path: str) -> None:
    moment = datetime(2026, 11, 22, 11, 0, 0, tzinfo=UTC)
    answer = Api(world, clock=lambda: moment).patch(f"{CATALOG}/1", ("replace", path, 5.5))
    row = answer.json()
    assert (answer.status_code, row["price"], row["cost"], row["identifier"]) == (200, 5.5, 1.9, "ALPHA")
    assert row["_info"]["lastUpdated"] == "2026-11-22T11:00:00Z"
    assert row["_info"]["dateEntered"] == "2026-11-01T08:00:00Z"
    assert row["_info"]["updatedBy"] == "apirec"
    assert world.catalog_item("ALPHA")["price"] == 5.5


def test_patch_adds_and_removes(api: Api) -> None:
    row = api.patch(
        f"{CATALOG}/1", ("add", "vendorSku", "S-1"), ("remove", "notes"), ("remove", "price")
    ).json()
    assert row["vendorSku"] == "S-1"
    assert "notes" not in row
    assert row["price"] == 0.0


def test_patch_of_a_whole_reference_moves_the_category(api: Api) -> None:
    licensing = api.world.find("subcategories", name="Productivity")
    row = api.patch(f"{CATALOG}/1", ("replace", "subcategory", {"id": licensing["id"]})).json()
    assert (row["subcategory"]["name"], row["category"]["name"]) == ("Productivity", "Software")


def test_patch_below_a_reference_changes_nothing_and_answers_200(api: Api) -> None:
    answer = api.patch(f"{CATALOG}/1", ("replace", "subcategory/id", 2))
    assert (answer.status_code, answer.json()["subcategory"]["id"]) == (200, 1)


@pytest.mark.parametrize(
    "body",
    [
        {"op": "replace", "path": "price", "value": 1},
        [{"op": "move", "path": "price", "value": 1}],
        [{"op": "Replace", "path": "price", "value": 1}],
        [{"op": "test", "path": "price", "value": 1}],
        [{"op": "replace", "path": "upc", "value": 1}],
        [{"op": "replace", "path": "Price", "value": 1}],
        [{"op": "replace", "path": "price/x", "value": 1}],
        [{"op": "replace", "path": "id", "value": 1}],
        [{"op": "replace", "path": "", "value": 1}],
        [{"op": "replace", "path": "price"}],
        ["replace"],
    ],
)
def test_patches_that_are_none(api: Api, body: Any) -> None:
    answer = api.connectwise("PATCH", f"{CATALOG}/1", json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "InvalidRequest")


def test_a_patch_is_applied_wholly_or_not_at_all(api: Api) -> None:
    answer = api.patch(f"{CATALOG}/1", ("replace", "price", 9.0), ("replace", "description", "x" * 61))
    assert answer.status_code == 400
    assert api.world.catalog_item("ALPHA")["price"] == 4.2


@pytest.mark.parametrize(
    "operation", [("remove", "identifier"), ("replace", "type", None), ("replace", "description", "")]
)
def test_a_required_field_stays(api: Api, operation: tuple[Any, ...]) -> None:
    answer = api.patch(f"{CATALOG}/1", operation)
    assert complaints(answer.json()) == [("MissingRequiredField", operation[1])]


def test_renaming_onto_another_item_is_refused(api: Api) -> None:
    answer = api.patch(f"{CATALOG}/1", ("replace", "identifier", "BETA"))
    assert complaints(answer.json()) == [("ObjectExists", "identifier")]
    assert api.patch(f"{CATALOG}/1", ("replace", "identifier", "alpha")).json()["identifier"] == "alpha"


def test_custom_fields_merge_by_id(api: Api) -> None:
    def values(answer: Any) -> dict[int, Any]:
        return {entry["id"]: entry["value"] for entry in answer.json()["customFields"]}

    api.patch(f"{CATALOG}/1", ("replace", "customFields", [{"id": 41, "value": "Gold"}]))
    both = api.patch(f"{CATALOG}/1", ("replace", "customFields", [{"id": 43, "value": False}]))
    assert values(both) == {41: "Gold", 42: None, 43: False}
    assert values(api.patch(f"{CATALOG}/1", ("replace", "customFields", []))) == {
        41: "Gold",
        42: None,
        43: False,
    }
    deep = api.patch(f"{CATALOG}/1", ("replace", "/customFields/1/value", "main"))
    assert values(deep) == {41: "Gold", 42: "main", 43: False}
    cleared = api.patch(f"{CATALOG}/1", ("replace", "customFields", [{"id": 41, "value": None}]))
    assert values(cleared) == {41: None, 42: "main", 43: False}
    assert api.patch(f"{CATALOG}/1", ("replace", "customFields/9/value", "x")).status_code == 400


def test_delete(api: Api) -> None:
    used = api.connectwise("DELETE", f"{CATALOG}/1")
    assert (used.status_code, used.json()["code"]) == (409, "Conflict")
    free = api.connectwise("DELETE", f"{CATALOG}/2")
    assert (free.status_code, free.content) == (204, b"")
    assert api.get(f"{CATALOG}/2").status_code == 404

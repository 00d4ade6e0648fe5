"""No body, however odd, makes the sandbox fail: it answers 2xx or 400, and keeps answering."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

from reconciler.sandbox.schema import RESOURCES
from tests.sandbox.api import item_body
from tests.sandbox.test_additions import LINES, body

if TYPE_CHECKING:
    from tests.sandbox.api import Api

SCALARS: tuple[Any, ...] = (None, True, 0, -1, 1.5, 1e308, "", "x", "2026-12-01T00:00:00Z", "\u0000")
REFERENCES: tuple[Any, ...] = (
    {}, {"id": 1}, {"id": None}, {"id": "1"}, {"id": [1]}, {"id": 0}, {"id": 1.0}, {"name": 5}, {"name": []},
    {"identifier": "ALPHA"},
)  # fmt: skip
LISTS: tuple[Any, ...] = ([], [1], [{"id": 41, "value": "x"}], [{"id": []}])
ODD = SCALARS + REFERENCES + LISTS


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(("table", "path"), [("catalog", "procurement/catalog"), ("additions", LINES)])
def test_odd_bodies(api: Api, table: str, path: str, seed: int) -> None:
    chance = random.Random(seed)
    names = list(RESOURCES[table].fields)
    for number in range(25):
        whole = item_body(identifier=f"ODD-{number}") if table == "catalog" else body()
        whole |= {chance.choice(names): chance.choice(ODD) for _ in range(2)}
        assert api.post(path, whole).status_code in (201, 400)
        ends = chance.choice(("", "", "/id", "/0/value"))
        operation = (
            chance.choice(("add", "replace", "remove")),
            chance.choice(names) + ends,
            chance.choice(ODD),
        )
        assert api.patch(f"{path}/1", operation).status_code in (200, 400)
    assert api.get(path, pageSize=1000).status_code == 200
    for name in names:
        assert api.get(path, orderBy=name, conditions=f"{name} = null").status_code in (200, 400)


@pytest.mark.parametrize("value", [1e13, -1e13, 1e308])
def test_numbers_that_no_price_has(api: Api, value: float) -> None:
    answer = api.patch("procurement/catalog/1", ("replace", "price", value))
    assert [(entry["code"], entry["field"]) for entry in answer.json()["errors"]] == [("OutOfRange", "price")]


@pytest.mark.parametrize("name", ["subcategory", "type", "vendor", "sla", "_info"])
def test_objects_have_no_order(api: Api, name: str) -> None:
    api.world.add_catalog_item("OTHER", subcategory="Server", sla={"id": 1, "name": "Gold"})
    assert api.get("procurement/catalog", orderBy=name).status_code == 400

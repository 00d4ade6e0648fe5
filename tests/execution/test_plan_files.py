"""What a run says where a server, a plan file or a person hands it what nobody foresaw."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft7Validator

from reconciler.cli.plan_files import read_plan
from reconciler.execution import run as run_module
from reconciler.execution.lines import write_line
from reconciler.model.diagnostics import ReconcilerError
from reconciler.model.plan_schema import plan_schema
from reconciler.model.plan_text import sealed
from tests.flows_usage.books import Books, message, results, update
from tests.support import COMPLETE

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from pathlib import Path

    Send = Callable[[httpx.Request], Awaitable[httpx.Response]]


@pytest.fixture
def books(tmp_path: Path) -> Books:
    """A site without customers."""
    return Books(tmp_path)


def two_lines(books: Books) -> Books:
    """Alder goes from 10 to 12 on line #1, Birch from 5 to 6 on line #2."""
    books.customer("Alder", ep=(10, 10, 12))
    books.customer("Birch", ep=(5, 5, 6))
    return books.live()


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("unitPrice", 40.0, "unitPrice: 4.00 → 40.00"),
        ("unitCost", 1.0, "unitCost: 2.00 → 1.00"),
        ("lessIncluded", 3.0, "lessIncluded: 0.00 → 3.00"),
        ("billCustomer", "NoCharge", "billCustomer: Billable → NoCharge"),
        ("cancelledDate", "2026-11-26T00:00:00Z", "cancelledDate: not set → 2026-11-26"),
    ],
)
def test_terms_that_moved_with_a_write_are_said(books: Books, name: str, value: Any, said: str) -> None:
    books.customer("Alder", ep=(10, 10, 12))
    books.live()

    async def moved(request: httpx.Request, send: Send) -> httpx.Response:
        answer = await send(request)
        books.world.addition(1)[name] = value
        row = json.loads(await answer.aread()) | {name: value}
        return httpx.Response(200, json=row, request=request)

    books.break_("PATCH", "/additions/1", moved)
    applied = books.apply()
    assert results(applied) == {update(1, "MSP-EP"): "server kept"}
    assert said in message(applied, update(1, "MSP-EP"))
    assert applied.code != 0


def test_a_number_nobody_counts_in_an_answer_keeps_the_report(books: Books) -> None:
    two_lines(books)

    async def absurd(request: httpx.Request, send: Send) -> httpx.Response:
        body = (await (await send(request)).aread()).decode().replace('"quantity":12.0', '"quantity":1e40')
        return httpx.Response(200, text=body, headers={"content-type": "application/json"}, request=request)

    books.break_("PATCH", "/additions/1", absurd)
    applied = books.apply()
    assert results(applied)[update(2, "MSP-EP")] == "applied"
    assert books.quantity(1) == 12.0


def test_a_fault_in_one_request_leaves_the_other_outcomes(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    two_lines(books)
    told: list[Any] = []
    execute = run_module.execute

    async def faulty(client: Any, changes: Any, *more: Any) -> Any:
        if changes[0].target.agreement == 1:
            raise RuntimeError("nobody foresaw this")
        return await write_line(client, changes, *more)

    async def listened(*given: Any, on_outcome: Callable[[Any], None], **how: Any) -> None:
        def tell(outcome: Any) -> None:
            told.append(outcome)
            on_outcome(outcome)

        await execute(*given, on_outcome=tell, **how)

    monkeypatch.setattr(run_module, "write_line", faulty)
    monkeypatch.setattr("reconciler.cli.applying.execute", listened)
    with pytest.raises(RuntimeError, match="nobody foresaw"):
        books.run("apply", str(books.folder), "--yes")
    found = {one.change.id: one.result.value for one in told}
    assert found[update(1, "MSP-EP")] == "unsure"
    assert found.keys() == {update(1, "MSP-EP"), update(2, "MSP-EP")}


@pytest.mark.parametrize("text", ["a" * 101, "a" * 3000])
def test_a_long_search_is_a_usage_error(books: Books, text: str) -> None:
    books.live()
    said = books.run("search", text)
    assert (said.code, "100 characters" in said.err) == (64, True)


# --- plan files that were edited and signed again

CREATED = "products:\n  MSP-NEW: {" + COMPLETE + "}\n"


def many(books: Books) -> Books:
    """A plan with a line, an edit, a creation, and codes mapped, unmapped and switched."""
    books.product("em", tagged=False)
    books.world.add_catalog_item("MSP-OLD", notes="[sophos:main GONE, OFF-MSP (sync off)]")
    books.mapped["OFF-MSP"] = "{product: MSP-OLD, sync: true}"
    books.mapped["NEW-MSP"] = "{product: MSP-NEW, sync: false}"
    two_lines(books)
    return books.live(CREATED + "  MSP-EP: {price: 4.5, customFields: {Vendor Programme: Gold}}\n")


def signed(path: Path, data: Any) -> Path:
    """The file with this content and the hash that it has to have."""
    path.write_text("".join(sealed(data)), encoding="utf-8")
    return path


def change(data: Any, start: str) -> Any:
    """The first change whose id starts so."""
    return next(one for one in data["changes"] if one["id"].startswith(start))


def test_what_the_planner_makes_is_read(books: Books) -> None:
    path = many(books).save()
    assert {one.action.value for one in read_plan(path).changes} >= {
        "create_product", "edit_product", "map_product", "unmap_product", "enable_sync", "update_line",
    }  # fmt: skip


LINE, EDIT, MAP, UNMAP, NEW = (
    "update_line:", "edit_product:", "map_product:product/MSP-EM", "unmap_product:", "create_product:",
)  # fmt: skip
EDITS: dict[str, Callable[[Any], Any]] = {
    "null": lambda d: change(d, LINE)["fields"][0].update(after=None),
    "negative": lambda d: change(d, LINE)["fields"][0].update(after="-5"),
    "word": lambda d: change(d, LINE)["fields"][0].update(after="abc"),
    "absurd": lambda d: change(d, LINE)["fields"][0].update(after="1e40"),
    "json number": lambda d: change(d, LINE)["fields"][0].update(after=12),
    "nothing expected": lambda d: change(d, LINE)["fields"][0].update(before=None),
    "no field": lambda d: change(d, LINE).update(fields=[]),
    "twice": lambda d: change(d, LINE)["fields"].append(dict(change(d, LINE)["fields"][0])),
    "foreign field": lambda d: change(d, LINE)["fields"][0].update(field="cancelledDate"),
    "other action": lambda d: change(d, LINE).update(action="unmap_product"),
    "no agreement": lambda d: change(d, LINE)["target"].update(agreement=None),
    "no line": lambda d: change(d, LINE)["target"].update(id=None),
    "fractional id": lambda d: change(d, LINE)["target"].update(id=1.0),
    "endless id": lambda d: change(d, LINE)["target"].update(id=10**40),
    "another product": lambda d: change(d, LINE)["precondition"].update(identifier="MSP-SV"),
    "id twice": lambda d: d["changes"].append(change(d, LINE)),
    "line of a product": lambda d: change(d, EDIT)["target"].update(agreement=1),
    "text for money": lambda d: change(d, EDIT)["fields"][0].update(after="much"),
    "unknown field": lambda d: change(d, EDIT)["fields"][0].update(field="notes"),
    "no custom field": lambda d: change(d, EDIT)["fields"][0].update(field="customFields/"),
    "list": lambda d: change(d, EDIT)["fields"][0].update(field="customFields/Vendor Programme", after=[1]),
    "class": lambda d: change(d, NEW)["fields"].append(
        {"field": "priceAttribute", "before": None, "after": "Free"}
    ),
    "another name": lambda d: change(d, NEW)["fields"][0].update(after="MSP-OTHER"),
    "cleared": lambda d: change(d, NEW)["fields"][1].update(after=None),
    "created with an id": lambda d: change(d, NEW)["target"].update(id=1),
    "mapped to off": lambda d: change(d, MAP)["fields"][0].update(after=None),
    "mapped to a word": lambda d: change(d, MAP)["fields"][0].update(after="sync"),
    "no code": lambda d: change(d, MAP)["fields"][0].update(field="sophos/"),
    "price in a mapping": lambda d: change(d, MAP)["fields"][0].update(field="price", after="1"),
    "created by nothing": lambda d: (
        change(d, MAP)["target"].update(id=None), change(d, MAP)["precondition"].update(identifier=None)
    ),
    "unmapped to on": lambda d: change(d, UNMAP)["fields"][0].update(after="sync on"),
    "owner": lambda d: d["marker"].update(owner="x] [sophos:evil EVIL"),
    "no caption": lambda d: d["marker"].update(customField=" "),
    "no period": lambda d: d.update(period=None),
    "running": lambda d: d["period"].update(closed=False),
    "early month": lambda d: d["period"].update(month="1999-01"),
    "last month of all": lambda d: d["period"].update(month="9999-12"),
    "no day": lambda d: d["period"].update(lastDay="2026-11-31"),
    "today": lambda d: d.update(today="2026-13-01"),
    "no invoice day": lambda d: d["lines"][0].update(firstInvoice="2026-02-30"),
    "half a letter": lambda d: change(d, LINE)["target"].update(identifier="\ud800"),
    "endless money": lambda d: change(d, LINE)["money"].update(after="9" * 200),
    "decimals of no currency": lambda d: change(d, LINE)["money"].update(after="4.00000"),
    "endless price": lambda d: d["lines"][0].update(unitPrice="9" * 200),
}  # fmt: skip


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS.keys())
def test_what_no_planner_makes_is_not_read(books: Books, edit: Callable[[Any], Any]) -> None:
    path = many(books).save()
    data = json.loads(path.read_text())
    edit(data)
    said = books.run("apply", str(signed(path, data)), "--yes")
    assert (said.code, "plan-unreadable" in said.err, books.patches) == (1, True, [])


def test_a_request_is_about_one_record(books: Books) -> None:
    path = two_lines(books).save()
    data = json.loads(path.read_text())
    first, second = data["changes"]
    second["write"] = first["write"]
    assert books.run("apply", str(signed(path, data)), "--yes").code == 1
    second["write"] = "another"
    second["target"] = first["target"]
    assert books.run("apply", str(signed(path, data)), "--yes").code == 1
    assert books.patches == []


ODD: tuple[Any, ...] = (
    None, "", "\ud800", "9" * 400, "9999-12", "0000-00-00", 1.0, float("nan"), 10**300, [[]], {"id": True},
)  # fmt: skip


def places(data: Any, *path: Any) -> Iterator[tuple[Any, ...]]:
    """The way to every value in a document; of lists the first member."""
    inside = data.items() if isinstance(data, dict) else enumerate(data[:1]) if isinstance(data, list) else ()
    for key, value in inside:
        yield (*path, key)
        yield from places(value, *path, key)


def test_no_value_anywhere_ends_in_a_traceback(books: Books) -> None:
    path = many(books).save()
    whole = json.loads(path.read_text())
    schema, tried = Draft7Validator(plan_schema()), 0
    for way in places(whole):
        for odd in ODD:
            data = deepcopy(whole)
            inner = data
            for step in way[:-1]:
                inner = inner[step]
            inner[way[-1]] = odd
            if not schema.is_valid(data):
                continue
            tried += 1
            try:
                read_plan(signed(path, data)).to_json()
            except ReconcilerError:
                continue
    assert tried > 100

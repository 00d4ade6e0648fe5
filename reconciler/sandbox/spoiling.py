"""Answers as they come back when something went wrong on the way: pages, items, types, texts.

Each function takes a JSON body that was good and returns another one, or None where it has nothing to work
on. Only what a client can see is made up: a list that is shorter than it was, and says nothing of it, looks
like a shorter list, and so does a record without a field that may be absent.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

    from reconciler.sandbox.world import Row

#: Fields that records always have, so that one without them, or with something else in them, is no record.
ALWAYS = frozenset(
    {
        "id", "identifier", "product", "quantity", "company", "productCode", "billableQuantity",
        "unitPrice", "billCustomer", "effectiveDate", "agreementId", "startDate", "endDate",
        "results", "entities", "statusCode", "success", "sequenceNumber",
    }
)  # fmt: skip
#: Among them, those of which both systems hold records that lack them.
_NOT_MISSED = frozenset({"startDate", "endDate", "company"})


def records(body: Any) -> list[Row]:
    """The records of an answer: itself, its list's, its items', or those of a bundle's lists."""
    return list(_records(body))


def _records(body: Any) -> Iterator[Row]:
    if isinstance(body, list):
        for entry in body:
            yield from _records(entry)
    elif isinstance(body, dict):
        inner = next((body[name] for name in ("items", "results", "entities") if name in body), None)
        if isinstance(inner, list):
            yield from _records(inner)
        if inner is None or "entities" in body:
            yield body


def with_wrong_type(body: Any, chance: Random) -> Any:
    """One value of one record is of another type."""
    found = _field(body, chance, ALWAYS)
    if found is None:
        return None
    row, name = found
    row[name] = _otherwise(row[name], chance)
    return body


def without_field(body: Any, chance: Random) -> Any:
    """One record lacks a field that every record has."""
    found = _field(body, chance, ALWAYS - _NOT_MISSED)
    if found is None:
        return None
    row, name = found
    del row[name]
    return body


def with_more_fields(body: Any) -> Any:
    """Every record has fields that nobody has heard of, as after an upgrade."""
    found = records(body)
    for row in found:
        row["zzNewInThisRelease"] = {"id": 1, "name": "New", "quantity": "many", "_info": {}}
        row["zzFlags"] = [True, None, 1.5]
    return body if found else None


def cut_short(text: bytes, chance: Random) -> bytes | None:
    """The text up to some place in its middle."""
    if len(text) < 3:
        return None
    return text[: chance.randrange(1, len(text) - 1)]


def rows_of(body: Any) -> list[Row] | None:
    """The list of an answer that is one page of a list; None where it is none."""
    found = body.get("items") if isinstance(body, dict) else body
    return found if isinstance(found, list) else None


def with_rows(body: Any, rows: list[Row]) -> Any:
    """The same page with other rows; what it says of its numbers stays."""
    return {**body, "items": rows} if isinstance(body, dict) else rows


def repeated_row(body: Any) -> Any:
    """A page on which its first row stands twice: the last one has given way where there are more."""
    rows = rows_of(body)
    if not rows:
        return None
    return with_rows(body, [*rows[:-1], rows[0]] if len(rows) > 1 else [rows[0], rows[0]])


def fewer_rows(body: Any) -> Any:
    """A page with fewer rows than it says; a plain list says nothing and is left alone."""
    rows = rows_of(body)
    if not rows or not isinstance(body, dict):
        return None
    return with_rows(body, rows[:-1])


def failing_item(body: Any, chance: Random) -> Any:
    """A bundle of which one list was not answered, was answered in part, or twice."""
    results = body.get("results") if isinstance(body, dict) else None
    if not isinstance(results, list) or not results:
        return None
    at = chance.randrange(len(results))
    one = results[at]
    how = chance.choice(("failed", "missing", "short", "repeated"))
    if how == "failed":
        status = chance.choice((403, 404, 500, 503))
        error = {"code": "Made up", "message": f"made-up failure {status}"}
        results[at] = {**one, "success": False, "statusCode": status, "entities": [], "error": error}
        results[at]["count"] = 0
    elif how == "short" and one.get("entities"):
        one["entities"] = one["entities"][:-1]
    elif how == "repeated":
        results.append(one)
    else:
        del results[at]
    return body


def half_page(body: Any, *, key: str) -> Any:
    """The first half of a page, which says that another follows; None below two rows."""
    rows = rows_of(body)
    if not rows or len(rows) < 2:
        return None
    half = with_rows(body, rows[: len(rows) // 2])
    if isinstance(half, dict):
        half["pages"] = {**half.get("pages", {}), "total": 2} | ({"nextKey": key} if key else {})
    return half


def _field(body: Any, chance: Random, names: frozenset[str]) -> tuple[Row, str] | None:
    fields = [(row, name) for row in records(body) for name in sorted(names & row.keys())]
    return chance.choice(fields) if fields else None


def _otherwise(value: Any, chance: Random) -> Any:
    if isinstance(value, (dict, list)):
        return chance.choice(("text", 7, [[]]))
    if isinstance(value, str):
        return chance.choice(({}, [value], 7))
    return chance.choice(("many", {}, [value]))


def parsed(text: bytes) -> Any:
    """A fresh copy of an answer's JSON; None for none."""
    return json.loads(text) if text else None

"""POST /system/bundles: the first pages of many lists in one request.

From the OpenAPI document, release 2025.8, and one public client. Only reads are documented. Each list has
its own success and status. That client sends 50 lists at most, uses the agreement's id as sequence number
and writes keys in Pascal case, so names in the answer are compared without regard to case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeGuard

from reconciler.connectwise.client import ACCEPT, PAGE_SIZE
from reconciler.transport.answers import spoken
from reconciler.transport.errors import Unsure

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from reconciler.connectwise.client import Client, Row

BUNDLES = "/system/bundles"
#: The most lists that a bundle is known to hold; the real limit is not documented.
MOST = 50
_VERSION = ACCEPT.partition("version=")[2]
#: Names inside references and `_info`, besides the fields that are asked for.
_INNER = ("id", "identifier", "name", "lastUpdated", "updatedBy")


@dataclass(frozen=True)
class Ask:
    """One list: `resource` (`addition`) below the record `parent`, and which `fields` of it, by commas.

    `sequence` is what the answer is found by.
    """

    sequence: int
    resource: str
    parent: int
    fields: str
    conditions: str = ""


@dataclass(frozen=True)
class Found:
    """A list's first page, ordered by id; `complete` is False where it is not known to be all of it."""

    rows: list[Row]
    complete: bool


@dataclass(frozen=True)
class Failed:
    """A list that was not answered, which is not the same as an empty one. `status` is its own."""

    reason: str
    status: int | None = None


async def ask_bundle(client: Client, asks: Sequence[Ask]) -> dict[int, Found | Failed]:
    """The answers by sequence number: one for each list that was asked for, and none besides.

    Raises ApiError's subclasses where the bundle as a whole is refused, and BadAnswer where the answer is
    no collection of results.
    """
    by_sequence = {one.sequence: one for one in asks}
    if len(by_sequence) != len(asks):
        raise ValueError("two lists with one sequence number")
    try:
        answer = await client.post(BUNDLES, {"requests": [_request(one) for one in asks]})
    except Unsure:
        # A bundle only reads, so there is nothing to be unsure of.
        raise client.bad_answer("POST", BUNDLES, "the answer is not a collection of results") from None
    results = _lowered(answer).get("results")
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        raise client.bad_answer("POST", BUNDLES, "the answer is not a collection of results")
    answers: dict[int, Found | Failed] = {}
    for result in map(_lowered, results):
        sequence = result.get("sequencenumber")
        ask = by_sequence.get(sequence) if _is_whole(sequence) else None
        if ask is None:
            continue
        twice = ask.sequence in answers
        answers[ask.sequence] = Failed("the bundle answers it twice") if twice else _judge(ask, result)
    return {number: answers.get(number, Failed("the bundle does not answer it")) for number in by_sequence}


def _request(ask: Ask) -> Row:
    filters = {"orderBy": "id asc"} | ({"conditions": ask.conditions} if ask.conditions else {})
    return {
        "sequenceNumber": ask.sequence,
        "resourceType": ask.resource,
        "version": _VERSION,
        "apiRequest": {
            "parentId": ask.parent,
            "fields": ask.fields,
            "filters": filters,
            "page": {"page": 1, "pageSize": PAGE_SIZE},
        },
    }


def _judge(ask: Ask, result: Mapping[str, Any]) -> Found | Failed:
    """One result. It has to say that it went well, and nothing in it may say otherwise.

    Only an answer that counts its own entities is complete. Without a count, or with one that is not what
    came, nobody knows whether entities are missing; the list read by itself says so for certain.
    """
    status, success, entities = (result.get(name) for name in ("statuscode", "success", "entities"))
    if success is not True or not _is_whole(status) or not 200 <= status < 300:
        said = spoken(_lowered(result.get("error")))
        code = status if _is_whole(status) else None
        return Failed(
            f"the server answers {code or 'without a status'}" + (f", {said}" if said else ""), code
        )
    if not isinstance(entities, list):
        return Failed("its entities are not a list")
    names = {name.lower(): name for name in (*ask.fields.split(","), *_INNER)}
    rows: list[Row] = []
    seen: set[int] = set()
    for entity in entities:
        row = entity if isinstance(entity, dict) and "id" in entity else _named(entity, names)
        number = row.get("id") if isinstance(row, dict) else None
        if not _is_whole(number):
            return Failed("it holds an entry without an id")
        if number in seen:
            return Failed(f"it repeats record {number}")
        seen.add(number)
        rows.append(row)
    count = result.get("count")
    is_all = _is_whole(count) and count == len(rows)
    return Found(rows, complete=is_all and len(rows) < PAGE_SIZE)


def _named(value: Any, names: Mapping[str, str]) -> Any:
    """The value with the names that are known spelt as the API documents them, at every depth."""
    if isinstance(value, dict):
        return {names.get(str(key).lower(), key): _named(inner, names) for key, inner in value.items()}
    return [_named(inner, names) for inner in value] if isinstance(value, list) else value


def _lowered(value: Any) -> dict[str, Any]:
    return {str(key).lower(): inner for key, inner in value.items()} if isinstance(value, dict) else {}


def _is_whole(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool)

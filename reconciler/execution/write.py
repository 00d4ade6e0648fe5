"""One request: look once more, send what is still to do, compare the answer with what was sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from reconciler.connectwise import catalog, patching
from reconciler.execution.side_effects import side_effects
from reconciler.execution.state import MarkerPlace, current, is_value, stale_values
from reconciler.execution.telling import is_about, not_done, sent, share, told, unrecorded
from reconciler.model import marker
from reconciler.model.change import CUSTOM_FIELD_PREFIX, MAPPING_PREFIX
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.fields import (
    FIELDS_BY_NAME,
    IDENTIFIER,
    Value,
    from_plan,
    normalise_custom,
    to_wire,
)
from reconciler.model.identifiers import identifier_key
from reconciler.model.outcome import Outcome, Result
from reconciler.transport.errors import RecordNotFound, Unsure

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from reconciler.connectwise.client import Client
    from reconciler.execution.telling import BeforeWrite
    from reconciler.model.change import Change
    from reconciler.model.field_change import FieldChange
    from reconciler.model.observed import CatalogItem, CustomField

#: When to look whether a create whose answer was lost has arrived; seconds after the loss.
LOOKUPS = (2.0, 5.0, 10.0)


@dataclass(frozen=True)
class Writer:
    """What every request of a run needs.

    `definitions` are the catalog's custom fields, by caption key. `product_ids` remembers the record ids that
    were looked up for lines, by identifier key; `former` the former codes of products before this run wrote
    them, by record id. `before_write` is told right before a request is sent that
    writes. `member` is the ConnectWise member that we write as, where that is known.
    """

    client: Client
    place: MarkerPlace
    definitions: Mapping[str, CustomField] = field(default_factory=dict)
    product_ids: dict[str, int] = field(default_factory=dict)
    former: dict[int, frozenset[str]] = field(default_factory=dict)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    before_write: BeforeWrite = unrecorded
    member: str | None = None


async def write(changes: Sequence[Change], writer: Writer) -> list[Outcome]:
    """Send the request that these changes share and say what became of each. Raises nothing of the API's."""
    try:
        if changes[0].target.id is None:
            return await _create(changes, writer)
        return await _edit(changes[0].target.id, changes, writer)
    except ReconcilerError as failed:
        return not_done(changes, failed, *_paths(changes[0].target.id))


def _paths(item_id: int | None) -> tuple[str, str]:
    return catalog.CATALOG, f"{catalog.CATALOG}/{item_id}"


async def _edit(item_id: int, changes: Sequence[Change], writer: Writer) -> list[Outcome]:
    try:
        item = await catalog.get_item(writer.client, item_id)
    except RecordNotFound:
        return share(changes, Result.FAILED, f"product id {item_id} is no longer in ConnectWise; plan again")
    writer.former.setdefault(item_id, writer.place.former(item))
    stale = stale_values(item, changes, writer.place)
    if stale:
        said = "; ".join(dict.fromkeys(str(one) for one in stale))
        return share(changes, Result.FAILED, f"{said}. Nothing was written to it; plan again")
    open_fields = [
        one
        for change in changes
        for one in change.fields
        if not is_value(item, one.field, one.after, writer.place)
    ]
    if not open_fields:
        return share(changes, Result.ALREADY_OK)
    values = _values(open_fields, item, writer)
    operations = patching.patch_operations(
        values.fields,
        identifier=values.identifier,
        notes=values.notes,
        custom_fields=values.custom_fields,
        absent=_absent(item),
    )
    writer.before_write(sent(changes, open_fields))
    try:
        answer = await catalog.patch_item(writer.client, item_id, operations)
    except Unsure as lost:
        if not is_about(lost, *_paths(item_id)):
            raise
        return await _after_lost_patch(item_id, changes, lost, writer)
    outcomes = [_compared(change, answer, writer) for change in changes]
    names = {one.field for one in open_fields}
    outcomes = _noted(outcomes, side_effects(item.fields, answer.fields, names))
    return _people_kept(item, answer, outcomes, writer)


def _noted(outcomes: list[Outcome], effects: list[str]) -> list[Outcome]:
    """The outcomes, with what else came back changed in the same answer."""
    if not effects:
        return outcomes
    said = f"ConnectWise or somebody else changed at the same moment: {'; '.join(effects)}"
    return [replace(one, message=f"{one.message}; {said}" if one.message else said) for one in outcomes]


async def _after_lost_patch(
    item_id: int, changes: Sequence[Change], lost: Unsure, writer: Writer
) -> list[Outcome]:
    """A patch sets absolute values: what stands there now says whether it arrived."""
    try:
        item = await catalog.get_item(writer.client, item_id)
    except ReconcilerError as failed:
        return share(changes, Result.UNSURE, f"{told(lost)}; looking it up failed too: {told(failed)}")
    missing = [
        one
        for change in changes
        for one in change.fields
        if not is_value(item, one.field, one.after, writer.place)
    ]
    if missing:
        return share(changes, Result.UNSURE, f"{told(lost)}; it may still arrive: plan again in a minute")
    return share(changes, Result.APPLIED, "the answer was lost; found as wanted when looked up")


async def _create(changes: Sequence[Change], writer: Writer) -> list[Outcome]:
    identifier = changes[0].target.identifier
    existing = await _look_up(identifier, writer)
    if existing is not None:
        done = all(
            is_value(existing, one.field, one.after, writer.place)
            for change in changes
            for one in change.fields
        )
        if done:
            return share(changes, Result.ALREADY_OK, f"product id {existing.id}")
        return share(
            changes,
            Result.FAILED,
            f"{identifier} exists by now (id {existing.id}), with other values. "
            "Nothing was written; plan again",
        )
    fields = [one for change in changes for one in change.fields]
    values = _values(fields, None, writer)
    body = patching.create_body(
        identifier, values.fields, notes=values.notes, custom_fields=values.custom_fields
    )
    writer.before_write(changes)
    try:
        answer = await catalog.create_item(writer.client, body)
    except Unsure as lost:
        return await _after_lost_create(identifier, changes, lost, writer)
    return _created(identifier, changes, answer, writer)


async def _after_lost_create(
    identifier: str, changes: Sequence[Change], lost: Unsure, writer: Writer
) -> list[Outcome]:
    """It is looked for, and never sent again: what is found with our tag is ours."""
    try:
        found = await _await_arrival(identifier, writer)
    except ReconcilerError as failed:
        return share(changes, Result.UNSURE, f"{told(lost)}; looking it up failed too: {told(failed)}")
    if found is None:
        return share(
            changes,
            Result.UNSURE,
            f"{told(lost)}; looked up for {sum(LOOKUPS):.0f} s and not found. "
            "It was not sent again, because it may still arrive: plan again in a few minutes",
        )
    tagged = all(
        is_value(found, one.field, one.after, writer.place)
        for change in changes
        for one in change.fields
        if one.field.startswith(MAPPING_PREFIX)
    )
    if not tagged:
        return share(
            changes,
            Result.UNSURE,
            f"{told(lost)}; {identifier} exists by now (id {found.id}) without the tag that was sent, so it "
            "is probably somebody else's: plan again in a few minutes",
        )
    return _created(identifier, changes, found, writer)


def _created(
    identifier: str, changes: Sequence[Change], answer: CatalogItem, writer: Writer
) -> list[Outcome]:
    if answer.key != identifier_key(identifier):
        said = (
            f"ConnectWise created it under another identifier, {answer.identifier.strip()} (id {answer.id}), "
            f"probably because {identifier} was taken in the same moment. Retire id {answer.id} in "
            "ConnectWise, then plan again"
        )
        return [Outcome(change, Result.FAILED, said, answer.id) for change in changes]
    return [_compared(change, answer, writer, created=True) for change in changes]


async def _look_up(identifier: str, writer: Writer) -> CatalogItem | None:
    found = await catalog.items_by_identifiers(writer.client, [identifier])
    return next((item for item in found if item.key == identifier_key(identifier)), None)


async def _await_arrival(identifier: str, writer: Writer) -> CatalogItem | None:
    for seconds in LOOKUPS:
        await writer.sleep(seconds)
        found = await _look_up(identifier, writer)
        if found is not None:
            return found
    return None


@dataclass
class _Values:
    """What to send: fields by name, custom fields by id, and the text that holds the tag."""

    fields: dict[str, Value] = field(default_factory=dict)
    custom_fields: dict[int, Any] = field(default_factory=dict)
    identifier: str | None = None
    notes: str | None = None


def _values(fields: Sequence[FieldChange], item: CatalogItem | None, writer: Writer) -> _Values:
    values = _Values()
    mappings = []
    for one in fields:
        if one.field.startswith(MAPPING_PREFIX):
            mappings.append(one)
        elif one.field.startswith(CUSTOM_FIELD_PREFIX):
            definition = _definition(one.field.removeprefix(CUSTOM_FIELD_PREFIX), item, writer)
            values.custom_fields[definition.id] = to_wire(normalise_custom(definition.type, one.after))
        elif one.field == IDENTIFIER.name:
            values.identifier = one.after
        else:
            values.fields[one.field] = from_plan(FIELDS_BY_NAME[one.field], one.after)
    if mappings:
        text = writer.place.rewritten(item, mappings)
        if writer.place.custom_field is None:
            values.notes = text
        else:
            values.custom_fields[_definition(writer.place.custom_field, item, writer).id] = text or None
    return values


def _absent(item: CatalogItem) -> set[str]:
    """The fields that have no value now."""
    absent = {name for name in FIELDS_BY_NAME if item.fields.get(name) is None}
    return absent if item.notes else absent | {"notes"}


def _definition(caption: str, item: CatalogItem | None, writer: Writer) -> CustomField:
    found = item.custom_field(caption) if item is not None else None
    found = found or writer.definitions.get(identifier_key(caption))
    if found is None:
        raise ReconcilerError(
            error("custom-field-unknown", f"ConnectWise products have no custom field {caption!r} any more.")
        )
    return found


def _compared(change: Change, answer: CatalogItem, writer: Writer, *, created: bool = False) -> Outcome:
    """Applied, or what the server kept instead: some requests are answered 200 and change nothing."""
    kept = [
        f"{one.field} is {current(answer, one.field, writer.place)!r} instead of {one.after!r}"
        for one in change.fields
        if not is_value(answer, one.field, one.after, writer.place)
    ]
    if kept:
        said = f"ConnectWise kept another value: {'; '.join(kept)}"
        return Outcome(change, Result.SERVER_KEPT, said, answer.id)
    return Outcome(change, Result.APPLIED, f"product id {answer.id}" if created else "", answer.id)


def _people_kept(
    before: CatalogItem, after: CatalogItem, outcomes: list[Outcome], writer: Writer
) -> list[Outcome]:
    """Say it where the text around the tag came back changed."""
    place = writer.place
    if marker.without(place.text(before), place.owner) == marker.without(place.text(after), place.owner):
        return outcomes
    said = "the notes around the tag came back changed: look at the product's notes in ConnectWise"
    return [
        replace(one, result=Result.SERVER_KEPT, message=f"{one.message}; {said}" if one.message else said)
        for one in outcomes
    ]

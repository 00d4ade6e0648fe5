"""Products and mappings of a run, as they were before it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.model.change import (
    CUSTOM_FIELD_PREFIX,
    MAPPING_PREFIX,
    SYNC_ON,
    Action,
    Change,
    Target,
    product_key,
)
from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.model.field_change import FieldChange
from reconciler.model.fields import FIELDS_BY_NAME, IDENTIFIER
from reconciler.model.product_state import MarkerPlace, current, is_value
from reconciler.model.value_check import value_problems

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from reconciler.model.journal import Journal, Written
    from reconciler.model.observed import CatalogItem
    from reconciler.model.present import Present

_BACK = {
    Action.MAP_PRODUCT: Action.UNMAP_PRODUCT,
    Action.UNMAP_PRODUCT: Action.MAP_PRODUCT,
    Action.ENABLE_SYNC: Action.DISABLE_SYNC,
    Action.DISABLE_SYNC: Action.ENABLE_SYNC,
}


@dataclass
class ProductRollback:
    """Changes and problems; `renamed` gives the identifier and the request of products that are renamed."""

    changes: list[Change] = field(default_factory=list)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    renamed: dict[int, tuple[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class _Scene:
    journal: Journal
    present: Present
    place: MarkerPlace
    found: ProductRollback


def roll_back_products(journal: Journal, present: Present) -> ProductRollback:
    """What gives the run's products their former values and codes.

    A value is restored where it is what the run wrote. One that is as it was before needs nothing; any other
    was changed since, and is somebody's word.
    """
    place = MarkerPlace(journal.head.owner, journal.head.marker_custom_field)
    scene = _Scene(journal, present, place, ProductRollback())
    by_item: dict[int, list[Written]] = defaultdict(list)
    for one in journal.written:
        if one.change.target.agreement is not None or not one.may_be_there:
            continue
        item = _item(one, present)
        if item is not None:
            by_item[item.id].append(one)
        elif one.change.target.id is not None:
            scene.found.diagnostics.append(_gone(one.change))
    for number, written in by_item.items():
        _one_product(present.items[number], written, scene)
    _maps_last(by_item, scene)
    return scene.found


def _item(one: Written, present: Present) -> CatalogItem | None:
    number = one.change.target.id or one.record
    if number is not None:
        return present.items.get(number)
    return present.named(one.change.target.identifier)


def _one_product(item: CatalogItem, written: Iterable[Written], scene: _Scene) -> None:
    """Its declared values, and the codes that come off it; codes that come back are judged at the end."""
    fields: list[FieldChange] = []
    for one in written:
        if one.change.action is Action.CREATE_PRODUCT:
            scene.found.diagnostics.append(_stays(item))
            continue
        scene.found.diagnostics += [_not_kept(item, name) for name in one.withheld]
        if one.change.action is Action.EDIT_PRODUCT:
            fields += [back for each in one.change.fields for back in _value_back(item, each, scene)]
    label = next((str(one.after) for one in fields if one.field == IDENTIFIER.name), item.identifier.strip())
    if label != item.identifier.strip():
        scene.found.renamed[item.id] = (label, product_key(label))
    if fields:
        scene.found.changes.append(_change(Action.EDIT_PRODUCT, item, fields, scene))
    for one in written:
        back = _BACK.get(one.change.action)
        if back not in (None, Action.MAP_PRODUCT):
            _mapping_back(item, one.change.fields[0], back, scene)


def _maps_last(by_item: Mapping[int, list[Written]], scene: _Scene) -> None:
    """Codes come back once it is known which products lose them: on two, units would be billed twice."""
    leaving = {
        (change.target.id, change.fields[0].field)
        for change in scene.found.changes
        if change.action is Action.UNMAP_PRODUCT
    }
    for number, written in by_item.items():
        item = scene.present.items[number]
        for one in written:
            if one.change.action is not Action.UNMAP_PRODUCT:
                continue
            name = one.change.fields[0].field
            homes = [
                other
                for other in scene.present.marked
                if other.id != item.id and current(other, name, scene.place) is not None
            ]
            new = [
                other for other in homes if (other.id, name) not in leaving and not _untouched(other, scene)
            ]
            if new and current(item, name, scene.place) is None:
                listed = ", ".join(f"{other.identifier.strip()} (id {other.id})" for other in new)
                said = f"{name.removeprefix(MAPPING_PREFIX)} is mapped to {listed} now"
                scene.found.diagnostics.append(_changed(item, said))
                continue
            mapped_on = tuple(sorted(other.id for other in homes))
            _mapping_back(item, one.change.fields[0], Action.MAP_PRODUCT, scene, mapped_on)


def _untouched(item: CatalogItem, scene: _Scene) -> bool:
    """Whether nobody has written to the product since the run began, so that it had its codes then."""
    try:
        last = datetime.fromisoformat(item.last_updated)
        return last < datetime.fromisoformat(scene.journal.head.started)
    except (ValueError, TypeError):  # no moment, or one without its time zone
        return False


def _value_back(item: CatalogItem, one: FieldChange, scene: _Scene) -> list[FieldChange]:
    """The value before, where the present one is what the run wrote."""
    if is_value(item, one.field, one.before, scene.place):
        return []
    now = current(item, one.field, scene.place)
    if not is_value(item, one.field, one.after, scene.place):
        scene.found.diagnostics.append(
            _changed(item, f"{one.field} is {_shown(now)}, and the run wrote {_shown(one.after)}")
        )
        return []
    back = FieldChange(one.field, now, one.before)
    problems = _refused(item, back, scene)
    scene.found.diagnostics += [_cannot(item, what) for what in problems]
    return [] if problems else [back]


def _refused(item: CatalogItem, back: FieldChange, scene: _Scene) -> list[str]:
    if back.field.startswith(CUSTOM_FIELD_PREFIX):
        return []
    if back.field != IDENTIFIER.name:
        return list(value_problems(FIELDS_BY_NAME[back.field], back))
    other = scene.present.named(str(back.after))
    if other is not None and other.id != item.id:
        return [f"{back.after} is another product's identifier now (id {other.id})"]
    return list(value_problems(IDENTIFIER, back))


def _mapping_back(
    item: CatalogItem,
    one: FieldChange,
    action: Action | None,
    scene: _Scene,
    mapped_on: tuple[int, ...] = (),
) -> None:
    now, code = current(item, one.field, scene.place), one.field.removeprefix(MAPPING_PREFIX)
    if action is None or now == one.before:
        return
    if now != one.after:
        said = f"{code} is {now or 'not mapped'}, and the run left it {one.after or 'not mapped'}"
        scene.found.diagnostics.append(_changed(item, said))
        return
    if scene.place.is_theirs(item):
        said = "its tag was changed by somebody else or cannot be read any more"
        scene.found.diagnostics.append(_changed(item, said))
        return
    obstacle = _no_usage(item, scene) if one.before == SYNC_ON else ""
    if obstacle:
        scene.found.diagnostics.append(_cannot(item, f"{code}: {obstacle}"))
        return
    fields = [FieldChange(one.field, now, one.before)]
    scene.found.changes.append(_change(action, item, fields, scene, f"/code/{code}", mapped_on))


def _no_usage(item: CatalogItem, scene: _Scene) -> str:
    """Why a product cannot take usage as it will be; "" where it can."""
    after: dict[str, Any] = dict(item.fields)
    for change in scene.found.changes:
        if change.target.id == item.id and change.action is Action.EDIT_PRODUCT:
            after |= {one.field: one.after for one in change.fields}
    if after.get("inactiveFlag") is True:
        return "the product is inactive"
    return "the product is of class Bundle" if after.get("productClass") == "Bundle" else ""


def _change(
    action: Action,
    item: CatalogItem,
    fields: list[FieldChange],
    scene: _Scene,
    suffix: str = "",
    mapped_on: tuple[int, ...] = (),
) -> Change:
    label, _ = scene.found.renamed.get(item.id, (item.identifier.strip(), ""))
    target = Target(label, item.id)
    return Change(
        id=f"{action.value}:{target.key}{suffix}",
        action=action,
        target=target,
        reason=f"as before run {scene.journal.head.run}",
        fields=tuple(fields),
        write=target.key,
        expected_identifier=item.identifier.strip(),
        mapped_on=mapped_on,
    )


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return f"{value.get('name') or ''} (id {value.get('id')})".strip()
    return "not set" if value is None else str(value)


# --- what is said


def _changed(item: CatalogItem, what: str) -> Diagnostic:
    who = f"{item.updated_by.strip() or 'somebody'} on {item.last_updated[:10] or '?'}"
    return error(
        "rollback-changed-since",
        f"{item.identifier.strip()}: {what}. It was changed since (the product was last written by {who}) "
        "and is left as it is.",
        "Decide which is right, and set it in the mappings or in ConnectWise.",
        subject=product_key(item.identifier),
    )


def _cannot(item: CatalogItem, what: str) -> Diagnostic:
    return error(
        "rollback-impossible",
        f"{item.identifier.strip()}: what stood before cannot be written: {what}.",
        "Set it in ConnectWise by hand.",
        subject=product_key(item.identifier),
    )


def _not_kept(item: CatalogItem, name: str) -> Diagnostic:
    shown = name.removeprefix(CUSTOM_FIELD_PREFIX)
    return error(
        "rollback-not-recorded",
        f"{item.identifier.strip()}: the run changed {shown}, and a journal does not keep such texts.",
        "Take the former text from ConnectWise's audit trail, or from the mappings of before.",
        subject=product_key(item.identifier),
    )


def _stays(item: CatalogItem) -> Diagnostic:
    return warning(
        "rollback-product-stays",
        f"{item.identifier.strip()} (id {item.id}) was created by the run and stays: nothing is ever "
        "deleted.",
        "If nobody shall use it, set inactiveFlag: true under products, in a reviewed change.",
        subject=product_key(item.identifier),
    )


def _gone(change: Change) -> Diagnostic:
    return error(
        "rollback-gone",
        f"{change.target.identifier} (id {change.target.id}) is no longer in ConnectWise.",
        "Nothing of it can be restored.",
        subject=change.target.key,
    )

"""The changes of one product: create, edit, map, unmap, usage sync on and off."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.model.change import CUSTOM_FIELD_PREFIX, MAPPING_PREFIX, Action, Change, sync_text
from reconciler.model.change import Target as PlanTarget
from reconciler.model.diagnostics import Diagnostic, error, warning
from reconciler.model.field_change import FieldChange
from reconciler.model.fields import (
    CATALOG_FIELDS,
    Value,
    normalise,
    normalise_custom,
    same,
    same_custom,
    shown_custom,
    to_plan,
)
from reconciler.model.identifiers import Id, Name, identifier_key
from reconciler.planning.products.references import resolve
from reconciler.planning.suggest import did_you_mean, looks_like_a_typo

if TYPE_CHECKING:
    from collections.abc import Mapping

    from reconciler.model.desired import Desired, Product, Protected, Row
    from reconciler.model.diagnostics import Location
    from reconciler.model.observed import Observed
    from reconciler.planning.products.targets import Target

_EMPTY: dict[str, Any] = {}
_SYNC_NOT_SAID = "the row does not say `sync`, which counts as false"


@dataclass(frozen=True)
class Home:
    """A product whose tag has a code."""

    label: str
    id: int


@dataclass(frozen=True)
class Scene:
    """What the changes of one product are judged against: the rest of the configuration and the site."""

    desired: Desired
    observed: Observed
    homes: Mapping[str, tuple[Home, ...]]  # code → the products whose tag has it now

    def row_of(self, code: str) -> Row | None:
        """The row that speaks of a code, under its own name or as `alsoKnownAs`."""
        return next((row for row in self.desired.rows if code in row.codes), None)


def product_changes(target: Target, scene: Scene) -> tuple[list[Change], list[Diagnostic]]:
    """What has to happen to one product, and what stands against it. Nothing where it is as wanted."""
    diagnostics = _sync_problems(target)
    changes: list[Change] = []
    if target.product is not None and target.usable:
        declared, problems = _declared_values(target, target.product, scene)
        diagnostics += problems
        if target.item is None:
            changes.append(_creation(target, target.product, declared))
            diagnostics += _creation_problems(target, target.product, scene)
        else:
            changes += _edit(target, target.product, declared)
    changes += _mapping_changes(target, scene)
    diagnostics += _protection(target, changes, scene.desired.protected)
    return changes, diagnostics


@dataclass(frozen=True)
class _Declared:
    """One declared value beside the observed one, both normalised, in plan form."""

    name: str
    before: Any
    after: Any
    differs: bool


def _declared_values(
    target: Target, product: Product, scene: Scene
) -> tuple[list[_Declared], list[Diagnostic]]:
    values: list[_Declared] = []
    diagnostics: list[Diagnostic] = []
    observed = target.item.fields if target.item is not None else _EMPTY
    for field in CATALOG_FIELDS:
        if field.name not in product.fields:
            continue
        declared = product.fields[field.name]
        wanted: Value
        if isinstance(declared, Name | Id):
            wanted, problems = resolve(
                field,
                declared,
                scene.observed.tables,
                location=product.where(field.name),
                subject=target.key,
            )
            diagnostics += problems
            if wanted is None:
                continue
        else:
            wanted = normalise(field, declared)  # so that 4.5 and 4.50 are one plan
        before: Value = observed.get(field.name)
        values.append(
            _Declared(field.name, to_plan(before), to_plan(wanted), not same(field, before, wanted))
        )
    for caption, wanted in product.custom_fields.items():
        value, problem = _custom_value(target, product, caption, wanted, scene)
        if value is not None:
            values.append(value)
        if problem is not None:
            diagnostics.append(problem)
    return values, diagnostics


def _custom_value(
    target: Target, product: Product, caption: str, wanted: Any, scene: Scene
) -> tuple[_Declared | None, Diagnostic | None]:
    definition = scene.observed.custom_fields.get(identifier_key(caption))
    name = CUSTOM_FIELD_PREFIX + caption
    where = {"location": product.where(name), "subject": target.key}
    if definition is None:
        known = [field.caption for field in scene.observed.custom_fields.values()]
        return None, error(
            "custom-field-unknown",
            f"{target.label}: ConnectWise products have no custom field {caption!r}.",
            f"{did_you_mean(caption, known)}Captions are those of System > Setup Tables > Custom Fields.",
            **where,
        )
    try:
        after = normalise_custom(definition.type, wanted)
    except ValueError as wrong:
        return None, error(
            "custom-field-type",
            f"{target.label}: {wrong}.",
            f"{caption} is a {definition.type} field in ConnectWise.",
            **where,
        )
    present = target.item.custom_field(caption) if target.item is not None else None
    before = None if present is None else shown_custom(definition.type, present.value)
    differs = not same_custom(definition.type, before, after)
    return _Declared(name, to_plan(before), to_plan(after), differs), None


def _creation(target: Target, product: Product, declared: list[_Declared]) -> Change:
    fields = [FieldChange("identifier", None, target.label)]
    fields += [FieldChange(value.name, None, value.after) for value in declared if value.after is not None]
    return _change(
        Action.CREATE_PRODUCT, target, f"{target.label} is not in ConnectWise yet", fields, product.location
    )


def _creation_problems(target: Target, product: Product, scene: Scene) -> list[Diagnostic]:
    problems = []
    missing = [f.name for f in CATALOG_FIELDS if f.required and product.fields.get(f.name) is None]
    if missing:
        problems.append(
            error(
                "create-incomplete",
                f"{target.label} cannot be created: {', '.join(missing)} "
                f"{'is' if len(missing) == 1 else 'are'} not declared.",
                "Declare them under products: ConnectWise would otherwise refuse the product, or decide its "
                "tax and ledger account by a default.",
                location=product.location,
                subject=target.key,
            )
        )
    named = {identifier_key(p.identifier) for p in scene.desired.products}
    named |= {selector.key for row in scene.desired.rows for selector in row.targets}
    near = [
        entry
        for entry in scene.observed.similar
        if identifier_key(entry.identifier) not in named and looks_like_a_typo(entry.identifier, target.label)
    ]
    if near:
        names = ", ".join(f"{entry.identifier} (id {entry.id}, {entry.description})" for entry in near)
        problems.append(
            warning(
                "create-typo",
                f"{target.label} would be created, and ConnectWise already has {names}. A typo?",
                "If it is the same product, write its identifier as ConnectWise has it.",
                location=product.location,
                subject=target.key,
            )
        )
    return problems


def _edit(target: Target, product: Product, declared: list[_Declared]) -> list[Change]:
    fields = []
    if target.item is not None and target.item.key != identifier_key(target.label):
        fields.append(FieldChange("identifier", target.item.identifier.strip(), target.label))
    fields += [FieldChange(value.name, value.before, value.after) for value in declared if value.differs]
    if not fields:
        return []
    renamed = fields[0].field == "identifier"
    reason = f"renamed from {fields[0].before}" if renamed else "declared values differ"
    return [_change(Action.EDIT_PRODUCT, target, reason, fields, product.where(fields[-1].field))]


def _mapping_changes(target: Target, scene: Scene) -> list[Change]:
    if target.item is None and not target.usable:
        return []
    changes = []
    for code in sorted({*target.codes, *target.mapped}):
        row, now = target.codes.get(code), target.mapped.get(code)
        wanted = None if row is None else row.sync
        if wanted == now:
            continue
        action, reason = _mapping_step(code, row, now, target, scene)
        changes.append(
            _change(
                action,
                target,
                reason,
                [FieldChange(MAPPING_PREFIX + code, sync_text(now), sync_text(wanted))],
                row.location if row is not None else _source_of(scene.row_of(code)),
                suffix=f"/code/{code}",
                mapped_on=_elsewhere(code, target, scene) if action is Action.MAP_PRODUCT else (),
            )
        )
    return changes


def _elsewhere(code: str, target: Target, scene: Scene) -> tuple[int, ...]:
    own = None if target.item is None else target.item.id
    return tuple(sorted(home.id for home in scene.homes.get(code, ()) if home.id != own))


def _mapping_step(
    code: str, row: Row | None, now: bool | None, target: Target, scene: Scene
) -> tuple[Action, str]:
    if row is None:
        return Action.UNMAP_PRODUCT, _unmap_reason(code, scene)
    if now is None:
        leaving = [home.label for home in scene.homes.get(code, ()) if home.label != target.label]
        still = {selector.key for selector in row.targets}
        left = [home for home in leaving if identifier_key(home) not in still]
        reason = f"moves here from {', '.join(left)}" if left else "mapped by its row"
        return Action.MAP_PRODUCT, reason if row.sync_said else f"{reason}; {_SYNC_NOT_SAID}"
    if row.sync:
        return Action.ENABLE_SYNC, "the row says sync: true"
    return Action.DISABLE_SYNC, "the row says sync: false" if row.sync_said else _SYNC_NOT_SAID


def _unmap_reason(code: str, scene: Scene) -> str:
    row = scene.row_of(code)
    if row is None:
        return "no row maps it any more; its usage sync ends with the mapping"
    if row.exclude is not None:
        return f"its row excludes it: {row.exclude}"
    return f"its row maps it to {', '.join(str(selector) for selector in row.targets)}"


def _source_of(row: Row | None) -> Location | None:
    return None if row is None else row.location


def _sync_problems(target: Target) -> list[Diagnostic]:
    syncing = sorted(code for code, row in target.codes.items() if row.sync)
    if not syncing:
        return []
    declared = target.product.fields if target.product is not None else _EMPTY
    observed = target.item.fields if target.item is not None else _EMPTY
    where = {"location": target.codes[syncing[0]].location, "subject": target.key}
    problems = []
    if declared.get("productClass", observed.get("productClass")) == "Bundle":
        problems.append(
            error(
                "sync-bundle",
                f"{target.label} is of class Bundle, which cannot be an agreement line; usage sync is asked "
                f"for {', '.join(syncing)}.",
                "Map a product of class Agreement, or set sync: false.",
                **where,
            )
        )
    if declared.get("inactiveFlag", observed.get("inactiveFlag")) is True:
        problems.append(
            error(
                "sync-inactive",
                f"{target.label} is inactive, and usage sync is asked for {', '.join(syncing)}.",
                "Map an active product, set sync: false, or declare inactiveFlag: false under products.",
                **where,
            )
        )
    return problems


def _protection(target: Target, changes: list[Change], protected: tuple[Protected, ...]) -> list[Diagnostic]:
    keys = {identifier_key(target.label)}
    if target.item is not None:
        keys.add(target.item.key)
    guard = next((p for p in protected if p.kind == "product" and p.key in keys), None)
    if guard is None:
        return []
    taken = [loss(change) for change in changes if loss(change)]
    if not taken:
        return []
    return [
        error(
            "protected",
            f"{target.label} is protected, and this would {'; '.join(taken)}. Nothing is written to it.",
            f"If it is meant, take {guard.text} off the protected list in a reviewed change first.",
            location=guard.location,
            subject=target.key,
        )
    ]


def loss(change: Change) -> str:
    """What a change takes away from its product, in words; nothing for one that only adds or edits."""
    code = change.fields[0].field.removeprefix(MAPPING_PREFIX)
    if change.action is Action.UNMAP_PRODUCT:
        return f"unmap {code}"
    if change.action is Action.DISABLE_SYNC:
        return f"turn off the usage sync of {code}"
    for field in change.fields:
        if change.action is Action.EDIT_PRODUCT and field.field == "identifier":
            return f"rename it from {field.before}"
        if change.action is Action.EDIT_PRODUCT and field.field == "inactiveFlag" and field.after is True:
            return "make it inactive"
    return ""


def _change(
    action: Action,
    target: Target,
    reason: str,
    fields: list[FieldChange],
    source: Location | None,
    *,
    suffix: str = "",
    mapped_on: tuple[int, ...] = (),
) -> Change:
    item = target.item
    return Change(
        id=f"{action.value}:{target.key}{suffix}",
        action=action,
        target=PlanTarget(target.label, None if item is None else item.id),
        reason=reason,
        fields=tuple(fields),
        write=target.key,
        expected_identifier=None if item is None else item.identifier.strip(),
        mapped_on=mapped_on,
        source=source,
    )

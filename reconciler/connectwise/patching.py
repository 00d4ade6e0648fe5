"""Request bodies: JSON Patch for changes, plain JSON for creations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.fields import Kind, to_wire
from reconciler.model.line_fields import LINE_FIELDS_BY_NAME

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.model.fields import Value


def patch_operations(
    fields: Mapping[str, Value],
    *,
    identifier: str | None = None,
    notes: str | None = None,
    custom_fields: Mapping[int, Any] | None = None,
    absent: Collection[str] = (),
) -> list[dict[str, Any]]:
    """The operations that give a product these values, in the order given.

    A field whose value is None is cleared by `remove`, which recorded requests show to work for texts,
    numbers and flags; `replace` with null is shown nowhere. What has no value yet (`absent`) is set by `add`:
    ConnectWise leaves such fields out of its answers, and a strict JSON Patch (RFC 6902) replaces only what
    is there, while `add` is right either way. References are replaced whole, by id: a write to a path below
    one may be answered with 200 and change nothing. Custom fields are by id; those not named keep their
    values. Paths have no leading slash, as the Developer Guide writes them.
    """
    operations: list[dict[str, Any]] = []
    if identifier is not None:
        operations.append(_set("identifier", identifier))
    for name, value in fields.items():
        if value is None:
            operations.append({"op": "remove", "path": name})
        else:
            operations.append(_set(name, to_wire(value), absent))
    if notes is not None:
        operations.append(_set("notes", notes, absent))
    if custom_fields:
        operations.append(_set("customFields", _custom(custom_fields)))
    return operations


def create_body(
    identifier: str,
    fields: Mapping[str, Value],
    *,
    notes: str | None = None,
    custom_fields: Mapping[int, Any] | None = None,
) -> dict[str, Any]:
    """The body that creates a product; fields whose value is None are left out, as the guide asks."""
    body: dict[str, Any] = {"identifier": identifier}
    body |= {name: to_wire(value) for name, value in fields.items() if value is not None}
    if notes:
        body["notes"] = notes
    if custom_fields:
        body["customFields"] = _custom(custom_fields)
    return body


def line_operations(fields: Mapping[str, Value], *, absent: Collection[str] = ()) -> list[dict[str, Any]]:
    """The operations that give an agreement's line these values, in the order given; `absent` as above."""
    return patch_operations({name: _of_line(name, value) for name, value in fields.items()}, absent=absent)


def line_body(product_id: int, fields: Mapping[str, Value]) -> dict[str, Any]:
    """The body that creates a line of a product; fields whose value is None are left out.

    `prorateCurrentPeriodFlag` is never sent: whether a period is billed in parts is the agreement's own.
    """
    body: dict[str, Any] = {"product": {"id": product_id}}
    return body | {
        name: to_wire(_of_line(name, value)) for name, value in fields.items() if value is not None
    }


def _of_line(name: str, value: Value) -> Value:
    """A day as midnight UTC, the one form of dates that ConnectWise accepts (Developer Guide)."""
    if value is None or LINE_FIELDS_BY_NAME[name].kind is not Kind.DAY:
        return value
    return f"{value}T00:00:00Z"


def _set(path: str, value: Any, absent: Collection[str] = ()) -> dict[str, Any]:
    return {"op": "add" if path in absent else "replace", "path": path, "value": value}


def _custom(custom_fields: Mapping[int, Any]) -> list[dict[str, Any]]:
    return [{"id": number, "value": value} for number, value in sorted(custom_fields.items())]

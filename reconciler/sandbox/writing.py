"""What ConnectWise checks and changes on a write: limits, enums, references, JSON Patch.

The patch's shape follows the vendor's Developer Guide and amp-labs/connectors' recordings: a bare array,
paths with or without a leading slash, a write below a reference answers 200 and changes nothing.
"""

from __future__ import annotations

import json
import math
import re
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.errors import Complaints, bad_request, simple, unsupported_date
from reconciler.sandbox.views import with_custom_fields

if TYPE_CHECKING:
    from reconciler.sandbox.schema import Field, Resource
    from reconciler.sandbox.site import Site
    from reconciler.sandbox.world import Row

_LINE_ENDS = re.compile(r"\s*[\r\n]+\s*")
_PRICES = frozenset({"price", "cost", "unitPrice", "unitCost"})
_QUANTITIES = frozenset({"quantity", "lessIncluded"})
_LARGEST = 10**12
_DATE_FORMAT = "%Y-%m-%dT%H:%M:%SZ"
_DATE_LENGTH = 20


def read_json(body: bytes, headers: Any) -> Any:
    """The body as JSON. Raises Refused: 415 for another Content-Type, 400 for what is not JSON."""
    kind = headers.get("content-type", "").split(";")[0].strip().lower()
    if kind not in ("application/json", "application/vnd.connectwise.com+json"):
        raise simple(415, "UnsupportedMediaType", "The request body must be application/json.")
    try:
        return json.loads(body)
    except ValueError as error:
        raise bad_request(f"The request body is not JSON: {error}") from error


def _rounded(site: Site, name: str, value: float) -> float:
    quirk = "price-decimals" if name in _PRICES else "quantity-decimals" if name in _QUANTITIES else None
    if quirk is None or site.quirks[quirk] == "kept":
        return value
    return float(Decimal(str(value)).quantize(Decimal("0.01"), ROUND_HALF_UP))


def _clean_text(site: Site, entry: Field, name: str, value: Any, complaints: Complaints) -> Any:
    if not isinstance(value, str):
        complaints.add("InvalidField", name, f"The field {name} must be a string.")
        return None
    if name != "notes" or site.quirks["notes-newlines"] == "collapsed":
        value = _LINE_ENDS.sub(" ", value)
    if site.quirks["trailing-blank"] == "trimmed":
        value = value.rstrip()
    if entry.maximum is not None and len(value) > entry.maximum:
        message = f"The field {name} must be a string with a maximum length of {entry.maximum}."
        complaints.add("InvalidField", name, message)
    return value


def _clean_number(site: Site, entry: Field, name: str, value: Any, complaints: Complaints) -> Any:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    if not is_number or (entry.kind == "integer" and value != int(value)):
        complaints.add("InvalidField", name, f"The field {name} must be a number.")
        return None
    if abs(value) > _LARGEST:
        complaints.add("OutOfRange", name, f"The field {name} must be between {-_LARGEST} and {_LARGEST}.")
        return None
    return int(value) if entry.kind == "integer" else _rounded(site, name, float(value))


def _clean_reference(site: Site, entry: Field, name: str, value: Any, complaints: Complaints) -> Any:
    table = entry.table or ""
    if not isinstance(value, dict):
        complaints.add("InvalidField", name, f"The field {name} must be a reference.")
        return None
    number = value.get("id") or None
    label = value.get("identifier") or value.get("name")
    if number is None and label is None:
        complaints.add("MissingRequiredField", name, f"The {name}/id field is required.")
        return None
    try:
        return site.world.reference(table, number if isinstance(number, int) else str(label))
    except KeyError:
        part = "id" if number is not None else "identifier" if value.get("identifier") else "name"
        complaints.add(
            "InvalidField", f"{name}/{part}", f"The {name}/{part} {number or label} was not found."
        )
        return None


def clean(site: Site, entry: Field, name: str, value: Any, complaints: Complaints) -> Any:
    """The value as it is stored; what is wrong with it is added to the complaints.

    Raises Refused (400 UnsupportedFormat) for a date in another format than ConnectWise reads.
    """
    if value is None:
        return None
    if entry.kind == "text":
        return _clean_text(site, entry, name, value, complaints)
    if entry.kind in ("number", "integer"):
        return _clean_number(site, entry, name, value, complaints)
    if entry.kind == "reference":
        return _clean_reference(site, entry, name, value, complaints)
    if entry.kind == "date":
        try:
            datetime.strptime(str(value), _DATE_FORMAT)  # noqa: DTZ007 - only its form is checked
        except ValueError:
            raise unsupported_date(name) from None
        if len(str(value)) != _DATE_LENGTH:
            raise unsupported_date(name)
    elif entry.kind == "flag" and not isinstance(value, bool):
        complaints.add("InvalidField", name, f"The field {name} must be true or false.")
    elif entry.kind == "choice" and value not in entry.choices:
        known = ", ".join(entry.choices)
        complaints.add("InvalidField", name, f"The value {value} of {name} is none of {known}.")
    elif entry.kind == "object" and not isinstance(value, dict):
        complaints.add("InvalidField", name, f"The field {name} must be an object.")
    return value


def custom_values(site: Site, resource: Resource, row: Row, sent: Any, complaints: Complaints) -> list[Row]:
    """The row's custom field values with the sent ones merged in by id; an empty list clears nothing."""
    known = {entry["id"]: entry for entry in with_custom_fields(site, resource, row)}
    values = {number: entry["value"] for number, entry in known.items()}
    for entry in sent if isinstance(sent, list) else [sent]:
        number = entry.get("id") if isinstance(entry, dict) else None
        if not isinstance(number, int) or number not in known:
            complaints.add("InvalidField", "customFields", f"There is no custom field {number}.")
        elif known[number]["type"] == "Checkbox" and not isinstance(entry.get("value"), bool | None):
            complaints.add(
                "InvalidField", "customFields", f"{known[number]['caption']} must be true or false."
            )
        else:
            values[number] = entry.get("value")
    return [{"id": number, "value": value} for number, value in values.items() if value is not None]


def missing(resource: Resource, row: Row, complaints: Complaints) -> None:
    """Complains about required fields without a value."""
    complained = {entry["field"].partition("/")[0] for entry in complaints.entries}
    for name, entry in resource.fields.items():
        value = row.get(name)
        if not entry.required or name in complained or (value is not None and value != ""):
            continue
        label = f"{name}/id" if entry.kind == "reference" else name
        complaints.add("MissingRequiredField", name, f"The {label} field is required.")


def from_payload(site: Site, resource: Resource, payload: Any, complaints: Complaints) -> Row:
    """The fields of a POST body that can be written; others are ignored."""
    if not isinstance(payload, dict):
        raise bad_request("The request body must be an object.")
    row: Row = {}
    for name, value in payload.items():
        entry = resource.fields.get(name)
        if entry is None or value is None or not is_writable(site, resource, name):
            continue
        if name == "customFields":
            row[name] = custom_values(site, resource, row, value, complaints)
        else:
            row[name] = clean(site, entry, name, value, complaints)
    return row


def is_writable(site: Site, resource: Resource, name: str) -> bool:
    if resource.table == "additions" and name == "description":
        return site.quirks["addition-description"] == "writable"
    if resource.table == "additions" and name == "serialNumber":
        return site.quirks["addition-serial"] == "writable"
    return resource.fields[name].writable


def operations(payload: Any) -> list[tuple[str, list[str], Any]]:
    """A patch as (op, path, value). Raises Refused (400) for anything but an array of known operations."""
    if not isinstance(payload, list):
        raise bad_request("The request body must be an array of patch operations.")
    found = []
    for entry in payload:
        if not isinstance(entry, dict) or entry.get("op") not in ("add", "replace", "remove"):
            raise bad_request("Each patch operation needs an op of add, replace or remove.")
        path = entry.get("path")
        if not isinstance(path, str) or not path.removeprefix("/"):
            raise bad_request("Each patch operation needs a path.")
        if entry["op"] != "remove" and "value" not in entry:
            raise bad_request(f"The operation on {path} needs a value.")
        value = None if entry["op"] == "remove" else entry["value"]
        found.append((entry["op"], path.removeprefix("/").split("/"), value))
    return found


def patched(
    site: Site,
    resource: Resource,
    row: Row,
    changes: list[tuple[str, list[str], Any]],
    complaints: Complaints,
) -> Row:
    """A copy of the row after the operations. Raises Refused (400) for a path that does not exist."""
    draft = dict(row)
    for op, path, value in changes:
        entry = resource.fields.get(path[0])
        if entry is None or path[0] in ("id", "_info", "agreementId"):
            raise bad_request(f"The path {'/'.join(path)} cannot be patched.")
        if path[0] == "customFields":
            _patch_custom(site, resource, draft, path, value, complaints)
        elif len(path) > 1:
            if entry.kind not in ("reference", "object"):
                raise bad_request(f"The path {'/'.join(path)} cannot be patched.")
        elif is_writable(site, resource, path[0]):
            if op == "replace" and draft.get(path[0], resource.defaults.get(path[0])) in (None, ""):
                _check_absent(site, path[0])
            new = clean(site, entry, path[0], value, complaints)
            draft[path[0]] = resource.defaults.get(path[0]) if op == "remove" else new
    return draft


def _check_absent(site: Site, name: str) -> None:
    """A strict JSON Patch replaces only what is there (quirk replace-absent). Raises Refused (400)."""
    if site.quirks["replace-absent"] == "refused":
        raise bad_request(f"The target location specified by path segment '{name}' was not found.")


def _patch_custom(
    site: Site, resource: Resource, draft: Row, path: list[str], value: Any, complaints: Complaints
) -> None:
    if len(path) == 1:
        sent = value if value is not None else []
    else:
        shown = with_custom_fields(site, resource, draft)
        is_value = len(path) == 3 and path[2] == "value" and path[1].isdecimal()
        if not is_value or int(path[1]) >= len(shown):
            raise bad_request(f"The path {'/'.join(path)} cannot be patched.")
        sent = [{"id": shown[int(path[1])]["id"], "value": value}]
    draft["customFields"] = custom_values(site, resource, draft, sent, complaints)

"""A frozen month: Sophos's side of a plan as a file, to plan from offline and to keep beside an invoice.

The format is an interface, checked to the letter on reading: whatever is not in it is refused, so that no
contact data can travel in such a file, and a damaged or edited one is never billed from. One table per
record gives the writer, the reader and the schema.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.months import Month
from reconciler.model.observed import FirewallLicence, Tenant, UnreadableLine, UsageLine, UsageMonth
from reconciler.model.plan import canonical
from reconciler.model.schema_parts import record
from reconciler.model.versions import other_version

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

FORMAT_VERSION = "1.0"
KIND = "sophos-usage"
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_MONTH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")
_MOMENT = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,6})?)?(Z|[+-][0-9]{2}:[0-9]{2})"
)
_HASH = re.compile(r"sha256:[0-9a-f]{64}")
_AGAIN = "Freeze the month again with `reconciler usage --out`; do not edit the file."


@dataclass(frozen=True)
class FrozenUsage:
    """What a file holds. `tenants` and `firewalls` are None where they were not read.

    `partner` is the Sophos partner's id, `read_at` the moment of reading with its offset, `tool` the program
    that wrote it.
    """

    partner: str
    read_at: str
    tool: str
    tenants: tuple[Tenant, ...] | None
    months: tuple[UsageMonth, ...]
    firewalls: tuple[FirewallLicence, ...] | None
    hash: str


@dataclass(frozen=True)
class _Field:
    """One value of a record: its key in the file, the attribute that holds it, what it may be."""

    key: str
    attribute: str
    kind: str = "text"
    about: str = ""

    @property
    def may_be_null(self) -> bool:
        return self.kind.endswith("?")


_TENANT = (
    _Field("id", "id", "name", "Sophos's tenant id."),
    _Field("name", "name", "name"),
    _Field("showAs", "show_as"),
    _Field("billingType", "billing_type", about="`trial`, `term` or `usage`."),
    _Field("status", "status"),
)
_LINE = (
    _Field("tenant", "tenant_id", "name?", "null where Sophos has given the line to no tenant."),
    _Field("productCode", "product_code", "name"),
    _Field("description", "description"),
    _Field("group", "group"),
    _Field("billable", "billable", "number"),
    _Field("actual", "actual", "number"),
    _Field("windowStart", "window_start", "day?", "null where Sophos's date does not exist."),
    _Field("windowEnd", "window_end", "day?"),
    _Field("orderNumber", "order_number"),
    _Field("orderLine", "order_line"),
    _Field("accountOrSerial", "account_or_serial"),
    _Field("accountStatus", "account_status"),
    _Field("assignedName", "assigned_name", about="The customer's name on the bill."),
    _Field("unitPrice", "unit_price", "number?", "Sophos's feed price."),
    _Field("currency", "currency"),
)
_UNREADABLE = (
    _Field("tenant", "tenant_id", "name?", "null where the line's customer cannot be read."),
    _Field("productCode", "product_code"),
    _Field("orderNumber", "order_number"),
    _Field("orderLine", "order_line"),
    _Field("accountOrSerial", "account_or_serial"),
    _Field("assignedName", "name", about="The customer's name on the bill."),
    _Field("problem", "problem", "name", "Why its units cannot be counted."),
)
_FIREWALL = (
    _Field("serial", "serial", "name"),
    _Field("model", "model"),
    _Field("billingTenant", "billing_tenant_id", "name?"),
    _Field("tenant", "tenant_id", "name?"),
    _Field("productCodes", "product_codes", "names"),
)
_TOP = ("formatVersion", "kind", "tool", "partner", "readAt", "tenants", "months", "firewalls", "hash")


def to_json(
    tenants: Sequence[Tenant] | None,
    months: Sequence[UsageMonth],
    firewalls: Sequence[FirewallLicence] | None,
    *,
    partner: str,
    read_at: str,
    tool: str,
) -> dict[str, Any]:
    """The document: one form for one content, whatever the order it was read in.

    `read_at` is ISO 8601 with an offset. Raises ReconcilerError where the content is not one that
    `from_json` would take back (a tenant or month twice, a moment without offset).
    """
    document = {
        "formatVersion": FORMAT_VERSION,
        "kind": KIND,
        "tool": tool,
        "partner": partner,
        "readAt": read_at,
        "tenants": None if tenants is None else _sorted([_write(one, _TENANT) for one in tenants]),
        "months": [_write_month(month) for month in sorted(months, key=lambda month: month.month)],
        "firewalls": None if firewalls is None else _sorted([_write(one, _FIREWALL) for one in firewalls]),
    }
    document["hash"] = _hash(document)
    from_json(document)
    return document


def _write_month(month: UsageMonth) -> dict[str, Any]:
    """A month; `unreadable` only where there is such a line, so that a version that knows none refuses it."""
    lines = None if month.lines is None else _sorted([_write(line, _LINE) for line in month.lines])
    unreadable = _sorted([_write(line, _UNREADABLE) for line in month.unreadable])
    return {"month": str(month.month), "lines": lines} | ({"unreadable": unreadable} if unreadable else {})


def _sorted(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=canonical)


def _write(found: object, fields: tuple[_Field, ...]) -> dict[str, Any]:
    return {field.key: _plain(getattr(found, field.attribute)) for field in fields}


def _plain(value: object) -> object:
    match value:
        case None:
            return None
        case Decimal():
            return format(value, "f")
        case date():
            return value.isoformat()
        case tuple():
            return [_plain(one) for one in value]
        case _:
            text = str(value)  # half a character pair has no UTF-8
            return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _hash(document: dict[str, Any]) -> str:
    content = {key: value for key, value in document.items() if key != "hash"}
    return "sha256:" + hashlib.sha256(canonical(content).encode()).hexdigest()


class _NotThisFormatError(ValueError):
    """Where the data leaves the format, and how."""

    def __init__(self, place: str, problem: str) -> None:
        super().__init__(f"{place}: {problem}" if place else problem)


def from_json(data: Any) -> FrozenUsage:
    """What a file holds; `data` is its parsed JSON.

    Raises ReconcilerError (`usage-file-version`, `usage-file-format`, `usage-file-damaged`) for anything
    that is not exactly what `to_json` writes.
    """
    if isinstance(data, dict) and data.get("kind") == KIND:
        problem, remedy = other_version(data.get("formatVersion"), FORMAT_VERSION, "the usage file")
        if problem:
            again = f"{remedy} Or freeze the month again with `reconciler usage --out`.".strip()
            raise ReconcilerError(
                error("usage-file-version", f"The frozen month cannot be read: {problem}.", again)
            )
    try:
        frozen = _read_document(data)
    except _NotThisFormatError as found:
        raise ReconcilerError(
            error("usage-file-format", f"This is no usage file that can be planned from: {found}.", _AGAIN)
        ) from None
    if _hash(data) != frozen.hash:
        raise ReconcilerError(
            error(
                "usage-file-damaged",
                "The usage file does not match its own hash: it was changed after it was frozen.",
                _AGAIN,
            )
        )
    return frozen


def _read_document(data: Any) -> FrozenUsage:
    _keys(data, _TOP, "")
    for key, wanted in (("formatVersion", FORMAT_VERSION), ("kind", KIND)):
        if data[key] != wanted:
            raise _NotThisFormatError(key, f"it is not {wanted!r}")
    tenants = _records(data["tenants"], "tenants", Tenant, _TENANT)
    months = tuple(_read_month(one, f"months[{n}]") for n, one in enumerate(_list(data["months"], "months")))
    firewalls = _records(data["firewalls"], "firewalls", FirewallLicence, _FIREWALL)
    _once([tenant.id for tenant in tenants or ()], "tenants", "tenant")
    _once([str(month.month) for month in months], "months", "month")
    if not months:
        raise _NotThisFormatError("months", "there is none")
    return FrozenUsage(
        partner=_text(data["partner"], "partner"),
        read_at=_moment(data["readAt"], "readAt"),
        tool=_text(data["tool"], "tool"),
        tenants=tenants,
        months=months,
        firewalls=firewalls,
        hash=_matching(data["hash"], "hash", _HASH, "no hash"),
    )


def _read_month(data: Any, place: str) -> UsageMonth:
    odd = data.get("unreadable") if isinstance(data, dict) else None
    _keys(data, ("month", "lines") if odd is None else ("month", "lines", "unreadable"), place)
    shown = _matching(data["month"], f"{place}.month", _MONTH, "no month")
    try:
        month = Month.parse(shown)
    except ValueError as wrong:
        raise _NotThisFormatError(f"{place}.month", str(wrong)) from None
    lines = _records(data["lines"], f"{place}.lines", UsageLine, _LINE)
    unreadable = _records(odd, f"{place}.unreadable", UnreadableLine, _UNREADABLE)
    return UsageMonth(month, lines, unreadable or ())


def _records(
    data: Any, place: str, make: Callable[..., Any], fields: tuple[_Field, ...]
) -> tuple[Any, ...] | None:
    if data is None:
        return None
    keys = tuple(field.key for field in fields)
    found = []
    for number, one in enumerate(_list(data, place)):
        here = f"{place}[{number}]"
        _keys(one, keys, here)
        found.append(make(**{f.attribute: _value(one[f.key], f, f"{here}.{f.key}") for f in fields}))
    return tuple(found)


def _value(value: Any, field: _Field, place: str) -> Any:
    if value is None and field.may_be_null:
        return None
    match field.kind.rstrip("?"):
        case "number":
            return Decimal(_matching(value, place, _NUMBER, "no number written as text"))
        case "day":
            return _day(value, place)
        case "names":
            return tuple(_name(one, place) for one in _list(value, place))
        case "name":
            return _name(value, place)
        case _:
            return _text(value, place)


def _keys(data: Any, wanted: tuple[str, ...], place: str) -> None:
    if not isinstance(data, dict):
        raise _NotThisFormatError(place, f"it is {_type_of(data)}, not an object")
    if data.keys() != set(wanted):
        missing = [key for key in wanted if key not in data]
        unknown = sorted(str(key)[:40] for key in data.keys() - set(wanted))
        problems = [f"{', '.join(missing)} is missing"] if missing else []
        problems += [f"{', '.join(unknown[:5])} has no place in the format"] if unknown else []
        raise _NotThisFormatError(place, " and ".join(problems))


def _list(data: Any, place: str) -> list[Any]:
    if not isinstance(data, list):
        raise _NotThisFormatError(place, f"it is {_type_of(data)}, not a list")
    return data


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _NotThisFormatError(place, f"it is {_type_of(value)}, not a text")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            raise _NotThisFormatError(place, "it holds half a character") from None
    return value


def _name(value: Any, place: str) -> str:
    if not _text(value, place):
        raise _NotThisFormatError(place, "it is empty")
    return str(value)


def _matching(value: Any, place: str, pattern: re.Pattern[str], problem: str) -> str:
    shown = _text(value, place)
    if pattern.fullmatch(shown) is None:
        raise _NotThisFormatError(place, f"{shown[:40]!r} is {problem}")
    return shown


def _day(value: Any, place: str) -> date:
    return datetime.fromisoformat(_calendar(value, place, _DAY, "no date")).date()


def _moment(value: Any, place: str) -> str:
    return _calendar(value, place, _MOMENT, "no moment with its offset")


def _calendar(value: Any, place: str, pattern: re.Pattern[str], problem: str) -> str:
    shown = _matching(value, place, pattern, problem)
    try:
        datetime.fromisoformat(shown)
    except ValueError:
        raise _NotThisFormatError(place, f"{shown!r} is not in the calendar") from None
    return shown


def _once(keys: list[str], place: str, noun: str) -> None:
    if len(set(keys)) != len(keys):
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _NotThisFormatError(place, f"{noun} {twice[:60]!r} stands twice")


def _type_of(value: Any) -> str:
    names = {bool: "a flag", int: "a number", float: "a number", str: "a text", list: "a list"}
    return "nothing" if value is None else names.get(type(value), "an object")


def usage_schema() -> dict[str, Any]:
    """The schema of usage files, draft-07, for other programs; `from_json` checks more (hash, calendar)."""
    text = {"type": "string"}
    month = record(
        "A month; `lines` is null where Sophos has no data for it, which is not zero.",
        month={"type": "string", "pattern": _anchored(_MONTH)},
        lines={**_array(_LINE, "The bill's lines."), "type": ["array", "null"]},
    )
    month["properties"]["unreadable"] = _array(_UNREADABLE, "Lines that cannot be counted, if there are any.")
    properties = {
        "formatVersion": {"const": FORMAT_VERSION},
        "kind": {"const": KIND},
        "tool": {**text, "description": "The program and version that wrote it."},
        "partner": {**text, "description": "The Sophos partner's id."},
        "readAt": {"type": "string", "pattern": _anchored(_MOMENT), "description": "When it was read."},
        "tenants": {**_array(_TENANT, "null where they were not read."), "type": ["array", "null"]},
        "months": {"type": "array", "items": month, "minItems": 1, "description": "Each month once."},
        "firewalls": {**_array(_FIREWALL, "null where they were not read."), "type": ["array", "null"]},
        "hash": {"type": "string", "pattern": _anchored(_HASH), "description": "Of everything else."},
    }
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Frozen Sophos usage",
        **record(
            "Sophos's tenants, bills and firewall licences, as `reconciler usage --out` freezes them. "
            "Quantities and prices are decimal strings. It holds no contact data.",
            **properties,
        ),
    }


def _array(fields: tuple[_Field, ...], about: str) -> dict[str, Any]:
    each = record("One record.", **{field.key: _field_schema(field) for field in fields})
    return {"type": "array", "items": each, "description": about}


def _field_schema(field: _Field) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "text": {},
        "name": {"minLength": 1},
        "number": {"pattern": _anchored(_NUMBER)},
        "day": {"pattern": _anchored(_DAY)},
    }
    about = {"description": field.about} if field.about else {}
    if field.kind == "names":
        return {"type": "array", "items": {"type": "string", "minLength": 1}, **about}
    kind = field.kind.rstrip("?")
    return {"type": ["string", "null"] if field.may_be_null else "string", **kinds[kind], **about}


def _anchored(pattern: re.Pattern[str]) -> str:
    return f"^{pattern.pattern}$"

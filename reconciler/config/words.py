"""The vocabulary of the schema: small functions that build one draft-07 schema each.

Nothing here uses `$ref`, `oneOf` or `anyOf`: a value of several forms lists its types, and the keywords of
the other types do not concern it. That keeps checking quick and every error about one thing.
"""

from __future__ import annotations

from typing import Any

Schema = dict[str, Any]

#: One line that shows what it holds: no control characters, no line breaks, no blanks other than U+0020.
_ODD = (
    "\\u0000-\\u001f\\u007f-\\u00a0\\u00ad\\u1680\\u2000-\\u200f\\u2028-\\u202f\\u205f-\\u206f\\u3000\\ufeff"
)
ONE_LINE = f"^[^{_ODD}]*$"
#: As ONE_LINE, and without what cannot stand safely in a ConnectWise condition.
IDENTIFIER = f"^[^{_ODD}\"'%\\\\\\[\\]]*$"
#: As IDENTIFIER; `#7` would be taken for a record id.
NAMED = f"^(?!#[0-9]+$)[^{_ODD}\"'%\\\\\\[\\]]*$"
CODE = "^[A-Za-z0-9](?:[A-Za-z0-9 ._/+&-]*[A-Za-z0-9._/+&-])?$"
#: How codes are counted together: a word, or the code that leads.
COUNT = f"^(?:sum|max|{CODE[1:-1]})$"
TENANT = "^[0-9A-Fa-f]{8}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{4}-[0-9A-Fa-f]{12}$"
DATE = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
#: A date, or a moment in UTC.
MOMENT = f"{DATE[:-1]}(?:T[0-9]{{2}}:[0-9]{{2}}(?::[0-9]{{2}})?Z)?$"
OFF = "^off$"

IDENTIFIER_WHY = (
    "ConnectWise releases before 2023 keep 60 characters, later ones 75; the lower limit is used."
)
LARGEST = 1_000_000_000
LARGEST_ID = 2_147_483_647


def _described(schema: Schema, about: str, example: Any = None, default: Any = None) -> Schema:
    schema["description"] = about
    if default is not None:
        schema["default"] = default
    if example is not None:
        schema["examples"] = [example]
    return schema


def text(
    about: str,
    limit: int,
    *,
    example: Any = None,
    pattern: str | None = None,
    clearable: bool = False,
) -> Schema:
    """A text. Editors take `0012` for a number, the loader takes what was typed: so both are allowed."""
    types = ["string", "number", *(["null"] if clearable else [])]
    schema: Schema = {"type": types, "minLength": 1, "maxLength": limit}
    if pattern:
        schema["pattern"] = pattern
    return _described(schema, about, example)


def strict_text(about: str, pattern: str, *, limit: int = 100, example: Any = None, **more: Any) -> Schema:
    """A text of a fixed form."""
    schema: Schema = {"type": "string", "minLength": 1, "maxLength": limit, "pattern": pattern}
    return _described(schema, about, example, **more)


LAST_EXCLUDED = (
    "The last day on which `exclude` counts. From the day after it on that is a warning, and the row bills "
    "as it says."
)


def day(about: str, *, example: str = "2026-12-31") -> Schema:
    """A date."""
    return _described({"type": "string", "pattern": DATE}, about, example)


def moment(about: str, *, example: str = "2026-11-20") -> Schema:
    """A date, or a moment in UTC."""
    return _described({"type": "string", "pattern": MOMENT}, about, example)


def choice(
    about: str, choices: dict[str, str], *, default: str | None = None, clearable: bool = False
) -> Schema:
    """One of a few words; each with its meaning, which goes into the hover text. An empty one has none."""
    names: list[str | None] = [*choices]
    schema: Schema = {"type": "string", "enum": names}
    if clearable:
        schema = {"type": ["string", "null"], "enum": [*names, None]}
    _described(schema, about, None, default)
    if any(choices.values()):
        listed = "".join(f"\n- `{name}`: {meaning}" for name, meaning in choices.items())
        schema["markdownDescription"] = f"{about}\n{listed}"
    return schema


def flag(about: str, *, default: bool | None = None, clearable: bool = False) -> Schema:
    """`true` or `false`."""
    return _described({"type": ["boolean", "null"] if clearable else "boolean"}, about, None, default)


def number(
    about: str,
    *,
    least: int | None = 0,
    most: int = LARGEST,
    example: Any = None,
    default: Any = None,
    clearable: bool = False,
    above: int | None = None,
) -> Schema:
    """A decimal number."""
    schema: Schema = {"type": ["number", "null"] if clearable else "number"}
    if above is not None:
        schema["exclusiveMinimum"] = above
    elif least is not None:
        schema["minimum"] = least
    schema["maximum"] = most
    return _described(schema, about, example, default)


def integer(
    about: str,
    *,
    least: int = 0,
    most: int = LARGEST_ID,
    example: Any = None,
    default: Any = None,
    clearable: bool = False,
) -> Schema:
    """A whole number."""
    types = ["integer", "null"] if clearable else "integer"
    return _described({"type": types, "minimum": least, "maximum": most}, about, example, default)


def record_id() -> Schema:
    """The id of a ConnectWise record."""
    return integer("The record id in ConnectWise.", least=1, example=7)


def selector(
    about: str,
    limit: int,
    *,
    pattern: str = ONE_LINE,
    example: Any = None,
    clearable: bool = False,
) -> Schema:
    """A ConnectWise object, by its name or as `{id: 7}`."""
    schema = text(about, limit, pattern=pattern, example=example, clearable=clearable)
    schema["type"] = [*schema["type"], "object"]
    return schema | {"properties": {"id": record_id()}, "required": ["id"], "additionalProperties": False}


def listing(about: str, item: Schema, *, least: int = 0, example: Any = None) -> Schema:
    """A list."""
    schema: Schema = {"type": "array", "items": item}
    if least:
        schema["minItems"] = least
    return _described(schema, about, example)


def one_or_many(about: str, item: Schema, *, example: Any = None) -> Schema:
    """One value, or a list of such values."""
    schema = dict(item)
    schema["type"] = [*_types(item), "array"]
    schema["items"] = {key: value for key, value in item.items() if key != "examples"}
    schema["minItems"] = 1
    return _described(schema, about, example)


def record(
    about: str,
    properties: dict[str, Schema],
    *,
    required: tuple[str, ...] = (),
    least: int = 0,
    most: int | None = None,
    example: Any = None,
) -> Schema:
    """A mapping with known keys."""
    schema: Schema = {"type": "object", "properties": properties, "additionalProperties": False}
    if required:
        schema["required"] = list(required)
    if least:
        schema["minProperties"] = least
    if most is not None:
        schema["maxProperties"] = most
    return _described(schema, about, example)


def keyed(about: str, key: Schema, value: Schema, *, example: Any = None) -> Schema:
    """A mapping whose keys are names; `key` describes them."""
    schema: Schema = {"type": "object", "propertyNames": key, "additionalProperties": value}
    return _described(schema, about, example)


def or_off(schema: Schema) -> Schema:
    """The same, or the word `off`."""
    return schema | {"type": [*_types(schema), "string"], "pattern": OFF}


def _types(schema: Schema) -> list[str]:
    types = schema["type"]
    return [types] if isinstance(types, str) else list(types)


def types_of(schema: Schema) -> tuple[str, ...]:
    """The types that a position accepts; none for a position that is not in the schema."""
    types = schema.get("type", ())
    return (types,) if isinstance(types, str) else tuple(types)

"""The reference page of the format, from the schema that checks it."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from reconciler.config.schema import ABOUT, limit_reason, mappings_schema
from reconciler.config.words import (
    CODE,
    COUNT,
    DATE,
    LARGEST,
    LARGEST_ID,
    MOMENT,
    OFF,
    TENANT,
    Schema,
    types_of,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = """\
# Configuration reference

<!-- Generated from the schema: change reconciler/config/schema*.py or reconciler/model/fields.py, then run
     python -m tests.generate -->

{about}

Start each file with a line that gives editors completion and hover texts:

```yaml
# yaml-language-server: $schema=../schemas/mappings.schema.json
version: 1
mappings:
  CIXA-MSP: {{product: MSP-ENDPOINT, sync: true}}
```

## How files are read

- Every regular file whose name ends in `.yaml`, in the folder and the folders below it, in the order of
  their names. Names that start with a dot are left alone. Symbolic links and `.yml` files are errors, so
  that nothing is skipped in silence. A file may have 1 MiB, a folder 1,000 files and 16 MiB.
- A section may be spread over files; a key may stand only once in all of them. Lists (`holds`,
  `approvals`, `protected`) are joined. A customer's row that holds nothing but `nameDiffers` and `restart`
  continues the row of that customer in another file.
- With `settings.homes: fixed` each section stands in its own file, and what does not is an error:
  [who owns which file](gitops.md#who-owns-which-file).
- Texts are what was typed, with or without quotes: `0012`, `NO`, `12:30` and `1_000` stay as they are.
- Numbers are plain decimals: `12`, `4.50`. No decimal comma, no `1_000`, `1e3`, `0x1F` or leading zeros,
  and no quotes. Prices and costs have four decimal places at most, other money and
  quantities two; nothing is rounded in silence.
- `true` and `false` are the only flags. `null` (or `~`, or nothing) clears a field where the table says so.
- Dates are `YYYY-MM-DD`.
- UTF-8, one YAML document a file. Anchors and aliases are allowed, within a bound; tags (`!…`) and merge
  keys (`<<`) are refused, because they hide from a reviewer what a row says.
- Invisible characters, and those that reorder the text around them, are refused everywhere.
- Identifiers of products and companies compare without capitals and outer blanks (a difference is a
  warning), Sophos codes exactly, tenant ids in lower case. An identifier that holds quotes, brackets, `%`
  or a backslash is named by its id, `{{id: 7}}`; as a key, `"#7"`.
- All problems come at once, each with its place. What has run out (`until` is before today) is said by what
  follows. A hold is an error, and nothing is read or written until somebody decides: a number does not change
  by itself. An exclusion is a warning: its row is billed from then on. An approval is a notice: it lets
  nothing through any more, so that nothing changes by it.
- `settings.timeZone` is UTC where it is left out; with customers, holds or approvals, that is a warning.
"""


def configuration_page() -> str:
    """The whole page, in Markdown."""
    schema = mappings_schema()
    seen: dict[str, str] = {}
    parts = [_HEAD.format(about=ABOUT)]
    parts += ["\n".join(_section(name, section, seen)) for name, section in schema["properties"].items()]
    return "\n".join(parts)


def _section(name: str, schema: Schema, seen: dict[str, str]) -> Iterator[str]:
    """One section; `seen` remembers tables that another one has already shown."""
    yield f"## `{name}`"
    yield ""
    yield schema["description"]
    yield ""
    if "enum" in schema:
        yield f"{_kind(schema)}. Default: `{_plain(schema['default'])}`."
        yield ""
    if "propertyNames" in schema:
        yield f"Keys: {_kind(schema['propertyNames'])}."
        yield ""
    if schema.get("examples") and "enum" not in schema:
        yield "```yaml"
        yield from _yaml({name: schema["examples"][0]})
        yield "```"
        yield ""
    for title, row in _tables(name, schema):
        if title != name:
            yield f"### `{title}`"
            yield ""
        if row is not schema and "description" in row and title == name:
            yield f"A row: {row['description']}"
            yield ""
        table = "\n".join(_table(row["properties"], tuple(row.get("required", ()))))
        yield f"The same keys as `{seen[table]}`." if table in seen else table
        seen.setdefault(table, title)
        yield ""


def _tables(title: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The mapping itself or what its rows hold, then what stands below."""
    below = schema.get("additionalProperties")
    row = below if isinstance(below, dict) else schema.get("items", schema)
    properties = row.get("properties", {})
    if properties and not _is_selector(row):
        yield title, row
    for key, value in properties.items():
        if "object" in types_of(value) or "array" in types_of(value):
            yield from _tables(f"{title} → {key}", value)


def _is_selector(schema: Schema) -> bool:
    return set(schema.get("properties", ())) <= {"id", "type"} and "id" in schema.get("properties", ())


def _table(properties: dict[str, Schema], required: tuple[str, ...]) -> Iterator[str]:
    yield "| Key | Value | Default | Meaning | Example |"
    yield "|---|---|---|---|---|"
    for key, schema in properties.items():
        default = f"`{_plain(schema['default'])}`" if "default" in schema else ""
        example = f"`{_flow(schema['examples'][0])}`" if schema.get("examples") else ""
        needed = " (required)" if key in required else ""
        yield f"| `{key}`{needed} | {_kind(schema)} | {default} | {_meaning(schema)} | {example} |"


def _meaning(schema: Schema) -> str:
    about = str(schema.get("description", ""))
    _, found, choices = str(schema.get("markdownDescription", "")).partition("\n\n- ")
    if found:
        about += " " + "; ".join(choices.split("\n- ")) + "."
    return about.replace("|", "\\|")


def _kind(schema: Schema) -> str:
    types = types_of(schema)
    kind = _forms(schema, types)
    limits = _limits(schema)
    text = f"{kind}, {limits}" if limits else kind
    return f"{text}; null clears it" if "null" in types else text


def _forms(schema: Schema, types: tuple[str, ...]) -> str:
    if "enum" in schema:
        return " \\| ".join(f"`{choice}`" for choice in schema["enum"] if choice is not None)
    special = {
        DATE: "date",
        MOMENT: "date, or moment in UTC",
        COUNT: "`sum` \\| `max` \\| Sophos productCode",
        CODE: "Sophos productCode",
        TENANT: "Sophos tenant id",
    }.get(schema.get("pattern", ""))
    if special:
        return special
    if "boolean" in types and "string" in types:
        return "text, number or flag"
    words = {"string": "text", "boolean": "`true` \\| `false`", "number": "number", "integer": "whole number"}
    forms = [words[t] for t in types if t in words and not (t == "number" and "string" in types)]
    if "object" in types:
        keys = schema.get("properties", {})
        short = _is_selector(schema)
        forms.append(" or ".join(f"`{{{key}: …}}`" for key in keys) if short else "keys with values")
    if "array" in types:
        item = schema["items"]
        forms.append(
            "list of these" if "string" in types else f"list of {_plural(_forms(item, types_of(item)))}"
        )
    if schema.get("pattern") == OFF:
        return "keys with values, or `off`"
    return " or ".join(forms)


def _plural(kind: str) -> str:
    return {"text": "texts", "keys with values": "rows", "whole number": "whole numbers"}.get(
        kind, f"{kind}s"
    )


def _limits(schema: Schema) -> str:
    parts = []
    limit = schema.get("maxLength")
    if limit and schema.get("pattern") not in (DATE, CODE, COUNT, TENANT):
        why = limit_reason("", schema)
        parts.append(f"at most {limit} characters" + (f" ({why.rstrip('.')})" if "before" in why else ""))
    least, most = schema.get("minimum"), schema.get("maximum")
    if "exclusiveMinimum" in schema:
        parts.append(f"above {schema['exclusiveMinimum']}")
    elif least is not None:
        parts.append(f"{least} or more")
    if most not in (None, LARGEST, LARGEST_ID):
        parts.append(f"at most {most}")
    return ", ".join(parts)


def _plain(value: Any) -> str:
    return {True: "true", False: "false"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _flow(value: Any) -> str:
    """A value as YAML on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(below)}" for key, below in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    if isinstance(value, float):
        return f"{Decimal(str(value)):.2f}"
    text = _plain(value)
    return f'"{text}"' if isinstance(value, str) and text[:1] in "#&*!" else text


def _yaml(value: dict[str, Any], depth: int = 0) -> Iterator[str]:
    """A mapping as YAML, rows on lines of their own down to the second level."""
    for key, below in value.items():
        indent = "  " * depth
        if depth < 1 and isinstance(below, dict):
            yield f"{indent}{key}:"
            yield from _yaml(below, depth + 1)
        elif depth < 1 and isinstance(below, list) and below and isinstance(below[0], dict):
            yield f"{indent}{key}:"
            for item in below:
                yield f"{indent}  - {_flow(item)}"
        else:
            yield f"{indent}{key}: {_flow(below)}"

"""Values against the schema: each error in the terms of the file, with its place and what to do."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from reconciler.config.nodes import key_at, value_at
from reconciler.config.placeholders import is_placeholder
from reconciler.config.schema import limit_reason, shared_schema
from reconciler.config.wording import did_you_mean, either, sentences, show, subject_of
from reconciler.config.words import (
    CODE,
    COUNT,
    DATE,
    IDENTIFIER,
    MOMENT,
    NAMED,
    OFF,
    ONE_LINE,
    TENANT,
    types_of,
)
from reconciler.model.diagnostics import Diagnostic, error
from reconciler.model.money import plain

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from reconciler.config.nodes import Mapping
    from reconciler.config.values import Converted, Path

#: More than anybody reads; a file that is not ours at all must not take minutes.
ERRORS_LIMIT = 200

_PATTERNS = {
    ONE_LINE: ("it must be one line of printable characters", "Remove tabs, line breaks and unusual blanks."),
    COUNT: ("this is neither sum, max nor a productCode", "Write sum, max or one code that leads."),
    CODE: ("this is no Sophos productCode", "Write the code as Sophos does, such as CIXA-MSP."),
    TENANT: (
        "this is no Sophos tenant id",
        "Copy the id from Sophos Central Partner; it looks like 718b6047-2fbc-44f4-9a43-45ee42bf5d3b.",
    ),
    DATE: ("this is no date", "Write it as YYYY-MM-DD, such as 2026-12-31."),
    MOMENT: (
        "this is neither a date nor a moment in UTC",
        "Write it as YYYY-MM-DD, such as 2026-11-27, or with the time in UTC, such as 2026-11-27T09:30:00Z.",
    ),
    OFF: ("only the word off may stand here instead of numbers", "Write off, or the numbers."),
}
_UNSAFE = (
    "ConnectWise's search language has no safe way to write quotes, brackets, % or a backslash, and names "
    "are one line."
)
_TYPE_WORDS = {
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "array": "a list",
    "object": "keys with values",
}


@cache
def _validator() -> Any:
    """The one validator; its patterns also refuse a line break at the end, which `$` would let pass.

    Texts and flags that are plainly fine are not handed down one by one: a thousand rows have four
    thousand of them, and each would cost the library a new validator.
    """
    import jsonschema  # a tenth of a second that other commands need not wait for

    def pattern(_validator: Any, wanted: str, instance: Any, _schema: Any) -> Iterator[Any]:
        if isinstance(instance, str) and ("\n" in instance or not re.search(wanted, instance)):
            yield jsonschema.ValidationError(wanted)

    def properties(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            for key, value in instance.items():
                if key in wanted and not _plainly_fine(value, wanted[key]):
                    yield from validator.descend(value, wanted[key], path=key, schema_path=key)

    def names(validator: Any, wanted: Any, instance: Any, _schema: Any) -> Iterator[Any]:
        if isinstance(instance, dict):
            for key in instance:
                if not _plainly_fine(key, wanted):
                    yield from validator.descend(key, wanted)

    extend: Any = jsonschema.validators.extend
    keywords = {"pattern": pattern, "properties": properties, "propertyNames": names}
    return extend(jsonschema.Draft7Validator, keywords)(shared_schema())


def _plainly_fine(value: Any, schema: dict[str, Any]) -> bool:
    """Whether a text or a flag is surely valid; False only means that the library shall look."""
    if "enum" in schema:
        return False
    if isinstance(value, bool):
        return "boolean" in schema["type"]
    return (
        isinstance(value, str)
        and "string" in schema["type"]
        and schema.get("minLength", 0) <= len(value) <= schema.get("maxLength", len(value))
        and (
            "pattern" not in schema or ("\n" not in value and re.search(schema["pattern"], value) is not None)
        )
    )


def check(root: Mapping, converted: Converted) -> tuple[list[Diagnostic], set[Path]]:
    """What the schema finds wrong, and the paths at which it did; several at one path are said once each."""
    diagnostics: list[Diagnostic] = []
    wrong: set[Path] = set()
    for found in _validator().iter_errors(converted.value):
        path: Path = tuple(found.absolute_path)
        if path in converted.wrong:
            continue
        for place, diagnostic in _TRANSLATE.get(found.validator, _other)(root, path, found):
            wrong.add(place)
            diagnostics.append(diagnostic)
        if len(diagnostics) >= ERRORS_LIMIT:
            break
    return diagnostics, wrong


Told = list[tuple["Path", Diagnostic]]


def name_of(path: Path) -> str:
    """How a message names the place: its last key, or which one of a list it is."""
    keys = [part for part in path if isinstance(part, str)]
    if path and isinstance(path[-1], int):
        return f"Number {path[-1] + 1} of `{keys[-1]}`"
    return f"`{keys[-1]}`" if keys else "The configuration"


def _at_value(root: Mapping, path: Path, code: str, message: str, remedy: str) -> Told:
    place = value_at(root, path)
    return [(path, error(code, message, remedy, location=place, subject=subject_of(path)))]


def _unknown(root: Mapping, path: Path, found: Any) -> Told:
    known = list(found.schema.get("properties", {}))
    told: Told = []
    for key in found.instance:
        if key in known:
            continue
        at = (*path, key)
        where = f"under {name_of(path)}" if path else "at the top of a file"
        code, message = "unknown-key", f"{show(key)} is no key {where}."
        remedy = did_you_mean(key, known) or _listed(known)
        if is_placeholder(key):
            code, message = (
                "placeholder",
                f"{show(key)} {where} only stands for the row's other keys.",
            )
            remedy = "Write those there, or add the new key to the row that has them."
        if key.isdigit() and found.instance[key] is None:
            code, message = "decimal-comma", f"After the comma, {show(key)} starts a new key {where}."
            remedy = "Write decimals after a point, such as 4.50."
        place = key_at(root, at)
        told.append((at, error(code, message, remedy, location=place, subject=subject_of(at))))
    return told


def _listed(known: list[str]) -> str:
    if len(known) > 12:
        return "The reference, docs/configuration.md, lists the keys."
    return f"Known here: {either(known)}." if known else ""


def _missing(root: Mapping, path: Path, found: Any) -> Told:
    missing = [key for key in found.validator_value if key not in found.instance]
    # jsonschema reports each missing key by itself; its message starts with the key.
    key = next((k for k in missing if found.message.startswith(repr(k))), missing[0])
    about = found.schema["properties"][key].get("description", "")
    place = key_at(root, path)
    message = f"{name_of(path)} needs `{key}`."
    return [((*path, key), error("missing-key", message, about, location=place, subject=subject_of(path)))]


def _type(root: Mapping, path: Path, found: Any) -> Told:
    wanted = _wanted(found.schema)
    if found.instance is None:
        return _nothing_there(root, path, found.schema, wanted)
    what = "a list" if isinstance(found.instance, list) else "keys with values"
    if not isinstance(found.instance, list | dict):
        what = show(found.instance)
    message = f"{name_of(path)} is {what}; it must be {wanted}."
    return _at_value(root, path, "wrong-type", message, _example(found.schema))


def _wanted(schema: dict[str, Any]) -> str:
    types = [t for t in types_of(schema) if t != "null"]
    if "string" in types and "boolean" not in types:
        types = [t for t in types if t != "number"]
    if types[-1:] == ["string"] and schema.get("pattern") == OFF:
        return "keys with values, or off"
    if "object" in types and "properties" in schema and set(schema["properties"]) <= {"id", "type"}:
        forms = " or ".join(f"{{{key}: …}}" for key in schema["properties"])
        listed = [_TYPE_WORDS[t] for t in types if t != "object"]
        return either([*listed, forms])
    return either([_TYPE_WORDS[t] for t in types])


def _example(schema: dict[str, Any]) -> str:
    import json

    examples = schema.get("examples")
    if not examples:
        return "The reference, docs/configuration.md, says what may stand here."
    return f"For example: {json.dumps(examples[0], ensure_ascii=False)}."


def _nothing_there(root: Mapping, path: Path, schema: dict[str, Any], wanted: str) -> Told:
    in_product = len(path) == 3 and path[0] == "products"
    message = f"{name_of(path)} is empty, or null; it must be {wanted}."
    remedy = sentences(
        "This field cannot be cleared; leave the key out to keep what ConnectWise has."
        if in_product
        else "Write a value, or leave the key out.",
        _example(schema) if "examples" in schema else "",
    )
    return _at_value(root, path, "not-clearable" if in_product else "wrong-type", message, remedy)


def _choice(root: Mapping, path: Path, found: Any) -> Told:
    if found.instance is None or isinstance(found.instance, list | dict):
        return []  # its type is wrong, and that is said
    choices = [str(choice) for choice in found.validator_value if choice is not None]
    message = f"{name_of(path)} cannot be {show(found.instance)}."
    if path == ("version",):
        return _at_value(
            root,
            path,
            "unsupported-version",
            message,
            "This release reads version 1; a newer format needs a newer release.",
        )
    remedy = sentences(did_you_mean(str(found.instance), choices), f"It is one of {either(choices)}.")
    return _at_value(root, path, "not-one-of", message, remedy)


def _is_key(found: Any) -> bool:
    return "propertyNames" in found.absolute_schema_path


def _text_told(root: Mapping, path: Path, found: Any, code: str, message: str, remedy: str) -> Told:
    """Tell about a text that is a value or, under propertyNames, a key."""
    if not _is_key(found):
        return _at_value(root, path, code, f"{name_of(path)} is {show(found.instance)}: {message}", remedy)
    at = (*path, found.instance)
    place = key_at(root, at)
    told = error(code, f"{show(found.instance)}: {message}", remedy, location=place, subject=subject_of(at))
    return [(at, told)]


def _pattern(root: Mapping, path: Path, found: Any) -> Told:
    wanted, text = found.validator_value, found.instance
    if text == "":
        return []  # said as an empty text
    if wanted in (IDENTIFIER, NAMED):
        if wanted == NAMED and re.fullmatch("#[0-9]+", text):
            return _text_told(root, path, found, "malformed", "that is an id.", f"Write {{id: {text[1:]}}}.")
        remedy = f"Name it by its id, {{id: 7}}. {_UNSAFE}"
        if _is_key(found):
            remedy = f"It cannot be named here; a row can map to it by its id, {{id: 7}}. {_UNSAFE}"
        message = f"it holds {_odd_characters(wanted, text)}."
        return _text_told(root, path, found, "unsafe-identifier", message, remedy)
    what, remedy = _PATTERNS.get(wanted, ("this is not written as it must be", ""))
    if not remedy:
        remedy = _example(found.schema)
    return _text_told(root, path, found, "malformed", f"{what}.", remedy)


def _odd_characters(wanted: str, text: str) -> str:
    odd = sorted({char for char in text if not re.search(wanted, char) or char == "\n"})
    return either([show(char) for char in odd[:3]]) or "characters that are not accepted"


def _too_long(root: Mapping, path: Path, found: Any) -> Told:
    limit, length = found.validator_value, len(found.instance)
    name = next((key for key in reversed(path) if isinstance(key, str)), "")
    remedy = sentences(f"Shorten it by {length - limit}.", limit_reason(name, found.schema))
    return _text_told(
        root, path, found, "too-long", f"it has {length} characters; {limit} are the most.", remedy
    )


def _empty_text(root: Mapping, path: Path, found: Any) -> Told:
    remedy = "Write a text, or leave the key out."
    if "null" in types_of(found.schema):
        remedy = "Write null to clear the field, or leave the key out."
    return _text_told(root, path, found, "empty-text", "the text is empty.", remedy)


def _too_small(root: Mapping, path: Path, found: Any) -> Told:
    strict = found.validator == "exclusiveMinimum"
    message = (
        f"{name_of(path)} is {_figure(found.instance)}; it must be {_least(found.validator_value, strict)}."
    )
    remedy = "A price cannot be negative: credits are made by hand." if path[-1:] == ("price",) else ""
    return _at_value(root, path, "too-small", message, remedy or "Correct the number.")


def _least(number: Any, strict: bool) -> str:
    return f"more than {number}" if strict else f"{number} or more"


def _too_big(root: Mapping, path: Path, found: Any) -> Told:
    message = f"{name_of(path)} is {_figure(found.instance)}; {found.validator_value} is the most."
    return _at_value(root, path, "too-large", message, "Correct the number.")


def _figure(number: Any) -> str:
    return plain(number) if hasattr(number, "normalize") else str(number)


def _too_few(root: Mapping, path: Path, found: Any) -> Told:
    if found.validator == "minProperties" and "id" in found.schema.get("properties", {}):
        return _one_form(root, path, found)
    message = f"{name_of(path)} is empty."
    return _at_value(root, path, "empty", message, "Fill it, or leave the key out.")


def _one_form(root: Mapping, path: Path, _found: Any) -> Told:
    message = f"{name_of(path)} must say exactly one of `id` and `type`."
    remedy = "Write its name as a text, {id: 1234} or {type: MSP}."
    return _at_value(root, path, "wrong-type", message, remedy)


def _other(root: Mapping, path: Path, found: Any) -> Told:
    message = f"{name_of(path)} does not have the form that is wanted here."
    return _at_value(root, path, "malformed", message, _example(found.schema))


_TRANSLATE: dict[str, Callable[[Mapping, Path, Any], Told]] = {
    "additionalProperties": _unknown,
    "required": _missing,
    "type": _type,
    "enum": _choice,
    "pattern": _pattern,
    "maxLength": _too_long,
    "minLength": _empty_text,
    "minimum": _too_small,
    "exclusiveMinimum": _too_small,
    "maximum": _too_big,
    "minItems": _too_few,
    "minProperties": _too_few,
    "maxProperties": _one_form,
}

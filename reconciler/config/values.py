"""Tree → plain values, typed by where they stand, so that `0012` under a text stays what was typed.

A number is a Decimal of the typed text; where YAML readers disagree about a value (`yes`, `1_000`, `0x1F`,
`1e3`, `NULL`) it is refused with a reason, never guessed.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from reconciler.config.nodes import Mapping, Node, Scalar, Sequence, is_null
from reconciler.config.placeholders import REASONS, is_no_reason, is_placeholder
from reconciler.config.wording import sentences, show, subject_of
from reconciler.config.words import Schema, types_of
from reconciler.model.diagnostics import Diagnostic, error

Path = tuple[str | int, ...]

_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]{0,17})(?:\.[0-9]{1,12})?")
_COMMA = re.compile(r"[+-]?[0-9][0-9. ]*,[0-9]{1,2}|[+-]?[0-9]+,[0-9]+")
_NUMERIC = re.compile(
    r"[+-]?[0-9.][0-9_.,eE+' -]*|[+-]?0[xob][0-9a-fA-F_]+|[+-]?\.(?:inf|nan)", re.IGNORECASE
)
_BOOLEANS = {
    **dict.fromkeys(("yes", "y", "on", "true"), "true"),
    **dict.fromkeys(("no", "n", "off", "false"), "false"),
}


#: What to write under a key instead of something that is no number.
_REMEDIES = {
    "restart": "Write the ids of the ended lines that shall be billed again, such as [1010]; the plan's "
    "message about each of them prints the row.",
}


@dataclass
class Converted:
    """The values, and what could not be one; `wrong` are the paths that were already complained about."""

    value: Any = None
    wrong: set[Path] = field(default_factory=set)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def refuse(self, path: Path, diagnostic: Diagnostic) -> None:
        """Note a value that cannot be taken."""
        self.wrong.add(path)
        self.diagnostics.append(diagnostic)


def convert(root: Node, schema: Schema) -> Converted:
    """Plain dicts, lists, texts, Decimals, ints, booleans and None, as the schema's positions ask for."""
    result = Converted()
    result.value = _convert(root, schema, (), result)
    return result


def _convert(node: Node, schema: Schema, path: Path, result: Converted) -> Any:
    if isinstance(node, Mapping):
        known = schema.get("properties", {})
        other = schema.get("additionalProperties") or {}
        return {
            key: _convert(entry.value, known.get(key, other), (*path, key), result)
            for key, entry in node.entries.items()
        }
    if isinstance(node, Sequence):
        items = schema.get("items", {})
        return [_convert(item, items, (*path, index), result) for index, item in enumerate(node.items)]
    if _is_unfilled(node, path):
        result.refuse(path, _unfilled(node, schema, path))
        return None
    return _scalar(node, types_of(schema), path, result)


def _is_unfilled(node: Scalar, path: Path) -> bool:
    if not node.text.strip() or is_null(node):
        return False
    return is_placeholder(node.text) or (path[-1:] != () and path[-1] in REASONS and is_no_reason(node.text))


def _unfilled(node: Scalar, schema: Schema, path: Path) -> Diagnostic:
    """A row was pasted as it was printed, and what only a person can say is not filled in."""
    name = next((key for key in reversed(path) if isinstance(key, str)), "")
    about = str(schema.get("description", "")).partition(". ")[0].rstrip(".")
    example = next(iter(schema.get("examples", ())), None)
    return error(
        "placeholder",
        f"`{name}` is {show(node.text)}, which only holds the place of what a person has to write.",
        sentences(
            f"Write it: {about}." if about else "Write what belongs there.",
            f"For example: {example}." if isinstance(example, str | int) else "",
        ),
        location=node.location,
        subject=subject_of(path),
    )


def _scalar(node: Scalar, types: tuple[str, ...], path: Path, result: Converted) -> Any:
    if is_null(node):
        return None
    if not types:
        return node.text
    if "string" in types:
        if "boolean" in types:
            return _any_scalar(node)
        if node.plain and node.text in ("Null", "NULL"):
            result.refuse(path, _null_in_capitals(node, path))
        return node.text
    if "boolean" in types:
        return _boolean(node, path, result)
    if "number" in types or "integer" in types:
        return _number(node, "integer" in types, path, result)
    return node.text


def _any_scalar(node: Scalar) -> Any:
    """Where a text, a number or a boolean may stand, only what reads the same everywhere is not a text."""
    if node.plain and node.text in ("true", "false"):
        return node.text == "true"
    if node.plain and _NUMBER.fullmatch(node.text):
        return Decimal(node.text)
    return node.text


def _null_in_capitals(node: Scalar, path: Path) -> Diagnostic:
    return error(
        "ambiguous-null",
        f"{node.text} could be a text or nothing at all.",
        f'Write null to clear the field, or "{node.text}" in quotes for the text.',
        location=node.location,
        subject=subject_of(path),
    )


def _boolean(node: Scalar, path: Path, result: Converted) -> Any:
    if node.plain and node.text in ("true", "false"):
        return node.text == "true"
    meant = _BOOLEANS.get(node.text.casefold())
    remedy = f"Write {meant}, in lower case and without quotes." if meant else "Write true or false."
    result.refuse(
        path,
        error(
            "not-a-boolean",
            f"{show(node.text)} is neither true nor false.",
            sentences(
                remedy,
                "yes, no, on, off and other spellings are not accepted, because YAML readers disagree "
                "about them."
                if meant
                else "",
            ),
            location=node.location,
            subject=subject_of(path),
        ),
    )
    return None


def _number(node: Scalar, whole: bool, path: Path, result: Converted) -> Any:
    text = node.text
    if node.plain and _NUMBER.fullmatch(text):
        number = Decimal(text)
        if not whole:
            return number or Decimal(0)  # -0 is 0
        if number == number.to_integral_value():
            return int(number)
        code, message, remedy = (
            "not-a-number",
            f"{show(text)} is not a whole number.",
            "Write a whole number.",
        )
    elif not node.plain and _NUMBER.fullmatch(text.strip()):
        code = "quoted-number"
        message = f"{show(text)} is in quotes and therefore a text; a number is wanted here."
        remedy = f"Write {text.strip()} without quotes."
    else:
        code, message, remedy = _no_number(text)
        remedy = next((_REMEDIES[key] for key in path if isinstance(key, str) and key in _REMEDIES), remedy)
    result.refuse(path, error(code, message, remedy, location=node.location, subject=subject_of(path)))
    return None


def _no_number(text: str) -> tuple[str, str, str]:
    if _COMMA.fullmatch(text):
        point = text.replace(".", "").replace(" ", "").replace(",", ".")
        return (
            "decimal-comma",
            f"{show(text)} has a decimal comma.",
            f"Write the decimals after a point, and thousands without a mark: {point.lstrip('+')}.",
        )
    if _NUMERIC.fullmatch(text):
        return (
            "not-a-number",
            f"{show(text)} is not written as a plain number.",
            (
                "Write digits with at most one point, such as 1000 or 4.50: no signs between thousands, no "
                "exponents, no leading zeros or plus, no other bases."
            ),
        )
    return "not-a-number", f"{show(text)} is no number.", "Write a number, such as 4.50."

"""Rows added to a list of a YAML file, every other byte of which stays."""

from __future__ import annotations

from typing import Any

import yaml

_BOM = "\ufeff"
_NEW_FILE = "# yaml-language-server: $schema=../schemas/mappings.schema.json\nversion: 1\n"


def with_rows(text: str | None, section: str, rows: list[str]) -> str:
    """The file's text with these flow rows (`{…}`) at the end of a top-level list; None is a new file.

    Raises ValueError, with why, where the text cannot be added to without touching anything else.
    """
    if text is None:
        return _NEW_FILE + _block(section, rows, "\n")
    bom, body = (_BOM, text[1:]) if text.startswith(_BOM) else ("", text)
    try:
        made = _added(body, section, rows)
        before, after, new = (_texts(one) for one in (body, made, f"[{', '.join(rows)}]"))
    except yaml.YAMLError as wrong:
        raise ValueError("it is no YAML that can be added to") from wrong
    before = before or {}
    if after != {**before, section: [*(before.get(section) or []), *new]}:
        raise ValueError("its form leaves no place for another row")
    return bom + made


def _texts(text: str) -> Any:
    """Everything as it was typed, so that what was there before can be compared."""
    loader = yaml.BaseLoader(text)
    try:
        return loader.get_single_data()
    finally:
        loader.dispose()


def _added(body: str, section: str, rows: list[str]) -> str:
    newline = "\r\n" if "\r\n" in body else "\n"
    root: Any = yaml.compose(body, Loader=yaml.SafeLoader)
    if root is not None and (not isinstance(root, yaml.MappingNode) or root.flow_style):
        raise ValueError("it is not a file of sections")
    pairs = root.value if root is not None else []
    value = next((value for key, value in pairs if key.value == section), None)
    if value is None:
        start = body if not body or body.endswith("\n") else body + newline
        return start + _block(section, rows, newline)
    if isinstance(value, yaml.ScalarNode) and not value.value:
        return _after_line(body, value.end_mark.index, rows, "  ", newline)
    if value.id != "sequence":
        raise ValueError(f"its `{section}` is no list")
    if not value.flow_style:
        indent = " " * value.start_mark.column
        return _after_line(body, _end(value), rows, indent, newline)
    place = _end(value.value[-1]) if value.value else value.start_mark.index + 1
    return body[:place] + (", " if value.value else "") + ", ".join(rows) + body[place:]


def _block(section: str, rows: list[str], newline: str) -> str:
    return f"{section}:{newline}" + "".join(f"  - {row}{newline}" for row in rows)


def _after_line(body: str, place: int, rows: list[str], indent: str, newline: str) -> str:
    """The rows on lines of their own below the line in which the list ends so far."""
    added = "".join(f"{indent}- {row}{newline}" for row in rows)
    if place and body[place - 1] == "\n":  # a text of several lines ends where the next line starts
        return body[:place] + added + body[place:]
    end = body.find("\n", place) + 1
    return body[:end] + added + body[end:] if end else body + newline + added


def _end(node: Any) -> int:
    """Where a node's last character is; a block's own end would be where the next thing starts."""
    if isinstance(node, yaml.ScalarNode) or node.flow_style or not node.value:
        return int(node.end_mark.index)
    last = node.value[-1]
    return _end(last[1] if isinstance(last, tuple) else last)

"""A document as JSON for scripts and files, which a person may print on a terminal as well."""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

from reconciler.reporting.clean import BROKEN, COMMAND, STEERING

#: Everything outside printable ASCII is looked at; most documents have little of it.
_UNUSUAL = re.compile(r"[^\x20-\x7e\n]")


def json_text(document: Any, *, sort_keys: bool = False) -> str:
    """The document, indented, with a line end.

    Names stay readable; characters that steer a terminal or turn text around, and what would command a
    runner that prints it, are written as escapes, which a parser reads as the same characters.
    """
    text = json.dumps(document, ensure_ascii=False, indent=2, sort_keys=sort_keys)
    return COMMAND.sub(lambda _: BROKEN, _UNUSUAL.sub(_escaped, text)) + "\n"


def _escaped(found: re.Match[str]) -> str:
    character = found[0]
    return json.dumps(character)[1:-1] if unicodedata.category(character) in STEERING else character

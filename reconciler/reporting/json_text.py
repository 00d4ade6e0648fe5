"""A document as JSON for scripts and files, which a person may print on a terminal as well."""

from __future__ import annotations

import json
from typing import Any

from reconciler.model.inert_json import inert


def json_text(document: Any) -> str:
    """The document, indented, with a line end.

    Names stay readable; characters that steer a terminal or turn text around, and what would command a
    runner that prints it, are written as escapes, which a parser reads as the same characters.
    """
    return inert(json.dumps(document, ensure_ascii=False, indent=2)) + "\n"

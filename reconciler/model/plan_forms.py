"""The schemas by which a plan file is read piece by piece: its head, and each member of its long lists."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.plan import FORMAT_VERSION
from reconciler.model.plan_schema import plan_schema
from reconciler.model.plan_text import LISTS

if TYPE_CHECKING:
    from reconciler.model.json_stream import Path

#: Versions of which files can be looked at, and the keys that all of these have.
OLDER = ("1.0",)
_REQUIRED_BY_OLDER = (
    "formatVersion", "tool", "site", "marker", "member", "instance", "today", "period", "usageReadAt",
    "configHash", "hash", "rollbackOf", "narrowedTo", "guards", "restsOn", "changes", "diagnostics", "lines",
    "usageNotes", "census", "removedRows", "summary",
)  # fmt: skip


def head_schema(*, older: bool) -> dict[str, Any]:
    """The schema of a document whose long lists are empty; with `older` that of older versions too."""
    schema = plan_schema()
    if older:
        schema["properties"]["formatVersion"] = {"enum": [FORMAT_VERSION, *OLDER]}
        schema["required"] = list(_REQUIRED_BY_OLDER)
    return schema


def records_schema() -> dict[str, Any]:
    """The schema of the records that changes rest on."""
    found: dict[str, Any] = plan_schema()["properties"]["restsOn"]
    return found


def member_schemas() -> dict[Path, dict[str, Any]]:
    """The schema of a member of each long list."""
    found = {}
    for path in LISTS:
        inside = plan_schema()
        for key in path:
            inside = inside["properties"][key]
        found[path] = inside["items"]
    return found

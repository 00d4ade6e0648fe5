"""One value before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class FieldChange:
    """One value, before and after, in plan form (`model.fields.to_plan`).

    `field` is a catalog item's field name, `customFields/CAPTION`, or `sophos/CODE` for a mapping, whose
    values are `sync on`, `sync off` or null (not mapped); or a line's field name.
    """

    field: str
    before: Any
    after: Any

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {"field": self.field, "before": self.before, "after": self.after}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> FieldChange:
        """Read back what `to_json` wrote."""
        return cls(data["field"], data["before"], data["after"])

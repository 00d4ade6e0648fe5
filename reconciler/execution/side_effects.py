"""What a write changed beside what was sent: ConnectWise may derive, reset or reprice other fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from reconciler.model.fields import to_plan

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from reconciler.model.fields import Value


def side_effects(before: Mapping[str, Value], after: Mapping[str, Value], sent: Collection[str]) -> list[str]:
    """Fields that nobody sent and that differ now, each as `field: was → is`."""
    was = {name: to_plan(value) for name, value in before.items() if name not in sent}
    now = {name: to_plan(value) for name, value in after.items() if name not in sent}
    if was == now:
        return []
    from deepdiff import DeepDiff  # slow to import, and hardly ever needed

    found = []
    for changes in DeepDiff(was, now, view="tree").values():
        for change in changes:
            path = "/".join(str(part) for part in change.path(output_format="list"))
            found.append(f"{path}: {_text(change.t1)} → {_text(change.t2)}")
    return sorted(found)


def _text(value: Any) -> str:
    """A missing value is deepdiff's own marker object, which people should not read."""
    return str(value) if isinstance(value, str | int | bool | dict) else "not set"

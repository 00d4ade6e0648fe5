"""Configuration folders for tests, and a mark for the place where a problem is expected."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

from reconciler.config.load import Loaded, load

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.model.desired import Desired
    from reconciler.model.diagnostics import Severity

TODAY = date(2026, 11, 22)
#: Stands in a test's YAML where the diagnostic must point; taken out before the file is written.
MARK = "▸"
ROW = "mappings:\n  A-MSP: {product: MSP-A, sync: true}\n"
TENANT = "718b6047-2fbc-44f4-9a43-45ee42bf5d3b"
OTHER = "9f2c0000-0000-4000-8000-000000000001"


def loaded(folder: Path, *texts: str | bytes, today: date | None = TODAY) -> Loaded:
    """Load texts at noon of the day, each as a file of its own: a.yaml, b.yaml, …"""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in zip("abcdefgh", texts, strict=False):
        (folder / f"{name}.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    now = None if today is None else datetime.combine(today, time(12), UTC)
    return load(folder, today_in=None if today is None else lambda _zone: today, now=now)


def wanted(folder: Path, *texts: str | bytes) -> Desired:
    """Load texts that have no error."""
    result = loaded(folder, *texts)
    assert result.desired is not None, said(result)
    return result.desired


def said(result: Loaded, *severities: Severity) -> list[str]:
    """`code line:column` of each diagnostic."""
    return [
        f"{d.code} {d.location.line}:{d.location.column}" if d.location else d.code
        for d in result.diagnostics
        if not severities or d.severity in severities
    ]


def unmark(text: str) -> tuple[str, str]:
    """The text without its mark, and the mark's `line:column`."""
    before, _, _ = text.partition(MARK)
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return text.replace(MARK, "", 1), f"{line}:{column}"

"""Moments as the files and ConnectWise write them, in UTC."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import tzinfo


def moment(text: str) -> datetime | None:
    """The moment that a text names, `2026-11-27T09:00:00Z`; None where it names none.

    A text without an offset is in UTC.
    """
    try:
        found = datetime.fromisoformat(text.strip())
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def moment_in(text: str, zone: tzinfo) -> datetime | None:
    """The same; a date is its beginning in the zone."""
    if "T" in text:
        return moment(text)
    with suppress(ValueError, OverflowError):
        return datetime.combine(date.fromisoformat(text.strip()), time(), zone).astimezone(UTC)
    return None


def moment_text(when: datetime) -> str:
    """The moment as the files write it."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

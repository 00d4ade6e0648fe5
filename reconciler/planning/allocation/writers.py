"""Who wrote a line last: the member that we write as, or somebody else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from reconciler.model.identifiers import identifier_key
from reconciler.model.moments import moment

if TYPE_CHECKING:
    from datetime import date

    from reconciler.model.billing import Line
    from reconciler.model.desired import Settings


def is_ours(line: Line, settings: Settings) -> bool:
    """Whether the member that we write as wrote the line last."""
    member = settings.connectwise_member
    return member is not None and identifier_key(line.updated_by) == identifier_key(member)


def taken_by_hand(line: Line, settings: Settings, day: date) -> bool:
    """Whether somebody else wrote the line after that day; of one that does not say when, nobody knows."""
    written = moment(line.last_updated)
    return not is_ours(line, settings) and (written is None or written.date() > day)


def writer_text(line: Line) -> str:
    """`jane on 2026-11-28`: who wrote the line last, and when."""
    return f"{line.updated_by.strip() or 'somebody'} on {line.last_updated[:10] or '?'}"

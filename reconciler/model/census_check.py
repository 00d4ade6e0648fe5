"""Whether a census closes: each line and each unit has exactly one account."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, error

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.census import Census

#: The code of a census that does not close. It stops the whole run.
CENSUS_OPEN = "census-open"


def census_problem(census: Census | None) -> Diagnostic | None:
    """Why nothing may be written by a plan with this census; None where it closes or nothing was counted."""
    found = [] if census is None else [*_differences(census)]
    if not found:
        return None
    return error(
        CENSUS_OPEN,
        f"The accounts of lines and units do not close: {'; '.join(found)}. Nothing is written.",
        "This is a fault of reconciler and not of your site or your files. Save the plan with --format json "
        "--report FILE and report it with that file; change lines by hand until it is mended.",
    )


def _differences(census: Census) -> Iterator[str]:
    lines = sum(part.lines for part in census.lines)
    if lines != census.line_total:
        yield f"{number_of(census.line_total, 'open line')} read and {lines} accounted for"
    units = sum(part.units for part in census.units)
    if units != census.unit_total:
        yield f"{number_of(census.unit_total, 'unit')} on the bill and {units:f} accounted for"
    held: Counter[tuple[str, str]] = Counter()
    for part in census.lines:
        held[part.account, part.word] += part.lines
        if part.lines < 0:
            yield f"{part.lines} lines under {part.account.value}"
    apart = Counter((line.account, line.word) for line in census.apart)
    for (account, word), count in sorted(apart.items()):
        if count > held[account, word]:
            named = f"{account.value} ({word})" if word else account.value
            yield f"{number_of(count, 'line')} without a row under {named}, which holds {held[account, word]}"
    twice = Counter(line.line_id for line in census.apart)
    for number in sorted(number for number, count in twice.items() if count > 1):
        yield f"line #{number} has two accounts"

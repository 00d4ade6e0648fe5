"""Whether a census closes: each line and each unit has exactly one account."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, error
from reconciler.model.money import parse_decimal
from reconciler.model.value_check import amount_problems, is_id

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


def census_row_problems(census: Census | None) -> Iterator[str]:
    """Numbers of a census in a plan file that reports cannot print or add up."""
    if census is None:
        return
    counts = [census.line_total, *(part.lines for part in census.lines)]
    if any(type(count) is not int for count in counts):
        yield "census/lines: it holds what is no number of lines"
    numbers = [census.unit_total, *(part.units for part in census.lines)]
    numbers += [part.units for part in census.units]
    numbers += [amount for part in census.lines for amount in part.money.values()]
    numbers += [amount for part in census.units for amount in part.value.values()]
    numbers += [line.quantity for line in census.apart]
    if any(parse_decimal(number) is None for number in numbers):
        yield "census: a number of it is out of all proportion"
    for line in census.apart:
        if not (is_id(line.line_id) and is_id(line.agreement_id)):
            yield "census/apart: it names what is no record"
        if line.sales is not None:
            yield from amount_problems("census/apart/sales", line.sales)


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
            yield f"{number_of(part.lines, 'line')} under {part.account.value}"
    apart = Counter((line.account, line.word) for line in census.apart)
    for (account, word), count in sorted(apart.items()):
        if count > held[account, word]:
            named = f"{account.value} ({word})" if word else account.value
            yield f"{number_of(count, 'line')} without a row under {named}, which holds {held[account, word]}"
    twice = Counter(line.line_id for line in census.apart)
    for number in sorted(number for number, count in twice.items() if count > 1):
        yield f"line #{number} has two accounts"

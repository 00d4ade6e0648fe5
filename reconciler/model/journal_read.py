"""A journal read back: what was written, what may have been, and whether the run came to its end.

Nothing in a file is believed before it is checked: it may be cut off in the middle of a line by a full disk
or a killed process, which is no fault, or have been changed since, which is one.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from reconciler.model.by_hand import ByHand
from reconciler.model.journal import ABOUT, BY_HAND, END, OUTCOME, START, Head, Journal, Written, written_from
from reconciler.model.outcome import Result
from reconciler.model.plan_check import change_problems, owner_problems
from reconciler.model.value_check import is_id

if TYPE_CHECKING:
    from collections.abc import Callable

    #: What is wrong with a line's form; "" where nothing is.
    FormCheck = Callable[[dict[str, Any]], str]


class NoJournalError(ValueError):
    """This is no journal of this version; says the line and what is wrong with it."""


def starts_a_journal(first: bytes) -> bool:
    """Whether a file whose first line this is says that it is a journal."""
    try:
        data = _parsed(first)
    except ValueError:
        return False
    return isinstance(data, dict) and data.get("type") == START and "formatVersion" in data


def read(content: bytes, form: FormCheck) -> Journal:
    """The journal of a file. Raises NoJournalError.

    A last line that is not whole is left out and said (`cut_off`): the run was ended while it wrote it.
    """
    *lines, rest = content.split(b"\n")
    cut_off = bool(rest)
    if not lines:
        raise NoJournalError("line 1: it is not whole. The run was ended before it had written anything")
    rows = [_row(number, line, form) for number, line in enumerate(lines, start=1)]
    if rows[0]["type"] != START:
        raise NoJournalError("line 1: a journal begins with the start of a run")
    head = Head.from_json(rows[0])
    _refuse(1, [*_moment_problems(rows[0]["started"]), *owner_problems(head.owner, head.marker_custom_field)])
    return _collected(head, rows, cut_off=cut_off)


def _collected(head: Head, rows: list[dict[str, Any]], *, cut_off: bool) -> Journal:
    written: dict[str, Written] = {}
    others: dict[str, Result] = {}
    by_hand: list[ByHand] = []
    end: dict[str, Any] | None = None
    for number, row in enumerate(rows[1:], start=2):
        if end is not None:
            raise NoJournalError(f"line {number}: something follows the end of the run")
        kind, key = row["type"], row.get("id", "")
        if kind == START:
            raise NoJournalError(f"line {number}: a second run starts in the same file")
        _refuse(number, _moment_problems(row["at"]))
        if kind == END:
            end = row
        elif kind == BY_HAND:
            by_hand.append(_work(number, row))
        elif kind == ABOUT:
            one = _checked(number, written_from(row))
            before = written.get(key)
            if key in others or (before is not None and not _is_again(one, before)):
                raise NoJournalError(f"line {number}: {key[:80]} was recorded before")
            written[key] = one if before is None else replace(one, at=before.at, record=before.record)
        elif key in written and _may_become(written[key], Result(row["result"])):
            _refuse(number, _record_problems(row["record"]))
            record = row["record"] or written[key].record
            written[key] = replace(written[key], result=Result(row["result"]), record=record)
        elif kind == OUTCOME and key not in written and key not in others:
            others[key] = Result(row["result"])
        else:
            raise NoJournalError(f"line {number}: what became of {key[:80]} is there twice")
    return Journal(
        head,
        tuple(written.values()),
        tuple(others.items()),
        ended=end is not None,
        interrupted=end is not None and end["interrupted"],
        cut_off=cut_off,
        by_hand=tuple(by_hand),
    )


def _work(number: int, row: dict[str, Any]) -> ByHand:
    try:
        return ByHand.from_json(row)
    except ValueError:
        raise NoJournalError(f"line {number}: a date of it is no day") from None


def _may_become(written: Written, result: Result) -> bool:
    """Whether an outcome may follow: the first one, or that a tag could not be seen when it was read back."""
    of_product = written.change.target.agreement is None
    return written.result is None or (of_product and result is Result.UNSURE)


def _is_again(one: Written, before: Written) -> bool:
    """Whether a run wrote a tag once more, because another run had overwritten it."""
    here, there = one.change.target, before.change.target
    same = here.identifier == there.identifier and there.id in (None, here.id) and here.agreement is None
    return same and before.result is not None and one.change.fields == before.change.fields


def _row(number: int, line: bytes, form: FormCheck) -> dict[str, Any]:
    try:
        data = _parsed(line)
        json.dumps(data, ensure_ascii=False).encode()  # half a character can be written, and not printed
    except ValueError:
        raise NoJournalError(f"line {number}: it is not JSON") from None
    if not isinstance(data, dict):
        raise NoJournalError(f"line {number}: it is no object")
    problem = form(data)
    if problem:
        raise NoJournalError(f"line {number}: {problem}")
    return data


def _parsed(line: bytes) -> Any:
    """Raises ValueError for what is no JSON, is nested beyond reason, or holds what no JSON can."""
    try:
        return json.loads(line, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no number")


def _checked(number: int, one: Written) -> Written:
    change = one.change
    if change.fields or not one.withheld:
        _refuse(number, list(change_problems(change)))
    if one.next_invoice is not None:
        try:
            date.fromisoformat(one.next_invoice)
        except ValueError:
            raise NoJournalError(f"line {number}: nextInvoice: it is no day") from None
    return one


def _refuse(number: int, problems: list[str]) -> None:
    if problems:
        raise NoJournalError(f"line {number}: {problems[0][:200]}")


def _moment_problems(text: str) -> list[str]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return [f"{text[:60]!r} is no moment"]
    return [] if moment.tzinfo is not None else [f"{text[:60]!r} has no time zone"]


def _record_problems(record: Any) -> list[str]:
    return [] if record is None or is_id(record) else ["record: it is no record id"]

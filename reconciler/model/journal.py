"""What a run wrote, line by line, as it was written: the record that stays when everything else is lost.

A journal is NDJSON: a line when the run starts to write, one for each thing that people have to do by hand,
one before each change is sent, one for what became of it, and one at the end. It holds record ids, product
identifiers and values; no names of customers, no reasons, no keys. docs/journal.md has its form,
`schemas/journal.schema.json` describes it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from reconciler.model.change import CUSTOM_FIELD_PREFIX, Action, Change, Target
from reconciler.model.field_change import FieldChange
from reconciler.model.fields import Kind
from reconciler.model.line_fields import LINE_FIELDS
from reconciler.model.outcome import DONE, Outcome, Result

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from reconciler.model.by_hand import ByHand

JOURNAL_VERSION = "1.0"
START, ABOUT, OUTCOME, END, BY_HAND = "start", "about-to-write", "outcome", "end", "by-hand"
#: Texts of a customer's line: people write names into them.
_FREE_TEXTS = frozenset(field.name for field in LINE_FIELDS if field.kind is Kind.TEXT)


@dataclass(frozen=True)
class Head:
    """The first line: which run, of which plan, by whom, where.

    `actor` is a login or an id, as the machine that ran it says, and None elsewhere; `commit` is that of the
    configuration. `started` is ISO 8601.
    """

    run: str
    started: str
    tool: str
    site: str
    owner: str
    marker_custom_field: str | None
    instance: Mapping[str, str]
    month: str | None
    plan_hash: str
    config_hash: str
    actor: str | None = None
    commit: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The line's content."""
        return {
            "type": START,
            "formatVersion": JOURNAL_VERSION,
            "run": self.run,
            "started": self.started,
            "tool": self.tool,
            "site": self.site,
            "marker": {"owner": self.owner, "customField": self.marker_custom_field},
            "instance": dict(self.instance),
            "month": self.month,
            "planHash": self.plan_hash,
            "configHash": self.config_hash,
            "actor": self.actor,
            "commit": self.commit,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Head:
        """Read back what `to_json` wrote."""
        return cls(
            data["run"],
            data["started"],
            data["tool"],
            data["site"],
            data["marker"]["owner"],
            data["marker"]["customField"],
            data["instance"],
            data["month"],
            data["planHash"],
            data["configHash"],
            data["actor"],
            data["commit"],
        )


@dataclass(frozen=True)
class Written:
    """A change that was about to be written, and what became of it.

    `change` has its target, action, request and the values that the journal keeps; `withheld` names the
    fields whose values it does not keep. `next_invoice` is the agreement's, at that time. `result` is None
    where the run ended before it knew; `record` is the id of what was created.
    """

    change: Change
    at: str
    withheld: tuple[str, ...] = ()
    next_invoice: str | None = None
    result: Result | None = None
    record: int | None = None

    @property
    def may_be_there(self) -> bool:
        """Whether it was written, or may have been."""
        return self.result in DONE or self.result in (None, Result.UNSURE) or self.record is not None

    @property
    def sure(self) -> bool:
        """Whether it is known to have been written."""
        return self.result in DONE


@dataclass(frozen=True)
class Journal:
    """One run, as far as its journal goes.

    `others` are the changes that no request was sent for, with why: their result. `ended` says whether the
    run came to its end, and `cut_off` whether the last line is not whole. `by_hand` is what no run writes.
    """

    head: Head
    written: tuple[Written, ...] = ()
    others: tuple[tuple[str, Result], ...] = ()
    ended: bool = False
    interrupted: bool = False
    cut_off: bool = False
    by_hand: tuple[ByHand, ...] = ()


def about_json(change: Change, at: str) -> dict[str, Any]:
    """The line before a change is sent."""
    return {
        "type": ABOUT,
        "at": at,
        "id": change.id,
        "action": change.action.value,
        "write": change.write,
        "target": change.target.to_json(),
        "nextInvoice": None if change.basis is None else change.basis.next_invoice,
        "fields": [_field_json(one) for one in change.fields],
    }


def by_hand_json(work: ByHand, at: str) -> dict[str, Any]:
    """A line of what a person has to do, whatever becomes of the run."""
    return {"type": BY_HAND, "at": at, **work.to_json()}


def outcome_json(outcome: Outcome, at: str) -> dict[str, Any]:
    """The line after it. Its message stays out: it may quote what a server or a person wrote."""
    return {
        "type": OUTCOME,
        "at": at,
        "id": outcome.change.id,
        "result": outcome.result.value,
        "record": outcome.record,
    }


def end_json(outcomes: Iterable[Outcome], at: str, *, interrupted: bool) -> dict[str, Any]:
    """The last line."""
    counts: dict[str, int] = {}
    for outcome in outcomes:
        counts[outcome.result.value] = counts.get(outcome.result.value, 0) + 1
    return {"type": END, "at": at, "interrupted": interrupted, "results": counts}


def line_text(data: Mapping[str, Any]) -> bytes:
    """One line of the file: ASCII, so that no text in it can break it."""
    return json.dumps(data, ensure_ascii=True, separators=(",", ":")).encode() + b"\n"


def is_withheld(field: FieldChange) -> bool:
    """Whether only the fact of a change is kept: texts of lines, and texts in custom fields."""
    if field.field.startswith(CUSTOM_FIELD_PREFIX):
        return isinstance(field.before, str) or isinstance(field.after, str)
    return field.field in _FREE_TEXTS


def _field_json(field: FieldChange) -> dict[str, Any]:
    if is_withheld(field):
        return {"field": field.field, "withheld": True}
    return field.to_json()


def written_from(data: Mapping[str, Any]) -> Written:
    """A line before a change, read back; the caller has checked it against the schema."""
    target = data["target"]
    kept = [one for one in data["fields"] if "withheld" not in one]
    return Written(
        Change(
            id=data["id"],
            action=Action(data["action"]),
            target=Target(target["identifier"], target["id"], target["agreement"], target["part"] or ""),
            reason="",
            fields=tuple(FieldChange.from_json(one) for one in kept),
            write=data["write"],
            expected_identifier=target["identifier"] if target["id"] or target["agreement"] else None,
        ),
        data["at"],
        tuple(one["field"] for one in data["fields"] if "withheld" in one),
        data["nextInvoice"],
    )

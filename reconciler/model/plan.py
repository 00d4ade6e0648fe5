"""A plan: what would be written, why, and what stands in the way. A document, not a mode.

Its JSON form is an interface; `schemas/plan.schema.json` describes it and docs/plan-format.md says what
stays compatible.
"""

from __future__ import annotations

import json
from collections import deque
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from reconciler.model.bound import BoundTo
from reconciler.model.census import Census, LineApart
from reconciler.model.change import Action, Cause, Change, records_of
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.model.lines import PlannedLine
from reconciler.model.plan_guards import NO_GUARDS, PlanGuards
from reconciler.model.plan_text import sealed
from reconciler.model.rests import Records
from reconciler.model.usage_notes import UsageNote

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping

    from reconciler.model.json_stream import Path

FORMAT_VERSION = "2.0"


@dataclass(frozen=True)
class Period:
    """The Sophos month a plan speaks of; dates are ISO text, `closed` says that all windows have ended."""

    month: str
    title: str
    first_day: str
    last_day: str
    closed: bool

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {
            "month": self.month,
            "title": self.title,
            "firstDay": self.first_day,
            "lastDay": self.last_day,
            "closed": self.closed,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Period:
        """Read back what `to_json` wrote."""
        return cls(data["month"], data["title"], data["firstDay"], data["lastDay"], data["closed"])


@dataclass(frozen=True)
class RemovedRow:
    """A row that the base commit had and this one has not (`plan --since`)."""

    key: str
    text: str

    def to_json(self) -> dict[str, Any]:
        """The form in plan files."""
        return {"key": self.key, "text": self.text}


@dataclass(frozen=True)
class RollbackOf:
    """The run that a plan takes back: its id, when it started (ISO 8601), and its plan's hash."""

    run: str
    started: str
    plan_hash: str

    def to_json(self) -> dict[str, str]:
        """The form in plan files."""
        return {"run": self.run, "started": self.started, "planHash": self.plan_hash}

    @classmethod
    def from_json(cls, data: dict[str, str]) -> RollbackOf:
        """Read back what `to_json` wrote."""
        return cls(data["run"], data["started"], data["planHash"])


@dataclass(frozen=True)
class Plan:
    """Every change with its reason, every problem, and which site and day they are about.

    `together` are requests of two lines of which one may take seats of the other: a part of the plan has both
    or neither. It does not stand in plan files, of which no parts are made.

    With `rollback_of` it comes from a journal and not from usage: it restores what stood before a run.
    `census` is None where no line was counted. `member` is the ConnectWise member that it is written as,
    where that is known. `bound_to` is None where no review is to hold it.
    """

    tool: str
    site: str
    owner: str
    marker_custom_field: str | None
    instance: dict[str, str]
    today: str
    period: Period | None
    config_hash: str
    changes: tuple[Change, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    lines: tuple[PlannedLine, ...] = ()
    usage_read_at: str | None = None
    usage_notes: tuple[UsageNote, ...] = ()
    removed_rows: tuple[RemovedRow, ...] = ()
    together: tuple[tuple[str, str], ...] = field(default=(), compare=False, repr=False)
    rollback_of: RollbackOf | None = None
    guards: PlanGuards = NO_GUARDS
    census: Census | None = None
    member: str | None = None
    bound_to: BoundTo | None = None
    narrowed_to: tuple[str, ...] = ()

    @cached_property
    def hash(self) -> str:
        """Of everything in its file but when Sophos was asked: finds accidents, not forgers."""
        deque(self.text(), maxlen=0)
        return self.hash

    def text(self) -> Iterator[str]:
        """Its file's text, piece by piece: one form for one plan, so that two files can be compared."""
        return sealed(self._document(), partial(vars(self).__setitem__, "hash"))

    @property
    def ready(self) -> tuple[Change, ...]:
        """The changes that apply would write."""
        return tuple(change for change in self.own if not change.blocked)

    @property
    def blocked(self) -> tuple[Change, ...]:
        """The changes that are held back."""
        return tuple(change for change in self.own if change.blocked)

    @property
    def own(self) -> tuple[Change, ...]:
        """What this plan is about: all its changes but those that wait anyway."""
        return tuple(change for change in self.changes if change.cause is not Cause.WAITING)

    @property
    def waiting(self) -> tuple[Change, ...]:
        """The changes that would be planned without the reviewed commit as well; apply leaves them alone."""
        return tuple(change for change in self.changes if change.cause is Cause.WAITING)

    def summary(self) -> dict[str, int]:
        """Counts: per action what is ready, then blocked and waiting changes, and problems."""
        counts = {action.value: 0 for action in Action}
        for change in self.ready:
            counts[change.action.value] += 1
        severities = [d.severity for d in self.diagnostics]
        return {
            **counts,
            "changes": len(self.ready),
            "blocked": len(self.blocked),
            "waiting": len(self.waiting),
            "errors": severities.count(Severity.ERROR),
            "warnings": severities.count(Severity.WARNING),
        }

    def to_json(self) -> dict[str, Any]:
        """The whole document."""
        whole: dict[str, Any] = {
            key: value if isinstance(value, str | dict | None) else list(value)
            for key, value in self._document().items()
        }
        if whole["census"] is not None:
            whole["census"]["apart"] = list(whole["census"]["apart"])
        return whole | {"hash": self.hash}

    def _document(self) -> dict[str, Any]:
        """Its keys in their order; what may be long is made while it is read."""
        census: dict[str, Any] | None = None
        if self.census is not None:
            census = replace(self.census, apart=()).to_json()
            census["apart"] = (line.to_json() for line in self.census.apart)
        return {
            "formatVersion": FORMAT_VERSION,
            "tool": self.tool,
            "site": self.site,
            "marker": {"owner": self.owner, "customField": self.marker_custom_field},
            "member": self.member,
            "instance": self.instance,
            "today": self.today,
            "period": None if self.period is None else self.period.to_json(),
            "configHash": self.config_hash,
            "boundTo": None if self.bound_to is None else self.bound_to.to_json(),
            "rollbackOf": None if self.rollback_of is None else self.rollback_of.to_json(),
            "narrowedTo": list(self.narrowed_to),
            "guards": self.guards.to_json(),
            "summary": self.summary(),
            "restsOn": records_of(self.changes).to_json(),
            "changes": (change.to_json() for change in self.changes),
            "diagnostics": (d.to_json() for d in self.diagnostics),
            "lines": (line.to_json() for line in self.lines),
            "usageNotes": (note.to_json() for note in self.usage_notes),
            "census": census,
            "removedRows": (row.to_json() for row in self.removed_rows),
            "usageReadAt": self.usage_read_at,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Plan:
        """Read back what `to_json` wrote; the caller has checked it against the schema."""
        records = Records.from_json(data["restsOn"])
        lists = {path: data.get(path[-1], ()) for path in MEMBERS}
        lists[APART] = data["census"]["apart"] if data["census"] else ()
        made = {path: [make(one, records) for one in lists[path]] for path, make in MEMBERS.items()}
        return cls.of_members(data, made)

    @classmethod
    def of_members(cls, data: Mapping[str, Any], made: Mapping[Path, Iterable[Any]]) -> Plan:
        """A plan of its document, with the members of its long lists already made of theirs."""
        census = None if data["census"] is None else Census.from_json({**data["census"], "apart": ()})
        return cls(
            tool=data["tool"],
            site=data["site"],
            owner=data["marker"]["owner"],
            marker_custom_field=data["marker"]["customField"],
            member=data["member"],
            instance=data["instance"],
            today=data["today"],
            period=None if data["period"] is None else Period.from_json(data["period"]),
            usage_read_at=data["usageReadAt"],
            config_hash=data["configHash"],
            bound_to=None if data.get("boundTo") is None else BoundTo.from_json(data["boundTo"]),
            guards=PlanGuards.from_json(data["guards"]),
            changes=tuple(made["changes",]),
            diagnostics=tuple(made["diagnostics",]),
            lines=tuple(made["lines",]),
            usage_notes=tuple(made["usageNotes",]),
            census=None if census is None else replace(census, apart=tuple(made[APART])),
            removed_rows=tuple(made["removedRows",]),
            narrowed_to=tuple(data["narrowedTo"]),
            rollback_of=None if data["rollbackOf"] is None else RollbackOf.from_json(data["rollbackOf"]),
        )


APART: Path = ("census", "apart")
#: How each member of the lists that may be long is made of its JSON and the records that it may rest on.
MEMBERS: dict[Path, Callable[[dict[str, Any], Records], Any]] = {
    ("changes",): Change.from_json,
    ("diagnostics",): lambda one, _: Diagnostic.from_json(one),
    ("lines",): lambda one, _: PlannedLine.from_json(one),
    ("usageNotes",): lambda one, _: UsageNote.from_json(one),
    APART: lambda one, _: LineApart.from_json(one),
    ("removedRows",): lambda one, _: RemovedRow(**one),
}


def canonical(data: Any) -> str:
    """JSON with one form for one value: sorted keys, no blanks, no escapes of plain letters."""
    return json.dumps(data, sort_keys=True, ensure_ascii=False, separators=(",", ":"))

"""A plan file read back as it comes: each line of it is checked, made and forgotten."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import warning
from reconciler.model.forms import Form
from reconciler.model.json_stream import JsonStream, TooLargeError
from reconciler.model.plan import FORMAT_VERSION, MEMBERS, Plan
from reconciler.model.plan_check import plan_problems
from reconciler.model.plan_forms import OLDER, head_schema, member_schemas, records_schema
from reconciler.model.plan_text import LISTS, OBJECTS, Seal
from reconciler.model.rests import NO_RECORDS, Records
from reconciler.model.versions import other_version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from reconciler.model.json_stream import Path

#: Characters of what is no member of a long list, together, and of one member.
_MOST = 128 * 1024 * 1024
#: Members that come before the version or the records are known, which only files of older versions have.
_MOST_EARLY = 100_000
#: Text that is no Unicode, days that are in no calendar, numbers that no arithmetic holds.
_NO_VALUE = "a value in it is none of its kind"


class NoPlanError(Exception):
    """Why a file is no plan that is read here."""


class OtherVersionError(NoPlanError):
    """It is of another version; `remedy` says what to do besides making it anew."""

    def __init__(self, problem: str, remedy: str) -> None:
        super().__init__(problem)
        self.remedy = remedy


class DamagedError(NoPlanError):
    """It is not the one that its hash is of."""


def read(chunks: Iterator[bytes], *, older: bool = False) -> Plan:
    """The plan of a file's bytes. Raises NoPlanError and its subclasses.

    With `older`, one of an older format is read too, to be looked at: its hash is believed, and a warning
    says that it cannot be applied.
    """
    reading, seal = _Reading(older=older), Seal()
    plan = reading.plan(seal.passing(chunks))
    if reading.version != FORMAT_VERSION:
        vars(told := _told_as_older(plan, reading.version))["hash"] = reading.head["hash"]
        return told
    if seal.hash is None or seal.hash != reading.head["hash"]:
        raise DamagedError
    vars(plan)["hash"] = seal.hash  # it was just counted
    _refuse_what_no_planner_makes(plan)
    return plan


def check(chunks: Iterator[bytes], plan: Plan) -> None:
    """Raises NoPlanError where `read` would, of the file that was just written of this plan.

    Nothing is kept of what is read: the plan is in memory once.
    """
    reading, seal = _Reading(keep=False), Seal()
    reading.plan(seal.passing(chunks))
    if seal.hash is None or seal.hash != plan.hash:
        raise DamagedError
    _refuse_what_no_planner_makes(plan)


def _refuse_what_no_planner_makes(plan: Plan) -> None:
    try:
        problems = plan_problems(plan)
    except (ValueError, ArithmeticError) as failed:
        raise NoPlanError(_NO_VALUE) from failed
    if problems:
        raise NoPlanError(problems[0][:300])


def _told_as_older(plan: Plan, version: str) -> Plan:
    told = warning(
        "plan-of-older-format",
        f"This plan has format {version}: it can be looked at, and not be applied. Its hash was not checked, "
        f"which since format {FORMAT_VERSION} covers all that is shown.",
        "Make it anew with `reconciler plan --out`.",
    )
    return replace(plan, diagnostics=(told, *plan.diagnostics))


class _Reading:
    """A document as far as it was read: its head, and of its long lists what was made of each member."""

    def __init__(self, *, older: bool = False, keep: bool = True) -> None:
        self.head: Any = None
        self.version = ""
        self._older, self._keep = older, keep
        self._forms = {path: Form(schema) for path, schema in member_schemas().items()}
        self._made: dict[Path, list[Any]] = {path: [] for path in MEMBERS}
        self._counts = dict.fromkeys(MEMBERS, 0)
        self._early: list[tuple[Path, Any]] = []
        self._early_size = 0
        self._records: Records | None = None

    def plan(self, chunks: Iterator[bytes]) -> Plan:
        """The plan, with the members that were kept."""
        try:
            for path, is_member, value in JsonStream(chunks, OBJECTS, LISTS, _MOST).events():
                if is_member:
                    self._member(path, value)
                else:
                    self._put(path, value)
        except TooLargeError as failed:
            raise NoPlanError("a part of it is larger than any part of a plan") from failed
        except (ValueError, RecursionError) as failed:
            raise NoPlanError("it is not JSON") from failed
        return self._whole()

    def _whole(self) -> Plan:
        problem = Form(head_schema(older=self._older)).problem(self.head)
        if problem:
            raise NoPlanError(problem)
        if self._records is None:
            self._records = Records.from_json(self.head["restsOn"])
        early, self._early = self._early, []
        for path, value in early:
            self._make(path, value)
        try:
            return Plan.of_members(self.head, self._made)
        except (ValueError, ArithmeticError) as failed:
            raise NoPlanError(_NO_VALUE) from failed

    def _put(self, path: Path, value: Any) -> None:
        if not path:
            self.head = value
            return
        place = self.head
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        if path == ("formatVersion",):
            problem, remedy = other_version(value, FORMAT_VERSION, "the plan")
            if problem and not (self._older and value in OLDER):
                raise OtherVersionError(problem, remedy)
            self.version = value
        if path == ("changes",) and self.version == FORMAT_VERSION and "restsOn" in self.head:
            self._records = self._checked_records(self.head["restsOn"])

    def _checked_records(self, data: Any) -> Records:
        problem = Form(records_schema()).problem(data, ("restsOn",))
        if problem:
            raise NoPlanError(problem)
        return Records.from_json(data)

    def _member(self, path: Path, value: Any) -> None:
        """Made at once where version and records are known, as they are in what this version writes."""
        if self.version and (self._records is not None or path != ("changes",)):
            self._make(path, value)
            return
        self._early_size += 1
        if self._early_size > _MOST_EARLY:
            raise TooLargeError
        self._early.append((path, value))

    def _make(self, path: Path, value: Any) -> None:
        number = self._counts[path]
        self._counts[path] += 1
        problem = self._forms[path].problem(value, (*path, number))
        if problem:
            raise NoPlanError(problem)
        try:
            made = MEMBERS[path](value, self._records or NO_RECORDS)
        except (ValueError, ArithmeticError) as failed:
            raise NoPlanError(_NO_VALUE) from failed
        if self._keep:
            self._made[path].append(made)

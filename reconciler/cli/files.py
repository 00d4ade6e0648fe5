"""Plan files, frozen months and journals on disk."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.plan import FORMAT_VERSION as PLAN_VERSION
from reconciler.model.plan import Plan
from reconciler.model.plan_check import plan_problems
from reconciler.model.versions import other_version
from reconciler.reporting.json_text import json_text

if TYPE_CHECKING:
    from collections.abc import Callable

    from reconciler.model.journal import Journal
    from reconciler.model.usage_file import FrozenUsage

_LARGEST = 64 * 1024 * 1024
_PLAN_AGAIN = "Make it anew with `reconciler plan --out`."
_CHECK = "Check the path."
_JOURNAL = "Take it as the run left it; what was written stands in ConnectWise, and `plan` compares it."
#: Of a first line that is looked at to tell what a file is.
_LONGEST_LINE = 64 * 1024
_USAGE_AGAIN = "Freeze the month again with `reconciler usage --out`."


def plan_json(plan: Plan) -> str:
    """A plan file's text: one form for one plan, so that two files can be compared."""
    return json_text(plan.to_json(), sort_keys=True)


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none of it. Raises ReconcilerError where the disk refuses."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write a whole file or none of it; a device or pipe is written to. Raises ReconcilerError."""
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(content)
        else:
            _replace(path.resolve(), content)
    except OSError as failed:
        raise ReconcilerError(
            error("file-unwritable", f"{path} cannot be written: {failed.strerror}.", "Choose another place.")
        ) from failed


def _replace(path: Path, content: bytes) -> None:
    """Raises OSError; then the file is as it was, and nothing lies beside it."""
    file = NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False)  # noqa: SIM115
    try:
        with file:
            file.write(content)
        Path(file.name).replace(path)
    except OSError:
        Path(file.name).unlink()
        raise


def read_plan(path: Path) -> Plan:
    """A saved plan. Raises ReconcilerError where the file is none, is damaged, or of another format."""
    data = _read_json(path, "plan-unreadable", _PLAN_AGAIN)
    _refuse_version(path, data, PLAN_VERSION, "the plan", "plan-unreadable", _PLAN_AGAIN)
    problem = _problem(data)
    if problem:
        raise _no_plan(path, problem)
    try:
        plan = Plan.from_json(data)
        intact = plan.hash == data["hash"]
    except (ValueError, ArithmeticError, RecursionError) as failed:
        # Text that is no Unicode, days that are in no calendar, numbers that no arithmetic holds.
        raise _no_plan(path, "a value in it is none of its kind") from failed
    if not intact:
        raise ReconcilerError(
            error(
                "plan-damaged",
                f"{path} does not match its own hash: it was changed after it was planned.",
                _PLAN_AGAIN,
            )
        )
    problems = plan_problems(plan)
    if problems:
        raise _no_plan(path, problems[0][:300])
    return plan


def _refuse_version(path: Path, data: Any, own: str, what: str, code: str, again: str) -> None:
    """Raises ReconcilerError for a document of another version, before its form is looked at."""
    if isinstance(data, dict) and "formatVersion" in data:
        problem, remedy = other_version(data["formatVersion"], own, what)
        if problem:
            raise ReconcilerError(
                error(code, f"{path} cannot be read: {problem}.", f"{remedy} {again}".strip())
            )


def _no_plan(path: Path, problem: str) -> ReconcilerError:
    return ReconcilerError(
        error("plan-unreadable", f"{path} is no plan that this version reads: {problem}.", _PLAN_AGAIN)
    )


def is_journal(path: Path) -> bool:
    """Whether a file is meant to be a journal, by its first line or by its name."""
    from reconciler.model.journal_read import starts_a_journal

    if path.suffix == ".ndjson":
        return True
    try:
        with path.open("rb") as file:
            return starts_a_journal(file.readline(_LONGEST_LINE))
    except OSError:
        return False


def read_journal(path: Path) -> Journal:
    """A journal. Raises ReconcilerError where the file is none, was changed, or is of another format."""
    from reconciler.model.journal_read import NoJournalError, read

    try:
        return read(_read_bytes(path, "journal-unreadable", _CHECK), _journal_form())
    except NoJournalError as wrong:
        raise ReconcilerError(
            error("journal-unreadable", f"{path} is no journal that this version reads: {wrong}.", _JOURNAL)
        ) from wrong


def _journal_form() -> Callable[[dict[str, Any]], str]:
    """What is wrong with the form of a journal's line, by the schema of its kind."""
    from reconciler.cli.forms import Form
    from reconciler.model.journal import JOURNAL_VERSION, START
    from reconciler.model.journal_schema import line_schemas

    known = {kind: Form(schema) for kind, schema in line_schemas().items()}

    def problem(row: dict[str, Any]) -> str:
        kind = row.get("type")
        if kind == START and "formatVersion" in row:
            other, remedy = other_version(row["formatVersion"], JOURNAL_VERSION, "the journal")
            if other:
                return f"formatVersion: {other}" + (f". {remedy.rstrip('.')}" if remedy else "")
        if not isinstance(kind, str) or kind not in known:
            return "type: it is none of a journal's lines"
        return known[kind].problem(row)

    return problem


def read_usage(path: Path) -> FrozenUsage:
    """A frozen month. Raises ReconcilerError where the file is none, is damaged, or of another format."""
    from reconciler.model.usage_file import from_json

    return from_json(_read_json(path, "usage-file-format", _USAGE_AGAIN))


def _read_json(path: Path, code: str, remedy: str) -> Any:
    try:
        return json.loads(_read_bytes(path, code, _CHECK))
    except (ValueError, RecursionError) as failed:
        raise ReconcilerError(error(code, f"{path} is not JSON.", remedy)) from failed


def _read_bytes(path: Path, code: str, remedy: str) -> bytes:
    try:
        if path.stat().st_size > _LARGEST:
            raise ReconcilerError(error(code, f"{path} is larger than any file of its kind.", remedy))
        return path.read_bytes()
    except OSError as failed:
        raise ReconcilerError(
            error("file-unreadable", f"{path} cannot be read: {failed.strerror}.", remedy)
        ) from failed


def _problem(data: Any) -> str:
    """What makes the data no plan, with its place; nothing where it is one."""
    from reconciler.cli.forms import Form
    from reconciler.model.plan_schema import plan_schema

    return Form(plan_schema()).problem(data)

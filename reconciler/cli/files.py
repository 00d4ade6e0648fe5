"""Plan files on disk."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Any

from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.model.plan import Plan

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime

_LARGEST = 64 * 1024 * 1024


def plan_json(plan: Plan) -> str:
    """A plan file's text: one form for one plan, so that two files can be compared."""
    return json.dumps(plan.to_json(), ensure_ascii=False, sort_keys=True, indent=2) + "\n"


def write_text(path: Path, text: str) -> None:
    """Write a whole file or none of it. Raises ReconcilerError where the disk refuses."""
    try:
        with NamedTemporaryFile(
            "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f".{path.name}.", delete=False
        ) as file:
            file.write(text)
        Path(file.name).replace(path)
    except OSError as failed:
        raise ReconcilerError(
            error("file-unwritable", f"{path} cannot be written: {failed.strerror}.", "Choose another place.")
        ) from failed


def read_plan(path: Path) -> Plan:
    """A saved plan. Raises ReconcilerError where the file is none, is damaged, or of another format."""
    data = _read_json(path)
    from reconciler.config.plan_schema import plan_problems

    problems = plan_problems(data)
    if problems:
        raise ReconcilerError(
            error(
                "plan-unreadable",
                f"{path} is no plan that this version reads: {problems[0]}.",
                "Make it anew with `reconciler plan --out`.",
            )
        )
    plan = Plan.from_json(data)
    if plan.hash != data["hash"]:
        raise ReconcilerError(
            error(
                "plan-damaged",
                f"{path} does not match its own hash: it was changed after it was planned.",
                "Make it anew with `reconciler plan --out`.",
            )
        )
    return plan


def _read_json(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            raise ReconcilerError(
                error("plan-unreadable", f"{path} is too large for a plan.", "Check the path.")
            )
        return json.loads(path.read_bytes())
    except OSError as failed:
        raise ReconcilerError(
            error("file-unreadable", f"{path} cannot be read: {failed.strerror}.", "Check the path.")
        ) from failed
    except (ValueError, RecursionError) as failed:
        raise ReconcilerError(
            error("plan-unreadable", f"{path} is not JSON.", "Make it anew with `reconciler plan --out`.")
        ) from failed


def is_plan_file(runtime: Runtime, path: Path) -> bool:
    """A directory is configuration, a file is a plan."""
    return (runtime.folder / path).is_file() and not os.path.isdir(runtime.folder / path)

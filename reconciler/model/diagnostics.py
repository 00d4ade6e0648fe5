"""What people are told: one currency for every problem, from a typo in YAML to a refused request."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable


class Severity(StrEnum):
    """How much a diagnostic stops.

    An error blocks the object it is about (or everything, where it is about no single object); a warning
    asks for a look; a notice explains.
    """

    ERROR = "error"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, order=True)
class Location:
    """A place in a configuration file; line and column count from 1, as editors do."""

    file: str
    line: int
    column: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True)
class Diagnostic:
    """One thing to say: what is wrong, where, and what to do next.

    `code` is stable and documented in docs/diagnostics.md. `subject` names the object in the plan's own
    terms (`product/MSP-GOLD`, `code/CEMA-MSP`), so that whatever depends on that object can be held back.
    """

    severity: Severity
    code: str
    message: str
    remedy: str = ""
    location: Location | None = None
    subject: str | None = None

    @property
    def id(self) -> str:
        """What a blocked change names in `blockedBy`."""
        return f"{self.code}:{self.subject}" if self.subject else self.code

    def to_json(self) -> dict[str, Any]:
        """The form in plan files and in `--format json`."""
        return {
            "severity": self.severity.value,
            "code": self.code,
            "message": self.message,
            "remedy": self.remedy,
            "subject": self.subject,
            "source": None
            if self.location is None
            else {"file": self.location.file, "line": self.location.line, "column": self.location.column},
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Diagnostic:
        """Read back what `to_json` wrote."""
        source = data.get("source")
        return cls(
            severity=Severity(data["severity"]),
            code=data["code"],
            message=data["message"],
            remedy=data.get("remedy", ""),
            subject=data.get("subject"),
            location=None
            if source is None
            else Location(source["file"], source["line"], source.get("column", 1)),
        )


#: The subject of what stops all counting: without a month that can be read, no line has a number.
ALL_USAGE = "usage"


def error(code: str, message: str, remedy: str = "", **where: Any) -> Diagnostic:
    """An error; `where` takes `location` and `subject`."""
    return Diagnostic(Severity.ERROR, code, message, remedy, **where)


def warning(code: str, message: str, remedy: str = "", **where: Any) -> Diagnostic:
    """A warning; `where` takes `location` and `subject`."""
    return Diagnostic(Severity.WARNING, code, message, remedy, **where)


def notice(code: str, message: str, remedy: str = "", **where: Any) -> Diagnostic:
    """A notice; `where` takes `location` and `subject`."""
    return Diagnostic(Severity.NOTICE, code, message, remedy, **where)


class ReconcilerError(Exception):
    """No result is possible; carries the diagnostics that say why and what to do.

    Every error that this project raises on purpose is one of these; anything else is a bug.
    """

    def __init__(self, diagnostics: Diagnostic | Iterable[Diagnostic]) -> None:
        self.diagnostics = (diagnostics,) if isinstance(diagnostics, Diagnostic) else tuple(diagnostics)
        super().__init__("; ".join(d.message for d in self.diagnostics))


def has_errors(diagnostics: Iterable[Diagnostic]) -> bool:
    """Whether any of them is an error."""
    return any(d.severity is Severity.ERROR for d in diagnostics)

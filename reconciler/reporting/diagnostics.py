"""Diagnostics for people, for scripts and for GitHub's annotations."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from rich.text import Text

from reconciler.model.counts import number_of
from reconciler.model.diagnostics import Diagnostic, Severity
from reconciler.reporting.clean import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import Console

_STYLES = {Severity.ERROR: "bold red", Severity.WARNING: "yellow", Severity.NOTICE: "cyan"}


def print_diagnostics(console: Console, diagnostics: Iterable[Diagnostic]) -> None:
    """Each with its place first, as compilers do, so that editors and terminals can link to it.

    Refused credentials and a missing permission are said once, with the number of requests that met them.
    """
    for diagnostic in _once(diagnostics):
        place = f"{clean(str(diagnostic.location))}: " if diagnostic.location else ""
        line = Text()
        line.append(place, style="bold")
        line.append(diagnostic.severity.value, style=_STYLES[diagnostic.severity])
        line.append(f" [{diagnostic.code}] {clean(diagnostic.message)}")
        console.print(line)
        if diagnostic.remedy:
            console.print(Text(f"    → {clean(diagnostic.remedy)}", style="dim"))


#: Codes of requests that fail for one reason, whatever they ask for.
_OF_KEYS = ("-not-authenticated", "-not-permitted")


def _once(diagnostics: Iterable[Diagnostic]) -> list[Diagnostic]:
    found: dict[object, list[Diagnostic]] = {}
    for one in diagnostics:
        same = (one.code, one.remedy, one.severity) if one.code.endswith(_OF_KEYS) else id(one)
        found.setdefault(same, []).append(one)
    return [_counted(several) for several in found.values()]


def _counted(several: list[Diagnostic]) -> Diagnostic:
    first, more = several[0], len(several) - 1
    if not more:
        return first
    return replace(first, message=f"{first.message} (the same at {number_of(more, 'other request')})")


def diagnostics_json(diagnostics: Iterable[Diagnostic]) -> list[dict[str, Any]]:
    """The form of `--format json`."""
    return [diagnostic.to_json() for diagnostic in diagnostics]


def github_annotations(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Workflow commands that put each diagnostic on its line of the pull request."""
    return [_annotation(diagnostic) for diagnostic in diagnostics]


def azure_annotations(diagnostics: Iterable[Diagnostic]) -> list[str]:
    """Logging commands of Azure Pipelines; it knows no notices, which are plain lines.

    https://learn.microsoft.com/en-us/azure/devops/pipelines/scripts/logging-commands
    """
    return [_issue(diagnostic) for diagnostic in diagnostics]


def _issue(diagnostic: Diagnostic) -> str:
    text = clean(f"{diagnostic.message} {diagnostic.remedy}".strip())
    if diagnostic.severity is Severity.NOTICE:
        return f"{diagnostic.code}: {text}"
    properties = {"type": diagnostic.severity.value, "code": diagnostic.code}
    if diagnostic.location is not None:
        properties |= {
            "sourcepath": diagnostic.location.file,
            "linenumber": str(diagnostic.location.line),
            "columnnumber": str(diagnostic.location.column),
        }
    listed = "".join(f"{name}={_of_azure(value)};" for name, value in properties.items())
    return f"##vso[task.logissue {listed}]{_of_azure(text)}"


def _of_azure(text: str) -> str:
    """Escaped as that page asks, so that no name ends a command or starts one."""
    return clean(text).replace("%", "%AZP25").replace(";", "%3B").replace("]", "%5D")


def _annotation(diagnostic: Diagnostic) -> str:
    properties = {"title": diagnostic.code}
    if diagnostic.location is not None:
        properties |= {
            "file": diagnostic.location.file,
            "line": str(diagnostic.location.line),
            "col": str(diagnostic.location.column),
        }
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    text = f"{diagnostic.message} {diagnostic.remedy}".strip()
    return f"::{diagnostic.severity.value} {listed}::{_message(text)}"


def _message(text: str) -> str:
    """Escaped as GitHub's documentation of workflow commands asks, so that no name starts a command."""
    return clean(text).replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _message(text).replace(":", "%3A").replace(",", "%2C")

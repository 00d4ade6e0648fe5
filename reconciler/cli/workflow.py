"""What the steps of a workflow write to: GitHub's files for summaries and outputs, and its log."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.ci.artifact import COMMENT_FILE, UNCHANGED_FILE
from reconciler.ci.azure import AZURE, comments_of
from reconciler.ci.azure import connect as azure
from reconciler.ci.comment import marker_of
from reconciler.ci.comments import GitHubComments
from reconciler.ci.context import context_of
from reconciler.ci.github import connect
from reconciler.ci.sites import missing, same_state, sites_of, touched
from reconciler.cli.waiting import run_to_its_end
from reconciler.config.load import load
from reconciler.model.diagnostics import ReconcilerError, error
from reconciler.reporting.clean import clean
from reconciler.reporting.console import commands
from reconciler.reporting.diagnostics import azure_annotations, github_annotations
from reconciler.reporting.markdown import COMMENT, SUMMARY

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from reconciler.ci.azure import Repository
    from reconciler.ci.comments import Comments
    from reconciler.ci.context import Context
    from reconciler.ci.github import GitHub
    from reconciler.ci.sites import Site
    from reconciler.cli.runtime import Runtime
    from reconciler.model.diagnostics import Diagnostic

SUMMARY_FILE, OUTPUT_FILE = "GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"
_T = TypeVar("_T")


def with_github(runtime: Runtime, context: Context, ask: Callable[[GitHub], Awaitable[_T]]) -> _T:
    """What the requests of one step bring."""

    async def run() -> _T:
        github = connect(
            runtime.environ, context.repository, transport=runtime.transport, observer=runtime.on_request
        )
        async with github as connected:
            return await ask(connected)

    return run_to_its_end(run())


def with_azure(runtime: Runtime, ask: Callable[[Repository], Awaitable[_T]]) -> _T:
    """What the requests of one step to Azure Repos bring. Raises ReconcilerError."""

    async def run() -> _T:
        repository = azure(runtime.environ, transport=runtime.transport, observer=runtime.on_request)
        async with repository as connected:
            return await ask(connected)

    return run_to_its_end(run())


def with_comments(runtime: Runtime, ask: Callable[[Comments], Awaitable[_T]]) -> _T:
    """What the requests about the comments of this run's pull request bring. Raises ReconcilerError."""
    if runtime.environ.get(AZURE):
        return with_azure(runtime, lambda repository: ask(comments_of(repository, runtime.environ)))
    context = context_of(runtime.environ)
    number = context.pull_request
    if number is None:
        raise ReconcilerError(error("github-event", "The event is about no pull request."))
    return with_github(runtime, context, lambda github: ask(GitHubComments(github, number, context.head)))


def below(diagnostic: Diagnostic, root: Path | None) -> Diagnostic:
    """The diagnostic with its file as the repository names it, below the checkout that was read."""
    place = diagnostic.location
    if root is None or place is None or not Path(place.file).is_relative_to(root):
        return diagnostic
    return replace(diagnostic, location=replace(place, file=Path(place.file).relative_to(root).as_posix()))


def same_in(base: Path, head: Path) -> bool:
    """Whether two folders of mappings want the same; what is missing or not valid never does."""
    return same_state(load(base).config_hash, load(head).config_hash)


@dataclass(frozen=True)
class ChangedSites:
    """What a change of a repository does to its sites: those it touches, leaves alone and removes."""

    touched: tuple[Site, ...]
    same: tuple[Site, ...]
    removed: tuple[Site, ...]


def changed_sites(base: Path, head: Path) -> ChangedSites:
    """What becomes of each site. Raises ReconcilerError as `sites_of` does."""
    before, after = sites_of(base), sites_of(head)
    different = touched(before, after, lambda site: same_in(base / site.path, head / site.path))
    return ChangedSites(different, missing(after, different), missing(before, after))


def comment_folders(named: Iterable[Path]) -> list[Path]:
    """The folders with a comment of one site each.

    `DIR/*` names files where a single artifact was unpacked into DIR itself. The artifact of
    `ci changed --sites` has no comment of its own and a folder for each site.
    """
    kept = [path for path in named if not path.is_file() or path.name == COMMENT_FILE]
    folders = [path.parent if path.is_file() else path for path in kept]
    return [one for folder in folders for one in _within(folder) or _itself(folder)]


def _itself(folder: Path) -> list[Path]:
    return [] if (folder / UNCHANGED_FILE).exists() else [folder]


def _within(folder: Path) -> list[Path]:
    if (folder / COMMENT_FILE).exists():
        return []
    return [file.parent for file in sorted(folder.glob(f"*/{COMMENT_FILE}"))]


def read_comment(folder: Path) -> str:
    """The comment.md of a folder. Raises ReconcilerError where it is none of `ci publish`'s."""
    file = folder / COMMENT_FILE
    try:
        text = file.read_text(encoding="utf-8") if file.stat().st_size <= 4 * COMMENT else ""
    except (OSError, ValueError):
        text = ""
    if marker_of(text) is None or len(text) > COMMENT:
        raise ReconcilerError(
            error(
                "comment-unreadable",
                f"{file} is missing or no comment that `reconciler ci publish` wrote.",
                "Publish the plan into this folder first.",
            )
        )
    return text


def say(runtime: Runtime, text: str) -> None:
    """A line of the log. A name in it starts no command of the runner's: it is on one line, and not first."""
    runtime.stdout.write(f"{clean(text)}\n")


def annotate(runtime: Runtime, diagnostics: Iterable[Diagnostic]) -> None:
    """Annotations of the run, in the form of whatever runs it."""
    form = azure_annotations if runtime.environ.get(AZURE) else github_annotations
    for line in form(diagnostics):
        commands(runtime.stdout).write(f"{line}\n")


def room_in_summary(runtime: Runtime) -> int:
    """How many bytes the step's summary still takes; GitHub drops the whole of one above 1 MiB.

    https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#adding-a-job-summary
    """
    path = runtime.environ.get(SUMMARY_FILE, "")
    file = Path(path) if path else None
    return SUMMARY - (file.stat().st_size if file is not None and file.is_file() else 0)


def summarize(runtime: Runtime, text: str) -> None:
    """Add to the step's summary; to stdout where nothing collects one."""
    if len(text.encode()) <= room_in_summary(runtime):
        _append(runtime, SUMMARY_FILE, text if text.endswith("\n") else f"{text}\n")
    else:
        say(runtime, "The step's summary is full: a part of it was left out.")


def put_output(runtime: Runtime, name: str, value: str) -> None:
    """An output of the step. `value` is ours and never holds a name. Raises ReconcilerError for two lines."""
    if len(value.splitlines()) > 1:
        raise ReconcilerError(
            error("github-output", f"The output {name} would have more than one line.", "Report this.")
        )
    _append(runtime, OUTPUT_FILE, f"{name}={value}\n")


def _append(runtime: Runtime, variable: str, text: str) -> None:
    path = runtime.environ.get(variable, "")
    if not path:
        runtime.stdout.write(text)
        return
    try:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(text)
    except OSError as failed:
        raise ReconcilerError(
            error(
                "file-unwritable",
                f"{path} ({variable}) cannot be written: {failed.strerror}.",
                "Choose another place.",
            )
        ) from failed


def folder_for(out: Path) -> Path:
    """The folder, made where it is not there. Raises ReconcilerError."""
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as failed:
        raise ReconcilerError(
            error("file-unwritable", f"{out} cannot be made: {failed.strerror}.", "Choose another place.")
        ) from failed
    return out

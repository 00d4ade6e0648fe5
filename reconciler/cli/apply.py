"""`reconciler apply`: writes a plan, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import (
    allow_waiting_option,
    expect_option,
    format_option,
    journal_option,
    scope_option,
    unattended_option,
    within_option,
    yes_option,
)

if TYPE_CHECKING:
    from reconciler.cli.applying import Record, Run
    from reconciler.cli.runtime import Runtime
    from reconciler.model.plan import Plan

#: How the names of saved plans end.
_PLANS = (".json", ".json.gz")


@click.command()
@click.argument("source", metavar="FILE|DIR", default="mappings", type=click.Path(path_type=Path))
@scope_option
@yes_option
@unattended_option(
    "For a schedule: write without asking, by the stricter rules of a run that nobody reviews. DIR only."
)
@within_option
@expect_option
@allow_waiting_option
@journal_option
@format_option("text", "json")
@click.pass_obj
def apply(
    runtime: Runtime,
    source: Path,
    scope: str,
    yes: bool,
    unattended: bool,
    within: tuple[Path, ...],
    expect: str | None,
    allow_waiting: bool,
    journal: str | None,
    output_format: str,
) -> int:
    """Write a saved plan (FILE), or plan the mappings in DIR afresh and write that.

    A saved plan is checked first: if anything it expects has changed since, a newer Sophos month than the one
    of its quantities has closed, or it is older than guards.planAge, nothing is written (exit 5); the guards
    that it carries are computed again (exit 3). One that was made with --since is written
    without the changes that wait anyway.

    With --within, DIR is planned afresh. What a reviewed plan has with the same values is written; a quantity
    that only usage moved is left to the usage run; any other difference stops the run before its first write
    (exit 5). With --expect, a plan of another hash is not written (exit 5).

    What is written is recorded in a journal, line by line before and after each change; `show` reads it, and
    `rollback` makes a plan of it that takes the run back.

    The first Ctrl-C or SIGTERM lets the requests in flight finish and reports; the second one stops at once.
    """
    from reconciler.cli.applying import Record, report
    from reconciler.cli.plan import exit_code

    saved = _is_saved(source)
    _refuse_what_does_not_go_together(saved, scope, within, yes=yes, unattended=unattended)
    within = _plan_files(within)
    run = _planned(runtime, source, scope, within, saved=saved, unattended=unattended)
    made = run.plan
    if output_format == "text":
        _show(runtime, run, was_read=saved and yes)
    if run.is_another_than(expect) or run.is_refused or run.outdated is not None:
        report(runtime, run, output_format)
        return run.exit_code(exit_codes.STALE)
    if made.ready and not (yes or unattended) and not _agreed(runtime, made, reviewed=saved or bool(within)):
        runtime.stderr.write("Nothing was written.\n")
        return exit_codes.DONE
    record = Record(journal, None if saved else source)
    _carry_out(runtime, run, record, output_format, check_first=saved)
    return run.exit_code(exit_code(made, detailed=False), allow_waiting=allow_waiting)


def _is_saved(source: Path) -> bool:
    """Whether it is a saved plan, and not a folder. Raises ReconcilerError for what is not there."""
    from reconciler.model.diagnostics import ReconcilerError, error

    if not source.exists():
        raise ReconcilerError(
            error(
                "nothing-there",
                f"There is neither a saved plan nor a folder of the name {source}.",
                "Name a plan that `plan --out FILE` saved, or the folder that holds the mappings.",
            )
        )
    return not source.is_dir()


def _carry_out(runtime: Runtime, run: Run, record: Record, output_format: str, *, check_first: bool) -> None:
    from reconciler.cli.applying import report, reported_even_so, write
    from reconciler.cli.stopping import patiently

    with patiently(runtime) as run.stop:
        if run.plan.ready:
            with reported_even_so(runtime, run, output_format):
                write(runtime, run, record, check_first=check_first, quiet=output_format == "json")
        report(runtime, run, output_format)


def _planned(
    runtime: Runtime, source: Path, scope: str, within: tuple[Path, ...], *, saved: bool, unattended: bool
) -> Run:
    """What is to be written: a saved plan, a fresh one, or what of a fresh one was reviewed."""
    from reconciler.cli.applying import Run, too_old
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.plan_files import read_plan
    from reconciler.cli.site import How, refuse_another_site, survey
    from reconciler.planning.plan import Scope, guarded
    from reconciler.planning.within import compare

    if saved:
        made = read_plan(source)
        return Run(guarded(made, saved=True), outdated=too_old(made, runtime.now()))
    reviewed = [read_plan(file) for file in within]
    head = read_configuration(runtime, source)
    made = survey(runtime, head, how=How(scope=Scope(scope), unattended=unattended)).plan
    if not within:
        return Run(guarded(made))
    for one in reviewed:
        refuse_another_site(one, made)
    limit = head.desired.settings.guards.line_change
    compared = compare(made, reviewed, limit=limit, scope=Scope(scope))
    return Run(guarded(compared.plan), within=compared)


def _show(runtime: Runtime, run: Run, *, was_read: bool) -> None:
    """What is about to be written, told before anything is: an output that takes nothing ends it here.

    A plan that was read before is told in short, unless a guard stops it now: what that stopped must be seen.
    """
    from reconciler.cli.plan import exit_code, show_plan

    short = was_read and exit_code(run.plan, detailed=False) != exit_codes.STOPPED
    show_plan(runtime, run.plan, "summary" if short else "text")
    if run.is_refused and run.within is not None:
        for one in run.within.reviewed:
            runtime.out().print(f"\nReviewed ({one.hash}):", style="bold")
            show_plan(runtime, one, "text")
    runtime.stdout.flush()


def _plan_files(within: tuple[Path, ...]) -> tuple[Path, ...]:
    """The files of `--within`, those of its folders by name. Raises UsageError for a folder without any.

    A name that is not there and does not end as a plan's does is taken for a folder's.
    """
    found: list[Path] = []
    for path in within:
        if path.is_file() or (path.name.endswith(_PLANS) and not path.is_dir()):
            found.append(path)
            continue
        plans = sorted(one for one in path.iterdir() if one.name.endswith(_PLANS)) if path.is_dir() else []
        if not plans:
            none = "the folder has no *.json and no *.json.gz in it"
            what = none if path.is_dir() else "there is no such file or folder"
            raise click.UsageError(f"--within {path}: {what}. Name the reviewed plans.")
        found += plans
    return tuple(found)


def _refuse_what_does_not_go_together(
    saved: bool, scope: str, within: tuple[Path, ...], *, yes: bool, unattended: bool
) -> None:
    """Raises UsageError."""
    if saved and scope != "all":
        raise click.UsageError(
            f"A saved plan is written as it was reviewed: make it with `plan --scope {scope} --out FILE`."
        )
    if saved and within:
        raise click.UsageError("A saved plan is written as it is: --within is for a folder.")
    if within and unattended:
        raise click.UsageError("What --within writes was reviewed: say --yes instead of --unattended.")
    if unattended:
        _refuse_beside_unattended(saved, yes)


def _refuse_beside_unattended(saved: bool, yes: bool) -> None:
    """Raises UsageError for what `--unattended` cannot go with."""
    if saved:
        raise click.UsageError(
            "A saved plan was reviewed and is written as it is: --unattended is for a folder. Say --yes."
        )
    if yes:
        raise click.UsageError(
            "--unattended writes without asking already, by stricter rules than --yes: say one of them."
        )


def _agreed(runtime: Runtime, made: Plan, *, reviewed: bool) -> bool:
    """Whether the person at the terminal says so; `reviewed` is a plan that --unattended does not go with."""
    if not runtime.stdin.isatty():
        schedule = "" if reviewed else ", or --unattended in a schedule"
        raise click.UsageError(f"Nobody is here to ask: say --yes to write this plan{schedule}.")
    count = len(made.ready)
    return click.confirm(
        f"\nWrite {'this change' if count == 1 else f'these {count} changes'}?", default=False
    )

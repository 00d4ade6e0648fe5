"""`reconciler plan`: what would be written, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import (
    SEPARATORS,
    customers_option,
    folder_anyhow,
    format_option,
    period_option,
    products_option,
    refuse_workbook_on_terminal,
    report_option,
    scope_option,
    separator_option,
    since_option,
    unattended_option,
    usage_file_option,
    write_report,
)
from reconciler.model.counts import number_of

if TYPE_CHECKING:
    from reconciler.cli.configuration import Configuration
    from reconciler.cli.runtime import Runtime
    from reconciler.model.months import Month
    from reconciler.model.plan import Plan

_OUT = "Save it for `apply FILE`, packed where the name ends in .gz."


@click.command()
@folder_anyhow
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help=_OUT)
@usage_file_option
@since_option
@click.option("--new-site", is_flag=True, help="With --since: where DIR is not there, the site is new.")
@period_option
@scope_option
@unattended_option("Show what `apply --unattended` would write: what a schedule may not do is withheld.")
@products_option
@customers_option
@format_option("text", "markdown", "json", "csv", "xlsx")
@report_option
@separator_option
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 for changes and nothing worse.")
@click.pass_obj
def plan(
    runtime: Runtime,
    folder: Path,
    out: Path | None,
    usage_file: Path | None,
    since: Path | None,
    new_site: bool,
    period: Month | None,
    scope: str,
    unattended: bool,
    products: tuple[str, ...],
    customers: tuple[str, ...],
    output_format: str,
    report: Path | None,
    separator: str,
    detailed_exitcode: bool,
) -> int:
    """Compare the mappings in DIR with ConnectWise and Sophos and show every change. Writes nothing."""
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.files import read_usage
    from reconciler.cli.narrowing import narrowed
    from reconciler.cli.plan_files import write_plan
    from reconciler.cli.site import How, survey
    from reconciler.planning.plan import Scope, guarded

    refuse_workbook_on_terminal(runtime, output_format, report)
    head = read_configuration(runtime, folder)
    base = None if since is None else _base(runtime, since, new=new_site)
    frozen = None if usage_file is None else read_usage(usage_file)
    how = How(period, Scope(scope), frozen, unattended)
    made = guarded(narrowed(survey(runtime, head, base, how).plan, head.desired, products, customers))
    try:
        if out is not None:
            write_plan(out, made)
    finally:  # a disk that is full costs the file, not the look at the plan
        show_plan(runtime, made, output_format, report=report, separator=separator)
    if out is not None:
        runtime.stderr.write(saved_text(made, out, folder))
    code = exit_code(made, detailed=detailed_exitcode)
    runtime.stderr.write(verdict_text(made, code))
    return code


def saved_text(made: Plan, out: Path, folder: Path | None = None) -> str:
    """Where the plan is, what applying the file leaves alone, and how its withheld lines get through.

    `folder` is the one that was planned; a plan of no folder has no line that waits for a yes.
    """
    from shlex import quote

    waiting = len(made.waiting)
    more = ""
    if waiting:
        what = "the change that waits" if waiting == 1 else f"the {waiting} changes that wait"
        more = f" It leaves {what} anyway alone; a plan without --since writes those too."
    if made.period is not None and not made.period.closed and made.lines:
        more += " Its lines are a forecast and are not written."
    saved, approve = f"Saved to {out}, hash {made.hash}.", _how_to_approve(made, out, folder)
    if not made.ready:
        return f"{saved} Nothing of it can be applied.{more}\n{approve}"
    if _is_older(made):
        return (
            f"{saved} Not to be applied once a newer month has closed: leave --period out for that.{more}\n"
            f"{approve}"
        )
    return f"{saved}{more} Apply exactly this with: reconciler apply {quote(str(out))}\n{approve}"


def _how_to_approve(made: Plan, out: Path, folder: Path | None) -> str:
    """The command that says yes to withheld lines, for the folder that was planned."""
    from shlex import quote

    from reconciler.model.approving import asked

    if folder is None or not asked(made):
        return ""
    there = "" if folder == Path("mappings") else f" {quote(str(folder))}"
    return f"To let withheld lines through: reconciler approve {quote(str(out))}{there}\n"


def _is_older(made: Plan) -> bool:
    """Whether apply refuses it for its month; a plan that writes no line is not refused."""
    of_lines = any(change.target.agreement is not None for change in made.ready)
    return of_lines and any(d.code == "older-month" for d in made.diagnostics)


def _base(runtime: Runtime, folder: Path, *, new: bool) -> Configuration | None:
    """The base commit's configuration; a broken one cannot stop the change that mends it.

    Raises UsageError where there is no such folder and the site cannot be new: then it is a slip, and nothing
    would be told apart.
    """
    from reconciler.cli.configuration import read_configuration
    from reconciler.model.diagnostics import ReconcilerError, warning
    from reconciler.reporting.diagnostics import print_diagnostics

    if new and not folder.exists():
        runtime.stderr.write("The site is new: everything in its plan is of this change.\n")
        return None
    if not folder.is_dir():
        raise click.UsageError(
            f"--since {folder}: there is no such folder. Name the folder of mappings as it was before the "
            "change, for instance of `git worktree add ../base main`."
        )
    try:
        return read_configuration(runtime, folder, dated=False)
    except ReconcilerError as wrong:
        told = warning(
            "base-invalid",
            f"The base in {folder} is not valid ({wrong.diagnostics[0].message}), so nothing is told apart "
            "as waiting.",
            "Nothing to do if this change mends it.",
        )
        print_diagnostics(runtime.err(), [told])
        return None


def show_plan(
    runtime: Runtime,
    made: Plan,
    output_format: str,
    *,
    report: Path | None = None,
    separator: str = "comma",
) -> None:
    """A plan in one of its formats, to stdout or into a file."""
    from reconciler.reporting.plan_text import print_plan, print_summary

    if output_format == "summary":
        print_summary(runtime.out(), made)
    elif output_format == "text" and report is None:
        print_plan(runtime.out(), made)
    else:
        write_report(runtime, _rendered(made, output_format, separator), report)


def _rendered(made: Plan, output_format: str, separator: str) -> bytes:
    from io import StringIO

    from reconciler.cli.plan_files import plan_bytes
    from reconciler.reporting.console import console_for
    from reconciler.reporting.markdown import markdown
    from reconciler.reporting.plan_text import print_plan
    from reconciler.reporting.spreadsheet import csv_text, xlsx_bytes

    if output_format == "xlsx":
        return xlsx_bytes(made)
    if output_format == "csv":
        return csv_text(made, separator=SEPARATORS[separator], bom=True).encode()
    if output_format == "json":
        return plan_bytes(made, packed=False)
    if output_format == "markdown":
        return markdown(made).encode()
    text = StringIO()
    print_plan(console_for(text, {}), made)
    return text.getvalue().encode()


def verdict_text(made: Plan, code: int) -> str:
    """The last line of a plan that is not simply good: its exit code, and because of how many of what."""
    if code not in (exit_codes.PARTLY, exit_codes.STOPPED):
        return ""
    if code == exit_codes.STOPPED:
        stop = "stop" if " and " in _stopped_by(made) else "stops"
        return f"Exit code {code}: {_stopped_by(made)} {stop} the whole run. Nothing can be written.\n"
    said = _reasons(made)
    because = " and ".join(filter(None, (", ".join(said[:-1]), *said[-1:])))
    rest = "Nothing can be written."
    if made.ready:
        rest = f"Nothing of this is written; {number_of(len(made.ready), 'other change')} can be."
    return f"Exit code {code} because of {because}. {rest}\n"


def _stopped_by(made: Plan) -> str:
    """The guards of the run; how many lines and changes they hold back is what each of them says."""
    from reconciler.model.diagnostics import Severity
    from reconciler.planning.lines.guards import RUN_GUARDS

    codes = [d.code for d in made.diagnostics if d.severity is Severity.ERROR and d.code in RUN_GUARDS]
    return " and ".join(dict.fromkeys(codes))


def _reasons(made: Plan) -> list[str]:
    """What keeps a plan from being simply good: how many of what."""
    from reconciler.model.diagnostics import Severity
    from reconciler.model.unsettled import OPEN_ACCOUNTS, unsettled

    errors = [d.code for d in made.diagnostics if d.severity is Severity.ERROR]
    named = ", ".join(dict.fromkeys(errors))
    found = [f"{number_of(len(errors), 'error')} ({named})"] if errors else []
    counts = unsettled(made).counts
    # that accounts are open is no reason of its own where an error or what is held back says why
    found += [] if counts == [OPEN_ACCOUNTS] and (errors or made.blocked) else counts
    return [*found, f"{number_of(len(made.blocked), 'change')} held back"] if made.blocked else found


def exit_code(made: Plan, *, detailed: bool) -> int:
    """What a plan says to a script."""
    from reconciler.model.diagnostics import Severity, has_errors
    from reconciler.model.verdict import is_settled
    from reconciler.planning.lines.guards import RUN_GUARDS

    if any(d.code in RUN_GUARDS and d.severity is Severity.ERROR for d in made.diagnostics):
        return exit_codes.STOPPED
    if made.blocked or not is_settled(made) or has_errors(made.diagnostics):
        return exit_codes.PARTLY
    return exit_codes.CHANGES if detailed and made.ready else exit_codes.DONE

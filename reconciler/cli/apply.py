"""`reconciler apply`: writes a plan, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import format_option, scope_option, unattended_option, yes_option

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.plan import Plan


@click.command()
@click.argument("source", metavar="FILE|DIR", default="mappings", type=click.Path(path_type=Path))
@scope_option
@yes_option
@unattended_option(
    "For a schedule: write without asking, by the stricter rules of a run that nobody reviews. DIR only."
)
@format_option("text", "json")
@click.pass_obj
def apply(runtime: Runtime, source: Path, scope: str, yes: bool, unattended: bool, output_format: str) -> int:
    """Write a saved plan (FILE), or plan the mappings in DIR afresh and write that.

    A saved plan is checked first: if anything it expects has changed since, a newer Sophos month than the one
    of its quantities has closed, or it is older than guards.planAge, nothing is written (exit 5); the guards
    that it carries are computed again (exit 3). One that was made with --since is written
    without the changes that wait anyway.
    The first Ctrl-C lets the requests in flight finish and reports; the second one stops at once.
    """
    from reconciler.cli.applying import Run, report, reported_even_so, too_old, write
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.files import read_plan
    from reconciler.cli.plan import exit_code, show_plan
    from reconciler.cli.site import How, survey
    from reconciler.planning.plan import Scope, guarded

    saved = source.is_file() or (source.suffix == ".json" and not source.is_dir())
    if saved and scope != "all":
        raise click.UsageError(
            f"A saved plan is written as it was reviewed: make it with `plan --scope {scope} --out FILE`."
        )
    if unattended:
        _refuse_beside_unattended(saved, yes)
    how = How(scope=Scope(scope), unattended=unattended)
    made = read_plan(source) if saved else survey(runtime, read_configuration(runtime, source), how=how).plan
    made = guarded(made, saved=saved)
    if output_format == "text":
        show_plan(runtime, made, "summary" if saved and yes else "text")
    run = Run(made)
    if saved:
        run.outdated = too_old(made, runtime.now())
    writes = bool(made.ready) and run.outdated is None
    if writes and not (yes or unattended) and not _agreed(runtime, made):
        runtime.stderr.write("Nothing was written.\n")
        return exit_codes.DONE
    if writes:
        with reported_even_so(runtime, run, output_format):
            write(runtime, run, check_first=saved, quiet=output_format == "json")
    report(runtime, run, output_format)
    return run.exit_code(exit_code(made, detailed=False))


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


def _agreed(runtime: Runtime, made: Plan) -> bool:
    if not runtime.stdin.isatty():
        raise click.UsageError(
            "Nobody is here to ask: say --yes to write this plan, or --unattended in a schedule."
        )
    count = len(made.ready)
    return click.confirm(
        f"\nWrite {'this change' if count == 1 else f'these {count} changes'}?", default=False
    )

"""`reconciler apply`: writes a plan, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import format_option, scope_option, yes_option

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.plan import Plan


@click.command()
@click.argument("source", metavar="FILE|DIR", default="mappings", type=click.Path(path_type=Path))
@scope_option
@yes_option
@format_option("text", "json")
@click.pass_obj
def apply(runtime: Runtime, source: Path, scope: str, yes: bool, output_format: str) -> int:
    """Write a saved plan (FILE), or plan the mappings in DIR afresh and write that.

    A saved plan is checked first: if anything it expects has changed since, or a newer Sophos month than the
    one of its quantities has closed, nothing is written (exit 5). One that was made with --since is written
    without the changes that wait anyway.
    The first Ctrl-C lets the requests in flight finish and reports; the second one stops at once.
    """
    from reconciler.cli.applying import Run, report, reported_even_so, write
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.files import read_plan
    from reconciler.cli.plan import exit_code, show_plan
    from reconciler.cli.site import survey
    from reconciler.planning.plan import Scope

    saved = source.is_file() or (source.suffix == ".json" and not source.is_dir())
    if saved and scope != "all":
        raise click.UsageError(
            f"A saved plan is written as it was reviewed: make it with `plan --scope {scope} --out FILE`."
        )
    made = (
        read_plan(source)
        if saved
        else survey(runtime, read_configuration(runtime, source), scope=Scope(scope)).plan
    )
    if output_format == "text":
        show_plan(runtime, made, "summary" if saved and yes else "text")
    if made.ready and not yes and not _agreed(runtime, made):
        runtime.stderr.write("Nothing was written.\n")
        return exit_codes.DONE
    run = Run(made)
    if made.ready:
        with reported_even_so(runtime, run, output_format):
            write(runtime, run, check_first=saved, quiet=output_format == "json")
    report(runtime, run, output_format)
    return run.exit_code(exit_code(made, detailed=False))


def _agreed(runtime: Runtime, made: Plan) -> bool:
    if not runtime.stdin.isatty():
        raise click.UsageError("Nobody is here to ask: say --yes to write this plan.")
    count = len(made.ready)
    return click.confirm(
        f"\nWrite {'this change' if count == 1 else f'these {count} changes'}?", default=False
    )

"""`reconciler plan`: what would be written, and why."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import (
    folder_argument,
    format_option,
    period_option,
    products_option,
    scope_option,
)

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.months import Month
    from reconciler.model.plan import Plan


@click.command()
@folder_argument
@click.option(
    "--out", metavar="FILE", type=click.Path(path_type=Path), help="Save the plan for `apply FILE`."
)
@click.option(
    "--since",
    metavar="DIR",
    type=click.Path(path_type=Path),
    help="The base commit's folder: shows what comes from this change and counts what is waiting anyway.",
)
@period_option
@scope_option
@products_option
@format_option("text", "json")
@click.option(
    "--detailed-exitcode", is_flag=True, help="Exit with 2 where there are changes and nothing worse."
)
@click.pass_obj
def plan(
    runtime: Runtime,
    folder: Path,
    out: Path | None,
    since: Path | None,
    period: Month | None,
    scope: str,
    products: tuple[str, ...],
    output_format: str,
    detailed_exitcode: bool,
) -> int:
    """Compare the mappings in DIR with ConnectWise and Sophos and show every change. Writes nothing."""
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.files import plan_json, write_text
    from reconciler.cli.site import survey
    from reconciler.planning.plan import Scope, only_products

    head = read_configuration(runtime, folder)
    base = None if since is None else read_configuration(runtime, since)
    made = survey(runtime, head, base, period=period, scope=Scope(scope)).plan
    if products:
        made = only_products(made, products)
    if out is not None:
        write_text(out, plan_json(made))
    show_plan(runtime, made, output_format)
    if out is not None and output_format == "text":
        runtime.stderr.write(f"Saved to {out}. Apply exactly this with: reconciler apply {out}\n")
    return exit_code(made, detailed=detailed_exitcode)


def show_plan(runtime: Runtime, made: Plan, output_format: str) -> None:
    """A plan in one of its formats."""
    from reconciler.cli.files import plan_json
    from reconciler.reporting.plan_text import print_plan, print_summary

    if output_format == "json":
        runtime.stdout.write(plan_json(made))
    elif output_format == "summary":
        print_summary(runtime.out(), made)
    else:
        print_plan(runtime.out(), made)


def exit_code(made: Plan, *, detailed: bool) -> int:
    """What a plan says to a script."""
    from reconciler.model.diagnostics import has_errors
    from reconciler.planning.guards import RUN_GUARDS

    if any(d.code in RUN_GUARDS for d in made.diagnostics):
        return exit_codes.STOPPED
    if made.blocked or has_errors(made.diagnostics):
        return exit_codes.PARTLY
    return exit_codes.CHANGES if detailed and made.changes else exit_codes.DONE

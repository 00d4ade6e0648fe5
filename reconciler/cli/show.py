"""`reconciler show`: a saved plan, again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import format_option, report_option, separator_option

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@format_option("text", "markdown", "json", "csv", "xlsx")
@report_option
@separator_option
@click.pass_obj
def show(runtime: Runtime, file: Path, output_format: str, report: Path | None, separator: str) -> int:
    """Show a saved plan, in any format. Needs no credentials."""
    from reconciler.cli.files import read_plan
    from reconciler.cli.plan import show_plan

    show_plan(runtime, read_plan(file), output_format, report=report, separator=separator)
    return exit_codes.DONE

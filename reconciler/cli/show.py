"""`reconciler show`: a saved plan again, or what a run wrote."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import format_option, report_option, separator_option, write_report

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.journal import Journal


@click.command()
@click.argument("file", type=click.Path(path_type=Path))
@format_option("text", "markdown", "json", "csv", "xlsx")
@report_option
@separator_option
@click.pass_obj
def show(runtime: Runtime, file: Path, output_format: str, report: Path | None, separator: str) -> int:
    """Show a saved plan in any format, or a journal as text or json. Needs no credentials.

    Of a journal: what the run wrote, what it may have written, what it did not, and whether it came to its
    end.
    """
    from reconciler.cli.files import is_journal, read_journal
    from reconciler.cli.plan import show_plan
    from reconciler.cli.plan_files import read_plan

    if is_journal(file):
        if output_format not in ("text", "json"):
            raise click.UsageError("A journal is shown as text or json.")
        _show_journal(runtime, read_journal(file), output_format, report)
        return exit_codes.DONE
    # As JSON it would be a plan of this format, which nobody made.
    made = read_plan(file, older=output_format != "json")
    show_plan(runtime, made, output_format, report=report, separator=separator)
    return exit_codes.DONE


def _show_journal(runtime: Runtime, journal: Journal, output_format: str, report: Path | None) -> None:
    from io import StringIO

    from reconciler.reporting.console import console_for
    from reconciler.reporting.journal_text import journal_json, print_journal

    if output_format == "json":
        write_report(runtime, journal_json(journal).encode(), report)
    elif report is None:
        print_journal(runtime.out(), journal)
    else:
        shown = StringIO()
        print_journal(console_for(shown, {}), journal)
        write_report(runtime, shown.getvalue().encode(), report)

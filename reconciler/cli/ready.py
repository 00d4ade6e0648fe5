"""`reconciler ready`: may invoices be made?"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import folder_anyhow, format_option

if TYPE_CHECKING:
    from pathlib import Path

    from reconciler.cli.runtime import Runtime
    from reconciler.model.desired import Desired


@click.command()
@click.option(
    "--invoice-date",
    metavar="YYYY-MM-DD",
    default="",
    help="The date of the invoices; the first of next month unless given, or given empty.",
)
@folder_anyhow
@format_option("text", "json")
@click.pass_obj
def ready(runtime: Runtime, invoice_date: str, folder: Path, output_format: str) -> int:
    """Say whether invoices of a date may be made: yes, with how long that holds, or no, with the reasons.

    Plans afresh and writes nothing. Exit code 0 is yes, 4 is no. What the journals of earlier runs leave to
    be done by hand is repeated until the line's next invoice; it stops nothing.
    """
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.left_by_hand import left_by_hand, recorded
    from reconciler.cli.site import survey
    from reconciler.model.months import Month
    from reconciler.planning.plan import guarded
    from reconciler.planning.ready import ready as judge
    from reconciler.reporting.ready_text import print_ready, ready_json

    asked = _day(invoice_date) if invoice_date else None
    head = read_configuration(runtime, folder)
    made = guarded(survey(runtime, head).plan)
    day = asked or Month.of(date.fromisoformat(made.today)).next().first_day
    verdict = judge(made, day, shadow=_nobody_is_live(head.desired))
    left = left_by_hand(made, recorded(runtime.journals))
    verdict = replace(verdict, remarks=(*verdict.remarks, *left))
    if output_format == "json":
        runtime.stdout.write(ready_json(verdict))
    else:
        print_ready(runtime.out(), verdict)
    return exit_codes.DONE if verdict.yes else exit_codes.PARTLY


def _nobody_is_live(desired: Desired) -> bool:
    """Whether the site is in shadow and no customer's own row says otherwise."""
    modes = {customer.mode for customer in desired.customers}
    return desired.settings.mode == "shadow" and "live" not in modes


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise click.UsageError(f"--invoice-date {text}: write the date as YYYY-MM-DD.") from None

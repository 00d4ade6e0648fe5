"""`reconciler score`: an old plan against what people did since."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import SEPARATORS, format_option, report_option, separator_option, write_report

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.billing import Line
    from reconciler.model.plan import Plan


@click.command()
@click.argument("plan", metavar="PLAN", type=click.Path(path_type=Path))
@format_option("text", "json", "csv")
@report_option
@separator_option
@click.pass_obj
def score(runtime: Runtime, plan: Path, output_format: str, report: Path | None, separator: str) -> int:
    """Compare an old plan with the lines as they are now, per customer.

    Sophos's bill, what this tool would have written, what the line says, and which of them differ: the
    proof to look at before `mode: live`. Reads ConnectWise only and writes nothing.
    """
    from io import StringIO

    from reconciler.cli.plan_files import read_plan
    from reconciler.planning.score import score as judge
    from reconciler.reporting.console import console_for
    from reconciler.reporting.score_text import print_score, score_csv, score_json

    old = read_plan(plan)
    found = judge(old, _lines_now(runtime, old))
    if output_format == "text" and report is None:
        print_score(runtime.out(), found)
    elif output_format == "text":
        shown = StringIO()
        print_score(console_for(shown, {}), found)
        write_report(runtime, shown.getvalue().encode(), report)
    elif output_format == "csv":
        content = score_csv(found, separator=SEPARATORS[separator], bom=True)
        write_report(runtime, content.encode(), report)
    else:
        write_report(runtime, score_json(found).encode(), report)
    return exit_codes.DONE


def _lines_now(runtime: Runtime, old: Plan) -> dict[int, Line]:
    from contextlib import AsyncExitStack

    from reconciler.cli.site import connect_connectwise, progress, refuse_another_instance
    from reconciler.cli.waiting import run_to_its_end
    from reconciler.connectwise.additions import read_lines
    from reconciler.model.diagnostics import ReconcilerError

    agreements = {line.agreement_id for line in old.lines if line.agreement_id is not None}
    agreements |= {one.agreement_id for line in old.lines for one in line.takes_over}

    async def read() -> dict[int, Line]:
        async with AsyncExitStack() as stack:
            client = await connect_connectwise(stack, runtime, write=False)
            here = {"connectwiseHost": client.host, "connectwiseCompany": client.company}
            refuse_another_instance(old, here)
            found = await read_lines(client, agreements, since=date.fromisoformat(old.today))
            if found.failed:
                raise ReconcilerError(found.failed.values())
            return {line.id: line for lines in found.lines.values() for line in lines}

    with progress(runtime, "Reading ConnectWise"):
        return run_to_its_end(read())

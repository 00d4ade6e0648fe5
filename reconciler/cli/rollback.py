"""`reconciler rollback`: a plan that takes a run back, from its journal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli.options import format_option

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.journal import Journal
    from reconciler.model.plan import Plan


@click.command()
@click.argument("journal", metavar="JOURNAL", type=click.Path(path_type=Path))
@click.option("--out", metavar="FILE", type=click.Path(path_type=Path), help="Save it for `apply FILE`.")
@format_option("text", "json")
@click.pass_obj
def rollback(runtime: Runtime, journal: Path, out: Path | None, output_format: str) -> int:
    """Plan what takes the run of a JOURNAL back. Reads ConnectWise only and writes nothing.

    Former values come back where nobody has changed them since; what somebody has changed, and what cannot be
    restored, is said (exit 4). The plan is reviewed and applied like any other. Mind that the next apply of
    the mappings follows the YAML again.
    """
    from reconciler.cli.files import read_journal
    from reconciler.cli.plan import exit_code, saved_text, show_plan, verdict_text
    from reconciler.cli.plan_files import write_plan

    made = _made(runtime, read_journal(journal))
    if out is not None:
        write_plan(out, made)
    show_plan(runtime, made, output_format)
    if out is not None:
        runtime.stderr.write(saved_text(made, out))
    code = exit_code(made, detailed=False)
    runtime.stderr.write(verdict_text(made, code))
    return code


def _made(runtime: Runtime, journal: Journal) -> Plan:
    from contextlib import AsyncExitStack
    from datetime import UTC

    from reconciler.cli.site import TOOL, connect_connectwise, progress, refuse_another_instance
    from reconciler.cli.waiting import run_to_its_end
    from reconciler.observation.present import read_present
    from reconciler.planning.rollback.plan import Setting, empty_rollback, rollback_plan

    setting = Setting(TOOL, runtime.now().astimezone(UTC).date())

    async def read() -> Plan:
        async with AsyncExitStack() as stack:
            client = await connect_connectwise(stack, runtime, write=False)
            here = {"connectwiseHost": client.host, "connectwiseCompany": client.company}
            refuse_another_instance(empty_rollback(journal, setting), here)
            return rollback_plan(journal, await read_present(client, journal), setting)

    with progress(runtime, "Reading ConnectWise"):
        return run_to_its_end(read())

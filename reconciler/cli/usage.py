"""`reconciler usage`: freezes a Sophos month in a file."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes
from reconciler.cli.options import folder_anyhow, period_option
from reconciler.model.counts import number_of
from reconciler.reporting.json_text import json_text

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime
    from reconciler.model.months import Month
    from reconciler.model.observed import Feed


@click.command()
@click.option(
    "--out", metavar="FILE", required=True, type=click.Path(path_type=Path), help="Where it is written."
)
@folder_anyhow
@period_option
@click.pass_obj
def usage(runtime: Runtime, out: Path, folder: Path, period: Month | None) -> int:
    """Freeze what Sophos says now: the bills that a plan needs, the tenants and the firewalls.

    `reconciler plan --usage FILE` plans from it without asking Sophos. It holds customer names and
    quantities, and no contact data; keep it as private as a plan.
    """
    from reconciler.cli.configuration import read_configuration
    from reconciler.cli.files import write_text
    from reconciler.cli.site import TOOL, months_for
    from reconciler.model.usage_file import to_json
    from reconciler.planning.usage.cycles import months_back

    head = read_configuration(runtime, folder)
    months = months_for(head.today, period, lines=True, back=months_back([head.desired]))
    feed = _read(runtime, months)
    document = to_json(
        feed.tenants, feed.usage, feed.firewalls, partner=feed.partner, read_at=feed.read_at, tool=TOOL
    )
    write_text(out, json_text(document))
    held = ", ".join(f"{m.month} {_lines(m.lines)}" for m in feed.usage)
    runtime.out().print(f"Frozen in {out}: {held}; {number_of(len(feed.tenants or ()), 'tenant')}.")
    return exit_codes.DONE


def _lines(lines: tuple[object, ...] | None) -> str:
    return "has no data" if lines is None else f"({number_of(len(lines), 'line')})"


def _read(runtime: Runtime, months: tuple[Month, ...]) -> Feed:
    """The feed, whole: a part that cannot be read ends it here. Raises ReconcilerError."""
    from contextlib import AsyncExitStack

    from reconciler.cli.site import connect_sophos, progress
    from reconciler.cli.waiting import run_to_its_end
    from reconciler.model.diagnostics import ReconcilerError
    from reconciler.observation.observe import read_feed

    async def read() -> Feed:
        async with AsyncExitStack() as stack:
            sophos = await connect_sophos(stack, runtime)
            return await read_feed(sophos, months, read_at=runtime.now().isoformat(timespec="seconds"))

    with progress(runtime, "Reading Sophos"):
        feed = run_to_its_end(read())
    if feed.diagnostics:
        raise ReconcilerError(feed.diagnostics)
    return feed

"""`reconciler demo`: the whole job on the sandbox, each step shown as the command it is."""

from __future__ import annotations

from contextlib import chdir
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reconciler.cli import exit_codes

if TYPE_CHECKING:
    from reconciler.cli.runtime import Runtime

#: The day the demo plays on, so that its output is the same on every day: October's bill is closed.
_DEMO_DAY = datetime(2026, 11, 12, 9, 0, tzinfo=UTC)
_STEPS = (
    ("The mappings are valid", ["validate", "mappings"], exit_codes.DONE),
    ("What ConnectWise and Sophos hold, compared with them", ["plan", "mappings", "--out", "plan.json"], 0),
    ("Exactly that plan is written", ["apply", "plan.json", "--yes"], exit_codes.DONE),
    ("And nothing is left to do", ["plan", "mappings", "--detailed-exitcode"], exit_codes.DONE),
    ("Each Sophos product and where it stands", ["status"], exit_codes.DONE),
)


@click.command()
@click.pass_obj
def demo(runtime: Runtime) -> int:
    """Watch the real job on a made-up MSP: validate, plan, apply, plan again. Needs no credentials.

    Works in a temporary folder with a copy of the starter mappings; nothing of yours is read or written.
    """
    import shutil
    import tempfile

    from reconciler.cli.resources import data_folder
    from reconciler.cli.sandbox import sandbox_modules

    seed, server = sandbox_modules()
    with (
        tempfile.TemporaryDirectory(prefix="reconciler-demo-") as folder,
        server.running(seed.small_msp(_DEMO_DAY.date()), clock=lambda: _DEMO_DAY) as site,
    ):
        shutil.copytree(data_folder("mappings"), Path(folder) / "mappings")
        inner = replace(runtime, environ={**_colour(runtime), **site.environment}, now=lambda: _DEMO_DAY)
        with chdir(folder):
            return _play(inner)


def _play(runtime: Runtime) -> int:
    from reconciler.cli.main import invoke

    console = runtime.out()
    console.print("A made-up MSP, Harbourlight IT, on a sandbox at " + runtime.environ["CONNECTWISE_URL"])
    for title, arguments, expected in _STEPS:
        console.print(f"\n# {title}", style="bold cyan")
        console.print(f"$ reconciler {' '.join(arguments)}", style="bold")
        code = invoke(arguments, runtime)
        if code != expected:
            console.print(f"This step ended with exit code {code} instead of {expected}.", style="bold red")
            return exit_codes.NO_RESULT
    console.print(
        "\nYour own: copy the starter mappings, set the credentials (docs/credentials.md), run "
        "`reconciler plan`.",
        style="bold",
    )
    return exit_codes.DONE


def _colour(runtime: Runtime) -> dict[str, str]:
    return {"NO_COLOR": runtime.environ["NO_COLOR"]} if runtime.environ.get("NO_COLOR") else {}
